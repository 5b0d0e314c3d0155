//! what becomes of a run when rights are taken away while it is queued, worked on or waiting (ASVS 7.4.2, 8.3.1).
//! It runs with the rights of the connection's export user. Whoever started it needs the right at that moment; what they
//! lose later ends what they may do themselves, with their next request, and not the run.

use std::sync::Arc;

use app::services::{Accounts as _, Connections as _, Exports as _};
use domain::access::{Actor, Audience, Role, may_edit_export};
use domain::id::RunId;
use domain::run::{Run, RunReason, RunState};
use futures::future::join_all;
use omnisend_simulator::{Action, Rule, Script};

use super::stage::{Setting, Stage, people, too_fast};
use crate::clock::Clock as _;
use crate::destinations::{Addresses, Registry};
use crate::secrets::Keyring;
use crate::services::accounts::AccountsService;
use crate::services::accounts::passwords::Passwords;
use crate::services::connections::ConnectionsService;
use crate::services::exports::ExportsService;

const PASSWORD: &str = "blue harbour tide";
const SHARED: Audience = Audience::AdministratorsAndContributors;
/// How soon a right that was lost has its effect, in microseconds.
const SOON: i64 = 5_000_000;

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Whoever started the run becomes a viewer.
    StarterLowered,
    StarterDisabled,
    /// The connection is for administrators alone.
    NotShared,
    /// The export user becomes a viewer.
    ExportUserLowered,
    ExportUserDisabled,
}

impl Change {
    const ALL: [Self; 5] = [
        Self::StarterLowered,
        Self::StarterDisabled,
        Self::NotShared,
        Self::ExportUserLowered,
        Self::ExportUserDisabled,
    ];

    fn ends_the_run(self) -> bool {
        matches!(self, Self::ExportUserLowered | Self::ExportUserDisabled)
    }
}

/// How the run stands when that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Queued,
    Running,
    Waiting,
}

/// A stage with the real services, an administrator who changes things, and somebody who starts the run.
struct Yard {
    stage: Stage,
    accounts: AccountsService,
    connections: ConnectionsService,
    exports: ExportsService,
    admin: Actor,
    starter: Actor,
}

impl Yard {
    /// The starter has this role; a viewer has it since they started the run, as a contributor.
    async fn open(role: Role) -> (Self, RunId) {
        let stage = Stage::with(Setting { factor: 2, ..Setting::default() }).await;
        let (db, clock) = (stage.db.db.clone(), stage.clock.clone());
        let accounts = AccountsService::new(db.clone(), clock.clone(), Passwords::fast());
        let of_kind = [("omnisend".to_owned(), stage.simulator.url())].into();
        let registry = Registry::new(&Addresses { of_kind }).expect("an address");
        // Nothing is sealed or opened through this one.
        let keyring = Arc::new(Keyring::parse(&Keyring::generate()).expect("a key"));
        let (proof, pace) = (Arc::new(accounts.clone()), stage.options.pace_rules());
        let connections = ConnectionsService::new(db.clone(), clock.clone(), keyring, registry.clone(), proof, pace);
        let exports = ExportsService::new(db, stage.data.clone(), clock, registry, Arc::new(|| {}), pace);
        let person = async |name: &str, role| {
            let email = format!("{name}@example.com");
            accounts.add_from_command_line(&email, role, Some(PASSWORD)).await.expect("added");
            let id = accounts.sign_in(&email, PASSWORD).await.expect("known");
            accounts.actor(id).await.expect("read").expect("enabled")
        };
        let admin = person("root", Role::Administrator).await;
        let starter = person("bo", role.max(Role::Contributor)).await;
        connections.edit(&admin, stage.connection, "Shop", SHARED).await.expect("shared");
        stage.refresh(&people(0..12_000, "a")).await;
        let run = exports.start_run(&starter, stage.export).await.expect("queued");
        accounts.set_role(&admin, starter.id, role).await.expect("set");
        (Self { stage, accounts, connections, exports, admin, starter }, run)
    }

    async fn carry_out(&self, change: Change) {
        let (admin, starter, export_user) = (&self.admin, self.starter.id, self.stage.user);
        let done = match change {
            Change::StarterLowered => self.accounts.set_role(admin, starter, Role::Viewer).await,
            Change::StarterDisabled => self.accounts.set_enabled(admin, starter, false).await,
            Change::NotShared => {
                self.connections.edit(admin, self.stage.connection, "Shop", Audience::Administrators).await
            }
            Change::ExportUserLowered => self.accounts.set_role(admin, export_user, Role::Viewer).await,
            Change::ExportUserDisabled => self.accounts.set_enabled(admin, export_user, false).await,
        };
        done.expect("changed");
    }

    /// Changes it at this moment, lets the run come to its end, and gives from when on the change could be noticed.
    async fn live_through(&self, run: RunId, moment: Moment, change: Change) -> (Run, i64) {
        let simulator = self.stage.simulator.state();
        let mut engine = self.stage.engine();
        let (running, since) = match moment {
            Moment::Queued => {
                self.carry_out(change).await;
                (engine.start(), self.stage.now())
            }
            Moment::Running => {
                simulator.set_faults(Script::one(Rule::on("POST", "/batches", Action::Delay { ms: 400, after: true })));
                let running = engine.start();
                self.stage.until(run, |run| run.counts.requests > 0).await;
                self.carry_out(change).await;
                let since = self.stage.now();
                if !change.ends_the_run() {
                    // So that it is looked at once before the run is over.
                    self.stage.clock.sleep(std::time::Duration::from_millis(1_500)).await;
                    assert!(self.stage.find(run).await.finished_at.is_none(), "{change:?}: over too soon");
                    simulator.set_faults(Script::default());
                }
                (running, since)
            }
            Moment::Waiting => {
                simulator.set_faults(Script::one(Rule::on("POST", "/batches", too_fast(600))));
                let running = engine.start();
                self.stage.until(run, |run| run.state == RunState::Waiting).await;
                running.stop().await;
                self.carry_out(change).await;
                simulator.set_faults(Script::default());
                self.stage.clock.skip(11);
                engine = self.stage.engine();
                (engine.start(), self.stage.now())
            }
        };
        let ended = self.stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;
        (ended, since)
    }

    /// Whoever started it has with their next request the rights that they have now, and no others.
    async fn check_the_starter(&self, run: RunId, change: Change) {
        let now = self.accounts.actor(self.starter.id).await.expect("read");
        let Some(now) = now else { return assert_eq!(change, Change::StarterDisabled) };
        assert_ne!(change, Change::StarterDisabled);
        let audience = if change == Change::NotShared { Audience::Administrators } else { SHARED };
        let may = may_edit_export(now.role, Some(audience));
        assert_eq!(self.exports.cancel_run(&now, run).await.is_ok(), may, "{now:?}");
        assert_eq!(self.exports.start_run(&now, self.stage.export).await.is_ok(), may, "{now:?}");
    }
}

async fn live_through(role: Role, moment: Moment, change: Change) {
    let cell = format!("{role:?}, {change:?}, {moment:?}");
    let (yard, run) = Yard::open(role).await;

    let (ended, since) = yard.live_through(run, moment, change).await;

    if change.ends_the_run() {
        assert_eq!((ended.state, ended.reason), (RunState::Failed, Some(RunReason::RightsLost)), "{cell}");
        let took = ended.finished_at.expect("over") - since;
        assert!(took <= SOON, "{cell}: {took} µs");
        assert!(ended.counts.accepted < 12_000, "{cell}: {:?}", ended.counts);
        assert_eq!(yard.stage.arrived().is_empty(), moment != Moment::Running, "{cell}");
    } else {
        assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, 12_000), "{cell}");
    }
    assert!(ended.counts.add_up(), "{cell}: {:?}", ended.counts);
    assert_eq!(ended.started_by.as_deref(), Some("bo@example.com"));
    yard.check_the_starter(run, change).await;
}

async fn every_role_and_change(moment: Moment) {
    for role in Role::ALL {
        join_all(Change::ALL.map(|change| live_through(role, moment, change))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r40_a_queued_run_goes_by_the_rights_that_the_export_user_has_when_it_is_taken_up() {
    every_role_and_change(Moment::Queued).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r40_a_run_that_is_worked_on_stops_soon_after_the_export_user_has_lost_their_rights() {
    every_role_and_change(Moment::Running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r40_a_waiting_run_goes_by_the_rights_that_the_export_user_has_when_it_goes_on() {
    every_role_and_change(Moment::Waiting).await;
}

/// An export user who is no administrator any more keeps the rights of a contributor, as long as the connection is shared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r40_the_export_user_needs_the_right_to_run_the_export_and_no_more() {
    for role in Role::ALL {
        for audience in [Audience::Administrators, SHARED] {
            let (yard, run) = Yard::open(Role::Administrator).await;
            yard.accounts.set_role(&yard.admin, yard.stage.user, role).await.expect("set");
            yard.connections.edit(&yard.admin, yard.stage.connection, "Shop", audience).await.expect("set");

            let (ended, _) = yard.live_through(run, Moment::Queued, Change::StarterDisabled).await;

            let may = may_edit_export(role, Some(audience));
            let expected =
                if may { (RunState::Successful, None) } else { (RunState::Failed, Some(RunReason::RightsLost)) };
            assert_eq!((ended.state, ended.reason), expected, "{role:?}, {audience:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_starts_no_run() {
    let (yard, run) = Yard::open(Role::Viewer).await;
    let now = yard.accounts.actor(yard.starter.id).await.expect("read").expect("enabled");

    let refused = yard.exports.start_run(&now, yard.stage.export).await;

    assert_eq!(refused, Err(app::error::AppError::Forbidden));
    assert_eq!(yard.stage.find(run).await.state, RunState::Queued, "what they started before is left alone");
}
