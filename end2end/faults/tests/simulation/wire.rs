//! The way between Ferry's own client and the simulator, without a network: it takes time, and sometimes there is none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::destination::{Brand, DestinationCard};
use ferry_faults::chance::Chance;
use jiff::civil::Date;
use omnisend_simulator::{Asked, State, Told};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use server::clock::Clock as _;
use server::destinations::http::{Answer, Carrier, Client};
use server::destinations::omnisend::Omnisend;
use server::destinations::{
    AddressPage, BatchPage, ContactPage, DeliveryError, Destination, ItemFault, ItemReport, Limits, Meaning,
    Recipients, Registry, TagChange,
};

use crate::clock::SimClock;

/// As long as Ferry's client waits for an answer.
const TOTAL: Duration = Duration::from_secs(30);

/// Where requests go in this world.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) state: State,
    pub(crate) clock: SimClock,
    pub(crate) chance: Arc<Mutex<Chance>>,
    /// The share of requests that find nobody, until this instant.
    pub(crate) outage: (f64, i64),
    /// Answers that came too late, of requests that may have been taken.
    pub(crate) late: Arc<Mutex<u64>>,
}

/// One process's way out; put into place for each world.
#[derive(Debug, Default)]
pub(crate) struct Wire(Mutex<Option<Way>>);

impl Wire {
    pub(crate) fn lead(&self, way: Option<Way>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = way;
    }
}

impl Way {
    fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.chance.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait::async_trait]
impl Carrier for Wire {
    async fn carry(&self, request: reqwest::Request) -> Result<Answer, DeliveryError> {
        let way = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("a world");
        let (there, back) = way.draw(|chance| (chance.within(1..60), chance.within(1..90)));
        way.clock.sleep(Duration::from_millis(there)).await;
        let (share, until) = way.outage;
        if way.clock.micros() < until && way.draw(|chance| chance.happens(share)) {
            return Err(DeliveryError::without_answer(Meaning::Unreachable, "no connection"));
        }
        let outcome = way.state.ask(asked(&request));
        let wait = (outcome.delay + Duration::from_millis(back)).min(TOTAL);
        way.clock.sleep(if outcome.told == Told::Silence { TOTAL } else { wait }).await;
        if wait == TOTAL {
            *way.late.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            return Err(DeliveryError::without_answer(Meaning::Unknown, "no answer in time"));
        }
        match outcome.told {
            Told::Answer { status, headers, body } => Ok(Answer::of(status, &header_map(headers), body.to_vec())),
            Told::Broken => Err(DeliveryError::without_answer(Meaning::Unknown, "the connection broke")),
            Told::Silence => Err(DeliveryError::without_answer(Meaning::Unknown, "no answer in time")),
        }
    }
}

fn asked(request: &reqwest::Request) -> Asked {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    Asked {
        method: request.method().clone(),
        path: request.url().path().trim_start_matches("/api").to_owned(),
        query: request.url().query().unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        version: header("omnisend-version"),
        content_type: header("content-type"),
        body: body.to_vec().into(),
    }
}

fn header_map(headers: Vec<(String, String)>) -> HeaderMap {
    let read =
        |(name, value): (String, String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?));
    headers.into_iter().filter_map(read).collect()
}

/// The destination as Ferry has it, with small requests: few people make many batches.
struct Small(Omnisend);

/// The destinations of one process, with its way out.
pub(crate) fn registry() -> (Registry, Arc<Wire>) {
    let wire = Arc::new(Wire::default());
    let client = Client::carried_by(wire.clone()).expect("a client");
    let small: Arc<dyn Destination> = Arc::new(Small(Omnisend::through(client).expect("a destination")));
    (Registry::of([small]), wire)
}

#[async_trait::async_trait]
impl Destination for Small {
    fn card(&self) -> DestinationCard {
        self.0.card()
    }

    fn limits(&self) -> Limits {
        Limits { rows_per_batch: 7, emails_per_tag_request: 11, ids_per_tag_request: 11, ..self.0.limits() }
    }

    async fn check(&self, key: &SecretString) -> Result<Brand, DeliveryError> {
        self.0.check(key).await
    }

    fn item(&self, email: &str, payload: &str) -> Result<String, ItemFault> {
        self.0.item(email, payload)
    }

    async fn send_batch(&self, key: &SecretString, items: &[String]) -> Result<String, DeliveryError> {
        self.0.send_batch(key, items).await
    }

    async fn list_batches(&self, key: &SecretString, since: Date, from: u64) -> Result<BatchPage, DeliveryError> {
        self.0.list_batches(key, since, from).await
    }

    async fn batch_items(&self, key: &SecretString, batch: &str) -> Result<Vec<ItemReport>, DeliveryError> {
        self.0.batch_items(key, batch).await
    }

    async fn list_unsubscribed(&self, key: &SecretString, after: Option<&str>) -> Result<AddressPage, DeliveryError> {
        self.0.list_unsubscribed(key, after).await
    }

    async fn list_contacts(&self, key: &SecretString, after: Option<&str>) -> Result<ContactPage, DeliveryError> {
        self.0.list_contacts(key, after).await
    }

    async fn clear_property(&self, key: &SecretString, name: &str, email: &str) -> Result<(), DeliveryError> {
        self.0.clear_property(key, name, email).await
    }

    async fn change_tag(
        &self,
        key: &SecretString,
        change: TagChange,
        tag: &str,
        recipients: &Recipients,
    ) -> Result<(), DeliveryError> {
        self.0.change_tag(key, change, tag, recipients).await
    }
}
