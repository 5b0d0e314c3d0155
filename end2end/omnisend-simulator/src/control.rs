//! The control endpoints under `/_sim`, for tests and the demo: the same that [`State`] offers, over
//! HTTP. No key is asked for: listen on loopback.

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State as Extract};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::Script;
use crate::log::RecordView;
use crate::options::Limits;
use crate::state::{Filter, State, Summary};

const PAGE: usize = 1_000;

type Reply = (StatusCode, Json<Value>);

/// All control endpoints.
pub fn routes(state: State) -> Router {
    Router::new()
        .route("/summary", get(summary))
        .route("/contacts", get(contacts).post(seed))
        .route("/contacts/delete", post(delete))
        .route("/consents", get(consents))
        .route("/requests", get(requests))
        .route("/faults", get(fault_report).post(set_faults))
        .route("/switches", get(switches).post(set_switches))
        .route("/limits", post(set_limits))
        .route("/keys", post(refuse_key))
        .route("/batches/release", post(release))
        .route("/clock", get(clock).post(advance))
        .route("/reset", post(reset))
        .with_state(state)
}

fn done(body: Value) -> Reply {
    (StatusCode::OK, Json(body))
}

fn refused(error: impl Into<Value>) -> Reply {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error.into()})))
}

async fn summary(Extract(state): Extract<State>) -> Json<Summary> {
    Json(state.summary())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ContactsAsk {
    #[serde(rename = "brandID")]
    brand_id: Option<String>,
    tag: Option<String>,
    email: Option<String>,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

async fn contacts(Extract(state): Extract<State>, Query(ask): Query<ContactsAsk>) -> Json<Value> {
    let filter = Filter { brand_id: ask.brand_id, tag: ask.tag, email: ask.email };
    let limit = ask.limit.unwrap_or(PAGE);
    let (contacts, total) = state.contacts(&filter, ask.offset, limit);
    let seen = ask.offset + contacts.len();
    let next = (seen < total && !contacts.is_empty()).then_some(seen);
    Json(json!({"contacts": contacts, "total": total, "nextOffset": next}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAsk {
    #[serde(rename = "brandID")]
    brand_id: Option<String>,
    contacts: Vec<Value>,
}

async fn seed(Extract(state): Extract<State>, Json(ask): Json<SeedAsk>) -> Reply {
    match state.seed_contacts(ask.brand_id.as_deref(), &ask.contacts) {
        Ok(count) => done(json!({"seeded": count})),
        Err(faults) => refused(serde_json::to_value(faults).unwrap_or_default()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteAsk {
    emails: Vec<String>,
}

async fn delete(Extract(state): Extract<State>, Json(ask): Json<DeleteAsk>) -> Reply {
    done(json!({"deleted": state.delete_contacts(&ask.emails)}))
}

#[derive(Debug, Deserialize)]
struct SinceAsk {
    #[serde(default)]
    since: u64,
    limit: Option<usize>,
}

async fn consents(Extract(state): Extract<State>, Query(ask): Query<SinceAsk>) -> Json<Value> {
    Json(json!({"consents": state.consent_events(ask.limit.unwrap_or(PAGE))}))
}

async fn requests(Extract(state): Extract<State>, Query(ask): Query<SinceAsk>) -> Json<Value> {
    let requests: Vec<RecordView> = state.requests(ask.since, ask.limit.unwrap_or(10 * PAGE));
    let last = requests.last().map(|record| record.number);
    Json(json!({"requests": requests, "last": last}))
}

async fn fault_report(Extract(state): Extract<State>) -> Reply {
    done(json!({"rules": state.fault_report()}))
}

/// Takes TOML or JSON, whatever the content type says.
async fn set_faults(Extract(state): Extract<State>, text: String) -> Reply {
    match Script::parse(&text) {
        Ok(script) => {
            let rules = script.rules.len();
            state.set_faults(script);
            done(json!({"rules": rules}))
        }
        Err(error) => refused(error),
    }
}

async fn switches(Extract(state): Extract<State>) -> Reply {
    done(serde_json::to_value(state.switches()).unwrap_or_default())
}

/// Changes the switches that are named and leaves the rest.
async fn set_switches(Extract(state): Extract<State>, Json(changes): Json<Value>) -> Reply {
    let mut switches = serde_json::to_value(state.switches()).unwrap_or_default();
    if let (Value::Object(all), Value::Object(changes)) = (&mut switches, changes) {
        all.extend(changes);
    }
    match serde_json::from_value(switches) {
        Ok(new) => {
            state.set_switches(new);
            done(serde_json::to_value(new).unwrap_or_default())
        }
        Err(error) => refused(error.to_string()),
    }
}

async fn set_limits(Extract(state): Extract<State>, Json(limits): Json<Limits>) -> Reply {
    state.set_limits(limits);
    done(serde_json::to_value(limits).unwrap_or_default())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyAsk {
    key: String,
    /// 401, 403, or nothing to take it back.
    status: Option<u16>,
}

async fn refuse_key(Extract(state): Extract<State>, Json(ask): Json<KeyAsk>) -> Reply {
    match ask.status {
        None | Some(401 | 403) if state.refuse_key(&ask.key, ask.status) => done(json!({"status": ask.status})),
        None | Some(401 | 403) => refused("no such key"),
        Some(_) => refused("status must be 401, 403 or left out"),
    }
}

async fn release(Extract(state): Extract<State>) -> Reply {
    done(json!({"released": state.release_batches()}))
}

async fn clock(Extract(state): Extract<State>) -> Reply {
    done(json!({"now": crate::clock::to_text(state.now()), "micros": state.now()}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockAsk {
    advance_ms: u64,
}

async fn advance(Extract(state): Extract<State>, Json(ask): Json<ClockAsk>) -> Reply {
    if state.advance(Duration::from_millis(ask.advance_ms)) {
        done(json!({"now": crate::clock::to_text(state.now())}))
    } else {
        refused("this simulator runs on the machine's clock")
    }
}

async fn reset(Extract(state): Extract<State>) -> Reply {
    state.reset();
    done(json!({"reset": true}))
}
