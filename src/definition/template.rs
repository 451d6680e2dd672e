//! Templates.

use super::known::{NamePath, TextError};

/// The dotted names that a template reads.
///
/// # Errors
/// A template that does not compile.
pub fn names(_source: &str) -> Result<Vec<NamePath>, TextError> {
    Ok(Vec::new())
}
