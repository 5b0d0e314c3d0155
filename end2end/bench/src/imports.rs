//! Importing the people from CSV and Parquet, and a CSV file full of faults.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::report::Step;
use crate::setting::{Setting, Simulator};
use crate::{bare, people};

/// Rows of the files that compare a malformed file with a clean one, at most.
const COMPARED: u64 = 200_000;

/// A file of the work folder that is made once.
pub fn made(setting: &Setting, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let path = setting.work.join(name);
    if !path.exists() {
        let partial = path.with_extension("partial");
        make(&partial)?;
        std::fs::rename(partial, &path)?;
    }
    Ok(path)
}

/// Imports a file under a name. The whole command counts: copying the file in, looking at it, reading, sorting, writing.
pub fn import(setting: &Setting, simulator: &Simulator, file: &Path, name: &str) -> Result<crate::process::Used> {
    let path = file.to_str().context("a path that is no text")?;
    setting.ferry(simulator, &["import", path, "--name", name, "--primary-key", "customer_id"])
}

/// The people as CSV; `generation` says how often one in a hundred has changed.
pub fn csv_file(setting: &Setting, generation: u64) -> Result<PathBuf> {
    let n = setting.profiles;
    made(setting, &format!("people-{n}-{generation}.csv"), |path| people::write_csv(path, n, generation))
}

/// Files with faults in them beside a clean one of the same size.
pub fn malformed(setting: &Setting, simulator: &Simulator) -> Result<Vec<Step>> {
    let n = setting.profiles.min(COMPARED);
    let clean = made(setting, &format!("clean-{n}.csv"), |path| people::write_csv(path, n, 0))?;
    let clean = import(setting, simulator, &clean, "Clean")?;
    let mut steps = Vec::new();
    for (what, name, faults) in [
        ("import of a CSV file with a fault in every fifth row", "faults", people::Faults::OfAllKinds),
        ("import of a CSV file with an unclosed quote in every other row", "quotes", people::Faults::OpenQuotes),
    ] {
        let file = made(setting, &format!("{name}-{n}.csv"), |path| people::write_malformed(path, n, faults))?;
        let used = import(setting, simulator, &file, name)?;
        let rejected = used.output.lines().find_map(|line| line.trim().strip_prefix("rows rejected")).map(str::trim);
        steps.push(Step {
            beside: Some(("a clean file of the same size", clean.seconds)),
            note: format!("{} rows rejected", rejected.unwrap_or("no")),
            ..Step::new(what, n, used.seconds, &used, "≤ 2 × a clean file")
        });
    }
    Ok(steps)
}

/// Both formats; the one from CSV comes last, for the steps after it.
pub fn clean(setting: &Setting, simulator: &Simulator) -> Result<Vec<Step>> {
    let first = parquet(setting, simulator)?;
    let file = csv_file(setting, 0)?;
    let used = import(setting, simulator, &file, "People")?;
    let beside = ("reading it with the parser alone", bare::parse_csv(&file)?);
    let step = Step::new("import from CSV", setting.profiles, used.seconds, &used, "≥ 60,000 rows/s");
    Ok(vec![first, Step { beside: Some(beside), ..step }])
}

/// From Parquet.
pub fn parquet(setting: &Setting, simulator: &Simulator) -> Result<Step> {
    let n = setting.profiles;
    let file = made(setting, &format!("people-{n}.parquet"), |path| people::write_parquet(path, n, 0))?;
    let used = import(setting, simulator, &file, "Typed people")?;
    let copy = setting.work.join("copy.parquet");
    let beside = ("decoding and encoding it once", bare::decode_parquet(&file, Some(&copy))?);
    std::fs::remove_file(copy)?;
    let step = Step::new("import from Parquet", n, used.seconds, &used, "≥ 200,000 rows/s");
    Ok(Step { beside: Some(beside), ..step })
}
