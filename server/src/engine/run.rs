//! One run, from the moment it is taken up to the moment it is let go of.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{ConnectionId, RunId};
use domain::run::{RunReason, RunState};
use domain::source::FileFault;
use ferry_data::DataError;
use tokio::sync::watch;

use super::guard::{Guard, Key, Signal, Watched, open_key, renew, usable};
use super::hands::Hands;
use super::line::Line;
use super::prepare::{Settings, fix_settings, make_plan, settings_of};
use super::retry::{FEW_TIMES, GIVE_UP_AFTER, LONGEST_WAIT, WAIT_FOR_PERSON, is_crash_loop, micros};
use super::{Deps, EngineError, HEARTBEAT, close, leftovers, recheck};
use crate::db::claims::{self, Claim};
use crate::db::{DbError, approvals, circuits, connections};
use crate::destinations::Destination;

/// A run that waits for a person goes on when they say so, and not by itself: the end of the year 9999.
const NEVER: i64 = 253_402_300_799_000_000;

/// Between two attempts to write how the work on a run ended.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest wait while the disk is full, which somebody repairs at any moment.
const WHILE_FULL: Duration = Duration::from_secs(60);
/// The longest wait while the database is away: asking whether it is back costs nothing.
const WHILE_AWAY: Duration = Duration::from_secs(10);

/// How the work on a run ends, for now or for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything in the plan has been worked off.
    Done,
    /// It is not to go on.
    Canceled(RunReason),
    /// It cannot go on.
    Failed {
        /// Why.
        reason: RunReason,
        /// What the destination said.
        detail: String,
    },
    /// It could not begin.
    Skipped(RunReason),
    /// It makes room for these, and another run goes on with the rest.
    GaveWay(Vec<RunId>),
    /// It goes on when something outside has changed.
    Wait {
        /// What it waits for.
        reason: RunReason,
        /// What the destination said.
        detail: String,
        /// Until when.
        until: i64,
        /// Rounds of failures so far.
        failures: u32,
        /// The key that was refused, as it is stored: with another one there is nothing to wait for.
        refused_key: Option<Vec<u8>>,
    },
    /// This process ends; anybody may go on.
    Released,
    /// Somebody else has it.
    Lost,
}

impl Ending {
    pub(super) fn failed(reason: RunReason) -> Self {
        Self::Failed { reason, detail: String::new() }
    }
}

/// A run that is held: what everything that works on it needs.
pub(super) struct Held {
    pub(super) deps: Arc<Deps>,
    pub(super) claim: Claim,
    pub(super) guard: Guard,
    pub(super) destination: Arc<dyn Destination>,
    pub(super) connection: ConnectionId,
    pub(super) brand: String,
    /// The clock, as the worker knew it when the run was taken up.
    pub(super) hands: Hands,
}

impl Held {
    /// How the work ends because of what the guard has seen.
    pub(super) fn ending_of_signal(&self) -> Ending {
        match self.guard.signal() {
            Signal::Cancel(RunReason::RightsLost) => Ending::failed(RunReason::RightsLost),
            Signal::Cancel(reason) => Ending::Canceled(reason),
            Signal::GiveBack => Ending::Released,
            // Nothing else makes anybody ask.
            Signal::Lost | Signal::GoOn => Ending::Lost,
        }
    }
}

/// Works on a run until it ends, waits, or is somebody else's.
pub(super) async fn work(deps: Arc<Deps>, claim: Claim, hands: Hands, shutdown: watch::Receiver<bool>) {
    let run = claim.run;
    tracing::info!(%run, state = claim.state.as_str(), fence = claim.fence, "took up a run");
    let ending = match go_on(&deps, claim.clone(), hands, shutdown.clone()).await {
        Ok(ending) => ending,
        Err(error) => after_error(&deps, &claim, &error),
    };
    tokio::select! {
        biased;
        () = until_written(&deps, &claim, ending, shutdown) => {}
        () = keep(&deps, &claim) => {}
    }
}

/// Writes how the work on a run ended, as often as that takes while the disk is full or the database away. Whoever else
/// has the run by then is not disturbed, because every write names the fence.
async fn until_written(deps: &Arc<Deps>, claim: &Claim, mut ending: Ending, mut shutdown: watch::Receiver<bool>) {
    let (mut rest, mut unknown) = (AGAIN, 0);
    while let Err(error) = let_go(deps, claim, &ending).await {
        tracing::error!(run = %claim.run, %error, "could not write how the work on a run ended");
        let goes_on = tokio::select! {
            biased;
            _ = shutdown.wait_for(|ends| *ends) => false,
            () = deps.clock.sleep(rest) => true,
        };
        unknown += u32::from(longest_wait(&error).is_none());
        if !goes_on || unknown > FEW_TIMES {
            // The lease passes, and the run is taken up again.
            return;
        }
        match ending {
            // It is closed later, when there is room for its files.
            Ending::Done | Ending::Skipped(_) | Ending::GaveWay(_) | Ending::Failed { .. } => {
                ending = after_error(deps, claim, &error)
            }
            Ending::Canceled(_) => rest = (rest * 2).min(WHILE_FULL),
            Ending::Wait { .. } | Ending::Released | Ending::Lost => {}
        }
    }
}

/// Keeps the lease while the run is closed, which takes a while for millions of people.
async fn keep(deps: &Deps, claim: &Claim) {
    loop {
        deps.clock.sleep(HEARTBEAT).await;
        if let Err(error) = renew(deps, claim.run, claim.fence).await {
            tracing::warn!(run = %claim.run, %error, "the lease was not renewed");
        }
    }
}

async fn go_on(
    deps: &Arc<Deps>,
    mut claim: Claim,
    hands: Hands,
    shutdown: watch::Receiver<bool>,
) -> Result<Ending, EngineError> {
    if claim.cancel_requested {
        return Ok(Ending::Canceled(RunReason::CanceledByPerson));
    }
    if is_crash_loop(claim.recoveries, claim.progress_at, deps.clock.now_micros()) {
        return Ok(Ending::failed(RunReason::CrashLoop));
    }
    let settings = match settings_of(&claim)? {
        Some(settings) => settings,
        None => match fixed_settings(deps, &mut claim).await? {
            Ok(settings) => settings,
            Err(ending) => return Ok(ending),
        },
    };
    let key = match key_for(deps, &claim, &settings).await? {
        Ok(key) => key,
        Err(ending) => return Ok(ending),
    };
    let Some(destination) = deps.destinations.find(&settings.kind) else {
        return Ok(Ending::failed(RunReason::SettingsInvalid));
    };
    let brand = claim.brand.clone().ok_or(EngineError::Settings)?;
    let connection = Some((settings.connection, brand.clone()));
    let watched = Watched { run: claim.run, fence: claim.fence, connection, hands };
    let guard = Guard::start(deps.clone(), watched, key, shutdown);
    let (deps_of, claim_of, connection) = (deps.clone(), claim.clone(), settings.connection);
    let held = Held { deps: deps_of, claim: claim_of, guard, destination, connection, brand, hands };
    if claim.state == RunState::Preparing {
        let ending = match claim.recheck_of {
            Some(of) => recheck::make_plan(&held, &mut claim, of).await?,
            None => make_plan(&held, &mut claim, &settings, held.destination.card()).await?,
        };
        if let Some(ending) = ending {
            return Ok(ending);
        }
        claim.state = RunState::Sending;
    }
    if is_held(deps, &claim).await? {
        let (reason, detail) = (RunReason::Approval, String::new());
        return Ok(Ending::Wait { reason, detail, until: NEVER, failures: 0, refused_key: None });
    }
    // Whoever has sent something has looked; a run that asks again wants to know just that.
    if claim.next_row == 0
        && claim.recheck_of.is_none()
        && deps.data.plan_summary(claim.run).await?.to_send > 0
        && let Some(ending) = leftovers::wait_for(&held).await?
    {
        return Ok(ending);
    }
    let held = Held { claim, ..held };
    Line::open(held).await?.work_off().await
}

/// Fixes what a run works with that has nothing yet.
async fn fixed_settings(deps: &Deps, claim: &mut Claim) -> Result<Result<Settings, Ending>, EngineError> {
    match claim.recheck_of {
        Some(of) => recheck::fix_settings(deps, claim, of).await,
        None => fix_settings(deps, claim).await,
    }
}

/// Does a person have to look at the plan before anything is sent?
async fn is_held(deps: &Deps, claim: &Claim) -> Result<bool, EngineError> {
    let mut tx = deps.db.read().await?;
    Ok(approvals::is_held(&mut tx, claim.run).await?)
}

/// The key of the connection that the run was prepared with, if it may still be used.
async fn key_for(deps: &Deps, claim: &Claim, settings: &Settings) -> Result<Result<Key, Ending>, EngineError> {
    let mut tx = deps.db.read().await?;
    let stored = match usable(&mut tx, settings.connection).await? {
        Ok(stored) => stored,
        Err(RunReason::RightsLost) => return Ok(Err(Ending::failed(RunReason::RightsLost))),
        Err(reason) => return Ok(Err(Ending::Canceled(reason))),
    };
    let standing = claims::standing(&mut tx, claim.run).await?;
    let is_detached = standing.is_none_or(|standing| standing.connection.is_none());
    if is_detached || claim.brand.as_ref() != Some(&stored.brand.id) {
        return Ok(Err(Ending::Canceled(RunReason::ConnectionRemoved)));
    }
    Ok(Ok(open_key(deps, &stored)?))
}

/// How the work ends when Ferry's own database or files fail: it goes on a little later, but not for ever.
fn after_error(deps: &Deps, claim: &Claim, error: &EngineError) -> Ending {
    tracing::error!(run = %claim.run, %error, "the work on a run broke off");
    let now = deps.clock.now_micros();
    let reason = match error {
        EngineError::Data(DataError::Missing) if claim.state == RunState::Preparing => RunReason::NoProfiles,
        EngineError::Settings => RunReason::SettingsInvalid,
        // Our secret key does not open the API key: the database and the key do not belong together.
        EngineError::Key(_) | EngineError::Db(_) | EngineError::Data(_) | EngineError::Task => RunReason::Storage,
    };
    let (longest, most) = match longest_wait(error) {
        Some(longest) => (longest, GIVE_UP_AFTER.as_secs() / longest.as_secs()),
        None => (Duration::from_secs(5 * 60), 20),
    };
    let failures = u32::try_from(claim.failures).unwrap_or(u32::MAX).saturating_add(1);
    let is_hopeless = u64::from(failures) > most || now - claim.progress_at > micros(GIVE_UP_AFTER);
    if is_hopeless || reason != RunReason::Storage {
        return Ending::failed(reason);
    }
    let wait = Duration::from_secs(2_u64.saturating_pow(failures)).min(longest);
    Ending::Wait { reason, detail: String::new(), until: now + micros(wait), failures, refused_key: None }
}

/// How long to wait at most for what goes well by itself once there is room on the disk, or the database is there again;
/// none for other errors.
fn longest_wait(error: &EngineError) -> Option<Duration> {
    match error {
        EngineError::Db(DbError::Unavailable(_)) => Some(WHILE_AWAY),
        EngineError::Data(DataError::File(FileFault::NoSpace)) => Some(WHILE_FULL),
        _ => None,
    }
}

async fn let_go(deps: &Arc<Deps>, claim: &Claim, ending: &Ending) -> Result<(), EngineError> {
    match ending {
        Ending::Lost => {
            tracing::warn!(run = %claim.run, fence = claim.fence, "the run is somebody else's");
            Ok(())
        }
        Ending::Released => {
            let mut tx = deps.db.begin().await?;
            claims::release(&mut tx, claim.run, claim.fence).await?;
            Ok(tx.commit().await?)
        }
        Ending::Wait { .. } => wait(deps, claim, ending).await,
        Ending::Done | Ending::Canceled(_) | Ending::Failed { .. } | Ending::Skipped(_) | Ending::GaveWay(_) => {
            close::end(deps, claim, ending).await?;
            if matches!(ending, Ending::Failed { reason: RunReason::DestinationUnavailable, .. }) {
                // The next run has patience of its own.
                let mut tx = deps.db.begin().await?;
                if let Some(settings) = settings_in_db(&mut tx, claim).await? {
                    circuits::close(&mut tx, settings.connection).await?;
                }
                tx.commit().await?;
            }
            Ok(())
        }
    }
}

async fn wait(deps: &Deps, claim: &Claim, ending: &Ending) -> Result<(), EngineError> {
    let Ending::Wait { reason, detail, until, failures, refused_key } = ending else { return Ok(()) };
    tracing::info!(run = %claim.run, reason = reason.as_str(), "a run waits");
    let now = deps.clock.now_micros();
    // Reckoned from what was written under another clock, it may lie further ahead.
    let mut until = if *reason == RunReason::Approval { *until } else { (*until).min(now + micros(LONGEST_WAIT)) };
    let mut tx = deps.db.begin().await?;
    if reason.is_of_connection()
        && let Some(settings) = settings_in_db(&mut tx, claim).await?
    {
        // First, because it holds the row: a key that is replaced from here on finds the run waiting.
        connections::set_needs_attention(&mut tx, settings.connection, Some(reason.as_str())).await?;
        let stored = connections::find(&mut tx, settings.connection).await?;
        if refused_key.is_some() && stored.is_some_and(|stored| Some(stored.sealed_key) != *refused_key) {
            // Somebody has replaced it already.
            connections::set_needs_attention(&mut tx, settings.connection, None).await?;
            until = now;
        }
    }
    // What somebody else's run says of the connection is theirs to write.
    if claims::wait(&mut tx, claim.run, claim.fence, *reason, detail, until, i64::from(*failures)).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// The settings may have been fixed after the run was taken up.
async fn settings_in_db(tx: &mut crate::db::Tx, claim: &Claim) -> Result<Option<Settings>, EngineError> {
    let text = claims::settings(tx, claim.run).await?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| EngineError::Settings)).transpose()
}

/// The wait for a person: asks again once an hour, in case they repaired it elsewhere.
pub(super) fn until_asked_again(now: i64) -> i64 {
    now + micros(WAIT_FOR_PERSON)
}
