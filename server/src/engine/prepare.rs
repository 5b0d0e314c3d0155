//! What a run works with, fixed when it first gets here and kept in the run: later edits of the export, its segments or
//! the profiles do not mix in. Then the plan, on disk before the first request.

use domain::destination::{DestinationCard, DestinationKind};
use domain::id::{ConnectionId, SegmentId};
use domain::mapping::Mapping;
use domain::run::{Counts, RunReason};
use domain::segment::Definition;
use ferry_data::DataError;
use ferry_data::plan::{PlanRequest, PlannedSegment};
use serde::{Deserialize, Serialize};

use super::guard::{Signal, usable};
use super::run::{Ending, Held};
use super::{Deps, EngineError};
use crate::db::claims::{self, Claim, Prepared};
use crate::db::{self, Tx};

/// What a run works with; kept as JSON in its row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) connection: ConnectionId,
    pub(super) kind: DestinationKind,
    mapping: Mapping,
    segments: Vec<FixedSegment>,
    /// The instant that rules are evaluated at, in microseconds: the same however often the plan is made.
    evaluated_at: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FixedSegment {
    id: SegmentId,
    tag: String,
    definition: Definition,
    is_active: bool,
}

/// The settings of a run that is taken up again.
pub(super) fn settings_of(claim: &Claim) -> Result<Option<Settings>, EngineError> {
    let text = claim.settings.as_ref();
    text.map(|text| serde_json::from_str(text).map_err(|_| EngineError::Settings)).transpose()
}

/// Fixes the settings of a run that has none yet. An export that is not ready ends its run here.
pub(super) async fn fix_settings(deps: &Deps, claim: &mut Claim) -> Result<Result<Settings, Ending>, EngineError> {
    let mut tx = deps.db.begin().await?;
    let (settings, prepared) = match collect(deps, &mut tx, claim).await? {
        Ok(found) => found,
        Err(ending) => return Ok(Err(ending)),
    };
    if !claims::prepare(&mut tx, claim.run, claim.fence, &prepared).await? {
        return Ok(Err(Ending::Lost));
    }
    claim.ledger_of = claims::ledger_of(&mut tx, claim.run).await?;
    tx.commit().await?;
    claim.snapshot = Some(prepared.snapshot);
    claim.brand = Some(prepared.connection.1);
    Ok(Ok(settings))
}

async fn collect(deps: &Deps, tx: &mut Tx, claim: &Claim) -> Result<Result<(Settings, Prepared), Ending>, EngineError> {
    let skipped = |reason| Ok(Err(Ending::Skipped(reason)));
    let Some(stored) = db::exports::find(tx, claim.export).await? else { return Ok(Err(Ending::Lost)) };
    let export = stored.export;
    let Some(connection) = export.settings.connection else { return skipped(RunReason::NoConnection) };
    let connection = match usable(tx, connection).await? {
        Ok(connection) => connection,
        Err(reason) => return Ok(Err(Ending::failed(reason))),
    };
    let Some(destination) = deps.destinations.find(&connection.kind) else {
        return skipped(RunReason::NoConnection);
    };
    let Some(snapshot) = db::refreshes::newest_snapshot(tx).await? else { return skipped(RunReason::NoProfiles) };
    let mapping = export.settings.mapping;
    if !mapping.faults(&destination.card(), &snapshot.attributes).is_empty() {
        return Ok(Err(Ending::failed(RunReason::SettingsInvalid)));
    }
    let mut segments = Vec::new();
    for id in export.settings.segments {
        if let Some(found) = db::segments::find(tx, id).await? {
            let segment = found.segment;
            let (tag, definition, is_active) = (segment.tag, segment.definition, segment.is_active);
            segments.push(FixedSegment { id, tag, definition, is_active });
        }
    }
    let evaluated_at = deps.clock.now_micros();
    let kind = connection.kind.clone();
    let settings = Settings { connection: connection.id, kind, mapping, segments, evaluated_at };
    let prepared = Prepared {
        connection: (connection.id, connection.brand.id),
        snapshot: snapshot.number,
        settings: serde_json::to_string(&settings).map_err(|_| EngineError::Settings)?,
        settings_version: export.version,
    };
    Ok(Ok((settings, prepared)))
}

/// Has the plan made. The run goes on with sending, or ends here.
pub(super) async fn make_plan(
    held: &Held,
    claim: &Claim,
    settings: &Settings,
    card: DestinationCard,
) -> Result<Option<Ending>, EngineError> {
    let deps = &held.deps;
    let Some(snapshot) = claim.snapshot else { return Err(EngineError::Settings) };
    let request = PlanRequest {
        run: claim.run,
        export: claim.export,
        snapshot,
        mapping: settings.mapping.clone(),
        card,
        segments: settings.segments.iter().cloned().map(FixedSegment::planned).collect(),
        ledger: claim.ledger_of,
        now: jiff::Timestamp::from_microsecond(settings.evaluated_at).map_err(|_| EngineError::Settings)?,
    };
    let summary = tokio::select! {
        biased;
        summary = deps.data.make_plan(request) => match summary {
            Ok(summary) => summary,
            Err(DataError::Rule(_) | DataError::UnknownAttribute) => {
                return Ok(Some(Ending::failed(RunReason::SettingsInvalid)));
            }
            Err(error) => return Err(error.into()),
        },
        () = held.guard.stopped() => return Ok(Some(held.ending_of_signal())),
    };
    let counts = Counts {
        members: summary.members,
        unchanged: summary.unchanged,
        rejected: summary.rejected,
        held: summary.held,
        ..Counts::default()
    };
    let to_change = summary.tags_to_add + summary.tags_to_remove;
    let now = deps.clock.now_micros();
    let mut tx = deps.db.begin().await?;
    let kept = claims::planned(&mut tx, claim.run, claim.fence, &counts, summary.to_send, to_change, now).await?;
    tx.commit().await?;
    tracing::info!(run = %claim.run, members = summary.members, to_send = summary.to_send, "the plan is made");
    Ok(if !kept || held.guard.signal() == Signal::Lost { Some(Ending::Lost) } else { None })
}

impl FixedSegment {
    fn planned(self) -> PlannedSegment {
        PlannedSegment { id: self.id, tag: self.tag, definition: self.definition, is_active: self.is_active }
    }
}
