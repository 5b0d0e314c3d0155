//! The engine's hold on runs: taking one up, keeping it, moving it on. How one ends is in [`super::endings`].
//!
//! Whoever takes a run up gets a lease and a higher fence. Every change here and in [`super::batches`] names the fence:
//! a worker that was too slow, and whose run another one has taken up, changes nothing any more.

use domain::id::{ConnectionId, ExportId, RunId};
use domain::run::{Counts, RunReason, RunState, Trigger};

use super::{DbError, Topic, Tx, parse, sql, values};

/// A run that somebody works on, with what it goes on from.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The run.
    pub run: RunId,
    /// Its export.
    pub export: ExportId,
    /// Names this taking-up in every change.
    pub fence: i64,
    /// The state that it goes on with.
    pub state: RunState,
    /// What started it.
    pub trigger: Trigger,
    /// Somebody has asked it to stop.
    pub cancel_requested: bool,
    /// Takings-up after a break-off since it last got on.
    pub recoveries: i64,
    /// Requests that failed in a row.
    pub failures: i64,
    /// When it last got on.
    pub progress_at: i64,
    /// What it works with; none before it is prepared.
    pub settings: Option<String>,
    /// The snapshot that it reads; none before it is prepared.
    pub snapshot: Option<i64>,
    /// The account that it writes to.
    pub brand: Option<String>,
    /// The run whose ledger the plan is the difference to.
    pub ledger_of: Option<RunId>,
    /// The first row of the plan that has no batch yet.
    pub next_row: u64,
    /// The run whose unconfirmed rows it asks about, if that is all it does.
    pub recheck_of: Option<RunId>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    export_id: String,
    fence: i64,
    state: String,
    started_because: String,
    cancel_requested_at: Option<i64>,
    recoveries: i64,
    failures: i64,
    progress_at: i64,
    settings: Option<String>,
    snapshot: Option<i64>,
    brand_id: Option<String>,
    ledger_of: Option<String>,
    next_row: i64,
    recheck_of: Option<String>,
}

impl Row {
    fn claim(self) -> Result<Claim, DbError> {
        Ok(Claim {
            run: parse("runs.id", &self.id)?,
            export: parse("runs.export_id", &self.export_id)?,
            fence: self.fence,
            state: RunState::parse(&self.state).ok_or(DbError::Corrupt("runs.state"))?,
            trigger: Trigger::parse(&self.started_because).ok_or(DbError::Corrupt("runs.started_because"))?,
            cancel_requested: self.cancel_requested_at.is_some(),
            recoveries: self.recoveries,
            failures: self.failures,
            progress_at: self.progress_at,
            settings: self.settings,
            snapshot: self.snapshot,
            brand: self.brand_id,
            ledger_of: self.ledger_of.map(|id| parse("runs.ledger_of", &id)).transpose()?,
            next_row: values::unsigned("runs.next_row", self.next_row)?,
            recheck_of: self.recheck_of.map(|id| parse("runs.recheck_of", &id)).transpose()?,
        })
    }
}

/// Has another run begun, and does it not wait for a person? Then it goes before those of its account that are queued.
macro_rules! is_under_way {
    () => {
        "(other.state in ('preparing', 'sending', 'settling', 'tagging')
            or other.state = 'waiting' and other.reason not in (
                'approval', 'key_refused', 'permission_missing', 'plan_exceeded', 'interface_retired'))"
    };
}
pub(super) use is_under_way;

/// Takes up the run that has been due longest, if there is one: queued, waited long enough, released by a process that
/// ended, or left behind by one that broke off.
///
/// One run of an account at a time, so that no contact is written twice at once and changes arrive in order: a run
/// that has begun goes before those that are queued, unless it waits for a person. A run that is to be cancelled only
/// has to be closed, and is taken up in any case.
pub async fn claim(tx: &mut Tx, owner: &str, now: i64, lease_until: i64) -> Result<Option<Claim>, DbError> {
    tx.lock(Topic::Claims).await?;
    let due = sql::fetch_optional!(
        tx,
        (String,),
        concat!(
            "select id from runs
             where finished_at is null and due_at <= $1 and (lease_until is null or lease_until <= $1)
                and (cancel_requested_at is not null or not exists (
                    select 1 from runs other
                    where other.brand_id = runs.brand_id and other.id <> runs.id and other.finished_at is null
                        and (other.lease_until > $1
                            or (runs.state = 'queued' or other.id < runs.id) and ",
            is_under_way!(),
            ")))
             order by due_at, id
             limit 1"
        ),
        now,
    )?;
    let Some((id,)) = due else { return Ok(None) };
    let row = sql::fetch_one!(
        tx,
        Row,
        "update runs
         set lease_owner = $2, lease_until = $4, fence = fence + 1,
            recoveries = recoveries + case when lease_owner is null then 0 else 1 end,
            progress_at = case when state in ('queued', 'waiting') then $3 else progress_at end,
            started_at = coalesce(started_at, $3),
            state = case state when 'queued' then 'preparing' when 'waiting' then goes_on_with else state end,
            goes_on_with = null, waiting_until = null, reason = null, detail = null
         where id = $1
         returning id, export_id, fence, state, started_because, cancel_requested_at, recoveries, failures, progress_at,
            settings, snapshot, brand_id, ledger_of, next_row, recheck_of",
        &id,
        owner,
        now,
        lease_until,
    )?;
    row.claim().map(Some)
}

/// Ends the leases of processes that are known to be gone, so that their runs are taken up at once.
pub async fn end_leases(tx: &mut Tx) -> Result<u64, DbError> {
    sql::execute!(tx, "update runs set lease_until = 0 where lease_owner is not null")
}

/// When the next run is due, if any is active.
pub async fn next_due(tx: &mut Tx) -> Result<Option<i64>, DbError> {
    let row = sql::fetch_one!(
        tx,
        (Option<i64>,),
        "select min(case when lease_until > due_at then lease_until else due_at end) from runs where finished_at is null",
    )?;
    Ok(row.0)
}

/// Renews the lease; false when the run has been taken up by somebody else, or is gone.
pub async fn renew(tx: &mut Tx, run: RunId, fence: i64, lease_until: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs set lease_until = $3 where id = $1 and fence = $2 and lease_owner is not null",
        run.to_string(),
        fence,
        lease_until,
    )?;
    Ok(changed == 1)
}

/// What somebody else may have changed about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The newest fence.
    pub fence: i64,
    /// Somebody has asked it to stop.
    pub cancel_requested: bool,
    /// The connection that its export has now.
    pub connection: Option<ConnectionId>,
}

/// How a run stands; `None` when it is gone with its export.
pub async fn standing(tx: &mut Tx, run: RunId) -> Result<Option<Standing>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (i64, Option<i64>, Option<String>),
        "select runs.fence, runs.cancel_requested_at, exports.connection_id
         from runs
         join exports on exports.id = runs.export_id
         where runs.id = $1",
        run.to_string(),
    )?;
    row.map(|(fence, cancel, connection)| {
        let connection = connection.map(|id| parse("exports.connection_id", &id)).transpose()?;
        Ok(Standing { fence, cancel_requested: cancel.is_some(), connection })
    })
    .transpose()
}

/// What a run is prepared with.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The connection and the account that it opens.
    pub connection: (ConnectionId, String),
    /// The snapshot that it reads.
    pub snapshot: i64,
    /// JSON of what it works with.
    pub settings: String,
    /// The version of the export's settings.
    pub settings_version: i64,
}

/// Fixes what the run works with, and gives the run whose ledger its plan is the difference to: the last one of the
/// export that wrote one for the same account.
pub async fn prepare(tx: &mut Tx, run: RunId, fence: i64, with: &Prepared) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs
         set connection_id = $3, brand_id = $4, snapshot = $5, settings = $6, settings_version = $7,
            ledger_of = (
                select earlier.id from runs earlier
                where earlier.export_id = runs.export_id and earlier.brand_id = $4 and earlier.has_ledger
                order by earlier.number desc
                limit 1)
         where id = $1 and fence = $2 and lease_owner is not null",
        run.to_string(),
        fence,
        with.connection.0.to_string(),
        &with.connection.1,
        with.snapshot,
        &with.settings,
        with.settings_version,
    )?;
    Ok(changed == 1)
}

/// Notes that the run goes to another account than it was queued for.
pub async fn redirect(tx: &mut Tx, run: RunId, fence: i64, to: &(ConnectionId, String)) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs set connection_id = $3, brand_id = $4
         where id = $1 and fence = $2 and lease_owner is not null",
        run.to_string(),
        fence,
        to.0.to_string(),
        &to.1,
    )?;
    Ok(changed == 1)
}

/// The file of a ledger is gone: no plan is the difference to it any more. The run keeps that this is why it sends everybody.
pub async fn forget_ledger(tx: &mut Tx, run: RunId, fence: i64, of: RunId) -> Result<(), DbError> {
    sql::execute!(tx, "update runs set has_ledger = $2 where id = $1", of.to_string(), false)?;
    sql::execute!(
        tx,
        "update runs set ledger_of = null, lost_ledger = $3 where id = $1 and fence = $2 and lease_owner is not null",
        run.to_string(),
        fence,
        true,
    )?;
    Ok(())
}

/// The run whose ledger the plan is the difference to, as [`prepare`] chose it.
pub async fn ledger_of(tx: &mut Tx, run: RunId) -> Result<Option<RunId>, DbError> {
    let row = sql::fetch_one!(tx, (Option<String>,), "select ledger_of from runs where id = $1", run.to_string())?;
    row.0.map(|id| parse("runs.ledger_of", &id)).transpose()
}

/// The newest ledgers that other exports have left for an account.
pub async fn other_ledgers(tx: &mut Tx, brand: &str, export: ExportId) -> Result<Vec<(ExportId, RunId)>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, String),
        "select export_id, id from runs
         where brand_id = $1 and export_id <> $2 and has_ledger and not exists (
            select 1 from runs newer
            where newer.export_id = runs.export_id and newer.brand_id = runs.brand_id and newer.has_ledger
                and newer.number > runs.number)
         order by export_id",
        brand,
        export.to_string(),
    )?;
    rows.iter().map(|(export, run)| Ok((parse("runs.export_id", export)?, parse("runs.id", run)?))).collect()
}

/// What a run works with, if it has been prepared.
pub async fn settings(tx: &mut Tx, run: RunId) -> Result<Option<String>, DbError> {
    let row = sql::fetch_optional!(tx, (Option<String>,), "select settings from runs where id = $1", run.to_string())?;
    Ok(row.and_then(|(settings,)| settings))
}

/// How far the plan is cut into batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The first row that has no batch yet.
    pub next_row: u64,
    /// The run whose ledger the plan is the difference to.
    pub ledger_of: Option<RunId>,
}

/// How far the plan of a run is cut into batches.
pub async fn places(tx: &mut Tx, run: RunId) -> Result<Places, DbError> {
    let (row,) = sql::fetch_one!(tx, (i64,), "select next_row from runs where id = $1", run.to_string())?;
    Ok(Places { next_row: values::unsigned("runs.next_row", row)?, ledger_of: ledger_of(tx, run).await? })
}

/// The plan is on disk: the run goes on with sending.
pub async fn planned(
    tx: &mut Tx,
    run: RunId,
    fence: i64,
    counts: &Counts,
    to_send: u64,
    tags_to_change: u64,
    now: i64,
) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs
         set state = 'sending', members = $3, unchanged = $4, rejected = $5, held = $6, to_send = $7,
            tags_to_change = $8, values_left_out = $9, progress_at = $10, recoveries = 0
         where id = $1 and fence = $2 and state = 'preparing' and lease_owner is not null",
        run.to_string(),
        fence,
        count(counts.members),
        count(counts.unchanged),
        count(counts.rejected),
        count(counts.held),
        count(to_send),
        count(tags_to_change),
        count(counts.values_left_out),
        now,
    )?;
    Ok(changed == 1)
}

/// Lets go of a run that goes on when something outside has changed.
pub async fn wait(
    tx: &mut Tx,
    run: RunId,
    fence: i64,
    reason: RunReason,
    detail: &str,
    until: i64,
    failures: i64,
) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs
         set goes_on_with = state, state = 'waiting', reason = $3, detail = $4, waiting_until = $5,
            due_at = case when cancel_requested_at is null then $5 else 0 end,
            failures = $6, lease_owner = null, lease_until = null
         where id = $1 and fence = $2 and state in ('preparing', 'sending', 'settling', 'tagging')",
        run.to_string(),
        fence,
        reason.as_str(),
        (!detail.is_empty()).then_some(detail),
        until,
        failures,
    )?;
    Ok(changed == 1)
}

/// Lets go of a run that anybody may take up at once: this process ends.
pub async fn release(tx: &mut Tx, run: RunId, fence: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs set lease_owner = null, lease_until = null
         where id = $1 and fence = $2 and finished_at is null",
        run.to_string(),
        fence,
    )?;
    Ok(changed == 1)
}

/// Lets go of a run that `owner` may have taken up without having learned it. The fence alone would not do: where that
/// came to nothing, somebody else may have the run with the same one.
pub async fn give_back(tx: &mut Tx, run: RunId, fence: i64, owner: &str) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs set lease_owner = null, lease_until = null
         where id = $1 and fence = $2 and lease_owner = $3 and finished_at is null",
        run.to_string(),
        fence,
        owner,
    )?;
    Ok(changed == 1)
}

/// A count as the database keeps it.
pub(in crate::db) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
