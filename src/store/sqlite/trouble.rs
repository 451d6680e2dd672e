//! What SQLite says, told apart by what can be done about it.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::model::{Fault, Reason};

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No room. The next commit may go through.
    Full,
    /// Another program holds the file. The next commit may go through.
    Busy,
    /// The disk failed: what the connection believes to be on disk may not be there.
    Disk,
    /// The file is damaged.
    Damaged,
    /// It lies in one write, and others are not concerned.
    Write,
}

/// What to do about an error.
pub(super) fn kind(error: &Error) -> Kind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Kind::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Busy,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OutOfMemory
            | ErrorCode::InternalMalfunction,
        ) => Kind::Disk,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Damaged,
        _ => Kind::Write,
    }
}

/// What people are told.
pub(super) fn fault(file: &Path, doing: &str, error: &Error) -> Fault {
    let name = file.display();
    match kind(error) {
        Kind::Full => Fault::new(
            Reason::Store,
            format!(
                "the store `{name}` has no room left ({error} while {doing}): nothing of it was taken; free space on its disk, and writing goes on by itself"
            ),
        ),
        Kind::Busy => Fault::new(
            Reason::Store,
            format!(
                "the store `{name}` is held by another program ({error} while {doing}): close what has the file open for writing, such as an sqlite3 shell in a transaction"
            ),
        ),
        Kind::Disk => Fault::new(
            Reason::Store,
            format!(
                "the disk under the store `{name}` failed ({} while {doing}): nothing of it was taken; the file is reopened and verified before it is used again; look at the disk (`dmesg`) and at the rights of the file",
                extended(error)
            ),
        ),
        Kind::Damaged => damaged(file, &format!("{error} while {doing}")),
        Kind::Write => Fault::new(
            Reason::Internal,
            format!(
                "the store `{name}` refused a write ({error} while {doing}): this is a bug of landfall's"
            ),
        ),
    }
}

/// A file that is not as it was left. Landfall never repairs one: what it would throw away is evidence.
pub(super) fn damaged(file: &Path, what: &str) -> Fault {
    let name = file.display();
    Fault::new(
        Reason::Store,
        format!(
            "the store `{name}` is damaged ({what}): put back a copy made by `landfall backup`, or save what can be read with `sqlite3 {name} .recover | sqlite3 recovered.db` and use that; landfall changes nothing in a damaged file"
        ),
    )
}

fn extended(error: &Error) -> String {
    error.sqlite_error().map_or_else(
        || error.to_string(),
        |e| format!("{error}, SQLite code {}", e.extended_code),
    )
}
