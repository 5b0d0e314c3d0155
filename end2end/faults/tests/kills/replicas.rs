//! Two processes over one Postgres, and one data directory: one is killed, or frozen, and the other takes over.

use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::oracle::{Books, Place};
use ferry_faults::settings;
use tokio::process::Child;

use crate::share;
use crate::yard::{PATIENCE, Yard, log_of, signal};

/// Runs of different accounts, so that both processes always have something in their hands.
pub(crate) const ACCOUNTS: usize = 8;

/// A new database on the tests' Postgres; none where there is no Postgres.
pub(crate) async fn postgres(name: &str) -> Option<String> {
    let url = settings::text("FERRY_TEST_POSTGRES_URL")?;
    let mut books = Books::open(&Place::Postgres(url.clone())).await.expect("the Postgres of the tests");
    let name = format!("{name}_{}", uuid::Uuid::now_v7().simple());
    books.execute(&format!("create database {name}")).await.expect("a new database");
    let (server, _) = url.rsplit_once('/').expect("an address with a database");
    Some(format!("{server}/{name}"))
}

/// Queues a run of every export by a command that is killed as soon as it has. What these took up is free at once: nobody
/// is to wait for their leases.
pub(crate) async fn queue_all(yard: &mut Yard) {
    let runs = yard.books.runs().await.expect("read").len();
    let mut children = Vec::new();
    for n in 1..=ACCOUNTS {
        children.push(yard.spawn(&["run", &format!("Export {n}")]));
    }
    let begun = Instant::now();
    while yard.books.runs().await.expect("read").len() < runs + ACCOUNTS {
        assert!(begun.elapsed() < PATIENCE, "not all are queued:\n{}", log_of(yard.dir.path()));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for child in children {
        yard.kill(child).await;
    }
    yard.books.execute("update runs set lease_until = 0 where lease_owner is not null").await.expect("ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r02_one_of_two_replicas_is_killed_and_the_other_takes_over() {
    let Some(url) = postgres("kills").await else { return };
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let mut yard = Yard::new(ACCOUNTS, Some(url)).await;
    let (mut killed, mut slowest) = (0, Duration::ZERO);
    while killed < share(50) {
        let count = chance.within(500..2_000);
        yard.refresh(&mut chance, count).await;
        queue_all(&mut yard).await;
        let mut replicas: [Child; 2] = [yard.spawn(&["serve"]), yard.spawn(&["serve"])];
        for _ in 0..chance.within(8..13) {
            yard.moment(&mut chance, Duration::from_millis(1_200)).await;
            let which = chance.within(0..2) as usize;
            let old = std::mem::replace(&mut replicas[which], yard.spawn(&["serve"]));
            yard.kill(old).await;
            killed += 1;
        }
        slowest = slowest.max(yard.until_over().await);
        for replica in replicas {
            signal(&replica, "-TERM").await;
            replica.wait_with_output().await.expect("it ends");
        }
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    println!("{killed} replicas killed, seed {seed}; after the last kill of a round all was over within {slowest:?}");
}

/// Freezes the process; where wanted, at a moment when it holds the locks of an open transaction.
async fn freeze(yard: &mut Yard, process: &Child, in_transaction: bool) {
    let begun = Instant::now();
    loop {
        signal(process, "-STOP").await;
        // What Postgres was asked before, it does first.
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !in_transaction || yard.books.rests_in_a_transaction().await.expect("counted") {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "no transaction was met:\n{}", log_of(yard.dir.path()));
        assert!(!yard.is_over().await, "the run ended before a transaction was met");
        signal(process, "-CONT").await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r05_a_frozen_process_that_comes_back_writes_nothing_and_its_run_goes_on_elsewhere() {
    let Some(url) = postgres("frozen").await else { return };
    let mut yard = Yard::new(1, Some(url)).await;
    let mut chance = Chance::of(5);
    for freeze_number in 0..share(2) {
        let in_transaction = freeze_number % 2 == 0;
        let count = chance.within(4_000..4_500);
        yard.refresh(&mut chance, count).await;
        let owner = yard.spawn(&["run", "Export 1"]);
        let requests = yard.requests();
        while yard.requests() == requests {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        freeze(&mut yard, &owner, in_transaction).await;
        yard.told.broken_off += yard.books.on_their_way().await.expect("counted");
        let frozen_at = Instant::now();
        let requests = yard.requests();
        let other = yard.spawn(&["serve"]);
        while yard.requests() <= requests + 1 && !yard.is_over().await {
            assert!(frozen_at.elapsed() < PATIENCE, "nobody takes over:\n{}", log_of(yard.dir.path()));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let taken_over = frozen_at.elapsed();
        println!("taken over after {taken_over:?}, frozen in a transaction: {in_transaction}");
        assert!(taken_over < Duration::from_secs(45), "{taken_over:?}");
        signal(&owner, "-CONT").await;
        yard.until_over().await;
        for child in [owner, other] {
            signal(&child, "-TERM").await;
            child.wait_with_output().await.expect("it ends");
        }
        yard.told.is_over = true;
        yard.check(5).await;
    }
}
