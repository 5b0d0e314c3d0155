//! Genders, as people write them in the six languages, for a destination that knows two letters.

use super::plain;

/// `m` or `f`; none for anything else, which is then left out.
///
/// The words are the usual ones of English, Catalan, Spanish, Romanian, Swedish and Portuguese for woman, man, female
/// and male, with the initials that mean the same in all of them. `h` is a man in Spanish and Catalan (*hombre*,
/// *home*), and `k` a woman in Swedish (*kvinna*). Numbers are not guessed.
pub(crate) fn letter(text: &str) -> Option<&'static str> {
    match plain(text).as_str() {
        "m" | "male" | "man" | "masc" | "masculine" | "boy" | "mr" | "h" | "hombre" | "home" | "varon" | "baro"
        | "masculi" | "masculino" | "masculin" | "barbat" | "barbatesc" | "homem" | "manlig" | "kille" => Some("m"),
        "f" | "female" | "woman" | "fem" | "feminine" | "girl" | "mrs" | "ms" | "k" | "mujer" | "dona" | "femeni"
        | "femenino" | "feminin" | "feminina" | "feminino" | "femeie" | "mulher" | "kvinna" | "kvinnlig" | "tjej" => {
            Some("f")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn the_words_of_the_six_languages_become_one_letter() {
        for word in ["M", "male", "Man", "Hombre", "Home", "masculí", "Masculino", "Bărbat", "masculin", "Homem"] {
            assert_eq!(letter(word), Some("m"), "{word}");
        }
        for word in ["F", " Female", "KVINNA", "Mujer", "Dona", "femení", "Femenino", "Femeie", "feminin", "Mulher"] {
            assert_eq!(letter(word), Some("f"), "{word}");
        }
    }

    #[test]
    fn anything_else_is_left_out() {
        for word in ["", "x", "other", "divers", "1", "0", "não binário", "?", "unknown"] {
            assert_eq!(letter(word), None, "{word}");
        }
    }
}
