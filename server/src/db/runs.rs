//! Runs as people see them: queued, looked at, asked to stop. How the engine takes up and moves a run is in
//! [`super::claims`]; its batches are in [`super::batches`].

use domain::id::{ConnectionId, ExportId, RunId};
use domain::paging::{Page, PageRequest};
use domain::run::{Counts, Resend, RowReason, Run, RunReason, RunState, Trigger};

use super::{DbError, Tx, circuits, parse, sql, values};

/// A run to be queued.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id: a UUID of version 7, so that ids follow the time.
    pub id: RunId,
    /// The export, with its name and the version of its settings.
    pub export: ExportId,
    /// The export's name.
    pub export_name: String,
    /// The version of its settings.
    pub settings_version: i64,
    /// The connection, and the account that it opens.
    pub connection: Option<(ConnectionId, String)>,
    /// What starts it.
    pub trigger: Trigger,
    /// Who starts it: an address.
    pub started_by: Option<String>,
    /// The slot that it stands for.
    pub slot_at: Option<i64>,
    /// The rows of an earlier run that it sends again, if it is to send only those.
    pub resend_of: Option<Resend>,
    /// The run whose unconfirmed rows it asks about, if that is all it does.
    pub recheck_of: Option<RunId>,
    /// The run that it goes on with.
    pub continues: Option<RunId>,
}

/// What came of queueing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// The run is queued.
    New(RunId),
    /// The export has an active run already: this one.
    Active(RunId),
}

impl Queued {
    /// The run that goes, new or not.
    pub fn run(self) -> RunId {
        match self {
            Self::New(id) | Self::Active(id) => id,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    export_id: String,
    export_name: String,
    started_because: String,
    started_by: Option<String>,
    state: String,
    reason: Option<String>,
    detail: Option<String>,
    waiting_until: Option<i64>,
    cancel_requested_at: Option<i64>,
    snapshot: Option<i64>,
    settings_version: i64,
    slot_at: Option<i64>,
    alarm: Option<String>,
    approved_by: Option<String>,
    resend_of: Option<String>,
    resend_reason: Option<String>,
    recheck_of: Option<String>,
    continues: Option<String>,
    lost_ledger: bool,
    members: i64,
    accepted: i64,
    unchanged: i64,
    rejected: i64,
    held: i64,
    unconfirmed: i64,
    tags_added: i64,
    tags_removed: i64,
    requests: i64,
    retries: i64,
    values_left_out: i64,
    queued_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

macro_rules! select_runs {
    ($rest:literal) => {
        concat!(
            "select id, export_id, export_name, started_because, started_by, state, reason, detail, waiting_until,
                cancel_requested_at, snapshot, settings_version, slot_at, alarm, approved_by, resend_of, resend_reason,
                recheck_of, continues, lost_ledger, members, accepted, unchanged, rejected, held, unconfirmed, tags_added, tags_removed, requests, retries,
                values_left_out, queued_at, started_at, finished_at
             from runs ",
            $rest
        )
    };
}

impl Row {
    fn run(self) -> Result<Run, DbError> {
        let count = |number: i64| values::unsigned("runs.counts", number);
        let counts = Counts {
            members: count(self.members)?,
            accepted: count(self.accepted)?,
            unchanged: count(self.unchanged)?,
            rejected: count(self.rejected)?,
            held: count(self.held)?,
            unconfirmed: count(self.unconfirmed)?,
            tags_added: count(self.tags_added)?,
            tags_removed: count(self.tags_removed)?,
            requests: count(self.requests)?,
            retries: count(self.retries)?,
            values_left_out: count(self.values_left_out)?,
        };
        let resend_of = match self.resend_of {
            None => None,
            Some(id) => {
                let name = self.resend_reason;
                let reason = name.map(|name| RowReason::parse(&name).ok_or(DbError::Corrupt("runs.resend_reason")));
                Some(Resend { of: parse("runs.resend_of", &id)?, reason: reason.transpose()? })
            }
        };
        let reason = self.reason.map(|name| RunReason::parse(&name).ok_or(DbError::Corrupt("runs.reason")));
        Ok(Run {
            id: parse("runs.id", &self.id)?,
            export: parse("runs.export_id", &self.export_id)?,
            export_name: self.export_name,
            trigger: Trigger::parse(&self.started_because).ok_or(DbError::Corrupt("runs.started_because"))?,
            started_by: self.started_by,
            state: RunState::parse(&self.state).ok_or(DbError::Corrupt("runs.state"))?,
            reason: reason.transpose()?,
            detail: self.detail,
            waiting_until: self.waiting_until,
            cancel_requested: self.cancel_requested_at.is_some(),
            snapshot: self.snapshot,
            settings_version: self.settings_version,
            slot_at: self.slot_at,
            alarm: self.alarm.map(|alarm| values::from_json("runs.alarm", &alarm)).transpose()?,
            approved_by: self.approved_by,
            resend_of,
            recheck_of: self.recheck_of.map(|id| parse("runs.recheck_of", &id)).transpose()?,
            continues: self.continues.map(|id| parse("runs.continues", &id)).transpose()?,
            lost_ledger: self.lost_ledger,
            counts,
            queued_at: self.queued_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }
}

/// Queues a run. While another run of the export is active, gives that one: the unique index decides, so that two
/// clicks, two replicas or a slot and a click make one run.
pub async fn queue(tx: &mut Tx, new: &NewRun, now: i64) -> Result<Queued, DbError> {
    let added = insert(tx, new, RunState::Queued, None, now).await?;
    if added {
        return Ok(Queued::New(new.id));
    }
    let active = active_of(tx, new.export).await?;
    active.map(Queued::Active).ok_or(DbError::Corrupt("runs.export_id"))
}

/// Queues a run for a slot; false if the slot is recorded already, or another run of the export is active.
pub async fn queue_slot(tx: &mut Tx, new: &NewRun, now: i64) -> Result<bool, DbError> {
    insert(tx, new, RunState::Queued, None, now).await
}

/// Records a slot that does not run. Does nothing if the slot is recorded already.
pub async fn record_skipped(tx: &mut Tx, new: &NewRun, reason: RunReason, now: i64) -> Result<bool, DbError> {
    insert(tx, new, RunState::Skipped, Some(reason), now).await
}

async fn insert(
    tx: &mut Tx,
    new: &NewRun,
    state: RunState,
    reason: Option<RunReason>,
    now: i64,
) -> Result<bool, DbError> {
    let (connection, brand) = new.connection.as_ref().map(|(id, brand)| (id.to_string(), brand.as_str())).unzip();
    let added = sql::execute!(
        tx,
        "insert into runs (id, export_id, export_name, connection_id, brand_id, started_because, started_by, state,
            reason, due_at, fence, recoveries, failures, progress_at, settings_version, has_ledger, slot_at, next_row,
            to_send, sent, tags_to_change, tags_changed, members, accepted, unchanged,
            rejected, held, unconfirmed, tags_added, tags_removed, requests, retries, queued_at, finished_at, resend_of,
            resend_reason, recheck_of, continues, number)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, $10, $11, $12, $13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, $10, $14, $15, $16, $17, $18,
            (select coalesce(max(number), 0) + 1 from runs where export_id = $2))
         on conflict do nothing",
        new.id.to_string(),
        new.export.to_string(),
        &new.export_name,
        connection,
        brand,
        new.trigger.as_str(),
        &new.started_by,
        state.as_str(),
        reason.map(RunReason::as_str),
        now,
        new.settings_version,
        false,
        new.slot_at,
        state.is_final().then_some(now),
        new.resend_of.map(|resend| resend.of.to_string()),
        new.resend_of.and_then(|resend| resend.reason).map(RowReason::as_str),
        new.recheck_of.map(|id| id.to_string()),
        new.continues.map(|id| id.to_string()),
    )?;
    Ok(added == 1)
}

/// One run.
pub async fn find(tx: &mut Tx, id: RunId) -> Result<Option<Run>, DbError> {
    sql::fetch_optional!(tx, Row, select_runs!("where id = $1"), id.to_string())?.map(Row::run).transpose()
}

/// The active run of an export.
pub async fn active_of(tx: &mut Tx, export: ExportId) -> Result<Option<RunId>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String,),
        "select id from runs where export_id = $1 and finished_at is null",
        export.to_string(),
    )?;
    row.map(|(id,)| parse("runs.id", &id)).transpose()
}

/// The runs of one export, or of all, newest first.
pub async fn list(tx: &mut Tx, export: Option<ExportId>, page: PageRequest) -> Result<Page<Run>, DbError> {
    let (size, offset) = (i64::from(page.size), i64::try_from(page.offset()).unwrap_or(i64::MAX));
    let (rows, total) = match export.map(|id| id.to_string()) {
        Some(export) => (
            sql::fetch_all!(
                tx,
                Row,
                select_runs!("where export_id = $1 order by number desc, id desc limit $2 offset $3"),
                &export,
                size,
                offset,
            )?,
            sql::fetch_one!(tx, (i64,), "select count(*) from runs where export_id = $1", &export)?.0,
        ),
        None => (
            sql::fetch_all!(
                tx,
                Row,
                select_runs!("order by queued_at desc, id desc limit $1 offset $2"),
                size,
                offset,
            )?,
            sql::fetch_one!(tx, (i64,), "select count(*) from runs")?.0,
        ),
    };
    let items = rows.into_iter().map(Row::run).collect::<Result<_, _>>()?;
    Ok(Page { items, page, total: values::unsigned("count", total)? })
}

/// The last run of each export that has one: the active one, else the one queued last. A slot that was skipped because
/// a run was active says nothing that this run does not say.
pub async fn last_runs(tx: &mut Tx) -> Result<Vec<Run>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        select_runs!(
            "where id in (
                select coalesce(
                    (select active.id from runs active
                     where active.export_id = exports.id and active.finished_at is null),
                    (select latest.id from runs latest
                     where latest.export_id = exports.id and coalesce(latest.reason, '') <> 'still_active'
                     order by latest.number desc, latest.id desc
                     limit 1))
                from exports)
             order by export_id"
        ),
    )?;
    rows.into_iter().map(Row::run).collect()
}

/// Asks a run to stop, or the one that goes on with it; false if it has ended. The engine stops sending at once, and takes up a waiting run to end it.
pub async fn request_cancel(tx: &mut Tx, id: RunId, now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs
         set cancel_requested_at = coalesce(cancel_requested_at, $2), due_at = case when due_at < $2 then due_at else $2 end
         where (id = $1 or continues = $1) and finished_at is null",
        id.to_string(),
        now,
    )?;
    Ok(changed == 1)
}

/// Runs that wait for the connection to be repaired go on at once: call it when its key has been replaced. What was
/// known of its destination is asked anew.
pub async fn go_on_with(tx: &mut Tx, connection: ConnectionId, now: i64) -> Result<u64, DbError> {
    circuits::close(tx, connection).await?;
    sql::execute!(
        tx,
        "update runs
         set due_at = $2, waiting_until = $2
         where connection_id = $1 and state = 'waiting' and reason <> 'approval'",
        connection.to_string(),
        now,
    )
}

/// The reasons of waiting that come from the address of a destination, or from the way there.
macro_rules! of_the_address {
    () => {
        "('not_the_destination', 'name_unknown', 'untrusted')"
    };
}

/// Runs that wait because of the address of their destination go on at once: call it when a process begins, because it may
/// have been given another address, or the machine repaired.
pub async fn go_on_at_the_address(tx: &mut Tx, now: i64) -> Result<u64, DbError> {
    sql::execute!(
        tx,
        concat!(
            "delete from circuits where connection_id in (select id from connections where needs_attention in ",
            of_the_address!(),
            ")"
        ),
    )?;
    sql::execute!(
        tx,
        concat!(
            "update runs
             set due_at = $1, waiting_until = $1
             where state = 'waiting' and reason in ",
            of_the_address!()
        ),
        now,
    )
}
