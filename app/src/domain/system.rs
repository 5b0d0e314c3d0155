//! The system refresh: one job that refreshes data sources, then segments, then runs the exports that follow it.

use serde::{Deserialize, Serialize};

use crate::id::{JobId, RunId};
use crate::run::{RunState, Trigger};
use crate::schedule::Schedule;

/// What becomes of a slot that comes while the run before is active.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenActive {
    /// It is skipped, and recorded so.
    #[default]
    Skip,
    /// It runs after that one; only the latest does.
    Queue,
}

impl WhenActive {
    /// The name in the database and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
        }
    }

    /// The rule of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Skip, Self::Queue].into_iter().find(|rule| rule.as_str() == name)
    }
}

/// The longest catch-up window, in hours: a week.
pub const MOST_CATCH_UP_HOURS: u32 = 168;

/// May a slot that passed so many hours ago still be caught up on?
pub fn may_catch_up(hours: u32) -> bool {
    (1..=MOST_CATCH_UP_HOURS).contains(&hours)
}

/// What administrators set for all that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemSettings {
    /// When the system refresh comes: off, or on days of the week.
    pub schedule: Schedule,
    /// A slot that passed longer ago is missed: hours.
    pub catch_up_hours: u32,
    /// What becomes of a slot while the run before is active.
    pub when_active: WhenActive,
    /// Counts the saves.
    pub version: i64,
}

/// The state of a task, and of a whole job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Waits for the tasks before it.
    Queued,
    /// Goes on.
    Processing,
    /// Done.
    Successful,
    /// Came to nothing.
    Failure,
    /// Not done, for the reason that it has.
    Skipped,
    /// Somebody cancelled it.
    Canceled,
}

impl TaskState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Processing, Self::Successful, Self::Failure, Self::Skipped, Self::Canceled];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Successful => "successful",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
            Self::Canceled => "canceled",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Has it ended?
    pub fn is_final(self) -> bool {
        match self {
            Self::Successful | Self::Failure | Self::Skipped | Self::Canceled => true,
            Self::Queued | Self::Processing => false,
        }
    }

    /// That of a task whose work is a run.
    pub fn of_run(state: RunState) -> Self {
        match state {
            RunState::Queued => Self::Queued,
            RunState::Preparing | RunState::Sending | RunState::Settling | RunState::Tagging | RunState::Waiting => {
                Self::Processing
            }
            RunState::Successful | RunState::CompletedWithErrors => Self::Successful,
            RunState::Failed => Self::Failure,
            RunState::Canceled => Self::Canceled,
            RunState::Skipped => Self::Skipped,
        }
    }
}

/// What a task works on. In the order in which they depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Refreshes a data source.
    Source,
    /// Counts a dynamic segment anew.
    Segment,
    /// Runs an export.
    Export,
}

impl TaskKind {
    /// All kinds, in their order.
    pub const ALL: [Self; 3] = [Self::Source, Self::Segment, Self::Export];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Segment => "segment",
            Self::Export => "export",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Why a task, or a job, was skipped or failed. Codes are stable; screens translate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskReason {
    /// A task that it depends on failed or was skipped.
    Upstream,
    /// The segment is inactive.
    Inactive,
    /// The one before was still active.
    StillActive,
    /// The slot passed while Ferry was not running.
    Missed,
    /// It was removed meanwhile.
    Gone,
    /// There are no profiles yet, or the rule no longer fits the attributes.
    NotReady,
    /// The file could not be read, or Ferry could not read or write its own files.
    Data,
}

impl TaskReason {
    /// All reasons.
    pub const ALL: [Self; 7] =
        [Self::Upstream, Self::Inactive, Self::StillActive, Self::Missed, Self::Gone, Self::NotReady, Self::Data];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Inactive => "inactive",
            Self::StillActive => "still_active",
            Self::Missed => "missed",
            Self::Gone => "gone",
            Self::NotReady => "not_ready",
            Self::Data => "data",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// One system refresh. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshJob {
    /// Its id.
    pub id: JobId,
    /// What started it.
    pub trigger: Trigger,
    /// Who started it: an address, or nothing for a schedule.
    pub started_by: Option<String>,
    /// The slot that it stands for.
    pub slot_at: Option<i64>,
    /// Its state.
    pub state: TaskState,
    /// Why it was skipped.
    pub reason: Option<TaskReason>,
    /// Somebody has asked it to stop.
    pub cancel_requested: bool,
    /// When it was queued.
    pub queued_at: i64,
    /// When it was first taken up.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
}

/// One task of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshTask {
    /// Its place in the order.
    pub position: i64,
    /// What it works on.
    pub kind: TaskKind,
    /// The id of the data source, segment or export.
    pub subject: uuid::Uuid,
    /// Its name, as it was.
    pub name: String,
    /// Its state.
    pub state: TaskState,
    /// Why it was skipped or failed.
    pub reason: Option<TaskReason>,
    /// The number of the refresh, or the id of the run, that does it.
    pub work: Option<String>,
    /// When it began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
}

impl RefreshTask {
    /// The run that does it.
    pub fn run(&self) -> Option<RunId> {
        if self.kind == TaskKind::Export { self.work.as_ref()?.parse().ok() } else { None }
    }
}

/// The state of a whole job by its tasks: it goes on while one of them does, and fails when one of them has.
pub fn state_of(job: TaskState, tasks: &[RefreshTask]) -> TaskState {
    match job {
        TaskState::Successful | TaskState::Failure => {
            if tasks.iter().any(|task| !task.state.is_final()) {
                TaskState::Processing
            } else if tasks.iter().any(|task| task.state == TaskState::Failure) {
                TaskState::Failure
            } else {
                job
            }
        }
        other => other,
    }
}
