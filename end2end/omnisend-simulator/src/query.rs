//! The query string: decoded as a form (`+` is a space, so an address needs `%2B`), with unknown and
//! doubled parameters refused.

use std::collections::BTreeMap;

use crate::problem::FieldFault;

/// Decoded parameters.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Query {
    values: BTreeMap<String, String>,
}

impl Query {
    /// Decodes `raw` and refuses what is not in `known`.
    pub fn parse(raw: &str, known: &[&str]) -> Result<Self, Vec<FieldFault>> {
        let mut query = Self::default();
        let mut faults = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name);
            if !known.contains(&name.as_str()) {
                faults.push(FieldFault::new(name, "unknown", "This query parameter does not exist."));
            } else if query.values.insert(name.clone(), decode(value)).is_some() {
                faults.push(FieldFault::new(name, "duplicate", "This query parameter is there twice."));
            }
        }
        if faults.is_empty() { Ok(query) } else { Err(faults) }
    }

    /// A parameter; empty ones count as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A whole number within bounds, or the default.
    pub fn number(&self, name: &str, default: usize, min: usize, max: usize, faults: &mut Vec<FieldFault>) -> usize {
        let Some(text) = self.get(name) else { return default };
        match text.parse() {
            Ok(number) if (min..=max).contains(&number) => number,
            _ => {
                let bounds = if max == usize::MAX {
                    format!("Must be at least {min}.")
                } else {
                    format!("Must be between {min} and {max}.")
                };
                faults.push(FieldFault::new(name, "out_of_range", bounds));
                default
            }
        }
    }

    /// One of a few words.
    pub fn choice<'c>(&self, name: &str, choices: &[&'c str], faults: &mut Vec<FieldFault>) -> Option<&'c str> {
        let text = self.get(name)?;
        let found = choices.iter().copied().find(|choice| *choice == text);
        if found.is_none() {
            faults.push(FieldFault::format(name, format!("Must be one of {}.", choices.join(", "))));
        }
        found
    }
}

/// Percent-decoding as in forms; broken escapes stay as they are.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let code = tail
                    .get(..2)
                    .and_then(|two| std::str::from_utf8(two).ok())
                    .and_then(|two| u8::from_str_radix(two, 16).ok());
                match code {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = tail.get(2..).unwrap_or_default();
                    }
                    None => bytes.push(b'%'),
                }
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_sign_is_a_space_unless_it_is_escaped() {
        let query = Query::parse("email=a+b%2Bc%40x.com&limit=%zz", &["email", "limit"]).unwrap_or_default();
        assert_eq!(query.get("email"), Some("a b+c@x.com"));
        assert_eq!(query.get("limit"), Some("%zz"));
    }
}
