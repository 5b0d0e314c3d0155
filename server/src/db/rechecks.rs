//! Asking again about batches of an ended run of which nobody knows what became.

use domain::id::RunId;

use super::batches::{Batch, Row, batches_where};
use super::{DbError, Tx, parse, sql};

/// The batches of a run that a destination can be asked about: it took them, and never said what became of them. Not
/// those that share their id with another one: whose rows an answer would be about is not known.
pub async fn askable(tx: &mut Tx, run: RunId) -> Result<Vec<Batch>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        batches_where!(
            "run_id = $1 and kind = 'upsert' and state in ('sent', 'unconfirmed') and remote_id is not null
                and sent_at is not null and not exists (
                    select 1 from batches other
                    where other.run_id = batches.run_id and other.seq <> batches.seq
                        and other.remote_id = batches.remote_id)
             order by seq"
        ),
        run.to_string(),
    )?;
    rows.into_iter().map(Row::batch).collect()
}

/// Can it be asked about the unconfirmed rows of a run? Not once a later run has left a ledger for the account, because
/// that one has sent those rows again; nor once the batches are gone.
pub async fn is_askable(tx: &mut Tx, run: RunId) -> Result<bool, DbError> {
    let found = sql::fetch_optional!(
        tx,
        (String,),
        "select id from runs
         where id = $1 and finished_at is not null and unconfirmed > 0 and has_ledger and not exists (
            select 1 from runs newer
            where newer.export_id = runs.export_id and newer.brand_id = runs.brand_id and newer.has_ledger
                and newer.number > runs.number)",
        run.to_string(),
    )?;
    Ok(found.is_some() && !askable(tx, run).await?.is_empty())
}

/// The last run that asked again about the rows of this one.
pub async fn newest_of(tx: &mut Tx, run: RunId) -> Result<Option<RunId>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String,),
        "select id from runs where recheck_of = $1 order by number desc limit 1",
        run.to_string(),
    )?;
    row.map(|(id,)| parse("runs.id", &id)).transpose()
}
