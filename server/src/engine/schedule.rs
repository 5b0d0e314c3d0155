//! Slots that have come: each is recorded once, as a run that is queued, or as one that was skipped and says why.
//!
//! The latest slot runs if it is not too long ago; earlier ones that nobody saw were missed. While the run before is
//! still active, the slot is skipped. The unique index over export and slot decides between replicas.

use std::time::Duration;

use domain::export::Export;
use domain::id::RunId;
use domain::run::{RunReason, Trigger};
use domain::schedule::Schedule;
use jiff::Timestamp;

use super::retry::micros;
use super::{Deps, EngineError};
use crate::db::runs::NewRun;
use crate::db::{self, Tx, runs, slots};

/// A slot that passed longer ago is missed.
const CATCH_UP: Duration = Duration::from_secs(24 * 3600);
/// Looks at least this often: the clock may be set, schedules may change in another process.
const LOOK: Duration = Duration::from_secs(30);
/// More slots than this at once are not recorded one by one.
const MOST: usize = 10_000;

/// Records the slots that have come, and gives the instant at which to look again.
pub(super) async fn tick(deps: &Deps) -> Result<i64, EngineError> {
    let now = deps.clock.now();
    let at = now.as_microsecond();
    let mut tx = deps.db.read().await?;
    let exports = db::exports::list(&mut tx).await?;
    let last = slots::last_slots(&mut tx).await?;
    drop(tx);
    let mut look_at = at + micros(LOOK);
    for stored in exports {
        let since = last.get(&stored.export.id).copied().unwrap_or(i64::MIN).max(stored.schedule_since);
        let (come, next) = match slots_between(&stored.export.settings.schedule, since, now) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(export = %stored.export.id, %error, "a schedule cannot be read");
                continue;
            }
        };
        look_at = look_at.min(next.unwrap_or(i64::MAX));
        if !come.is_empty() {
            record(deps, &stored.export, &come, at).await?;
        }
    }
    Ok(look_at)
}

/// The slots after `since` and not after `now`, and the one after those.
fn slots_between(
    schedule: &Schedule,
    since: i64,
    now: Timestamp,
) -> Result<(Vec<i64>, Option<i64>), domain::schedule::UnknownTimeZone> {
    let mut come = Vec::new();
    let mut from = Timestamp::from_microsecond(since).unwrap_or(now);
    while let Some(slot) = schedule.next_after(from)? {
        if slot > now {
            return Ok((come, Some(slot.as_microsecond())));
        }
        come.push(slot.as_microsecond());
        if come.len() >= MOST {
            break;
        }
        from = slot;
    }
    Ok((come, None))
}

async fn record(deps: &Deps, export: &Export, come: &[i64], now: i64) -> Result<(), EngineError> {
    let Some((latest, earlier)) = come.split_last() else { return Ok(()) };
    let mut tx = deps.db.begin().await?;
    let connection = match export.settings.connection {
        Some(id) => db::connections::find(&mut tx, id).await?.map(|stored| (id, stored.brand.id)),
        None => None,
    };
    let new = |slot: i64| NewRun {
        id: RunId(deps.chance.id(now)),
        export: export.id,
        export_name: export.settings.name.clone(),
        settings_version: export.version,
        connection: connection.clone(),
        trigger: Trigger::Schedule,
        started_by: None,
        slot_at: Some(slot),
        resend_of: None,
    };
    for slot in earlier {
        runs::record_skipped(&mut tx, &new(*slot), RunReason::Missed, now).await?;
    }
    if now - latest > micros(CATCH_UP) {
        runs::record_skipped(&mut tx, &new(*latest), RunReason::Missed, now).await?;
    } else {
        start(&mut tx, &new(*latest), now).await?;
    }
    Ok(tx.commit().await?)
}

async fn start(tx: &mut Tx, new: &NewRun, now: i64) -> Result<(), EngineError> {
    if runs::queue_slot(tx, new, now).await? {
        tracing::info!(run = %new.id, export = %new.export, "a slot has come");
    } else {
        // Active, or another replica was first: then the slot is recorded already.
        runs::record_skipped(tx, new, RunReason::StillActive, now).await?;
    }
    Ok(())
}
