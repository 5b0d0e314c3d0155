//! A set of addresses that must be left alone in some way, small enough for millions of them.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::fields::email;

/// Addresses, eight bytes each, however they are spelt. Two addresses with one hash only mean that one more is left
/// alone.
#[derive(Debug, Clone, Default)]
pub struct AddressSet(HashSet<u64>);

impl AddressSet {
    /// Adds an address as somebody else wrote it.
    pub fn insert(&mut self, address: &str) {
        let normal = email::spell(address);
        self.0.insert(short(&normal));
    }

    /// Is a normalised address in it?
    pub(super) fn has(&self, normal: &str) -> bool {
        self.0.contains(&short(normal))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn short(address: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.hash(&mut hasher);
    hasher.finish()
}
