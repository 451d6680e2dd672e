//! Numbers as drawings write them.

/// A coordinate to a tenth, without a needless zero; what is no number is 0, so that no drawing breaks.
pub(super) fn tenth(value: f64) -> String {
    rounded(value, 1)
}

/// A place from 0 to 1 as a percentage of the width, to a hundredth.
pub(super) fn across(place: f64) -> String {
    format!("{}%", rounded(place * 100.0, 2))
}

fn rounded(value: f64, digits: usize) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" | "" => String::from("0"),
        text => text.to_owned(),
    }
}

/// A count with its thousands set apart: `12,000`.
pub(super) fn grouped(value: f64) -> String {
    let plain = format!("{value:.0}");
    let (sign, digits) = plain
        .strip_prefix('-')
        .map_or(("", plain.as_str()), |rest| ("-", rest));
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(tenth(12.04), "12");
        assert_eq!(tenth(-0.04), "0");
        assert_eq!(tenth(f64::NAN), "0");
        assert_eq!(tenth(100.0), "100");
        assert_eq!(across(0.12345), "12.35%");
        assert_eq!(across(1.0), "100%");
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(-1000.0), "-1,000");
    }
}
