//! What the services give to screens and take from them: lines of lists, details, drafts. Plain data.

use domain::access::{Audience, Role};
use domain::attribute::Attribute;
use domain::connection::Connection;
use domain::destination::{Brand, DestinationKind};
use domain::export::Export;
use domain::id::{ConnectionId, ExportId, RunId, SegmentId, UserId};
use domain::paging::PageRequest;
use domain::run::{Run, RunState};
use domain::segment::Segment;
use domain::source::{ImportReport, Location, Reading, Source};
use serde::{Deserialize, Serialize};

/// A message that the next page shows; screens translate it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "note", content = "with")]
pub enum Note {
    /// It was saved.
    Saved,
    /// It was removed.
    Removed,
    /// A run was queued.
    RunQueued,
    /// So many runs were queued.
    RunsQueued(u32),
    /// A run was asked to stop.
    CancelRequested,
    /// A run that was held goes on.
    RunApproved,
    /// A refresh has begun.
    RefreshStarted,
    /// A person was added; the link to hand over.
    Invited(String),
    /// The key was replaced.
    KeyReplaced,
    /// The system refresh was asked to stop.
    SystemCancelRequested,
}

/// Whom a one-time link is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "purpose")]
pub enum LinkPurpose {
    /// The first administrator, who also chooses the address.
    SetUp,
    /// An invited person, who chooses a password.
    Invitation {
        /// Their address.
        email: String,
    },
}

/// A person in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLine {
    /// Who.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Their role.
    pub role: Role,
    /// May they sign in?
    pub is_enabled: bool,
    /// Have they chosen a password yet?
    pub has_password: bool,
    /// Their last sign-in: microseconds since 1970, UTC.
    pub last_sign_in: Option<i64>,
}

/// A data source in the list, with its last refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// The data source.
    pub source: Source,
    /// Its last refresh.
    pub last_refresh: Option<Refresh>,
    /// The name of the data source that becomes the customer table if this one, which is it now, is removed.
    pub heir: Option<String>,
}

/// One refresh of a data source. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// The number of the profile snapshot it made; none unless it was successful.
    pub snapshot: Option<i64>,
    /// How it stands.
    pub state: RefreshState,
    /// Why it failed: the name of a [`crate::error::FileFault`], or `storage`.
    pub fault: Option<String>,
    /// What became of the rows; of those read so far while it runs.
    pub report: ImportReport,
    /// When it began.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
}

/// The state of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshState {
    /// Reading.
    Refreshing,
    /// Done; the snapshot is there.
    Successful,
    /// Broken off; the snapshot before it stays.
    Failed,
}

/// What people set on a data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDraft {
    /// The name.
    pub name: String,
    /// Where the bytes are.
    pub location: Location,
    /// How they are read.
    pub reading: Reading,
    /// The columns with their types.
    pub attributes: Vec<Attribute>,
    /// The primary key; none numbers the rows.
    pub primary_key: Option<String>,
}

/// A page of profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfilePage {
    /// The columns.
    pub attributes: Vec<Attribute>,
    /// The rows as text, each as long as `attributes`; none is an empty value.
    pub rows: Vec<Vec<Option<String>>>,
    /// The page that was asked for.
    pub page: PageRequest,
    /// Profiles that fit the search.
    pub total: u64,
    /// The number of the snapshot; none while there is none.
    pub snapshot: Option<i64>,
}

/// A segment in the list. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentLine {
    /// The segment.
    pub segment: Segment,
    /// Members at the last refresh.
    pub members: Option<u64>,
    /// When they were counted.
    pub refreshed_at: Option<i64>,
    /// The rule no longer fits the attributes: what is wrong with it.
    pub faults: Vec<domain::rule::RuleFault>,
    /// The exports that use it, by name.
    pub used_by: Vec<String>,
}

/// How many fulfil a rule, and the first 100 of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersPreview {
    /// Members.
    pub members: u64,
    /// Profiles in the snapshot.
    pub profiles: u64,
    /// The columns.
    pub attributes: Vec<Attribute>,
    /// The first 100 members by key, as text.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A connection in the administrators' list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLine {
    /// The connection.
    pub connection: Connection,
    /// How many exports use it.
    pub exports: u32,
}

/// What *Connect* needs. The key is checked, sealed and forgotten.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectDraft {
    /// Which destination.
    pub kind: DestinationKind,
    /// The display name.
    pub name: String,
    /// Who may use it.
    pub audience: Audience,
    /// The key; empty keeps the one that was entered before in this set-up.
    pub key: String,
    /// *I agree* was ticked.
    pub agreed: bool,
    /// The language of the wording that was shown.
    pub language: String,
    /// The wording that was shown, whole.
    pub wording: String,
}

impl std::fmt::Debug for ConnectDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectDraft").field("kind", &self.kind).field("name", &self.name).finish_non_exhaustive()
    }
}

/// How far the set-up of a connection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUp {
    /// The connection to be.
    pub id: ConnectionId,
    /// Which destination.
    pub kind: DestinationKind,
    /// The display name.
    pub name: String,
    /// Who may use it.
    pub audience: Audience,
    /// The account that the key opened.
    pub brand: Brand,
    /// Whose rights the exports will run with; none yet.
    pub export_user: Option<String>,
}

/// What becomes of an export when its connection is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leftover {
    /// It stays without a connection and does not run.
    Detach,
    /// It is removed too.
    Remove,
}

/// An export in the list, as this person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportLine {
    /// The export.
    pub export: Export,
    /// The destination of its connection.
    pub kind: Option<DestinationKind>,
    /// The display name of its connection.
    pub connection_name: Option<String>,
    /// Its segments with their members at the last refresh.
    pub segments: Vec<(SegmentId, String, Option<u64>)>,
    /// Its last run.
    pub last_run: Option<Run>,
    /// The next slot of its schedule: microseconds since 1970, UTC.
    pub next_slot: Option<i64>,
    /// The slot that did not start when it should, if that is so.
    pub late: Option<LateSlot>,
    /// May this person change and run it?
    pub may_edit: bool,
}

/// How a connection uses the limits of its account, and whether its destination answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionPace {
    /// Per cent of the limit that are left to the account's other programs.
    pub reserve_percent: u8,
    /// The account as a whole.
    pub account: super::AccountPace,
}

/// Why a slot is late. Codes are stable: they stand in the log too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lateness {
    /// It has passed, and nothing is recorded of it: the scheduler does not get to it.
    NotSeen,
    /// It is queued, and nothing has begun.
    NotBegun,
    /// It passed while Ferry was not running, and was not caught up on.
    Missed,
}

impl Lateness {
    /// The code in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSeen => "slot_not_seen",
            Self::NotBegun => "slot_not_begun",
            Self::Missed => "slot_missed",
        }
    }
}

/// A slot that did not start when it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateSlot {
    /// The export; none is the system refresh.
    pub export: Option<(ExportId, String)>,
    /// The slot: microseconds since 1970, UTC.
    pub slot_at: i64,
    /// Why.
    pub lateness: Lateness,
}

/// How the system refresh stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemStatus {
    /// The jobs, newest first.
    pub jobs: Vec<domain::system::RefreshJob>,
    /// The job whose tasks are shown: the newest that did something.
    pub shown: Option<domain::system::RefreshJob>,
    /// Its tasks, in their order.
    pub tasks: Vec<domain::system::RefreshTask>,
    /// What did not start when it should.
    pub late: Vec<LateSlot>,
    /// The next slot of the system refresh: microseconds since 1970, UTC.
    pub next_slot: Option<i64>,
}

/// A run, with how it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// The run.
    pub run: Run,
    /// The hash of the file that its profiles come from, where it is known.
    pub sha256: Option<String>,
    /// Contacts that the plan sends.
    pub to_send: u64,
    /// Contacts sent so far.
    pub sent: u64,
    /// Tag changes that the plan makes, and those made so far.
    pub tags_to_change: u64,
    /// Tag changes made so far.
    pub tags_changed: u64,
    /// Contacts a second over the last minute, tag changes once all contacts are sent; 0 while nothing is sent.
    pub rate: f64,
    /// Seconds left, where they can be told.
    pub seconds_left: Option<u64>,
    /// What it may use of its account, and what it waits for, while it goes on.
    pub pace: super::RunPace,
    /// Rejected, held and unconfirmed rows by reason.
    pub reasons: Vec<(domain::run::RowReason, u64)>,
    /// Some of those rows, of each reason, once the run has ended.
    pub examples: Vec<TroubledRow>,
    /// May this person send those rows again?
    pub may_resend: bool,
    /// May this person ask the destination again about the unconfirmed rows, and can it be asked?
    pub may_recheck: bool,
    /// The last run that asked again about this one's rows.
    pub rechecked_by: Option<RunId>,
    /// The run that goes on with what this one left, when it made room for others.
    pub continued_by: Option<RunId>,
    /// May this person cancel it?
    pub may_cancel: bool,
    /// May this person approve it, where it waits for that?
    pub may_approve: bool,
}

/// One row that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubledRow {
    /// The profile's primary key.
    pub key: String,
    /// The address, as far as there is one.
    pub email: String,
    /// Why.
    pub reason: domain::run::RowReason,
    /// What the destination said.
    pub detail: String,
}

/// The receipt of a run: what `ferry run --json` prints. Times are RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The run.
    pub run: RunId,
    /// The export's name.
    pub export: String,
    /// What started it.
    pub trigger: domain::run::Trigger,
    /// How it ended.
    pub state: RunState,
    /// When it began.
    pub started: Option<String>,
    /// When it ended.
    pub finished: Option<String>,
    /// The number of the profile snapshot.
    pub snapshot: Option<i64>,
    /// The counts.
    #[serde(flatten)]
    pub counts: domain::run::Counts,
}
