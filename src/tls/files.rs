//! Certificates and keys in PEM files.

use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::model::{Fault, Reason, Spanned};

/// The longest file that is read. A system's whole bundle of authorities has a quarter of a megabyte.
const FILE_LIMIT: u64 = 4 << 20;

/// The certificates of a file, in its order; at least one. `key` is the setting that names the file.
///
/// # Errors
/// A file that cannot be read, is longer than 4 MiB, is no PEM or holds no certificate.
pub fn certificates(
    root: &Path,
    key: &str,
    file: &Spanned<String>,
) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let pem = read(root, key, file)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(key, file, &format_args!("holds no usable PEM: {error}")))?;
    if all.is_empty() {
        return Err(wrong(key, file, &"holds no certificate in PEM"));
    }
    Ok(all)
}

/// The private key of a file. `key` is the setting that names the file.
///
/// # Errors
/// A file that cannot be read or holds no private key, or one with a password. What is said quotes none of it.
pub fn private_key(root: &Path, key: &str, file: &Spanned<String>) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_slice(&read(root, key, file)?)
        .map_err(|_| wrong(key, file, &"holds no private key in PEM without a password"))
}

fn read(root: &Path, key: &str, file: &Spanned<String>) -> Result<Vec<u8>, Fault> {
    let unread = |error: io::Error| wrong(key, file, &format_args!("cannot be read: {error}"));
    let opened = std::fs::File::open(root.join(&file.value)).map_err(unread)?;
    let mut text = Vec::new();
    let count = opened
        .take(FILE_LIMIT + 1)
        .read_to_end(&mut text)
        .map_err(unread)?;
    if count as u64 > FILE_LIMIT {
        let message = format_args!("is longer than {FILE_LIMIT} bytes, which is no file of certificates");
        return Err(wrong(key, file, &message));
    }
    Ok(text)
}

/// A fault that names the file and the setting.
pub(super) fn wrong(key: &str, file: &Spanned<String>, what: &dyn fmt::Display) -> Fault {
    Fault::new(Reason::Input, format!("`{}` ({key}) {what}", file.value))
}
