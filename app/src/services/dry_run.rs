//! What a dry run shows: the plan that the next run of an export would have, without its being carried out.

use domain::brake::Surprise;
use domain::estimate::Estimate;
use domain::run::RowReason;
use serde::{Deserialize, Serialize};

use super::TroubledRow;

/// The outcome of a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// The number of the profile snapshot that it read.
    pub snapshot: i64,
    /// Is the ledger gone that says what was delivered before? Then everybody would be sent again.
    pub lost_ledger: bool,
    /// Profiles in the export's segments, each counted once.
    pub members: u64,
    /// People who would be sent for the first time.
    pub joiners: u64,
    /// People who had left this export and would be sent anew.
    pub returned: u64,
    /// People who would be sent because they changed.
    pub changed: u64,
    /// Of those who would be sent: who would leave as subscribed, at most; those who unsubscribed there are left out.
    pub statuses: u64,
    /// People who stand there already as they are.
    pub unchanged: u64,
    /// People in no segment any more, who would lose their tags.
    pub leavers: u64,
    /// Members who cannot be delivered as they are.
    pub rejected: u64,
    /// Members in whose place another one goes.
    pub held: u64,
    /// Phone numbers and dates that cannot be read, and that their contacts would go without.
    pub left_out: u64,
    /// Tags that would be added.
    pub tags_added: u64,
    /// Tags that would be taken away.
    pub tags_removed: u64,
    /// Requests and minutes.
    pub estimate: Estimate,
    /// What the run would be held for.
    pub surprises: Vec<Surprise>,
    /// Some rows of each kind.
    pub rows: Vec<DryRow>,
    /// Rows that cannot be delivered, by reason.
    pub reasons: Vec<(RowReason, u64)>,
    /// Some of those rows.
    pub troubled: Vec<TroubledRow>,
}

/// A row of a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRow {
    /// What would happen.
    pub kind: DryKind,
    /// The profile's key; empty for somebody who left.
    pub key: String,
    /// The address.
    pub email: String,
    /// The fields that would change.
    pub changes: Vec<FieldChange>,
    /// Tags that would be added.
    pub tags_added: Vec<String>,
    /// Tags that would be taken away.
    pub tags_removed: Vec<String>,
}

/// What would happen to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DryKind {
    /// Sent for the first time.
    Joiner,
    /// Sent because it changed.
    Changed,
    /// Only its tags change.
    TagsOnly,
    /// Loses its tags.
    Leaver,
}

/// A field of a contact, before and after. Empty is: nothing there, or not known any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field of the destination.
    pub field: String,
    /// What stands there.
    pub before: String,
    /// What would stand there.
    pub after: String,
}
