//! Names written once: custom property names and tags become small numbers, so that a million
//! contacts do not carry their text.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A growing list of names. Numbers never change while the simulator lives.
#[derive(Debug, Default)]
pub struct Names {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    /// The number of a name, given now if it is new.
    pub fn number(&self, name: &str) -> u32 {
        if let Some(number) = self.find(name) {
            return number;
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = inner.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(inner.names.len()).unwrap_or(u32::MAX);
        let shared: Arc<str> = Arc::from(name);
        inner.names.push(Arc::clone(&shared));
        inner.numbers.insert(shared, number);
        number
    }

    /// The number of a name that was seen before.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).numbers.get(name).copied()
    }

    /// The name behind a number; empty for a number that was never given.
    pub fn name(&self, number: u32) -> Arc<str> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.names.get(number as usize).cloned().unwrap_or_default()
    }
}
