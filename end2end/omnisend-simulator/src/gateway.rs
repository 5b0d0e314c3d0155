//! The way of one request: read it, ask the fault script, serve it, log it, let the answer go.

use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio_util::sync::CancellationToken;

use crate::call;
use crate::clock::Clock;
use crate::contacts::validate::Dictionary;
use crate::endpoint::Endpoint;
use crate::faults::Effects;
use crate::log::Record;
use crate::options::Options;
use crate::problem::Answer;
use crate::wire::{Connection, WireFault};
use crate::world::{Head, Served, World};

/// Bodies above this answer 413 (the documents advise at most 1 MB).
const BODY_MAX: usize = 1 << 20;

/// What all requests share.
#[derive(Debug)]
pub struct Shared {
    pub clock: Clock,
    pub dictionary: Dictionary,
    pub stopping: CancellationToken,
    /// How it was started.
    pub options: Options,
    world: Mutex<World>,
}

impl Shared {
    pub fn new(options: Options) -> Self {
        Self {
            clock: options.clock.clone(),
            dictionary: Dictionary::default(),
            stopping: CancellationToken::new(),
            world: Mutex::new(World::new(&options)),
            options,
        }
    }

    /// The state; a panic elsewhere does not take it away.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits in real time; false when the simulator stops meanwhile.
    async fn wait(&self, time: Duration) -> bool {
        if time.is_zero() {
            return true;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            () = self.stopping.cancelled() => false,
        }
    }
}

/// Answers everything under `/api`.
pub async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let text = |name: &str| header_text(&parts.headers, name);
    let head = Head {
        method: parts.method.clone(),
        path: api_path(parts.uri.path()).unwrap_or_default().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text("authorization"),
        version: text("omnisend-version"),
        content_type: text("content-type"),
    };
    let body = to_bytes(body, BODY_MAX).await;
    let (number, mut effects) = shared.world().arrive(&head, shared.clock.now());
    let alive = wait_before(&shared, number, &head, &effects).await;
    if effects.hang || !alive {
        record(&shared, number, &head, None, &effects, None);
        shared.stopping.cancelled().await;
        connection.reset();
        return Response::default();
    }
    if effects.reset_before {
        record(&shared, number, &head, None, &effects, body.as_ref().ok());
        connection.reset();
        return Response::default();
    }
    let served = match (effects.answer.take(), &body) {
        (Some(answer), _) => Served { answer, at: shared.clock.now(), brand: None },
        (None, Ok(body)) => serve(&shared, number, &head, body, &mut effects),
        (None, Err(_)) => {
            let answer = Answer::problem(413, "problem", "Payload too large", "The body is larger than 1 MB.", number);
            Served { answer, at: shared.clock.now(), brand: None }
        }
    };
    record(&shared, number, &head, Some(&served), &effects, body.as_ref().ok());
    shared.wait(effects.delay_after).await;
    break_answer(&connection, &effects, served.answer.body.len());
    respond(served.answer)
}

/// Logs a request whose client gave up while the simulator let it wait.
struct GivenUp<'a> {
    shared: &'a Shared,
    number: u64,
    head: &'a Head,
    effects: &'a Effects,
    waiting: bool,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if self.waiting {
            record(self.shared, self.number, self.head, None, self.effects, None);
        }
    }
}

/// The scripted wait before a request is looked at; false when the simulator stops meanwhile.
async fn wait_before(shared: &Shared, number: u64, head: &Head, effects: &Effects) -> bool {
    let mut given_up = GivenUp { shared, number, head, effects, waiting: true };
    let alive = shared.wait(effects.delay_before).await;
    given_up.waiting = false;
    alive
}

/// The path after `/api`; `None` for any other path.
fn api_path(path: &str) -> Option<&str> {
    path.strip_prefix("/api").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Answers a request that has arrived.
pub fn serve(shared: &Shared, number: u64, head: &Head, body: &Bytes, effects: &mut Effects) -> Served {
    let switches = shared.world().switches;
    let (endpoint, _) = Endpoint::resolve(&head.method, &head.path);
    let checked = call::check(endpoint, body, &switches, &shared.dictionary);
    let mut world = shared.world();
    // Read under the lock: the log and the limits see the times in order.
    let now = shared.clock.now();
    world.serve(number, head, now, checked, effects, &shared.dictionary)
}

/// Puts a request into the log.
pub fn record(
    shared: &Shared,
    number: u64,
    head: &Head,
    served: Option<&Served>,
    effects: &Effects,
    body: Option<&Bytes>,
) {
    let (endpoint, _) = Endpoint::resolve(&head.method, &head.path);
    let body = body.filter(|body| !body.is_empty());
    let hash = body.map_or(0, |body| {
        let mut hasher = DefaultHasher::new();
        hasher.write(body);
        hasher.finish()
    });
    let broken = served.is_none() || effects.cut_share.is_some();
    let broken = broken || matches!(effects.wire, Some(WireFault::Cut { .. }));
    let status = served.map_or(0, |served| served.answer.status);
    let mut world = shared.world();
    let keep = world.switches.keep_bodies;
    world.log.push(Record {
        number,
        at: served.map_or_else(|| shared.clock.now(), |served| served.at),
        brand: served.and_then(|served| served.brand),
        endpoint,
        status,
        items: served.map_or(0, |served| served.answer.items),
        fault: effects.rule.as_deref().map(Box::from),
        served: served.is_some_and(|served| served.brand.is_some()) && (200..300).contains(&status),
        answered: !broken,
        body_hash: hash,
        query: Box::from(head.query.as_str()),
        body: body.filter(|_| keep).cloned(),
    });
}

/// Tells the connection what to do to the answer.
fn break_answer(connection: &Connection, effects: &Effects, body: usize) {
    if let Some(share) = effects.cut_share {
        let left = (body as f64 * share.clamp(0.0, 1.0)) as usize;
        // Where there is no body to cut, nothing arrives: its head alone would be a whole answer, and the next one cut.
        connection.arm(WireFault::Cut { body_only: body > 0, left, reset: false });
    }
    match &effects.wire {
        None => {}
        Some(WireFault::Trickle { bytes, every, body_only, begun, .. }) => {
            connection.arm(WireFault::Trickle {
                bytes: *bytes,
                every: *every,
                body_only: *body_only,
                left: body,
                begun: *begun,
            });
        }
        Some(cut) => connection.arm(cut.clone()),
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let has_body = answer.status != 204 && answer.status != 202;
    if has_body && !answer.content_type.is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
