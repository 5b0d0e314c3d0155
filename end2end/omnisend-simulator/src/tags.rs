//! `POST` and `DELETE /contacts/tags`: many contacts at once, by address, id, phone or segment.
//! Who is unknown when the request is accepted is ignored without a word, even if a batch creates
//! that contact a moment later.

use std::collections::BTreeSet;

use crate::call::Call;
use crate::clock;
use crate::contacts::find_id;
use crate::contacts::validate::{Dictionary, is_e164, texts};
use crate::json::Json;
use crate::problem::{Answer, FieldFault};
use crate::query::Query;
use crate::world::Job;

const TAGS_MAX: usize = 100;
const SELECTOR_MAX: usize = 250;

/// A checked request.
#[derive(Debug, Default)]
pub struct TagAsk {
    tags: Vec<u32>,
    ids: Vec<String>,
    emails: Vec<String>,
    phones: Vec<String>,
    segment: Option<String>,
}

/// A tag request, or all of its faults.
pub type CheckedTags = Result<TagAsk, Vec<FieldFault>>;

/// Reads and checks the body.
pub fn check(body: &[u8], dictionary: &Dictionary) -> CheckedTags {
    let json = Json::read(body).map_err(|message| vec![FieldFault::new("", "invalid_json", message)])?;
    let mut faults = Vec::new();
    let tags = match json.get("tags") {
        None | Some(Json::Null) => {
            faults.push(FieldFault::required("tags"));
            Vec::new()
        }
        Some(_) => list(&json, "tags", TAGS_MAX, &mut faults),
    };
    if tags.is_empty() && json.get("tags").and_then(Json::as_list).is_some_and(<[_]>::is_empty) {
        faults.push(FieldFault::new("tags", "out_of_range", "Must have between 1 and 100 items."));
    }
    if tags.iter().any(String::is_empty) {
        faults.push(FieldFault::format("tags", "A tag is not empty."));
    }
    let mut ask = TagAsk {
        tags: Vec::new(),
        ids: list(&json, "contactIDs", SELECTOR_MAX, &mut faults),
        emails: list(&json, "emails", SELECTOR_MAX, &mut faults),
        phones: list(&json, "phones", SELECTOR_MAX, &mut faults),
        segment: json.get("segmentID").and_then(Json::as_text).map(str::to_owned),
    };
    for (place, _) in ask.phones.iter().enumerate().filter(|(_, phone)| !is_e164(phone)) {
        faults.push(FieldFault::format(format!("phones[{place}]"), "Must be a phone number in E.164 format."));
    }
    let nobody = ask.ids.is_empty() && ask.emails.is_empty() && ask.phones.is_empty() && ask.segment.is_none();
    if nobody && faults.is_empty() {
        faults.push(FieldFault::new("", "required", "Give at least one of contactIDs, emails, phones, segmentID."));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    ask.tags = tags.iter().map(|tag| dictionary.tags.number(tag)).collect();
    Ok(ask)
}

fn list(json: &Json<'_>, name: &str, max: usize, faults: &mut Vec<FieldFault>) -> Vec<String> {
    let Some(value) = json.get(name).filter(|value| **value != Json::Null) else { return Vec::new() };
    match texts(value) {
        None => faults.push(FieldFault::format(name, "Must be a list of strings.")),
        Some(items) if items.len() > max => {
            faults.push(FieldFault::new(name, "out_of_range", format!("At most {max} items.")));
        }
        Some(items) => return items.into_iter().map(str::to_owned).collect(),
    }
    Vec::new()
}

/// Accepts a request; its effect comes a little later.
pub fn change(call: &mut Call<'_>, checked: CheckedTags, add: bool) -> Answer {
    if let Err(faults) = Query::parse(call.query, &[]) {
        return Answer::invalid(&faults, call.request);
    }
    let ask = match checked {
        Ok(ask) => ask,
        Err(faults) => return Answer::invalid(&faults, call.request),
    };
    let asked = ask.ids.len() + ask.emails.len() + ask.phones.len();
    let slots = select(call, &ask);
    let due = call.now + clock::millis(call.switches.tag_delay_ms);
    call.brand.jobs.push(due, Job::Tag { slots, tags: ask.tags, add });
    Answer::empty(202).with_items(asked)
}

/// The contacts that the selectors name, each once.
fn select(call: &Call<'_>, ask: &TagAsk) -> Vec<u32> {
    let contacts = &call.brand.contacts;
    let mut slots = BTreeSet::new();
    slots.extend(ask.ids.iter().filter_map(|id| find_id(call, id)));
    slots.extend(ask.emails.iter().filter_map(|email| contacts.find_email(email, &call.switches)));
    slots.extend(ask.phones.iter().filter_map(|phone| contacts.find_phone(phone)));
    if let Some(id) = &ask.segment {
        let inside = contacts.iter().filter(|(_, contact)| call.brand.segments.holds(id, contact, call.dictionary));
        slots.extend(inside.map(|(slot, _)| slot));
    }
    slots.into_iter().collect()
}
