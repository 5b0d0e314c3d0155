//! Phone numbers to E.164, by Google's numbering data. A number is never guessed into a country.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

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
    if let Some(number) = plain(text) {
        return Some(number);
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

/// The codes of countries in which a number that is written with them, and goes on with another digit than zero, has
/// nothing in it that would have to go.
const PLAIN: [&str; 6] = ["34", "351", "376", "40", "44", "46"];

/// The same for `+`, one of these codes and digits with spaces or hyphens between, as most numbers are kept: only whether
/// the number is valid is asked, which takes a fraction of the time. None where it is not, or not written so.
fn plain(text: &str) -> Option<String> {
    let rest = text.strip_prefix('+')?;
    let mut number = String::with_capacity(16);
    number.push('+');
    for byte in rest.bytes() {
        match byte {
            b'0'..=b'9' if number.len() < 16 => number.push(char::from(byte)),
            b' ' | b'-' => {}
            _ => return None,
        }
    }
    let digits = number.get(1..)?;
    let code = PLAIN.into_iter().find(|code| digits.starts_with(code))?;
    let national = digits.get(code.len()..)?;
    // British text relay numbers begin with a prefix that is no part of them.
    if national.starts_with('0') || (code == "44" && national.starts_with("18002")) {
        return None;
    }
    let (country_code, national_number) = (code.parse().ok()?, national.parse().ok()?);
    let is_valid = PhoneNumber { country_code, national_number, ..PhoneNumber::default() }.is_valid();
    is_valid.then_some(number)
}

#[cfg(test)]
mod tests {
    use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

    use super::{PLAIN, e164, plain, region};

    #[test]
    fn what_is_read_plainly_is_what_the_numbering_data_say() {
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut valid = 0;
        for code in PLAIN {
            for _ in 0..1500 {
                let length = 5 + random(8);
                let digits: String = (0..length).map(|_| char::from(b'0' + random(10) as u8)).collect();
                let (start, end) = digits.split_at(random(length) as usize);
                let text = format!("+{code} {start}-{end}");
                let number = PHONE_NUMBER_UTIL.parse(&text, None).ok().filter(|number| number.is_valid());
                let expected = number.map(|number| number.format_as(PhoneNumberFormat::E164).into_owned());
                if let Some(found) = plain(&text) {
                    assert_eq!(Some(&found), expected.as_ref(), "{text}");
                    valid += 1;
                }
                assert_eq!(e164(&text, None), expected, "{text}");
            }
        }
        assert!(valid > 500, "{valid}");
    }

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
