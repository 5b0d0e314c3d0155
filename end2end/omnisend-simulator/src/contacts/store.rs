//! The contacts of one brand: upserts, patches, tags, and who owns which identifier. No HTTP, no JSON.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::clock;
use crate::contacts::consent::{self, ConsentCounters, ConsentEvent};
use crate::contacts::record::{Contact, ContactWrite, StatusAt};
use crate::options::{Switches, TagsInUpserts};
use crate::packed::Packed;

/// Consent events that the log remembers.
const EVENTS_MAX: usize = 200_000;

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upserted {
    Created(u32),
    Updated(u32),
    /// Its only identifier belongs to somebody else: no contact, no error.
    Dropped,
}

/// An identifier in a patch belongs to another contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken;

/// What a contact was before a write that does not show yet.
#[derive(Debug)]
struct Shadow {
    until: i64,
    before: Option<Contact>,
}

/// All contacts of a brand. A slot is a contact's place in order of creation.
#[derive(Debug, Default)]
pub struct Contacts {
    all: Vec<Contact>,
    by_email: HashMap<Arc<str>, u32>,
    by_phone: HashMap<Arc<str>, u32>,
    /// (version, slot) of every change; an entry counts while the contact still has that version.
    changes: Vec<(u64, u32)>,
    next_version: u64,
    shadows: HashMap<u32, Shadow>,
    /// Contacts for each tag, by the tag's number.
    tag_counts: Vec<u32>,
    pub events: VecDeque<ConsentEvent>,
    pub consent: ConsentCounters,
    deleted: usize,
    /// Identifiers that were ignored because another contact has them.
    pub dropped_identifiers: u64,
}

impl Contacts {
    /// Slots that were ever given, deleted contacts included.
    pub fn slots(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    /// Contacts that exist.
    pub fn count(&self) -> usize {
        self.all.len() - self.deleted
    }

    /// The true state, whether it shows already or not.
    pub fn get(&self, slot: u32) -> Option<&Contact> {
        self.all.get(slot as usize).filter(|contact| !contact.deleted)
    }

    /// What a reader sees at `now`.
    pub fn visible(&self, slot: u32, now: i64) -> Option<&Contact> {
        match self.shadows.get(&slot) {
            Some(shadow) if shadow.until > now => shadow.before.as_ref(),
            _ => self.get(slot),
        }
    }

    /// Every contact that exists, with its slot.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Contact)> {
        (0_u32..).zip(&self.all).filter(|(_, contact)| !contact.deleted)
    }

    /// (version, slot) of every change in order, stale ones included.
    pub fn changes(&self) -> &[(u64, u32)] {
        &self.changes
    }

    pub fn find_email(&self, email: &str, switches: &Switches) -> Option<u32> {
        if switches.email_case_sensitive {
            return self.by_email.get(email).copied();
        }
        self.by_email.get(email.to_lowercase().as_str()).copied()
    }

    pub fn find_phone(&self, phone: &str) -> Option<u32> {
        self.by_phone.get(phone).copied()
    }

    /// Tags that at least one contact carries, with their counts.
    pub fn tag_counts(&self) -> impl Iterator<Item = (u32, u32)> {
        self.tag_counts.iter().zip(0_u32..).filter(|(count, _)| **count > 0).map(|(count, tag)| (tag, *count))
    }

    /// Creates or updates by the e-mail identifier (by the phone when there is no e-mail).
    pub fn upsert(&mut self, write: &ContactWrite, now: i64, switches: &Switches) -> Upserted {
        let by_phone = write.phone.as_deref().and_then(|phone| self.find_phone(phone));
        let Some(email) = write.email.as_deref() else {
            if by_phone.is_some() || write.phone.is_none() {
                self.dropped_identifiers += 1;
                return Upserted::Dropped;
            }
            return self.create(write, write.phone.as_deref(), now, switches);
        };
        let own = self.find_email(email, switches);
        let phone = match by_phone {
            Some(owner) if Some(owner) != own => {
                self.dropped_identifiers += 1;
                None
            }
            _ => write.phone.as_deref(),
        };
        match own {
            None => self.create(write, phone, now, switches),
            Some(slot) => {
                self.change(slot, write, None, phone, now, switches);
                Upserted::Updated(slot)
            }
        }
    }

    /// Changes a contact that exists. A taken identifier refuses the whole patch.
    pub fn patch(&mut self, slot: u32, write: &ContactWrite, now: i64, switches: &Switches) -> Result<(), Taken> {
        let email_owner = write.email.as_deref().and_then(|email| self.find_email(email, switches));
        let phone_owner = write.phone.as_deref().and_then(|phone| self.find_phone(phone));
        if [email_owner, phone_owner].into_iter().flatten().any(|owner| owner != slot) {
            return Err(Taken);
        }
        let new_email = write.email.as_deref().filter(|_| email_owner.is_none());
        self.change(slot, write, new_email, write.phone.as_deref(), now, switches);
        Ok(())
    }

    /// Adds or removes tags; contacts where nothing changes stay untouched.
    pub fn tag(&mut self, slots: &[u32], tags: &[u32], add: bool, now: i64, switches: &Switches) {
        for slot in slots {
            let Some(contact) = self.get(*slot) else { continue };
            let changed: Vec<u32> = tags.iter().copied().filter(|tag| contact.has_tag(*tag) != add).collect();
            if changed.is_empty() {
                continue;
            }
            let mut new: Vec<u32> = contact.tags.iter().copied().filter(|tag| add || !changed.contains(tag)).collect();
            if add {
                new.extend(changed);
            }
            self.shade(*slot, false, now, switches);
            self.set_tags(*slot, new);
            self.touch(*slot, now);
        }
    }

    /// Deletes a contact, as a person does on the vendor's screens. False when there is none.
    pub fn delete(&mut self, slot: u32) -> bool {
        if self.get(slot).is_none() {
            return false;
        }
        self.set_tags(slot, Vec::new());
        self.shadows.remove(&slot);
        let Some(contact) = self.all.get_mut(slot as usize) else { return false };
        contact.deleted = true;
        if let Some(email) = contact.email.take() {
            forget_email(&mut self.by_email, &email, slot);
        }
        if let Some(phone) = contact.phone.take() {
            self.by_phone.remove(&phone);
        }
        self.deleted += 1;
        true
    }

    fn create(&mut self, write: &ContactWrite, phone: Option<&str>, now: i64, switches: &Switches) -> Upserted {
        let slot = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Contact {
            email: None,
            phone: None,
            fields: Packed::default(),
            tags: Box::default(),
            created: now,
            updated: now,
            version: 0,
            email_status: StatusAt::UNSET,
            more: None,
            deleted: false,
        });
        self.shade(slot, true, now, switches);
        self.write(slot, write, write.email.as_deref(), phone, true, now, switches);
        Upserted::Created(slot)
    }

    fn change(
        &mut self,
        slot: u32,
        write: &ContactWrite,
        email: Option<&str>,
        phone: Option<&str>,
        now: i64,
        switches: &Switches,
    ) {
        self.shade(slot, false, now, switches);
        self.write(slot, write, email, phone, false, now, switches);
    }

    #[expect(clippy::too_many_arguments, reason = "the one place where all parts of a write meet")]
    fn write(
        &mut self,
        slot: u32,
        write: &ContactWrite,
        email: Option<&str>,
        phone: Option<&str>,
        created: bool,
        now: i64,
        switches: &Switches,
    ) {
        self.set_email(slot, email, switches);
        self.set_phone(slot, phone);
        let Some(contact) = self.all.get_mut(slot as usize) else { return };
        if !contact.fields.covers(&write.fields) {
            contact.fields = contact.fields.merged(&write.fields);
        }
        let events = consent::apply(contact, slot, write, created, now, switches, &mut self.consent);
        for event in events {
            if self.events.len() >= EVENTS_MAX {
                self.events.pop_front();
            }
            self.events.push_back(event);
        }
        if let Some(tags) = &write.tags {
            let mut new: Vec<u32> = match switches.tags_in_upserts {
                TagsInUpserts::Append => contact.tags.to_vec(),
                TagsInUpserts::Replace => Vec::new(),
            };
            for tag in tags.iter().filter(|tag| !new.contains(tag)).copied().collect::<Vec<_>>() {
                if !new.contains(&tag) {
                    new.push(tag);
                }
            }
            self.set_tags(slot, new);
        }
        self.touch(slot, now);
    }

    fn set_email(&mut self, slot: u32, email: Option<&str>, switches: &Switches) {
        let (Some(email), Some(contact)) = (email, self.all.get_mut(slot as usize)) else { return };
        if let Some(old) = contact.email.take() {
            forget_email(&mut self.by_email, &old, slot);
        }
        let shared: Arc<str> = Arc::from(email);
        let key = if switches.email_case_sensitive || !email.chars().any(char::is_uppercase) {
            Arc::clone(&shared)
        } else {
            Arc::from(email.to_lowercase())
        };
        contact.email = Some(shared);
        self.by_email.insert(key, slot);
    }

    fn set_phone(&mut self, slot: u32, phone: Option<&str>) {
        let (Some(phone), Some(contact)) = (phone, self.all.get_mut(slot as usize)) else { return };
        if contact.phone.as_deref() == Some(phone) {
            return;
        }
        if let Some(old) = contact.phone.take() {
            self.by_phone.remove(&old);
        }
        let shared: Arc<str> = Arc::from(phone);
        contact.phone = Some(Arc::clone(&shared));
        self.by_phone.insert(shared, slot);
    }

    fn set_tags(&mut self, slot: u32, new: Vec<u32>) {
        let Some(contact) = self.all.get_mut(slot as usize) else { return };
        let old = std::mem::replace(&mut contact.tags, new.into_boxed_slice());
        for tag in &old {
            if let Some(count) = self.tag_counts.get_mut(*tag as usize) {
                *count = count.saturating_sub(1);
            }
        }
        for tag in &contact.tags {
            let place = *tag as usize;
            if self.tag_counts.len() <= place {
                self.tag_counts.resize(place + 1, 0);
            }
            if let Some(count) = self.tag_counts.get_mut(place) {
                *count += 1;
            }
        }
    }

    /// Remembers what readers go on seeing while the write is not visible.
    fn shade(&mut self, slot: u32, created: bool, now: i64, switches: &Switches) {
        if switches.visibility_delay_ms == 0 {
            return;
        }
        let until = now + clock::millis(switches.visibility_delay_ms);
        let before = if created { None } else { self.visible(slot, now).cloned() };
        self.shadows.insert(slot, Shadow { until, before });
        if self.shadows.len().is_power_of_two() {
            self.shadows.retain(|_, shadow| shadow.until > now);
        }
    }

    fn touch(&mut self, slot: u32, now: i64) {
        let Some(contact) = self.all.get_mut(slot as usize) else { return };
        self.next_version += 1;
        contact.version = self.next_version;
        contact.updated = now;
        self.changes.push((self.next_version, slot));
        if self.changes.len() > 2 * self.all.len() + 1_024 {
            let all = &self.all;
            self.changes
                .retain(|(version, slot)| all.get(*slot as usize).is_some_and(|contact| contact.version == *version));
        }
    }
}

/// Takes a contact's address out of the index, whichever way it was put in. Another contact, whose address differs in
/// case alone, stays in it.
fn forget_email(index: &mut HashMap<Arc<str>, u32>, email: &str, slot: u32) {
    for key in [email, email.to_lowercase().as_str()] {
        if index.get(key) == Some(&slot) {
            index.remove(key);
        }
    }
}
