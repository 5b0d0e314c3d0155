//! The addresses that are neither one of `app`'s pages nor a server function: one table. The router is built from it, and
//! the tests of access rights go through it, so no address is added beside it.

use app::routes::UPLOADS;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::{WebState, downloads, health, uploads};

/// One address and what answers there.
#[derive(Debug)]
pub struct PlainRoute {
    /// The method that it takes; no other is answered.
    pub method: &'static str,
    /// The path, as the router reads it.
    pub path: &'static str,
    filter: MethodFilter,
    handler: fn(MethodFilter) -> MethodRouter<WebState>,
}

/// Files up and down, for people who are signed in.
const FILES: [PlainRoute; 3] = [
    post(UPLOADS, |filter| on(filter, uploads::upload).layer(DefaultBodyLimit::disable())),
    get("/runs/{id}/rows.csv", |filter| on(filter, downloads::rows)),
    get("/data/sources/{id}/rejected.csv", |filter| on(filter, downloads::rejected)),
];

/// What machines ask, without a session.
const HEALTH: [PlainRoute; 2] =
    [get("/healthz", |filter| on(filter, health::alive)), get("/readyz", |filter| on(filter, health::ready))];

const fn get(path: &'static str, handler: fn(MethodFilter) -> MethodRouter<WebState>) -> PlainRoute {
    PlainRoute { method: "GET", path, filter: MethodFilter::GET, handler }
}

const fn post(path: &'static str, handler: fn(MethodFilter) -> MethodRouter<WebState>) -> PlainRoute {
    PlainRoute { method: "POST", path, filter: MethodFilter::POST, handler }
}

/// The whole table.
pub fn plain_routes() -> impl Iterator<Item = PlainRoute> {
    FILES.into_iter().chain(HEALTH)
}

/// What has to stand behind the session.
pub fn files(state: WebState) -> Router {
    router(FILES, state)
}

/// What has to answer without one.
pub fn health(state: WebState) -> Router {
    router(HEALTH, state)
}

fn router(table: impl IntoIterator<Item = PlainRoute>, state: WebState) -> Router {
    let add = |router: Router<WebState>, one: PlainRoute| router.route(one.path, (one.handler)(one.filter));
    table.into_iter().fold(Router::new(), add).with_state(state)
}
