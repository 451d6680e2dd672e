//! Folder names as the protocol writes them.

/// A folder's name as a quoted string (RFC 3501 section 4.3), in modified UTF-7.
pub(super) fn quoted(folder: &str) -> String {
    let escaped = utf7(folder).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// Modified UTF-7 (RFC 3501 section 5.1.3).
pub(super) fn utf7(name: &str) -> String {
    use base64::Engine as _;
    use base64::alphabet::IMAP_MUTF7;
    use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
    let mut out = String::new();
    let mut foreign: Vec<u8> = Vec::new();
    let flush = |foreign: &mut Vec<u8>, out: &mut String| {
        if !foreign.is_empty() {
            out.push('&');
            out.push_str(&ENGINE.encode(&*foreign));
            out.push('-');
            foreign.clear();
        }
    };
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut foreign, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            foreign.extend(c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
        }
    }
    flush(&mut foreign, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_quoted_in_modified_utf7() {
        assert_eq!(quoted("INBOX"), "\"INBOX\"");
        assert_eq!(quoted("a\"b\\c & d"), "\"a\\\"b\\\\c &- d\"");
        assert_eq!(quoted("Entwürfe"), "\"Entw&APw-rfe\"");
        assert_eq!(
            quoted("~peter/mail/台北/日本語"),
            "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\""
        );
    }
}
