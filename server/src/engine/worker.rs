//! Waits for runs that are due, takes them up, and gives each to a task of its own; lets the scheduler look at the clock.
//! The signal to wake carries nothing: what is to be done always stands in the database.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::hands::Hands;
use super::retry::{LONGEST_WAIT, micros};
use super::run::work;
use super::{Deps, Engine, EngineError, LEASE, schedule};
use crate::db::DbError;
use crate::db::claims::{self, Claim};
use crate::db::clock::{self, Farthest};
use crate::db::refresh_jobs;

/// It looks at the database at least this often: another process may have queued something.
const LOOK: Duration = Duration::from_secs(2);
/// So long nothing is taken up after the clock was set, because leases look passed that are not: their owners renew them
/// meanwhile.
const AFTER_JUMP: Duration = Duration::from_secs(15);
/// After so long nobody writes down any more what he read from the clock before it was set.
const ALL_IS_WRITTEN: Duration = Duration::from_secs(90);
/// A clock that was ahead for less than a look is not noticed: what was written meanwhile is looked for so often.
const ALL_THE_SAME: Duration = Duration::from_secs(60);
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
        let task = tokio::spawn(self.clone().keep_working(ends));
        Running { engine: self.clone(), shutdown, task }
    }

    /// Works until Ferry ends, whatever breaks off.
    async fn keep_working(self, ends: watch::Receiver<bool>) {
        loop {
            let tasks = JoinSet::new();
            let clock = Watch {
                hands: Hands::of(&self.deps),
                doubted_until: Duration::ZERO,
                forgets_at: Duration::ZERO,
                careful_until: Duration::ZERO,
            };
            let (engine, ends, tick_at) = (self.clone(), ends.clone(), self.first_tick());
            let workers = Workers { engine, ends, tasks, tick_at, clock, in_doubt: None };
            // Dropped with this, so that nobody works on when this is.
            let mut work = JoinSet::new();
            work.spawn(workers.run());
            match work.join_next().await {
                Some(Err(error)) if error.is_panic() => {
                    // Its runs broke off with it, and are taken up again.
                    tracing::error!(%error, "the engine broke off and begins again");
                    self.deps.clock.sleep(LOOK).await;
                }
                _ => return,
            }
        }
    }

    /// When the scheduler looks at the slots next, once something has changed: now, or never.
    fn first_tick(&self) -> i64 {
        if self.deps.options.runs_schedules { 0 } else { i64::MAX }
    }

    /// Works on one run that is due, until it ends or waits; false if none is. For tests, and for the command line when
    /// no server runs.
    ///
    /// # Errors
    /// The database is not there.
    pub async fn step(&self) -> Result<bool, DbError> {
        let lock = self.hold_lock().await?;
        self.forget_other_clocks().await?;
        let hands = Hands::of(&self.deps);
        let Ok(claim) = self.claim(hands, &mut None).await? else { return Ok(false) };
        // Never sent: whoever calls this waits for the end.
        let (_shutdown, ends) = watch::channel(false);
        work(self.deps.clone(), claim, hands, ends).await;
        drop(lock);
        Ok(true)
    }

    /// Takes up a run that is due; else gives the instant at which the next one is. `in_doubt` gets the one of which it is
    /// not known whether the database has it as taken up.
    async fn claim(&self, hands: Hands, in_doubt: &mut Option<Claim>) -> Result<Result<Claim, Option<i64>>, DbError> {
        let now = self.deps.clock.now_micros();
        let mut tx = self.deps.db.apart().read().await?;
        let due = claims::next_due(&mut tx).await?;
        drop(tx);
        if due.is_none_or(|due| due > now) {
            return Ok(Err(due));
        }
        let mut tx = self.deps.db.apart().begin().await?;
        let claim = claims::claim(&mut tx, &self.owner, now, now + micros(LEASE)).await?;
        if !hands.are_right(&self.deps) {
            // Then a lease may look passed that is not. Nothing is committed.
            return Ok(Err(None));
        }
        if let Err(error) = tx.commit().await {
            *in_doubt = claim;
            return Err(error);
        }
        // What is due and was not taken up waits for another run, whose end is noticed here.
        Ok(claim.ok_or(None))
    }

    /// Nobody waits for an instant that was written under a clock that has been set back since.
    async fn forget_other_clocks(&self) -> Result<(), DbError> {
        let now = self.deps.clock.now_micros();
        let farthest = Farthest { now, lease: now + micros(LEASE), wait: now + micros(LONGEST_WAIT) };
        let mut tx = self.deps.db.apart().begin().await?;
        clock::was_set_back(&mut tx, farthest).await?;
        tx.commit().await
    }

    /// The lock of the data directory. Who gets it knows that no other process works on an embedded database: leases
    /// that are still there are those of one that broke off, and need not be waited for.
    async fn hold_lock(&self) -> Result<Option<File>, DbError> {
        let lock = lock(&self.deps.options.data_dir);
        if lock.is_some() && self.deps.db.kind() == "SQLite" {
            let mut tx = self.deps.db.apart().begin().await?;
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
    clock: Watch,
    /// Perhaps taken up by this process, and worked on by nobody: the link broke while it was written down.
    in_doubt: Option<Claim>,
}

/// What is known of the clock.
struct Watch {
    hands: Hands,
    /// So long something may be put off for longer than it can be by this clock, or be written like that yet.
    doubted_until: Duration,
    /// When it is looked for that next.
    forgets_at: Duration,
    careful_until: Duration,
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
                () = woken => self.tick_at = self.engine.first_tick(),
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
        if deps.clock.now_micros() >= self.tick_at {
            self.tick_at = schedule::tick(deps).await?;
        }
        Ok(())
    }

    /// Gives back what nobody works on, so that its lease need not pass.
    async fn give_back(&mut self) -> Result<(), DbError> {
        let Some(claim) = &self.in_doubt else { return Ok(()) };
        let mut tx = self.engine.deps.db.apart().begin().await?;
        claims::give_back(&mut tx, claim.run, claim.fence, &self.engine.owner).await?;
        tx.commit().await?;
        self.in_doubt = None;
        Ok(())
    }

    /// Takes up what is due; gives how long to rest.
    async fn take_up(&mut self) -> Result<Duration, DbError> {
        let clock = self.engine.deps.clock.clone();
        if self.clock.hands.have_jumped(&self.engine.deps) {
            tracing::warn!(code = "clock_set", "the clock was set: nothing is taken up for a moment");
            self.clock.doubted_until = clock.monotonic() + ALL_IS_WRITTEN;
            self.clock.careful_until = clock.monotonic() + AFTER_JUMP;
            self.tick_at = self.engine.first_tick();
        }
        let (passed, doubted_until) = (clock.monotonic(), self.clock.doubted_until);
        if passed < doubted_until || passed >= self.clock.forgets_at {
            self.engine.forget_other_clocks().await?;
            self.clock.forgets_at = if passed < doubted_until { doubted_until } else { passed + ALL_THE_SAME };
        }
        if clock.monotonic() < self.clock.careful_until {
            return Ok(LOOK);
        }
        self.give_back().await?;
        let mut due = None;
        while self.tasks.len() < self.engine.deps.options.workers.max(1) {
            match self.engine.claim(self.clock.hands, &mut self.in_doubt).await? {
                Ok(claim) => {
                    let hands = self.clock.hands;
                    self.tasks.spawn(work(self.engine.deps.clone(), claim, hands, self.ends.clone()));
                }
                Err(next) => {
                    due = next;
                    break;
                }
            }
        }
        let now = clock.now_micros();
        let next = due.unwrap_or(i64::MAX).min(self.tick_at).saturating_sub(now);
        Ok(Duration::from_micros(next.clamp(50_000, micros(LOOK)).unsigned_abs()))
    }
}

fn log(ended: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = ended {
        // Its lease passes, and the run is taken up again; not more than a few times.
        tracing::error!(%error, "the work on a run broke off");
    }
}
