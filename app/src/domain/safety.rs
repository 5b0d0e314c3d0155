//! What keeps an export from doing harm, as people set it.

use serde::{Deserialize, Serialize};

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
