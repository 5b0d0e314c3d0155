//! What is answered outside the pages when something goes wrong: a status and one sentence, nothing from inside. A program
//! reads the sentence in English; a person gets a page in their language ([`layer`]).

use std::panic::AssertUnwindSafe;

use app::error::AppError;
use app::{error_page, routes};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use futures::FutureExt as _;
use leptos::prelude::provide_context;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

use super::{WebState, context};
use crate::services::internal;

/// An error is a code and a few names.
const LONGEST_ERROR: usize = 1 << 20;

/// The error that an answer says, for whoever can say it better.
#[derive(Debug, Clone)]
struct Said(AppError);

/// An error of a service, as an answer. A person who is not signed in is sent to sign in.
pub fn answer(error: &AppError, headers: &HeaderMap) -> Response {
    if *error == AppError::SignedOut && wants_page(headers) {
        return Redirect::to(routes::SIGN_IN).into_response();
    }
    said(error)
}

/// An error as an answer.
pub fn said(error: &AppError) -> Response {
    let text = match error {
        AppError::SignedOut => "Sign in first.".to_owned(),
        AppError::Forbidden => "You may not do this.".to_owned(),
        AppError::NotFound | AppError::LinkInvalid => "There is no such thing.".to_owned(),
        AppError::TooMany => "Too many attempts. Try again in a minute.".to_owned(),
        AppError::OtherSite => {
            "This change was asked for by another site, so it was not made. Open Ferry itself and try again.".to_owned()
        }
        AppError::Unavailable => "Ferry is not ready. Try again in a moment.".to_owned(),
        AppError::Internal(reference) => format!("Something failed. The log says what under {reference}."),
        _ => "This cannot be done.".to_owned(),
    };
    let mut response = (status_of(error), format!("{text}\n")).into_response();
    response.extensions_mut().insert(Said(error.clone()));
    response
}

/// Around everything: makes a page of an error that a person would read, and an error of a panic. The panic itself is in
/// the log, by the panic hook.
pub async fn layer(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let person = wants_page(&head.headers).then(|| head.clone());
    let answered = AssertUnwindSafe(next.run(Request::from_parts(head, body))).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| said(&internal("a handler panicked")));
    let (Some(asked), Some(Said(error))) = (person, response.extensions().get::<Said>().cloned()) else {
        return response;
    };
    let page = error_page(&error, || {
        provide_context(asked);
        context(&state)();
    });
    let (mut head, _) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(head, Body::from(page))
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

/// The answer while the database does not say who is who: nobody is let in.
pub fn unavailable() -> Response {
    ([(header::RETRY_AFTER, "5")], said(&AppError::Unavailable)).into_response()
}
