//! Answers: the problem documents that the API sends for errors, and the plain JSON of the rest.
//! Which error applies is decided elsewhere.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const HTML: &str = "text/html; charset=UTF-8";

/// One fault of a request, as a 400 lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// Dot-separated path of the field.
    pub field: String,
    /// `required`, `invalid_format`, …
    pub code: &'static str,
    pub message: String,
}

impl FieldFault {
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }

    pub fn required(field: impl Into<String>) -> Self {
        Self::new(field, "required", "This field is required.")
    }

    pub fn format(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(field, "invalid_format", message)
    }
}

/// A whole HTTP answer before it meets the wire.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Contacts, tags' targets or batch items that the request carried, for the log.
    pub items: u32,
}

impl Answer {
    /// A JSON answer.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec());
        Self::raw(status, JSON, bytes)
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self::raw(status, JSON, Vec::new())
    }

    /// What a proxy in front of the service sends when the service does not answer.
    pub fn html(status: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\
             <body><center><h1>{status} {}</h1></center></body></html>\n",
            reason(status)
        );
        Self::raw(status, HTML, page.into_bytes())
    }

    pub fn raw(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: Bytes::from(body), items: 0 }
    }

    /// The same answer, logged as carrying this many items.
    pub fn with_items(mut self, items: usize) -> Self {
        self.items = u32::try_from(items).unwrap_or(u32::MAX);
        self
    }

    /// No key or a key that nobody knows: exactly these three fields were seen live.
    pub fn unauthorized() -> Self {
        problem(&json!({"type": kind("unauthorized"), "title": "Unauthorized", "status": 401}), 401)
    }

    /// The key lacks a scope.
    pub fn forbidden(scope: &str, request: u64) -> Self {
        Self::problem(403, "forbidden", "Forbidden", &format!("Missing {scope} scope."), request)
    }

    /// All faults of a request at once.
    pub fn invalid(faults: &[FieldFault], request: u64) -> Self {
        let mut body =
            problem_fields(400, "validation-failed", "Validation failed", "One or more fields are not valid.", request);
        body.insert("errors".to_owned(), serde_json::to_value(faults).unwrap_or_default());
        problem(&Value::Object(body), 400)
    }

    /// Too many requests; `retry_after` in seconds.
    pub fn too_many(retry_after: i64, request: u64) -> Self {
        let mut body = problem_fields(
            429,
            "rate-limit-exceeded",
            "Rate limit exceeded",
            "The brand has used up its requests.",
            request,
        );
        body.insert("retryAfter".to_owned(), retry_after.into());
        problem(&Value::Object(body), 429)
    }

    pub fn not_found(what: &str, request: u64) -> Self {
        Self::problem(404, "not-found", "Not found", &format!("{what} not found."), request)
    }

    pub fn conflict(detail: &str, request: u64) -> Self {
        Self::problem(409, "problem", "Conflict", detail, request)
    }

    /// A problem document of any kind.
    pub fn problem(status: u16, type_name: &str, title: &str, detail: &str, request: u64) -> Self {
        problem(&Value::Object(problem_fields(status, type_name, title, detail, request)), status)
    }

    /// The problem document that fits a status when nothing more is known.
    pub fn plain_problem(status: u16, request: u64) -> Self {
        match status {
            401 => Self::unauthorized(),
            404 => Self::not_found("Resource", request),
            _ => Self::problem(status, "problem", reason(status), "The request could not be served.", request),
        }
    }
}

fn problem(body: &Value, status: u16) -> Answer {
    Answer { content_type: PROBLEM, ..Answer::json(status, body) }
}

fn problem_fields(status: u16, type_name: &str, title: &str, detail: &str, request: u64) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("type".to_owned(), kind(type_name).into());
    body.insert("title".to_owned(), title.into());
    body.insert("status".to_owned(), status.into());
    body.insert("detail".to_owned(), detail.into());
    body.insert("instance".to_owned(), format!("urn:omnisend:request:00000000-0000-4000-8000-{request:012x}").into());
    body
}

fn kind(name: &str) -> String {
    format!("https://problems.omnisend.com/{name}")
}

/// The usual words for a status.
pub fn reason(status: u16) -> &'static str {
    match status {
        524 => "A timeout occurred",
        _ => axum::http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Error"),
    }
}
