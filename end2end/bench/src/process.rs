//! Runs a program and tells how long it took and how much memory it had at its peak.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a finished program used.
#[derive(Debug, Clone)]
pub struct Used {
    /// From start to end.
    pub time: Duration,
    /// The most memory it held, in MiB (`VmHWM`).
    pub peak_mib: f64,
    /// What it printed.
    pub output: String,
}

/// Runs a command to its end. Fails when its exit code is not one of `codes`.
///
/// The peak is read from `/proc` while the program runs, every 20 ms: the kernel's own high-water mark, so a short peak
/// between two looks is not missed, only one in the last 20 ms.
pub fn run(command: &mut Command, codes: &[i32]) -> Result<Used> {
    let started = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().context("the program did not start")?;
    let stdout = child.stdout.take().context("no output")?;
    let reader = std::thread::spawn(move || std::io::read_to_string(stdout));
    let mut peak_mib: f64 = 0.0;
    let status = loop {
        if let Some(peak) = peak_of(child.id()) {
            peak_mib = peak_mib.max(peak);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let time = started.elapsed();
    let output = reader.join().map_err(|_| anyhow::anyhow!("reading the output failed"))??;
    match status.code() {
        Some(code) if codes.contains(&code) => Ok(Used { time, peak_mib, output }),
        other => bail!("{command:?} ended with {other:?}: {output}"),
    }
}

fn peak_of(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
