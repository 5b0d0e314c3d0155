//! run after run over a network that is seldom well, for hours where `FERRY_SOAK_MINUTES` says so. The server's
//! memory and open files stay where they were.

use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::settings;
use omnisend_simulator::{Action, HoldStatus, RetryAfter, RetryIn, Rule, Script};

use crate::gauge::{memory, open_files};
use crate::visitor::Visitor;
use crate::yard::{IN_FLIGHT, Yard, log_of, signal};

/// As long as this where nobody says how long.
const SHORT: Duration = Duration::from_secs(20);
/// Memory may grow by so much in an hour.
const MIB_PER_HOUR: f64 = 1.0;
/// Shorter than this, what is seen of memory is how a process warms up.
const LONG_ENOUGH: Duration = Duration::from_secs(30 * 60);
/// Some batches are held back for so many milliseconds: their run may be over before a copy whose answer was lost is worked
/// off, which must not bring old values back after the next one.
const HELD_MS: u64 = 500;
/// So many runs between two looks of the oracle.
const BETWEEN_LOOKS: usize = 50;

/// One request in seven goes wrong.
fn seldom_well() -> Script {
    let status = |status, retry_after| Action::Status { status, retry_after, retry_in: RetryIn::Both, html: false };
    let actions = [
        (0.03, status(500, None)),
        (0.03, status(503, None)),
        (0.02, status(429, Some(RetryAfter::Seconds(1)))),
        (0.02, Action::ResetBefore),
        (0.02, Action::ResetAfter { at_byte: 20 }),
        (0.02, Action::CutBody { share: 0.5 }),
    ];
    let mut rules: Vec<Rule> = actions.map(|(share, action)| often(share, Rule::always(action))).into();
    let held = Action::BatchHeld { status: HoldStatus::InProgress, for_ms: Some(HELD_MS) };
    rules.push(often(0.05, Rule::on("POST", "/batches", held)));
    Script { rules }
}

fn often(share: f64, rule: Rule) -> Rule {
    Rule { probability: Some(share), ..rule }
}

/// What the server took after a run.
struct Sample {
    hours: f64,
    mib: f64,
    files: usize,
}

/// By how much it grows in an hour: the slope of the line that is nearest to all samples.
fn per_hour(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let hours = samples.iter().map(|one| one.hours).sum::<f64>() / count;
    let mib = samples.iter().map(|one| one.mib).sum::<f64>() / count;
    let together: f64 = samples.iter().map(|one| (one.hours - hours) * (one.mib - mib)).sum();
    together / samples.iter().map(|one| (one.hours - hours).powi(2)).sum::<f64>()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r50_run_after_run_leaves_memory_and_open_files_where_they_were() {
    let minutes = settings::number("FERRY_SOAK_MINUTES", 0);
    let length = if minutes == 0 { SHORT } else { Duration::from_secs(60 * minutes) };
    let mut chance = Chance::of(50);
    let mut yard = Yard::new(1, None).await;
    let server = yard.serve().await;
    let visitor = Visitor::sign_in(&yard).await;
    yard.simulator.state().set_faults(seldom_well());
    let begun = Instant::now();
    let mut samples = Vec::new();
    while begun.elapsed() < length || samples.len() < 6 {
        let count = chance.within(500..2_500);
        yard.refresh(&mut chance, count).await;
        visitor.click_run(&mut yard).await;
        yard.until_over().await;
        let hours = begun.elapsed().as_secs_f64() / 3600.0;
        samples.push(Sample { hours, mib: memory(&server) as f64 / f64::from(1 << 20), files: open_files(&server) });
        if samples.len() % BETWEEN_LOOKS == 0 {
            yard.check(50).await;
        }
    }
    let most_files = |samples: &[Sample]| samples.iter().map(|one| one.files).max().unwrap_or(0);
    let (first, rest) = samples.split_at(samples.len() / 3);
    let (before, after) = (most_files(first), most_files(rest));
    let (growth, begun_with, ended_with) = (per_hour(rest), rest[0].mib, rest[rest.len() - 1].mib);
    println!(
        "{} runs in {:?}: {begun_with:.1} MiB after a third, {ended_with:.1} MiB at the end, {growth:+.2} MiB an hour; \
         {before} files, then {after}",
        samples.len(),
        begun.elapsed(),
    );
    // Connections to the destination are kept for a while: more of them, when more were needed at once.
    assert!(after <= before + IN_FLIGHT as usize, "{before} files, then {after}");
    assert!(length < LONG_ENOUGH || growth <= MIB_PER_HOUR, "{growth} MiB an hour");
    signal(&server, "-TERM").await;
    assert!(server.wait_with_output().await.expect("it ends").status.success(), "{}", log_of(yard.dir.path()));
    yard.told.is_over = true;
    yard.check(50).await;
}
