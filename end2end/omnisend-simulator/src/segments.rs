//! Segments: rules over contacts that the vendor works out itself. Only the filters that an export
//! needs are understood (`tags` anyOf/noneOf, `custom` equals); any other filter is stored and
//! matches nobody.

use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, to_text};
use crate::contacts::record::Contact;
use crate::contacts::validate::Dictionary;
use crate::contacts::view;
use crate::ids;
use crate::json::Json;
use crate::problem::{Answer, FieldFault};
use crate::query::Query;

const NAME_MAX: usize = 256;

/// A checked segment request: name and condition groups.
pub type CheckedSegment = Result<(String, Value), Vec<FieldFault>>;

#[derive(Debug, Clone)]
struct Segment {
    name: String,
    groups: Value,
    created: i64,
    updated: i64,
    ready_at: i64,
    deleted: bool,
}

/// The segments of one brand, in order of creation.
#[derive(Debug, Default)]
pub struct Segments {
    all: Vec<Segment>,
    brand: u32,
}

impl Segments {
    pub fn new(brand: u32) -> Self {
        Self { all: Vec::new(), brand }
    }

    fn place(&self, id: &str) -> Option<usize> {
        let place = ids::place(id)?;
        let segment = self.all.get(place as usize).filter(|segment| !segment.deleted)?;
        (ids::object_id(segment.created, self.brand, place) == id).then_some(place as usize)
    }

    /// Whether a contact is in a segment; false for a segment that does not exist.
    pub fn holds(&self, id: &str, contact: &Contact, dictionary: &Dictionary) -> bool {
        self.place(id)
            .and_then(|place| self.all.get(place))
            .is_some_and(|segment| is_member(&segment.groups, contact, dictionary))
    }

    /// The ids of all segments that a contact is in.
    pub fn of(&self, contact: &Contact, dictionary: &Dictionary) -> Vec<String> {
        let live = self.all.iter().zip(0_u32..).filter(|(segment, _)| !segment.deleted);
        let inside = live.filter(|(segment, _)| is_member(&segment.groups, contact, dictionary));
        inside.map(|(segment, place)| ids::object_id(segment.created, self.brand, place)).collect()
    }

    fn view(&self, place: usize, now: i64) -> Option<Value> {
        let segment = self.all.get(place)?;
        Some(json!({
            "segmentID": ids::object_id(segment.created, self.brand, u32::try_from(place).ok()?),
            "name": segment.name,
            "conditionGroups": segment.groups,
            "status": if now < segment.ready_at { "building" } else { "ready" },
            "isStarred": false,
            "createdAt": to_text(segment.created),
            "updatedAt": to_text(segment.updated),
            "archivedAt": null,
        }))
    }
}

/// Groups are alternatives, the conditions of a group must all hold, and so must their filters.
fn is_member(groups: &Value, contact: &Contact, dictionary: &Dictionary) -> bool {
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    groups.as_array().is_some_and(|groups| {
        groups.iter().any(|group| {
            let conditions = list(group, "conditions");
            let filters: Vec<Value> = conditions.iter().flat_map(|condition| list(condition, "filters")).collect();
            !filters.is_empty() && filters.iter().all(|filter| filter_holds(filter, contact, dictionary))
        })
    })
}

fn filter_holds(filter: &Value, contact: &Contact, dictionary: &Dictionary) -> bool {
    let text = |name: &str| filter.get(name).and_then(Value::as_str).unwrap_or_default();
    let value = filter.get("value").cloned().unwrap_or(Value::Null);
    match (text("property"), text("operator")) {
        ("tags", operator @ ("anyOf" | "noneOf")) => {
            let wanted = value.as_array().cloned().unwrap_or_default();
            let tags = wanted.iter().filter_map(Value::as_str).filter_map(|tag| dictionary.tags.find(tag));
            let any = tags.into_iter().any(|tag| contact.has_tag(tag));
            any == (operator == "anyOf")
        }
        ("custom", "equals" | "equal" | "is") => {
            view::properties(contact, dictionary).get(text("name")) == Some(&value)
        }
        _ => false,
    }
}

/// Reads and checks a segment.
pub fn check(body: &[u8]) -> CheckedSegment {
    let json = Json::read(body).map_err(|message| vec![FieldFault::new("", "invalid_json", message)])?;
    let mut faults = Vec::new();
    let name = match json.get("name").map(Json::as_text) {
        None => {
            faults.push(FieldFault::required("name"));
            ""
        }
        Some(Some(name)) if (1..=NAME_MAX).contains(&name.chars().count()) => name,
        Some(_) => {
            faults.push(FieldFault::format("name", "Must be a string of 1 to 256 characters."));
            ""
        }
    };
    match json.get("conditionGroups").map(Json::as_list) {
        None => faults.push(FieldFault::required("conditionGroups")),
        Some(None) => faults.push(FieldFault::format("conditionGroups", "Must be a list.")),
        Some(Some(groups)) => check_groups(groups, &mut faults),
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok((name.to_owned(), json.get("conditionGroups").map(Json::to_value).unwrap_or_default()))
}

fn check_groups(groups: &[Json<'_>], faults: &mut Vec<FieldFault>) {
    for (g, group) in groups.iter().enumerate() {
        let conditions = group.get("conditions").and_then(Json::as_list).unwrap_or_default();
        for (c, condition) in conditions.iter().enumerate() {
            let filters = condition.get("filters").and_then(Json::as_list).unwrap_or_default();
            if filters.is_empty() {
                faults.push(FieldFault::required(format!("conditionGroups[{g}].conditions[{c}].filters")));
            }
        }
    }
}

/// `POST /segments`.
pub fn create(call: &mut Call<'_>, checked: CheckedSegment) -> Answer {
    let (name, groups) = match checked {
        Ok(parts) => parts,
        Err(faults) => return Answer::invalid(&faults, call.request),
    };
    let ready_at = call.now + clock::millis(call.switches.segment_build_ms);
    let segments = &mut call.brand.segments;
    segments.all.push(Segment { name, groups, created: call.now, updated: call.now, ready_at, deleted: false });
    let view = segments.view(segments.all.len() - 1, call.now);
    Answer::json(201, &view)
}

/// `GET /segments`, newest first unless asked otherwise.
pub fn list(call: &mut Call<'_>) -> Answer {
    let query = match Query::parse(call.query, &["limit", "after", "before", "sort", "direction"]) {
        Ok(query) => query,
        Err(faults) => return Answer::invalid(&faults, call.request),
    };
    let mut faults = Vec::new();
    let limit = query.number("limit", 10, 1, 50, &mut faults);
    let sort = query.choice("sort", &["createdAt", "name"], &mut faults).unwrap_or("createdAt");
    let direction = query.choice("direction", &["asc", "desc"], &mut faults).unwrap_or("desc");
    let start = match (query.get("after"), query.get("before")) {
        (Some(_), Some(_)) => {
            faults.push(FieldFault::new("after", "invalid", "Not together with before."));
            0
        }
        (Some(after), None) => query_place(after, "after", &mut faults),
        (None, Some(before)) => query_place(before, "before", &mut faults).saturating_sub(limit),
        (None, None) => 0,
    };
    if !faults.is_empty() {
        return Answer::invalid(&faults, call.request);
    }
    let segments = &call.brand.segments;
    let mut places: Vec<usize> =
        (0..segments.all.len()).filter(|place| segments.all.get(*place).is_some_and(|s| !s.deleted)).collect();
    if sort == "name" {
        places.sort_by_key(|place| segments.all.get(*place).map(|segment| segment.name.clone()));
    }
    if direction == "desc" {
        places.reverse();
    }
    let page: Vec<Value> =
        places.iter().skip(start).take(limit).filter_map(|place| segments.view(*place, call.now)).collect();
    let more = places.len() > start + page.len();
    let cursors = json!({
        "after": more.then(|| format!("{:08x}", start + page.len())),
        "before": (start > 0).then(|| format!("{start:08x}")),
    });
    Answer::json(200, &json!({"segments": page, "paging": {"limit": limit, "hasMore": more, "cursors": cursors}}))
}

fn query_place(cursor: &str, name: &str, faults: &mut Vec<FieldFault>) -> usize {
    usize::from_str_radix(cursor, 16).unwrap_or_else(|_| {
        faults.push(FieldFault::format(name, "Not a cursor of this list."));
        0
    })
}

/// `GET /segments/{id}`.
pub fn get(call: &mut Call<'_>) -> Answer {
    let segments = &call.brand.segments;
    match segments.place(call.id).and_then(|place| segments.view(place, call.now)) {
        Some(view) => Answer::json(200, &view),
        None => Answer::not_found("Segment", call.request),
    }
}

/// `PUT /segments/{id}`.
pub fn update(call: &mut Call<'_>, checked: CheckedSegment) -> Answer {
    let (name, groups) = match checked {
        Ok(parts) => parts,
        Err(faults) => return Answer::invalid(&faults, call.request),
    };
    let build = clock::millis(call.switches.segment_build_ms);
    let Some(place) = call.brand.segments.place(call.id) else {
        return Answer::not_found("Segment", call.request);
    };
    if let Some(segment) = call.brand.segments.all.get_mut(place) {
        if call.now < segment.ready_at {
            return Answer::conflict("The segment is building.", call.request);
        }
        *segment = Segment { name, groups, updated: call.now, ready_at: call.now + build, ..segment.clone() };
    }
    Answer::json(200, &call.brand.segments.view(place, call.now))
}

/// `DELETE /segments/{id}`.
pub fn delete(call: &mut Call<'_>) -> Answer {
    let place = call.brand.segments.place(call.id);
    let Some(segment) = place.and_then(|place| call.brand.segments.all.get_mut(place)) else {
        return Answer::not_found("Segment", call.request);
    };
    if call.now < segment.ready_at {
        return Answer::conflict("The segment is building.", call.request);
    }
    segment.deleted = true;
    Answer::empty(204)
}

/// `GET /segments/{id}/statistics`.
pub fn statistics(call: &mut Call<'_>) -> Answer {
    if call.brand.segments.place(call.id).is_none() {
        return Answer::not_found("Segment", call.request);
    }
    let brand = &call.brand;
    let count =
        brand.contacts.iter().filter(|(_, contact)| brand.segments.holds(call.id, contact, call.dictionary)).count();
    Answer::json(200, &json!({"contactsCount": count}))
}
