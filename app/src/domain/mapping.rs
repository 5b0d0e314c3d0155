//! Data matching: which attribute feeds which field of the destination.

use serde::{Deserialize, Serialize};

use crate::attribute::Attribute;
use crate::destination::DestinationCard;
use crate::names::plain;

/// Where a value goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// A target of the destination's card, by name.
    Target(String),
    /// A custom property, by name: Latin letters, digits and `_`, at most 128.
    Property(String),
}

/// One matched pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Where the value goes.
    pub field: Field,
    /// The attribute it comes from.
    pub attribute: String,
}

/// The data matching of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping {
    /// The pairs, in the order in which people added them.
    pub matches: Vec<Match>,
}

/// What is wrong with a mapping; screens translate it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum MappingFault {
    /// A required field has no attribute.
    #[error("{0} is required")]
    Required(String),
    /// A field is matched twice.
    #[error("{0} is matched twice")]
    Twice(String),
    /// No such field at this destination.
    #[error("{0} is no field of the destination")]
    UnknownField(String),
    /// No profile has this attribute.
    #[error("{0} is no attribute")]
    UnknownAttribute(String),
    /// The property's name has characters that the destination does not take.
    #[error("{0} is no name for a property")]
    PropertyName(String),
}

impl Mapping {
    /// The attribute that feeds a target, if one does.
    pub fn attribute_of(&self, target: &str) -> Option<&str> {
        self.matches
            .iter()
            .find(|m| matches!(&m.field, Field::Target(name) if name == target))
            .map(|m| m.attribute.as_str())
    }

    /// All faults, for this destination and these attributes; empty means valid.
    pub fn faults(&self, card: &DestinationCard, attributes: &[Attribute]) -> Vec<MappingFault> {
        let mut found = Vec::new();
        for target in card.targets.iter().filter(|t| t.required) {
            if self.attribute_of(&target.name).is_none_or(str::is_empty) {
                found.push(MappingFault::Required(target.name.clone()));
            }
        }
        for (index, one) in self.matches.iter().enumerate() {
            let name = match &one.field {
                Field::Target(name) | Field::Property(name) => name,
            };
            if self.matches.iter().take(index).any(|earlier| earlier.field == one.field) {
                found.push(MappingFault::Twice(name.clone()));
            }
            match &one.field {
                Field::Target(name) if !card.targets.iter().any(|t| &t.name == name) => {
                    found.push(MappingFault::UnknownField(name.clone()));
                }
                Field::Property(name) if !card.takes_custom_properties => {
                    found.push(MappingFault::UnknownField(name.clone()));
                }
                Field::Property(name) if !is_property_name(name) => {
                    found.push(MappingFault::PropertyName(name.clone()));
                }
                Field::Target(_) | Field::Property(_) => {}
            }
            if !one.attribute.is_empty() && !attributes.iter().any(|a| a.name == one.attribute) {
                found.push(MappingFault::UnknownAttribute(one.attribute.clone()));
            }
        }
        found
    }

    /// The faults at whichever of these destinations it fits best: an export without a connection may get one of any
    /// kind.
    pub fn fewest_faults(&self, cards: &[DestinationCard], attributes: &[Attribute]) -> Vec<MappingFault> {
        cards.iter().map(|card| self.faults(card, attributes)).min_by_key(Vec::len).unwrap_or_default()
    }
}

/// Latin letters, digits and `_`, 1 to 128 of them.
pub fn is_property_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A mapping proposed from the attributes' names: for each target the first attribute that its suggestions name.
pub fn suggest(card: &DestinationCard, attributes: &[Attribute]) -> Mapping {
    let mut taken: Vec<&str> = Vec::new();
    let mut matches = Vec::new();
    for target in &card.targets {
        let found = target.suggestions.iter().find_map(|wanted| {
            attributes.iter().find(|a| plain(&a.name) == *wanted && !taken.contains(&a.name.as_str()))
        });
        if let Some(attribute) = found {
            taken.push(&attribute.name);
            matches.push(Match { field: Field::Target(target.name.clone()), attribute: attribute.name.clone() });
        }
    }
    Mapping { matches }
}
