//! What a run works with, fixed when it first gets here and kept in the run: later edits of the export, its segments or
//! the profiles do not mix in. Then the plan, on disk before the first request.

use std::sync::Arc;

use domain::brake::{self, Alarm, Surprise};
use domain::destination::{DestinationCard, DestinationKind};
use domain::id::{ConnectionId, ExportId, RunId, SegmentId};
use domain::mapping::Mapping;
use domain::marking::Marking;
use domain::run::{Counts, Resend, RowReason, RunReason};
use domain::safety::Safety;
use domain::segment::Definition;
use ferry_data::DataError;
use ferry_data::plan::{OtherLedger, PlanRequest, PlanSummary, PlannedSegment, Statuses};
use serde::{Deserialize, Serialize};

use super::dry_run::outlook;
use super::guard::{Signal, usable};
use super::run::{Ending, Held};
use super::{Deps, EngineError, unsubscribed};
use crate::db::claims::{self, Claim, Prepared};
use crate::db::{self, Tx, approvals};
use crate::destinations::Registry;

/// What a run works with; kept as JSON in its row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) connection: ConnectionId,
    pub(super) kind: DestinationKind,
    mapping: Mapping,
    segments: Vec<FixedSegment>,
    /// How their members are marked.
    #[serde(default)]
    marking: Marking,
    /// What other exports deliver to the account.
    #[serde(default)]
    others: Vec<OtherLedger>,
    /// The instant that rules are evaluated at, in microseconds: the same however often the plan is made.
    evaluated_at: i64,
    /// As it was set then.
    #[serde(default)]
    pub(super) safety: Safety,
    /// The run whose rows alone it sends again, and the reason that they did not arrive for.
    #[serde(default)]
    resend_of: Option<RunId>,
    #[serde(default)]
    resend_reason: Option<RowReason>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FixedSegment {
    id: SegmentId,
    tag: String,
    definition: Definition,
    is_active: bool,
}

impl Settings {
    /// The plan of a run with these settings.
    pub(super) fn plan_request(
        &self,
        run: RunId,
        export: ExportId,
        snapshot: i64,
        card: DestinationCard,
        ledger: Option<RunId>,
    ) -> Result<PlanRequest, EngineError> {
        Ok(PlanRequest {
            run,
            export,
            snapshot,
            mapping: self.mapping.clone(),
            card,
            segments: self.segments.iter().cloned().map(|segment| segment.planned(self.marking)).collect(),
            ledger,
            statuses: self
                .safety
                .status
                .as_ref()
                .map(|rule| Statuses { opt_in: rule.opt_in.clone(), unsubscribed: Arc::default() }),
            only_of: self.resend_of.map(|of| Resend { of, reason: self.resend_reason }),
            others: self.others.clone(),
            now: jiff::Timestamp::from_microsecond(self.evaluated_at).map_err(|_| EngineError::Settings)?,
        })
    }
}

/// The settings of a run that is taken up again.
pub(super) fn settings_of(claim: &Claim) -> Result<Option<Settings>, EngineError> {
    let text = claim.settings.as_ref();
    text.map(|text| serde_json::from_str(text).map_err(|_| EngineError::Settings)).transpose()
}

/// Fixes the settings of a run that has none yet. An export that is not ready ends its run here.
pub(super) async fn fix_settings(deps: &Deps, claim: &mut Claim) -> Result<Result<Settings, Ending>, EngineError> {
    let mut tx = deps.db.begin().await?;
    let resend_of = db::runs::find(&mut tx, claim.run).await?.and_then(|run| run.resend_of);
    let found = collect(&deps.destinations, deps.clock.now_micros(), &mut tx, claim.export, resend_of).await?;
    let (settings, prepared) = match found {
        Ok(found) => found,
        Err(ending) => return Ok(Err(ending)),
    };
    if claim.brand.as_ref() != Some(&prepared.connection.1) {
        // It was queued for another account: whether one of this account is under way is for the next claim to say.
        if !claims::redirect(&mut tx, claim.run, claim.fence, &prepared.connection).await? {
            return Ok(Err(Ending::Lost));
        }
        tx.commit().await?;
        return Ok(Err(Ending::Released));
    }
    if !claims::prepare(&mut tx, claim.run, claim.fence, &prepared).await? {
        return Ok(Err(Ending::Lost));
    }
    claim.ledger_of = claims::ledger_of(&mut tx, claim.run).await?;
    tx.commit().await?;
    claim.snapshot = Some(prepared.snapshot);
    Ok(Ok(settings))
}

/// What a run of an export that begins now would work with, or why it could not begin.
pub(super) async fn collect(
    destinations: &Registry,
    evaluated_at: i64,
    tx: &mut Tx,
    export: ExportId,
    resend_of: Option<Resend>,
) -> Result<Result<(Settings, Prepared), Ending>, EngineError> {
    let skipped = |reason| Ok(Err(Ending::Skipped(reason)));
    let Some(stored) = db::exports::find(tx, export).await? else { return Ok(Err(Ending::Lost)) };
    let export = stored.export;
    let Some(connection) = export.settings.connection else { return skipped(RunReason::NoConnection) };
    let connection = match usable(tx, connection).await? {
        Ok(connection) => connection,
        Err(reason) => return Ok(Err(Ending::failed(reason))),
    };
    let Some(destination) = destinations.find(&connection.kind) else {
        return skipped(RunReason::NoConnection);
    };
    let Some(snapshot) = db::refreshes::newest_snapshot(tx).await? else { return skipped(RunReason::NoProfiles) };
    let (mapping, safety, marking) = (export.settings.mapping, export.settings.safety, export.settings.marking);
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
    let tags: Vec<&str> = segments.iter().map(|segment: &FixedSegment| segment.tag.as_str()).collect();
    if !marking.is_clear(&tags, &mapping) {
        return Ok(Err(Ending::failed(RunReason::SettingsInvalid)));
    }
    let others = others(tx, &connection.brand.id, export.id).await?;
    let kind = connection.kind.clone();
    let settings = Settings {
        connection: connection.id,
        kind,
        mapping,
        segments,
        marking,
        others,
        evaluated_at,
        safety,
        resend_of: resend_of.map(|resend| resend.of),
        resend_reason: resend_of.and_then(|resend| resend.reason),
    };
    let prepared = Prepared {
        connection: (connection.id, connection.brand.id),
        snapshot: snapshot.number,
        settings: serde_json::to_string(&settings).map_err(|_| EngineError::Settings)?,
        settings_version: export.version,
    };
    Ok(Ok((settings, prepared)))
}

/// What the other exports of the account have delivered, with the tags that they give now.
async fn others(tx: &mut Tx, brand: &str, export: ExportId) -> Result<Vec<OtherLedger>, EngineError> {
    let mut others = Vec::new();
    for (export, run) in claims::other_ledgers(tx, brand, export).await? {
        let mut tags = Vec::new();
        let found = db::exports::find(tx, export).await?.map(|stored| stored.export.settings);
        let (segments, marking) = found.map(|found| (found.segments, found.marking)).unwrap_or_default();
        for id in segments {
            tags.extend(db::segments::find(tx, id).await?.map(|found| marking.mark(&found.segment.tag)));
        }
        others.push(OtherLedger { export, run, tags });
    }
    Ok(others)
}

/// Has the plan made. The run goes on with sending, or ends here.
pub(super) async fn make_plan(
    held: &Held,
    claim: &mut Claim,
    settings: &Settings,
    card: DestinationCard,
) -> Result<Option<Ending>, EngineError> {
    let deps = &held.deps;
    let Some(snapshot) = claim.snapshot else { return Err(EngineError::Settings) };
    let mut request = settings.plan_request(claim.run, claim.export, snapshot, card, claim.ledger_of)?;
    if !deps.data.has_snapshot(snapshot) {
        // Ledgers that are gone with it may be back with it: a directory that is not there yet is not a lost one.
        return Err(DataError::Missing.into());
    }
    do_without_lost_ledgers(held, claim, &mut request).await?;
    if let Some(statuses) = &mut request.statuses {
        // Whoever unsubscribes after this keeps that: their date is newer than any opt-in.
        statuses.unsubscribed = match unsubscribed::read(held).await? {
            Ok(found) => Arc::new(found),
            Err(ending) => return Ok(Some(ending)),
        };
    }
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
        values_left_out: summary.left_out_values,
        ..Counts::default()
    };
    let now = deps.clock.now_micros();
    let mut tx = deps.db.begin().await?;
    look_out(&mut tx, claim, settings, &summary).await?;
    let kept =
        claims::planned(&mut tx, claim.run, claim.fence, &counts, summary.to_send, summary.tag_changes, now).await?;
    tx.commit().await?;
    tracing::info!(run = %claim.run, members = summary.members, to_send = summary.to_send, "the plan is made");
    Ok(if !kept || held.guard.signal() == Signal::Lost { Some(Ending::Lost) } else { None })
}

/// The ledgers are files, and a data directory can be lost, or restored to an older state than the database: then the
/// export begins anew, as in its first run, and sends everybody once more, which changes nothing for those who are there.
async fn do_without_lost_ledgers(held: &Held, claim: &mut Claim, request: &mut PlanRequest) -> Result<(), EngineError> {
    let data = &held.deps.data;
    if let Some(of) = request.ledger.filter(|of| !data.has_ledger(claim.export, *of)) {
        tracing::warn!(run = %claim.run, %of, code = "ledger_lost", "what was delivered before is not known any more");
        let mut tx = held.deps.db.begin().await?;
        claims::forget_ledger(&mut tx, claim.run, claim.fence, of).await?;
        tx.commit().await?;
        (request.ledger, claim.ledger_of) = (None, None);
    }
    let is_there = |other: &OtherLedger| data.has_ledger(other.export, other.run);
    if !request.others.iter().all(is_there) {
        // A later run has left a newer one, or it is lost.
        let mut tx = held.deps.db.read().await?;
        request.others = others(&mut tx, &held.brand, claim.export).await?;
        drop(tx);
        request.others.retain(is_there);
    }
    Ok(())
}

/// Compares the plan with the export's own history, and keeps what is unusual with the run: it is then held until a
/// person has approved it.
async fn look_out(tx: &mut Tx, claim: &Claim, settings: &Settings, summary: &PlanSummary) -> Result<(), EngineError> {
    let history = match &claim.brand {
        Some(brand) => approvals::history(tx, claim.export, brand).await?,
        None => Vec::new(),
    };
    let outlook = outlook(summary);
    let mut surprises = brake::surprises(&settings.safety.brake, &outlook, &history);
    if settings.resend_of.is_some() {
        // A few rows say nothing about the whole.
        surprises.clear();
    }
    let before = approvals::continued(tx, claim.run).await?;
    if before.is_some_and(|before| before.is_approved) {
        surprises.clear();
    }
    if summary.statuses > 0 && !approvals::has_sent_statuses(tx, claim.export).await? {
        surprises.push(Surprise::FirstStatus { people: summary.statuses });
    }
    let alarm = if surprises.is_empty() {
        None
    } else {
        let runs = u64::try_from(history.len()).unwrap_or(u64::MAX);
        Some(Alarm { surprises, runs, age_days: age_days(tx, claim, settings).await? })
    };
    // What it goes on with is part of what is usual for the export.
    let (joiners, leavers) = match before {
        Some(before) => (before.joiners, before.leavers.max(outlook.leavers)),
        None => (claim.ledger_of.map(|_| outlook.joiners), outlook.leavers),
    };
    let planned = approvals::Planned { joiners, leavers, statuses: summary.statuses };
    approvals::record(tx, claim.run, claim.fence, &planned, alarm.as_ref()).await?;
    Ok(())
}

/// Whole days since the profiles that the run reads were refreshed.
async fn age_days(tx: &mut Tx, claim: &Claim, settings: &Settings) -> Result<u64, EngineError> {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    let refresh = match claim.snapshot {
        Some(number) => db::refreshes::find(tx, number).await?,
        None => None,
    };
    let refreshed_at = refresh.and_then(|refresh| refresh.finished_at).unwrap_or(settings.evaluated_at);
    Ok(u64::try_from((settings.evaluated_at - refreshed_at) / DAY).unwrap_or_default())
}

impl FixedSegment {
    fn planned(self, marking: Marking) -> PlannedSegment {
        PlannedSegment {
            id: self.id,
            tag: marking.mark(&self.tag),
            definition: self.definition,
            is_active: self.is_active,
        }
    }
}
