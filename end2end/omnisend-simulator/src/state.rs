//! The handle with which tests look into a running simulator and change what it does. The control
//! endpoints under `/_sim` are built on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::batches::store::Batches;
use crate::clock::to_text;
use crate::contacts::consent::ConsentCounters;
use crate::contacts::validate::{self, Rules};
use crate::faults::Script;
use crate::gateway::Shared;
use crate::json::Json;
use crate::log::RecordView;
use crate::options::{Limits, Options, Switches};
use crate::problem::FieldFault;
use crate::world::{Brand, Job, World};

/// A handle on a simulator's state. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct State(pub(crate) Arc<Shared>);

/// Counts over everything the simulator holds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// By the simulator's clock.
    pub now: String,
    pub contacts: usize,
    /// Contacts for each tag.
    pub tags: BTreeMap<String, u64>,
    /// Contacts for each status of the e-mail channel.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Batches for each status.
    pub batches: BTreeMap<&'static str, u64>,
    pub batch_items: u64,
    pub batch_errors: u64,
    /// Identifiers that were ignored because another contact has them.
    pub dropped_identifiers: u64,
    #[serde(flatten)]
    pub consent: ConsentCounters,
    /// Tag requests and batches that are accepted and not done.
    pub waiting: usize,
    pub requests: u64,
    pub requests_by_call: Vec<CallCount>,
    pub brands: Vec<BrandSummary>,
}

/// Requests of one call with one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallCount {
    pub endpoint: &'static str,
    pub status: u16,
    pub count: u64,
}

/// One brand's part of the summary.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrandSummary {
    #[serde(rename = "brandID")]
    pub brand_id: String,
    pub contacts: usize,
}

/// Which contacts to look at.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// All brands when left out.
    pub brand_id: Option<String>,
    pub tag: Option<String>,
    pub email: Option<String>,
}

impl State {
    /// A simulator that listens nowhere: only [`State::ask`] leads into it.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Shared::new(options)))
    }

    /// Looks at the whole state after everything that is due was done.
    fn settled<T>(&self, look: impl FnOnce(&mut World, i64) -> T) -> T {
        let mut world = self.0.world();
        let now = self.0.clock.now();
        world.settle(now);
        look(&mut world, now)
    }

    /// Counts over everything.
    pub fn summary(&self) -> Summary {
        self.settled(|world, now| summary(world, now, &self.0))
    }

    /// Contacts in order of creation as the API shows them, truth before visibility: `limit` of them
    /// after leaving out `offset`, and how many there are in all.
    pub fn contacts(&self, filter: &Filter, offset: usize, limit: usize) -> (Vec<Value>, usize) {
        self.settled(|world, _| {
            let switches = world.switches;
            let tag = filter.tag.as_deref().map(|tag| self.0.dictionary.tags.find(tag));
            let mut total = 0;
            let mut page = Vec::new();
            for brand in world.brands.iter().filter(|brand| filter.brand_id.as_ref().is_none_or(|id| *id == brand.id)) {
                for (slot, contact) in brand.contacts.iter() {
                    let tag_fits = tag.is_none_or(|tag| tag.is_some_and(|tag| contact.has_tag(tag)));
                    let email_fits =
                        filter.email.as_deref().is_none_or(|email| contact.email.as_deref() == Some(email));
                    if !tag_fits || !email_fits {
                        continue;
                    }
                    total += 1;
                    if total > offset && page.len() < limit {
                        page.push(brand.show(slot, contact, &self.0.dictionary, &switches));
                    }
                }
            }
            (page, total)
        })
    }

    /// One contact by its address, in any brand.
    pub fn contact(&self, email: &str) -> Option<Value> {
        let filter = Filter { email: Some(email.to_owned()), ..Filter::default() };
        self.contacts(&filter, 0, 1).0.pop()
    }

    /// The addresses of all contacts with a tag, in any brand, sorted.
    pub fn emails_with_tag(&self, tag: &str) -> Vec<String> {
        let Some(tag) = self.0.dictionary.tags.find(tag) else { return Vec::new() };
        self.settled(|world, _| {
            let contacts = world.brands.iter().flat_map(|brand| brand.contacts.iter());
            let tagged = contacts.filter(|(_, contact)| contact.has_tag(tag));
            let mut emails: Vec<String> =
                tagged.filter_map(|(_, contact)| contact.email.as_deref().map(str::to_owned)).collect();
            emails.sort_unstable();
            emails
        })
    }

    /// Requests after the one with number `since`, oldest first, at most `limit`.
    pub fn requests(&self, since: u64, limit: usize) -> Vec<RecordView> {
        self.settled(|world, _| {
            let brand_id = |place: u32| world.brands.get(place as usize).map(|brand| brand.id.clone());
            world.log.since(since).take(limit).map(|record| record.view(record.brand.and_then(brand_id))).collect()
        })
    }

    /// Every status that was sent, oldest first, at most `limit`, as JSON.
    pub fn consent_events(&self, limit: usize) -> Vec<Value> {
        self.settled(|world, _| world.brands.iter().flat_map(consent_events).take(limit).collect())
    }

    /// Writes contacts past key and limits, as the shop itself would, each in the form of
    /// `POST /contacts`. Faults name the item.
    pub fn seed_contacts(&self, brand_id: Option<&str>, contacts: &[Value]) -> Result<usize, Vec<FieldFault>> {
        let mut world = self.0.world();
        let now = self.0.clock.now();
        world.settle(now);
        let switches = world.switches;
        let Some(brand) = world.brands.iter_mut().find(|brand| brand_id.is_none_or(|id| id == brand.id)) else {
            return Err(vec![FieldFault::new("brandID", "unknown", "No such brand.")]);
        };
        for (place, contact) in contacts.iter().enumerate() {
            let text = contact.to_string();
            let json = Json::read(text.as_bytes()).unwrap_or(Json::Null);
            let rules = Rules { switches: &switches, dictionary: &self.0.dictionary, identifiers_required: true };
            let write = validate::contact(&json, rules).map_err(|faults| {
                let at =
                    |fault: FieldFault| FieldFault { field: format!("contacts[{place}].{}", fault.field), ..fault };
                faults.into_iter().map(at).collect::<Vec<_>>()
            })?;
            brand.contacts.upsert(&write, now, &switches);
        }
        Ok(contacts.len())
    }

    /// Deletes contacts by address in every brand, as a person does on the vendor's screens.
    pub fn delete_contacts(&self, emails: &[String]) -> usize {
        self.settled(|world, _| {
            let switches = world.switches;
            let mut deleted = 0;
            for brand in &mut world.brands {
                for email in emails {
                    let slot = brand.contacts.find_email(email, &switches);
                    deleted += usize::from(slot.is_some_and(|slot| brand.contacts.delete(slot)));
                }
            }
            deleted
        })
    }

    /// Puts a fault script in the place of the one that runs; its counts and times begin anew.
    pub fn set_faults(&self, script: Script) {
        self.settled(|world, now| world.set_faults(script, now));
    }

    /// How often each rule of the script has hit.
    pub fn fault_report(&self) -> Value {
        self.settled(|world, _| world.faults.report())
    }

    pub fn switches(&self) -> Switches {
        self.0.world().switches
    }

    pub fn set_switches(&self, switches: Switches) {
        self.settled(|world, _| world.switches = switches);
    }

    pub fn set_limits(&self, limits: Limits) {
        self.settled(|world, _| world.limits = limits);
    }

    /// Refuses a key with 401 or 403 from now on, or takes it back into favour. False for an unknown key.
    pub fn refuse_key(&self, key: &str, with: Option<u16>) -> bool {
        self.settled(|world, _| world.keys.get_mut(key).map(|key| key.refused_with = with).is_some())
    }

    /// Lets every held batch run now.
    pub fn release_batches(&self) -> usize {
        self.settled(|world, now| {
            let mut released = 0;
            for brand in &mut world.brands {
                for number in brand.batches.held() {
                    brand.jobs.push(now, Job::Batch { number });
                    released += 1;
                }
            }
            world.settle(now);
            released
        })
    }

    /// Moves a virtual clock on and does what has become due. False when the clock is the machine's.
    pub fn advance(&self, by: Duration) -> bool {
        let moved = self.0.clock.advance(by);
        self.settled(|_, _| ());
        moved
    }

    /// Back to how it was started: no contacts, no batches, no log, the first script and switches.
    pub fn reset(&self) {
        let mut world = self.0.world();
        *world = World::new(&self.0.options);
    }

    /// Microseconds since 1970 UTC by the simulator's clock.
    pub fn now(&self) -> i64 {
        self.0.clock.now()
    }
}

fn summary(world: &World, now: i64, shared: &Shared) -> Summary {
    let mut summary = Summary {
        now: to_text(now),
        contacts: 0,
        tags: BTreeMap::new(),
        statuses: BTreeMap::new(),
        batches: BTreeMap::new(),
        batch_items: 0,
        batch_errors: 0,
        dropped_identifiers: 0,
        consent: ConsentCounters::default(),
        waiting: 0,
        requests: world.log.total(),
        requests_by_call: Vec::new(),
        brands: Vec::new(),
    };
    for brand in &world.brands {
        let contacts = &brand.contacts;
        summary.brands.push(BrandSummary { brand_id: brand.id.clone(), contacts: contacts.count() });
        summary.contacts += contacts.count();
        for (tag, count) in contacts.tag_counts() {
            *summary.tags.entry(shared.dictionary.tags.name(tag).to_string()).or_default() += u64::from(count);
        }
        for (_, contact) in contacts.iter() {
            *summary.statuses.entry(contact.email_status.status.text()).or_default() += 1;
        }
        count_batches(&brand.batches, now, &mut summary);
        summary.dropped_identifiers += contacts.dropped_identifiers;
        summary.consent.add(contacts.consent);
        summary.waiting += brand.jobs.waiting();
    }
    let counts = world.log.counts();
    summary.requests_by_call =
        counts.map(|(call, status, count)| CallCount { endpoint: call.name(), status, count }).collect();
    summary
}

fn count_batches(batches: &Batches, now: i64, summary: &mut Summary) {
    for (_, batch) in batches.iter() {
        *summary.batches.entry(batch.status(now)).or_default() += 1;
        summary.batch_items += batch.total as u64;
        summary.batch_errors += batch.errors as u64;
    }
}

fn consent_events(brand: &Brand) -> Vec<Value> {
    let view = |event: &crate::contacts::consent::ConsentEvent| {
        let email = brand.contacts.get(event.slot).and_then(|contact| contact.email.as_deref()).unwrap_or_default();
        serde_json::json!({
            "at": to_text(event.at),
            "brandID": brand.id,
            "email": email,
            "channel": event.channel,
            "from": event.from,
            "to": event.to,
            "statusChangedAt": to_text(event.status_date),
            "taken": event.taken,
            "welcome": event.welcome,
        })
    };
    brand.contacts.events.iter().map(view).collect()
}
