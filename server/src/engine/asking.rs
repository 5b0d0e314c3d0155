//! Asks the destination for something before a run sends anything: within the account's budget, again where an attempt
//! fails, and by one probe at a time where the destination is known to be down. It changes nothing there.

use std::sync::Arc;
use std::time::Duration;

use domain::id::ConnectionId;
use domain::run::RunReason;

use super::guard::{Key, Signal};
use super::pace::Pacer;
use super::retry::{FEW_TIMES, GIVE_UP_AFTER, LONG, Next, Trouble, micros, next};
use super::run::{Ending, Held, until_asked_again};
use super::{Deps, EngineError};
use crate::db::circuits::Refusal;
use crate::db::pace::Lane;
use crate::db::{approvals, circuits, connections};
use crate::destinations::DeliveryError;

/// What is asked for one run.
pub(super) struct Asking<'a> {
    held: &'a Held,
    pacer: Pacer,
    trouble: Trouble,
    /// What the database holds of it.
    circuit: Option<circuits::Circuit>,
    requests: u64,
    /// What the destination said last to a request that failed.
    detail: String,
}

impl<'a> Asking<'a> {
    pub(super) async fn of(held: &'a Held) -> Result<Self, EngineError> {
        let mut tx = held.deps.db.read().await?;
        let circuit = circuits::find(&mut tx, held.connection).await?;
        drop(tx);
        let pacer = Pacer::new(&held.deps, &held.brand, held.destination.limits());
        Ok(Self {
            held,
            pacer,
            trouble: Trouble::known(circuit, held.deps.clock.now_micros()),
            circuit,
            requests: 0,
            detail: String::new(),
        })
    }

    /// The answer, or how the work on the run ends for now.
    pub(super) async fn ask<T, F>(&mut self, request: impl Fn(Arc<Key>) -> F) -> Result<Result<T, Ending>, EngineError>
    where
        F: Future<Output = Result<T, DeliveryError>>,
    {
        let deps = &self.held.deps;
        if self.requests == 0
            && let Some(ending) = refused(self.held).await?
        {
            return Ok(Err(ending));
        }
        loop {
            if let Some(ending) = self.wait().await? {
                return Ok(Err(ending));
            }
            self.pacer.go(Lane::All);
            self.requests += 1;
            let launched_at = deps.clock.now_micros();
            let key = self.held.guard.key();
            let error = match request(key.clone()).await {
                Ok(answer) => {
                    self.trouble.success();
                    self.tell().await?;
                    self.pacer.taken(deps, Lane::All).await?;
                    return Ok(Ok(answer));
                }
                Err(error) => error,
            };
            let now = deps.clock.now_micros();
            match next(error.meaning) {
                Next::Slower { after } => self.pacer.refused(deps, Lane::All, launched_at, after).await?,
                Next::Stop(reason) => return self.stop(reason, error.detail, now, &key).await.map(Err),
                Next::AgainFewTimes(reason) if self.trouble.rounds() + 1 >= FEW_TIMES => {
                    return self.stop(reason, error.detail, now, &key).await.map(Err);
                }
                Next::Again { after, .. } => self.trouble.failure(launched_at, now, after, deps.chance()),
                Next::AgainFewTimes(_) | Next::Divide | Next::Gone => {
                    self.trouble.failure(launched_at, now, None, deps.chance());
                }
            }
            self.detail = error.detail;
            self.tell().await?;
        }
    }

    /// Waits for the budget and for the next probe. A long wait ends the work on the run for now.
    async fn wait(&mut self) -> Result<Option<Ending>, EngineError> {
        let (deps, guard) = (&self.held.deps, &self.held.guard);
        loop {
            if guard.signal() != Signal::GoOn {
                return Ok(Some(self.held.ending_of_signal()));
            }
            let now = deps.clock.now_micros();
            let (opens_at, paused_until) = (self.pacer.opens_at(deps, Lane::All).await?, self.trouble.paused_until());
            let (until, reason) = if paused_until > opens_at {
                (paused_until, RunReason::DestinationUnavailable)
            } else {
                (opens_at, RunReason::RateLimit)
            };
            if until <= now {
                return Ok(None);
            }
            if until - now > micros(LONG) {
                let is_over = self.trouble.since().is_some_and(|since| now - since > micros(GIVE_UP_AFTER));
                let detail = self.detail.clone();
                return Ok(Some(match is_over {
                    true => Ending::Failed { reason, detail },
                    false => Ending::Wait { reason, detail, until, failures: 0, refused_key: None },
                }));
            }
            tokio::select! {
                biased;
                () = guard.stopped() => {}
                () = deps.clock.sleep(Duration::from_micros((until - now).unsigned_abs())) => {}
            }
        }
    }

    async fn stop(&self, reason: RunReason, detail: String, now: i64, key: &Key) -> Result<Ending, EngineError> {
        let (until, refused_key) = (until_asked_again(now), Some(key.sealed.clone()));
        let ending = Ending::Wait { reason, detail, until, failures: 0, refused_key };
        tell_of_refusal(self.held, &ending).await?;
        Ok(ending)
    }

    async fn tell(&mut self) -> Result<(), EngineError> {
        tell_of_trouble(&self.held.deps, self.held.connection, &mut self.circuit, &self.trouble).await
    }

    /// Counts the requests in the run.
    pub(super) async fn over(self) -> Result<(), EngineError> {
        let mut tx = self.held.deps.db.begin().await?;
        approvals::count_requests(&mut tx, self.held.claim.run, self.held.claim.fence, self.requests).await?;
        Ok(tx.commit().await?)
    }
}

/// How the work on a run ends for now because a person has to repair its connection first: others have been told so, and
/// all runs over a connection ask once an hour together.
pub(super) async fn refused(held: &Held) -> Result<Option<Ending>, EngineError> {
    let key = held.guard.key();
    let mut tx = held.deps.db.read().await?;
    let refusal = circuits::refusal(&mut tx, held.connection).await?;
    drop(tx);
    let Some(Refusal { reason, probe_at: until }) = refusal else { return Ok(None) };
    let (detail, refused_key) = (String::new(), Some(key.sealed.clone()));
    let ending = Ending::Wait { reason, detail, until, failures: 0, refused_key };
    Ok((until > held.deps.clock.now_micros()).then_some(ending))
}

/// Lets every run over a connection know that a person has to repair it, if the work on this one ends for that.
pub(super) async fn tell_of_refusal(held: &Held, ending: &Ending) -> Result<(), EngineError> {
    let Ending::Wait { reason, until, refused_key: Some(key), .. } = ending else { return Ok(()) };
    let refusal = Refusal { reason: *reason, probe_at: *until };
    let mut tx = held.deps.db.begin().await?;
    let now = held.deps.clock.now_micros();
    circuits::refuse(&mut tx, held.connection, key, refusal, FEW_TIMES, now).await?;
    Ok(tx.commit().await?)
}

/// Lets every run over a connection know whether its destination answers. `known` is what the database holds.
pub(super) async fn tell_of_trouble(
    deps: &Deps,
    connection: ConnectionId,
    known: &mut Option<circuits::Circuit>,
    trouble: &Trouble,
) -> Result<(), EngineError> {
    let circuit = trouble.circuit();
    if circuit == *known {
        return Ok(());
    }
    let mut tx = deps.db.begin().await?;
    match circuit {
        Some(circuit) => circuits::open(&mut tx, connection, circuit).await?,
        None => {
            circuits::close(&mut tx, connection).await?;
            connections::set_needs_attention(&mut tx, connection, None).await?;
        }
    }
    tx.commit().await?;
    *known = circuit;
    Ok(())
}
