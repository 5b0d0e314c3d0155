//! What handlers outside the pages answer when something goes wrong: a status and one sentence, nothing from inside.

use std::any::Any;

use app::error::AppError;
use app::routes;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

/// An error is a code and a few names.
const LONGEST_ERROR: usize = 1 << 20;

/// An error of a service, as an answer. A person who is not signed in is sent to sign in.
pub fn answer(error: &AppError, headers: &HeaderMap) -> Response {
    if *error == AppError::SignedOut && wants_page(headers) {
        return Redirect::to(routes::SIGN_IN).into_response();
    }
    let text = match error {
        AppError::SignedOut => "Sign in first.",
        AppError::Forbidden => "You may not do this.",
        AppError::NotFound | AppError::LinkInvalid => "There is no such thing.",
        AppError::TooMany => "Too many attempts.",
        AppError::Internal(reference) => {
            return (status_of(error), format!("Something failed. The log says what under {reference}.\n"))
                .into_response();
        }
        _ => "This cannot be done.",
    };
    (status_of(error), format!("{text}\n")).into_response()
}

fn status_of(error: &AppError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Server functions answer programs with 500 whatever went wrong; this gives the answer the status of its error, so that
/// nobody is alarmed by somebody's mistyped password.
pub async fn server_functions(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_error = response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && response.headers().contains_key(SERVER_FN_ERROR_HEADER);
    if !is_error {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_ERROR).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Ok(error) = serde_json::from_slice(&body) {
        head.status = status_of(&error);
    }
    Response::from_parts(head, Body::from(body))
}

/// Would a person read the answer?
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The answer to a request whose handler panicked. The panic itself is in the log, by the panic hook.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, "Something failed.\n").into_response()
}

/// The answer while the database does not say who is who: nobody is let in.
pub fn unavailable() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], "Ferry is not ready. Try again in a moment.\n")
        .into_response()
}
