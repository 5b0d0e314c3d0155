//! One process over SQLite: killed at any moment of planning, delivery, settling and tagging, and during the recovery.

use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::settings;

use crate::share;
use crate::yard::{PATIENCE, Yard, log_of, signal};

const EXPORT: &str = "Export 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r01_killed_at_any_moment_it_goes_on_and_r09_also_when_killed_while_it_recovers() {
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let mut yard = Yard::new(1, None).await;
    let (mut rounds, mut restarts, mut slowest) = (0, 0, Duration::ZERO);
    while yard.kills < share(150) {
        rounds += 1;
        let count = chance.within(200..2_500);
        yard.refresh(&mut chance, count).await;
        let child = yard.spawn(&["run", EXPORT]);
        yard.moment(&mut chance, Duration::from_millis(900)).await;
        yard.kill(child).await;
        // up to five more, some of them within the first moments of a process that recovers from the one before.
        for _ in 0..chance.within(0..6) {
            let arguments: &[&str] = if chance.happens(0.5) { &["serve"] } else { &["run", EXPORT] };
            let child = yard.spawn(arguments);
            let longest = if chance.happens(0.4) { 120 } else { 700 };
            yard.moment(&mut chance, Duration::from_millis(longest)).await;
            yard.kill(child).await;
        }
        if !yard.is_over().await {
            let (requests, begun) = (yard.requests(), Instant::now());
            let child = yard.spawn(&["serve"]);
            while yard.requests() == requests && !yard.is_over().await {
                assert!(begun.elapsed() < PATIENCE, "nothing is sent:\n{}", log_of(yard.dir.path()));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            restarts += 1;
            slowest = slowest.max(begun.elapsed());
            yard.until_over().await;
            signal(&child, "-TERM").await;
            let ended = child.wait_with_output().await.expect("it ends");
            assert!(ended.status.success(), "{}", log_of(yard.dir.path()));
        }
        // Whatever was left out by a kill before the run was queued.
        yard.succeed(&["run", EXPORT]).await;
        yard.told.is_over = true;
        yard.told.data_dir = Some(yard.dir.path().join("data"));
        yard.check(seed).await;
    }
    println!(
        "{} kills in {rounds} rounds, seed {seed}; {restarts} restarts, the slowest sent again after {slowest:?}",
        yard.kills
    );
    // The promise is 5 s; this machine may be busy with other tests.
    assert!(slowest < Duration::from_secs(15), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r04_asked_to_end_it_finishes_what_is_on_its_way_and_repeats_nothing() {
    let mut chance = Chance::of(4);
    let mut yard = Yard::new(1, None).await;
    let (mut asked, mut slowest) = (0, Duration::ZERO);
    for _ in 0..share(15) {
        let count = chance.within(1_000..2_500);
        yard.refresh(&mut chance, count).await;
        let mut child = yard.spawn(&["run", EXPORT]);
        yard.moment(&mut chance, Duration::from_millis(800)).await;
        // `run` ends with its run; only `serve` is asked to end. A kill hands the run over to it.
        let _ = child.start_kill();
        yard.kill(child).await;
        while !yard.is_over().await {
            let server = yard.serve().await;
            yard.moment(&mut chance, Duration::from_millis(500)).await;
            let begun = Instant::now();
            signal(&server, "-TERM").await;
            asked += 1;
            let ended = server.wait_with_output().await.expect("it ends");
            slowest = slowest.max(begun.elapsed());
            assert!(ended.status.success(), "{}", log_of(yard.dir.path()));
            assert_eq!(yard.books.on_their_way().await.expect("counted"), 0, "a request without its outcome");
        }
        yard.succeed(&["run", EXPORT]).await;
        yard.told.is_over = true;
        yard.check(4).await;
    }
    println!("{asked} processes were asked to end; the slowest took {slowest:?}");
    assert!(slowest <= Duration::from_secs(25), "{slowest:?}");
}
