//! Keeps a run while it is worked on: renews the lease, and looks every second whether somebody has cancelled it,
//! replaced the key, taken the connection away, or taken the run up elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::access::may_edit_export;
use domain::id::{ConnectionId, RunId};
use domain::run::RunReason;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::hands::Hands;
use super::retry::micros;
use super::{Deps, EngineError, HEARTBEAT, LEASE};
use crate::db::connections::StoredConnection;
use crate::db::{self, Tx, claims};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);

/// What the worker has to stop for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Signal {
    /// Nothing: go on.
    #[default]
    GoOn,
    /// Somebody cancelled it, or took away what it needs.
    Cancel(RunReason),
    /// This process ends, or its clock was set: whoever takes the run up goes on from the checkpoint.
    GiveBack,
    /// Somebody else has it, or nobody is known to have it.
    Lost,
}

/// The guard of one run. Dropping it ends the renewing.
#[derive(Debug)]
pub(super) struct Guard {
    signal: watch::Receiver<Signal>,
    key: Arc<Mutex<Arc<Key>>>,
    task: JoinHandle<()>,
}

/// The key of a connection, with the form that it is stored in: tells whether it is still the one.
pub(super) struct Key {
    pub(super) secret: SecretString,
    pub(super) sealed: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the guard looks after.
pub(super) struct Watched {
    pub(super) run: RunId,
    pub(super) fence: i64,
    /// The connection with the account that the run writes to; none before it is prepared.
    pub(super) connection: Option<(ConnectionId, String)>,
    /// The clock as it was when the run was taken up: what the run had put off until when was told by it.
    pub(super) hands: Hands,
}

impl Guard {
    /// Begins to guard a run. `shutdown` is true once this process ends.
    pub(super) fn start(deps: Arc<Deps>, watched: Watched, key: Key, shutdown: watch::Receiver<bool>) -> Self {
        let (sender, signal) = watch::channel(Signal::GoOn);
        let key = Arc::new(Mutex::new(Arc::new(key)));
        let keep = Keep { deps, watched, key: key.clone(), shutdown };
        let task = tokio::spawn(keep.run(sender));
        Self { signal, key, task }
    }

    /// What to stop for.
    pub(super) fn signal(&self) -> Signal {
        // A guard that broke off renews nothing any more.
        if self.signal.has_changed().is_err() { Signal::Lost } else { *self.signal.borrow() }
    }

    /// Ends when there is something to stop for.
    pub(super) async fn stopped(&self) {
        let mut signal = self.signal.clone();
        // An error says that the guard broke off, which is something to stop for.
        let _ = signal.wait_for(|signal| *signal != Signal::GoOn).await;
    }

    /// The key of the connection, as it is now.
    pub(super) fn key(&self) -> Arc<Key> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Keep {
    deps: Arc<Deps>,
    watched: Watched,
    key: Arc<Mutex<Arc<Key>>>,
    shutdown: watch::Receiver<bool>,
}

impl Keep {
    async fn run(self, sender: watch::Sender<Signal>) {
        let clock = self.deps.clock.clone();
        let mut renewed_at = clock.monotonic();
        let mut hands = self.watched.hands;
        loop {
            let mut shutdown = self.shutdown.clone();
            tokio::select! {
                biased;
                _ = shutdown.wait_for(|ends| *ends) => {
                    // Errors only when nobody can shut down any more.
                    sender.send_replace(Signal::GiveBack);
                }
                () = clock.sleep(LOOK) => {}
            }
            if hands.have_jumped(&self.deps) {
                // What it waits for was told by the clock as it was.
                sender.send_replace(Signal::GiveBack);
            }
            let now = clock.monotonic();
            if now.saturating_sub(renewed_at) >= HEARTBEAT {
                match renew(&self.deps, self.watched.run, self.watched.fence).await {
                    Ok(true) => renewed_at = now,
                    Ok(false) => break,
                    Err(error) => tracing::warn!(run = %self.watched.run, %error, "the lease was not renewed"),
                }
            }
            // Frozen, or without a database, for so long: it may be somebody else's by now.
            if clock.monotonic().saturating_sub(renewed_at) >= LEASE {
                break;
            }
            if *sender.borrow() == Signal::GiveBack {
                clock.sleep(LOOK).await;
                continue;
            }
            match self.look().await {
                Ok(Signal::GoOn) => {}
                Ok(signal) => {
                    sender.send_replace(signal);
                }
                Err(error) => tracing::warn!(run = %self.watched.run, %error, "could not look after the run"),
            }
        }
        sender.send_replace(Signal::Lost);
        // Until the guard is dropped: a closed channel would say nothing.
        std::future::pending::<()>().await;
    }

    async fn look(&self) -> Result<Signal, EngineError> {
        let mut tx = self.deps.db.apart().read().await?;
        let Some(standing) = claims::standing(&mut tx, self.watched.run).await? else { return Ok(Signal::Lost) };
        if standing.fence != self.watched.fence {
            return Ok(Signal::Lost);
        }
        if standing.cancel_requested {
            return Ok(Signal::Cancel(RunReason::CanceledByPerson));
        }
        let Some((id, brand)) = &self.watched.connection else { return Ok(Signal::GoOn) };
        if standing.connection.is_none() {
            return Ok(Signal::Cancel(RunReason::ConnectionRemoved));
        }
        let stored = match usable(&mut tx, *id).await? {
            Ok(stored) if stored.brand.id == *brand => stored,
            Ok(_) => return Ok(Signal::Cancel(RunReason::ConnectionRemoved)),
            Err(reason) => return Ok(Signal::Cancel(reason)),
        };
        let is_other = stored.sealed_key != self.key.lock().unwrap_or_else(PoisonError::into_inner).sealed;
        if is_other {
            let key = open_key(&self.deps, &stored)?;
            *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        }
        Ok(Signal::GoOn)
    }
}

/// Renews the lease of a run; false when it is somebody else's.
pub(super) async fn renew(deps: &Deps, run: RunId, fence: i64) -> Result<bool, EngineError> {
    let until = deps.clock.now_micros() + micros(LEASE);
    let mut tx = deps.db.apart().begin().await?;
    let kept = claims::renew(&mut tx, run, fence, until).await?;
    tx.commit().await?;
    Ok(kept)
}

/// The connection, if exports may run over it: it is there, and the person whose rights they run with still has them.
pub(super) async fn usable(tx: &mut Tx, id: ConnectionId) -> Result<Result<StoredConnection, RunReason>, EngineError> {
    let stored = db::connections::find(tx, id).await?.filter(|stored| stored.is_ready);
    let Some(stored) = stored else { return Ok(Err(RunReason::ConnectionRemoved)) };
    let Some(user) = &stored.export_user else { return Ok(Err(RunReason::RightsLost)) };
    let user = db::accounts::find(tx, user.id).await?;
    let may = user.is_some_and(|user| user.is_enabled && may_edit_export(user.role, Some(stored.audience)));
    Ok(if may { Ok(stored) } else { Err(RunReason::RightsLost) })
}

/// The key of a connection.
pub(super) fn open_key(deps: &Deps, stored: &StoredConnection) -> Result<Key, EngineError> {
    let row = stored.id.to_string();
    Ok(Key {
        secret: deps.keyring.open(db::connections::key_place(&row), &stored.sealed_key)?,
        sealed: stored.sealed_key.clone(),
    })
}
