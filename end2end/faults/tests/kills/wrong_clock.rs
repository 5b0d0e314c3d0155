//! somebody sets the machine's clock under the real program, by minutes, an hour or a day, ahead and back. The runs
//! go on, and nobody steals one. The clock is libfaketime's, which reads how wrong it is from a file; what is measured
//! stays right.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ferry_faults::chance::Chance;
use ferry_faults::settings;

use crate::share;
use crate::visitor::Visitor;
use crate::yard::{Yard, log_of, signal};

/// The library that takes the place of the system's clock, where a system's package puts it.
fn library() -> PathBuf {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib64/faketime"];
    let found = folders.iter().map(|folder| Path::new(folder).join("libfaketimeMT.so.1")).find(|path| path.is_file());
    found.expect("libfaketime: `make setup` installs it")
}

/// From now on the clock is wrong by so many seconds.
fn set(clock: &Path, wrong_by: i64) {
    let written = clock.with_extension("new");
    std::fs::write(&written, format!("{wrong_by:+}")).expect("written");
    std::fs::rename(&written, clock).expect("in its place at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_clock_that_is_set_under_a_run_costs_at_most_a_moment() {
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let mut yard = Yard::new(1, None).await;
    let clock = yard.dir.path().join("clock");
    set(&clock, 0);
    yard.start_by(vec![
        "env".to_owned(),
        format!("LD_PRELOAD={}", library().display()),
        format!("FAKETIME_TIMESTAMP_FILE={}", clock.display()),
        "FAKETIME_NO_CACHE=1".to_owned(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
        "NO_FAKE_STAT=1".to_owned(),
    ]);
    let server = yard.serve().await;
    let (mut times, mut slowest) = (0, Duration::ZERO);
    for _ in 0..share(2) {
        let visitor = Visitor::sign_in(&yard).await;
        let count = chance.within(1_500..2_500);
        yard.refresh(&mut chance, count).await;
        visitor.click_run(&mut yard).await;
        let mut sets = 0;
        for _ in 0..chance.within(1..4) {
            yard.moment(&mut chance, Duration::from_millis(1_200)).await;
            if !yard.is_over().await {
                set(&clock, chance.wrong_by() / 1_000_000);
                sets += 1;
            }
        }
        slowest = slowest.max(yard.until_over().await);
        set(&clock, 0);
        let run = yard.books.runs().await.expect("read").pop().expect("a run");
        assert_eq!(run["state"], "successful", "{run}\n{}", log_of(yard.dir.path()));
        let fence = run["fence"].as_i64().expect("a number");
        assert!(fence <= 1 + sets, "taken up {fence} times, and the clock was set {sets} times: {run}");
        times += sets;
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    println!("{} runs, the clock was set {times} times; over at most {slowest:?} after, seed {seed}", share(2));
    assert!(times > 0 && slowest < Duration::from_secs(60), "{times}, {slowest:?}");
    signal(&server, "-TERM").await;
    assert!(server.wait_with_output().await.expect("it ends").status.success(), "{}", log_of(yard.dir.path()));
}
