//! Whom a plan is about: all members, or only those whose rows an earlier run could not deliver.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use domain::run::{Resend, RowReason};

use super::files::{open, text_column};
use super::rows::only;
use super::writers::troubled;
use crate::error::{DataError, Result};
use crate::store::{DataStore, troubled_path};

/// The members that a plan is about. Of their keys it holds hashes: eight bytes a row, however long the keys are. Two
/// keys with one hash would only mean that a row more is looked at.
#[derive(Debug, Default)]
pub(super) struct Chosen(Option<HashSet<u64>>);

impl Chosen {
    /// Everybody, or those in the report of a run. A report that is gone names nobody.
    pub(super) fn new(store: &DataStore, rows: Option<Resend>) -> Result<Self> {
        let Some(Resend { of, reason }) = rows else { return Ok(Self(None)) };
        let file = match open(store, &troubled_path(of)) {
            Err(DataError::Missing) => return Ok(Self(Some(HashSet::new()))),
            other => other?,
        };
        let mut keys = HashSet::new();
        for batch in only(file, &[troubled::KEY, troubled::REASON]).build()? {
            let batch = batch?;
            let (column, reasons) = (text_column(&batch, troubled::KEY)?, text_column(&batch, troubled::REASON)?);
            let is_meant = |at: &usize| reason.map(RowReason::as_str).is_none_or(|name| reasons.value(*at) == name);
            keys.extend((0..batch.num_rows()).filter(is_meant).map(|at| short(column.value(at))));
        }
        Ok(Self(Some(keys)))
    }

    /// Is the plan about everybody?
    pub(super) fn is_everybody(&self) -> bool {
        self.0.is_none()
    }

    /// Is the plan about this member?
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.as_ref().is_none_or(|keys| keys.contains(&short(key)))
    }
}

fn short(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
