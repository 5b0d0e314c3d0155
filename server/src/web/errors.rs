//! What handlers outside the pages answer when something goes wrong: a status and one sentence, nothing from inside.

use std::any::Any;

use app::error::AppError;
use app::routes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

/// An error of a service, as an answer. A person who is not signed in is sent to sign in.
pub fn answer(error: &AppError, headers: &HeaderMap) -> Response {
    if *error == AppError::SignedOut && wants_page(headers) {
        return Redirect::to(routes::SIGN_IN).into_response();
    }
    let (status, text) = match error {
        AppError::SignedOut => (StatusCode::UNAUTHORIZED, "Sign in first."),
        AppError::Forbidden => (StatusCode::FORBIDDEN, "You may not do this."),
        AppError::NotFound | AppError::LinkInvalid => (StatusCode::NOT_FOUND, "There is no such thing."),
        AppError::TooMany => (StatusCode::TOO_MANY_REQUESTS, "Too many attempts."),
        AppError::Internal(reference) => {
            let text = format!("Something failed. The log says what under {reference}.\n");
            return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
        }
        AppError::WrongCredentials
        | AppError::Fields(_)
        | AppError::Mapping(_)
        | AppError::Rule(_)
        | AppError::LastAdministrator
        | AppError::Stale
        | AppError::InUse(_)
        | AppError::Destination(_)
        | AppError::NotReady(_)
        | AppError::File(_) => (StatusCode::UNPROCESSABLE_ENTITY, "This cannot be done."),
    };
    (status, format!("{text}\n")).into_response()
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
