//! Batches as the API shows them: one, its items, and the list with offset paging.

use serde_json::{Map, Value, json};

use crate::batches::store::{Batch, Carries, Failure, ItemResult};
use crate::call::Call;
use crate::clock::{self, DAY, to_text};
use crate::ids;
use crate::problem::{Answer, FieldFault};
use crate::query::Query;

/// `GET /batches`, newest first.
pub fn list(call: &mut Call<'_>) -> Answer {
    let known = ["endpoint", "offset", "limit", "status", "dateFrom", "dateTo"];
    let query = match Query::parse(call.query, &known) {
        Ok(query) => query,
        Err(faults) => return Answer::invalid(&faults, call.request),
    };
    let mut faults = Vec::new();
    let endpoint = query.choice("endpoint", &["products", "contacts", "events"], &mut faults);
    if query.get("endpoint").is_none() {
        faults.push(FieldFault::required("endpoint"));
    }
    let offset = query.number("offset", 0, 0, usize::MAX, &mut faults);
    let limit = query.number("limit", 100, 1, 250, &mut faults);
    let status = query.choice("status", &["pending", "inProgress", "finished", "stopped"], &mut faults);
    let from = day(&query, "dateFrom", &mut faults).unwrap_or(i64::MIN);
    let until = day(&query, "dateTo", &mut faults).map_or(i64::MAX, |day| day + DAY);
    let Some(carries) = endpoint.filter(|_| faults.is_empty()).map(Carries::from_text) else {
        return Answer::invalid(&faults, call.request);
    };
    if let Err(refused) = call.key.require(carries.read_scope(), call.request) {
        return refused;
    }
    let now = call.now;
    let fits = |batch: &Batch| {
        batch.carries == carries
            && (from..until).contains(&batch.created)
            && status.is_none_or(|status| batch.status(now) == status)
    };
    let mut found = call.brand.batches.iter().rev().filter(|(_, batch)| fits(batch)).skip(offset);
    let page: Vec<Value> = found
        .by_ref()
        .take(limit)
        .map(|(number, batch)| Value::Object(summary(batch, call.brand.index, number, now)))
        .collect();
    let more = found.next().is_some();
    let link = |offset: usize| {
        format!("https://api.omnisend.com/api/batches?endpoint={}&limit={limit}&offset={offset}", carries.text())
    };
    let paging = json!({
        "limit": limit,
        "offset": offset,
        "next": more.then(|| link(offset + limit)),
        "previous": (offset > 0).then(|| link(offset.saturating_sub(limit))),
    });
    Answer::json(200, &json!({"batches": page, "paging": paging}))
}

/// Midnight UTC of a day in the query.
fn day(query: &Query, name: &str, faults: &mut Vec<FieldFault>) -> Option<i64> {
    let text = query.get(name)?;
    let at = (text.len() == 10).then(|| clock::from_text(&format!("{text}T00:00:00Z"))).flatten();
    if at.is_none() {
        faults.push(FieldFault::format(name, "Must be a date as YYYY-MM-DD."));
    }
    at
}

/// `GET /batches/{id}`.
pub fn get(call: &mut Call<'_>) -> Answer {
    match find(call) {
        Ok((number, batch)) => Answer::json(200, &summary(batch, call.brand.index, number, call.now)),
        Err(refused) => refused,
    }
}

/// `GET /batches/{id}/items`.
pub fn items(call: &mut Call<'_>) -> Answer {
    let (number, batch) = match find(call) {
        Ok(found) => found,
        Err(refused) => return refused,
    };
    let mut view = summary(batch, call.brand.index, number, call.now);
    let sent: Value = serde_json::from_slice(&batch.source).unwrap_or_default();
    let (mut errors, mut responses) = (Vec::new(), Vec::new());
    for (place, result) in batch.results.iter().enumerate() {
        let item_id = (place + 1).to_string();
        match result {
            ItemResult::Failed(failure) => errors.push(failed(&item_id, failure)),
            ItemResult::NotDone => {}
            ItemResult::Created(slot) => responses.push(done(call, &item_id, 201, Some(*slot), place, &sent)),
            ItemResult::Updated(slot) => responses.push(done(call, &item_id, 200, Some(*slot), place, &sent)),
            ItemResult::Dropped | ItemResult::Other => responses.push(done(call, &item_id, 200, None, place, &sent)),
        }
    }
    let count = errors.len() + responses.len();
    view.insert("errors".to_owned(), Value::Array(errors));
    view.insert("responses".to_owned(), Value::Array(responses));
    Answer::json(200, &view).with_items(count)
}

fn find<'c>(call: &'c Call<'_>) -> Result<(u32, &'c Batch), Answer> {
    if let Err(faults) = Query::parse(call.query, &[]) {
        return Err(Answer::invalid(&faults, call.request));
    }
    let found = call.brand.batches.find(call.id, call.brand.index, call.now);
    let found = found.ok_or_else(|| Answer::not_found("Batch", call.request))?;
    call.key.require(found.1.carries.read_scope(), call.request)?;
    Ok(found)
}

fn summary(batch: &Batch, brand: u32, number: u32, now: i64) -> Map<String, Value> {
    let status = batch.status(now);
    let started = (status != "pending").then(|| to_text(batch.started));
    let ended = batch.is_done().then(|| to_text(batch.ended));
    let view = json!({
        "batchID": batch.id(brand, number),
        "method": batch.method,
        "endpoint": batch.carries.text(),
        "eventID": "",
        "origin": batch.origin,
        "status": status,
        "createdAt": to_text(batch.created),
        "startedAt": started,
        "endedAt": ended,
        "totalCount": batch.total,
        "finishedCount": batch.finished_count(now),
        "errorsCount": batch.errors,
    });
    match view {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn done(call: &Call<'_>, item_id: &str, status: u16, slot: Option<u32>, place: usize, sent: &Value) -> Value {
    let contact = slot.and_then(|slot| call.brand.contacts.get(slot).map(|contact| (slot, contact)));
    let email = contact.and_then(|(_, contact)| contact.email.as_deref()).unwrap_or_default();
    let response = match contact {
        Some((slot, contact)) => json!({"id": ids::object_id(contact.created, call.brand.index, slot), "email": email}),
        None => json!({}),
    };
    let request = sent.get("items").and_then(|items| items.get(place)).cloned();
    // The body is gone in very long runs: what is left is whom the item was about.
    let request = request.unwrap_or_else(|| json!({"identifiers": [{"type": "email", "id": email}]}));
    json!({"itemID": item_id, "request": request, "responseCode": status, "response": response, "status": "finished"})
}

fn failed(item_id: &str, failure: &Failure) -> Value {
    let kind = |name: &str| format!("https://problems.omnisend.com/{name}");
    let response = match &failure.scripted {
        None => json!({
            "type": kind("validation-failed"),
            "title": "Validation failed",
            "status": failure.status,
            "detail": "One or more fields are not valid.",
            "errors": failure.faults,
        }),
        Some((code, message)) => json!({
            "type": kind(code),
            "title": crate::problem::reason(failure.status),
            "status": failure.status,
            "detail": message,
        }),
    };
    json!({
        "itemID": item_id,
        "request": failure.request,
        "responseCode": failure.status,
        "response": response,
        "status": "finished",
    })
}
