//! The slots of schedules that have been dealt with. A slot is a run with `slot_at`: ran, or skipped with its reason;
//! the unique index over export and slot makes sure that there is one at most.
//!
//! A clock that was ahead may have dealt with slots that are yet to come. What follows is decided by those that have.

use std::collections::HashMap;

use domain::id::ExportId;
use domain::run::{RunReason, RunState};

use super::{DbError, Tx, parse, sql};

/// The last slot of each export that has come and been dealt with.
pub async fn last_slots(tx: &mut Tx, now: i64) -> Result<HashMap<ExportId, i64>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, i64),
        "select export_id, max(slot_at) from runs where slot_at <= $1 group by export_id",
        now,
    )?;
    rows.into_iter().map(|(id, slot)| Ok((parse("runs.export_id", &id)?, slot))).collect()
}

/// The last slot of an export that has come and been recorded, with what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSlot {
    /// The slot: microseconds since 1970, UTC.
    pub slot_at: i64,
    /// When its run was queued, which is later where it followed something else.
    pub queued_at: i64,
    /// The state of its run.
    pub state: RunState,
    /// Why it was skipped.
    pub reason: Option<RunReason>,
    /// Has somebody run the export since?
    pub is_made_up: bool,
}

/// The last slot of each export that has one.
pub async fn last(tx: &mut Tx, now: i64) -> Result<HashMap<ExportId, LastSlot>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, i64, i64, String, Option<String>, i64),
        "select runs.export_id, runs.slot_at, runs.queued_at, runs.state, runs.reason,
            (select count(*) from runs later
             where later.export_id = runs.export_id and later.slot_at is null and later.state <> 'skipped'
                and later.number > runs.number)
         from (select export_id, max(slot_at) as slot_at from runs where slot_at <= $1 group by export_id) latest
         join runs on runs.export_id = latest.export_id and runs.slot_at = latest.slot_at",
        now,
    )?;
    rows.into_iter()
        .map(|(id, slot_at, queued_at, state, reason, later)| {
            let state = RunState::parse(&state).ok_or(DbError::Corrupt("runs.state"))?;
            let reason = reason.as_deref().and_then(RunReason::parse);
            Ok((parse("runs.export_id", &id)?, LastSlot { slot_at, queued_at, state, reason, is_made_up: later > 0 }))
        })
        .collect()
}
