//! `make bench`: a million profiles of thirty attributes through the whole of Ferry, each step with its time, its rows a
//! second and the peak memory of the process that did it, beside what the same machine does at best in the same run.
//!
//! Usage: `ferry-bench FERRY SIMULATOR WORK_DIR REPORT [PROFILES]`: the two programs, a folder for data that may be kept from
//! run to run, and the page that is written.

mod people;
mod process;
mod report;
mod steps;

use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().with_context(|| format!("{what} is missing"));
    let first = next("the ferry program")?;
    if first == "count" {
        // A process of its own, so that its memory is its own.
        return steps::count_in_this_process(&PathBuf::from(next("the data directory")?));
    }
    if first == "plan" {
        return steps::plan_in_this_process(&PathBuf::from(next("the data directory")?));
    }
    let setting = steps::Setting {
        ferry: PathBuf::from(first),
        simulator: PathBuf::from(next("the simulator program")?),
        work: PathBuf::from(next("the work folder")?),
        profiles: 0,
    };
    let page = PathBuf::from(next("the report's file")?);
    let profiles = match arguments.next() {
        Some(text) => text.parse().context("the number of profiles is no number")?,
        None => 1_000_000,
    };
    let results = steps::run_all(&steps::Setting { profiles, ..setting })?;
    report::write(&page, profiles, &results)?;
    report::print(&results);
    Ok(())
}
