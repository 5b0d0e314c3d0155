//! `GET /contacts`: filters, order, and pages behind opaque cursors.

use serde_json::{Value, json};

use crate::call::Call;
use crate::clock;
use crate::contacts::record::{Contact, Status};
use crate::contacts::show;
use crate::problem::{Answer, FieldFault};
use crate::query::Query;

/// Parameters that a cursor carries and that must not change while one pages.
const FIXED: [&str; 8] = ["sort", "direction", "email", "phone", "status", "segmentID", "tag", "updatedAtFrom"];

/// One page of contacts.
pub fn list(call: &mut Call<'_>) -> Answer {
    match read(call.query) {
        Ok(ask) => page(call, &ask),
        Err(faults) => Answer::invalid(&faults, call.request),
    }
}

/// A checked question.
struct Ask {
    limit: usize,
    /// Where the cursor stands, and whether the page before it is wanted.
    cursor: Option<(u64, bool)>,
    /// The filters and the order, as (name, text).
    fixed: Vec<(&'static str, String)>,
    updated_from: Option<i64>,
}

impl Ask {
    fn get(&self, name: &str) -> Option<&str> {
        self.fixed.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
    }
}

fn read(raw: &str) -> Result<Ask, Vec<FieldFault>> {
    let known: Vec<&str> = FIXED.into_iter().chain(["limit", "after", "before"]).collect();
    let query = Query::parse(raw, &known)?;
    let mut faults = Vec::new();
    let limit = query.number("limit", 100, 1, 250, &mut faults);
    query.choice("sort", &["createdAt", "updatedAt"], &mut faults);
    query.choice("direction", &["asc", "desc"], &mut faults);
    query.choice("status", &["subscribed", "unsubscribed", "nonSubscribed"], &mut faults);
    let given: Vec<(&'static str, String)> =
        FIXED.into_iter().filter_map(|name| query.get(name).map(|text| (name, text.to_owned()))).collect();
    let (cursor, fixed) = match (query.get("after"), query.get("before")) {
        (Some(_), Some(_)) => {
            faults.push(FieldFault::new("after", "invalid", "Not together with before."));
            (None, given)
        }
        (None, None) => (None, given),
        (after, before) => match decode_cursor(after.or(before).unwrap_or_default()) {
            None => {
                let name = if after.is_some() { "after" } else { "before" };
                faults.push(FieldFault::format(name, "Not a cursor of this list."));
                (None, given)
            }
            Some((place, fixed)) => {
                for (name, _) in given.iter().filter(|pair| !fixed.contains(*pair)) {
                    faults.push(FieldFault::new(*name, "invalid", "Differs from the request that gave the cursor."));
                }
                (Some((place, before.is_some())), fixed)
            }
        },
    };
    let mut ask = Ask { limit, cursor, fixed, updated_from: None };
    if ask.get("tag").is_some() && ask.get("status").is_some() {
        faults.push(FieldFault::new("tag", "invalid", "Not together with status."));
    }
    if let Some(from) = ask.get("updatedAtFrom") {
        ask.updated_from = clock::from_text(from);
        if ask.updated_from.is_none() {
            faults.push(FieldFault::format("updatedAtFrom", "Must be an RFC 3339 date and time."));
        }
        if ["email", "phone", "status", "segmentID", "tag"].iter().any(|name| ask.get(name).is_some()) {
            faults.push(FieldFault::new("updatedAtFrom", "invalid", "Not together with another filter."));
        }
    }
    if faults.is_empty() { Ok(ask) } else { Err(faults) }
}

fn page(call: &mut Call<'_>, ask: &Ask) -> Answer {
    let descending = ask.get("direction") != Some("asc");
    let backwards = ask.cursor.is_some_and(|(_, before)| before);
    let downwards = descending != backwards;
    let places = candidates(call, ask, downwards);
    let mut found: Vec<(u64, u32)> = Vec::with_capacity(ask.limit);
    let mut more = false;
    for (place, slot) in places {
        let Some(contact) = call.brand.contacts.visible(slot, call.now) else { continue };
        if !matches(call, ask, contact) {
            continue;
        }
        if found.len() == ask.limit {
            more = true;
            break;
        }
        found.push((place, slot));
    }
    if backwards {
        found.reverse();
    }
    let (has_after, has_before) = if backwards { (true, more) } else { (more, ask.cursor.is_some()) };
    let cursor = |wanted: bool, edge: Option<&(u64, u32)>| match edge {
        Some((place, _)) if wanted => Value::from(encode_cursor(*place, &ask.fixed)),
        _ => Value::Null,
    };
    let after = cursor(has_after, found.last());
    let before = cursor(has_before, found.first());
    let contacts: Vec<Value> = found.iter().filter_map(|(_, slot)| show(call, *slot)).collect();
    let paging =
        json!({"limit": ask.limit, "hasMore": !after.is_null(), "cursors": {"after": after, "before": before}});
    let count = contacts.len();
    Answer::json(200, &json!({"contacts": contacts, "paging": paging})).with_items(count)
}

/// Contacts in the asked order beyond the cursor, before the filters. A place is the slot or, by
/// `updatedAt`, the version.
fn candidates<'c>(call: &'c Call<'_>, ask: &Ask, downwards: bool) -> Box<dyn Iterator<Item = (u64, u32)> + 'c> {
    let contacts = &call.brand.contacts;
    let cursor = ask.cursor.map(|(at, _)| at);
    let direct = match (ask.get("email"), ask.get("phone")) {
        (Some(email), _) => Some(contacts.find_email(email, &call.switches)),
        (None, Some(phone)) => Some(contacts.find_phone(phone)),
        (None, None) => None,
    };
    if let Some(slot) = direct {
        let found = slot.filter(|_| cursor.is_none());
        return Box::new(found.map(|slot| (u64::from(slot), slot)).into_iter());
    }
    if ask.get("sort") == Some("updatedAt") || ask.updated_from.is_some() {
        let changes = contacts.changes();
        let below = cursor.map_or(changes.len(), |at| changes.partition_point(|(version, _)| *version < at));
        let above = cursor.map_or(0, |at| changes.partition_point(|(version, _)| *version <= at));
        let current =
            |(version, slot): &(u64, u32)| contacts.get(*slot).is_some_and(|contact| contact.version == *version);
        return if downwards {
            Box::new(changes.iter().take(below).rev().copied().filter(current))
        } else {
            Box::new(changes.iter().skip(above).copied().filter(current))
        };
    }
    let at = cursor.map(|at| u32::try_from(at).unwrap_or(u32::MAX));
    let named = |slot: u32| (u64::from(slot), slot);
    if downwards {
        Box::new((0..at.unwrap_or(u32::MAX).min(contacts.slots())).rev().map(named))
    } else {
        Box::new((at.map_or(0, |at| at.saturating_add(1))..contacts.slots()).map(named))
    }
}

fn matches(call: &Call<'_>, ask: &Ask, contact: &Contact) -> bool {
    let tag_fits =
        ask.get("tag").is_none_or(|tag| call.dictionary.tags.find(tag).is_some_and(|tag| contact.has_tag(tag)));
    let status_fits =
        ask.get("status").and_then(Status::from_text).is_none_or(|status| contact.email_status.status == status);
    let phone_fits = ask.get("phone").is_none_or(|phone| contact.phone.as_deref() == Some(phone));
    let date_fits = ask.updated_from.is_none_or(|from| contact.updated >= from);
    let segment_fits = ask.get("segmentID").is_none_or(|id| call.brand.segments.holds(id, contact, call.dictionary));
    tag_fits && status_fits && phone_fits && date_fits && segment_fits
}

fn encode_cursor(place: u64, fixed: &[(&'static str, String)]) -> String {
    let text = serde_json::to_string(&(place, fixed)).unwrap_or_default();
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_cursor(text: &str) -> Option<(u64, Vec<(&'static str, String)>)> {
    let digits = text.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs =
        digits.chunks(2).map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    let (place, fixed): (u64, Vec<(String, String)>) = serde_json::from_slice(&bytes).ok()?;
    let known =
        |(name, text): (String, String)| FIXED.into_iter().find(|known| *known == name).map(|known| (known, text));
    Some((place, fixed.into_iter().map(known).collect::<Option<_>>()?))
}
