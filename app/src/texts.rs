//! Every text that a person reads, from `locales/<language>/<namespace>.json`; keys and arguments are checked when
//! this compiles. The language of a request is [`crate::request::lang`].
//!
//! Use: `td_string!(lang(), common.save)`, and with arguments `text!(lang(), runs.rows, count = move || n, n = number)`.

use leptos::prelude::*;

#[expect(deprecated, reason = "the build script that replaces it costs a hundred more crates and gives the same")]
mod generated {
    leptos_i18n::load_locales!();
}

pub use generated::i18n::{Locale, td, td_string};

/// A text with arguments, as a `String`.
macro_rules! text {
    ($($arguments:tt)*) => {
        $crate::texts::plain($crate::texts::td!($($arguments)*))
    };
}
pub(crate) use text;

/// A text that the macro `td!` gives as a view, as plain text again: without the marks between its pieces, and with
/// the characters that a view escapes.
pub fn plain(view: impl IntoView) -> String {
    let html = view.into_view().to_html().replace("<!>", "");
    html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The languages, each in its own name, in the order in which they are offered.
pub const LANGUAGES: [(Locale, &str); 6] = [
    (Locale::ca, "Català"),
    (Locale::en, "English"),
    (Locale::es, "Español"),
    (Locale::pt, "Português"),
    (Locale::ro, "Română"),
    (Locale::sv, "Svenska"),
];

/// The short name of a language, as in cookies and in the folder names of the texts.
pub fn code(language: Locale) -> &'static str {
    match language {
        Locale::ca => "ca",
        Locale::en => "en",
        Locale::es => "es",
        Locale::pt => "pt",
        Locale::ro => "ro",
        Locale::sv => "sv",
    }
}

/// The language tag for `<html lang>`: our Portuguese is the European one.
pub fn tag(language: Locale) -> &'static str {
    match language {
        Locale::pt => "pt-PT",
        other => code(other),
    }
}

/// The language of that short name.
pub fn parse(name: &str) -> Option<Locale> {
    LANGUAGES.into_iter().map(|(language, _)| language).find(|language| code(*language) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_through_as_they_are() {
        let name = "<Țări> & \"more\"".to_owned();
        assert_eq!(text!(Locale::en, common.actions_of, name), "Actions for <Țări> & \"more\"");
    }

    #[test]
    fn plural_forms_follow_the_language() {
        let ro = |n: u64| text!(Locale::ro, common.days_ago, count = move || n);
        assert_eq!([ro(1), ro(2), ro(22)], ["acum 1 zi", "acum 2 zile", "acum 22 de zile"]);
        let en = |n: u64| text!(Locale::en, common.days_ago, count = move || n);
        assert_eq!([en(0), en(1), en(21)], ["0 days ago", "1 day ago", "21 days ago"]);
    }
}
