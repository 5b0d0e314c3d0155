//! Asking a destination again about rows of an ended run: a run of its own, that begins with the batches that the
//! earlier one sent, and then settles, tags and ends like any other. It makes the earlier run's ledger true; the earlier
//! run itself stays as it ended.

use std::time::Duration;

use domain::id::RunId;
use domain::run::{Counts, RunReason};
use ferry_data::DataError;

use super::prepare::Settings;
use super::retry::SETTLE_WITHIN;
use super::run::{Ending, Held};
use super::{Deps, EngineError, LEASE, retry};
use crate::db::batches::{Batch, BatchState};
use crate::db::checkpoints::{self, Checkpoint};
use crate::db::claims::{self, Claim, Prepared};
use crate::db::{self, rechecks};

/// How long it asks before it leaves what is still being worked through unconfirmed once more.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Fixes that the run works with what the earlier one did.
pub(super) async fn fix_settings(
    deps: &Deps,
    claim: &mut Claim,
    of: RunId,
) -> Result<Result<Settings, Ending>, EngineError> {
    let mut tx = deps.db.begin().await?;
    let earlier = db::runs::find(&mut tx, of).await?;
    let text = claims::settings(&mut tx, of).await?;
    let (Some(earlier), Some(text), Some(brand)) = (earlier, text, claim.brand.clone()) else {
        return Ok(Err(Ending::Skipped(RunReason::BatchesGone)));
    };
    let Some(snapshot) = earlier.snapshot else { return Ok(Err(Ending::Skipped(RunReason::BatchesGone))) };
    let settings: Settings = serde_json::from_str(&text).map_err(|_| EngineError::Settings)?;
    let prepared = Prepared {
        connection: (settings.connection, brand),
        snapshot,
        settings: text,
        settings_version: earlier.settings_version,
    };
    if !claims::prepare(&mut tx, claim.run, claim.fence, &prepared).await? {
        return Ok(Err(Ending::Lost));
    }
    claim.ledger_of = claims::ledger_of(&mut tx, claim.run).await?;
    tx.commit().await?;
    claim.snapshot = Some(snapshot);
    Ok(Ok(settings))
}

/// Has the plan made, and takes over the batches. The run goes on with sending, of which nothing is left to do.
pub(super) async fn make_plan(held: &Held, claim: &mut Claim, of: RunId) -> Result<Option<Ending>, EngineError> {
    let deps = &held.deps;
    let mut tx = deps.db.read().await?;
    let batches = rechecks::askable(&mut tx, of).await?;
    drop(tx);
    if batches.is_empty() || claim.ledger_of != Some(of) {
        return Ok(Some(Ending::Skipped(RunReason::BatchesGone)));
    }
    let rows = batches.iter().flat_map(Batch::ranges).collect();
    let summary = match deps.data.narrow_plan(claim.run, of, rows).await {
        Ok(summary) => summary,
        Err(DataError::Missing) => return Ok(Some(Ending::Skipped(RunReason::BatchesGone))),
        Err(error) => return Err(error.into()),
    };
    let counts = Counts { members: summary.members, ..Counts::default() };
    let point = Checkpoint { new: taken_over(batches), sent: summary.to_send, ..Checkpoint::default() };
    let next_row = point.new.iter().flat_map(Batch::rows).max().map_or(0, |last| last + 1);
    let point = Checkpoint { next_row: Some(next_row), ..point };
    let now = deps.clock.now_micros();
    let (run, fence, to_send, tags) = (claim.run, claim.fence, summary.to_send, summary.tag_changes);
    let mut tx = deps.db.begin().await?;
    let kept = claims::planned(&mut tx, run, fence, &counts, to_send, tags, now).await?
        && checkpoints::write(&mut tx, run, fence, &point, now, now + retry::micros(LEASE)).await?;
    if !kept {
        return Ok(Some(Ending::Lost));
    }
    tx.commit().await?;
    // Nothing is left to be cut into batches.
    claim.next_row = next_row;
    tracing::info!(%run, %of, rows = summary.members, "asks again what became of rows");
    Ok(None)
}

/// The batches of the earlier run as those of this one, which has sent no request for them.
fn taken_over(batches: Vec<Batch>) -> Vec<Batch> {
    let taken = (0_u64..).zip(batches).map(|(seq, batch)| Batch {
        seq,
        state: BatchState::Sent,
        attempts: 0,
        returns: 0,
        is_new: true,
        ..batch
    });
    taken.collect()
}

/// How long a run that has looked waits for the destination to finish.
pub(super) fn patience(claim: &Claim) -> Duration {
    if claim.recheck_of.is_some() { ANSWER_WITHIN } else { SETTLE_WITHIN }
}
