//! Keeps the requests of an account within its limit: asks the shared budget for the instant of each one. Spaced evenly,
//! so that no 60 seconds, wherever they begin, hold more than the budget.

use std::time::Duration;

use domain::run::RunReason;

use super::retry::{micros, wait_after_refusal};
use super::{Deps, EngineError};
use crate::db::pace::{self, Lane};
use crate::destinations::Limits;

/// When a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// Now.
    Now,
    /// Not before this instant.
    At(i64),
}

/// One run's access to the budget of its account.
#[derive(Debug)]
pub(super) struct Pacer {
    brand: String,
    limits: Option<Limits>,
    /// Instants that are reserved and not used yet.
    all: Option<i64>,
    tags: Option<(Lane, i64)>,
    /// Has the account been told to slow down since something was last taken?
    is_refused: bool,
}

impl Pacer {
    pub(super) fn new(deps: &Deps, brand: &str, limits: Limits) -> Self {
        let options = &deps.options;
        let limits = options.keeps_limits.then(|| Limits {
            requests_per_minute: options.requests_per_minute.unwrap_or(limits.requests_per_minute).max(1),
            tag_requests_per_minute: options.tag_requests_per_minute.unwrap_or(limits.tag_requests_per_minute).max(1),
            ..limits
        });
        // Another process, or this one before it broke off, may have been told to slow down.
        Self { brand: brand.to_owned(), limits, all: None, tags: None, is_refused: true }
    }

    /// Are limits kept at all?
    pub(super) fn keeps_limits(&self) -> bool {
        self.limits.is_some()
    }

    /// May a request go? It counts as `lane`, and in any case as one of all.
    pub(super) async fn permit(&mut self, deps: &Deps, lane: Lane) -> Result<Permit, EngineError> {
        let Some(limits) = self.limits else { return Ok(self.permit_without_limits(deps)) };
        let now = deps.clock.now_micros();
        let mut at = match self.all {
            Some(at) => at,
            None => {
                let spacing = spacing(limits.requests_per_minute);
                *self.all.insert(reserve(deps, &self.brand, Lane::All, spacing, now).await?)
            }
        };
        if lane != Lane::All {
            let reserved = match self.tags {
                Some((of, at)) if of == lane => at,
                _ => {
                    let spacing = spacing(limits.tag_requests_per_minute);
                    let at = reserve(deps, &self.brand, lane, spacing, now).await?;
                    self.tags = Some((lane, at));
                    at
                }
            };
            at = at.max(reserved);
        }
        if at > now {
            return Ok(Permit::At(at));
        }
        self.all = None;
        if lane != Lane::All {
            self.tags = None;
        }
        Ok(Permit::Now)
    }

    /// With limits off only a refusal makes wait.
    fn permit_without_limits(&mut self, deps: &Deps) -> Permit {
        match self.all {
            Some(at) if at > deps.clock.now_micros() => Permit::At(at),
            _ => Permit::Now,
        }
    }

    /// The destination said that it is too much, to a request that was sent at `launched_at`.
    ///
    /// Of several that were under way together, the first makes the account wait; the others say nothing new.
    pub(super) async fn refused(
        &mut self,
        deps: &Deps,
        lane: Lane,
        launched_at: i64,
        hint: Option<Duration>,
    ) -> Result<(), EngineError> {
        let now = deps.clock.now_micros();
        self.is_refused = true;
        let mut tx = deps.db.begin().await?;
        let (refusals, refused_at) = pace::refusals(&mut tx, &self.brand, lane).await?;
        if launched_at < refused_at && refused_at <= now {
            return Ok(());
        }
        let refusals = refusals + 1;
        let wait = wait_after_refusal(u32::try_from(refusals).unwrap_or(u32::MAX), hint, deps.chance());
        let until = now + micros(wait);
        pace::pause(&mut tx, &self.brand, lane, until, refusals, now).await?;
        tx.commit().await?;
        self.all = (self.limits.is_none()).then_some(until);
        self.tags = None;
        tracing::info!(reason = RunReason::RateLimit.as_str(), ?wait, refusals, "told to slow down");
        Ok(())
    }

    /// A request was taken.
    pub(super) async fn taken(&mut self, deps: &Deps, lane: Lane) -> Result<(), EngineError> {
        if !self.is_refused {
            return Ok(());
        }
        let mut tx = deps.db.begin().await?;
        pace::calm(&mut tx, &self.brand, lane).await?;
        tx.commit().await?;
        self.is_refused = false;
        Ok(())
    }
}

async fn reserve(deps: &Deps, brand: &str, lane: Lane, spacing: i64, now: i64) -> Result<i64, EngineError> {
    let mut tx = deps.db.begin().await?;
    let at = pace::reserve(&mut tx, brand, lane, spacing, now).await?;
    tx.commit().await?;
    Ok(at)
}

/// Microseconds between two requests.
fn spacing(per_minute: u32) -> i64 {
    60_000_000 / i64::from(per_minute)
}
