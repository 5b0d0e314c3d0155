//! The slots of the system refresh. They are recorded as jobs; who works on jobs is the services' business.

use domain::id::JobId;
use domain::run::Trigger;
use domain::system::TaskReason;
use jiff::Timestamp;

use super::account::{Outcome, Rules, account};
use super::{LOOK_SOON, slots_between};
use crate::db::refresh_jobs::{self, NewJob};
use crate::db::system::StoredSettings;
use crate::engine::retry::micros;
use crate::engine::{Deps, EngineError};

/// Records the slots that have come, and gives the instant at which to look again.
pub(super) async fn tick(
    deps: &Deps,
    now: Timestamp,
    stored: &StoredSettings,
    rules: &Rules,
) -> Result<i64, EngineError> {
    let mut tx = deps.db.apart().read().await?;
    let last = refresh_jobs::last_slot(&mut tx, rules.now).await?.map(|last| last.slot_at);
    drop(tx);
    let since = last.unwrap_or(i64::MIN).max(stored.schedule_since);
    let (come, next) = match slots_between(&stored.settings.schedule, since, now) {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, code = "schedule_unreadable", "the schedule of the system refresh cannot be read");
            return Ok(i64::MAX);
        }
    };
    let next = next.unwrap_or(i64::MAX);
    if come.is_empty() {
        return Ok(next);
    }
    let mut tx = deps.db.apart().begin().await?;
    let active_since = refresh_jobs::active(&mut tx).await?.map(|(_, since)| since);
    let mut waits = false;
    for (slot, outcome) in account(&come, active_since, rules) {
        let id = JobId(deps.chance.id(rules.now));
        let new = NewJob { id, trigger: Trigger::Schedule, started_by: None, slot_at: Some(slot) };
        let skipped = match outcome {
            Outcome::Runs if refresh_jobs::queue(&mut tx, &new, rules.now).await? => {
                tracing::info!(job = %id, "the system refresh has come");
                None
            }
            // Another replica was first: the slot is recorded already, or a job is active now.
            Outcome::Runs | Outcome::StillActive => Some(TaskReason::StillActive),
            Outcome::Missed => Some(TaskReason::Missed),
            Outcome::Waits => {
                waits = true;
                None
            }
        };
        if let Some(reason) = skipped {
            refresh_jobs::record_skipped(&mut tx, &new, reason, rules.now).await?;
        }
    }
    tx.commit().await?;
    Ok(if waits { next.min(rules.now + micros(LOOK_SOON)) } else { next })
}
