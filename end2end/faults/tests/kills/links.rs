//! The way to Postgres breaks: at a COMMIT, whose answer nobody gets, and altogether, as when the server starts anew.

use std::net::ToSocketAddrs as _;
use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::proxy::{Proxy, Toxic};
use ferry_faults::settings;

use crate::replicas::{ACCOUNTS, postgres, queue_all};
use crate::yard::{Yard, signal};

/// Requests of one run that may be on their way, as Ferry has it.
const IN_FLIGHT: u64 = 24;

/// A proxy in front of the database of this address, and the address through it.
async fn through_proxy(url: &str, seed: u64) -> (Proxy, String) {
    let (before, rest) = url.split_once('@').expect("an address with a user");
    let (server, name) = rest.split_once('/').expect("an address with a database");
    let upstream = server.to_socket_addrs().expect("an address").next().expect("a host");
    let proxy = Proxy::start(upstream, seed).await.expect("a proxy");
    let through = format!("{before}@{}/{name}", proxy.address());
    (proxy, through)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r27_a_commit_whose_answer_is_lost_breaks_no_promise() {
    let Some(url) = postgres("commits").await else { return };
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let mut yard = Yard::new(ACCOUNTS, Some(url.clone())).await;
    let (proxy, through) = through_proxy(&url, seed).await;
    let wanted = settings::number("FERRY_KILLS", 200) / 5;
    while proxy.cuts() < wanted {
        let count = chance.within(500..2_000);
        yard.set_database(url.clone());
        yard.refresh(&mut chance, count).await;
        queue_all(&mut yard).await;
        yard.set_database(through.clone());
        let cuts = proxy.cuts();
        let server = yard.spawn(&["serve"]);
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.set(Some(Toxic::AtCommit { one_of: 12 })).await;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(8) && !yard.is_over().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        proxy.set(None).await;
        yard.until_over().await;
        signal(&server, "-TERM").await;
        server.wait_with_output().await.expect("it ends");
        // A run whose commit failed lets go of what is on its way, and setting the proxy ends all connections as well.
        yard.told.broken_off += (proxy.cuts() - cuts + 2 * ACCOUNTS as u64) * IN_FLIGHT;
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    println!("{} answers to COMMIT were lost, seed {seed}", proxy.cuts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r26_postgres_goes_away_in_the_middle_of_runs_and_comes_back() {
    let Some(url) = postgres("restarts").await else { return };
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let mut yard = Yard::new(ACCOUNTS, Some(url.clone())).await;
    let (proxy, through) = through_proxy(&url, seed).await;
    let (mut restarts, mut slowest) = (0, Duration::ZERO);
    while restarts < settings::number("FERRY_KILLS", 200) / 25 {
        yard.set_database(url.clone());
        yard.refresh(&mut chance, 1_500).await;
        queue_all(&mut yard).await;
        yard.set_database(through.clone());
        let server = yard.spawn(&["serve"]);
        for _ in 0..2 {
            yard.moment(&mut chance, Duration::from_millis(1_500)).await;
            proxy.set(Some(Toxic::Down)).await;
            // As `-m immediate` leaves it: every session is gone, and what was not committed with it.
            let all = "select pg_terminate_backend(pid) from pg_stat_activity
                where application_name = 'ferry' and datname = current_database()";
            yard.books.execute(all).await.expect("ended");
            tokio::time::sleep(Duration::from_millis(chance.within(0..1_500))).await;
            proxy.set(None).await;
            restarts += 1;
            yard.told.broken_off += ACCOUNTS as u64 * IN_FLIGHT;
        }
        let requests = yard.requests();
        let begun = Instant::now();
        while yard.requests() == requests && !yard.is_over().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slowest = slowest.max(begun.elapsed());
        yard.until_over().await;
        signal(&server, "-TERM").await;
        server.wait_with_output().await.expect("it ends");
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    println!("{restarts} restarts of Postgres, seed {seed}; work went on within {slowest:?}");
    assert!(slowest < Duration::from_secs(15), "{slowest:?}");
}
