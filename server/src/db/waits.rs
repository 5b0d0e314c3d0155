//! What a run that does not go on may wait for, besides what stands in the run itself.

use domain::id::{ConnectionId, RunId};

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
        "select id, export_name from runs
         where brand_id = $2 and id <> $1 and finished_at is null
            and (lease_until > $3 or state in ('preparing', 'sending', 'settling', 'tagging')
                or state = 'waiting' and reason in ('rate_limit', 'destination_unavailable'))
         order by id
         limit 1",
        run.to_string(),
        brand,
        now,
    )?;
    row.map(|(id, name)| Ok((parse("runs.id", &id)?, name))).transpose()
}
