//! The runner: works off queued runs, durably. A run is taken up, worked on and ended by these parts:
//!
//! | file | does |
//! |---|---|
//! | [`worker`] | waits for due runs, takes one up, starts the scheduler |
//! | [`guard`] | keeps the lease, and looks whether somebody cancelled, repaired or removed something |
//! | [`prepare`] | fixes what the run works with, and has the plan made, before the first request |
//! | [`asking`], [`unsubscribed`], [`leftovers`] | what the destination has to say before a run sends anything |
//! | [`hands`] | notices that somebody has set the clock |
//! | [`line`](self::line) | sends, polls and tags: one loop that keeps several requests on their way |
//! | [`choose`] | what is sent next |
//! | [`request`] | the requests of the line, and what they give |
//! | [`landed`] | what the answers change: batches, counters, rows |
//! | [`stuck`] | what is refused, or fails again and again |
//! | [`feed`] | cuts the plan into batches of contacts |
//! | [`tags`], [`unsettled`], [`ids`] | which tags may go out already, and by which names of their contacts |
//! | [`settle`], [`retry`] | what answers mean for rows and for requests: pure functions |
//! | [`recheck`] | a run that only asks what became of unconfirmed rows of an earlier one |
//! | [`give_way`] | when a big run makes room for small ones |
//! | [`pace`] | the account's budget |
//! | [`close`] | the new ledger, the report of troubled rows, the final state |
//! | [`schedule`] | slots that have come |
//! | [`chance`] | the random numbers of waits, from a seed in tests |
//!
//! Every step is written to the database before it is taken and after it was: a process that ends at any moment leaves
//! a run that another one goes on with. The states and who moves them are in `docs/reliability.md`. Not here: what a
//! destination's requests look like, SQL, rights of people over screens.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ferry_data::{DataEngine, DataError};
use tokio::sync::Notify;

use crate::clock::SharedClock;
use crate::db::{Database, DbError};
use crate::destinations::Registry;
use crate::secrets::Keyring;

mod asking;
mod chance;
mod choose;
mod close;
pub mod dry_run;
mod feed;
mod give_way;
mod guard;
mod hands;
mod ids;
mod landed;
mod leftovers;
mod line;
mod pace;
mod prepare;
mod recheck;
mod request;
mod retry;
mod run;
mod schedule;
mod settle;
mod stuck;
mod tags;
#[cfg(test)]
mod tests;
mod unsettled;
mod unsubscribed;
mod worker;

pub use chance::Chance;
pub use pace::{Budget, PaceRules};
pub use worker::Running;

/// How the engine is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory: one process at a time holds a lock in it, and ends the leases that the one before left.
    pub data_dir: PathBuf,
    /// Runs of different accounts that are worked on at once.
    pub workers: usize,
    /// Requests of one run that are on their way at once.
    pub in_flight: usize,
    /// False only against a destination without limits, such as the simulator of a benchmark.
    pub keeps_limits: bool,
    /// Requests a minute and account, instead of what the destination's card says.
    pub requests_per_minute: Option<u32>,
    /// Tag requests a minute and account, instead of what the destination's card says.
    pub tag_requests_per_minute: Option<u32>,
    /// With so many contacts or tags left to send, a run makes room for small ones of its account.
    pub gives_way_from: u64,
    /// Do schedules start runs?
    pub runs_schedules: bool,
}

impl Options {
    /// The defaults for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            workers: 32,
            in_flight: 24,
            keeps_limits: true,
            requests_per_minute: None,
            tag_requests_per_minute: None,
            gives_way_from: 20_000,
            runs_schedules: true,
        }
    }
}

impl Options {
    /// What of them is about pace.
    pub fn pace_rules(&self) -> PaceRules {
        PaceRules {
            keeps_limits: self.keeps_limits,
            requests_per_minute: self.requests_per_minute,
            tag_requests_per_minute: self.tag_requests_per_minute,
        }
    }
}

/// What the engine works with.
#[derive(Clone)]
pub struct Deps {
    /// Runs, batches, settings.
    pub db: Database,
    /// Plans and ledgers.
    pub data: DataEngine,
    /// The receivers.
    pub destinations: Registry,
    /// Opens the keys of connections.
    pub keyring: Arc<Keyring>,
    /// The time.
    pub clock: SharedClock,
    /// Random numbers, for waits and names only: nothing that is sent depends on them.
    pub chance: Chance,
    /// How it is set up.
    pub options: Options,
}

impl std::fmt::Debug for Deps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deps").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Deps {
    /// A random number from 0 to 1.
    fn chance(&self) -> f64 {
        self.chance.draw()
    }
}

/// How long a run is somebody's without being renewed.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often it is renewed.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// Why the engine itself could not go on.
#[derive(Debug, thiserror::Error)]
enum EngineError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Plans, ledgers, snapshots.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A run holds settings that no version of Ferry wrote.
    #[error("the settings of the run cannot be read")]
    Settings,
    /// The key of a connection does not open.
    #[error("the key of the connection does not open")]
    Key(#[from] crate::secrets::SecretError),
    /// A task broke off.
    #[error("a task of the engine broke off")]
    Task,
}

/// The engine. All clones are the same one.
#[derive(Clone, Debug)]
pub struct Engine {
    deps: Arc<Deps>,
    woken: Arc<Notify>,
    owner: Arc<str>,
}

impl Engine {
    /// An engine that does nothing before it is started or asked to [`Engine::step`].
    pub fn new(deps: Deps) -> Self {
        let owner = deps.chance.id(deps.clock.now_micros()).to_string();
        Self { deps: Arc::new(deps), woken: Arc::new(Notify::new()), owner: owner.into() }
    }

    /// Look at the database now: something was queued, cancelled or repaired. Call it after the commit.
    pub fn wake(&self) {
        self.woken.notify_waiters();
        self.woken.notify_one();
    }
}
