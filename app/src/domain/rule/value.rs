//! Which texts can be read as operands. The data engine reads them into values; here it is only said whether they can be.

use crate::attribute::AttributeType;

/// Can this text be read as an operand of this type?
pub fn is_value_of(text: &str, kind: AttributeType) -> bool {
    let text = text.trim();
    match kind {
        AttributeType::Text => true,
        AttributeType::Integer => text.parse::<i64>().is_ok(),
        AttributeType::Decimal => is_decimal(text),
        AttributeType::Boolean => matches!(text, "true" | "false"),
        AttributeType::Date => text.parse::<jiff::civil::Date>().is_ok(),
        AttributeType::Time => text.parse::<jiff::civil::Time>().is_ok(),
        AttributeType::DateTime => {
            text.parse::<jiff::Timestamp>().is_ok()
                || text.parse::<jiff::civil::DateTime>().is_ok()
                || text.parse::<jiff::civil::Date>().is_ok()
        }
    }
}

/// A plain decimal number: an optional sign, digits, and at most [`AttributeType::DECIMAL_SCALE`] digits after a point.
pub fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let scale = AttributeType::DECIMAL_SCALE.unsigned_abs() as usize;
    !(whole.is_empty() && fraction.is_empty())
        && all_digits(whole)
        && all_digits(fraction)
        && fraction.trim_end_matches('0').len() <= scale
        && whole.trim_start_matches('0').len() <= 38 - scale
}
