//! Rules of use for exports: who may change and run which, and what a definition must have. The definition is checked
//! in [`check`], runs are in [`runs`].

use std::collections::HashMap;
use std::sync::Arc;

use app::error::{AppError, FieldFaultKind};
use app::services::{Answer, DryRun, ExportLine, Exports, LateSlot, RunView, TroubledRow};
use domain::access::{self, Actor};
use domain::connection::Connection;
use domain::destination::DestinationKind;
use domain::export::{Export, ExportSettings};
use domain::id::{ConnectionId, ExportId, RunId, SegmentId};
use domain::mapping::{self, Mapping};
use domain::paging::{Page, PageRequest};
use domain::run::{RowReason, Run, Trigger};
use domain::schedule::Schedule;
use ferry_data::DataEngine;
use jiff::Timestamp;

use super::internal;
use super::system::late;
use crate::clock::SharedClock;
use crate::db::connections::StoredConnection;
use crate::db::exports::StoredExport;
use crate::db::segments::StoredSegment;
use crate::db::{self, Database, Topic, Tx};
use crate::destinations::Registry;
use crate::engine::PaceRules;

mod check;
mod dry_run;
mod runs;
#[cfg(test)]
mod tests;

pub use runs::{Waited, stop_runs, wait_for_run};

/// Called when there is work for whoever runs the engine in this process.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The exports, as [`Exports`] says.
#[derive(Clone)]
pub struct ExportsService {
    db: Database,
    data: DataEngine,
    clock: SharedClock,
    destinations: Registry,
    wake: Wake,
    pace: PaceRules,
    /// Plans of dry runs are made one at a time: they take what a run takes.
    dry_runs: Arc<tokio::sync::Mutex<()>>,
}

impl ExportsService {
    /// Over this database; `wake` is called after a run was queued or asked to stop.
    pub fn new(
        db: Database,
        data: DataEngine,
        clock: SharedClock,
        destinations: Registry,
        wake: Wake,
        pace: PaceRules,
    ) -> Self {
        Self { db, data, clock, destinations, wake, pace, dry_runs: Arc::default() }
    }
}

#[async_trait::async_trait]
impl Exports for ExportsService {
    async fn list(&self, actor: &Actor) -> Answer<Vec<ExportLine>> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = db::exports::list(&mut tx).await.map_err(internal)?;
        let around = Around::load(&mut tx, self.clock.now()).await?;
        Ok(found.into_iter().map(|one| self.line(actor, one, &around)).collect())
    }

    async fn find(&self, actor: &Actor, id: ExportId) -> Answer<ExportLine> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, id).await?;
        let around = Around::load(&mut tx, self.clock.now()).await?;
        Ok(self.line(actor, found, &around))
    }

    async fn suggest(&self, actor: &Actor, kind: &DestinationKind) -> Answer<Mapping> {
        may_build(actor)?;
        let card = self.destinations.find(kind).ok_or(AppError::NotFound)?.card();
        let mut tx = self.db.read().await.map_err(internal)?;
        let snapshot = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        Ok(mapping::suggest(&card, &snapshot.map(|one| one.attributes).unwrap_or_default()))
    }

    async fn add(&self, actor: &Actor, settings: ExportSettings) -> Answer<ExportId> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let mut settings = self.check(&mut tx, actor, settings).await?;
        if !access::may_choose_status(actor.role) {
            settings.safety.status = None;
        }
        let id = ExportId(uuid::Uuid::now_v7());
        db::exports::insert(&mut tx, id, &settings, self.clock.now_micros()).await.map_err(name_taken)?;
        tx.commit().await.map_err(internal)?;
        Ok(id)
    }

    async fn edit(&self, actor: &Actor, id: ExportId, version: i64, settings: ExportSettings) -> Answer<()> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let (stored, _) = editable(&mut tx, actor, id).await?;
        let mut settings = settings;
        if !access::may_choose_status(actor.role) {
            // What an administrator chose stays.
            settings.safety.status = stored.export.settings.safety.status;
        }
        let settings = self.check(&mut tx, actor, settings).await?;
        let now = self.clock.now_micros();
        if !db::exports::update(&mut tx, id, version, &settings, now).await.map_err(name_taken)? {
            return Err(AppError::Stale);
        }
        tx.commit().await.map_err(internal)
    }

    async fn detach(&self, actor: &Actor, id: ExportId) -> Answer<()> {
        if !access::may_detach_connection(actor.role) {
            return Err(AppError::Forbidden);
        }
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        load(&mut tx, id).await?;
        stop_runs(&mut tx, id, self.clock.now_micros()).await?;
        db::exports::detach(&mut tx, id).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(())
    }

    async fn remove(&self, actor: &Actor, id: ExportId) -> Answer<()> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        editable(&mut tx, actor, id).await?;
        // Its runs go with it: a worker that has one finds that it holds it no longer, and sends nothing more.
        db::exports::remove(&mut tx, id).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(())
    }

    async fn start_run(&self, actor: &Actor, id: ExportId) -> Answer<RunId> {
        self.queue_run(actor, id, Trigger::Manual).await
    }

    async fn run_all(&self, actor: &Actor) -> Answer<Vec<RunId>> {
        self.queue_all(actor).await
    }

    async fn dry_run(&self, actor: &Actor, id: ExportId) -> Answer<DryRun> {
        self.try_run(actor, id).await
    }

    async fn cancel_run(&self, actor: &Actor, id: RunId) -> Answer<()> {
        self.cancel(actor, id).await
    }

    async fn resend(&self, actor: &Actor, id: RunId, reason: Option<RowReason>) -> Answer<RunId> {
        self.queue_resend(actor, id, reason, Trigger::Manual).await
    }

    async fn recheck(&self, actor: &Actor, id: RunId) -> Answer<RunId> {
        self.queue_recheck(actor, id).await
    }

    async fn approve_run(&self, actor: &Actor, id: RunId) -> Answer<()> {
        self.approve(actor, id).await
    }

    async fn run(&self, actor: &Actor, id: RunId) -> Answer<RunView> {
        self.view(actor, id).await
    }

    async fn runs(&self, actor: &Actor, export: Option<ExportId>, page: PageRequest) -> Answer<Page<Run>> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        if let Some(export) = export {
            load(&mut tx, export).await?;
        }
        db::runs::list(&mut tx, export, runs::sized(page)).await.map_err(internal)
    }

    async fn troubled_rows(&self, actor: &Actor, id: RunId, page: PageRequest) -> Answer<Page<TroubledRow>> {
        self.troubled(actor, id, page).await
    }

    async fn duplicate(&self, actor: &Actor, id: ExportId) -> Answer<Export> {
        may_build(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        Ok(editable(&mut tx, actor, id).await?.0.export)
    }
}

/// What the lines of the list need beside the exports.
struct Around {
    connections: HashMap<ConnectionId, Connection>,
    segments: HashMap<SegmentId, StoredSegment>,
    last_runs: HashMap<ExportId, Run>,
    /// When the system refresh comes.
    system: Schedule,
    late: HashMap<ExportId, LateSlot>,
}

impl Around {
    async fn load(tx: &mut Tx, now: Timestamp) -> Answer<Self> {
        let connections = db::connections::list(tx).await.map_err(internal)?;
        let segments = db::segments::list(tx).await.map_err(internal)?;
        let last_runs = db::runs::last_runs(tx).await.map_err(internal)?;
        let late = late::find(tx, now).await.map_err(internal)?;
        let shown = connections.into_iter().filter_map(StoredConnection::connection);
        Ok(Self {
            connections: shown.map(|one| (one.id, one)).collect(),
            segments: segments.into_iter().map(|one| (one.segment.id, one)).collect(),
            last_runs: last_runs.into_iter().map(|run| (run.export, run)).collect(),
            system: db::system::settings(tx).await.map_err(internal)?.settings.schedule,
            late: late.into_iter().filter_map(|one| Some((one.export.as_ref()?.0, one))).collect(),
        })
    }
}

impl ExportsService {
    fn line(&self, actor: &Actor, found: StoredExport, around: &Around) -> ExportLine {
        let export = found.export;
        let connection = export.settings.connection.and_then(|id| around.connections.get(&id));
        let segment = |id: &SegmentId| {
            let stored = around.segments.get(id)?;
            Some((*id, stored.segment.name.clone(), stored.members))
        };
        let schedule = match &export.settings.schedule {
            Schedule::System => &around.system,
            own => own,
        };
        let next_slot = schedule.next_after(self.clock.now()).ok().flatten();
        ExportLine {
            kind: connection.map(|one| one.kind.clone()),
            connection_name: connection
                .filter(|one| access::may_know_connection(actor.role, one.audience))
                .map(|one| one.name.clone()),
            segments: export.settings.segments.iter().filter_map(segment).collect(),
            last_run: around.last_runs.get(&export.id).cloned(),
            next_slot: next_slot.map(|slot| slot.as_microsecond()),
            late: around.late.get(&export.id).cloned(),
            may_edit: access::may_edit_export(actor.role, connection.map(|one| one.audience)),
            export,
        }
    }
}

fn may_look(actor: &Actor) -> Answer<()> {
    if access::may_look(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

/// Asked before any id is looked up: whoever builds no exports at all is refused alike for every id.
fn may_build(actor: &Actor) -> Answer<()> {
    if access::may_add_export(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

async fn load(tx: &mut Tx, id: ExportId) -> Answer<StoredExport> {
    db::exports::find(tx, id).await.map_err(internal)?.ok_or(AppError::NotFound)
}

/// An export that this person may change, with its connection. One that they may not change answers as an id that nobody
/// has does (ASVS 8.2.2).
async fn editable(tx: &mut Tx, actor: &Actor, id: ExportId) -> Answer<(StoredExport, Option<StoredConnection>)> {
    let (found, connection) = load_with_connection(tx, id).await?;
    if may_edit(actor, connection.as_ref()) { Ok((found, connection)) } else { Err(AppError::NotFound) }
}

async fn load_with_connection(tx: &mut Tx, id: ExportId) -> Answer<(StoredExport, Option<StoredConnection>)> {
    let found = load(tx, id).await?;
    let connection = match found.export.settings.connection {
        Some(connection) => db::connections::find(tx, connection).await.map_err(internal)?,
        None => None,
    };
    Ok((found, connection))
}

fn may_edit(actor: &Actor, connection: Option<&StoredConnection>) -> bool {
    access::may_edit_export(actor.role, connection.map(|one| one.audience))
}

fn name_taken(error: db::DbError) -> AppError {
    if db::exports::is_name_taken(&error) { AppError::field("name", FieldFaultKind::Taken) } else { internal(error) }
}
