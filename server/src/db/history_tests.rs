//! A long history: what is shown of it, and what is forgotten.

use domain::id::{ExportId, RunId};
use domain::paging::PageRequest;
use domain::run::{RunState, Trigger};
use uuid::Uuid;

use super::runs::{self, NewRun, Queued};
use super::testing::databases;
use super::{DbError, Tx, exports, housekeeping, sql};

const DAY: i64 = 24 * 3600 * 1_000_000;
const RUNS: i64 = 100_000;

fn export() -> ExportId {
    ExportId(Uuid::from_u128(1))
}

fn run(number: u128, slot_at: Option<i64>) -> NewRun {
    NewRun {
        id: RunId(Uuid::from_u128(number)),
        export: export(),
        export_name: "Letter".to_owned(),
        settings_version: 1,
        connection: None,
        trigger: Trigger::Manual,
        started_by: None,
        slot_at,
        resend_of: None,
        recheck_of: None,
        continues: None,
    }
}

/// So many slots that were missed, one a second, and before them one with a ledger, one that was sent again, and one that
/// goes on.
async fn fill(tx: &mut Tx) -> Result<(), DbError> {
    let settings = super::definitions_tests::make_settings("Letter", None, Vec::new());
    exports::insert(tx, export(), &settings, 1).await?;
    for number in 1..=3 {
        let reason = domain::run::RunReason::NoProfiles;
        assert!(runs::record_skipped(tx, &run(number, None), reason, 1).await?);
    }
    sql::execute!(tx, "update runs set has_ledger = $2 where id = $1", run(1, None).id.to_string(), true)?;
    let again = NewRun { resend_of: Some(domain::run::Resend { of: run(2, None).id, reason: None }), ..run(4, None) };
    assert!(matches!(runs::queue(tx, &again, 2).await?, Queued::New(_)));
    sql::execute!(
        tx,
        "with recursive numbers (n) as (select cast(1 as bigint) union all select n + 1 from numbers where n < $1)
         insert into runs (id, export_id, export_name, started_because, state, reason, due_at, fence,
            recoveries, failures, progress_at, settings_version, has_ledger, slot_at, next_row, to_send, sent,
            tags_to_change, tags_changed, members, accepted, unchanged, rejected, held, unconfirmed, tags_added,
            tags_removed, requests, retries, queued_at, finished_at)
         select '00000000-0000-0000-0001-' || substr(cast(100000000000 + numbers.n as text), 1, 12), export_id,
            export_name, 'schedule', 'skipped', 'missed', due_at, fence, recoveries, failures, progress_at,
            settings_version, $2, numbers.n * 1000000, next_row, to_send, sent, tags_to_change, tags_changed, members,
            accepted, unchanged, rejected, held, unconfirmed, tags_added, tags_removed, requests, retries,
            numbers.n * 1000000, numbers.n * 1000000
         from runs, numbers
         where runs.id = $3",
        RUNS,
        false,
        run(3, None).id.to_string(),
    )?;
    Ok(())
}

#[tokio::test]
async fn r49_a_long_history_is_shown_page_by_page_and_forgotten_but_for_what_is_needed() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        fill(&mut tx).await.expect("filled");
        tx.commit().await.expect("committed");

        let mut tx = db.read().await.expect("begun");
        let page = runs::list(&mut tx, None, PageRequest { number: 400, size: 50 }).await.expect("read");
        assert_eq!((page.total, page.items.len()), (RUNS.unsigned_abs() + 4, 50));
        let last = runs::last_runs(&mut tx).await.expect("read");
        assert_eq!(last.iter().map(|run| run.state).collect::<Vec<_>>(), [RunState::Queued], "the one that goes on");
        let slot = super::slots::last(&mut tx, 365 * DAY).await.expect("read")[&export()];
        assert_eq!(slot.slot_at, RUNS * 1_000_000);
        drop(tx);

        let (mut forgotten, mut times) = (0, 0);
        loop {
            let mut tx = db.begin().await.expect("begun");
            let some = housekeeping::forget_runs(&mut tx, 365 * DAY, 500).await.expect("forgotten");
            tx.commit().await.expect("committed");
            (forgotten, times) = (forgotten + some, times + 1);
            assert!(some <= 500);
            if some < 500 {
                break;
            }
        }
        assert_eq!((forgotten, times), (RUNS.unsigned_abs(), 201), "all but the newest slot, and one of the others");
        let mut tx = db.read().await.expect("begun");
        let left = runs::list(&mut tx, None, PageRequest { number: 1, size: 50 }).await.expect("read");
        let mut left: Vec<_> = left.items.iter().map(|run| (run.id.0.as_u128(), run.state)).collect();
        left.sort_unstable_by_key(|(id, _)| *id);
        let newest = left.pop().expect("the newest slot");
        assert_eq!(newest.1, RunState::Skipped);
        assert_eq!(left, [(1, RunState::Skipped), (2, RunState::Skipped), (4, RunState::Queued)]);
    }
}
