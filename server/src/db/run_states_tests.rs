//! What a run may become, and that it only gets on: kept by the database itself, on every database that is there.

use domain::export::ExportSettings;
use domain::id::{ExportId, RunId};
use domain::mapping::Mapping;
use domain::marking::Marking;
use domain::run::{RunReason, RunState, Trigger};
use domain::safety::Safety;
use domain::schedule::Schedule;

use super::runs::{self, NewRun};
use super::testing::{TestDatabase, databases};
use super::{DbError, Tx, exports, sql};

use RunState::{
    Canceled, CompletedWithErrors, Failed, Preparing, Queued, Sending, Settling, Skipped, Successful, Tagging, Waiting,
};

/// The changes that `docs/reliability.md` lists; a waiting run goes on with the state that it had.
const LEGAL: [(RunState, &[RunState]); 6] = [
    (Queued, &[Preparing, Canceled]),
    (Preparing, &[Sending, Waiting, Skipped, Failed, Canceled]),
    (Sending, &[Settling, Waiting, Failed, Canceled]),
    (Settling, &[Tagging, Waiting, Failed, Canceled]),
    (Tagging, &[Successful, CompletedWithErrors, Waiting, Failed, Canceled]),
    (Waiting, &[Failed, Canceled]),
];

/// How a run gets into a state.
fn way_to(state: RunState) -> &'static [RunState] {
    match state {
        Queued => &[],
        Preparing => &[Preparing],
        Sending => &[Preparing, Sending],
        Settling => &[Preparing, Sending, Settling],
        Tagging => &[Preparing, Sending, Settling, Tagging],
        Waiting => &[Preparing, Sending, Waiting],
        Successful => &[Preparing, Sending, Settling, Tagging, Successful],
        CompletedWithErrors => &[Preparing, Sending, Settling, Tagging, CompletedWithErrors],
        Failed => &[Preparing, Failed],
        Canceled => &[Preparing, Canceled],
        Skipped => &[Preparing, Skipped],
    }
}

/// Writes a state with everything that goes with it, so that only the change itself can be refused.
async fn write(tx: &mut Tx, run: RunId, state: RunState, goes_on_with: Option<RunState>) -> Result<u64, DbError> {
    sql::execute!(
        tx,
        "update runs
         set state = $2, finished_at = $3, waiting_until = $4, goes_on_with = $5, lease_owner = null, lease_until = null
         where id = $1",
        run.to_string(),
        state.as_str(),
        state.is_final().then_some(9_i64),
        (state == Waiting).then_some(9_i64),
        goes_on_with.map(RunState::as_str),
    )
}

async fn add_export(db: &TestDatabase) -> ExportId {
    let id = ExportId(uuid::Uuid::now_v7());
    let settings = ExportSettings {
        name: id.to_string(),
        connection: None,
        mapping: Mapping::default(),
        segments: Vec::new(),
        schedule: Schedule::Off,
        safety: Safety::default(),
        marking: Marking::Tags,
    };
    let mut tx = db.begin().await.expect("begun");
    exports::insert(&mut tx, id, &settings, 1).await.expect("an export");
    tx.commit().await.expect("committed");
    id
}

async fn queue(tx: &mut Tx, export: ExportId, at: i64) -> RunId {
    let new = NewRun {
        id: RunId(uuid::Uuid::now_v7()),
        export,
        export_name: String::new(),
        settings_version: 1,
        connection: None,
        trigger: Trigger::Manual,
        started_by: None,
        slot_at: None,
        resend_of: None,
        recheck_of: None,
        continues: None,
    };
    runs::queue(tx, &new, at).await.expect("queued").run()
}

/// Is the change from one state to another taken, for a run that came to the first by legal ones?
async fn is_taken(db: &TestDatabase, export: ExportId, from: RunState, to: RunState) -> bool {
    let mut tx = db.begin().await.expect("begun");
    let run = queue(&mut tx, export, 5).await;
    let mut before = Queued;
    for state in way_to(from) {
        let goes_on_with = (*state == Waiting).then_some(before);
        write(&mut tx, run, *state, goes_on_with).await.expect("a legal way");
        before = *state;
    }
    let goes_on_with = (to == Waiting).then_some(if from.is_final() || from == Queued { Sending } else { from });
    write(&mut tx, run, to, goes_on_with).await.is_ok()
}

#[tokio::test]
async fn only_the_listed_changes_of_state_can_be_written() {
    for db in databases().await {
        let export = add_export(&db).await;
        for from in RunState::ALL {
            for to in RunState::ALL.into_iter().filter(|to| *to != from) {
                let listed =
                    LEGAL.iter().find(|(state, _)| *state == from).is_some_and(|(_, to_all)| to_all.contains(&to));
                // The run of this test waits with sending.
                let is_legal = listed || (from, to) == (Waiting, Sending);
                let taken = is_taken(&db, export, from, to).await;
                assert_eq!(taken, is_legal, "{}: {from:?} to {to:?}", db.kind());
            }
        }
    }
}

#[tokio::test]
async fn a_run_begins_queued_or_skipped() {
    for db in databases().await {
        let export = add_export(&db).await;
        for state in RunState::ALL {
            let mut tx = db.begin().await.expect("begun");
            let first = queue(&mut tx, export, 5).await;
            write(&mut tx, first, Preparing, None).await.expect("legal");
            write(&mut tx, first, Failed, None).await.expect("legal");
            let added = sql::execute!(
                &mut tx,
                "insert into runs (id, export_id, export_name, started_because, state, due_at, fence, recoveries, failures,
                    progress_at, settings_version, has_ledger, next_row, to_send, sent, tags_to_change, tags_changed,
                    members, accepted, unchanged, rejected, held, unconfirmed, tags_added, tags_removed, requests,
                    retries, queued_at, finished_at, goes_on_with, waiting_until)
                 select $2, export_id, export_name, started_because, $3, due_at, fence, recoveries, failures,
                    progress_at, settings_version, has_ledger, next_row, to_send, sent, tags_to_change, tags_changed,
                    members, accepted, unchanged, rejected, held, unconfirmed, tags_added, tags_removed, requests,
                    retries, queued_at, $4, $5, $6
                 from runs where id = $1",
                first.to_string(),
                uuid::Uuid::now_v7().to_string(),
                state.as_str(),
                state.is_final().then_some(9_i64),
                (state == Waiting).then_some("sending"),
                (state == Waiting).then_some(9_i64),
            );
            assert_eq!(added.is_ok(), matches!(state, Queued | Skipped), "{}: {state:?}", db.kind());
        }
    }
}

#[tokio::test]
async fn counters_and_checkpoints_never_go_back_and_an_end_stays() {
    for db in databases().await {
        let export = add_export(&db).await;
        let mut tx = db.begin().await.expect("begun");
        let run = queue(&mut tx, export, 5).await;
        write(&mut tx, run, Preparing, None).await.expect("legal");
        write(&mut tx, run, Sending, None).await.expect("legal");
        sql::execute!(
            &mut tx,
            "update runs
             set next_row = 7, requests = 7, retries = 7, sent = 7, accepted = 7, tags_changed = 7, tags_added = 7,
                tags_removed = 7, fence = 7, members = 7
             where id = $1",
            run.to_string(),
        )
        .expect("it gets on");
        tx.commit().await.expect("committed");

        macro_rules! refused {
            ($($column:literal),*) => {$({
                let mut tx = db.begin().await.expect("begun");
                let back = sql::execute!(
                    &mut tx,
                    concat!("update runs set ", $column, " = ", $column, " - 1 where id = $1"),
                    run.to_string(),
                );
                assert!(back.is_err(), "{}: {} went back", db.kind(), $column);
            })*};
        }
        refused!(
            "next_row",
            "requests",
            "retries",
            "sent",
            "accepted",
            "tags_changed",
            "tags_added",
            "tags_removed",
            "fence"
        );

        let mut tx = db.begin().await.expect("begun");
        write(&mut tx, run, Failed, None).await.expect("legal");
        tx.commit().await.expect("committed");
        refused!("requests", "accepted", "members", "fence", "finished_at");
        let mut tx = db.begin().await.expect("begun");
        let reason = RunReason::Storage.as_str();
        let other = sql::execute!(&mut tx, "update runs set reason = $2 where id = $1", run.to_string(), reason);
        assert!(other.is_err());
    }
}

/// The runs of a Ferry before 0017 are numbered in the order of their times, those that have ended too.
#[tokio::test]
async fn runs_from_before_they_were_numbered_stand_in_the_order_of_their_times() {
    for db in databases().await {
        let exports = [add_export(&db).await, add_export(&db).await];
        let mut tx = db.begin().await.expect("begun");
        let mut last = Vec::new();
        for at in [30, 10, 20] {
            for export in exports {
                let run = queue(&mut tx, export, at).await;
                assert_eq!(write(&mut tx, run, Preparing, None).await.expect("written"), 1);
                assert_eq!(write(&mut tx, run, Failed, None).await.expect("written"), 1);
                last.push(run);
            }
        }
        let numbers = async |tx: &mut Tx| numbers(tx).await.expect("read");
        assert_eq!(
            numbers(&mut tx).await,
            [(10, 2), (10, 2), (20, 3), (20, 3), (30, 1), (30, 1)],
            "as they were queued"
        );
        for undo in ["drop index runs_of_export", "alter table runs drop column number", OLD_INDEX] {
            tx.execute_text(undo).await;
        }
        let again = match db.kind() {
            "SQLite" => include_str!("../../../migrations/sqlite/0017_run_order.sql"),
            _ => include_str!("../../../migrations/postgres/0017_run_order.sql"),
        };
        tx.execute_text(again).await;
        assert_eq!(
            numbers(&mut tx).await,
            [(10, 1), (10, 1), (20, 2), (20, 2), (30, 3), (30, 3)],
            "as their times say"
        );
        let page = domain::paging::PageRequest { number: 1, size: 1 };
        let newest = runs::list(&mut tx, Some(exports[0]), page).await.expect("read").items;
        assert_eq!(newest[0].id, last[0]);
    }
}

const OLD_INDEX: &str = "create index runs_of_export on runs (export_id, queued_at)";

async fn numbers(tx: &mut Tx) -> Result<Vec<(i64, i64)>, DbError> {
    sql::fetch_all!(tx, (i64, i64), "select queued_at, cast(number as bigint) from runs order by queued_at, export_id")
}
