//! Slots that have come: those of exports with a schedule of their own, and those of the system refresh. Each is
//! recorded once: it is queued, or it was skipped or missed and says why. What becomes of which is decided in
//! [`account`]; the unique indexes over the slots decide between replicas.

use std::time::Duration;

use domain::schedule::{Schedule, ScheduleFault};
use jiff::Timestamp;

use super::retry::micros;
use super::{Deps, EngineError};
use crate::db;
use crate::db::system::StoredSettings;

mod account;
mod exports;
mod system;

use account::Rules;

/// Looks at least this often: the clock may be set, schedules may change in another process.
const LOOK: Duration = Duration::from_secs(30);
/// Looks again so soon while a slot waits for the end of a run, or there were more slots than fit at once.
const LOOK_SOON: Duration = Duration::from_secs(2);
/// More slots than this are not recorded at once.
const MOST: usize = 10_000;

/// Records the slots that have come, and gives the instant at which to look again.
pub(super) async fn tick(deps: &Deps) -> Result<i64, EngineError> {
    let now = deps.clock.now();
    let at = now.as_microsecond();
    let mut tx = deps.db.apart().read().await?;
    let stored = db::system::settings(&mut tx).await?;
    drop(tx);
    let rules = rules(&stored, at);
    let looks = [exports::tick(deps, now, &rules).await?, system::tick(deps, now, &stored, &rules).await?];
    Ok(looks.into_iter().fold(at + micros(LOOK), i64::min))
}

fn rules(stored: &StoredSettings, now: i64) -> Rules {
    let catch_up = Duration::from_secs(u64::from(stored.settings.catch_up_hours) * 3600);
    Rules { now, catch_up: micros(catch_up), when_active: stored.settings.when_active }
}

/// The slots after `since` and not after `now`, and the instant at which to look for more, where that can be told.
fn slots_between(schedule: &Schedule, since: i64, now: Timestamp) -> Result<(Vec<i64>, Option<i64>), ScheduleFault> {
    let mut come = Vec::new();
    let mut from = Timestamp::from_microsecond(since).unwrap_or(now);
    while let Some(slot) = schedule.next_after(from)? {
        if slot > now {
            return Ok((come, Some(slot.as_microsecond())));
        }
        if come.len() == MOST {
            // The rest comes at the next look: those that are here are recorded by then.
            return Ok((come, Some(now.as_microsecond())));
        }
        come.push(slot.as_microsecond());
        from = slot;
    }
    Ok((come, None))
}
