//! What an answer of the service means. Pure functions over status and body; nothing is sent here.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::destinations::http::{Answer, fit_to_show};
use crate::destinations::{
    BatchPage, BatchReport, ContactPage, ContactRef, DeliveryError, ItemOutcome, ItemReport, Meaning, Stage,
};

/// The service's problem body (RFC 9457 with additions). The live service leaves out all but type, title and status.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    instance: Option<String>,
    errors: Vec<FieldProblem>,
    retry_after: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FieldProblem {
    field: String,
    message: String,
}

/// A good answer of the expected shape, or what it means instead.
///
/// Only the expected status with JSON of the expected shape is a success: a page of HTML with status 200 from
/// something in between, or half a body, says nothing about what became of the request.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer, expected: u16) -> Result<T, DeliveryError> {
    if answer.status != expected {
        return Err(meaning_of(answer));
    }
    // Every answer is an object; a list would be read as its fields in turn.
    let is_object = answer.body.trim_ascii_start().starts_with(b"{");
    let read = is_object.then(|| serde_json::from_slice(&answer.body).ok()).flatten();
    read.ok_or_else(|| DeliveryError {
        meaning: Meaning::Unknown,
        status: Some(answer.status),
        reference: None,
        detail: "the answer cannot be read".to_owned(),
    })
}

/// A good answer without a body that matters.
pub(super) fn read_empty(answer: &Answer, expected: u16) -> Result<(), DeliveryError> {
    if answer.status == expected { Ok(()) } else { Err(meaning_of(answer)) }
}

/// What an answer other than the hoped-for one means.
pub(super) fn meaning_of(answer: &Answer) -> DeliveryError {
    let problem: Option<Problem> = serde_json::from_slice(&answer.body).ok();
    let is_problem = problem.is_some();
    let problem = problem.unwrap_or_default();
    let after = hint(&problem).or(answer.retry_after);
    let meaning = match answer.status {
        429 => Meaning::TooFast { after },
        503 => Meaning::Unavailable { after },
        401 => Meaning::KeyRefused,
        402 => Meaning::PlanExceeded,
        // A change of a key's permissions takes up to five minutes (support.omnisend.com, article 1061890); the texts say
        // so.
        403 => Meaning::PermissionMissing,
        404 if is_problem => Meaning::Gone,
        404 | 300..=399 => Meaning::NotTheDestination,
        410 => Meaning::Retired,
        408 => Meaning::Unknown,
        400..=499 => Meaning::Refused,
        // 5xx and successes of another kind than hoped for: it may have been taken.
        _ => Meaning::Unknown,
    };
    DeliveryError {
        meaning,
        status: Some(answer.status),
        reference: problem.instance.as_deref().map(fit_reference),
        detail: said(&problem),
    }
}

/// The wait that the body asks for: a number of seconds, or text that is one. Nonsense counts as no hint.
fn hint(problem: &Problem) -> Option<Duration> {
    let seconds = match problem.retry_after.as_ref()? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| !wait.is_zero())
}

/// `urn:omnisend:request:{uuid}`; support asks for it.
fn fit_reference(instance: &str) -> String {
    instance.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '/')).take(100).collect()
}

fn said(problem: &Problem) -> String {
    let mut text = problem.detail.clone().or_else(|| problem.title.clone()).unwrap_or_default();
    for one in problem.errors.iter().take(5) {
        text.push_str("; ");
        text.push_str(&one.field);
        text.push_str(": ");
        text.push_str(&one.message);
    }
    fit_to_show(&text)
}

/// `POST /batches`.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    #[serde(rename = "batchID")]
    pub(super) batch_id: Id,
}

/// A name that is one.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Id(pub(super) String);

impl TryFrom<String> for Id {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("an empty id") } else { Ok(Self(text)) }
    }
}

/// `PATCH /contacts`: the contact as it is now.
#[derive(Debug, Deserialize)]
pub(super) struct Changed {
    #[serde(rename = "id")]
    _id: String,
}

/// A list that has to be named, though there may be nothing in it: an answer without it is no empty list, it says nothing.
pub(super) fn named<'de, D, T>(answer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(answer).map(Option::unwrap_or_default)
}

/// `GET /batches`.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    #[serde(deserialize_with = "named")]
    batches: Vec<Batch>,
    #[serde(default)]
    paging: Paging,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Paging {
    next: Option<String>,
}

/// `GET /contacts`.
#[derive(Debug, Deserialize)]
pub(super) struct Contacts {
    #[serde(deserialize_with = "named")]
    contacts: Vec<Contact>,
    #[serde(default)]
    paging: ContactPaging,
}

#[derive(Debug, Deserialize)]
struct Contact {
    id: Option<String>,
    email: Option<String>,
}

/// Where a list of contacts goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContactPaging {
    has_more: Option<bool>,
    cursors: Option<Cursors>,
}

#[derive(Debug, Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl Contacts {
    pub(super) fn into_page(self) -> ContactPage {
        let known = self.contacts.into_iter().filter_map(|one| Some(ContactRef { id: one.id?, email: one.email? }));
        ContactPage { contacts: known.filter(|one| !one.id.is_empty()).collect(), next: self.paging.next() }
    }
}

impl ContactPaging {
    /// What the next page is asked for with; none on the last one.
    pub(super) fn next(self) -> Option<String> {
        let after = self.cursors.and_then(|cursors| cursors.after).filter(|after| !after.is_empty());
        after.filter(|_| self.has_more != Some(false))
    }
}

/// A batch in the list, and with its items.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch {
    #[serde(rename = "batchID")]
    batch_id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    finished_count: u64,
    #[serde(default)]
    errors_count: u64,
}

/// `GET /batches/{id}/items`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "ItemLists")]
pub(super) struct Items {
    errors: Vec<BatchItem>,
    responses: Vec<BatchItem>,
}

#[derive(Debug, Deserialize)]
struct ItemLists {
    errors: Option<Vec<BatchItem>>,
    responses: Option<Vec<BatchItem>>,
}

impl TryFrom<ItemLists> for Items {
    type Error = &'static str;
    fn try_from(lists: ItemLists) -> Result<Self, Self::Error> {
        if lists.errors.is_none() && lists.responses.is_none() {
            return Err("a batch has items");
        }
        Ok(Self { errors: lists.errors.unwrap_or_default(), responses: lists.responses.unwrap_or_default() })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchItem {
    #[serde(default)]
    request: Value,
    #[serde(default)]
    response: Value,
    #[serde(default)]
    response_code: u16,
}

impl Listed {
    /// The page that began at `from`.
    pub(super) fn into_page(self, from: u64) -> BatchPage {
        let length = u64::try_from(self.batches.len()).unwrap_or(u64::MAX);
        let next = self.paging.next.filter(|next| !next.is_empty() && length > 0).map(|_| from + length);
        BatchPage { batches: self.batches.into_iter().map(Batch::into_report).collect(), next }
    }
}

impl Batch {
    fn into_report(self) -> BatchReport {
        let stage = match self.status.as_str() {
            "finished" => Stage::Finished,
            "stopped" => Stage::Stopped,
            _ => Stage::Working,
        };
        BatchReport { id: self.batch_id, stage, finished: self.finished_count, errors: self.errors_count }
    }
}

impl Items {
    /// Every item that has an outcome, once: one that stands in both lists counts as an error.
    pub(super) fn into_reports(self) -> Vec<ItemReport> {
        let errors: Vec<ItemReport> = self.errors.into_iter().map(BatchItem::into_report).collect();
        let good = self
            .responses
            .into_iter()
            .map(BatchItem::into_report)
            .filter(|one| !errors.iter().any(|error| error.email.is_some() && error.email == one.email))
            .collect::<Vec<_>>();
        errors.into_iter().chain(good).collect()
    }
}

impl BatchItem {
    fn into_report(self) -> ItemReport {
        let outcome = match self.response_code {
            200..=299 => ItemOutcome::Taken,
            // Limits and hiccups strike inside a batch too; 403 there is one of them (Omnisend's own shop plugin
            // sends such items again).
            403 | 408 | 429 | 500..=599 | 0 => ItemOutcome::Later,
            _ => ItemOutcome::Refused(reason(&self.response)),
        };
        ItemReport { email: email_of(&self.request), outcome }
    }
}

/// The address of the e-mail identifier in an echoed request.
fn email_of(request: &Value) -> Option<String> {
    // Some answers carry the request as text.
    if let Value::String(text) = request {
        return serde_json::from_str(text).ok().filter(Value::is_object).and_then(|inner| email_of(&inner));
    }
    let identifiers = request.get("identifiers")?.as_array()?;
    let email = identifiers.iter().find(|one| one.get("type").and_then(Value::as_str) == Some("email"))?;
    email.get("id")?.as_str().map(str::to_owned)
}

/// What the service said about one item, in any of the shapes that it is known to use.
fn reason(response: &Value) -> String {
    let mut parts: Vec<&str> = ["detail", "error", "title", "message"]
        .iter()
        .find_map(|name| response.get(name).and_then(Value::as_str))
        .into_iter()
        .collect();
    if let Some(errors) = response.get("errors").and_then(Value::as_array) {
        for one in errors.iter().take(5) {
            parts.extend(["field", "message"].iter().filter_map(|name| one.get(name).and_then(Value::as_str)));
        }
    }
    if let Some(fields) = response.get("fields").and_then(Value::as_object) {
        parts.extend(fields.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str).take(5));
    }
    if let Value::String(text) = response {
        parts.push(text);
    }
    fit_to_show(&parts.join("; "))
}
