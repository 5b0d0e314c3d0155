//! Plans and closes in plain maps: the second opinion for random histories.

use std::collections::{BTreeMap, BTreeSet};

use super::Person;

/// What is known to be delivered: address → (first name, tags).
pub(super) type Ledger = BTreeMap<String, (String, BTreeSet<String>)>;

/// What the model would do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Address → first name, in the order of the rows.
    pub(super) send: BTreeMap<String, String>,
    pub(super) add: BTreeSet<(String, String)>,
    pub(super) remove: BTreeSet<(String, String)>,
    pub(super) members: u64,
    pub(super) unchanged: u64,
    pub(super) rejected: u64,
    pub(super) held: u64,
    /// Members' addresses.
    present: BTreeSet<String>,
}

/// Plans the difference. `segments` are numbers with their state.
pub(super) fn plan(people: &[Person], segments: &[(usize, bool)], ledger: &Ledger) -> Plan {
    let mut plan = Plan::default();
    let mut wanted: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for person in people {
        let tags: BTreeSet<String> = segments
            .iter()
            .filter(|(number, is_active)| *is_active && person.segments[*number])
            .map(|(number, _)| format!("t{number}"))
            .collect();
        if tags.is_empty() {
            continue;
        }
        plan.members += 1;
        let email = person.email.as_deref().unwrap_or_default().trim().to_lowercase();
        if !email.contains('@') {
            plan.rejected += 1;
        } else if let Some((_, known)) = wanted.get_mut(&email) {
            plan.held += 1;
            known.extend(tags);
        } else {
            wanted.insert(email, (person.name.clone(), tags));
        }
    }
    let stays = |tag: &String| segments.iter().any(|(number, is_active)| !is_active && *tag == format!("t{number}"));
    for (email, (name, tags)) in &wanted {
        let known = ledger.get(email);
        if known.is_some_and(|(known, _)| known == name) {
            plan.unchanged += 1;
        } else {
            plan.send.insert(email.clone(), name.clone());
        }
        let carried = known.map(|(_, tags)| tags.clone()).unwrap_or_default();
        plan.add.extend(tags.difference(&carried).map(|tag| (tag.clone(), email.clone())));
    }
    for (email, (_, carried)) in ledger {
        let none = BTreeSet::new();
        let tags = wanted.get(email).map_or(&none, |(_, tags)| tags);
        let surplus = carried.difference(tags).filter(|tag| !stays(tag));
        plan.remove.extend(surplus.map(|tag| (tag.clone(), email.clone())));
    }
    plan.present = wanted.into_keys().collect();
    plan
}

/// The ledger after a run in which these addresses were accepted and these tag changes failed.
pub(super) fn close(
    plan: &Plan,
    ledger: &Ledger,
    accepted: &BTreeSet<String>,
    failed_add: &BTreeSet<(String, String)>,
    failed_remove: &BTreeSet<(String, String)>,
) -> Ledger {
    let mut next = ledger.clone();
    for (email, name) in &plan.send {
        if accepted.contains(email) {
            next.entry(email.clone()).or_default().0.clone_from(name);
        } else if let Some((known, _)) = next.get_mut(email) {
            // It may have arrived all the same.
            known.clear();
        }
    }
    for change in plan.add.difference(failed_add) {
        if let Some((_, tags)) = next.get_mut(&change.1) {
            tags.insert(change.0.clone());
        }
    }
    for change in plan.remove.difference(failed_remove) {
        if let Some((_, tags)) = next.get_mut(&change.1) {
            tags.remove(&change.0);
        }
    }
    next.retain(|email, (_, tags)| plan.present.contains(email) || !tags.is_empty());
    next
}
