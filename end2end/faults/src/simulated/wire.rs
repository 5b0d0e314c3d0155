//! The way between Ferry's own client and the simulator, without a network: it takes time, and sometimes there is none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use omnisend_simulator::{Asked, State, Told};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use server::clock::Clock as _;
use server::destinations::http::{Answer, Carrier};
use server::destinations::{DeliveryError, Meaning};

use super::clock::SimClock;
use crate::chance::Chance;

/// As long as Ferry's client waits for an answer.
const TOTAL: Duration = Duration::from_secs(30);

/// Where requests go in this world.
#[derive(Debug, Clone)]
pub struct Way {
    /// The receiver.
    pub state: State,
    /// By whose clock it takes time.
    pub clock: SimClock,
    /// Says how long it takes.
    pub chance: Arc<Mutex<Chance>>,
    /// The share of requests that find nobody, until this instant.
    pub outage: (f64, i64),
    /// Answers that came too late, of requests that may have been taken.
    pub late: Arc<Mutex<u64>>,
}

/// One process's way out; put into place for each world.
#[derive(Debug, Default)]
pub struct Wire(Mutex<Option<Way>>);

impl Wire {
    /// Where requests go from here on.
    pub fn lead(&self, way: Option<Way>) {
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
        let way = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let way = way.ok_or_else(|| DeliveryError::without_answer(Meaning::Unreachable, "no world"))?;
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
