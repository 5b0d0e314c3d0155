//! Segments: named sets of profiles.

use serde::{Deserialize, Serialize};

use crate::id::SegmentId;
use crate::rule::Rule;

/// What decides who is in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Definition {
    /// A rule, evaluated anew with every refresh.
    Dynamic {
        /// The rule.
        rule: Rule,
    },
    /// The people who fulfilled the rule when the segment was made static; later refreshes add and remove nobody,
    /// though a profile that no longer exists is no member.
    Static {
        /// The rule as it was.
        rule: Rule,
    },
}

impl Definition {
    /// The rule, present or past.
    pub fn rule(&self) -> &Rule {
        match self {
            Self::Dynamic { rule } | Self::Static { rule } => rule,
        }
    }

    /// Is it a frozen list?
    pub fn is_static(&self) -> bool {
        matches!(self, Self::Static { .. })
    }
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// The name that people see; unique without regard to case.
    pub name: String,
    /// Who is in it.
    pub definition: Definition,
    /// An inactive segment keeps its rule, but is not refreshed and delivers nobody new.
    pub is_active: bool,
    /// The tag that its members carry at the destination. Made from the name once and kept when the name changes.
    pub tag: String,
}

/// The tag of a new segment: `ferry:` and the name in lower-case letters, digits, space, `_` and `-`, at most 120
/// characters, which every destination takes.
///
/// Letters with accents lose them; anything else becomes `-`. A name without a plain character gives a bare `ferry:`,
/// and two names may give the same tag: the service that saves the segment makes it unique with a number.
pub fn tag_for(name: &str) -> String {
    let mut tag = String::from("ferry:");
    for c in name.trim().to_lowercase().chars() {
        let plain = without_accent(c);
        let next = if plain.is_ascii_alphanumeric() || plain == '_' || plain == ' ' { plain } else { '-' };
        if !(next == '-' && tag.ends_with('-')) {
            tag.push(next);
        }
        if tag.len() >= 120 {
            break;
        }
    }
    tag.trim_end_matches(['-', ' ']).to_owned()
}

/// The letters of the six languages without their accents.
fn without_accent(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ă' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ș' | 'ş' => 's',
        'ț' | 'ţ' => 't',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::tag_for;

    #[test]
    fn a_tag_keeps_to_plain_characters() {
        assert_eq!(tag_for("Spring buyers 2026"), "ferry:spring buyers 2026");
        assert_eq!(tag_for("Țări & Orașe!"), "ferry:tari - orase");
        assert_eq!(tag_for("日本"), "ferry:");
    }
}
