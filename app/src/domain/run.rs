//! Runs: one execution of an export, its states, its counts and its receipt.

mod counts;

use serde::{Deserialize, Serialize};

pub use self::counts::Counts;
use crate::brake::Alarm;
use crate::id::{ExportId, RunId};

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for a worker.
    Queued,
    /// Makes the plan.
    Preparing,
    /// Sends the upserts.
    Sending,
    /// Waits until the destination has worked through what was sent.
    Settling,
    /// Adds and removes tags.
    Tagging,
    /// Waits for something outside; the run says for what and until when, and goes on by itself.
    Waiting,
    /// Ended: every row was accepted or unchanged.
    Successful,
    /// Ended: some rows were rejected, held back or are unconfirmed.
    CompletedWithErrors,
    /// Ended: it could not be finished, and says why.
    Failed,
    /// Ended: somebody stopped it.
    Canceled,
    /// Ended before it began, and says why.
    Skipped,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Preparing,
        Self::Sending,
        Self::Settling,
        Self::Tagging,
        Self::Waiting,
        Self::Successful,
        Self::CompletedWithErrors,
        Self::Failed,
        Self::Canceled,
        Self::Skipped,
    ];

    /// The name in the database and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preparing => "preparing",
            Self::Sending => "sending",
            Self::Settling => "settling",
            Self::Tagging => "tagging",
            Self::Waiting => "waiting",
            Self::Successful => "successful",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Has the run ended? An ended run never changes its state again.
    pub fn is_final(self) -> bool {
        match self {
            Self::Successful | Self::CompletedWithErrors | Self::Failed | Self::Canceled | Self::Skipped => true,
            Self::Queued | Self::Preparing | Self::Sending | Self::Settling | Self::Tagging | Self::Waiting => false,
        }
    }
}

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A person pressed Run.
    Manual,
    /// A slot of the export's schedule came.
    Schedule,
    /// `ferry run`.
    CommandLine,
}

impl Trigger {
    /// The name in the database and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule => "schedule",
            Self::CommandLine => "command_line",
        }
    }

    /// The trigger of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Manual, Self::Schedule, Self::CommandLine].into_iter().find(|t| t.as_str() == name)
    }
}

/// Why a row was rejected, held back or is unconfirmed. Codes are stable; screens translate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowReason {
    /// Rejected: no e-mail address.
    EmailMissing,
    /// Rejected: what stands there is no e-mail address.
    EmailInvalid,
    /// Held: another profile has the same address and goes in this one's place.
    EmailRepeated,
    /// Rejected: the destination refused the row.
    Refused,
    /// Rejected: the destination did not take the row, several times, though nothing seems wrong with it.
    NotTaken,
    /// Held: the run was cancelled before its turn.
    Canceled,
    /// Held: the run failed before its turn.
    RunFailed,
    /// Held: the run made room for others before its turn, and the one that goes on with it sends the row.
    GoesOn,
    /// Unconfirmed: sent, and the destination never said what became of it.
    NoAnswer,
}

impl RowReason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::EmailMissing,
        Self::EmailInvalid,
        Self::EmailRepeated,
        Self::Refused,
        Self::NotTaken,
        Self::Canceled,
        Self::RunFailed,
        Self::GoesOn,
        Self::NoAnswer,
    ];

    /// The name in reports and translations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EmailMissing => "email_missing",
            Self::EmailInvalid => "email_invalid",
            Self::EmailRepeated => "email_repeated",
            Self::Refused => "refused",
            Self::NotTaken => "not_taken",
            Self::Canceled => "canceled",
            Self::RunFailed => "run_failed",
            Self::GoesOn => "goes_on",
            Self::NoAnswer => "no_answer",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// Why a run waits, failed or was skipped. Codes are stable; screens translate them and say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunReason {
    /// The rate limit of the account.
    RateLimit,
    /// The destination does not answer, or answers with errors.
    DestinationUnavailable,
    /// The destination works through what was sent.
    DestinationWorking,
    /// Something else than the destination answers at its address.
    NotTheDestination,
    /// The name in the address of the destination is not known.
    NameUnknown,
    /// Whoever answers at the address of the destination does not prove to be it.
    Untrusted,
    /// The destination refused the key.
    KeyRefused,
    /// The key lacks a permission.
    PermissionMissing,
    /// The account's plan is used up.
    PlanExceeded,
    /// The destination no longer speaks our version of its interface.
    InterfaceRetired,
    /// The destination refuses a whole request, and no row of it is to blame.
    RequestRefused,
    /// The export has no connection.
    NoConnection,
    /// There is no profile snapshot yet.
    NoProfiles,
    /// The data matching or a segment no longer fits the attributes.
    SettingsInvalid,
    /// The person whose rights the export runs with may no longer do this.
    RightsLost,
    /// The connection was removed or taken away.
    ConnectionRemoved,
    /// An earlier run of the export was still active.
    StillActive,
    /// The slot passed while Ferry was not running.
    Missed,
    /// Somebody cancelled it.
    CanceledByPerson,
    /// The run broke off several times without getting on.
    CrashLoop,
    /// Ferry could not read or write its own files or database.
    Storage,
    /// It is unlike the runs before it, and a person has to look at it first.
    Approval,
    /// Nobody can be asked any more what became of unconfirmed rows.
    BatchesGone,
    /// It made room for smaller exports of its account; another run goes on with the rest.
    GaveWay,
}

impl RunReason {
    /// All reasons.
    pub const ALL: [Self; 24] = [
        Self::RateLimit,
        Self::DestinationUnavailable,
        Self::DestinationWorking,
        Self::NotTheDestination,
        Self::NameUnknown,
        Self::Untrusted,
        Self::KeyRefused,
        Self::PermissionMissing,
        Self::PlanExceeded,
        Self::InterfaceRetired,
        Self::RequestRefused,
        Self::NoConnection,
        Self::NoProfiles,
        Self::SettingsInvalid,
        Self::RightsLost,
        Self::ConnectionRemoved,
        Self::StillActive,
        Self::Missed,
        Self::CanceledByPerson,
        Self::CrashLoop,
        Self::Storage,
        Self::Approval,
        Self::BatchesGone,
        Self::GaveWay,
    ];

    /// The name in the database and in translations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::DestinationUnavailable => "destination_unavailable",
            Self::DestinationWorking => "destination_working",
            Self::NotTheDestination => "not_the_destination",
            Self::NameUnknown => "name_unknown",
            Self::Untrusted => "untrusted",
            Self::KeyRefused => "key_refused",
            Self::PermissionMissing => "permission_missing",
            Self::PlanExceeded => "plan_exceeded",
            Self::InterfaceRetired => "interface_retired",
            Self::RequestRefused => "request_refused",
            Self::NoConnection => "no_connection",
            Self::NoProfiles => "no_profiles",
            Self::SettingsInvalid => "settings_invalid",
            Self::RightsLost => "rights_lost",
            Self::ConnectionRemoved => "connection_removed",
            Self::StillActive => "still_active",
            Self::Missed => "missed",
            Self::CanceledByPerson => "canceled_by_person",
            Self::CrashLoop => "crash_loop",
            Self::Storage => "storage",
            Self::Approval => "approval",
            Self::BatchesGone => "batches_gone",
            Self::GaveWay => "gave_way",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Does a person have to repair the connection: its key, or the account that it opens?
    pub fn is_of_connection(self) -> bool {
        matches!(self, Self::KeyRefused | Self::PermissionMissing | Self::PlanExceeded | Self::InterfaceRetired)
    }

    /// Does a person have to repair something: the connection, or the way to the destination?
    pub fn needs_repair(self) -> bool {
        self.is_of_connection() || matches!(self, Self::NotTheDestination | Self::NameUnknown | Self::Untrusted)
    }
}

/// The rows that a run sends again: those that an earlier run could not deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resend {
    /// The earlier run.
    pub of: RunId,
    /// Only the rows that did not arrive for this reason; none is all of them.
    pub reason: Option<RowReason>,
}

/// A run, as the history shows it. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The export.
    pub export: ExportId,
    /// The export's name when the run was queued.
    pub export_name: String,
    /// What started it.
    pub trigger: Trigger,
    /// Who started it: an address, or nothing for a schedule.
    pub started_by: Option<String>,
    /// Its state.
    pub state: RunState,
    /// Why it waits, failed or was skipped.
    pub reason: Option<RunReason>,
    /// What the destination said to it, where it said something: short, without personal data.
    pub detail: Option<String>,
    /// While it waits: until when.
    pub waiting_until: Option<i64>,
    /// Somebody has asked it to stop.
    pub cancel_requested: bool,
    /// The number of the profile snapshot it reads, once chosen.
    pub snapshot: Option<i64>,
    /// The version of the export's settings it runs with.
    pub settings_version: i64,
    /// The slot of the schedule it stands for.
    pub slot_at: Option<i64>,
    /// Why it was held for a person to look at, if it was.
    pub alarm: Option<Alarm>,
    /// Who let it go on then: an address.
    pub approved_by: Option<String>,
    /// The rows of an earlier run that it sends again, if it is to send only those.
    pub resend_of: Option<Resend>,
    /// The run whose unconfirmed rows it asks about, if that is all it does.
    pub recheck_of: Option<RunId>,
    /// The run that it goes on with, where that one made room for smaller exports of its account.
    pub continues: Option<RunId>,
    /// Was the ledger gone that says what was delivered before? Then it sends everybody again.
    pub lost_ledger: bool,
    /// What became of the rows.
    pub counts: Counts,
    /// When it was queued.
    pub queued_at: i64,
    /// When a worker first took it.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
}

impl Run {
    /// Does it wait for a person to approve or reject it?
    pub fn awaits_approval(&self) -> bool {
        self.state == RunState::Waiting && self.reason == Some(RunReason::Approval) && !self.cancel_requested
    }

    /// Does it wait for a person to repair something? Once its time has come, it is about to look whether they have.
    pub fn awaits_repair(&self, now: i64) -> bool {
        let needs_repair = self.state == RunState::Waiting && self.reason.is_some_and(RunReason::needs_repair);
        needs_repair && self.waiting_until.is_some_and(|until| until > now) && !self.cancel_requested
    }
}
