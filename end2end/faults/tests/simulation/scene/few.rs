//! The small export of a world, for whose runs the big one makes room: whom has it delivered?

use std::collections::BTreeSet;

use domain::paging::PageRequest;
use domain::run::RunState;
use ferry_faults::simulated::SMALL_EXPORT;
use omnisend_simulator::Filter;
use serde_json::Value;
use server::db::runs;

use super::Scene;
use crate::world::{SMALL_TAG, Snapshot};

impl Scene<'_> {
    /// Has its last run ended? Then it is known, or not, whom the export has delivered.
    pub(super) async fn small_is_over(&mut self, snapshot: &Snapshot) -> bool {
        let mut tx = self.db.read().await.expect("begun");
        let page = PageRequest { number: 1, size: 1 };
        let last = runs::list(&mut tx, Some(SMALL_EXPORT), page).await.expect("read").items.pop();
        drop(tx);
        let Some(last) = last else { return true };
        if last.snapshot == Some(snapshot.number) {
            self.few = (last.state == RunState::Successful).then(|| snapshot.few.clone());
        }
        last.finished_at.is_some()
    }

    /// Does the receiver hold the mark of the small segment with others than were delivered?
    pub(super) fn has_other_few(&self) -> bool {
        let name = self.manner.name(SMALL_TAG);
        let (contacts, _) = self.state.contacts(&Filter::default(), 0, usize::MAX);
        let is_marked = |one: &&Value| {
            let has_tag = one["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| *tag == *name));
            has_tag || one["customProperties"][&name] == true
        };
        let marked = contacts.iter().filter(is_marked).filter_map(|one| one["email"].as_str().map(str::to_owned));
        let marked: BTreeSet<String> = marked.collect();
        self.few.as_ref().is_some_and(|few| *few != marked)
    }
}
