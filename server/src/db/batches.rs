//! The batches of a run: the contacts or tag changes of one request each. They are written by
//! [`super::checkpoints`].

use std::collections::HashMap;
use std::ops::Range;

use domain::id::RunId;
use domain::run::RowReason;
use rangemap::RangeSet;

use super::claims::count;
use super::{DbError, Tx, sql, values};

/// What the request of a batch does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Writes contacts.
    Upsert,
    /// Adds a tag.
    AddTag(String),
    /// Removes a tag.
    RemoveTag(String),
}

/// The state of a batch; see `migrations/sqlite/0006_runs.sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchState {
    /// To be sent, or sent again: it is known not to have been taken.
    Planned,
    /// Its request may be on its way.
    Sending,
    /// Sent, and no answer says what became of it: to be sent again, which is harmless. It stays so until a request for it
    /// is taken.
    Unknown,
    /// Taken; the destination works through it.
    Sent,
    /// Every row has its outcome.
    Settled,
    /// Its only row is refused.
    Refused,
    /// Its rows are in other batches now.
    Split,
    /// Given up on: the destination never said what became of it.
    Unconfirmed,
}

impl BatchState {
    const ALL: [Self; 8] = [
        Self::Planned,
        Self::Sending,
        Self::Unknown,
        Self::Sent,
        Self::Settled,
        Self::Refused,
        Self::Split,
        Self::Unconfirmed,
    ];

    pub(in crate::db) fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::Split => "split",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// The contacts or tag changes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number in the run, from 0.
    pub seq: u64,
    /// What its request does.
    pub kind: Kind,
    /// The first row of the plan (or number of the tag's changes).
    pub first_row: u64,
    /// How many rows.
    pub row_count: u64,
    /// Its rows, where they do not follow each other.
    pub picked: Option<Vec<u64>>,
    /// How it stands.
    pub state: BatchState,
    /// Requests sent for it.
    pub attempts: u64,
    /// How often its rows have come back untaken.
    pub returns: u64,
    /// Its id at the destination.
    pub remote_id: Option<String>,
    /// Not sent before.
    pub due_at: i64,
    /// When it was taken.
    pub sent_at: Option<i64>,
    /// The database does not hold it yet.
    pub is_new: bool,
    /// When a request for it was last without an answer: the destination may have taken that one too, so that no answer to
    /// another one alone says that nothing arrived, or that nothing more is worked through.
    pub doubted_at: Option<i64>,
}

impl Batch {
    /// A batch that has not been sent, of rows in order.
    pub fn of(seq: u64, kind: Kind, rows: Vec<u64>, returns: u64, due_at: i64) -> Self {
        let first_row = rows.first().copied().unwrap_or_default();
        let row_count = rows.len() as u64;
        let is_whole = rows.last().is_none_or(|last| last - first_row + 1 == row_count);
        Self {
            seq,
            kind,
            first_row,
            row_count,
            picked: (!is_whole).then_some(rows),
            state: BatchState::Planned,
            attempts: 0,
            returns,
            remote_id: None,
            due_at,
            sent_at: None,
            is_new: true,
            doubted_at: None,
        }
    }

    /// Its rows in order.
    pub fn rows(&self) -> Vec<u64> {
        match &self.picked {
            Some(picked) => picked.clone(),
            None => (self.first_row..self.first_row + self.row_count).collect(),
        }
    }

    /// Its rows as ranges.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        match &self.picked {
            Some(picked) => picked.iter().map(|row| *row..row + 1).collect(),
            None => std::iter::once(self.first_row..self.first_row + self.row_count).collect(),
        }
    }
}

/// One refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The row of the plan.
    pub row: u64,
    /// Why.
    pub reason: RowReason,
    /// What the destination said, without addresses.
    pub detail: String,
}

#[derive(sqlx::FromRow)]
pub(in crate::db) struct Row {
    seq: i64,
    kind: String,
    tag: Option<String>,
    first_row: i64,
    row_count: i64,
    picked: Option<String>,
    state: String,
    attempts: i64,
    returns: i64,
    remote_id: Option<String>,
    due_at: i64,
    sent_at: Option<i64>,
    doubted_at: Option<i64>,
}

impl Row {
    pub(in crate::db) fn batch(self) -> Result<Batch, DbError> {
        let kind = match (self.kind.as_str(), self.tag) {
            ("upsert", None) => Kind::Upsert,
            ("add_tag", Some(tag)) => Kind::AddTag(tag),
            ("remove_tag", Some(tag)) => Kind::RemoveTag(tag),
            _ => return Err(DbError::Corrupt("batches.kind")),
        };
        let state = BatchState::ALL.into_iter().find(|state| state.as_str() == self.state);
        Ok(Batch {
            seq: values::unsigned("batches.seq", self.seq)?,
            kind,
            first_row: values::unsigned("batches.first_row", self.first_row)?,
            row_count: values::unsigned("batches.row_count", self.row_count)?,
            picked: self.picked.map(|text| values::from_json("batches.picked", &text)).transpose()?,
            state: state.ok_or(DbError::Corrupt("batches.state"))?,
            attempts: values::unsigned("batches.attempts", self.attempts)?,
            returns: values::unsigned("batches.returns", self.returns)?,
            remote_id: self.remote_id,
            due_at: self.due_at,
            sent_at: self.sent_at,
            is_new: false,
            doubted_at: self.doubted_at,
        })
    }
}

/// The text of a query for whole batches, [`Row`]s, with what follows "where".
macro_rules! batches_where {
    ($rest:literal) => {
        concat!(
            "select seq, kind, tag, first_row, row_count, picked, state, attempts, returns, remote_id, due_at, sent_at,
                doubted_at
             from batches
             where ",
            $rest
        )
    };
}
pub(super) use batches_where;

/// The batches of a run that are neither settled nor split, by number.
pub async fn unsettled(tx: &mut Tx, run: RunId) -> Result<Vec<Batch>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        batches_where!("run_id = $1 and state <> 'settled' and state <> 'split' order by seq"),
        run.to_string(),
    )?;
    rows.into_iter().map(Row::batch).collect()
}

/// The batches of contacts of a run whose rows may have been taken whatever became of them: a request was without an
/// answer, or an earlier batch of theirs was taken and came back without their outcome.
pub async fn doubted(tx: &mut Tx, run: RunId) -> Result<Vec<Batch>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        batches_where!("run_id = $1 and kind = 'upsert' and (doubted_at is not null or returns > 0) order by seq"),
        run.to_string(),
    )?;
    rows.into_iter().map(Row::batch).collect()
}

/// The number of the next batch of a run.
pub async fn next_seq(tx: &mut Tx, run: RunId) -> Result<u64, DbError> {
    let row = sql::fetch_one!(
        tx,
        (i64,),
        "select coalesce(max(seq) + 1, 0) from batches where run_id = $1",
        run.to_string(),
    )?;
    values::unsigned("batches.seq", row.0)
}

/// The tag changes that are in batches, by what is done with which tag.
pub type TagRows = HashMap<Kind, RangeSet<u64>>;

/// Batches that are read at once: a list of picked rows takes some kilobytes.
const READ: i64 = 500;

/// The tag changes of a run that are in batches, whatever became of those. The halves of a split one stand for it.
pub async fn tag_rows(tx: &mut Tx, run: RunId) -> Result<TagRows, DbError> {
    let (mut found, mut after) = (TagRows::new(), -1);
    loop {
        let rows = sql::fetch_all!(
            tx,
            Row,
            batches_where!("run_id = $1 and kind <> 'upsert' and state <> 'split' and seq > $2 order by seq limit $3"),
            run.to_string(),
            after,
            READ,
        )?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.seq;
        for row in rows {
            let batch = row.batch()?;
            let ranges = batch.ranges().into_iter().filter(|range| !range.is_empty());
            found.entry(batch.kind.clone()).or_default().extend(ranges);
        }
    }
}

/// The rows whose contacts may not be at the destination: refused, or never confirmed.
pub async fn failed_rows(tx: &mut Tx, run: RunId) -> Result<Vec<u64>, DbError> {
    let refused = sql::fetch_all!(tx, (i64,), "select plan_row from refused_rows where run_id = $1", run.to_string())?;
    let mut rows: Vec<u64> =
        refused.into_iter().map(|(row,)| values::unsigned("refused_rows.plan_row", row)).collect::<Result<_, _>>()?;
    for batch in unsettled(tx, run).await? {
        if batch.kind == Kind::Upsert && batch.state == BatchState::Unconfirmed {
            rows.extend(batch.rows());
        }
    }
    Ok(rows)
}

/// Refused rows of a run from a row on, in order.
pub async fn refused_from(tx: &mut Tx, run: RunId, from: u64, limit: u32) -> Result<Vec<RefusedRow>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (i64, String, String),
        "select plan_row, reason, detail from refused_rows where run_id = $1 and plan_row >= $2 order by plan_row limit $3",
        run.to_string(),
        count(from),
        i64::from(limit),
    )?;
    rows.into_iter()
        .map(|(row, reason, detail)| {
            let reason = RowReason::parse(&reason).ok_or(DbError::Corrupt("refused_rows.reason"))?;
            Ok(RefusedRow { row: values::unsigned("refused_rows.plan_row", row)?, reason, detail })
        })
        .collect()
}

/// How long the batches of an ended run are kept, and its plan with them: 30 days, in microseconds.
pub const KEPT_AFTER_END: i64 = 30 * 24 * 3600 * 1_000_000;

/// Forgets the batches of runs that ended before an instant: their outcome stands in the files of the runs.
pub async fn forget(tx: &mut Tx, before: i64) -> Result<u64, DbError> {
    let rows = sql::execute!(
        tx,
        "delete from refused_rows where run_id in (select id from runs where finished_at < $1)",
        before,
    )?;
    let batches =
        sql::execute!(tx, "delete from batches where run_id in (select id from runs where finished_at < $1)", before)?;
    Ok(rows + batches)
}
