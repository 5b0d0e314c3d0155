//! The destination's own ids of contacts that were just made. A tag request takes as many ids as it takes addresses, of
//! other contacts, and tags have the smallest limit of all: so with ids the tags of a large first delivery take half the
//! requests.
//!
//! What they cost decides how they are got. The items of a batch name 100 contacts for a request; a page of the list of
//! contacts names 250. The newest contacts stand first there, and those wait for their tags: so the list is read from
//! its top, right after batches have settled, as far as half of the waiting contacts are known. Tags of the others go by
//! address. What is not found costs nothing but the page, and pages are asked for only as long as they are worth it.

use std::collections::{HashMap, VecDeque};

use crate::destinations::ContactPage;

/// Ids that are remembered.
const MOST: usize = 30_000;
/// With fewer changes waiting, addresses alone keep up: ten requests.
const FEW: usize = 2500;
/// Pages that are asked for before they have to be worth it, and ids of a page that have to be used.
const ON_TRUST: u64 = 20;
const WORTH: u64 = 100;
/// The rest between two readings of the list: 5 s.
const REST: i64 = 5_000_000;

/// The ids that are known, and the reading of more.
#[derive(Debug)]
pub(super) struct Ids {
    is_wanted: bool,
    known: HashMap<String, String>,
    order: VecDeque<String>,
    /// Where the reading goes on; it begins at the top when there is none.
    pub(super) after: Option<String>,
    is_out: bool,
    due_at: i64,
    pages: u64,
    used: u64,
}

impl Ids {
    /// `is_wanted`: does the destination take ids, and are tags limited at all?
    pub(super) fn new(is_wanted: bool) -> Self {
        Self {
            is_wanted,
            known: HashMap::new(),
            order: VecDeque::new(),
            after: None,
            is_out: false,
            due_at: 0,
            pages: 0,
            used: 0,
        }
    }

    pub(super) fn knows(&self, email: &str) -> bool {
        self.known.contains_key(email)
    }

    /// The id of a contact, to be used now.
    pub(super) fn take(&mut self, email: &str) -> Option<String> {
        let id = self.known.get(email).cloned();
        self.used += u64::from(id.is_some());
        id
    }

    /// May a page be asked for, as far as time and worth go?
    pub(super) fn may_ask(&self, now: i64) -> bool {
        self.is_wanted && !self.is_out && self.due_at <= now && self.pages <= ON_TRUST + self.used / WORTH
    }

    /// Is another page worth it, with so many waiting contacts known and unknown? Ends the reading where it is not.
    pub(super) fn wants(&mut self, known: usize, unknown: usize, now: i64) -> bool {
        let wants = unknown >= FEW && known < unknown;
        if !wants {
            self.rest(now);
        }
        wants
    }

    /// A page is on its way.
    pub(super) fn asked(&mut self) {
        self.is_out = true;
        self.pages += 1;
    }

    /// A page has come.
    pub(super) fn read(&mut self, page: ContactPage, now: i64) {
        let count = page.contacts.len();
        let new = self.learn(page.contacts.into_iter().map(|contact| (contact.email, contact.id)));
        self.is_out = false;
        self.after = page.next;
        // At the end, or among those that were read before.
        if self.after.is_none() || new * 4 < count {
            self.rest(now);
        }
    }

    /// The reading ends for now.
    pub(super) fn rest(&mut self, now: i64) {
        self.is_out = false;
        self.after = None;
        self.due_at = now + REST;
    }

    /// No more pages are asked for: the destination does not give them.
    pub(super) fn give_up(&mut self) {
        self.is_out = false;
        self.is_wanted = false;
    }

    /// Remembers ids; gives how many were not known.
    pub(super) fn learn(&mut self, found: impl IntoIterator<Item = (String, String)>) -> usize {
        let before = self.order.len();
        for (email, id) in found {
            if self.known.insert(email.clone(), id).is_none() {
                self.order.push_back(email);
            }
        }
        let new = self.order.len() - before;
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destinations::ContactRef;

    fn page(from: usize, count: usize) -> ContactPage {
        let contact = |n: usize| ContactRef { id: format!("id{n}"), email: format!("{n}@x.com") };
        ContactPage { contacts: (from..from + count).map(contact).collect(), next: Some("more".to_owned()) }
    }

    #[test]
    fn pages_that_name_nobody_who_waits_are_soon_not_asked_for_any_more() {
        let mut ids = Ids::new(true);
        let mut asked = 0;
        while ids.may_ask(0) && asked < 1000 {
            ids.asked();
            ids.read(page(asked * 250, 250), 0);
            asked += 1;
        }
        assert_eq!(asked as u64, ON_TRUST + 1);

        let mut ids = Ids::new(true);
        for n in 0..1000 {
            assert!(ids.may_ask(0), "each page is worth it");
            ids.asked();
            ids.read(page(n * 250, 250), 0);
            for taken in n * 250..n * 250 + 120 {
                assert!(ids.take(&format!("{taken}@x.com")).is_some());
            }
        }
        assert!(ids.known.len() <= MOST && ids.known.len() == ids.order.len());
    }

    #[test]
    fn the_reading_ends_among_contacts_that_were_read_before_and_begins_again_at_the_top() {
        let mut ids = Ids::new(true);
        ids.asked();
        ids.read(page(0, 250), 7);
        assert!(ids.may_ask(7) && ids.after.is_some());
        ids.asked();
        ids.read(page(10, 250), 8);
        assert!(!ids.may_ask(8) && ids.after.is_none() && ids.may_ask(8 + REST));
        assert!(ids.wants(10, FEW, 9) && !ids.wants(FEW, FEW, 9) && !ids.wants(0, FEW - 1, 9));
    }
}
