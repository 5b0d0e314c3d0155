//! Runs, as people start, watch and stop them. What a run does is the engine's business.

use std::time::Duration;

use app::error::AppError;
use app::services::{Answer, RunPace, RunView, TroubledRow};
use domain::access::Actor;
use domain::id::{ExportId, RunId};
use domain::paging::{Page, PageRequest};
use domain::rule;
use domain::run::{Resend, RowReason, Run, RunReason, RunState, Trigger};
use domain::schedule::Schedule;

use super::{ExportsService, editable, load, load_with_connection, may_build, may_edit, may_look};
use crate::clock::Clock;
use crate::db::connections::StoredConnection;
use crate::db::exports::StoredExport;
use crate::db::runs::NewRun;
use crate::db::{self, Database, Topic, Tx, giving_way, rechecks};
use crate::services::{data_error, internal, pace};

/// Items on the largest page.
const MAX_PAGE: u32 = 200;
/// Rows that are shown of each reason.
const EXAMPLES: usize = 3;
/// How often somebody who waits for a run looks at it.
const LOOK: Duration = Duration::from_millis(100);

impl ExportsService {
    /// Queues a run; gives the active run where there is one already.
    pub async fn queue_run(&self, actor: &Actor, id: ExportId, trigger: Trigger) -> Answer<RunId> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let (export, connection) = editable(&mut tx, actor, id).await?;
        let run = self.queue(&mut tx, actor, &export, connection.as_ref(), trigger, None).await?;
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(run)
    }

    pub(super) async fn queue_all(&self, actor: &Actor) -> Answer<Vec<RunId>> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let mut queued = Vec::new();
        for found in db::exports::list(&mut tx).await.map_err(internal)? {
            if found.export.settings.schedule == Schedule::Off {
                continue;
            }
            let (export, connection) = load_with_connection(&mut tx, found.export.id).await?;
            if !may_edit(actor, connection.as_ref()) {
                continue;
            }
            match self.queue(&mut tx, actor, &export, connection.as_ref(), Trigger::Manual, None).await {
                Ok(run) => queued.push(run),
                // What is not ready does not keep the others from running; its own Run button says why.
                Err(AppError::NotReady(_)) => {}
                Err(other) => return Err(other),
            }
        }
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(queued)
    }

    async fn queue(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        export: &StoredExport,
        connection: Option<&StoredConnection>,
        trigger: Trigger,
        resend_of: Option<Resend>,
    ) -> Answer<RunId> {
        self.is_ready(tx, export, connection).await?;
        let new = NewRun { resend_of, ..new_run(actor, export, connection, trigger) };
        let queued = db::runs::queue(tx, &new, self.clock.now_micros()).await.map_err(internal)?;
        Ok(queued.run())
    }

    /// Says at once what the run would fail with. The run looks again: things may change until it is taken up.
    async fn is_ready(&self, tx: &mut Tx, export: &StoredExport, connection: Option<&StoredConnection>) -> Answer<()> {
        let not_ready = |reason| Err(AppError::NotReady(reason));
        let Some(connection) = connection else { return not_ready(RunReason::NoConnection) };
        let Some(snapshot) = db::refreshes::newest_snapshot(tx).await.map_err(internal)? else {
            return not_ready(RunReason::NoProfiles);
        };
        let settings = &export.export.settings;
        let card = self.destinations.find(&connection.kind).map(|one| one.card());
        if card.is_none_or(|card| !settings.mapping.faults(&card, &snapshot.attributes).is_empty()) {
            return not_ready(RunReason::SettingsInvalid);
        }
        for id in &settings.segments {
            let Some(found) = db::segments::find(tx, *id).await.map_err(internal)? else { continue };
            let definition = &found.segment.definition;
            let is_evaluated = found.segment.is_active && !definition.is_static();
            if is_evaluated && !rule::faults(definition.rule(), &snapshot.attributes).is_empty() {
                return not_ready(RunReason::SettingsInvalid);
            }
        }
        Ok(())
    }

    pub(super) async fn cancel(&self, actor: &Actor, id: RunId) -> Answer<()> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        let run = load_run(&mut tx, id).await?;
        editable(&mut tx, actor, run.export).await?;
        // A run that has ended meanwhile needs no stop.
        db::runs::request_cancel(&mut tx, id, self.clock.now_micros()).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(())
    }

    /// Queues a run of only the rows that a run could not deliver, all of them or those with one reason.
    pub async fn queue_resend(
        &self,
        actor: &Actor,
        id: RunId,
        reason: Option<RowReason>,
        trigger: Trigger,
    ) -> Answer<RunId> {
        may_build(actor)?;
        // The report of an ended run does not change any more.
        let reasons = self.data.troubled_counts(id).await.map_err(data_error)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let run = load_run(&mut tx, id).await?;
        let (export, connection) = editable(&mut tx, actor, run.export).await?;
        let has_rows = reasons.iter().any(|(one, _)| reason.is_none_or(|reason| reason == *one));
        if !run.state.is_final() || !has_rows {
            return Err(AppError::Outdated);
        }
        let resend = Some(Resend { of: id, reason });
        let queued = self.queue(&mut tx, actor, &export, connection.as_ref(), trigger, resend).await?;
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(queued)
    }

    /// Queues a run that asks what became of the rows that nobody confirmed.
    pub(super) async fn queue_recheck(&self, actor: &Actor, id: RunId) -> Answer<RunId> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let run = load_run(&mut tx, id).await?;
        let (export, connection) = editable(&mut tx, actor, run.export).await?;
        if !run.state.is_final() || run.counts.unconfirmed == 0 {
            return Err(AppError::Outdated);
        }
        let not_ready = |reason| Err(AppError::NotReady(reason));
        if connection.is_none() {
            return not_ready(RunReason::NoConnection);
        }
        if db::runs::active_of(&mut tx, run.export).await.map_err(internal)?.is_some() {
            return not_ready(RunReason::StillActive);
        }
        if !rechecks::is_askable(&mut tx, id).await.map_err(internal)? {
            return not_ready(RunReason::BatchesGone);
        }
        let new = NewRun { recheck_of: Some(id), ..new_run(actor, &export, connection.as_ref(), Trigger::Manual) };
        let queued = db::runs::queue(&mut tx, &new, self.clock.now_micros()).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(queued.run())
    }

    pub(super) async fn approve(&self, actor: &Actor, id: RunId) -> Answer<()> {
        may_build(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        let run = load_run(&mut tx, id).await?;
        editable(&mut tx, actor, run.export).await?;
        let now = self.clock.now_micros();
        if !db::approvals::approve(&mut tx, id, &actor.email, now).await.map_err(internal)? {
            return Err(AppError::Outdated);
        }
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(())
    }

    pub(super) async fn view(&self, actor: &Actor, id: RunId) -> Answer<RunView> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let run = load_run(&mut tx, id).await?;
        let now = self.clock.now_micros();
        let progress = db::progress::of(&mut tx, id, now).await.map_err(internal)?.unwrap_or_default();
        let (_, connection) = load_with_connection(&mut tx, run.export).await?;
        let may_edit = may_edit(actor, connection.as_ref());
        let pace = if run.state.is_final() { RunPace::default() } else { self.pace_of(&mut tx, &run, now).await? };
        let is_askable = may_edit
            && run.counts.unconfirmed > 0
            && rechecks::is_askable(&mut tx, id).await.map_err(internal)?
            && db::runs::active_of(&mut tx, run.export).await.map_err(internal)?.is_none();
        let rechecked_by = rechecks::newest_of(&mut tx, id).await.map_err(internal)?;
        let continued_by = giving_way::goes_on_in(&mut tx, id).await.map_err(internal)?;
        let refresh = match run.snapshot {
            Some(number) => db::refreshes::find(&mut tx, number).await.map_err(internal)?,
            None => None,
        };
        drop(tx);
        let reasons = self.data.troubled_counts(id).await.map_err(data_error)?;
        let examples = if run.state.is_final() && !reasons.is_empty() {
            self.data.troubled_examples(id, EXAMPLES).await.map_err(data_error)?
        } else {
            Vec::new()
        };
        Ok(RunView {
            sha256: refresh.and_then(|refresh| refresh.report.sha256),
            may_resend: may_edit && run.state.is_final() && !reasons.is_empty() && continued_by.is_none(),
            may_recheck: is_askable,
            rechecked_by,
            continued_by,
            examples: examples.into_iter().map(row).collect(),
            reasons,
            to_send: progress.to_send,
            sent: progress.sent,
            tags_to_change: progress.tags_to_change,
            tags_changed: progress.tags_changed,
            rate: progress.rate,
            seconds_left: progress.seconds_left,
            pace,
            may_approve: may_edit && run.awaits_approval(),
            may_cancel: may_edit && !run.state.is_final() && !run.cancel_requested,
            run,
        })
    }

    /// What a run that goes on may use of its account, and what it waits for.
    async fn pace_of(&self, tx: &mut Tx, run: &Run, now: i64) -> Answer<RunPace> {
        let Some((connection, brand)) = db::waits::account(tx, run.id).await.map_err(internal)? else {
            return Ok(RunPace::default());
        };
        let ahead = match run.state {
            RunState::Queued => db::waits::ahead(tx, run.id, &brand, now).await.map_err(internal)?,
            _ => None,
        };
        let kind = db::connections::find(tx, connection).await.map_err(internal)?.map(|found| found.kind);
        let account = match kind.and_then(|kind| self.destinations.find(&kind)) {
            Some(destination) => {
                let account = (connection, brand.as_str());
                let found = pace::of_account(tx, self.pace, destination.limits(), account, now).await;
                Some(found.map_err(internal)?)
            }
            None => None,
        };
        Ok(RunPace { account, ahead })
    }

    pub(super) async fn troubled(&self, actor: &Actor, id: RunId, page: PageRequest) -> Answer<Page<TroubledRow>> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let run = load_run(&mut tx, id).await?;
        load(&mut tx, run.export).await?;
        drop(tx);
        let found = self.data.troubled_page(run.id, sized(page)).await.map_err(data_error)?;
        Ok(Page { items: found.items.into_iter().map(row).collect(), page: found.page, total: found.total })
    }
}

/// A run that somebody starts.
fn new_run(actor: &Actor, export: &StoredExport, connection: Option<&StoredConnection>, trigger: Trigger) -> NewRun {
    NewRun {
        id: RunId(uuid::Uuid::now_v7()),
        export: export.export.id,
        export_name: export.export.settings.name.clone(),
        settings_version: export.export.version,
        connection: connection.map(|one| (one.id, one.brand.id.clone())),
        trigger,
        started_by: Some(actor.email.clone()),
        slot_at: None,
        resend_of: None,
        recheck_of: None,
        continues: None,
    }
}

/// A row of the report, as screens know it.
pub(super) fn row(row: ferry_data::plan::TroubledRow) -> TroubledRow {
    let ferry_data::plan::TroubledRow { key, email, reason, detail } = row;
    TroubledRow { key, email, reason, detail }
}

/// A page of a size that does no harm.
pub(super) fn sized(page: PageRequest) -> PageRequest {
    PageRequest { number: page.number.max(1), size: page.size.clamp(1, MAX_PAGE) }
}

async fn load_run(tx: &mut Tx, id: RunId) -> Answer<Run> {
    db::runs::find(tx, id).await.map_err(internal)?.ok_or(AppError::NotFound)
}

/// Asks the active run of an export to stop, if there is one.
pub async fn stop_runs(tx: &mut Tx, export: ExportId, now: i64) -> Answer<()> {
    if let Some(run) = db::runs::active_of(tx, export).await.map_err(internal)? {
        db::runs::request_cancel(tx, run, now).await.map_err(internal)?;
    }
    Ok(())
}

/// A run that has ended, or that goes on only when somebody has done something.
pub struct Waited {
    /// The run as it is.
    pub run: Run,
    /// The run of the same account that it is queued behind, where that one waits for somebody to repair something.
    pub behind: Option<Run>,
}

/// The run of the same account that goes before one that is queued.
async fn ahead_of(tx: &mut Tx, run: &Run, now: i64) -> Answer<Option<Run>> {
    if run.state != RunState::Queued {
        return Ok(None);
    }
    let Some((_, brand)) = db::waits::account(tx, run.id).await.map_err(internal)? else { return Ok(None) };
    match db::waits::ahead(tx, run.id, &brand, now).await.map_err(internal)? {
        Some((ahead, _)) => load_run(tx, ahead).await.map(Some),
        None => Ok(None),
    }
}

/// Waits until a run, or the one that goes on with it, has ended or waits for a person, to approve it or to repair something, whoever works on it; `show`
/// is called whenever it has changed.
pub async fn wait_for_run(db: &Database, clock: &dyn Clock, id: RunId, mut show: impl FnMut(&Run)) -> Answer<Waited> {
    let mut id = id;
    let mut shown: Option<Run> = None;
    loop {
        let mut tx = db.read().await.map_err(internal)?;
        let run = load_run(&mut tx, id).await?;
        let now = clock.now_micros();
        let behind = ahead_of(&mut tx, &run, now).await?.filter(|ahead| ahead.awaits_repair(now));
        let goes_on_in = giving_way::goes_on_in(&mut tx, id).await.map_err(internal)?;
        drop(tx);
        if shown.as_ref() != Some(&run) {
            show(&run);
        }
        if run.reason == Some(RunReason::GaveWay)
            && let Some(rest) = goes_on_in
        {
            id = rest;
            continue;
        }
        if run.state.is_final() || run.awaits_approval() || run.awaits_repair(now) || behind.is_some() {
            return Ok(Waited { run, behind });
        }
        shown = Some(run);
        tokio::time::sleep(LOOK).await;
    }
}
