//! Keeps the requests of an account within its limit: asks the shared budget for the instant of each one. Spaced evenly,
//! so that no 60 seconds, wherever they begin, hold more than the budget.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::run::RunReason;

use super::retry::{micros, wait_after_refusal};
use super::{Deps, EngineError};
use crate::db::pace::{self, Known, Lane};
use crate::db::{DbError, Tx};
use crate::destinations::Limits;

/// How many of an account's requests are used at most, in per cent of its limit: so that those that come a little late
/// never meet those after them over it.
const MOST_USED: i64 = 97;
/// Left to the account's other programs where nobody has said anything.
const USUAL_RESERVE: i64 = 10;

/// How often the reserve is read again.
const LOOK: Duration = Duration::from_secs(10);
/// After a refusal the account uses so much of what it used before, in hundredths, and never less than so many
/// thousandths of its budget.
const LESS: i64 = 80;
const LEAST_SHARE: i64 = 50;

/// One run's access to the budget of its account.
#[derive(Debug)]
pub(super) struct Pacer {
    brand: String,
    limits: Option<PerMinute>,
    /// Instants that are reserved and not used yet.
    reserved: HashMap<Lane, i64>,
    reserve_percent: i64,
    read_at: Option<i64>,
    /// Where the account may have been told to slow down since something was last taken.
    refused: HashSet<Lane>,
}

/// What an operator has set for all accounts.
#[derive(Debug, Clone, Copy)]
pub struct PaceRules {
    /// Are limits kept at all?
    pub keeps_limits: bool,
    /// Requests a minute, instead of what the destination's card says.
    pub requests_per_minute: Option<u32>,
    /// Tag requests a minute, instead of what the destination's card says.
    pub tag_requests_per_minute: Option<u32>,
}

/// What Ferry may use of an account's limits: whole requests a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests of any kind.
    pub requests: u64,
    /// Requests that add tags; the same again for those that remove tags.
    pub tag_requests: u64,
}

impl PaceRules {
    fn per_minute(self, limits: Limits) -> Option<PerMinute> {
        self.keeps_limits.then(|| PerMinute {
            all: self.requests_per_minute.unwrap_or(limits.requests_per_minute),
            tags: self.tag_requests_per_minute.unwrap_or(limits.tag_requests_per_minute),
            is_all_set: self.requests_per_minute.is_some(),
            are_tags_set: self.tag_requests_per_minute.is_some(),
        })
    }

    /// What Ferry may use of an account: its limits without the reserve of its connections, or what an operator has set;
    /// none where no limits are kept.
    pub async fn budget(self, tx: &mut Tx, brand: &str, limits: Limits) -> Result<Option<Budget>, DbError> {
        let Some(per_minute) = self.per_minute(limits) else { return Ok(None) };
        let reserve = reserve_percent(tx, brand).await?;
        let whole = |lane| u64::try_from((per_minute.hundredths(lane, reserve) / 100).max(1)).unwrap_or(1);
        Ok(Some(Budget { requests: whole(Lane::All), tag_requests: whole(Lane::AddTag) }))
    }
}

async fn reserve_percent(tx: &mut Tx, brand: &str) -> Result<i64, DbError> {
    Ok(pace::reserve_percent(tx, brand).await?.unwrap_or(USUAL_RESERVE))
}

/// What an account takes, and what of it was set by hand.
#[derive(Debug, Clone, Copy)]
struct PerMinute {
    all: u32,
    tags: u32,
    is_all_set: bool,
    are_tags_set: bool,
}

impl Pacer {
    pub(super) fn new(deps: &Deps, brand: &str, limits: Limits) -> Self {
        Self {
            brand: brand.to_owned(),
            limits: deps.options.pace_rules().per_minute(limits),
            reserved: HashMap::new(),
            reserve_percent: USUAL_RESERVE,
            read_at: None,
            // Another process, or this one before it broke off, may have been told to slow down.
            refused: HashSet::from([Lane::All, Lane::AddTag, Lane::RemoveTag]),
        }
    }

    /// Are limits kept at all?
    pub(super) fn keeps_limits(&self) -> bool {
        self.limits.is_some()
    }

    /// From when on a request may go in a lane; a request with a lane of its own also needs the one of all. The instant
    /// is kept for this run until [`Self::go`].
    pub(super) async fn opens_at(&mut self, deps: &Deps, lane: Lane) -> Result<i64, EngineError> {
        if let Some(at) = self.reserved.get(&lane) {
            return Ok(*at);
        }
        // With limits off only a refusal makes wait.
        let Some(limits) = self.limits else { return Ok(i64::MIN) };
        let now = deps.clock.now_micros();
        let mut tx = deps.db.begin().await?;
        if self.read_at.is_none_or(|at| now - at >= micros(LOOK)) {
            self.read_at = Some(now);
            self.reserve_percent = reserve_percent(&mut tx, &self.brand).await?;
        }
        let spacing = limits.spacing(lane, self.reserve_percent);
        let at = pace::reserve(&mut tx, &self.brand, lane, spacing, now).await?;
        tx.commit().await?;
        self.reserved.insert(lane, at);
        Ok(at)
    }

    /// A request goes: it counts in its lane, and in any case as one of all.
    pub(super) fn go(&mut self, lane: Lane) {
        if self.limits.is_some() {
            self.reserved.remove(&Lane::All);
            self.reserved.remove(&lane);
        } else {
            // The waits after refusals that have passed.
            self.reserved.clear();
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
        self.refused.insert(lane);
        let mut tx = deps.db.begin().await?;
        let known = pace::known(&mut tx, &self.brand, lane, now).await?;
        if launched_at < known.refused_at && known.refused_at <= now {
            return Ok(());
        }
        let refusals = known.refusals + 1;
        let wait = wait_after_refusal(u32::try_from(refusals).unwrap_or(u32::MAX), hint, deps.chance());
        let until = now + micros(wait);
        // Others use the limit as well, more than the reserve leaves them.
        let share = (known.share * LESS / 100).max(LEAST_SHARE);
        let learned = Known { refusals, refused_at: now, share, paused_until: until };
        pace::pause(&mut tx, &self.brand, lane, until, learned).await?;
        tx.commit().await?;
        self.reserved.clear();
        if self.limits.is_none() {
            self.reserved.insert(lane, until);
        }
        tracing::info!(reason = RunReason::RateLimit.as_str(), ?wait, refusals, share, "told to slow down");
        Ok(())
    }

    /// A request was taken.
    pub(super) async fn taken(&mut self, deps: &Deps, lane: Lane) -> Result<(), EngineError> {
        if !self.refused.contains(&lane) {
            return Ok(());
        }
        let mut tx = deps.db.begin().await?;
        pace::calm(&mut tx, &self.brand, lane).await?;
        tx.commit().await?;
        self.refused.remove(&lane);
        Ok(())
    }
}

impl PerMinute {
    /// Microseconds between two requests.
    fn spacing(self, lane: Lane, reserve_percent: i64) -> i64 {
        6_000_000_000 / self.hundredths(lane, reserve_percent)
    }

    /// Hundredths of requests a minute. What an operator has set is kept to the letter.
    fn hundredths(self, lane: Lane, reserve_percent: i64) -> i64 {
        let (limit, is_set) = match lane {
            Lane::All => (self.all, self.is_all_set),
            Lane::AddTag | Lane::RemoveTag => (self.tags, self.are_tags_set),
        };
        let percent = if is_set { 100 } else { (100 - reserve_percent).clamp(1, MOST_USED) };
        i64::from(limit.max(1)) * percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_left_to_others_and_what_an_operator_sets_is_kept() {
        let card = PerMinute { all: 400, tags: 60, is_all_set: false, are_tags_set: false };
        let per_minute = |limits: PerMinute, lane, reserve| 60_000_000 / limits.spacing(lane, reserve);
        assert_eq!(per_minute(card, Lane::All, 10), 360);
        assert_eq!(per_minute(card, Lane::AddTag, 10), 54);
        assert_eq!(per_minute(card, Lane::All, 50), 200);
        // Not quite everything, even where nothing is left to others.
        assert_eq!(per_minute(card, Lane::All, 0), 388);
        let set = PerMinute { all: 30, is_all_set: true, ..card };
        assert_eq!(per_minute(set, Lane::All, 50), 30);
    }
}
