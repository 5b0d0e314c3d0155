//! The traits: what the server implements and screens call. The plain data that goes across is in `lines`.

use domain::access::{Actor, Role};
use domain::attribute::Attribute;
use domain::connection::{Connection, ConnectionName};
use domain::destination::{DestinationCard, DestinationKind};
use domain::export::{Export, ExportSettings};
use domain::id::{ConnectionId, ExportId, JobId, RunId, SegmentId, SourceId, UserId};
use domain::mapping::Mapping;
use domain::paging::{Page, PageRequest};
use domain::rule::Rule;
use domain::run::{RowReason, Run};
use domain::source::{Location, Preview, Reading, RejectedRow};
use domain::system::SystemSettings;

use super::*;

/// Everything, as one value that travels with each request.
#[derive(Clone)]
pub struct Services {
    /// People, sign-in and one-time links.
    pub accounts: std::sync::Arc<dyn Accounts>,
    /// Data sources and profiles.
    pub sources: std::sync::Arc<dyn Sources>,
    /// Segments.
    pub segments: std::sync::Arc<dyn Segments>,
    /// Connections.
    pub connections: std::sync::Arc<dyn Connections>,
    /// Exports and runs.
    pub exports: std::sync::Arc<dyn Exports>,
    /// The system refresh.
    pub system: std::sync::Arc<dyn System>,
}

/// The visit of one browser: its session, as far as a screen may touch it. One per request.
#[async_trait::async_trait]
pub trait Visit: Send + Sync {
    /// Who is signed in, with the role of this very moment.
    fn actor(&self) -> Option<Actor>;
    /// Signs in: the session gets a new id.
    async fn enter(&self, user: UserId) -> Answer<()>;
    /// Signs out: the session ends on the server.
    async fn leave(&self) -> Answer<()>;
    /// Leaves a message for the next page that is shown.
    async fn leave_note(&self, note: Note) -> Answer<()>;
    /// Takes the message that the previous request left.
    async fn take_note(&self) -> Answer<Option<Note>>;
}

/// People, sign-in and one-time links.
#[async_trait::async_trait]
pub trait Accounts: Send + Sync {
    /// Checks an address and a password. One error for all ways to be wrong; slows down repeated failures.
    async fn sign_in(&self, email: &str, password: &str) -> Answer<UserId>;
    /// Whom a one-time link is for; [`AppError::LinkInvalid`] when it is used up or too old.
    async fn link(&self, token: &str) -> Answer<LinkPurpose>;
    /// Uses a set-up link: makes the first administrator. Only one of many at once succeeds.
    async fn set_up(&self, token: &str, email: &str, password: &str) -> Answer<UserId>;
    /// Uses an invitation: sets the invited person's password.
    async fn accept_invitation(&self, token: &str, password: &str) -> Answer<UserId>;
    /// All people, by address. Administrators only, as is all that follows.
    async fn users(&self, actor: &Actor) -> Answer<Vec<UserLine>>;
    /// Adds a person; gives the token of a one-time link with which they choose a password.
    async fn add_user(&self, actor: &Actor, email: &str, role: Role) -> Answer<String>;
    /// Makes a new one-time link for a person who lost theirs or forgot the password.
    async fn invite_again(&self, actor: &Actor, user: UserId) -> Answer<String>;
    /// Changes a role; acts on the person's next request.
    async fn set_role(&self, actor: &Actor, user: UserId, role: Role) -> Answer<()>;
    /// Disables or enables a person; acts on their next request.
    async fn set_enabled(&self, actor: &Actor, user: UserId, enabled: bool) -> Answer<()>;
}

/// Data sources and profiles.
#[async_trait::async_trait]
pub trait Sources: Send + Sync {
    /// All data sources, by name.
    async fn list(&self, actor: &Actor) -> Answer<Vec<SourceLine>>;
    /// One data source.
    async fn find(&self, actor: &Actor, id: SourceId) -> Answer<SourceLine>;
    /// The directories under which files on the server may be named; empty for those who may not.
    async fn server_directories(&self, actor: &Actor) -> Answer<Vec<String>>;
    /// A look at a file, with guesses, or as `reading` says.
    async fn preview(&self, actor: &Actor, location: &Location, reading: Option<Reading>) -> Answer<Preview>;
    /// Adds (`id` empty) or changes a data source.
    async fn save(&self, actor: &Actor, id: Option<SourceId>, draft: SourceDraft) -> Answer<SourceId>;
    /// Starts a refresh in the background; the list shows how it goes.
    async fn refresh(&self, actor: &Actor, id: SourceId) -> Answer<()>;
    /// The number of the last refresh of a data source; [`AppError::NotFound`] when there was none.
    async fn last_refresh(&self, actor: &Actor, id: SourceId) -> Answer<i64>;
    /// All rows that the refresh of this number rejected; [`AppError::NotFound`] while it goes on, and when it has not
    /// read its files to the end.
    async fn rejected_rows(&self, actor: &Actor, refresh: i64, page: PageRequest) -> Answer<Page<RejectedRow>>;
    /// Makes it the customer table, whose rows become the profiles, and starts its refresh. Administrators only: it
    /// changes who is in every segment.
    async fn make_customer_table(&self, actor: &Actor, id: SourceId) -> Answer<()>;
    /// Removes a data source with its uploaded file; the profiles of earlier snapshots stay until the next refresh. While
    /// there are others, only administrators remove the customer table: another one takes its place.
    async fn remove(&self, actor: &Actor, id: SourceId) -> Answer<()>;
    /// The attributes of the newest profile snapshot; empty while there is none.
    async fn attributes(&self, actor: &Actor) -> Answer<Vec<Attribute>>;
    /// Profiles of the newest snapshot, by key. `search` finds a key or an e-mail address that starts with it.
    async fn profiles(&self, actor: &Actor, search: &str, page: PageRequest) -> Answer<ProfilePage>;
}

/// Segments.
#[async_trait::async_trait]
pub trait Segments: Send + Sync {
    /// All segments, by name.
    async fn list(&self, actor: &Actor) -> Answer<Vec<SegmentLine>>;
    /// One segment.
    async fn find(&self, actor: &Actor, id: SegmentId) -> Answer<SegmentLine>;
    /// Counts a rule's members on the newest snapshot and shows the first 100. Dropping the call cancels it.
    async fn try_rule(&self, actor: &Actor, rule: &Rule) -> Answer<MembersPreview>;
    /// The first 100 members of a saved segment.
    async fn members(&self, actor: &Actor, id: SegmentId) -> Answer<MembersPreview>;
    /// Adds (`id` empty) or changes a segment; an active one is refreshed at once.
    async fn save(&self, actor: &Actor, id: Option<SegmentId>, name: &str, rule: Rule) -> Answer<SegmentId>;
    /// Counts the members anew.
    async fn refresh(&self, actor: &Actor, id: SegmentId) -> Answer<()>;
    /// Freezes the members as they are now.
    async fn make_static(&self, actor: &Actor, id: SegmentId) -> Answer<()>;
    /// Lets the rule decide again.
    async fn make_dynamic(&self, actor: &Actor, id: SegmentId) -> Answer<()>;
    /// Activates or deactivates it.
    async fn set_active(&self, actor: &Actor, id: SegmentId, active: bool) -> Answer<()>;
    /// Removes it; the exports that used it keep their other segments and take its tag from people in their next run.
    async fn remove(&self, actor: &Actor, id: SegmentId) -> Answer<()>;
}

/// Connections. Administrators only, but for [`Connections::usable`] and [`Connections::cards`].
#[async_trait::async_trait]
pub trait Connections: Send + Sync {
    /// The kinds of destination that Ferry knows.
    fn cards(&self) -> Vec<DestinationCard>;
    /// All connections, by name.
    async fn list(&self, actor: &Actor) -> Answer<Vec<ConnectionLine>>;
    /// Name and kind of those that this person may use for an export.
    async fn usable(&self, actor: &Actor) -> Answer<Vec<ConnectionName>>;
    /// One connection that has been saved.
    async fn find(&self, actor: &Actor, id: ConnectionId) -> Answer<Connection>;
    /// One connection that is being added, or whose key is being replaced: how far it is.
    async fn set_up(&self, actor: &Actor, id: ConnectionId) -> Answer<SetUp>;
    /// *Connect*: checks the key with the destination, and keeps it sealed with name, audience and consent as a set-up
    /// in progress. The first call (`id` empty) starts one; it is forgotten a day later if it is not saved.
    async fn connect(&self, actor: &Actor, id: Option<ConnectionId>, draft: ConnectDraft) -> Answer<ConnectionId>;
    /// *Add yourself as export user*: proves the actor's password and records whose rights the exports run with.
    async fn add_export_user(&self, actor: &Actor, id: ConnectionId, password: &str) -> Answer<()>;
    /// *Save*: ends the set-up. Refused until key, consent and export user are there.
    async fn save(&self, actor: &Actor, id: ConnectionId) -> Answer<()>;
    /// Changes name and audience.
    async fn edit(&self, actor: &Actor, id: ConnectionId, name: &str, audience: domain::access::Audience)
    -> Answer<()>;
    /// Checks another key with the destination and, if it opens the same or another account, keeps it in place of the
    /// old one. Clears what needed attention.
    async fn replace_key(&self, actor: &Actor, id: ConnectionId, key: &str) -> Answer<()>;
    /// How it uses the limit of its account.
    async fn pace(&self, actor: &Actor, id: ConnectionId) -> Answer<ConnectionPace>;
    /// Leaves so many per cent of the limit, at most 90, to the account's other programs.
    async fn set_reserve(&self, actor: &Actor, id: ConnectionId, percent: u8) -> Answer<()>;
    /// The exports that use it, by name.
    async fn used_by(&self, actor: &Actor, id: ConnectionId) -> Answer<Vec<(ExportId, String)>>;
    /// Removes it and destroys its key. Every export that uses it must be named, each with what becomes of it.
    async fn remove(&self, actor: &Actor, id: ConnectionId, exports: Vec<(ExportId, Leftover)>) -> Answer<()>;
    /// The name and kind of a destination's card by its kind.
    fn card(&self, kind: &DestinationKind) -> Option<DestinationCard>;
}

/// The system refresh. Everybody may look; administrators change it.
#[async_trait::async_trait]
pub trait System: Send + Sync {
    /// When it comes, and what holds for all that runs by itself.
    async fn settings(&self, actor: &Actor) -> Answer<SystemSettings>;
    /// Changes that. [`AppError::Stale`] when somebody saved meanwhile.
    async fn save_settings(&self, actor: &Actor, settings: SystemSettings) -> Answer<()>;
    /// Queues a system refresh; gives the active one where there is one already.
    async fn refresh_all(&self, actor: &Actor) -> Answer<JobId>;
    /// Asks a system refresh to stop: what has not begun does not begin, and its exports stop.
    async fn cancel(&self, actor: &Actor, id: JobId) -> Answer<()>;
    /// The last system refresh with its tasks, those before it, and what did not start when it should.
    async fn status(&self, actor: &Actor) -> Answer<SystemStatus>;
}

/// Exports and runs.
#[async_trait::async_trait]
pub trait Exports: Send + Sync {
    /// All exports, by name.
    async fn list(&self, actor: &Actor) -> Answer<Vec<ExportLine>>;
    /// One export, with what the actor may do with it.
    async fn find(&self, actor: &Actor, id: ExportId) -> Answer<ExportLine>;
    /// A data matching proposed for a kind of destination from the attributes' names.
    async fn suggest(&self, actor: &Actor, kind: &DestinationKind) -> Answer<Mapping>;
    /// Adds an export. Does not run it.
    async fn add(&self, actor: &Actor, settings: ExportSettings) -> Answer<ExportId>;
    /// Changes an export. `version` is the one that was shown; [`AppError::Stale`] when somebody saved meanwhile.
    async fn edit(&self, actor: &Actor, id: ExportId, version: i64, settings: ExportSettings) -> Answer<()>;
    /// Takes the connection away: the export stays, and does not run until it has one again.
    async fn detach(&self, actor: &Actor, id: ExportId) -> Answer<()>;
    /// Removes an export with its history; an active run is cancelled first. Nothing is removed at the destination.
    async fn remove(&self, actor: &Actor, id: ExportId) -> Answer<()>;
    /// Queues a run; gives the active run where there is one already.
    async fn start_run(&self, actor: &Actor, id: ExportId) -> Answer<RunId>;
    /// Queues a run of every export that has a schedule and that the actor may edit.
    async fn run_all(&self, actor: &Actor) -> Answer<Vec<RunId>>;
    /// What the next run of an export would do. Sends nothing, and leaves nothing behind.
    async fn dry_run(&self, actor: &Actor, id: ExportId) -> Answer<DryRun>;
    /// Asks a run to stop: no new request from then on.
    async fn cancel_run(&self, actor: &Actor, id: RunId) -> Answer<()>;
    /// Queues a run of only the rows that an ended run could not deliver, all or those with one reason;
    /// [`AppError::Outdated`] when there are none.
    async fn resend(&self, actor: &Actor, id: RunId, reason: Option<RowReason>) -> Answer<RunId>;
    /// Queues a run that asks the destination what became of the unconfirmed rows of an ended run.
    /// [`AppError::NotReady`] when it can no longer be asked, or another run of the export is active;
    /// [`AppError::Outdated`] when no row is unconfirmed.
    async fn recheck(&self, actor: &Actor, id: RunId) -> Answer<RunId>;
    /// Lets a run go on that is held because it is unlike the ones before it; [`AppError::Outdated`] when it is not (any more).
    async fn approve_run(&self, actor: &Actor, id: RunId) -> Answer<()>;
    /// One run, with its progress.
    async fn run(&self, actor: &Actor, id: RunId) -> Answer<RunView>;
    /// The runs of one export (or of all), newest first.
    async fn runs(&self, actor: &Actor, export: Option<ExportId>, page: PageRequest) -> Answer<Page<Run>>;
    /// The rows of a run that were rejected, held back or are unconfirmed.
    async fn troubled_rows(&self, actor: &Actor, id: RunId, page: PageRequest) -> Answer<Page<TroubledRow>>;
    /// The export itself, as the settings of a duplicate: nothing exists until it is added.
    async fn duplicate(&self, actor: &Actor, id: ExportId) -> Answer<Export>;
}
