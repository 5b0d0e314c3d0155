//! Phone numbers to E.164, by Google's numbering data. A number is never guessed into a country.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// The region of an ISO 3166 alpha-2 code, if numbers can be read for it.
pub(crate) fn region(alpha2: &str) -> Option<Region> {
    alpha2.parse().ok()
}

/// The number as E.164; none where it is no valid number, or where it is a national number and the profile's country is
/// not known.
///
/// A number with `+` or `00` in front stands for itself. `00` is the international prefix of all six languages'
/// countries; without a country it is taken for one too.
pub(crate) fn e164(text: &str, country: Option<Region>) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let international;
    let text = match text.strip_prefix("00") {
        Some(rest) if country.is_none() => {
            international = format!("+{rest}");
            &international
        }
        _ => text,
    };
    let number = PHONE_NUMBER_UTIL.parse(text, country).ok()?;
    if number.extension.as_deref().is_some_and(|extension| !extension.is_empty()) {
        // E.164 has no extensions: without it, the call would reach somebody else.
        return None;
    }
    if !number.is_valid() {
        return None;
    }
    Some(number.format_as(PhoneNumberFormat::E164).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{e164, region};

    #[test]
    fn numbers_become_e164_with_the_profiles_country() {
        for (text, country, expected) in [
            ("612 34 56 78", "ES", "+34612345678"),
            ("+34 612-345-678", "", "+34612345678"),
            ("0034612345678", "", "+34612345678"),
            ("0034 612 345 678", "ES", "+34612345678"),
            ("(+34) 93 412 34 56", "ES", "+34934123456"),
            ("070-174 06 05", "SE", "+46701740605"),
            ("08-465 004 00", "SE", "+46846500400"),
            ("0721 234 567", "RO", "+40721234567"),
            ("021 312 34 56", "RO", "+40213123456"),
            ("912 345 678", "PT", "+351912345678"),
            ("07400 123456", "GB", "+447400123456"),
            ("(212) 736-5000", "US", "+12127365000"),
            ("+46 70 174 06 05", "ES", "+46701740605"),
        ] {
            assert_eq!(e164(text, region(country)).as_deref(), Some(expected), "{text} {country}");
        }
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        for (text, country) in [
            ("", "ES"),
            ("612 34 56 78", ""),
            ("12", "ES"),
            ("n/a", "SE"),
            ("000000000", "ES"),
            ("+34 612", "ES"),
            ("612345678 / 699123456", "ES"),
            ("+999 123 456 789", ""),
            ("(212) 736-5000 x 12", "US"),
        ] {
            assert_eq!(e164(text, region(country)), None, "{text} {country}");
        }
    }
}
