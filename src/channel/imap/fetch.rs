//! What is asked of a folder.

use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response, ResponseCode, StatusAttribute};

use super::config::PARTIAL_BYTES;
use super::folder::internal_date;
use super::link::Link;
use super::names::quoted;
use crate::model::{Fault, Reason};

/// What a server says of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its UIDVALIDITY.
    pub(super) validity: u32,
    /// The UID that the next mail will have, where the server says so.
    pub(super) next: Option<u32>,
}

/// A mail before its content is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    /// Its UID.
    pub(super) uid: u32,
    /// Its size in bytes.
    pub(super) size: u32,
    /// Its INTERNALDATE in seconds since the epoch, where it can be read.
    pub(super) date: Option<i64>,
}

/// Opens a folder; read-only unless mails are to be deleted in it.
pub(super) async fn open(link: &mut Link, name: &str, at: usize, write: bool) -> Result<Extent, Fault> {
    let verb = if write { "SELECT" } else { "EXAMINE" };
    link.selected = None;
    let mut extent = Extent::default();
    let opened = link
        .command(&format!("{verb} {}", quoted(name)), 0, |response| {
            if let Response::Data { outcome, .. } = response {
                match outcome.code {
                    Some(ResponseCode::UidValidity(validity)) => extent.validity = validity,
                    Some(ResponseCode::UidNext(next)) => extent.next = Some(next),
                    _ => {}
                }
            }
        })
        .await;
    opened.map_err(|fault| no_folder(name, fault))?;
    link.selected = Some(at);
    link.news = false;
    if extent.next.is_none() {
        let last = metas(link, "*").await?.iter().map(|m| m.uid).max();
        extent.next = Some(last.map_or(1, |uid| uid.saturating_add(1)));
    }
    Ok(extent)
}

/// Asks for a folder's extent without opening it.
pub(super) async fn status(link: &mut Link, name: &str) -> Result<Extent, Fault> {
    let mut extent = Extent::default();
    let asked = link
        .command(
            &format!("STATUS {} (UIDNEXT UIDVALIDITY)", quoted(name)),
            0,
            |response| {
                if let Response::MailboxData(MailboxDatum::Status { status, .. }) = response {
                    for attribute in status {
                        match attribute {
                            StatusAttribute::UidNext(next) => extent.next = Some(*next),
                            StatusAttribute::UidValidity(validity) => extent.validity = *validity,
                            _ => {}
                        }
                    }
                }
            },
        )
        .await;
    asked.map_err(|fault| no_folder(name, fault))?;
    Ok(extent)
}

/// Lists the mails of a UID range in the open folder, in order.
pub(super) async fn metas(link: &mut Link, range: &str) -> Result<Vec<Meta>, Fault> {
    let mut found = Vec::new();
    link.command(
        &format!("UID FETCH {range} (UID RFC822.SIZE INTERNALDATE)"),
        0,
        |response| {
            if let Response::Fetch(_, attributes) = response {
                let (mut uid, mut size, mut date) = (None, 0, None);
                for attribute in attributes {
                    match attribute {
                        AttributeValue::Uid(n) => uid = Some(*n),
                        AttributeValue::Rfc822Size(n) => size = *n,
                        AttributeValue::InternalDate(text) => date = internal_date(text),
                        _ => {}
                    }
                }
                // A FETCH without a UID is the server's own word of a changed flag.
                found.extend(uid.map(|uid| Meta { uid, size, date }));
            }
        },
    )
    .await?;
    found.sort_by_key(|meta| meta.uid);
    found.dedup_by_key(|meta| meta.uid);
    Ok(found)
}

/// Reads mails whole, or only their beginning. What has been expunged since is missing.
pub(super) async fn bodies(
    link: &mut Link,
    mails: &[Meta],
    partial: bool,
) -> Result<Vec<(Meta, Vec<u8>)>, Fault> {
    let section = if partial {
        format!("BODY.PEEK[]<0.{PARTIAL_BYTES}>")
    } else {
        String::from("BODY.PEEK[]")
    };
    let most = |meta: &Meta| {
        u64::from(if partial {
            meta.size.min(PARTIAL_BYTES)
        } else {
            meta.size
        })
    };
    let expected = mails.iter().map(most).sum();
    let uids: Vec<String> = mails.iter().map(|meta| meta.uid.to_string()).collect();
    let mut found = Vec::new();
    link.command(
        &format!("UID FETCH {} (UID {section})", uids.join(",")),
        expected,
        |response| {
            if let Response::Fetch(_, attributes) = response {
                let mut uid = None;
                let mut body = None;
                for attribute in attributes {
                    match attribute {
                        AttributeValue::Uid(n) => uid = Some(*n),
                        AttributeValue::BodySection { data: Some(data), .. } => body = Some(data.to_vec()),
                        _ => {}
                    }
                }
                let meta = mails.iter().find(|meta| Some(meta.uid) == uid);
                found.extend(meta.copied().zip(body));
            }
        },
    )
    .await?;
    found.sort_by_key(|(meta, _)| meta.uid);
    Ok(found)
}

/// Marks mails as deleted, and removes these alone where the server can.
pub(super) async fn delete(link: &mut Link, uids: &[u32]) -> Result<(), Fault> {
    let set: Vec<String> = uids.iter().map(u32::to_string).collect();
    let set = set.join(",");
    link.command(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"), 0, |_| {})
        .await?;
    if link.can.uidplus {
        link.command(&format!("UID EXPUNGE {set}"), 0, |_| {}).await?;
    }
    Ok(())
}

fn no_folder(name: &str, fault: Fault) -> Fault {
    if fault.reason == Reason::Status {
        Fault::new(
            Reason::Status,
            format!(
                "the folder `{name}` cannot be opened: {}; create it or take it out of `folders`",
                fault.message
            ),
        )
    } else {
        fault
    }
}
