//! What keeps an export from doing harm, as people set it.

use serde::{Deserialize, Serialize};

use crate::attribute::{Attribute, AttributeType};
use crate::brake::Brake;

/// The safety settings of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Safety {
    /// Holds a run that is unlike the ones before it.
    pub brake: Brake,
    /// The subscription status that leaves with people; none unless an administrator chose it.
    pub status: Option<StatusRule>,
}

/// People leave as subscribed, each with the true time of their opt-in. Without one, no status leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRule {
    /// The attribute that holds the time: a date, an instant, or a text that is one.
    pub opt_in: String,
}

impl StatusRule {
    /// Is the attribute there, and may it hold a time?
    pub fn fits(&self, attributes: &[Attribute]) -> bool {
        attributes.iter().any(|one| one.name == self.opt_in && may_hold_opt_in(one.kind))
    }
}

/// May an attribute of this type hold the time of an opt-in?
pub fn may_hold_opt_in(kind: AttributeType) -> bool {
    matches!(kind, AttributeType::Text | AttributeType::Date | AttributeType::DateTime)
}
