//! How a run ends for good: the new ledger, the report of troubled rows, and counts that add up.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::RunId;
use domain::run::{Counts, RowReason, RunReason, RunState};
use ferry_data::DataError;
use ferry_data::plan::{CloseRequest, FailedTags, PlanReader, RefusedRow, TagOp};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::run::Ending;
use super::{Deps, EngineError, give_way, tags};
use crate::db::batches::{self, Batch, BatchState, Kind, TagRows};
use crate::db::claims::{self, Claim};
use crate::db::endings::{self, Ended};
use crate::db::{Database, DbError, runs};

/// Refused rows that are read at once.
const READ: u32 = 1000;
/// What of these batches was taken, if anything, nobody knows.
const IN_DOUBT: [BatchState; 4] = [BatchState::Sending, BatchState::Unknown, BatchState::Sent, BatchState::Unconfirmed];

/// Ends a run. Doing it again after a break-off gives the same.
pub(super) async fn end(deps: &Arc<Deps>, claim: &Claim, ending: &Ending) -> Result<(), EngineError> {
    if !has_ended(deps, claim, ending).await? {
        has_ended(deps, claim, &Ending::Canceled(RunReason::CanceledByPerson)).await?;
    }
    Ok(())
}

/// Ends a run; false where it was to make room for others, and somebody has asked it to stop in the last moment.
async fn has_ended(deps: &Arc<Deps>, claim: &Claim, ending: &Ending) -> Result<bool, EngineError> {
    let is_given_up = matches!(ending, Ending::Canceled(_) | Ending::Failed { .. });
    let mut end = match closed(deps, claim, ending).await {
        Ok(Some(end)) => end,
        Ok(None) => unplanned(),
        // Its plan, or the ledger before it, is lost: there is nothing to wait for, and the next run goes by the ledger
        // that there is.
        Err(EngineError::Data(error @ (DataError::Missing | DataError::Storage(_)))) if is_given_up => {
            tracing::error!(run = %claim.run, %error, code = "plan_lost", "a run ends without an account of its rows");
            unplanned()
        }
        Err(error) => return Err(error),
    };
    match ending {
        Ending::Canceled(reason) => (end.state, end.reason) = (RunState::Canceled, Some(*reason)),
        Ending::Skipped(reason) => (end.state, end.reason) = (RunState::Skipped, Some(*reason)),
        Ending::Failed { reason, detail } => {
            (end.state, end.reason, end.detail) = (RunState::Failed, Some(*reason), detail.clone());
        }
        Ending::GaveWay(_) => (end.state, end.reason) = (RunState::Canceled, Some(RunReason::GaveWay)),
        // Done; the others do not end a run.
        Ending::Done | Ending::Wait { .. } | Ending::Released | Ending::Lost => {}
    }
    let now = deps.clock.now_micros();
    let mut tx = deps.db.begin().await?;
    let kept = endings::finish(&mut tx, claim.run, claim.fence, &end, now).await?;
    let old =
        if kept && end.has_ledger { endings::forget_old_ledgers(&mut tx, claim.export).await? } else { Vec::new() };
    if kept && matches!(ending, Ending::Done) {
        // The destination has taken the key all along.
        endings::clear_attention(&mut tx, claim.run).await?;
    }
    if kept && let Ending::GaveWay(first) = ending {
        if claims::standing(&mut tx, claim.run).await?.is_none_or(|standing| standing.cancel_requested) {
            return Ok(false);
        }
        if let Some(run) = runs::find(&mut tx, claim.run).await? {
            give_way::queue_rest(deps, &mut tx, &run, first).await?;
        }
    }
    batches::forget(&mut tx, now - batches::KEPT_AFTER_END).await?;
    tx.commit().await?;
    tracing::info!(run = %claim.run, kept, state = end.state.as_str(), "a run has ended");
    for run in old {
        if let Err(error) = deps.data.remove_ledger(claim.export, run).await {
            tracing::warn!(%run, %error, "an old ledger was not removed");
        }
    }
    Ok(true)
}

/// Has the run got past the making of its plan? A file alone may be that of a broken-off making.
async fn is_planned(deps: &Deps, claim: &Claim) -> Result<bool, EngineError> {
    if claim.state != RunState::Preparing {
        return Ok(true);
    }
    let mut tx = deps.db.read().await?;
    let run = runs::find(&mut tx, claim.run).await?;
    Ok(run.is_some_and(|run| run.state != RunState::Preparing))
}

/// The end of a run that sent nothing, as far as is known.
fn unplanned() -> Ended {
    Ended { state: RunState::Failed, reason: None, detail: String::new(), counts: Counts::default(), has_ledger: false }
}

/// Writes the new ledger and counts; none where there is no plan.
async fn closed(deps: &Deps, claim: &Claim, ending: &Ending) -> Result<Option<Ended>, EngineError> {
    let plan = match deps.data.open_plan(claim.run).await {
        Ok(plan) if is_planned(deps, claim).await? => plan,
        Ok(_) | Err(DataError::Missing) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut tx = deps.db.read().await?;
    let open = batches::unsettled(&mut tx, claim.run).await?;
    let places = claims::places(&mut tx, claim.run).await?;
    let taken = batches::tag_rows(&mut tx, claim.run).await?;
    let doubted = batches::doubted(&mut tx, claim.run).await?;
    drop(tx);
    let failed_tags = failed_tags(&plan, &open, &taken);
    let has_failed_tags = !failed_tags.is_empty();
    let mut held = rows_in(&open, &[BatchState::Planned]);
    held.push(places.next_row..plan.summary().to_send);
    held.retain(|range| !range.is_empty());
    let held_reason = match ending {
        Ending::Failed { .. } => RowReason::RunFailed,
        Ending::GaveWay(_) => RowReason::GoesOn,
        _ => RowReason::Canceled,
    };
    let fault = Fault::default();
    let request = CloseRequest {
        run: claim.run,
        export: claim.export,
        ledger: places.ledger_of,
        refused: refused(deps.db.clone(), claim.run, fault.clone()),
        doubted: doubted.iter().flat_map(Batch::ranges).collect(),
        unconfirmed: rows_in(&open, &IN_DOUBT),
        held,
        held_reason,
        failed_tags,
    };
    let closed = deps.data.close_run(request).await.map_err(|error| fault.or(error))?;
    let counts = Counts {
        members: closed.counts.members,
        accepted: closed.counts.accepted,
        unchanged: closed.counts.unchanged,
        rejected: closed.counts.rejected,
        held: closed.counts.held,
        unconfirmed: closed.counts.unconfirmed,
        tags_added: closed.counts.tags_added,
        tags_removed: closed.counts.tags_removed,
        ..Counts::default()
    };
    let is_clean = counts.rejected + counts.held + counts.unconfirmed == 0 && !has_failed_tags;
    let state = if is_clean { RunState::Successful } else { RunState::CompletedWithErrors };
    Ok(Some(Ended { state, reason: None::<RunReason>, detail: String::new(), counts, has_ledger: true }))
}

/// The rows of contact batches in some states.
fn rows_in(open: &[Batch], states: &[BatchState]) -> Vec<Range<u64>> {
    let wanted = open.iter().filter(|batch| batch.kind == Kind::Upsert && states.contains(&batch.state));
    wanted.flat_map(Batch::ranges).collect()
}

/// Tag changes that were not made, as far as is known: those of batches without a good answer, and all that had no batch
/// yet.
fn failed_tags(plan: &PlanReader, open: &[Batch], taken: &TagRows) -> Vec<FailedTags> {
    let mut failed = Vec::new();
    for batch in open {
        let (op, tag) = match &batch.kind {
            Kind::Upsert => continue,
            Kind::AddTag(tag) => (TagOp::Add, tag),
            Kind::RemoveTag(tag) => (TagOp::Remove, tag),
        };
        let is_in_doubt = IN_DOUBT.contains(&batch.state);
        let of_batch = |changes| FailedTags { op, tag: tag.clone(), changes, is_in_doubt };
        failed.extend(batch.ranges().into_iter().map(of_batch));
    }
    for list in plan.tag_counts() {
        let left = tags::untaken(taken, list).into_iter();
        let never_sent = |changes| FailedTags { op: list.op, tag: list.tag.clone(), changes, is_in_doubt: false };
        failed.extend(left.map(never_sent));
    }
    failed
}

/// What went wrong in the database while the data engine read from it, which only knows that something did.
#[derive(Clone, Default)]
struct Fault(Arc<Mutex<Option<DbError>>>);

impl Fault {
    fn note(&self, error: DbError) -> io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        io::Error::other("the database")
    }

    /// The database's error, if there was one: it passes where another one may not.
    fn or(&self, error: DataError) -> EngineError {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        noted.map_or_else(|| error.into(), EngineError::Db)
    }
}

/// The refused rows, page by page.
fn refused(db: Database, run: RunId, fault: Fault) -> BoxStream<'static, io::Result<RefusedRow>> {
    let pages = stream::try_unfold(Some(0_u64), move |from| {
        let (db, fault) = (db.clone(), fault.clone());
        async move {
            let Some(from) = from else { return Ok::<_, io::Error>(None) };
            let page = refused_page(&db, run, from).await.map_err(|error| fault.note(error))?;
            let next = page.last().map(|last| last.row + 1);
            Ok((!page.is_empty()).then_some((page, next)))
        }
    });
    pages
        .map(|page| match page {
            Ok(rows) => rows
                .into_iter()
                .map(|row| Ok(RefusedRow { row: row.row, reason: row.reason, detail: row.detail }))
                .collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
        .flat_map(stream::iter)
        .boxed()
}

async fn refused_page(db: &Database, run: RunId, from: u64) -> Result<Vec<batches::RefusedRow>, DbError> {
    let mut tx = db.read().await?;
    batches::refused_from(&mut tx, run, from, READ).await
}
