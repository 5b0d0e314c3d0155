//! there is no room for one more page in SQLite's file, at each page in turn that a run needs: once, and for a while.

use std::time::{Duration, Instant};

use domain::run::{RunReason, RunState};

use super::stage::{Stage, emails, people};

/// There is room again at once, or after a while.
const FULL_FOR: [Duration; 2] = [Duration::ZERO, Duration::from_millis(300)];
/// Enough for some pages of batches.
const PEOPLE: u32 = 10_000;
const PLENTY: i64 = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r25_whichever_page_of_a_run_there_is_no_room_for_it_waits_and_ends_well() {
    for full_for in FULL_FOR {
        let mut room = 0;
        while is_too_little(room, full_for).await {
            room += 1;
        }
        println!("no room for each of {room} pages, for {full_for:?}");
        assert!(room >= 3, "a run of {room} pages shows little");
    }
}

/// Runs an export in a file that may grow by so many pages; was that too little?
async fn is_too_little(room: i64, full_for: Duration) -> bool {
    let stage = Stage::new().await;
    let everybody = people(0..PEOPLE, "ab");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let limit = stage.db.pages().await + room;
    stage.db.limit_pages(limit).await;
    let running = stage.engine().start();
    let mut full_since = None;
    let ended = loop {
        let found = stage.find(run).await;
        if found.finished_at.is_some() {
            break found;
        }
        // A connection that has found no room may have been replaced by one without a limit.
        let is_replaced = stage.db.page_limit().await != limit;
        if is_replaced || found.reason == Some(RunReason::Storage) {
            let since = full_since.get_or_insert_with(Instant::now);
            let limit = if since.elapsed() < full_for { limit } else { PLENTY };
            stage.db.limit_pages(limit).await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    running.stop().await;
    let was_full = full_since.is_some() || stage.db.page_limit().await != limit;
    assert_eq!((ended.state, ended.counts.accepted), (RunState::Successful, u64::from(PEOPLE)), "{room}: {ended:?}");
    assert_eq!(stage.arrived(), emails(&everybody), "{room}");
    assert_eq!(stage.tagged("b"), emails(&everybody), "{room}");
    assert!(stage.db.is_whole().await, "{room}");
    was_full
}
