//! Slots that did not start when they should. Found from what is in the database each time somebody looks, so that an
//! alarm clears itself; a process that serves pages also looks by itself, and logs each one once.

use std::collections::BTreeSet;
use std::time::Duration;

use app::services::{LateSlot, Lateness};
use domain::id::ExportId;
use domain::run::{RunReason, RunState};
use domain::schedule::Schedule;
use domain::system::{TaskReason, TaskState};
use jiff::{SignedDuration, Timestamp};

use super::SystemService;
use crate::db::slots::LastSlot;
use crate::db::{self, DbError, Tx, refresh_jobs};

/// So long after its time a slot is late.
const GRACE: Duration = Duration::from_secs(5 * 60);
/// How often a process looks by itself.
const LOOK: Duration = Duration::from_secs(30);

/// All slots that are late now.
pub async fn find(tx: &mut Tx, now: Timestamp) -> Result<Vec<LateSlot>, DbError> {
    let mut found = Vec::new();
    let last = db::slots::last(tx, now.as_microsecond()).await?;
    for stored in db::exports::list(tx).await? {
        let settings = stored.export.settings;
        let recorded = last.get(&stored.export.id);
        let late = of_export(&settings.schedule, stored.schedule_since, recorded, now);
        found.extend(late.map(|(slot_at, lateness)| {
            let export: Option<(ExportId, String)> = Some((stored.export.id, settings.name));
            LateSlot { export, slot_at, lateness }
        }));
    }
    let system = db::system::settings(tx).await?;
    let last = refresh_jobs::last_slot(tx, now.as_microsecond()).await?;
    let unseen = unseen(&system.settings.schedule, system.schedule_since, last.map(|last| last.slot_at), now);
    let late = match (unseen, last) {
        (Some(slot), _) => Some((slot, Lateness::NotSeen)),
        (None, Some(last)) => {
            let lateness = match (last.state, last.reason) {
                (TaskState::Queued, _) if is_past(last.slot_at, now) => Some(Lateness::NotBegun),
                (TaskState::Skipped, Some(TaskReason::Missed)) if !last.is_made_up => Some(Lateness::Missed),
                _ => None,
            };
            lateness.map(|lateness| (last.slot_at, lateness))
        }
        (None, None) => None,
    };
    found.extend(late.map(|(slot_at, lateness)| LateSlot { export: None, slot_at, lateness }));
    Ok(found)
}

fn of_export(schedule: &Schedule, since: i64, recorded: Option<&LastSlot>, now: Timestamp) -> Option<(i64, Lateness)> {
    if let Some(slot) = unseen(schedule, since, recorded.map(|last| last.slot_at), now) {
        return Some((slot, Lateness::NotSeen));
    }
    let last = recorded.filter(|_| *schedule != Schedule::Off)?;
    match (last.state, last.reason) {
        (RunState::Queued, _) if is_past(last.slot_at.max(last.queued_at), now) => {
            Some((last.slot_at, Lateness::NotBegun))
        }
        (RunState::Skipped, Some(RunReason::Missed)) if !last.is_made_up => Some((last.slot_at, Lateness::Missed)),
        _ => None,
    }
}

/// The first slot that has passed by more than the grace and is not recorded.
fn unseen(schedule: &Schedule, since: i64, recorded: Option<i64>, now: Timestamp) -> Option<i64> {
    let from = Timestamp::from_microsecond(recorded.unwrap_or(i64::MIN).max(since)).ok()?;
    let slot = schedule.next_after(from).ok().flatten()?.as_microsecond();
    is_past(slot, now).then_some(slot)
}

fn is_past(slot: i64, now: Timestamp) -> bool {
    let grace = SignedDuration::try_from(GRACE).unwrap_or(SignedDuration::ZERO);
    Timestamp::from_microsecond(slot).is_ok_and(|slot| now.duration_since(slot) > grace)
}

/// Logs each late slot once, and once that none is late any more.
#[derive(Debug, Default)]
pub(super) struct Watch {
    looked_at: Option<Duration>,
    known: BTreeSet<(Option<ExportId>, i64, &'static str)>,
}

impl Watch {
    /// Looks, if the last look is long enough ago.
    pub(super) async fn look(&mut self, service: &SystemService) {
        let now = service.clock.monotonic();
        if self.looked_at.is_some_and(|last| now < last + LOOK) {
            return;
        }
        self.looked_at = Some(now);
        let found = async {
            let mut tx = service.db.read().await?;
            find(&mut tx, service.clock.now()).await
        };
        let found = match found.await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, code = "slots_unknown", "the slots could not be looked at");
                return;
            }
        };
        let key = |late: &LateSlot| (late.export.as_ref().map(|(id, _)| *id), late.slot_at, late.lateness.as_str());
        let known: BTreeSet<_> = found.iter().map(key).collect();
        for (export, slot_at, code) in known.difference(&self.known) {
            let export = export.map_or_else(|| "system refresh".to_owned(), |id| id.to_string());
            let slot = Timestamp::from_microsecond(*slot_at).unwrap_or_default();
            tracing::error!(code, export, %slot, "a slot did not start when it should");
        }
        for (export, slot_at, code) in self.known.difference(&known) {
            let export = export.map_or_else(|| "system refresh".to_owned(), |id| id.to_string());
            let slot = Timestamp::from_microsecond(*slot_at).unwrap_or_default();
            tracing::info!(code, export, %slot, "a late slot is dealt with");
        }
        self.known = known;
    }
}
