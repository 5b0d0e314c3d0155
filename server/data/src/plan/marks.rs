//! Custom properties that mark the members of segments: they go with the contact, so that membership is part of the
//! payload, and nothing but a person who left needs a request of its own.

use domain::marking::property_of;

use super::tags;

/// What the names of properties follow in a payload. What may stand before them is an instant.
const PROPERTIES: &str = "\"properties\":{";

/// The properties among the marks of a plan.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Those of the active segments, by name, with their places.
    own: Vec<(String, usize)>,
    /// All of them.
    all: Vec<(String, usize)>,
}

impl Marks {
    /// The properties among `all_marks`, of which `active` are the ones of the export's active segments.
    pub(super) fn new(all_marks: &[String], active: &[String]) -> Self {
        let named = |wanted: &dyn Fn(&String) -> bool| {
            let marks = all_marks.iter().enumerate().filter(|(_, mark)| wanted(mark));
            let named = marks.filter_map(|(place, mark)| Some((property_of(mark)?.to_owned(), place)));
            named.collect::<Vec<_>>()
        };
        Self { own: named(&|mark| active.contains(mark)), all: named(&|_| true) }
    }

    /// Does membership stand in the payload?
    pub(super) fn are_sent(&self) -> bool {
        !self.own.is_empty()
    }

    /// Writes who is in which segment into a payload.
    pub(super) fn write(&self, payload: &mut String, set: &[u8]) {
        insert(payload, self.own.iter().map(|(name, place)| (name.as_str(), tags::has(set, *place))));
    }

    /// Writes that none of these properties holds any more.
    pub(super) fn clear(&self, payload: &mut String, removed: &[u8]) {
        let gone = self.all.iter().filter(|one| tags::has(removed, one.1) && !self.own.contains(one));
        insert(payload, gone.map(|(name, _)| (name.as_str(), false)));
    }
}

/// Is a mark a property's, by its place in the list of marks?
pub(super) fn are_properties(marks: &[String]) -> Vec<bool> {
    marks.iter().map(|mark| property_of(mark).is_some()).collect()
}

/// Puts values in front of the properties of a payload. Names are of letters, digits and `_`.
fn insert<'a>(payload: &mut String, values: impl Iterator<Item = (&'a str, bool)>) {
    let Some(at) = payload.find(PROPERTIES).map(|at| at + PROPERTIES.len()) else { return };
    let values: Vec<String> = values.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    let mut text = values.join(",");
    if !text.is_empty() && !payload[at..].starts_with('}') {
        text.push(',');
    }
    payload.insert_str(at, &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_is_written_in_front_of_what_is_matched() {
        let all = ["=a", "=b", "=old", "tag"].map(str::to_owned);
        let marks = Marks::new(&all, &all[..2]);
        let mut set = vec![0];
        tags::put(&mut set, 1);
        let mut empty = r#"{"properties":{},"targets":{}}"#.to_owned();
        let mut some = r#"{"opt_in":"2026-01-01T00:00:00Z","properties":{"x":1},"targets":{}}"#.to_owned();
        marks.write(&mut empty, &set);
        marks.write(&mut some, &set);
        assert_eq!(empty, r#"{"properties":{"a":false,"b":true},"targets":{}}"#);
        assert_eq!(some, r#"{"opt_in":"2026-01-01T00:00:00Z","properties":{"a":false,"b":true,"x":1},"targets":{}}"#);
        let removed = [0b1111];
        marks.clear(&mut empty, &removed);
        assert_eq!(empty, r#"{"properties":{"old":false,"a":false,"b":true},"targets":{}}"#);
        marks.clear(&mut empty, &[0]);
        assert!(empty.starts_with(r#"{"properties":{"old":false,"a""#));
    }
}
