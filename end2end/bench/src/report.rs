//! The page of results. What the figures mean is written by people, in `findings.md` beside the sources; one line of
//! each run is kept as its history.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::limits::AtLimits;
use crate::process::Used;

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
    /// A step without comparison and note.
    pub fn new(what: &str, rows: u64, seconds: f64, used: &Used, goal: &'static str) -> Self {
        let peak_mib = Some(used.peak_mib);
        Self { what: what.to_owned(), rows, seconds, peak_mib, goal, beside: None, note: String::new() }
    }

    fn rate(&self) -> String {
        if self.rows > 0 { thousands(self.rows as f64 / self.seconds) } else { String::new() }
    }

    fn line(&self) -> String {
        let peak = self.peak_mib.map(|mib| format!("{mib:.0} MiB")).unwrap_or_default();
        let beside = self
            .beside
            .map(|(what, seconds)| format!("{:.2} × {what} ({seconds:.2} s)", self.seconds / seconds.max(1e-9)))
            .unwrap_or_default();
        let rate = self.rate();
        format!(
            "| {} | {:.2} s | {rate} | {peak} | {} | {beside} | {} |",
            self.what, self.seconds, self.goal, self.note
        )
    }
}

const LIMITS: &str = "## At the real limits\n\n\
    New contacts to a receiver that takes 400 requests and 60 tag requests in any minute, in simulated time: the production \
    engine, its answers taking 2 to 150 ms. The share is that of the budget which holds the delivery back, while there was \
    something to send: the limit without what is left to others, and without the 3 % that are never used.\n\n\
    | delivery | contacts | minutes | goal | requests | for tags | share of the budget | most in 60 s | most for tags | \
    told to slow down |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

fn limit_lines(found: &[AtLimits]) -> String {
    let mut text = String::new();
    for one in found {
        // Writing into memory cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | ≤ {} | {} | {} | {:.1} % | {} | {} | {} |",
            one.what,
            thousands(one.contacts as f64),
            one.minutes,
            one.goal,
            thousands(one.requests as f64),
            thousands(one.tag_requests as f64),
            one.share,
            one.most.0,
            one.most.1,
            one.refused,
        );
    }
    text
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const HEAD: &str =
    "| step | time | rows/s | peak memory | goal | beside, in the same run | note |\n|---|---:|---:|---:|---|---|---|";

/// What the figures mean, by people who looked into it. Read when the page is written: other words need no build.
const FINDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/findings.md");

const HISTORY: &str =
    "## History\n\nRows a second; seconds for plans and counts. One line for each time the page was made.\n\n";
const HISTORY_HEAD: &str = "| commit | of | profiles | Parquet | CSV | count | plan | delivery | peak | unchanged | 1 % |\n\
                            |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";

/// Writes the page, with the history that the page before had.
pub fn write(page: &Path, profiles: u64, steps: &[Step], at_limits: &[AtLimits]) -> Result<()> {
    let before = std::fs::read_to_string(page).unwrap_or_default();
    let history = before.split_once(HISTORY_HEAD).map_or("", |(_, lines)| lines);
    let mut text = String::from("# Benchmarks\n\n");
    writeln!(
        text,
        "Written by `make bench`; the words under \"What the figures mean\" come from `end2end/bench/findings.md`. {} \
         profiles of {} attributes, release profile, the simulator on the same machine with its limits and delays off. \
         A ratio compares with what the same machine did in the same run; times alone say more about the machine than \
         about Ferry.\n",
        thousands(profiles as f64),
        crate::people::COLUMNS.len(),
    )?;
    writeln!(text, "Machine: {}. Commit: {}.\n", machine(), commit("%h of %cs"))?;
    writeln!(text, "{HEAD}")?;
    for step in steps {
        writeln!(text, "{}", step.line())?;
    }
    writeln!(text, "\n{LIMITS}\n{}", limit_lines(at_limits))?;
    writeln!(text, "{}", std::fs::read_to_string(FINDINGS)?)?;
    write!(text, "{HISTORY}{HISTORY_HEAD}{history}")?;
    writeln!(text, "{}", history_line(profiles, steps))?;
    std::fs::write(page, text)?;
    Ok(())
}

fn history_line(profiles: u64, steps: &[Step]) -> String {
    let find = |what: &str| steps.iter().find(|step| step.what == what);
    let rate = |what| find(what).map(Step::rate).unwrap_or_default();
    let seconds = |what| find(what).map(|step| format!("{:.2}", step.seconds)).unwrap_or_default();
    let peak = find("first run, whole").and_then(|step| step.peak_mib).map(|mib| format!("{mib:.0} MiB"));
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        commit("%h | %cs"),
        thousands(profiles as f64),
        rate("import from Parquet"),
        rate("import from CSV"),
        seconds("count of a five-condition rule"),
        seconds("plan of the first run"),
        rate("delivery of contacts"),
        peak.unwrap_or_default(),
        seconds("second run, nothing changed"),
        seconds("plan with 1 % changed"),
    )
}

fn commit(format: &str) -> String {
    let format = format!("--format={format}");
    let output = Command::new("git").args(["log", "-1", &format]).output().ok();
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    text.trim().to_owned()
}

/// Processor, cores, memory and system.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        line.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let processor = field(&read("/proc/cpuinfo"), "model name");
    let kib: f64 = field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{processor}, {cores} cores, {:.0} GiB of memory, Linux {}", kib / 1024.0 / 1024.0, kernel.trim())
}

/// Shows the results on the terminal.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub fn print(steps: &[Step]) {
    println!("{HEAD}");
    for step in steps {
        println!("{}", step.line());
    }
}

/// Shows the deliveries at the limits on the terminal.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub fn print_limits(found: &[AtLimits]) {
    println!("{LIMITS}\n{}", limit_lines(found));
}
