//! Plans: what a run will do, written to disk before the first request; and ledgers: what is known to be delivered.
//!
//! A plan is the difference between what is wanted (the members of an export's segments, as their attributes are
//! matched to fields) and the ledger. It is a pure function of the snapshot, the settings and the ledger: the same
//! inputs give the same bytes. Everything is in the order of the e-mail addresses, so that the two sides are compared
//! in one pass, whatever their number.
//!
//! | file | holds |
//! |---|---|
//! | `wanted` | snapshot → members with address, payload and tags, sorted by address; DataFusion sorts and spills |
//! | `fields` | what becomes of a value on its way into a field; addresses, phones, countries, genders, days |
//! | `payload` | the JSON text and its hash |
//! | `diff` | wanted and ledger, side by side → what to do about each address |
//! | `chosen` | whom the plan is about |
//! | `others` | what other exports of the account give, which stays |
//! | `make`, `close` | the two passes over the files |
//! | `marks` | custom properties in the place of tags |
//! | `left` | who has left, so that whoever comes back is told from who is new |
//! | `narrow` | the plan of a run that asks about rows of an earlier one |
//! | `files` | the columns of plans, ledgers and reports of troubled rows |
//! | `read` | reading a plan batch by batch |
//! | `look` | some rows of a plan, with what was there before |
//!
//! It knows nothing of a destination's wire format, of batches, or of the database.

mod addresses;
mod chosen;
mod close;
mod diff;
mod fields;
mod files;
mod left;
mod look;
mod make;
mod marks;
mod narrow;
mod others;
mod payload;
mod read;
mod rows;
mod tags;
mod troubled;
mod wanted;
mod writers;

use std::ops::Range;

use domain::destination::DestinationCard;
use domain::id::{ExportId, RunId, SegmentId};
use domain::mapping::Mapping;
use domain::run::{Resend, RowReason};
use domain::segment::Definition;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

pub use addresses::AddressSet;
pub use look::{Look, LookRequest, Sample, Sampled};
pub use read::PlanReader;

/// What a plan is made of.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// The run that the plan is for.
    pub run: RunId,
    /// Its export, whose ledgers are looked at.
    pub export: ExportId,
    /// The number of the profile snapshot.
    pub snapshot: i64,
    /// Which attribute feeds which field.
    pub mapping: Mapping,
    /// What the destination takes.
    pub card: DestinationCard,
    /// The segments whose members go.
    pub segments: Vec<PlannedSegment>,
    /// The run that left the newest ledger of this export; none before the first close.
    pub ledger: Option<RunId>,
    /// The subscription statuses that leave; none means that no status leaves.
    pub statuses: Option<Statuses>,
    /// The plan is only about rows that an earlier run could not deliver; none means everybody.
    pub only_of: Option<Resend>,
    /// What other exports deliver to the same account.
    pub others: Vec<OtherLedger>,
    /// The instant that rules are evaluated at. It must not change when a plan is made again.
    pub now: jiff::Timestamp,
}

/// Who leaves as subscribed.
#[derive(Debug, Clone)]
pub struct Statuses {
    /// The attribute that holds the time of the opt-in.
    pub opt_in: String,
    /// Those who unsubscribed at the destination: they never get a status.
    pub unsubscribed: std::sync::Arc<AddressSet>,
}

/// What another export delivers to the same account. A tag that this export no longer gives is left to contacts whom
/// another one gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherLedger {
    /// The other export.
    pub export: ExportId,
    /// The run that left its newest ledger.
    pub run: RunId,
    /// The tags of its segments.
    pub tags: Vec<String>,
}

/// A segment of an export.
#[derive(Debug, Clone)]
pub struct PlannedSegment {
    /// Its id; a static segment's members lie under it.
    pub id: SegmentId,
    /// The mark that its members carry: a tag, or a custom property ([`domain::marking`]).
    pub tag: String,
    /// Who is in it.
    pub definition: Definition,
    /// An inactive segment delivers nobody, and its tag stays where it is.
    pub is_active: bool,
}

/// What a plan will do. `members == to_send + unchanged + rejected + held`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Profiles in any of the active segments, each counted once.
    pub members: u64,
    /// Contacts to send: new or changed since they were last confirmed.
    pub to_send: u64,
    /// Those among them that the ledger does not hold.
    pub new_contacts: u64,
    /// Those among the new ones who had left this export before.
    #[serde(default)]
    pub returned: u64,
    /// Those among them that leave with a subscription status.
    #[serde(default)]
    pub statuses: u64,
    /// Contacts that stand there already as they are.
    pub unchanged: u64,
    /// Members without a usable e-mail address.
    pub rejected: u64,
    /// Members whose address another member has too, who goes in their place.
    pub held: u64,
    /// Phone numbers and days that could not be read, and that the contacts of members go without; those that stand
    /// there already as they are count too.
    pub left_out_values: u64,
    /// People in the ledger who are in no segment any more, and lose their tags.
    #[serde(default)]
    pub leavers: u64,
    /// Marks to give, tags or properties: pairs of a contact and a mark.
    pub tags_to_add: u64,
    /// Marks to take away: pairs of a contact and a mark.
    pub tags_to_remove: u64,
    /// Those of both that take a request of their own, because they do not go with a contact.
    #[serde(default)]
    pub tag_changes: u64,
    /// Of the tag that most people lose: how many lose it.
    #[serde(default)]
    pub most_removed: u64,
    /// The tags of the export's active segments, in their order.
    pub tags: Vec<String>,
}

/// A contact that the plan sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedContact {
    /// Its number among the contacts to send, from 0.
    pub row: u64,
    /// The profile's key.
    pub key: String,
    /// The normalised e-mail address.
    pub email: String,
    /// `{"properties":{…},"targets":{…}}`, see [`DataEngine::make_plan`](crate::DataEngine::make_plan).
    pub payload: String,
}

/// What happens to a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagOp {
    /// It is added to a contact.
    Add,
    /// It is taken from a contact.
    Remove,
}

/// How often a plan changes one tag in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagCount {
    /// What happens.
    pub op: TagOp,
    /// The tag.
    pub tag: String,
    /// To how many contacts.
    pub changes: u64,
}

/// One tag that is added to or taken from one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagChange {
    /// Its number among the changes of the same kind and tag, from 0.
    pub number: u64,
    /// The contact.
    pub email: String,
    /// The row to send that must have been accepted first; none for a contact that the ledger knows.
    pub needs_row: Option<u64>,
}

/// What became of a plan, so that the ledger can follow.
///
/// Every row to send that is in none of the sets counts as accepted; where sets overlap, refused wins over
/// unconfirmed, and unconfirmed over held. Every tag change in no `failed_tags` counts as made, if the row that it
/// needs was accepted.
pub struct CloseRequest {
    /// The run.
    pub run: RunId,
    /// Its export.
    pub export: ExportId,
    /// The ledger that the plan was made against.
    pub ledger: Option<RunId>,
    /// Rows that the destination refused, in ascending order of their number.
    pub refused: BoxStream<'static, std::io::Result<RefusedRow>>,
    /// Rows of which one request at least was without an answer, whatever was said to the others: where they were refused,
    /// or not sent again, that one may have been taken all the same.
    pub doubted: Vec<Range<u64>>,
    /// Rows that were sent without an answer.
    pub unconfirmed: Vec<Range<u64>>,
    /// Rows that were not sent.
    pub held: Vec<Range<u64>>,
    /// Why those were not sent.
    pub held_reason: RowReason,
    /// Tag changes that were not made or not confirmed.
    pub failed_tags: Vec<FailedTags>,
}

/// A row that the destination refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Its number among the rows to send.
    pub row: u64,
    /// [`RowReason::Refused`] or [`RowReason::NotTaken`].
    pub reason: RowReason,
    /// What the destination said.
    pub detail: String,
}

/// Tag changes that were not made, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTags {
    /// Which kind.
    pub op: TagOp,
    /// Which tag.
    pub tag: String,
    /// Their numbers.
    pub changes: Range<u64>,
    /// A request went out, and nobody said what became of it.
    pub is_in_doubt: bool,
}

/// What a run came to. `members == accepted + unchanged + rejected + held + unconfirmed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Members of the plan.
    pub members: u64,
    /// Rows that the destination took.
    pub accepted: u64,
    /// Contacts that were not sent because nothing changed.
    pub unchanged: u64,
    /// Rows that cannot be delivered as they are.
    pub rejected: u64,
    /// Rows that Ferry held back.
    pub held: u64,
    /// Rows that were sent without an answer.
    pub unconfirmed: u64,
    /// Tags that were added.
    pub tags_added: u64,
    /// Tags that were taken away.
    pub tags_removed: u64,
}

/// A closed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The counts.
    pub counts: Outcome,
    /// Rejected, held and unconfirmed rows by reason; reasons without a row are left out.
    pub reasons: Vec<(RowReason, u64)>,
}

/// A row that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubledRow {
    /// The profile's key.
    pub key: String,
    /// The address: normalised, or as it stands in the data where it is none.
    pub email: String,
    /// Why.
    pub reason: RowReason,
    /// What the destination said.
    pub detail: String,
}

#[cfg(test)]
mod tests;
