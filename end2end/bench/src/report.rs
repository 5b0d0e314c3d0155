//! The page of results.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

/// One measured step.
#[derive(Debug, Clone)]
pub struct Step {
    /// What was done.
    pub what: String,
    /// Rows that went through it.
    pub rows: u64,
    /// Seconds.
    pub seconds: f64,
    /// The peak memory of the process that did it, in MiB.
    pub peak_mib: Option<f64>,
    /// The goal, in words.
    pub goal: &'static str,
    /// What the result is compared with, measured in the same run: what it is, and its seconds.
    pub beside: Option<(&'static str, f64)>,
    /// Anything worth saying.
    pub note: String,
}

impl Step {
    fn line(&self) -> String {
        let rate = if self.rows > 0 { format!("{:.0}", self.rows as f64 / self.seconds) } else { String::new() };
        let peak = self.peak_mib.map(|mib| format!("{mib:.0} MiB")).unwrap_or_default();
        let beside = self
            .beside
            .map(|(what, seconds)| format!("{:.2} × {what} ({seconds:.2} s)", self.seconds / seconds.max(1e-9)))
            .unwrap_or_default();
        format!(
            "| {} | {:.3} s | {rate} | {peak} | {} | {beside} | {} |",
            self.what, self.seconds, self.goal, self.note
        )
    }
}

const HEAD: &str =
    "| step | time | rows/s | peak memory | goal | beside, in the same run | note |\n|---|---:|---:|---:|---|---|---|";

/// Writes the page.
pub fn write(page: &Path, profiles: u64, steps: &[Step]) -> Result<()> {
    let mut text = String::from("# Benchmarks\n\n");
    writeln!(
        text,
        "Written by `make bench`; do not edit. {profiles} profiles of {} attributes, release profile, {} cores, the simulator \
         on the same machine with its limits off. A ratio compares with what the same machine did in the same run; \
         times alone say more about the machine than about Ferry.\n",
        crate::people::COLUMNS.len(),
        std::thread::available_parallelism().map_or(0, usize::from),
    )?;
    writeln!(text, "{HEAD}")?;
    for step in steps {
        writeln!(text, "{}", step.line())?;
    }
    std::fs::write(page, text)?;
    Ok(())
}

/// Shows the results on the terminal.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub fn print(steps: &[Step]) {
    println!("{HEAD}");
    for step in steps {
        println!("{}", step.line());
    }
}
