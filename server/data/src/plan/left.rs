//! Who has left an export, so that somebody who comes back can be told from somebody new. Not their addresses, which a
//! ledger forgets when somebody has left, but eight bytes of a hash of each: enough to count by.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};

use object_store::path::Path as StorePath;

use super::files::damaged;
use super::payload::hash;
use crate::error::Result;
use crate::store::DataStore;

/// The short hashes of the addresses of those who have left.
#[derive(Debug, Default)]
pub(super) struct Left(BTreeSet<[u8; SHORT]>);

const SHORT: usize = 8;

impl Left {
    /// Reads the list that lies beside a ledger; empty where there is none.
    pub(super) fn read(store: &DataStore, path: Option<&StorePath>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let bytes = match std::fs::read(store.local(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            other => other?,
        };
        let (hashes, rest) = bytes.as_chunks::<SHORT>();
        if rest.is_empty() { Ok(Self(hashes.iter().copied().collect())) } else { Err(damaged("the end of a list")) }
    }

    /// Has the address left before?
    pub(super) fn has(&self, email: &str) -> bool {
        self.0.contains(&short(email))
    }

    /// It has left.
    pub(super) fn put(&mut self, email: &str) {
        self.0.insert(short(email));
    }

    /// It has come back.
    pub(super) fn take(&mut self, email: &str) {
        self.0.remove(&short(email));
    }

    /// Writes the list; the same hashes give the same bytes.
    pub(super) fn write(&self, store: &DataStore, path: &StorePath) -> Result<()> {
        if self.0.is_empty() {
            return store.remove(path);
        }
        let mut file = store.create(path)?;
        let bytes: Vec<u8> = self.0.iter().flatten().copied().collect();
        file.write_all(&bytes)?;
        file.commit()
    }
}

fn short(email: &str) -> [u8; SHORT] {
    let hash = hash(email);
    std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
}
