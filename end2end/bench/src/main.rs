//! `make bench`: a million profiles of thirty attributes through the whole of Ferry, each step with its time, its rows a
//! second and the peak memory of the process that did it, beside what the same machine does at best in the same run.
//!
//! Usage: `ferry-bench FERRY SIMULATOR WORK_DIR REPORT [PROFILES [GROWTH]]`: the two programs, a folder for data that may
//! be kept from run to run, the page that is written, how many profiles, and how many times as many to see whether
//! memory grows with them (1: not looked at). `ferry-bench limits WORK_DIR CONTACTS` shows the deliveries at the limits alone.
//!
//! | file | holds |
//! |---|---|
//! | `people` | the made-up customers |
//! | `setting` | the programs, their folders and settings |
//! | `process` | running a program: its time, memory and what it said when |
//! | `imports`, `counting`, `delivery` | the steps |
//! | `limits` | a delivery at the destination's limits, in simulated time |
//! | `bare` | what the steps are compared with |
//! | `report` | the page |

mod bare;
mod counting;
mod delivery;
mod imports;
mod limits;
mod people;
mod process;
mod report;
mod setting;

use std::path::PathBuf;

use anyhow::{Context, Result};

use self::report::Step;
use self::setting::Setting;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().with_context(|| format!("{what} is missing"));
    let first = next("the ferry program")?;
    if first == "count" {
        // A process of its own, so that its memory is its own.
        return counting::count_in_this_process(&PathBuf::from(next("the data directory")?));
    }
    if first == "limits" {
        let work = PathBuf::from(next("the work folder")?);
        report::print_limits(&limits::all(&work, next("the number of contacts")?.parse()?)?);
        return Ok(());
    }
    let setting = Setting {
        ferry: PathBuf::from(first),
        simulator: PathBuf::from(next("the simulator program")?),
        work: PathBuf::from(next("the work folder")?),
        profiles: 0,
    };
    let page = PathBuf::from(next("the report's file")?);
    let mut number = |default: u64| match arguments.next().filter(|text| !text.is_empty()) {
        Some(text) => text.parse().with_context(|| format!("`{text}` is no number")),
        None => Ok(default),
    };
    let (profiles, growth) = (number(1_000_000)?, number(1)?);
    let setting = Setting { profiles, ..setting };
    let mut steps = run_all(&setting)?;
    if growth > 1 {
        steps.extend(grow(&setting, growth, &steps)?);
    }
    let at_limits = limits::all(&setting.work, profiles)?;
    report::write(&page, profiles, &steps, &at_limits)?;
    report::print(&steps);
    report::print_limits(&at_limits);
    Ok(())
}

/// All steps, in order.
fn run_all(setting: &Setting) -> Result<Vec<Step>> {
    let simulator = setting.begin()?;
    let mut steps = imports::malformed(setting, &simulator)?;
    steps.extend(imports::clean(setting, &simulator)?);
    steps.push(counting::count(setting)?);
    steps.extend(delivery::all(setting, &simulator)?);
    Ok(steps)
}

/// The same import and first run with several times as many profiles: what grows with them?
fn grow(setting: &Setting, times: u64, before: &[Step]) -> Result<Vec<Step>> {
    let larger = Setting { profiles: setting.profiles * times, work: setting.work.clone(), ..setting.clone() };
    let simulator = larger.begin()?;
    let mut steps = vec![imports::parquet(&larger, &simulator)?, delivery::first(&larger, &simulator)?];
    for step in &mut steps {
        let small = before.iter().find(|one| one.what == step.what).and_then(|one| one.peak_mib);
        let growth = step.peak_mib.zip(small).map(|(large, small)| format!("{:+.0} MiB", large - small));
        step.note = format!("{} against {} profiles", growth.unwrap_or_default(), setting.profiles);
        step.what = format!("{}, {times} times as many", step.what);
        step.goal = "≤ +16 MiB";
    }
    Ok(steps)
}
