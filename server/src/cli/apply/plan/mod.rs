//! What applying a file would do: every statement compared with what is there, and everything that can be wrong found,
//! before anything is changed. It reads the database, the files and the keys, and asks the destinations about new keys.

use domain::access::Actor;
use domain::attribute::Attribute;
use domain::system::SystemSettings;

use super::file::ConfigurationFile;
use super::reader::{Fault, Faults};
use crate::cli::desk::Desk;
use crate::db::connections::StoredConnection;
use crate::db::exports::StoredExport;
use crate::db::refreshes::Snapshot;
use crate::db::segments::StoredSegment;
use crate::db::{self};

mod connections;
mod exports;
mod segments;
mod source;
mod system;

pub use connections::ConnectionStep;
pub use exports::ExportStep;
pub use segments::SegmentStep;
pub use source::SourceStep;
pub use system::SystemStep;

/// What is to be done, in this order.
#[derive(Debug)]
pub struct Plan {
    /// The data source.
    pub source: Option<SourceStep>,
    /// The segments.
    pub segments: Vec<SegmentStep>,
    /// The connections.
    pub connections: Vec<ConnectionStep>,
    /// The exports.
    pub exports: Vec<ExportStep>,
    /// The system refresh.
    pub system: Option<SystemStep>,
}

/// How a statement of the file relates to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is not there yet.
    Add,
    /// It is there, and differs.
    Alter,
    /// It is there as the file says.
    Keep,
}

/// What is there now.
struct State {
    snapshot: Option<Snapshot>,
    segments: Vec<StoredSegment>,
    connections: Vec<StoredConnection>,
    exports: Vec<StoredExport>,
    system: SystemSettings,
}

/// What the parts of the planning share.
struct Planner<'a> {
    desk: &'a Desk,
    actor: &'a Actor,
    file: &'a ConfigurationFile,
    state: State,
    faults: &'a Faults,
    /// The attributes that profiles will have once the data source is refreshed.
    attributes: Vec<Attribute>,
}

/// Makes the plan.
///
/// # Errors
/// All faults, by line; or that the database cannot be read.
pub async fn make(
    desk: &Desk,
    actor: &Actor,
    file: &ConfigurationFile,
    text: &str,
) -> anyhow::Result<Result<Plan, Vec<Fault>>> {
    let faults = Faults::new(text);
    let state = State::load(desk).await?;
    let attributes = state.snapshot.as_ref().map(|one| one.attributes.clone()).unwrap_or_default();
    let mut planner = Planner { desk, actor, file, state, faults: &faults, attributes };
    let source = planner.source().await?;
    let has_attributes = if let Some(step) = &source {
        planner.attributes.clone_from(&step.draft.attributes);
        true
    } else {
        // Faults of the data source are told already; the rules that build on it cannot be judged.
        file.source.is_none()
    };
    let segments = planner.segments(has_attributes);
    let plan = Plan {
        connections: planner.connections().await?,
        exports: planner.exports(has_attributes, &segments),
        system: planner.system(),
        source,
        segments,
    };
    let found = faults.into_sorted();
    Ok(if found.is_empty() { Ok(plan) } else { Err(found) })
}

impl State {
    async fn load(desk: &Desk) -> anyhow::Result<Self> {
        let mut tx = desk.db.read().await?;
        Ok(Self {
            snapshot: db::refreshes::newest_snapshot(&mut tx).await?,
            segments: db::segments::list(&mut tx).await?,
            connections: db::connections::list(&mut tx).await?,
            exports: db::exports::list(&mut tx).await?,
            system: db::system::settings(&mut tx).await?.settings,
        })
    }

    fn connection(&self, name: &str) -> Option<&StoredConnection> {
        self.connections.iter().find(|one| same_name(&one.name, name))
    }

    fn segment(&self, name: &str) -> Option<&StoredSegment> {
        self.segments.iter().find(|one| same_name(&one.segment.name, name))
    }
}

/// Are these names the same to people?
pub fn same_name(one: &str, other: &str) -> bool {
    db::names::key(one) == db::names::key(other)
}
