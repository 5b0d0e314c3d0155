//! The counts of a run: what became of its members, and what it took.

use serde::{Deserialize, Serialize};

/// What became of the rows of a run.
///
/// `members == accepted + unchanged + rejected + held + unconfirmed` once the run has ended; before, the difference
/// is what is left to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Profiles in the export's segments, each counted once.
    pub members: u64,
    /// Taken by the destination.
    pub accepted: u64,
    /// Known to be there already as they are; not sent.
    pub unchanged: u64,
    /// Not deliverable as they are, each with its reason: an unusable address, or refused by the destination.
    pub rejected: u64,
    /// Held back by Ferry, each with its reason: another profile with the same address goes in its place, or the run
    /// ended before their turn.
    pub held: u64,
    /// Sent, but the destination has not said what became of them.
    pub unconfirmed: u64,
    /// Tags added to people.
    pub tags_added: u64,
    /// Tags removed from people who left.
    pub tags_removed: u64,
    /// Requests to the destination.
    pub requests: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Phone numbers and days of members that cannot be read, and that their contacts go without. Counted anew by each
    /// plan, also for contacts that stand there already as they are.
    pub values_left_out: u64,
}

impl Counts {
    /// Rows that have their outcome.
    pub fn done(&self) -> u64 {
        self.accepted + self.unchanged + self.rejected + self.held + self.unconfirmed
    }

    /// Does every member have exactly one outcome?
    pub fn add_up(&self) -> bool {
        self.members == self.done()
    }
}
