//! What load balancers and supervisors ask. Up or down, no more.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use super::WebState;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process answers.
pub async fn alive() -> &'static str {
    "up\n"
}

/// It can do its work: the database answers.
pub async fn ready(State(state): State<WebState>) -> (StatusCode, &'static str) {
    match tokio::time::timeout(PATIENCE, state.db.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}
