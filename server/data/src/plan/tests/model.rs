//! Plans and closes in plain maps: the second opinion for random histories.

use std::collections::{BTreeMap, BTreeSet};

use super::Person;

/// What is known to be delivered, by address.
pub(super) type Ledger = BTreeMap<String, Known>;

/// What is known of one contact.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    name: String,
    pub(super) tags: BTreeSet<String>,
    /// Tags that it may have or not.
    pub(super) in_doubt: BTreeSet<String>,
}

/// Tags and addresses.
pub(super) type Changes = BTreeSet<(String, String)>;

/// What the model would do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Address → first name, in the order of the rows.
    pub(super) send: BTreeMap<String, String>,
    pub(super) add: Changes,
    pub(super) remove: Changes,
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
        if known.is_some_and(|known| known.name == *name) {
            plan.unchanged += 1;
        } else {
            plan.send.insert(email.clone(), name.clone());
        }
        let carried = known.map(|known| known.tags.clone()).unwrap_or_default();
        plan.add.extend(tags.difference(&carried).map(|tag| (tag.clone(), email.clone())));
    }
    for (email, known) in ledger {
        let none = BTreeSet::new();
        let tags = wanted.get(email).map_or(&none, |(_, tags)| tags);
        let carried = known.tags.union(&known.in_doubt);
        let surplus = carried.filter(|tag| !tags.contains(*tag) && !stays(tag));
        plan.remove.extend(surplus.map(|tag| (tag.clone(), email.clone())));
    }
    plan.present = wanted.into_keys().collect();
    plan
}

/// The ledger after a run in which these addresses were accepted, and these tag changes failed or are in doubt.
pub(super) fn close(
    plan: &Plan,
    ledger: &Ledger,
    accepted: &BTreeSet<String>,
    failed: [&Changes; 2],
    in_doubt: [&Changes; 2],
) -> Ledger {
    let mut next = ledger.clone();
    for (email, name) in &plan.send {
        if accepted.contains(email) {
            next.entry(email.clone()).or_default().name.clone_from(name);
        } else if let Some(known) = next.get_mut(email) {
            // It may have arrived all the same.
            known.name.clear();
        }
    }
    // A contact that nothing is known of may be missing: its new tags wait for its row.
    let may_be_missing = |email| ledger.get(email).is_some_and(|known| known.name.is_empty() && known.tags.is_empty());
    for (at, changes) in [&plan.add, &plan.remove].into_iter().enumerate() {
        for change in changes.difference(failed[at]) {
            if at == 0 && may_be_missing(&change.1) && !accepted.contains(&change.1) {
                continue;
            }
            let Some(known) = next.get_mut(&change.1) else { continue };
            let tag = change.0.clone();
            known.tags.remove(&tag);
            known.in_doubt.remove(&tag);
            if in_doubt[at].contains(change) {
                known.in_doubt.insert(tag);
            } else if at == 0 {
                known.tags.insert(tag);
            }
        }
    }
    next.retain(|email, known| plan.present.contains(email) || !known.tags.is_empty() || !known.in_doubt.is_empty());
    next
}
