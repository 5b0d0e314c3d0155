//! Numbers as each language writes them.

use crate::texts::Locale;

/// A whole number with its digits in groups of three. Spanish and Portuguese leave four digits together.
pub fn number(language: Locale, value: u64) -> String {
    let (separator, least) = match language {
        Locale::en => (',', 4),
        Locale::ca | Locale::ro => ('.', 4),
        Locale::es => ('.', 5),
        Locale::pt => ('\u{a0}', 5),
        Locale::sv => ('\u{a0}', 4),
    };
    let digits = value.to_string();
    if digits.len() < least {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// A number with one digit after the point; none from a hundred on.
pub fn decimal(language: Locale, value: f64) -> String {
    if value >= 99.95 {
        return number(language, value.round() as u64);
    }
    let text = format!("{value:.1}");
    if language == Locale::en { text } else { text.replace('.', ",") }
}

/// A size in bytes, in the largest unit that it fills; rounded down, so that it promises no more than there is.
pub fn bytes(language: Locale, value: u64) -> String {
    let units = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    let (unit, name) = units.into_iter().find(|(unit, _)| value >= *unit).unwrap_or((1, "B"));
    let (whole, tenths) = (value / unit, value % unit * 10 / unit);
    let size = if tenths == 0 || whole >= 100 {
        number(language, whole)
    } else {
        format!("{whole}{}{tenths}", if language == Locale::en { '.' } else { ',' })
    };
    format!("{size}\u{a0}{name}")
}

/// A share as a whole percentage, never rounded up to 100 before it is all.
pub fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 { 0 } else { (u128::from(part) * 100 / u128::from(whole)).min(100) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_as_the_language_does() {
        assert_eq!(number(Locale::en, 1_234_567), "1,234,567");
        assert_eq!(number(Locale::ro, 1_234), "1.234");
        assert_eq!(number(Locale::es, 1_234), "1234");
        assert_eq!(number(Locale::es, 12_345), "12.345");
        assert_eq!(number(Locale::sv, 1_234), "1\u{a0}234");
        assert_eq!(number(Locale::ca, 999), "999");
    }

    #[test]
    fn the_decimal_sign_is_the_language_s() {
        assert_eq!(decimal(Locale::en, 3.25), "3.2");
        assert_eq!(decimal(Locale::sv, 3.25), "3,2");
        assert_eq!(decimal(Locale::en, 40_000.4), "40,000");
    }

    #[test]
    fn a_size_promises_no_more_than_there_is() {
        assert_eq!(bytes(Locale::en, 10 << 30), "10\u{a0}GB");
        assert_eq!(bytes(Locale::sv, (5 << 20) + (1 << 19) + 1), "5,5\u{a0}MB");
        assert_eq!(bytes(Locale::en, (2 << 10) - 1), "1.9\u{a0}KB");
        assert_eq!(bytes(Locale::en, 12), "12\u{a0}B");
    }

    #[test]
    fn almost_all_is_not_all() {
        assert_eq!(percent(999_999, 1_000_000), 99);
        assert_eq!(percent(5, 0), 0);
        assert_eq!(percent(7, 7), 100);
    }
}
