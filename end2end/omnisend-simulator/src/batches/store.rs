//! The batches of one brand and what became of each item. No HTTP.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;

use crate::clock::DAY;
use crate::contacts::record::ContactWrite;
use crate::contacts::store::{Contacts, Upserted};
use crate::faults::Hold;
use crate::ids;
use crate::options::Switches;
use crate::problem::FieldFault;

/// How long a batch can be asked for (documented for the older versions).
const KEPT_FOR: i64 = 7 * DAY;
/// Bytes of request bodies kept to echo the requests of items that went well.
const SOURCES_MAX: usize = 32 << 20;

/// What a batch carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    Contacts,
    Products,
    Categories,
    Events,
}

impl Carries {
    /// The word in `endpoint`; contacts for any other word, which the check has refused already.
    pub fn from_text(text: &str) -> Self {
        match text {
            "products" => Self::Products,
            "categories" => Self::Categories,
            "events" => Self::Events,
            _ => Self::Contacts,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Products => "products",
            Self::Categories => "categories",
            Self::Events => "events",
        }
    }

    pub fn write_scope(self) -> &'static str {
        match self {
            Self::Contacts => "contacts.write",
            Self::Products | Self::Categories => "products.write",
            Self::Events => "events.write",
        }
    }

    pub fn read_scope(self) -> &'static str {
        match self {
            Self::Contacts => "contacts.read",
            Self::Products | Self::Categories => "products.read",
            Self::Events => "events.read",
        }
    }
}

/// One item before it is worked off.
#[derive(Debug, Clone)]
pub enum ItemWork {
    Write(Box<ContactWrite>),
    /// Not valid; answers 400 with all faults.
    Bad(Vec<FieldFault>),
    /// A fault script decided the answer.
    Scripted {
        status: u16,
        code: String,
        message: String,
    },
    /// A product, category or event: accepted and forgotten.
    Other,
}

impl ItemWork {
    /// The faults of this item with its place in the batch before each field.
    pub fn faults_at(&self, place: usize) -> Vec<FieldFault> {
        let Self::Bad(faults) = self else { return Vec::new() };
        let at = |fault: &FieldFault| FieldFault { field: format!("items[{place}].{}", fault.field), ..fault.clone() };
        faults.iter().map(at).collect()
    }
}

/// One item after it was worked off.
#[derive(Debug, Clone)]
pub enum ItemResult {
    Created(u32),
    Updated(u32),
    /// Its only identifier belongs to somebody else.
    Dropped,
    Other,
    Failed(Box<Failure>),
    /// The batch stopped before it.
    NotDone,
}

/// Why an item failed, with the request as it was sent.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: u16,
    pub faults: Vec<FieldFault>,
    /// Code and message of a scripted failure.
    pub scripted: Option<(String, String)>,
    pub request: Value,
}

/// One batch.
#[derive(Debug)]
pub struct Batch {
    pub created: i64,
    pub started: i64,
    pub ended: i64,
    pub carries: Carries,
    pub method: String,
    pub origin: String,
    pub total: usize,
    pub errors: usize,
    pub stopped: bool,
    /// A share of the items after which it stops.
    pub stop_after: Option<f64>,
    pub hold: Option<Hold>,
    items: Option<Vec<ItemWork>>,
    pub results: Box<[ItemResult]>,
    /// The body as it came, while there is room for it.
    pub source: Bytes,
}

impl Batch {
    #[expect(clippy::too_many_arguments, reason = "a batch is born with all of these known")]
    pub fn new(
        created: i64,
        started: i64,
        ended: i64,
        carries: Carries,
        method: String,
        origin: String,
        items: Vec<ItemWork>,
        source: Bytes,
    ) -> Self {
        Self {
            created,
            started,
            ended,
            carries,
            method,
            origin,
            total: items.len(),
            errors: 0,
            stopped: false,
            stop_after: None,
            hold: None,
            items: Some(items),
            results: Box::default(),
            source,
        }
    }

    pub fn id(&self, brand: u32, number: u32) -> String {
        ids::object_id(self.created, brand, number)
    }

    /// The items once more, for a service that works a batch off twice.
    pub fn items_again(&self) -> Vec<ItemWork> {
        self.items.clone().unwrap_or_default()
    }

    pub fn is_done(&self) -> bool {
        self.items.is_none()
    }

    /// `pending`, `inProgress`, `finished` or `stopped`.
    pub fn status(&self, now: i64) -> &'static str {
        match (&self.hold, self.is_done()) {
            (_, true) if self.stopped => "stopped",
            (_, true) => "finished",
            (Some(hold), false) => hold.status.text(),
            (None, false) if now < self.started => "pending",
            (None, false) => "inProgress",
        }
    }

    /// Items that have an outcome, failed ones included.
    pub fn finished_count(&self, now: i64) -> usize {
        if self.is_done() {
            return self.results.iter().filter(|result| !matches!(result, ItemResult::NotDone)).count();
        }
        if self.status(now) != "inProgress" || self.hold.is_some() {
            return 0;
        }
        let whole = (self.ended - self.started).max(1);
        let part = (now - self.started).clamp(0, whole);
        usize::try_from(i64::try_from(self.total).unwrap_or(i64::MAX) * part / whole)
            .unwrap_or(0)
            .min(self.total.saturating_sub(1))
    }

    /// Works the batch off.
    fn run(&mut self, contacts: &mut Contacts, now: i64, switches: &Switches) {
        let Some(items) = self.items.take() else { return };
        self.ended = now;
        let enough = self.stop_after.map_or(usize::MAX, |share| (self.total as f64 * share).floor() as usize);
        let errors_max = match switches.batch_stops_after_errors {
            0 => usize::MAX,
            max => max as usize,
        };
        let mut results = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            if place >= enough || self.errors >= errors_max {
                self.stopped = true;
                results.push(ItemResult::NotDone);
                continue;
            }
            let result = apply(item, contacts, now, switches);
            self.errors += usize::from(matches!(result, ItemResult::Failed(_)));
            results.push(result);
        }
        self.results = results.into_boxed_slice();
        if self.errors > 0 {
            self.keep_failed_requests();
        }
    }

    fn keep_failed_requests(&mut self) {
        let body: Value = serde_json::from_slice(&self.source).unwrap_or_default();
        for (place, result) in self.results.iter_mut().enumerate() {
            if let ItemResult::Failed(failure) = result {
                failure.request = body.get("items").and_then(|items| items.get(place)).cloned().unwrap_or_default();
            }
        }
    }
}

/// Works one item off.
fn apply(item: ItemWork, contacts: &mut Contacts, now: i64, switches: &Switches) -> ItemResult {
    let failed = |status, faults, scripted| {
        ItemResult::Failed(Box::new(Failure { status, faults, scripted, request: Value::Null }))
    };
    match item {
        ItemWork::Write(write) => match contacts.upsert(&write, now, switches) {
            Upserted::Created(slot) => ItemResult::Created(slot),
            Upserted::Updated(slot) => ItemResult::Updated(slot),
            Upserted::Dropped => ItemResult::Dropped,
        },
        ItemWork::Bad(faults) => failed(400, faults, None),
        ItemWork::Scripted { status, code, message } => failed(status, Vec::new(), Some((code, message))),
        ItemWork::Other => ItemResult::Other,
    }
}

/// All batches of a brand; a batch's number is its place.
#[derive(Debug, Default)]
pub struct Batches {
    all: Vec<Batch>,
    /// When the service has worked off everything that was accepted so far.
    pub free_at: i64,
    sources: VecDeque<(u32, usize)>,
    source_bytes: usize,
}

impl Batches {
    pub fn next_number(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    pub fn add(&mut self, batch: Batch) {
        self.all.push(batch);
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, &Batch)> + ExactSizeIterator {
        self.all.iter().enumerate().map(|(place, batch)| (u32::try_from(place).unwrap_or(u32::MAX), batch))
    }

    /// The batch behind an id, unless it is older than seven days.
    pub fn find(&self, id: &str, brand: u32, now: i64) -> Option<(u32, &Batch)> {
        let number = ids::place(id)?;
        let batch = self.all.get(number as usize)?;
        (batch.id(brand, number) == id && now - batch.created <= KEPT_FOR).then_some((number, batch))
    }

    /// Works a batch off and keeps its body while there is room.
    pub fn run(&mut self, number: u32, contacts: &mut Contacts, now: i64, switches: &Switches) {
        let Some(batch) = self.all.get_mut(number as usize) else { return };
        if batch.is_done() {
            return;
        }
        batch.run(contacts, now, switches);
        self.sources.push_back((number, batch.source.len()));
        self.source_bytes += batch.source.len();
        while self.source_bytes > SOURCES_MAX {
            let Some((oldest, bytes)) = self.sources.pop_front() else { break };
            self.source_bytes -= bytes;
            if let Some(batch) = self.all.get_mut(oldest as usize) {
                batch.source = Bytes::new();
            }
        }
    }

    /// Applies items a second time; their outcomes are not kept.
    pub fn run_again(items: Vec<ItemWork>, contacts: &mut Contacts, now: i64, switches: &Switches) {
        for item in items {
            apply(item, contacts, now, switches);
        }
    }

    /// Numbers of the batches that a script holds for ever.
    pub fn held(&self) -> Vec<u32> {
        self.iter().filter(|(_, batch)| !batch.is_done() && batch.hold.is_some()).map(|(number, _)| number).collect()
    }
}
