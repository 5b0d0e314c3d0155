//! Guessing the primary key.

use std::collections::HashSet;

use domain::attribute::{Attribute, AttributeType};

use super::names;

/// The first column, nearly without empty or repeated values among those looked at, that looks like a key: by its name,
/// or because its values are UUIDs.
pub(super) fn guess<'a, I>(attributes: &[Attribute], values: impl Fn(usize) -> I) -> Option<String>
where
    I: Iterator<Item = &'a str>,
{
    attributes
        .iter()
        .enumerate()
        .find(|(column, attribute)| {
            let may_be = matches!(attribute.kind, AttributeType::Text | AttributeType::Integer);
            may_be
                && (names::is_key(&attribute.name)
                    || values(*column).next().is_some_and(|text| uuid::Uuid::try_parse(text.trim()).is_ok()))
                && are_unique(values(*column))
        })
        .map(|(_, attribute)| attribute.name.clone())
}

/// Are there values, and are they, but for one in a hundred, neither empty nor there twice? Real files have rows without
/// a key and rows that stand twice; they must not hide which column the key is.
fn are_unique<'a>(values: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = HashSet::new();
    let mut others = 0;
    for text in values.map(str::trim) {
        if text.is_empty() || !seen.insert(text) {
            others += 1;
        }
    }
    !seen.is_empty() && others * 100 <= seen.len()
}

#[cfg(test)]
mod tests {
    use domain::attribute::{Attribute, AttributeType};

    use super::guess;

    #[test]
    fn a_key_is_named_like_one_and_unique() {
        let rows = [["Anna", "08001", "1"], ["Bob", "08002", "2"]];
        let column = |names: [&str; 3]| {
            let attributes: Vec<Attribute> =
                names.iter().map(|name| Attribute { name: (*name).to_owned(), kind: AttributeType::Text }).collect();
            guess(&attributes, |column| rows.iter().map(move |row| row[column]))
        };
        assert_eq!(column(["name", "postal code", "customer id"]).as_deref(), Some("customer id"));
        assert_eq!(column(["name", "postal code", "orders"]), None);
        let attributes = [Attribute { name: "id".to_owned(), kind: AttributeType::Text }];
        assert_eq!(guess(&attributes, |_| ["1", "1"].into_iter()), None);
        assert_eq!(guess(&attributes, |_| ["1", " "].into_iter()), None);
        assert_eq!(guess(&attributes, |_| std::iter::empty()), None);
        let texts: Vec<String> = (0..200).map(|number| (number.max(1)).to_string()).collect();
        assert!(guess(&attributes, |_| texts.iter().map(String::as_str)).is_some(), "one of 200 stands twice");
    }
}
