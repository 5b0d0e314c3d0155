//! What a run that does not go on may wait for, besides what stands in the run itself.

use domain::id::{ConnectionId, RunId};

use super::batches::BatchState;
use super::claims::is_under_way;
use super::{DbError, Tx, parse, sql};

/// The connection and the account that a run goes to; none where it was queued without.
pub async fn account(tx: &mut Tx, run: RunId) -> Result<Option<(ConnectionId, String)>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String, String),
        "select connection_id, brand_id from runs
         where id = $1 and connection_id is not null and brand_id is not null",
        run.to_string(),
    )?;
    row.map(|(id, brand)| Ok((parse("runs.connection_id", &id)?, brand))).transpose()
}

/// The run of the same account that goes before one that is queued, with the name of its export. The rule is that of
/// [`super::claims::claim`].
pub async fn ahead(tx: &mut Tx, run: RunId, brand: &str, now: i64) -> Result<Option<(RunId, String)>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String, String),
        concat!(
            "select id, export_name from runs other
             where brand_id = $2 and id <> $1 and finished_at is null and (lease_until > $3 or ",
            is_under_way!(),
            ")
             order by id
             limit 1"
        ),
        run.to_string(),
        brand,
        now,
    )?;
    row.map(|(id, name)| Ok((parse("runs.id", &id)?, name))).transpose()
}

/// A batch of contacts that an ended run has left without its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its id at the destination; none where no answer said it.
    pub id: Option<String>,
    /// When it was taken, or, where nobody knows, when its run ended.
    pub at: i64,
    /// Did its run wait for it as long as anybody does?
    pub is_given_up: bool,
}

/// The batches of contacts that the destination may still be working through though their runs have ended, as far as those
/// ended after an instant.
pub async fn left_open(tx: &mut Tx, brand: &str, since: i64) -> Result<Vec<Left>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (Option<String>, i64, String),
        "select batches.remote_id, coalesce(batches.sent_at, runs.finished_at), batches.state
         from batches
         join runs on runs.id = batches.run_id
         where runs.brand_id = $1 and runs.finished_at > $2 and batches.kind = 'upsert'
            and batches.state in ('sending', 'unknown', 'sent', 'unconfirmed')",
        brand,
        since,
    )?;
    let left = |(id, at, state)| Left { id, at, is_given_up: state == BatchState::Unconfirmed.as_str() };
    Ok(rows.into_iter().map(left).collect())
}

/// When an ended run of an account was last without an answer to a request for contacts whose batch got its outcome all the
/// same, from another answer; none where that never happened after an instant.
pub async fn last_doubt(tx: &mut Tx, brand: &str, since: i64) -> Result<Option<i64>, DbError> {
    let row = sql::fetch_one!(
        tx,
        (Option<i64>,),
        "select max(batches.doubted_at)
         from batches
         join runs on runs.id = batches.run_id
         where runs.brand_id = $1 and runs.finished_at > $2 and batches.kind = 'upsert'
            and batches.state in ('settled', 'refused', 'split') and batches.doubted_at > $2",
        brand,
        since,
    )?;
    Ok(row.0)
}
