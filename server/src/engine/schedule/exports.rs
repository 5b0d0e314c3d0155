//! The slots of exports with a schedule of their own.

use domain::export::Export;
use domain::id::RunId;
use domain::run::{RunReason, Trigger};
use jiff::Timestamp;

use super::account::{Outcome, Rules, account};
use super::{LOOK_SOON, slots_between};
use crate::db::runs::NewRun;
use crate::db::{self, runs, slots};
use crate::engine::retry::micros;
use crate::engine::{Deps, EngineError};

/// Records the slots that have come, and gives the instant at which to look again.
pub(super) async fn tick(deps: &Deps, now: Timestamp, rules: &Rules) -> Result<i64, EngineError> {
    let mut tx = deps.db.apart().read().await?;
    let exports = db::exports::list(&mut tx).await?;
    let last = slots::last_slots(&mut tx, rules.now).await?;
    drop(tx);
    let mut look_at = i64::MAX;
    for stored in exports {
        let since = last.get(&stored.export.id).copied().unwrap_or(i64::MIN).max(stored.schedule_since);
        let (come, next) = match slots_between(&stored.export.settings.schedule, since, now) {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(export = %stored.export.id, %error, code = "schedule_unreadable", "a schedule cannot be read");
                continue;
            }
        };
        look_at = look_at.min(next.unwrap_or(i64::MAX));
        if !come.is_empty() && record(deps, &stored.export, &come, rules).await? {
            look_at = look_at.min(rules.now + micros(LOOK_SOON));
        }
    }
    Ok(look_at)
}

/// Records the slots of an export; true if one of them waits.
async fn record(deps: &Deps, export: &Export, come: &[i64], rules: &Rules) -> Result<bool, EngineError> {
    let mut tx = deps.db.apart().begin().await?;
    let connection = match export.settings.connection {
        Some(id) => db::connections::find(&mut tx, id).await?.map(|stored| (id, stored.brand.id)),
        None => None,
    };
    let active_since = match runs::active_of(&mut tx, export.id).await? {
        Some(id) => runs::find(&mut tx, id).await?.map(|run| run.queued_at),
        None => None,
    };
    let mut waits = false;
    let outcomes = account(come, active_since, rules);
    // One after the other in the history, the latest now.
    let begun = rules.now - i64::try_from(outcomes.len()).unwrap_or_default();
    for (at, (slot, outcome)) in (begun + 1..).zip(outcomes) {
        let new = NewRun {
            id: RunId(deps.chance.id(rules.now)),
            export: export.id,
            export_name: export.settings.name.clone(),
            settings_version: export.version,
            connection: connection.clone(),
            trigger: Trigger::Schedule,
            started_by: None,
            slot_at: Some(slot),
            resend_of: None,
            recheck_of: None,
            continues: None,
        };
        match outcome {
            Outcome::Runs => {
                // If not, another replica was first: then the slot is recorded already, or something is active now.
                if runs::queue_slot(&mut tx, &new, at).await? {
                    tracing::info!(run = %new.id, export = %new.export, "a slot has come");
                } else {
                    runs::record_skipped(&mut tx, &new, RunReason::StillActive, at).await?;
                }
            }
            Outcome::StillActive => {
                runs::record_skipped(&mut tx, &new, RunReason::StillActive, at).await?;
            }
            Outcome::Missed => {
                runs::record_skipped(&mut tx, &new, RunReason::Missed, at).await?;
            }
            Outcome::Waits => waits = true,
        }
    }
    tx.commit().await?;
    Ok(waits)
}
