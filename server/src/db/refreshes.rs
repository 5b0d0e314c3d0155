//! Refreshes of data sources, and with them the profile snapshots: a snapshot is there once its refresh is successful.
//!
//! A running refresh holds a lease that its process prolongs. One whose lease has passed was broken off.

use std::collections::HashMap;

use app::services::{Refresh, RefreshState};
use domain::attribute::Attribute;
use domain::id::SourceId;
use domain::source::ImportReport;

use super::{DbError, Tx, parse, sql, values};

/// A profile snapshot that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its number; the newest has the highest.
    pub number: i64,
    /// The columns.
    pub attributes: Vec<Attribute>,
    /// How many profiles.
    pub profiles: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    source_id: Option<String>,
    state: String,
    fault: Option<String>,
    report: String,
    started_at: i64,
    finished_at: Option<i64>,
}

impl Row {
    fn refresh(self) -> Result<Refresh, DbError> {
        let state = match self.state.as_str() {
            "refreshing" => RefreshState::Refreshing,
            "successful" => RefreshState::Successful,
            "failed" => RefreshState::Failed,
            _ => return Err(DbError::Corrupt("refreshes.state")),
        };
        Ok(Refresh {
            snapshot: (state == RefreshState::Successful).then_some(self.number),
            state,
            fault: self.fault,
            report: values::from_json("refreshes.report", &self.report)?,
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }
}

/// The number for the next profile snapshot. Given once, whatever becomes of the refresh.
pub async fn next_number(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(sql::fetch_one!(tx, (i64,), "update snapshot_counter set last = last + 1 where id = 1 returning last")?.0)
}

/// Records that a refresh has begun. [`DbError::Duplicate`] while another one of this data source has not ended.
pub async fn begin(tx: &mut Tx, number: i64, source: SourceId, now: i64, lease_until: i64) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into refreshes (number, source_id, state, report, lease_until, started_at)
         values ($1, $2, 'refreshing', $3, $4, $5)",
        number,
        source.to_string(),
        values::to_json("refreshes.report", &ImportReport::default())?,
        lease_until,
        now,
    )?;
    Ok(())
}

/// The number of the refresh of this data source that has not ended.
pub async fn running(tx: &mut Tx, source: SourceId) -> Result<Option<i64>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (i64,),
        "select number from refreshes where source_id = $1 and state = 'refreshing'",
        source.to_string(),
    )?;
    Ok(row.map(|(number,)| number))
}

/// Records how far a refresh is and prolongs its lease. False when somebody has given it up meanwhile.
pub async fn progress(tx: &mut Tx, number: i64, report: &ImportReport, lease_until: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update refreshes set report = $2, lease_until = $3 where number = $1 and state = 'refreshing'",
        number,
        values::to_json("refreshes.report", report)?,
        lease_until,
    )?;
    Ok(changed == 1)
}

/// Records that the snapshot is there; it becomes that of the profiles if its data source is the customer table at this
/// moment. False when somebody has given the refresh up meanwhile.
pub async fn succeed(
    tx: &mut Tx,
    number: i64,
    report: &ImportReport,
    attributes: &[Attribute],
    now: i64,
) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update refreshes
         set state = 'successful', report = $2, attributes = $3, profiles = $4, finished_at = $5,
            feeds_profiles = exists (
                select 1 from sources where sources.id = refreshes.source_id and sources.is_customer_table)
         where number = $1 and state = 'refreshing'",
        number,
        values::to_json("refreshes.report", report)?,
        values::to_json("refreshes.attributes", &attributes)?,
        i64::try_from(report.accepted).unwrap_or(i64::MAX),
        now,
    )?;
    Ok(changed == 1)
}

/// Records that a refresh came to nothing. False when it had ended already.
pub async fn fail(tx: &mut Tx, number: i64, fault: &str, now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update refreshes
         set state = 'failed', fault = $2, finished_at = $3
         where number = $1 and state = 'refreshing'",
        number,
        fault,
        now,
    )?;
    Ok(changed == 1)
}

/// Marks every refresh whose process is gone as failed; gives how many.
pub async fn fail_abandoned(tx: &mut Tx, now: i64) -> Result<u64, DbError> {
    sql::execute!(
        tx,
        "update refreshes
         set state = 'failed', fault = 'storage', finished_at = $1
         where state = 'refreshing' and lease_until < $1",
        now,
    )
}

/// One refresh by the number of its snapshot.
pub async fn find(tx: &mut Tx, number: i64) -> Result<Option<Refresh>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select number, source_id, state, fault, report, started_at, finished_at from refreshes where number = $1",
        number,
    )?;
    row.map(Row::refresh).transpose()
}

/// The number of the last refresh of a data source.
pub async fn last_number(tx: &mut Tx, source: SourceId) -> Result<Option<i64>, DbError> {
    let row = sql::fetch_one!(
        tx,
        (Option<i64>,),
        "select max(number) from refreshes where source_id = $1",
        source.to_string(),
    )?;
    Ok(row.0)
}

/// The last refresh of each data source that has one.
pub async fn last(tx: &mut Tx) -> Result<HashMap<SourceId, Refresh>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        "select number, source_id, state, fault, report, started_at, finished_at
         from refreshes
         where number in (select max(number) from refreshes where source_id is not null group by source_id)",
    )?;
    let mut found = HashMap::new();
    for row in rows {
        let Some(source) = row.source_id.clone() else { continue };
        found.insert(parse("refreshes.source_id", &source)?, row.refresh()?);
    }
    Ok(found)
}

/// The newest profile snapshot; none while no refresh was successful.
pub async fn newest_snapshot(tx: &mut Tx) -> Result<Option<Snapshot>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (i64, String, i64),
        "select number, attributes, profiles
         from refreshes
         where state = 'successful' and feeds_profiles
         order by number desc
         limit 1",
    )?;
    let Some((number, attributes, profiles)) = row else { return Ok(None) };
    Ok(Some(Snapshot {
        number,
        attributes: values::from_json("refreshes.attributes", &attributes)?,
        profiles: values::unsigned("refreshes.profiles", profiles)?,
    }))
}
