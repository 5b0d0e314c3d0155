//! How runs end, and what becomes of their ledgers.

use domain::id::{ExportId, RunId};
use domain::run::{Counts, RunReason, RunState};

use super::claims::count;
use super::{DbError, Tx, parse, sql};

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// A final state.
    pub state: RunState,
    /// Why, where it did not go well.
    pub reason: Option<RunReason>,
    /// What the destination said to it.
    pub detail: String,
    /// What became of the members; requests and retries are as counted before.
    pub counts: Counts,
    /// Was a ledger written?
    pub has_ledger: bool,
}

/// Ends a run. Its counters become those of the closing, which add up.
pub async fn finish(tx: &mut Tx, run: RunId, fence: i64, end: &Ended, now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update runs
         set state = $3, reason = $4, detail = $5, has_ledger = $6, members = $7, accepted = $8, unchanged = $9,
            rejected = $10, held = $11, unconfirmed = $12, tags_added = $13, tags_removed = $14,
            finished_at = case when $15 < queued_at then queued_at else $15 end,
            lease_owner = null, lease_until = null
         where id = $1 and fence = $2 and finished_at is null and lease_owner is not null",
        run.to_string(),
        fence,
        end.state.as_str(),
        end.reason.map(RunReason::as_str),
        (!end.detail.is_empty()).then_some(end.detail.as_str()),
        end.has_ledger,
        count(end.counts.members),
        count(end.counts.accepted),
        count(end.counts.unchanged),
        count(end.counts.rejected),
        count(end.counts.held),
        count(end.counts.unconfirmed),
        count(end.counts.tags_added),
        count(end.counts.tags_removed),
        now,
    )?;
    Ok(changed == 1)
}

/// The connection of a run works: it needs no attention any more.
pub async fn clear_attention(tx: &mut Tx, run: RunId) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "update connections set needs_attention = null
         where needs_attention is not null and id = (select connection_id from runs where id = $1)",
        run.to_string(),
    )?;
    Ok(())
}

/// The ledgers of an export that no plan needs any more: all but the newest of each account. They count as gone from
/// here on; the caller removes the files.
pub async fn forget_old_ledgers(tx: &mut Tx, export: ExportId) -> Result<Vec<RunId>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String,),
        "update runs set has_ledger = $2
         where export_id = $1 and has_ledger and finished_at is not null and exists (
            select 1 from runs newer
            where newer.export_id = runs.export_id and newer.brand_id = runs.brand_id and newer.has_ledger
                and newer.number > runs.number)
         returning id",
        export.to_string(),
        false,
    )?;
    rows.iter().map(|(id,)| parse("runs.id", id)).collect()
}

/// The run of an export whose ledger says what an account holds; none before the first one for it has ended.
pub async fn newest_ledger(tx: &mut Tx, export: ExportId, brand: &str) -> Result<Option<RunId>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String,),
        "select id from runs
         where export_id = $1 and brand_id = $2 and has_ledger
         order by number desc
         limit 1",
        export.to_string(),
        brand,
    )?;
    row.map(|(id,)| parse("runs.id", &id)).transpose()
}
