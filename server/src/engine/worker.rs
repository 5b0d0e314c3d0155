//! Waits for runs that are due, takes them up, and gives each to a task of its own; lets the scheduler look at the clock.
//! The signal to wake carries nothing: what is to be done always stands in the database.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::retry::micros;
use super::run::work;
use super::{Deps, Engine, EngineError, LEASE, schedule};
use crate::db::DbError;
use crate::db::claims::{self, Claim};
use crate::db::refresh_jobs;

/// It looks at the database at least this often: another process may have queued something.
const LOOK: Duration = Duration::from_secs(2);
/// Runs that are still worked on when Ferry ends have so long to come to a checkpoint.
const SHUTDOWN: Duration = Duration::from_secs(25);

/// A running engine. Dropping it breaks everything off, as if the process had been killed.
#[derive(Debug)]
pub struct Running {
    engine: Engine,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// The engine, to wake it.
    pub fn engine(&self) -> Engine {
        self.engine.clone()
    }

    /// Ends the work: requests on their way are waited for, checkpoints written, leases given back.
    pub async fn stop(mut self) {
        self.shutdown.send_replace(true);
        // A task that broke off has nothing to wait for.
        let _ = (&mut self.task).await;
    }
}

impl Engine {
    /// Starts the work in the background.
    pub fn start(&self) -> Running {
        let (shutdown, ends) = watch::channel(false);
        let task = tokio::spawn(Workers { engine: self.clone(), ends, tasks: JoinSet::new(), tick_at: 0 }.run());
        Running { engine: self.clone(), shutdown, task }
    }

    /// Works on one run that is due, until it ends or waits; false if none is. For tests, and for the command line when
    /// no server runs.
    ///
    /// # Errors
    /// The database is not there.
    pub async fn step(&self) -> Result<bool, DbError> {
        let lock = self.hold_lock().await?;
        let Some(claim) = self.claim().await? else { return Ok(false) };
        // Never sent: whoever calls this waits for the end.
        let (_shutdown, ends) = watch::channel(false);
        work(self.deps.clone(), claim, ends).await;
        drop(lock);
        Ok(true)
    }

    async fn claim(&self) -> Result<Option<Claim>, DbError> {
        let now = self.deps.clock.now_micros();
        let mut tx = self.deps.db.read().await?;
        let is_due = claims::next_due(&mut tx).await?.is_some_and(|due| due <= now);
        drop(tx);
        if !is_due {
            return Ok(None);
        }
        let mut tx = self.deps.db.begin().await?;
        let claim = claims::claim(&mut tx, &self.owner, now, now + micros(LEASE)).await?;
        tx.commit().await?;
        Ok(claim)
    }

    /// The lock of the data directory. Who gets it knows that no other process works on an embedded database: leases
    /// that are still there are those of one that broke off, and need not be waited for.
    async fn hold_lock(&self) -> Result<Option<File>, DbError> {
        let lock = lock(&self.deps.options.data_dir);
        if lock.is_some() && self.deps.db.kind() == "SQLite" {
            let mut tx = self.deps.db.begin().await?;
            claims::end_leases(&mut tx).await?;
            refresh_jobs::end_leases(&mut tx).await?;
            tx.commit().await?;
        }
        Ok(lock)
    }
}

/// None when another process has it, or the directory cannot be written: then leases pass by their time.
fn lock(data_dir: &Path) -> Option<File> {
    let file = File::options().create(true).truncate(false).write(true).open(data_dir.join("engine.lock")).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

struct Workers {
    engine: Engine,
    ends: watch::Receiver<bool>,
    tasks: JoinSet<()>,
    tick_at: i64,
}

impl Workers {
    async fn run(mut self) {
        let deps = self.engine.deps.clone();
        let mut lock = None;
        let mut has_begun = false;
        loop {
            if !has_begun {
                match self.engine.hold_lock().await {
                    Ok(file) => (lock, has_begun) = (file, true),
                    Err(error) => tracing::error!(%error, "the engine could not begin"),
                }
            }
            if lock.is_none() {
                // A command had it when this began: it is ours once that has ended.
                lock = self::lock(&deps.options.data_dir);
            }
            // Before looking: what is queued while we look wakes us again.
            let woken = self.engine.woken.clone();
            let woken = woken.notified();
            if let Err(error) = self.tick(&deps).await {
                tracing::error!(%error, "the scheduler could not look at the slots");
            }
            let rest = match self.take_up().await {
                Ok(rest) => rest,
                Err(error) => {
                    tracing::error!(%error, "could not look for runs");
                    LOOK
                }
            };
            let mut ends = self.ends.clone();
            tokio::select! {
                biased;
                _ = ends.wait_for(|ends| *ends) => break,
                ended = self.tasks.join_next(), if !self.tasks.is_empty() => log(ended),
                () = woken => self.tick_at = 0,
                () = deps.clock.sleep(rest) => {}
            }
        }
        let tasks = &mut self.tasks;
        let all_end = async {
            while let Some(ended) = tasks.join_next().await {
                log(Some(ended))
            }
        };
        tokio::select! {
            biased;
            () = all_end => {}
            () = deps.clock.sleep(SHUTDOWN) => tracing::warn!("runs did not come to a checkpoint in time"),
        }
        drop(lock);
    }

    async fn tick(&mut self, deps: &Deps) -> Result<(), EngineError> {
        if deps.options.runs_schedules && deps.clock.now_micros() >= self.tick_at {
            self.tick_at = schedule::tick(deps).await?;
        }
        Ok(())
    }

    /// Takes up what is due; gives how long to rest.
    async fn take_up(&mut self) -> Result<Duration, DbError> {
        while self.tasks.len() < self.engine.deps.options.workers.max(1) {
            let Some(claim) = self.engine.claim().await? else { break };
            self.tasks.spawn(work(self.engine.deps.clone(), claim, self.ends.clone()));
        }
        let now = self.engine.deps.clock.now_micros();
        let mut tx = self.engine.deps.db.read().await?;
        // What is due and was not taken up waits for another run, whose end is noticed here.
        let due = claims::next_due(&mut tx).await?.filter(|due| *due > now).unwrap_or(i64::MAX);
        let due = due.min(self.tick_at.max(now));
        let rest = Duration::from_micros(due.saturating_sub(now).clamp(0, micros(LOOK)).unsigned_abs());
        Ok(rest.max(Duration::from_millis(50)))
    }
}

fn log(ended: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = ended {
        // Its lease passes, and the run is taken up again; not more than a few times.
        tracing::error!(%error, "the work on a run broke off");
    }
}
