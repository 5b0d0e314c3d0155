//! How a destination shows who is in a segment: by a tag, or by a custom property that is true or false. Both stand as
//! **marks** in plans and ledgers: a tag as it is, a property as `=` and its name. No tag begins with `=`.

use serde::{Deserialize, Serialize};

use crate::destination::DestinationCard;
use crate::mapping::{Field, Mapping};

/// How the members of an export's segments are marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marking {
    /// A tag for each segment, changed by requests of its own.
    #[default]
    Tags,
    /// A custom property for each segment, which goes with the contact: true for members, false for all others.
    Properties,
}

impl Marking {
    /// The name in the database, in forms and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Properties => "properties",
        }
    }

    /// The marking of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Tags, Self::Properties].into_iter().find(|marking| marking.as_str() == name)
    }

    /// The mark of a segment that has this tag.
    pub fn mark(self, tag: &str) -> String {
        match self {
            Self::Tags => tag.to_owned(),
            Self::Properties => format!("{PROPERTY}{}", property_for(tag)),
        }
    }

    /// Does one of these destinations take it?
    pub fn is_taken_by(self, cards: &[DestinationCard]) -> bool {
        self == Self::Tags || cards.iter().any(|card| card.takes_custom_properties)
    }

    /// Can the segments with these tags be told apart, and from what the data matching sends?
    pub fn is_clear(self, tags: &[&str], mapping: &Mapping) -> bool {
        let names: Vec<String> = match self {
            Self::Tags => return true,
            Self::Properties => tags.iter().map(|tag| property_for(tag)).collect(),
        };
        let is_matched = |name: &String| mapping.matches.iter().any(|one| one.field == Field::Property(name.clone()));
        names.iter().enumerate().all(|(at, name)| !names[..at].contains(name) && !is_matched(name))
    }
}

/// How the mark of a property begins.
const PROPERTY: char = '=';

/// The property that a mark stands for; none for a tag.
pub fn property_of(mark: &str) -> Option<&str> {
    mark.strip_prefix(PROPERTY)
}

/// The name of the property for a segment with this tag: its letters and digits, everything else as `_`.
pub fn property_for(tag: &str) -> String {
    tag.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// A mark in words, as it is given or taken away.
pub fn in_words(mark: &str, is_given: bool) -> String {
    match property_of(mark) {
        Some(name) => format!("{name} = {is_given}"),
        None => mark.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Match, is_property_name};
    use crate::segment::tag_for;

    #[test]
    fn a_segment_s_property_is_one_that_every_destination_takes() {
        for name in ["Spring buyers", "Țară & città (2026)", "x", "ÅÄÖ", ""] {
            let property = property_for(&tag_for(name));
            assert!(is_property_name(&property), "{name}: {property}");
        }
        assert_eq!(property_for("ferry:spring buyers-2"), "ferry_spring_buyers_2");
    }

    #[test]
    fn marks_say_what_they_are() {
        let mark = Marking::Properties.mark("ferry:a");
        assert_eq!((property_of(&mark), property_of(&Marking::Tags.mark("ferry:a"))), (Some("ferry_a"), None));
        assert_eq!(
            (in_words(&mark, true), in_words(&mark, false)),
            ("ferry_a = true".into(), "ferry_a = false".into())
        );
        assert_eq!(in_words("ferry:a", false), "ferry:a");
        for marking in [Marking::Tags, Marking::Properties] {
            assert_eq!(Marking::parse(marking.as_str()), Some(marking));
        }
    }

    #[test]
    fn two_segments_with_one_name_or_a_property_that_is_matched_are_not_clear() {
        let none = Mapping::default();
        let field = Field::Property("ferry_a".to_owned());
        let matched = Mapping { matches: vec![Match { field, attribute: "A".to_owned() }] };
        assert!(Marking::Properties.is_clear(&["ferry:a", "ferry:b"], &none));
        assert!(!Marking::Properties.is_clear(&["ferry:a b", "ferry:a-b"], &none));
        assert!(!Marking::Properties.is_clear(&["ferry:a"], &matched));
        assert!(Marking::Tags.is_clear(&["ferry:a b", "ferry:a-b"], &matched));
    }
}
