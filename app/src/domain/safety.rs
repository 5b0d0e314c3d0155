//! What keeps an export from doing harm, as people set it.

use serde::{Deserialize, Serialize};

use crate::brake::Brake;

/// The safety settings of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Safety {
    /// Holds a run that is unlike the ones before it.
    pub brake: Brake,
}
