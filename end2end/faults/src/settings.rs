//! What the tests of this crate can be told from outside: how many, and which seed.

/// The setting of this name, where it is given and not empty.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings; Ferry itself reads none of them")]
pub fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The number of this name, or `otherwise`.
///
/// # Panics
/// The setting is there and is no number.
pub fn number(name: &str, otherwise: u64) -> u64 {
    text(name).map_or(otherwise, |text| match text.parse() {
        Ok(number) => number,
        Err(_) => panic!("{name}={text} is no number"),
    })
}
