//! Which files of the data directory the database refers to, and how long it remembers runs.

use std::collections::BTreeSet;

use domain::id::SegmentId;
use ferry_data::housekeeping::InUse;

use super::{DbError, Tx, parse, sql};

/// Snapshots of the profiles that stay whoever refers to them: the newest one, which runs and screens read, and those
/// before it to look back at.
const SNAPSHOTS_KEPT: i64 = 3;

/// What is referred to; plans of runs that ended before `plans_from` no longer are. None while no snapshot has ever been
/// begun: a database that knows nothing says nothing about what may go.
///
/// A snapshot is in use while it is among the last of the profiles, whatever has become of its data source; the last of
/// its data source (its rejected rows are shown), or the last that is there; being made; or that of a run which has not
/// ended. An ended run has all that is shown of it in files of its own.
pub async fn in_use(tx: &mut Tx, plans_from: i64) -> Result<Option<InUse>, DbError> {
    if sql::fetch_one!(tx, (i64,), "select last from snapshot_counter where id = 1")?.0 == 0 {
        return Ok(None);
    }
    let mut in_use = InUse { segments: frozen(tx).await?, ..InUse::default() };
    let newest = sql::fetch_all!(
        tx,
        (i64,),
        "select number
         from refreshes
         where state = 'successful' and feeds_profiles
         order by number desc
         limit $1",
        SNAPSHOTS_KEPT,
    )?;
    let others = sql::fetch_all!(
        tx,
        (i64,),
        "select number from refreshes where state = 'refreshing'
         union select max(number) from refreshes where source_id is not null group by source_id
         union select max(number) from refreshes where source_id is not null and state = 'successful' group by source_id
         union select snapshot from runs where finished_at is null and snapshot is not null",
    )?;
    in_use.snapshots.extend(newest.into_iter().chain(others).map(|(number,)| number));
    let runs = sql::fetch_all!(
        tx,
        (String, String, bool, Option<i64>),
        "select id, export_id, has_ledger, finished_at from runs"
    )?;
    for (run, export, has_ledger, finished_at) in runs {
        let (run, export) = (parse("runs.id", &run)?, parse("runs.export_id", &export)?);
        in_use.runs.insert(run, finished_at.is_none_or(|at| at >= plans_from));
        if has_ledger || finished_at.is_none() {
            in_use.ledgers.insert((export, run));
        }
    }
    Ok(Some(in_use))
}

/// The segments whose frozen members are in use; none while a run is being prepared, which may read those of a segment
/// that has been removed since.
async fn frozen(tx: &mut Tx) -> Result<Option<BTreeSet<SegmentId>>, DbError> {
    let preparing = sql::fetch_one!(
        tx,
        (i64,),
        "select count(*) from runs where finished_at is null and (state = 'preparing' or goes_on_with = 'preparing')",
    )?;
    if preparing.0 > 0 {
        return Ok(None);
    }
    let segments = sql::fetch_all!(tx, (String,), "select id from segments")?;
    segments.iter().map(|(id,)| parse("segments.id", id)).collect::<Result<_, _>>().map(Some)
}

/// Forgets some of the runs that ended before an instant, the oldest first, and gives how many. Those stay that something
/// still needs: whose ledger is the newest, the newest slot of an export until that instant (what comes after it is
/// decided by it), and whose rows another run has sent or asked about again.
pub async fn forget_runs(tx: &mut Tx, before: i64, limit: i64) -> Result<u64, DbError> {
    sql::execute!(
        tx,
        "delete from runs where id in (
            select id from runs
            where finished_at < $1 and not has_ledger
                and not exists (select 1 from runs again where again.resend_of = runs.id)
                and not exists (select 1 from runs again where again.recheck_of = runs.id)
                and (slot_at is null or exists (
                    select 1 from runs later where later.export_id = runs.export_id and later.slot_at > runs.slot_at
                        and later.slot_at <= $1))
            order by finished_at
            limit $2)",
        before,
        limit,
    )
}
