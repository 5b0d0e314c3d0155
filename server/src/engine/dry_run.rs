//! A dry run: the plan that the next run of an export would have, made and looked into, and thrown away. No request, no
//! ledger, no run.

use domain::brake::{self, Outlook, Surprise};
use domain::estimate::{Estimate, Pace, Work, estimate};
use domain::id::{ExportId, RunId};
use domain::marking::property_of;
use domain::paging::PageRequest;
use domain::run::RunReason;
use ferry_data::plan::{Look, LookRequest, PlanReader, PlanRequest, PlanSummary, TagCount, TagOp};
use ferry_data::{DataEngine, DataError};

use super::EngineError;
use super::pace::{Budget, PaceRules};
use super::prepare::{Settings, collect};
use super::run::Ending;
use crate::clock::SharedClock;
use crate::db::{Database, DbError, approvals, endings, runs};
use crate::destinations::{Limits, Registry};

/// Rows that are shown.
const ROWS: usize = 20;
/// Earlier runs whose plans are asked for what was there before.
const EARLIER: u32 = 20;

/// What a dry run works with.
pub struct Tools {
    /// Definitions and history.
    pub db: Database,
    /// Plans and ledgers.
    pub data: DataEngine,
    /// What the receivers take.
    pub destinations: Registry,
    /// The time.
    pub clock: SharedClock,
    /// What an operator has set about limits.
    pub pace: PaceRules,
}

/// What the next run would do.
#[derive(Debug, Clone)]
pub struct Dry {
    /// The number of the profile snapshot.
    pub snapshot: i64,
    /// Is the ledger gone that says what was delivered before?
    pub lost_ledger: bool,
    /// The counts.
    pub summary: PlanSummary,
    /// Some rows.
    pub look: Look,
    /// Requests and minutes.
    pub estimate: Estimate,
    /// What the run would be held for.
    pub surprises: Vec<Surprise>,
}

/// Why there is no dry run.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Plans, ledgers, snapshots.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The settings of the export cannot be used.
    #[error("the settings of the export cannot be read")]
    Settings,
}

impl From<EngineError> for DryRunError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Db(error) => Self::Db(error),
            EngineError::Data(error) => Self::Data(error),
            EngineError::Settings | EngineError::Key(_) | EngineError::Task => Self::Settings,
        }
    }
}

/// Makes a plan for an export and looks into it; the reason, where a run could not even begin.
///
/// # Errors
/// Database or files fail.
pub async fn make(tools: &Tools, export: ExportId) -> Result<Result<Dry, RunReason>, DryRunError> {
    let mut tx = tools.db.read().await?;
    let found = collect(&tools.destinations, tools.clock.now_micros(), &mut tx, export, None).await;
    let (settings, prepared) = match found? {
        Ok(found) => found,
        Err(Ending::Skipped(reason) | Ending::Failed { reason, .. } | Ending::Canceled(reason)) => {
            return Ok(Err(reason));
        }
        // The export is gone.
        Err(_) => return Err(DryRunError::Settings),
    };
    let newest = endings::newest_ledger(&mut tx, export, &prepared.connection.1).await?;
    let ledger = newest.filter(|of| tools.data.has_ledger(export, *of));
    let lost_ledger = newest.is_some() && ledger.is_none();
    let history = approvals::history(&mut tx, export, &prepared.connection.1).await?;
    let earlier = runs::list(&mut tx, Some(export), PageRequest { number: 1, size: EARLIER }).await?;
    let Some(destination) = tools.destinations.find(&settings.kind) else { return Ok(Err(RunReason::NoConnection)) };
    let budget = tools.pace.budget(&mut tx, &prepared.connection.1, destination.limits()).await?;
    drop(tx);
    let run = RunId(uuid::Uuid::now_v7());
    let mut request = settings.plan_request(run, export, prepared.snapshot, destination.card(), ledger)?;
    request.others.retain(|other| tools.data.has_ledger(other.export, other.run));
    let look =
        LookRequest { run, export, ledger, earlier: earlier.items.iter().map(|run| run.id).collect(), rows: ROWS };
    let made = look_at(tools, request, look, pace_of(destination.limits(), budget)).await;
    tools.data.remove_run_files(run).await?;
    Ok(made?.map(|(summary, estimate, look)| {
        let surprises = surprises(&settings, &summary, &history);
        Dry { snapshot: prepared.snapshot, lost_ledger, summary, look, estimate, surprises }
    }))
}

/// Makes the plan, and looks into it.
async fn look_at(
    tools: &Tools,
    request: PlanRequest,
    look: LookRequest,
    pace: Pace,
) -> Result<Result<(PlanSummary, Estimate, Look), RunReason>, DryRunError> {
    let run = request.run;
    let summary = match tools.data.make_plan(request).await {
        Err(DataError::Rule(_) | DataError::UnknownAttribute) => return Ok(Err(RunReason::SettingsInvalid)),
        other => other?,
    };
    let estimate = estimate_of(&tools.data.open_plan(run).await?, &pace);
    Ok(Ok((summary, estimate, tools.data.look_into_plan(look).await?)))
}

fn surprises(settings: &Settings, summary: &PlanSummary, history: &[brake::Past]) -> Vec<Surprise> {
    brake::surprises(&settings.safety.brake, &outlook(summary), history)
}

/// What a plan is about to do, as the brake sees it.
pub(super) fn outlook(summary: &PlanSummary) -> Outlook {
    let leavers = summary.leavers.max(summary.most_removed);
    Outlook { members: summary.members, joiners: summary.new_contacts, leavers }
}

fn pace_of(limits: Limits, budget: Option<Budget>) -> Pace {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Pace {
        rows_per_request: count(limits.rows_per_batch),
        emails_per_tag_request: count(limits.emails_per_tag_request),
        // As the line does: without limits, ids are not worth their pages.
        ids_per_tag_request: if budget.is_some() { count(limits.ids_per_tag_request) } else { 0 },
        requests_per_minute: budget.map(|budget| budget.requests),
        tag_requests_per_minute: budget.map(|budget| budget.tag_requests),
    }
}

fn estimate_of(plan: &PlanReader, pace: &Pace) -> Estimate {
    // A property is changed contact by contact.
    let (alone, tags): (Vec<&TagCount>, Vec<_>) =
        plan.tag_counts().iter().partition(|one| property_of(&one.tag).is_some());
    let changes = |op: TagOp| tags.iter().filter(|tag| tag.op == op).map(|tag| tag.changes).collect();
    let work = Work {
        to_send: plan.summary().to_send,
        new_contacts: plan.summary().new_contacts,
        tags_to_add: changes(TagOp::Add),
        tags_to_remove: changes(TagOp::Remove),
        alone: alone.iter().map(|one| one.changes).sum(),
    };
    estimate(pace, &work)
}
