//! another program locks the file of SQLite, as a backup does or somebody's shell. The run waits, the pages do not.

use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::settings;

use crate::share;
use crate::visitor::{Visitor, status};
use crate::yard::{IN_FLIGHT, Yard, log_of, signal};

/// The file is locked for so long each time.
const LOCKED: Duration = Duration::from_secs(20);
/// Of a hundred pages, ninety-nine are there within this time.
const PAGE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r24_a_database_that_is_locked_for_twenty_seconds_fails_no_run_and_holds_up_no_page() {
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let mut yard = Yard::new(1, None).await;
    let server = yard.serve().await;
    let visitor = Visitor::sign_in(&yard).await;
    let mut took = Vec::new();
    let times = share(1);
    for _ in 0..times {
        let count = chance.within(1_500..2_500);
        yard.refresh(&mut chance, count).await;
        yard.answer_after(200);
        let run = visitor.click_run(&mut yard).await;
        let pages = ["/data/exports".to_owned(), format!("/runs/{run}"), "/segments".to_owned()];
        yard.moment(&mut chance, Duration::from_millis(1_500)).await;
        yard.books.execute("begin exclusive").await.expect("locked");
        let locked = Instant::now();
        while locked.elapsed() < LOCKED {
            for path in &pages {
                let begun = Instant::now();
                let answer = visitor.open(path).await;
                assert!(matches!(status(&answer), 200 | 503), "{path}: {answer}\n{}", log_of(yard.dir.path()));
                took.push(begun.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        yard.books.execute("commit").await.expect("open again");
        // Nobody waits for a lock for so long: the work on the run breaks off, and lets go of what is on its way.
        yard.told.broken_off += IN_FLIGHT;
        yard.answer_after(8);
        let after = yard.until_over().await;
        println!("over {after:?} after the file was open again");
        let state = &yard.books.runs().await.expect("read").pop().expect("a run")["state"];
        assert_eq!(state, "successful", "{}", log_of(yard.dir.path()));
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    took.sort();
    let slowest = took[(took.len() * 99).div_ceil(100) - 1];
    println!("locked {times} times; {} pages meanwhile, 99 of 100 within {slowest:?}, seed {seed}", took.len());
    assert!(slowest <= PAGE, "{slowest:?}");
    signal(&server, "-TERM").await;
    assert!(server.wait_with_output().await.expect("it ends").status.success(), "{}", log_of(yard.dir.path()));
}
