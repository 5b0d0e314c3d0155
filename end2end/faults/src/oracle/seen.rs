//! What the receiver saw: its contacts, its log of requests, its counters.

use std::collections::BTreeMap;

use omnisend_simulator::{Endpoint, Filter, RecordView, State};
use serde_json::Value;

use super::Person;

/// The receiver's side of the story.
#[derive(Debug)]
pub struct Seen {
    pub(super) people: BTreeMap<String, Person>,
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
            requests: state.requests(0, usize::MAX),
            consents: state.consent_events(1_000),
            resubscribed: summary["resubscribed"].as_u64().unwrap_or(u64::MAX),
            welcomed: summary["welcomeMessages"].as_u64().unwrap_or(u64::MAX),
        }
    }

    /// How many requests of a kind were taken, and how many of those answers were lost on the way.
    pub(super) fn taken(&self, kinds: &[Endpoint]) -> (u64, u64) {
        let taken = || self.requests.iter().filter(|one| one.served && kinds.contains(&one.endpoint));
        (taken().count() as u64, taken().filter(|one| !one.answered).count() as u64)
    }
}

fn person(contact: &Value) -> (String, Person) {
    let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
    let tags = contact["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    (text("email"), Person { name: text("firstName"), tags })
}
