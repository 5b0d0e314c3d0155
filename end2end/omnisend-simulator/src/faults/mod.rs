//! What goes wrong on purpose. [`script`] is what a test writes, [`engine`] decides what hits a
//! request, [`items`] spoils the items of a batch.

pub mod engine;
pub mod items;
pub mod script;

pub use engine::{Effects, Engine};
pub use items::BatchEffects;
pub use script::{Action, Rule, Script};

use serde::{Deserialize, Serialize};

/// The status that a held batch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldStatus {
    Pending,
    #[default]
    InProgress,
}

impl HoldStatus {
    pub fn text(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "inProgress",
        }
    }
}

/// A batch that does not move on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub status: HoldStatus,
    /// `None` holds it until somebody releases it.
    pub until: Option<i64>,
}
