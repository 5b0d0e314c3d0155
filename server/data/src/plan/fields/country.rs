//! Countries: a name or code in any of the six languages to its ISO 3166 code.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::country_names::NAMES;
use super::plain;

/// A country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Country {
    /// ISO 3166-1 alpha-2, in capitals.
    pub(crate) code: &'static str,
    /// The English name that people use.
    pub(crate) name: &'static str,
}

/// The country that a text names: by ISO 3166-1 alpha-2 or alpha-3 code, by the English name of ISO 3166, or by a name in
/// English, Catalan, Spanish, Romanian, Swedish or Portuguese; none where it names none.
///
/// Case, accents, spaces and punctuation do not matter. `UK` and `EL` are taken as people and the European Union use
/// them, for the United Kingdom and Greece.
pub(crate) fn find(text: &str) -> Option<Country> {
    BY_NAME.get(plain(text).as_str()).copied()
}

static BY_NAME: LazyLock<HashMap<String, Country>> = LazyLock::new(|| {
    let mut found = HashMap::new();
    // Codes go in last: no name may hide one.
    for iso in rust_iso3166::ALL {
        found.insert(plain(iso.name), country(iso));
        found.insert(plain(common_name(iso)), country(iso));
    }
    for (code, _, others) in NAMES {
        if let Some(iso) = rust_iso3166::from_alpha2(code) {
            for other in *others {
                found.insert(plain(other), country(&iso));
            }
        }
    }
    for iso in rust_iso3166::ALL {
        found.insert(plain(iso.alpha2), country(iso));
        found.insert(plain(iso.alpha3), country(iso));
    }
    found
});

fn country(iso: &rust_iso3166::CountryCode) -> Country {
    Country { code: iso.alpha2, name: common_name(iso) }
}

/// The name that people use: ours where the table has one, else ISO's without what stands in brackets.
fn common_name(iso: &rust_iso3166::CountryCode) -> &'static str {
    NAMES
        .iter()
        .find(|(code, ..)| *code == iso.alpha2)
        .map(|(_, name, _)| *name)
        .unwrap_or_else(|| iso.name.split_once(" (").map_or(iso.name, |(name, _)| name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::plain;
    use super::{NAMES, find};

    #[test]
    fn codes_and_names_in_six_languages_are_found() {
        for (text, code) in [
            ("ES", "ES"),
            ("es", "ES"),
            ("ESP", "ES"),
            ("Spain", "ES"),
            ("España", "ES"),
            ("ESPANA", "ES"),
            ("Espanya", "ES"),
            ("Spania", "ES"),
            ("Spanien", "ES"),
            ("Espanha", "ES"),
            ("Suecia", "SE"),
            ("Sverige", "SE"),
            ("Suècia", "SE"),
            ("Suedia", "SE"),
            ("Suécia", "SE"),
            ("Rumänien", "RO"),
            ("România", "RO"),
            ("Romênia", "RO"),
            ("Roménia", "RO"),
            ("Rumanía", "RO"),
            ("Romania", "RO"),
            ("Portugal", "PT"),
            ("Portogallo", ""),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("United States", "US"),
            ("Estados Unidos", "US"),
            ("Estats Units", "US"),
            ("UK", "GB"),
            ("United Kingdom", "GB"),
            ("Great Britain", "GB"),
            ("Regne Unit", "GB"),
            ("Reino Unido", "GB"),
            ("Storbritannien", "GB"),
            ("Marea Britanie", "GB"),
            ("Deutschland", "DE"),
            ("Alemanya", "DE"),
            ("Tyskland", "DE"),
            ("Olanda", "NL"),
            ("The Netherlands", "NL"),
            ("Países Baixos", "NL"),
            ("Czech Republic", "CZ"),
            ("Republica Moldova", "MD"),
            ("Moldova", "MD"),
            ("Türkiye", "TR"),
            ("Turkey", "TR"),
            ("EL", "GR"),
            ("Côte d'Ivoire", "CI"),
            ("Brasil", "BR"),
            ("Viet Nam", "VN"),
            ("South Korea", "KR"),
            ("", ""),
            ("Atlantis", ""),
            ("ZZ", ""),
            ("Bolivia", "BO"),
            ("Tanzania", "TZ"),
        ] {
            let found = find(text).map_or("", |country| country.code);
            assert_eq!(found, code, "{text}");
        }
        assert_eq!(find("se").map(|c| c.name), Some("Sweden"));
        assert_eq!(find("gb").map(|c| c.name), Some("United Kingdom"));
        assert_eq!(find("bol").map(|c| c.name), Some("Bolivia"));
    }

    #[test]
    fn every_code_of_the_table_exists_and_no_name_stands_for_two_countries() {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for (code, name, others) in NAMES {
            assert!(rust_iso3166::from_alpha2(code).is_some(), "{code}");
            for one in std::iter::once(name).chain(others.iter()) {
                let earlier = seen.insert(plain(one), code);
                assert!(earlier.is_none_or(|earlier| earlier == *code), "{one}");
                assert_eq!(find(one).map(|c| c.code), Some(*code), "{one}");
            }
        }
    }
}
