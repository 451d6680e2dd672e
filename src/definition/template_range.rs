//! A loop that is written to be endless is told at load, not by the first run that its limit stops.

use super::known::TextError;

/// What `range` makes at most; the template engine's own limit.
pub(super) const RANGE_LIMIT: i128 = 100_000;

/// Checks the call whose bracket opens at `bracket`, where it is `range` of whole numbers written out.
///
/// # Errors
/// It would make more than the limit.
pub(super) fn check(source: &str, bracket: usize) -> Result<(), TextError> {
    let before = source[..bracket].trim_end();
    let Some(head) = before.strip_suffix("range") else {
        return Ok(());
    };
    if head.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
        return Ok(());
    }
    let Some(close) = source[bracket..].find(')') else {
        return Ok(());
    };
    let end = bracket + close;
    let Some(count) = count(&source[bracket + 1..end]) else {
        return Ok(());
    };
    if count <= RANGE_LIMIT {
        return Ok(());
    }
    Err(TextError::new(
        head.len()..end + 1,
        format!("`range` would make {count} numbers, over its limit of {RANGE_LIMIT}"),
    ))
}

/// How many numbers it makes; `None` where that is not written out.
fn count(arguments: &str) -> Option<i128> {
    let numbers = arguments
        .split(',')
        .map(|number| number.trim().replace('_', "").parse::<i64>().ok().map(i128::from))
        .collect::<Option<Vec<i128>>>()?;
    let (from, to, step) = match numbers[..] {
        [to] => (0, to, 1),
        [from, to] => (from, to, 1),
        [from, to, step] if step > 0 => (from, to, step),
        _ => return None,
    };
    Some(((to - from + step - 1) / step).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_written_out_are_counted() {
        for (arguments, made) in [
            ("9", Some(9)),
            ("2, 9", Some(7)),
            ("0, 10, 3", Some(4)),
            ("9, 2", Some(0)),
            (" 1_000 ", Some(1000)),
            ("-5, 5", Some(10)),
            ("n", None),
            ("1, 2, 0", None),
            ("", None),
        ] {
            assert_eq!(count(arguments), made, "{arguments}");
        }
    }
}
