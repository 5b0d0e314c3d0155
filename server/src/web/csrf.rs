//! Refuses changes that a page of another site asks for. The decision is tower-http's (`Sec-Fetch-Site`, else `Origin`
//! against the host); beside it, a change that comes with neither header is refused: every browser sends one of them
//! (ASVS 3.5.1).

use app::error::AppError;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer as _, ServiceExt as _};
use tower_http::csrf::CsrfLayer;

use super::{WebState, errors};

/// Lets a request through, or answers 403.
pub async fn layer(State(state): State<WebState>, request: Request, next: Next) -> Response {
    if changes(request.method()) && tells_nothing(&request) {
        return refusal();
    }
    // Behind a proxy that changes `Host`, the address that people type is the one that counts.
    let origin = state.config.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    let layer = match origin.map(|origin| CsrfLayer::new().add_trusted_origin(origin)) {
        Some(Ok(layer)) => layer,
        Some(Err(_)) | None => CsrfLayer::new(),
    };
    let service = layer.with_rejection_response(|_| refusal()).layer(next);
    match service.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn tells_nothing(request: &Request) -> bool {
    let is_empty = |name: &str| request.headers().get(name).is_none_or(|value| value.is_empty());
    is_empty("sec-fetch-site") && is_empty("origin")
}

fn refusal() -> Response {
    errors::said(&AppError::OtherSite)
}
