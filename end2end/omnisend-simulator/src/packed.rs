//! A contact's fields and properties in one allocation: sorted entries of (key, text). A million
//! contacts must fit beside Ferry on a small machine, so there is no map and no string per field.

use std::borrow::Cow;

/// Keys below this are the fields of the contact itself; the rest are custom properties.
pub const FIRST_PROPERTY: u32 = 32;

/// Sorted entries. In a patch an entry may say "remove"; in a stored contact none does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

impl Packed {
    /// Packs entries; `None` removes the key when the patch is merged. The last of equal keys wins.
    pub fn from_entries(mut entries: Vec<(u32, Option<Cow<'_, str>>)>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        entries.reverse();
        entries.sort_by_key(|(key, _)| *key);
        entries.dedup_by_key(|(key, _)| *key);
        let mut bytes =
            Vec::with_capacity(entries.iter().map(|(_, text)| 4 + text.as_ref().map_or(0, |t| t.len())).sum());
        for (key, text) in &entries {
            put(&mut bytes, *key, text.as_deref());
        }
        Self(bytes.into_boxed_slice())
    }

    /// The entries in the order of their keys; the text is `None` for a removal.
    pub fn iter(&self) -> Entries<'_> {
        Entries { rest: &self.0 }
    }

    /// The text under a key.
    pub fn get(&self, key: u32) -> Option<&str> {
        self.iter().find(|(known, _)| *known == key).and_then(|(_, text)| text)
    }

    /// Whether the patch would change nothing.
    pub fn covers(&self, patch: &Packed) -> bool {
        let mut own = self.iter().peekable();
        patch.iter().all(|(key, text)| {
            while own.next_if(|(known, _)| *known < key).is_some() {}
            let found = own.next_if(|(known, _)| *known == key).and_then(|(_, text)| text);
            found == text
        })
    }

    /// This with the patch laid over it: what the patch does not name stays.
    pub fn merged(&self, patch: &Packed) -> Packed {
        let mut bytes = Vec::with_capacity(self.0.len() + patch.0.len());
        let (mut old, mut new) = (self.iter().peekable(), patch.iter().peekable());
        loop {
            let keys = (old.peek().map(|(key, _)| *key), new.peek().map(|(key, _)| *key));
            let entry = match keys {
                (None, None) => break,
                (Some(left), Some(right)) if left < right => old.next(),
                (Some(_), None) => old.next(),
                (left, right) => {
                    if left == right {
                        old.next();
                    }
                    new.next()
                }
            };
            if let Some((key, Some(text))) = entry {
                put(&mut bytes, key, Some(text));
            }
        }
        Packed(bytes.into_boxed_slice())
    }
}

/// Iterator over a packed value.
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = (u32, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let key = take_number(&mut self.rest);
        let length = take_number(&mut self.rest) as usize;
        if length == 0 {
            return Some((key, None));
        }
        let (text, rest) = self.rest.split_at_checked(length - 1)?;
        self.rest = rest;
        Some((key, Some(std::str::from_utf8(text).unwrap_or_default())))
    }
}

fn put(bytes: &mut Vec<u8>, key: u32, text: Option<&str>) {
    put_number(bytes, key);
    match text {
        None => put_number(bytes, 0),
        Some(text) => {
            put_number(bytes, u32::try_from(text.len()).unwrap_or(u32::MAX - 1) + 1);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
}

/// Seven bits a byte, the high bit says that more follow.
fn put_number(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> u32 {
    let mut number = 0;
    let mut shift = 0;
    while let Some((first, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u32::from(first & 0x7f) << shift;
        shift += 7;
        if first & 0x80 == 0 || shift > 28 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(entries: &[(u32, Option<&str>)]) -> Packed {
        Packed::from_entries(entries.iter().map(|(key, text)| (*key, text.map(Cow::Borrowed))).collect())
    }

    #[test]
    fn a_patch_replaces_adds_and_removes_and_leaves_the_rest() {
        let stored = packed(&[(1, Some("Ana")), (3, Some("Lisboa")), (300, Some("7"))]);
        let patch = packed(&[(3, None), (2, Some("Silva")), (300, Some("8")), (90_000, Some("")), (4, None)]);
        let merged: Vec<_> =
            stored.merged(&patch).iter().map(|(key, text)| (key, text.unwrap_or("-").to_owned())).collect();
        let expected = [(1, "Ana"), (2, "Silva"), (300, "8"), (90_000, "")];
        assert_eq!(merged, expected.map(|(key, text)| (key, text.to_owned())));
    }

    #[test]
    fn a_patch_that_says_what_is_there_changes_nothing() {
        let stored = packed(&[(1, Some("Ana")), (3, Some("Lisboa")), (300, Some("7"))]);
        assert!(stored.covers(&packed(&[(1, Some("Ana")), (2, None), (300, Some("7")), (301, None)])));
        for patch in [packed(&[(1, None)]), packed(&[(3, Some("Porto"))]), packed(&[(400, Some("x"))])] {
            assert!(!stored.covers(&patch));
            assert!(stored.merged(&patch).covers(&patch));
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_wins_and_long_texts_survive() {
        let long = "x".repeat(70_000);
        let value = packed(&[(1, Some("old")), (1, Some(&long))]);
        assert_eq!(value.get(1), Some(long.as_str()));
        assert_eq!(value.get(2), None);
    }
}
