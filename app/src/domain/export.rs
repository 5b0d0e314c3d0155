//! Exports: saved definitions of who goes where. Saving never runs one.

use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, ExportId, SegmentId};
use crate::mapping::Mapping;
use crate::marking::Marking;
use crate::safety::Safety;
use crate::schedule::Schedule;

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// What people set.
    #[serde(flatten)]
    pub settings: ExportSettings,
    /// Counts the saves; a run keeps the version it was made with.
    pub version: i64,
}

/// What people set on an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSettings {
    /// The name that people see; unique without regard to case.
    pub name: String,
    /// The connection; an export without one does not run.
    pub connection: Option<ConnectionId>,
    /// The data matching.
    pub mapping: Mapping,
    /// The segments whose members go.
    pub segments: Vec<SegmentId>,
    /// When it runs by itself.
    pub schedule: Schedule,
    /// What keeps it from doing harm.
    #[serde(default)]
    pub safety: Safety,
    /// How the members of its segments are marked at the destination.
    #[serde(default)]
    pub marking: Marking,
}
