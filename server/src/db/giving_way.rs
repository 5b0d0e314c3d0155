//! Runs that make room for smaller ones of their account: who waits behind one, and the run that goes on with what it
//! leaves. When one makes room is decided in the engine.

use domain::id::RunId;

use super::runs::{self, NewRun};
use super::{DbError, Tx, parse, sql, values};

/// A run that could be taken up if no other one of its account were under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InLine {
    /// The run.
    pub run: RunId,
    /// Its place.
    due_at: i64,
    /// The most people that it may be about: all members of its segments as they were last counted, or those of the
    /// export's last run if they were more. None where that is not known.
    pub people: Option<u64>,
}

#[cfg(test)]
impl InLine {
    pub(crate) fn of(run: RunId, people: Option<u64>) -> Self {
        Self { run, due_at: 0, people }
    }
}

/// Who waits behind the run that is under way, in their order.
pub async fn in_line(tx: &mut Tx, brand: &str, now: i64) -> Result<Vec<InLine>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, i64, Option<i64>, i64),
        "select runs.id, runs.due_at,
            case when count(segments.id) = count(segments.members)
                then cast(coalesce(sum(segments.members), 0) as bigint) end,
            coalesce((select before.members from runs before
                where before.export_id = runs.export_id and before.has_ledger and before.finished_at is not null
                order by before.number desc limit 1), 0)
         from runs
         left join export_segments on export_segments.export_id = runs.export_id
         left join segments on segments.id = export_segments.segment_id
         where runs.brand_id = $1 and runs.state in ('queued', 'waiting') and runs.due_at <= $2
            and runs.cancel_requested_at is null
         group by runs.id, runs.due_at, runs.export_id
         order by runs.due_at, runs.id",
        brand,
        now,
    )?;
    let in_line = |(id, due_at, members, before): (String, i64, Option<i64>, i64)| {
        let people = members.map(|members| values::unsigned("segments.members", members.max(before))).transpose()?;
        Ok(InLine { run: parse("runs.id", &id)?, due_at, people })
    };
    rows.into_iter().map(in_line).collect()
}

/// Queues the run that goes on with what one leaves that has made room and has ended: right behind those it has made room
/// for, who come before everybody else. The task of a system refresh goes on with it.
pub async fn queue_rest(tx: &mut Tx, rest: &NewRun, of: RunId, first: &[RunId], now: i64) -> Result<(), DbError> {
    let brand = rest.connection.as_ref().map(|(_, brand)| brand.as_str()).unwrap_or_default();
    let others = in_line(tx, brand, now).await?.into_iter().filter(|one| !first.contains(&one.run));
    let place = others.map(|one| one.due_at - 1).min().unwrap_or(now);
    let queued = runs::queue(tx, rest, now).await?.run();
    for (run, place) in first.iter().map(|run| (run, place - 1)).chain([(&queued, place)]) {
        sql::execute!(
            tx,
            "update runs set due_at = $2
             where id = $1 and state in ('queued', 'waiting') and due_at > $2 and lease_owner is null",
            run.to_string(),
            place,
        )?;
    }
    sql::execute!(tx, "update refresh_tasks set work = $2 where work = $1", of.to_string(), queued.to_string())?;
    Ok(())
}

/// The run that goes on with what this one left.
pub async fn goes_on_in(tx: &mut Tx, run: RunId) -> Result<Option<RunId>, DbError> {
    let row = sql::fetch_optional!(tx, (String,), "select id from runs where continues = $1", run.to_string())?;
    row.map(|(id,)| parse("runs.id", &id)).transpose()
}
