//! What every endpoint gets: the brand that the key opens, the time, and the request. And which
//! endpoint answers which call.

use crate::auth::Key;
use crate::batches::{self, CheckedBatch};
use crate::brands;
use crate::contacts::validate::{Dictionary, Rules};
use crate::contacts::{self, CheckedContact};
use crate::endpoint::Endpoint;
use crate::faults::BatchEffects;
use crate::options::Switches;
use crate::problem::Answer;
use crate::segments::{self, CheckedSegment};
use crate::tags::{self, CheckedTags};
use crate::world::Brand;

/// One admitted request.
pub struct Call<'a> {
    pub now: i64,
    /// Number of the request, part of every problem document.
    pub request: u64,
    pub brand: &'a mut Brand,
    pub key: &'a Key,
    pub switches: Switches,
    pub dictionary: &'a Dictionary,
    /// Decides random order.
    pub seed: u64,
    pub id: &'a str,
    pub query: &'a str,
    /// What the fault script wants done to a batch.
    pub batch_effects: BatchEffects,
}

/// A body that was read and checked before any lock was taken.
pub enum Checked {
    Nothing,
    Contact(CheckedContact),
    Batch(CheckedBatch),
    Tags(CheckedTags),
    Segment(CheckedSegment),
}

/// Reads and checks the body of a call. Takes no lock on the world.
pub fn check(endpoint: Endpoint, body: &bytes::Bytes, switches: &Switches, dictionary: &Dictionary) -> Checked {
    let rules = |identifiers_required| Rules { switches, dictionary, identifiers_required };
    match endpoint {
        Endpoint::ContactUpsert => Checked::Contact(contacts::check(body, rules(true))),
        Endpoint::ContactPatch | Endpoint::ContactPatchByEmail => Checked::Contact(contacts::check(body, rules(false))),
        Endpoint::BatchCreate => Checked::Batch(batches::check(body, rules(true))),
        Endpoint::TagsAdd | Endpoint::TagsRemove => Checked::Tags(tags::check(body, dictionary)),
        Endpoint::SegmentCreate | Endpoint::SegmentUpdate => Checked::Segment(segments::check(body)),
        _ => Checked::Nothing,
    }
}

/// Answers an admitted call.
pub fn answer(call: &mut Call<'_>, endpoint: Endpoint, checked: Checked) -> Answer {
    match (endpoint, checked) {
        (Endpoint::ContactsList, _) => contacts::list::list(call),
        (Endpoint::ContactGet, _) => contacts::get(call),
        (Endpoint::ContactUpsert, Checked::Contact(write)) => contacts::upsert(call, write),
        (Endpoint::ContactPatch, Checked::Contact(write)) => contacts::patch(call, write),
        (Endpoint::ContactPatchByEmail, Checked::Contact(write)) => contacts::patch_by_email(call, write),
        (Endpoint::TagsAdd, Checked::Tags(ask)) => tags::change(call, ask, true),
        (Endpoint::TagsRemove, Checked::Tags(ask)) => tags::change(call, ask, false),
        (Endpoint::BatchCreate, Checked::Batch(batch)) => batches::create(call, batch),
        (Endpoint::BatchesList, _) => batches::view::list(call),
        (Endpoint::BatchGet, _) => batches::view::get(call),
        (Endpoint::BatchItems, _) => batches::view::items(call),
        (Endpoint::BrandCurrent, _) => brands::current(call),
        (Endpoint::SegmentsList, _) => segments::list(call),
        (Endpoint::SegmentCreate, Checked::Segment(ask)) => segments::create(call, ask),
        (Endpoint::SegmentGet, _) => segments::get(call),
        (Endpoint::SegmentUpdate, Checked::Segment(ask)) => segments::update(call, ask),
        (Endpoint::SegmentDelete, _) => segments::delete(call),
        (Endpoint::SegmentStatistics, _) => segments::statistics(call),
        (Endpoint::WrongMethod, _) => {
            Answer::problem(405, "problem", "Method not allowed", "This path does not take this method.", call.request)
        }
        _ => Answer::not_found("Path", call.request),
    }
}
