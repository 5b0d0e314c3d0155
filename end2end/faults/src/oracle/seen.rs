//! What the receiver saw: its contacts, its log of requests, its counters.

use std::collections::BTreeMap;

use omnisend_simulator::{Endpoint, Filter, RecordView, State};
use serde_json::Value;

use super::Person;

/// The receiver's side of the story.
#[derive(Debug)]
pub struct Seen {
    pub(super) people: BTreeMap<String, Person>,
    /// Whether somebody is subscribed, by address.
    pub(super) statuses: BTreeMap<String, String>,
    pub(super) requests: Vec<RecordView>,
    /// Statuses that were sent, with what became of them.
    pub(super) consents: Vec<Value>,
    pub(super) resubscribed: u64,
    pub(super) welcomed: u64,
}

impl Seen {
    /// Looks at a simulator, all accounts together.
    pub fn of(state: &State) -> Self {
        let summary = serde_json::to_value(state.summary()).unwrap_or_default();
        let (contacts, _) = state.contacts(&Filter::default(), 0, usize::MAX);
        Self {
            people: contacts.iter().map(person).collect(),
            statuses: contacts.iter().map(|contact| (text(contact, "email"), text(contact, "status"))).collect(),
            requests: state.requests(0, usize::MAX),
            consents: state.consent_events(usize::MAX),
            resubscribed: summary["resubscribed"].as_u64().unwrap_or(u64::MAX),
            welcomed: summary["welcomeMessages"].as_u64().unwrap_or(u64::MAX),
        }
    }

    /// How many requests of a kind were taken, and how many of those answers were lost on the way.
    pub(super) fn taken(&self, kinds: &[Endpoint]) -> (u64, u64) {
        // A contact that is not there has no property to take away.
        let is_done =
            |one: &RecordView| one.served || one.endpoint == Endpoint::ContactPatchByEmail && one.status == 404;
        let taken = || self.requests.iter().filter(|one| is_done(one) && kinds.contains(&one.endpoint));
        (taken().count() as u64, taken().filter(|one| !one.answered).count() as u64)
    }
}

fn person(contact: &Value) -> (String, Person) {
    let tags = contact["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let properties = contact["customProperties"].as_object().into_iter().flatten();
    let true_ones = properties.filter(|(_, value)| **value == Value::Bool(true)).map(|(name, _)| name.as_str());
    let tags = tags.chain(true_ones).map(str::to_owned).collect();
    (text(contact, "email"), Person { name: text(contact, "firstName"), tags })
}

fn text(contact: &Value, name: &str) -> String {
    contact[name].as_str().unwrap_or_default().to_owned()
}
