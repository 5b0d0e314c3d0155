//! Values: what a text means as an attribute of some type. The other way round is in [`super::text`].
//!
//! Nothing is rounded and nothing is guessed here: a text is either of the type, exactly, or it is not. In particular a
//! number with leading zeros (`007`) is no number, because as one it would lose them.

use domain::attribute::AttributeType;
use domain::source::{DateOrder, Reading};
use jiff::tz::TimeZone;

use super::moment;

/// A value of any type but text, as a snapshot keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Empty,
    Integer(i64),
    /// In units of 10⁻¹⁰.
    Decimal(i128),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970, UTC, and the offset that was written, in minutes.
    Instant(i64, Option<i16>),
}

/// How values are written in a source.
#[derive(Debug, Clone)]
pub(crate) struct Forms {
    /// The order of day and month where the year does not come first.
    pub order: DateOrder,
    /// A single comma in a number is the decimal point. So it is in files whose fields are not divided by commas.
    pub decimal_comma: bool,
    /// The zone of date-times without an offset.
    pub zone: TimeZone,
}

impl Forms {
    /// The forms of a source; an unknown time zone counts as UTC.
    pub(crate) fn of(reading: &Reading) -> Self {
        Self {
            order: reading.date_order,
            decimal_comma: reading.format == domain::source::Format::Csv && reading.delimiter != ',',
            zone: TimeZone::get(&reading.time_zone).unwrap_or(TimeZone::UTC),
        }
    }

    /// The value of a text that is not empty; none when it is not of the type. Text itself is never read here.
    pub(crate) fn read(&self, kind: AttributeType, text: &str) -> Option<Value> {
        match kind {
            AttributeType::Text => None,
            AttributeType::Integer => integer(text).map(Value::Integer),
            AttributeType::Decimal => decimal(text, self.decimal_comma).map(Value::Decimal),
            AttributeType::Boolean => boolean(text).map(Value::Boolean),
            AttributeType::Date => moment::date(text, self.order).map(|day| Value::Date(moment::days(day))),
            AttributeType::Time => moment::time(text).map(Value::Time),
            AttributeType::DateTime => {
                moment::instant(text, self.order, &self.zone).map(|(at, offset)| Value::Instant(at, offset))
            }
        }
    }
}

/// A whole number without plus sign and leading zeros.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit);
    if is_plain { text.parse().ok() } else { None }
}

/// An exact decimal number in units of 10⁻¹⁰: at most 28 digits before the point and, not counting zeros at the end, 10
/// after it. An exponent is understood (`1.5E+07`); a plus sign, leading zeros and separators of thousands are not.
pub(crate) fn decimal(text: &str, decimal_comma: bool) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) if exponent.len() <= 4 => (mantissa, exponent.parse::<i32>().ok()?),
        Some(_) => return None,
        None => (digits, 0),
    };
    let point = |c: char| c == '.' || (decimal_comma && c == ',');
    let (whole, fraction) = mantissa.split_once(point).unwrap_or((mantissa, ""));
    let leads_with_zero = whole.len() > 1 && whole.starts_with('0');
    if leads_with_zero || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let mut sum: i128 = 0;
    let mut digit_count = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return None;
        }
        if sum != 0 || byte != b'0' {
            digit_count += 1;
            if digit_count > 38 {
                return None;
            }
            sum = sum * 10 + i128::from(byte - b'0');
        }
    }
    let scale = i32::from(AttributeType::DECIMAL_SCALE);
    let mut shift = scale - i32::try_from(fraction.len()).ok()? + exponent;
    while shift < 0 && sum != 0 && sum % 10 == 0 {
        sum /= 10;
        shift += 1;
    }
    if sum == 0 {
        return Some(0);
    }
    let sum = sum.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
    // 38 digits in all.
    (sum < 10_i128.pow(38)).then_some(if negative { -sum } else { sum })
}

/// Words for true and false, in Ferry's six languages.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 9] = ["true", "t", "yes", "y", "1", "sí", "si", "sim", "da"];
    const FALSE: [&str; 9] = ["false", "f", "no", "n", "0", "não", "nao", "nej", "nu"];
    if text.len() > 5 {
        return None;
    }
    let lower = text.to_lowercase();
    if TRUE.contains(&lower.as_str()) || lower == "ja" {
        Some(true)
    } else if FALSE.contains(&lower.as_str()) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{boolean, decimal, integer};

    #[test]
    fn a_number_with_leading_zeros_is_no_number() {
        for text in ["007", "08001", "-01", "00", "01.5", "+34600111222", "", "-", "1 000", "٣"] {
            assert_eq!((integer(text), decimal(text, false)), (None, None), "{text}");
        }
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer("9223372036854775808"), None);
        assert_eq!((integer("0"), integer("-7")), (Some(0), Some(-7)));
    }

    #[test]
    fn a_decimal_is_exact_or_nothing() {
        let unit = 10_i128.pow(10);
        for (text, expected) in [
            ("12.50", Some(125 * unit / 10)),
            (".5", Some(unit / 2)),
            ("-0.0000000001", Some(-1)),
            ("0.00000000010", Some(1)),
            ("0.00000000001", None),
            ("1e3", Some(1000 * unit)),
            ("1.5E+07", Some(15_000_000 * unit)),
            ("120e-12", None),
            ("1200000e-12", Some(12_000)),
            ("9999999999999999999999999999", Some((10_i128.pow(28) - 1) * unit)),
            ("10000000000000000000000000000", None),
            ("1e999", None),
            ("1e-99999", None),
            ("0e99", Some(0)),
            ("1.2.3", None),
            ("1,5", None),
            ("NaN", None),
        ] {
            assert_eq!(decimal(text, false), expected, "{text}");
        }
        assert_eq!(decimal("1,5", true), Some(15 * unit / 10));
        assert_eq!(decimal("1.234,5", true), None);
    }

    #[test]
    fn yes_and_no_are_understood_in_all_six_languages() {
        for text in ["true", "YES", "Sí", "sim", "da", "ja", "1"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["False", "no", "Não", "nu", "nej", "0"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        assert_eq!(boolean("maybe"), None);
    }
}
