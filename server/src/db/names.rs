//! Names that must be unique without regard to case are kept a second time as a key: the databases' own ideas of case
//! differ.

/// The key of a name: two names with the same key are the same to people.
pub fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_that_differ_in_case_alone_have_one_key() {
        assert_eq!(super::key(" Ștefan ÅRET "), super::key("ștefan året"));
        assert_ne!(super::key("a b"), super::key("ab"));
    }
}
