//! The simulation: Ferry's own engine, client, database and plans, in a world whose time, chance and receiver are the
//! test's. A seed says everything that goes wrong; the oracle says whether a promise was broken.
//!
//! `FERRY_SEEDS` seeds from `FERRY_SEED` on. One failing seed: `make simulate SEED=<it>`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ferry_faults::settings;

mod regressions;
mod scene;
mod script;
mod world;

use scene::{Report, live};
use world::Bench;

/// Failures after which there is no need of more.
const ENOUGH: usize = 5;

fn bench() -> Bench {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(Bench::new())
}

/// Worlds for each core: while one waits for its database, another goes on.
const WORLDS: usize = 2;

/// Lives through these seeds, over all cores.
fn simulate(seeds: std::ops::Range<u64>) {
    let next = AtomicU64::new(seeds.start);
    let failures: Mutex<Vec<String>> = Mutex::default();
    let totals: Mutex<(u64, Report)> = Mutex::new((0, Report { digest: 0, runs: 0, crashes: 0, requests: 0 }));
    let begun = Instant::now();
    let work = || {
        let bench = bench();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            let failed = failures.lock().unwrap_or_else(PoisonError::into_inner).len();
            if seed >= seeds.end || failed >= ENOUGH {
                break;
            }
            match live(&bench, seed) {
                Ok(report) => {
                    let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
                    totals.0 += 1;
                    totals.1.runs += report.runs;
                    totals.1.crashes += report.crashes;
                    totals.1.requests += report.requests;
                }
                Err(broken) => {
                    let text = format!("seed {seed}: {broken}\n  again: make simulate SEED={seed}");
                    println!("{text}");
                    failures.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from) * WORLDS;
    let threads = threads.min((seeds.end - seeds.start) as usize);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (lived, total) = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{lived} seeds from {} on: {} runs, {} requests, {} crashes, {:.0} s",
        seeds.start,
        total.runs,
        total.requests,
        total.crashes,
        begun.elapsed().as_secs_f64(),
    );
    assert!(failures.is_empty(), "{} seeds broke a promise:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn no_seed_breaks_a_promise() {
    let first = settings::number("FERRY_SEED", 1);
    let is_one = settings::text("FERRY_SEED").is_some() && settings::text("FERRY_SEEDS").is_none();
    if is_one {
        return again(first);
    }
    simulate(first..first + settings::number("FERRY_SEEDS", 300));
}

/// One seed, twice: what it says of itself, and that it is the same world each time.
fn again(seed: u64) {
    let bench = bench();
    let lived = [1, 2].map(|time| match live(&bench, seed) {
        Ok(report) => report,
        Err(broken) => panic!("seed {seed}, time {time}: {broken}"),
    });
    println!("seed {seed}: {:?}", lived[0]);
    assert_eq!(lived[0], lived[1], "seed {seed} is not the same world each time");
}

#[test]
fn every_seed_lived_through_twice_is_the_same_world() {
    let bench = bench();
    let is_same =
        |seed: &u64| live(&bench, *seed).expect("no promise is broken") == live(&bench, *seed).expect("as before");
    let same = (1..=20).filter(is_same).count();
    println!("{same} of 20 worlds were the same");
    assert_eq!(same, 20);
}
