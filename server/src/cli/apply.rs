//! `ferry apply FILE.toml`: brings data source, segments, connections, exports and schedules to what a file says.
//! Validated whole before anything changes; applying it twice changes nothing the second time. What the file does not
//! name stays as it is. The format is described in `docs/configuration-file.md`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::desk::Desk;
use super::print::{note, say};
use crate::config::Config;

mod carry_out;
mod fields;
mod file;
mod plan;
mod reader;
mod safety;
mod schedule;
mod system;
#[cfg(test)]
mod tests;

pub use carry_out::copy_in;
use plan::{Change, Plan};
use reader::Fault;

/// Bring data source, segments, connections, exports and the system refresh to what a file says.
///
/// The whole file is checked before anything changes; all faults are told at once with their lines. Applying a file a
/// second time changes nothing. Exit codes: 0 done, 1 failed on the way (apply again to go on), 2 the file has faults.
#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// The configuration file (TOML).
    pub file: PathBuf,
    /// Only check the file and say what would change. Asks the destinations about new keys, changes nothing.
    #[arg(long)]
    pub check: bool,
    /// Act as this person; by default as the first administrator.
    #[arg(long = "as", value_name = "EMAIL")]
    pub as_email: Option<String>,
}

/// Runs the command.
pub async fn run(config: &Config, args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    let text = tokio::fs::read_to_string(&args.file)
        .await
        .with_context(|| format!("`{}` cannot be read", args.file.display()))?;
    let mut desk = Desk::open(config).await?;
    desk.beside = args.file.parent().map(PathBuf::from).unwrap_or_default();
    let code = apply(&desk, args, &text).await;
    desk.close().await;
    code
}

async fn apply(desk: &Desk, args: &ApplyArgs, text: &str) -> anyhow::Result<ExitCode> {
    let actor = desk.actor(args.as_email.as_deref()).await?;
    let read = match file::read(text) {
        Ok(read) => read,
        Err(faults) => return Ok(tell(args, &faults)),
    };
    let plan = match plan::make(desk, &actor, &read, text).await? {
        Ok(plan) => plan,
        Err(faults) => return Ok(tell(args, &faults)),
    };
    if args.check {
        say_what_would_change(&plan);
        return Ok(ExitCode::SUCCESS);
    }
    let mut has_changed = false;
    let show = |done: carry_out::Done| {
        has_changed |= done.is_changed;
        say!("{} `{}`: {}", done.what, done.name, done.done);
    };
    carry_out::carry_out(desk, &actor, plan, show).await?;
    if !has_changed {
        say!("Nothing has changed.");
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &ApplyArgs, faults: &[Fault]) -> ExitCode {
    for fault in faults {
        note!("{}:{}: {}", args.file.display(), fault.line, fault.message);
    }
    note!("Nothing was changed.");
    ExitCode::from(2)
}

fn say_what_would_change(plan: &Plan) {
    let would = |what: &str, name: &str, change: Change| {
        let verb = match change {
            Change::Add => "would be added",
            Change::Alter => "would be changed",
            Change::Keep => "unchanged",
        };
        say!("{what} `{name}`: {verb}");
    };
    if let Some(step) = &plan.source {
        would("data source", &step.draft.name, step.change);
        if step.is_stale {
            say!("data source `{}`: would be refreshed", step.draft.name);
        }
    }
    plan.segments.iter().for_each(|step| would("segment", &step.name, step.change));
    plan.connections.iter().for_each(|step| would("connection", &step.wanted.name, step.change));
    plan.exports.iter().for_each(|step| would("export", &step.name, step.change));
    plan.system.iter().for_each(|step| would("system", "refresh", step.change));
}
