//! Rules of use for the system refresh: who may change and start it, and how it stands. Who works on its jobs is in
//! [`runner`], what did not start when it should is found in [`late`].

use std::sync::Arc;

use app::error::{AppError, FieldFault, FieldFaultKind};
use app::services::{Answer, System, SystemStatus};
use app::ui::schedule::schedule_faults;
use domain::access::{self, Actor};
use domain::id::JobId;
use domain::run::Trigger;
use domain::system::{self, SystemSettings, TaskState};
use tokio::sync::Notify;

use super::exports::Wake;
use super::internal;
use super::segments::SegmentsService;
use super::sources::SourcesService;
use crate::clock::SharedClock;
use crate::db::refresh_jobs::{self, NewJob};
use crate::db::{self, Database, Topic};

pub mod late;
mod runner;
#[cfg(test)]
mod tests;
mod work;

pub use runner::Runner;

/// Jobs that the status page lists.
const SHOWN_JOBS: i64 = 20;

/// The system refresh, as [`System`] says.
#[derive(Clone)]
pub struct SystemService {
    db: Database,
    clock: SharedClock,
    sources: SourcesService,
    segments: SegmentsService,
    /// Called when there is work for the engine.
    wake: Wake,
    /// Rings when there is work for the runner of jobs in this process.
    queued: Arc<Notify>,
}

impl SystemService {
    /// Over this database; `wake` is called when runs were queued or asked to stop.
    pub fn new(
        db: Database,
        clock: SharedClock,
        sources: SourcesService,
        segments: SegmentsService,
        wake: Wake,
    ) -> Self {
        Self { db, clock, sources, segments, wake, queued: Arc::default() }
    }
}

#[async_trait::async_trait]
impl System for SystemService {
    async fn settings(&self, actor: &Actor) -> Answer<SystemSettings> {
        may_manage(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        Ok(db::system::settings(&mut tx).await.map_err(internal)?.settings)
    }

    async fn save_settings(&self, actor: &Actor, mut settings: SystemSettings) -> Answer<()> {
        may_manage(actor)?;
        settings.schedule = settings.schedule.in_order();
        let mut faults = schedule_faults(&settings.schedule.system_faults());
        if !system::may_catch_up(settings.catch_up_hours) {
            faults.push(FieldFault { field: "catch_up_hours".to_owned(), fault: FieldFaultKind::Invalid });
        }
        if !faults.is_empty() {
            return Err(AppError::Fields(faults));
        }
        let mut tx = self.db.begin().await.map_err(internal)?;
        if !db::system::save(&mut tx, &settings, self.clock.now_micros()).await.map_err(internal)? {
            return Err(AppError::Stale);
        }
        tx.commit().await.map_err(internal)?;
        // The scheduler looks at the new slots at once.
        (self.wake)();
        Ok(())
    }

    async fn refresh_all(&self, actor: &Actor) -> Answer<JobId> {
        may_manage(actor)?;
        let new = NewJob {
            id: JobId(uuid::Uuid::now_v7()),
            trigger: Trigger::Manual,
            started_by: Some(actor.email.clone()),
            slot_at: None,
        };
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Claims).await.map_err(internal)?;
        let id = if refresh_jobs::queue(&mut tx, &new, self.clock.now_micros()).await.map_err(internal)? {
            new.id
        } else {
            let active = refresh_jobs::active(&mut tx).await.map_err(internal)?;
            active.ok_or_else(|| internal("a system refresh neither began nor goes on"))?.0
        };
        tx.commit().await.map_err(internal)?;
        self.queued.notify_one();
        Ok(id)
    }

    async fn cancel(&self, actor: &Actor, id: JobId) -> Answer<()> {
        may_manage(actor)?;
        let now = self.clock.now_micros();
        let mut tx = self.db.begin().await.map_err(internal)?;
        if !refresh_jobs::request_cancel(&mut tx, id, now).await.map_err(internal)? {
            return Err(AppError::NotFound);
        }
        for task in refresh_jobs::tasks(&mut tx, id).await.map_err(internal)? {
            if let Some(run) = task.run() {
                db::runs::request_cancel(&mut tx, run, now).await.map_err(internal)?;
            }
        }
        tx.commit().await.map_err(internal)?;
        (self.wake)();
        Ok(())
    }

    async fn status(&self, actor: &Actor) -> Answer<SystemStatus> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let mut jobs = refresh_jobs::list(&mut tx, SHOWN_JOBS).await.map_err(internal)?;
        let mut shown = None;
        let mut shown_tasks = Vec::new();
        for job in &mut jobs {
            let tasks = refresh_jobs::tasks(&mut tx, job.id).await.map_err(internal)?;
            job.state = system::state_of(job.state, &tasks);
            if shown.is_none() && job.state != TaskState::Skipped {
                (shown, shown_tasks) = (Some(job.clone()), tasks);
            }
        }
        let late = late::find(&mut tx, self.clock.now()).await.map_err(internal)?;
        let settings = db::system::settings(&mut tx).await.map_err(internal)?.settings;
        let next = settings.schedule.next_after(self.clock.now()).ok().flatten();
        Ok(SystemStatus { jobs, shown, tasks: shown_tasks, late, next_slot: next.map(|slot| slot.as_microsecond()) })
    }
}

fn may_look(actor: &Actor) -> Answer<()> {
    if access::may_look(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

fn may_manage(actor: &Actor) -> Answer<()> {
    if access::may_manage_system(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}
