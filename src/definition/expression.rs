//! Expressions.

use super::known::{NamePath, TextError};

/// The dotted names that a expression reads.
///
/// # Errors
/// A expression that does not compile.
pub fn names(_source: &str) -> Result<Vec<NamePath>, TextError> {
    Ok(Vec::new())
}
