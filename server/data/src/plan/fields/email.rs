//! E-mail addresses: one spelling for each, and a verdict on whether mail can be sent there.
//!
//! **Spelling.** Outer space goes, then all control and format characters (Unicode Cc and Cf: soft hyphens, zero-width
//! characters, byte order marks, direction marks), which come in with copied text and make the same address look new
//! every time; then Unicode NFC; then lower case. Dots and `+` parts stay: they mean something to some providers. A
//! domain with letters outside ASCII becomes its ASCII form (IDNA, UTS 46), as mail servers ask for it.
//!
//! **Verdict.** A dot-atom before the `@` (RFC 5322, 3.2.3; letters outside ASCII as in RFC 6531) of at most 64 bytes, at
//! most 254 in all (RFC 5321, 4.5.3.1, less the brackets of the path). Quoted local parts, comments, display names and
//! address literals are legal in places, yet no mailing service takes them. The domain has at least two labels of
//! letters, digits and inner hyphens, each at most 63 bytes (RFC 1123, 2.1; RFC 5321, 2.3.5), and the last is not a
//! number (RFC 3696, 2), so that no address of a machine passes. Nobody is asked whether the domain exists.

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// What an attribute's text is as an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// Nothing stands there.
    Missing,
    /// What stands there is no address that mail can be sent to.
    Invalid,
    /// An address in its one spelling.
    Valid(String),
}

/// Reads an address.
pub(crate) fn read(text: &str) -> Address {
    let spelled = spell(text);
    if spelled.is_empty() {
        return Address::Missing;
    }
    let Some((local, domain)) = spelled.rsplit_once('@') else { return Address::Invalid };
    if domain.is_ascii() {
        return if is_valid(&spelled, local, domain) { Address::Valid(spelled) } else { Address::Invalid };
    }
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) => {
            let whole = format!("{local}@{ascii}");
            if is_valid(&whole, local, &ascii) { Address::Valid(whole) } else { Address::Invalid }
        }
        _ => Address::Invalid,
    }
}

/// The one spelling of a text, whether it is an address or not.
pub(crate) fn spell(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.is_ascii() && !trimmed.bytes().any(|b| b.is_ascii_control()) {
        return trimmed.to_ascii_lowercase();
    }
    let visible: String = trimmed.chars().filter(|c| !c.is_control() && !is_format(*c)).collect();
    let visible = visible.trim();
    let composed: Cow<'_, str> =
        if is_nfc(visible) { visible.into() } else { visible.nfc().collect::<String>().into() };
    // Lower-casing may leave a letter and its accent apart (İ); composing again keeps the spelling the only one.
    composed.to_lowercase().nfc().collect()
}

fn is_valid(whole: &str, local: &str, domain: &str) -> bool {
    let options = Options::default().with_minimum_sub_domains(2).without_display_text().without_domain_literal();
    whole.len() <= 254
        && local.len() <= 64
        && !local.contains(['"', '(', ')', '<', '>', ',', ';', ':', '\\', '[', ']', '@'])
        && !local.contains(char::is_whitespace)
        && is_host(domain)
        && EmailAddress::parse_with_options(whole, options).is_ok()
}

/// At least two labels of letters, digits and inner hyphens; the last is no number.
fn is_host(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let Some((_, last)) = domain.rsplit_once('.') else { return false };
    last.len() >= 2 && !last.bytes().all(|b| b.is_ascii_digit()) && domain.split('.').all(is_label)
}

/// Unicode's general category Cf (format characters), as of Unicode 16.
fn is_format(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2 | 0x180E | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x2064 | 0x2066..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0x110BD | 0x110CD
        | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0001 | 0xE0020..=0xE007F)
}

#[cfg(test)]
mod tests;
