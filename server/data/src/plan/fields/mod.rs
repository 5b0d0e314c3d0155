//! What becomes of a text on its way into a field of a contact. Pure functions: no arrays, no files, no clock.

pub(super) mod country;
mod country_names;
pub(super) mod day;
pub(super) mod email;
pub(super) mod gender;
pub(super) mod phone;

use unicode_normalization::UnicodeNormalization;

/// Text for a field: without control characters (a line break becomes a space) and without space around it.
pub(super) fn tidy(text: &str) -> std::borrow::Cow<'_, str> {
    let trimmed = text.trim();
    if !trimmed.contains(char::is_control) {
        return trimmed.into();
    }
    let spaced = trimmed.replace(['\n', '\r', '\t'], " ");
    spaced.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned().into()
}

/// A word for looking up: lower case, letters without accents, nothing but letters and digits.
pub(super) fn plain(text: &str) -> String {
    text.nfd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{plain, tidy};

    #[test]
    fn text_loses_control_characters_and_outer_space() {
        assert_eq!(tidy("  Ana María "), "Ana María");
        assert_eq!(tidy("Calle 1\r\n2º\u{0}"), "Calle 1  2º");
        assert_eq!(tidy("\t\n"), "");
    }

    #[test]
    fn a_plain_word_has_no_accents_spaces_or_capitals() {
        assert_eq!(plain(" Țările de Jos"), "tariledejos");
        assert_eq!(plain("Côte d’Ivoire"), "cotedivoire");
    }
}
