//! Everything that the simulator holds: brands, keys, the log, the script. What is due is done when
//! somebody looks: there is no background task, so that a test with its own clock decides the order.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

use serde_json::Value;

use crate::auth::{self, Key};
use crate::batches::store::{Batches, ItemWork};
use crate::call::{self, Call, Checked};
use crate::chance;
use crate::contacts::record::{Channel, ChannelWrite, Contact, ContactWrite, Status};
use crate::contacts::store::Contacts;
use crate::contacts::validate::Dictionary;
use crate::contacts::view;
use crate::endpoint::Endpoint;
use crate::faults::engine::{Event, Target};
use crate::faults::script::fits;
use crate::faults::{Effects, Engine, Script};
use crate::ids;
use crate::limits::Limiter;
use crate::log::RequestLog;
use crate::options::{Limits, Options, Switches};
use crate::problem::Answer;
use crate::segments::Segments;

/// Work that is due at a later time.
#[derive(Debug)]
pub enum Job {
    Batch { number: u32 },
    BatchAgain { items: Vec<ItemWork> },
    Tag { slots: Vec<u32>, tags: Vec<u32>, add: bool },
}

#[derive(Debug)]
struct Due {
    at: i64,
    order: u64,
    job: Job,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Work by the time when it is due; what was pushed first goes first among equals.
#[derive(Debug, Default)]
pub struct Jobs {
    heap: BinaryHeap<Reverse<Due>>,
    pushed: u64,
}

impl Jobs {
    pub fn push(&mut self, at: i64, job: Job) {
        self.pushed += 1;
        self.heap.push(Reverse(Due { at, order: self.pushed, job }));
    }

    fn pop(&mut self, now: i64) -> Option<Due> {
        if self.heap.peek().is_none_or(|Reverse(due)| due.at > now) {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }

    /// Tag requests and batches that are accepted and not done.
    pub fn waiting(&self) -> usize {
        self.heap.len()
    }
}

/// One account at the vendor with all that it holds.
#[derive(Debug)]
pub struct Brand {
    pub id: String,
    pub name: String,
    pub website: String,
    pub index: u32,
    pub contacts: Contacts,
    pub batches: Batches,
    pub segments: Segments,
    pub jobs: Jobs,
    limiter: Limiter,
}

impl Brand {
    /// Does everything that is due.
    fn settle(&mut self, now: i64, switches: &Switches) {
        while let Some(due) = self.jobs.pop(now) {
            match due.job {
                Job::Batch { number } => self.batches.run(number, &mut self.contacts, due.at, switches),
                Job::BatchAgain { items } => Batches::run_again(items, &mut self.contacts, due.at, switches),
                Job::Tag { slots, tags, add } => self.contacts.tag(&slots, &tags, add, due.at, switches),
            }
        }
    }

    /// A contact as the API shows it.
    pub fn show(&self, slot: u32, contact: &Contact, dictionary: &Dictionary, switches: &Switches) -> Value {
        let id = ids::object_id(contact.created, self.index, slot);
        view::contact(&id, contact, self.segments.of(contact, dictionary), dictionary, switches)
    }

    /// Up to `count` of the people whose address fits unsubscribe; `chance` decides who.
    fn unsubscribe(&mut self, pattern: &str, count: usize, chance: impl Fn(u32) -> f64, now: i64, switches: &Switches) {
        let subscribed =
            self.contacts.iter().filter(|(_, contact)| contact.email_status.status != Status::Unsubscribed);
        let fitting =
            subscribed.filter(|(_, contact)| contact.email.as_deref().is_some_and(|email| fits(pattern, email)));
        let mut slots: Vec<u32> = fitting.map(|(slot, _)| slot).collect();
        // The bits of numbers from 0 to 1 sort like the numbers.
        slots.sort_by_cached_key(|slot| chance(*slot).to_bits());
        slots.truncate(count);
        let status =
            ChannelWrite { channel: Channel::Email, status: Status::Unsubscribed, at: Some(now), welcome: false };
        let write = ContactWrite { statuses: vec![status], ..ContactWrite::default() };
        for slot in slots {
            // Nothing in this write can be taken by somebody else.
            let _ = self.contacts.patch(slot, &write, now, switches);
        }
    }
}

/// What is known of a request besides its body.
#[derive(Debug, Clone, Default)]
pub struct Head {
    pub method: axum::http::Method,
    /// After `/api`.
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub version: Option<String>,
    pub content_type: Option<String>,
}

/// An answer, when it was decided on, and for which brand.
#[derive(Debug)]
pub struct Served {
    pub answer: Answer,
    pub at: i64,
    pub brand: Option<u32>,
}

/// The whole state.
#[derive(Debug)]
pub struct World {
    pub switches: Switches,
    pub limits: Limits,
    pub seed: u64,
    pub brands: Vec<Brand>,
    pub keys: HashMap<String, Key>,
    pub faults: Engine,
    pub log: RequestLog,
    requests: u64,
}

impl World {
    pub fn new(options: &Options) -> Self {
        let mut world = Self {
            switches: options.switches,
            limits: options.limits,
            seed: options.seed,
            brands: Vec::new(),
            keys: HashMap::new(),
            faults: Engine::new(options.faults.clone(), options.seed, options.clock.now()),
            log: RequestLog::new(options.log_capacity),
            requests: 0,
        };
        for (place, brand) in options.brands.iter().enumerate() {
            let index = u32::try_from(place).unwrap_or(u32::MAX);
            world.brands.push(Brand {
                id: brand.id.clone(),
                name: brand.name.clone(),
                website: brand.website.clone(),
                index,
                contacts: Contacts::default(),
                batches: Batches::default(),
                segments: Segments::new(index),
                jobs: Jobs::default(),
                limiter: Limiter::default(),
            });
            let keys = brand.keys.iter().map(|key| (key.key.clone(), Key::new(place, key)));
            world.keys.extend(keys);
        }
        world
    }

    /// Does everything that is due in every brand.
    pub fn settle(&mut self, now: i64) {
        for brand in &mut self.brands {
            brand.settle(now, &self.switches);
        }
    }

    pub fn set_faults(&mut self, script: Script, now: i64) {
        self.faults = Engine::new(script, self.seed, now);
    }

    /// Counts a request and asks the script about it.
    pub fn arrive(&mut self, head: &Head, now: i64) -> (u64, Effects) {
        self.settle(now);
        self.requests += 1;
        let key = auth::key_of(head.authorization.as_deref()).unwrap_or_default();
        let brand = self.keys.get(key).and_then(|key| self.brands.get(key.brand));
        let contacts = brand.map_or(0, |brand| brand.contacts.count());
        let target =
            Target { method: head.method.as_str(), path: &head.path, key, contacts, now, request: self.requests };
        let effects = self.faults.hit(target);
        for event in &effects.events {
            self.happen(key, event, now);
        }
        (self.requests, effects)
    }

    fn happen(&mut self, key: &str, event: &Event, now: i64) {
        let Some(key) = self.keys.get_mut(key) else { return };
        match event {
            Event::RevokeKey(status) => key.refused_with = Some(*status),
            Event::Unsubscribe { email, count } => {
                if let Some(brand) = self.brands.get_mut(key.brand) {
                    let (seed, request) = (self.seed, self.requests);
                    let chance = |slot: u32| chance::draw(seed, [request, u64::from(slot), 1]);
                    brand.unsubscribe(email, *count, chance, now, &self.switches);
                }
            }
        }
    }

    /// Answers a request: key, limits, version, scope, then the call itself.
    pub fn serve(
        &mut self,
        request: u64,
        head: &Head,
        now: i64,
        checked: Checked,
        effects: &mut Effects,
        dictionary: &Dictionary,
    ) -> Served {
        self.settle(now);
        let (endpoint, id) = Endpoint::resolve(&head.method, &head.path);
        let refused = |answer| Served { answer, at: now, brand: None };
        let Some(key) = auth::key_of(head.authorization.as_deref()).and_then(|key| self.keys.get(key)) else {
            return refused(Answer::unauthorized());
        };
        if key.refused_with == Some(401) {
            return refused(Answer::unauthorized());
        }
        let Some(brand) = self.brands.get_mut(key.brand) else { return refused(Answer::unauthorized()) };
        let index = Some(brand.index);
        let refused = |answer| Served { answer, at: now, brand: index };
        let admitted = brand.limiter.admit(now, endpoint, &self.limits, self.switches.shared_limit, effects.others);
        if let Err(wait) = admitted {
            return refused(Answer::too_many(wait, request));
        }
        if let Err(answer) = auth::version(head.version.as_deref(), request) {
            return refused(answer);
        }
        if let Some(Err(answer)) = endpoint.scope().map(|scope| key.require(scope, request)) {
            return refused(answer);
        }
        if !matches!(checked, Checked::Nothing) && !is_json(head.content_type.as_deref()) {
            let detail = "The body must be application/json.";
            return refused(Answer::problem(415, "problem", "Unsupported media type", detail, request));
        }
        let mut call = Call {
            now,
            request,
            brand,
            key,
            switches: self.switches,
            dictionary,
            seed: self.seed,
            id,
            query: &head.query,
            batch_effects: std::mem::take(&mut effects.batch),
        };
        refused(call::answer(&mut call, endpoint, checked))
    }
}

fn is_json(content_type: Option<&str>) -> bool {
    content_type
        .is_some_and(|text| text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"))
}
