//! The way to Postgres breaks: the server is restarted under the runs, and the answer to a COMMIT is lost, so that
//! nobody knows whether it was carried out.

use std::collections::BTreeMap;
use std::net::ToSocketAddrs as _;
use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::oracle::{Books, Place};
use ferry_faults::proxy::{Proxy, Toxic};
use ferry_faults::settings;

use crate::own_postgres::OwnPostgres;
use crate::replicas::{ACCOUNTS, postgres, queue_all};
use crate::share;
use crate::yard::{IN_FLIGHT, PATIENCE, Yard, brand, log_of, signal};

/// Within so long each run has sent something again.
const PROMISED: Duration = Duration::from_secs(15);

/// Waits until each run that is not over has sent something more, or is; gives how long the last one took.
async fn until_all_go_on(yard: &mut Yard) -> Duration {
    let (begun, before) = (Instant::now(), yard.requests());
    let mut waiting: BTreeMap<String, String> = BTreeMap::new();
    for run in yard.books.rows(&["id", "export_name"], "runs where finished_at is null").await.expect("read") {
        let name = run["export_name"].as_str().expect("a name");
        let number = name.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
        waiting.insert(run["id"].as_str().expect("an id").to_owned(), brand(number));
    }
    while !waiting.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "{waiting:?} do not go on:\n{}", log_of(yard.dir.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let requests = yard.simulator.state().requests(before, usize::MAX);
        waiting.retain(|_, brand| !requests.iter().any(|one| one.brand_id.as_ref() == Some(brand)));
        let over = yard.books.rows(&["id"], "runs where finished_at is not null").await.expect("read");
        waiting.retain(|run, _| !over.iter().any(|one| one["id"] == run.as_str()));
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r26_postgres_is_restarted_in_the_middle_of_runs_and_each_goes_on_within_fifteen_seconds() {
    let Some(mut server) = OwnPostgres::start().await else { return };
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let url = server.database("restarts").await;
    let mut yard = Yard::new(ACCOUNTS, Some(url.clone())).await;
    yard.answer_after(80);
    let wanted = share(6);
    let (mut restarts, mut slowest) = (0, Duration::ZERO);
    while restarts < wanted {
        let count = chance.within(2_000..3_000);
        yard.refresh(&mut chance, count).await;
        queue_all(&mut yard).await;
        let ferry = yard.serve().await;
        while restarts < wanted && !yard.is_over().await {
            yard.moment(&mut chance, Duration::from_millis(1_500)).await;
            server.stop().await;
            tokio::time::sleep(Duration::from_millis(chance.within(0..1_500))).await;
            server.start_again().await;
            yard.books = Books::open(&Place::Postgres(url.clone())).await.expect("it is there again");
            yard.told.broken_off += yard.books.on_their_way().await.expect("counted");
            let took = until_all_go_on(&mut yard).await;
            assert!(took <= PROMISED, "{took:?}:\n{}", log_of(yard.dir.path()));
            slowest = slowest.max(took);
            restarts += 1;
        }
        yard.until_over().await;
        signal(&ferry, "-TERM").await;
        let ended = ferry.wait_with_output().await.expect("it ends");
        assert!(ended.status.success(), "{}", log_of(yard.dir.path()));
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    println!("{restarts} restarts of Postgres, seed {seed}; the slowest run went on after {slowest:?}");
}

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
    yard.answer_after(30);
    let (proxy, through) = through_proxy(&url, seed).await;
    let wanted = share(40);
    let mut slowest = Duration::ZERO;
    while proxy.cuts() < wanted {
        let count = chance.within(1_000..3_000);
        yard.set_database(url.clone());
        yard.refresh(&mut chance, count).await;
        queue_all(&mut yard).await;
        yard.set_database(through.clone());
        let cuts = proxy.cuts();
        let ferry = yard.serve().await;
        proxy.set(Some(Toxic::AtCommit { one_of: 8 })).await;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) && !yard.is_over().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        proxy.set(None).await;
        slowest = slowest.max(yard.until_over().await);
        signal(&ferry, "-TERM").await;
        let ended = ferry.wait_with_output().await.expect("it ends");
        assert!(ended.status.success(), "{}", log_of(yard.dir.path()));
        // A run whose commit failed lets go of what is on its way, and setting the proxy ends all connections as well.
        yard.told.broken_off += (proxy.cuts() - cuts + 2 * ACCOUNTS as u64) * IN_FLIGHT;
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    println!("{} answers to COMMIT were lost, seed {seed}; all was over {slowest:?} after the last", proxy.cuts());
}
