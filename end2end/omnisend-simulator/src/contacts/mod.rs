//! Contacts: reading, upserts, patches. The rules are in the parts: [`validate`] (shape), [`store`]
//! (identity), [`consent`] (statuses), [`list`] (pages), [`view`] (answers).

pub mod consent;
pub mod list;
pub mod record;
pub mod store;
pub mod validate;
pub mod view;

use serde_json::{Value, json};

use crate::call::Call;
use crate::contacts::record::ContactWrite;
use crate::contacts::store::Upserted;
use crate::ids;
use crate::json::Json;
use crate::problem::{Answer, FieldFault};
use crate::query::Query;
use validate::Rules;

/// A contact's request body, checked; or all of its faults.
pub type CheckedContact = Result<ContactWrite, Vec<FieldFault>>;

/// Reads and checks the body of a single write. Takes no lock.
pub fn check(body: &[u8], rules: Rules<'_>) -> CheckedContact {
    match Json::read(body) {
        Ok(json) => validate::contact(&json, rules),
        Err(message) => Err(vec![FieldFault::new("", "invalid_json", message)]),
    }
}

/// `POST /contacts`.
pub fn upsert(call: &mut Call<'_>, checked: CheckedContact) -> Answer {
    let write = match checked {
        Ok(write) => write,
        Err(faults) => return Answer::invalid(&faults, call.request).with_items(1),
    };
    let outcome = call.brand.contacts.upsert(&write, call.now, &call.switches);
    let (status, slot) = match outcome {
        Upserted::Created(slot) => (201, Some(slot)),
        Upserted::Updated(slot) => (200, Some(slot)),
        Upserted::Dropped => (200, None),
    };
    let view = slot.and_then(|slot| show_true(call, slot)).unwrap_or_else(|| json!({}));
    Answer::json(status, &view).with_items(1)
}

/// `GET /contacts/{id}`.
pub fn get(call: &mut Call<'_>) -> Answer {
    if let Err(faults) = Query::parse(call.query, &[]) {
        return Answer::invalid(&faults, call.request);
    }
    match find_id(call, call.id).and_then(|slot| show(call, slot)) {
        Some(view) => Answer::json(200, &view).with_items(1),
        None => Answer::not_found("Contact", call.request),
    }
}

/// `PATCH /contacts/{id}`.
pub fn patch(call: &mut Call<'_>, checked: CheckedContact) -> Answer {
    let slot = find_id(call, call.id);
    patch_slot(call, slot, checked)
}

/// `PATCH /contacts?email=`.
pub fn patch_by_email(call: &mut Call<'_>, checked: CheckedContact) -> Answer {
    let query = match Query::parse(call.query, &["email"]) {
        Ok(query) => query,
        Err(faults) => return Answer::invalid(&faults, call.request),
    };
    let Some(email) = query.get("email") else {
        return Answer::invalid(&[FieldFault::required("email")], call.request);
    };
    let slot = call.brand.contacts.find_email(email, &call.switches);
    patch_slot(call, slot, checked)
}

fn patch_slot(call: &mut Call<'_>, slot: Option<u32>, checked: CheckedContact) -> Answer {
    let write = match checked {
        Ok(write) => write,
        Err(faults) => return Answer::invalid(&faults, call.request).with_items(1),
    };
    let Some(slot) = slot else {
        return Answer::not_found("Contact", call.request).with_items(1);
    };
    if call.brand.contacts.patch(slot, &write, call.now, &call.switches).is_err() {
        return Answer::conflict("Contact identifier already exists.", call.request).with_items(1);
    }
    let view = show_true(call, slot).unwrap_or(Value::Null);
    Answer::json(200, &view).with_items(1)
}

/// The slot of an id, if there is such a contact.
pub fn find_id(call: &Call<'_>, id: &str) -> Option<u32> {
    let slot = ids::place(id)?;
    let contact = call.brand.contacts.get(slot)?;
    (ids::object_id(contact.created, call.brand.index, slot) == id).then_some(slot)
}

/// What a reader sees of a contact now.
pub fn show(call: &Call<'_>, slot: u32) -> Option<Value> {
    let contact = call.brand.contacts.visible(slot, call.now)?;
    Some(call.brand.show(slot, contact, call.dictionary, &call.switches))
}

/// What the answer to a write shows: the write itself, visible to others or not.
fn show_true(call: &Call<'_>, slot: u32) -> Option<Value> {
    let contact = call.brand.contacts.get(slot)?;
    Some(call.brand.show(slot, contact, call.dictionary, &call.switches))
}
