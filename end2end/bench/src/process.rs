//! Runs a program and tells how long it took, how much memory it had at its peak, and what it said when.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a finished program used.
#[derive(Debug, Clone)]
pub struct Used {
    /// From start to end.
    pub seconds: f64,
    /// The most memory it held, in MiB (`VmHWM`).
    pub peak_mib: f64,
    /// The seconds that it computed, on all cores together.
    pub computed: f64,
    /// What it printed.
    pub output: String,
    /// The lines of its log, each with the seconds since the start.
    pub log: Vec<(f64, String)>,
}

impl Used {
    /// When a line with this text came first.
    pub fn at(&self, text: &str) -> Option<f64> {
        self.log.iter().find(|(_, line)| line.contains(text)).map(|(at, _)| *at)
    }
}

/// Runs a command to its end. Fails when its exit code is not one of `codes`.
///
/// The peak is read from `/proc` while the program runs, every 10 ms: the kernel's own high-water mark, so a short peak
/// between two looks is not missed, only one in the last 10 ms.
pub fn run(command: &mut Command, codes: &[i32]) -> Result<Used> {
    let started = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("the program did not start")?;
    let stdout = child.stdout.take().context("no output")?;
    let stderr = child.stderr.take().context("no log")?;
    let output = std::thread::spawn(move || std::io::read_to_string(stdout));
    let log = std::thread::spawn(move || {
        let lines = BufReader::new(stderr).lines().map_while(Result::ok);
        lines.map(|line| (started.elapsed().as_secs_f64(), line)).collect::<Vec<_>>()
    });
    let (mut peak_mib, mut computed): (f64, f64) = (0.0, 0.0);
    let status = loop {
        peak_mib = peak_mib.max(peak_of(child.id()).unwrap_or(0.0));
        computed = computed.max(computed_by(child.id()).unwrap_or(0.0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let seconds = started.elapsed().as_secs_f64();
    let output = output.join().map_err(|_| anyhow::anyhow!("reading the output failed"))??;
    let log = log.join().map_err(|_| anyhow::anyhow!("reading the log failed"))?;
    match status.code() {
        Some(code) if codes.contains(&code) => Ok(Used { seconds, peak_mib, computed, output, log }),
        other => bail!("{command:?} ended with {other:?}: {output}\n{log:#?}"),
    }
}

fn peak_of(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// The seconds that a running process has computed so far, on all cores together.
pub fn computed_by(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).ok()?;
    // The program's name, in brackets, may hold anything. The 14th and 15th fields are ticks of a hundredth.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let ticks = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}
