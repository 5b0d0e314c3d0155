//! Tags that other exports of the same account give: a contact keeps one that this export gives no more, as long as
//! another export gives it. Within an export membership alone decides, so that nobody keeps a tag for ever because two
//! exports wait for each other.

use super::files::LedgerCursor;
use super::{PlanRequest, tags};
use crate::error::{DataError, Result};
use crate::store::{DataStore, ledger_path};

/// The ledgers of other exports, read alongside, in the order of the addresses.
pub(super) struct Others {
    /// Each with the tags that are left to it.
    ledgers: Vec<(LedgerCursor, Vec<u8>)>,
    held: Vec<u8>,
}

impl Others {
    /// Opens those that give a tag which the request's own segments do not. A ledger that is gone gives nothing.
    pub(super) fn open(store: &DataStore, request: &PlanRequest, all_tags: &[String]) -> Result<Self> {
        let none = vec![0; tags::width(all_tags.len())];
        let mut ledgers = Vec::new();
        for other in &request.others {
            let mut left = none.clone();
            let is_own = |tag: &String| request.segments.iter().any(|segment| segment.tag == *tag);
            for (place, _) in all_tags.iter().enumerate().filter(|(_, tag)| other.tags.contains(tag) && !is_own(tag)) {
                tags::put(&mut left, place);
            }
            if tags::is_empty(&left) {
                continue;
            }
            match LedgerCursor::open_part(store, &ledger_path(other.export, other.run), all_tags) {
                Ok(ledger) => ledgers.push((ledger, left)),
                Err(DataError::Missing) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { ledgers, held: none })
    }

    /// The tags that others give to an address. Ask in ascending order.
    pub(super) fn held_by(&mut self, email: &str) -> Result<&[u8]> {
        self.held.fill(0);
        for (ledger, left) in &mut self.ledgers {
            while ledger.email().is_some_and(|at| at < email) {
                ledger.advance()?;
            }
            if ledger.email() == Some(email) {
                for (held, (tags, left)) in self.held.iter_mut().zip(ledger.tags().iter().zip(left.iter())) {
                    *held |= tags & left;
                }
            }
        }
        Ok(&self.held)
    }
}
