//! Runs that are held until a person has looked at them: what they are compared with, why they are held, who let them
//! go on. What is unusual is decided in [`domain::brake`].

use domain::brake::{Alarm, Past, RUNS};
use domain::id::{ExportId, RunId};

use super::{DbError, Tx, sql, values};

/// The last runs of an export that delivered everybody's rows to an account, newest first: what is usual for it.
pub async fn history(tx: &mut Tx, export: ExportId, brand: &str) -> Result<Vec<Past>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (i64, Option<i64>, Option<i64>),
        "select members, joiners, leavers
         from runs
         where export_id = $1 and brand_id = $2 and state in ('successful', 'completed_with_errors')
            and resend_of is null and recheck_of is null
         order by number desc
         limit $3",
        export.to_string(),
        brand,
        i64::try_from(RUNS).unwrap_or(i64::MAX),
    )?;
    let count = |number: Option<i64>| number.map(|number| values::unsigned("runs.joiners", number)).transpose();
    rows.into_iter()
        .map(|(members, joiners, leavers)| {
            let members = values::unsigned("runs.members", members)?;
            Ok(Past { members, joiners: count(joiners)?, leavers: count(leavers)? })
        })
        .collect()
}

/// What was found of the run that another one goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continued {
    /// Those who joined with it; none where everybody was new.
    pub joiners: Option<u64>,
    /// Those who left with it.
    pub leavers: u64,
    /// Did somebody approve it, and does the other one read the same profiles with the same settings?
    pub is_approved: bool,
}

/// What was found of the run that this one goes on with, if it does.
pub async fn continued(tx: &mut Tx, run: RunId) -> Result<Option<Continued>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (Option<i64>, Option<i64>, bool),
        "select before.joiners, before.leavers,
            coalesce(before.approved_at is not null and before.snapshot = runs.snapshot
                and before.settings_version = runs.settings_version, false)
         from runs
         join runs before on before.id = runs.continues
         where runs.id = $1",
        run.to_string(),
    )?;
    let count = |number: i64| values::unsigned("runs.joiners", number);
    row.map(|(joiners, leavers, is_approved)| {
        Ok(Continued { joiners: joiners.map(count).transpose()?, leavers: count(leavers.unwrap_or(0))?, is_approved })
    })
    .transpose()
}

/// What is kept of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    /// Those who join; none for the first one for the account, for which everybody is new.
    pub joiners: Option<u64>,
    /// Those who leave.
    pub leavers: u64,
    /// People whose subscription status it sends.
    pub statuses: u64,
}

/// Keeps what a plan is about to do, and why it is held, if it is; in the transaction in which the plan is recorded.
pub async fn record(
    tx: &mut Tx,
    run: RunId,
    fence: i64,
    planned: &Planned,
    alarm: Option<&Alarm>,
) -> Result<bool, DbError> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let changed = sql::execute!(
        tx,
        "update runs set joiners = $3, leavers = $4, alarm = $5, statuses = $6
         where id = $1 and fence = $2 and lease_owner is not null",
        run.to_string(),
        fence,
        planned.joiners.map(count),
        count(planned.leavers),
        alarm.map(|alarm| values::to_json("runs.alarm", alarm)).transpose()?,
        count(planned.statuses),
    )?;
    Ok(changed == 1)
}

/// Is the run held, and has nobody approved it yet?
pub async fn is_held(tx: &mut Tx, run: RunId) -> Result<bool, DbError> {
    let held = sql::fetch_optional!(
        tx,
        (String,),
        "select id from runs where id = $1 and alarm is not null and approved_at is null",
        run.to_string(),
    )?;
    Ok(held.is_some())
}

/// Lets a held run go on at once. False when it is not waiting for that (any more).
pub async fn approve(tx: &mut Tx, run: RunId, by: &str, now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs
         set approved_at = $3, approved_by = $2, due_at = $3, waiting_until = $3
         where id = $1 and state = 'waiting' and reason = 'approval' and approved_at is null
            and cancel_requested_at is null",
        run.to_string(),
        by,
        now,
    )?;
    Ok(changed == 1)
}

/// Has a run of the export that somebody let go on sent subscription statuses before?
pub async fn has_sent_statuses(tx: &mut Tx, export: ExportId) -> Result<bool, DbError> {
    let sent = sql::fetch_optional!(
        tx,
        (String,),
        "select id from runs where export_id = $1 and statuses > 0 and sent > 0 limit 1",
        export.to_string(),
    )?;
    Ok(sent.is_some())
}

/// Counts requests that were made before the plan.
pub async fn count_requests(tx: &mut Tx, run: RunId, fence: i64, requests: u64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs set requests = requests + $3 where id = $1 and fence = $2 and lease_owner is not null",
        run.to_string(),
        fence,
        i64::try_from(requests).unwrap_or(i64::MAX),
    )?;
    Ok(changed == 1)
}
