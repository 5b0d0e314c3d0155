//! `ferry run EXPORT`: queues a run of an export, waits for its end, and prints the receipt.
//!
//! Whoever runs the engine does the work: the server, if one is running on the same database, or an engine that this
//! command starts. The lease on the run makes sure that one of them has it, not both.

use std::process::ExitCode;

use anyhow::bail;
use app::error::AppError;
use app::services::{Exports as _, Receipt};
use domain::access::Actor;
use domain::id::{ExportId, RunId};
use domain::run::{RowReason, Run, RunReason, RunState, Trigger};

use super::desk::Desk;
use super::print::{note, say};
use super::words;
use crate::config::Config;
use crate::db::names;
use crate::services::exports::{Waited, wait_for_run};

/// Run an export, wait for its end, and print the receipt.
///
/// Works beside a running server. A run of the export that is active already is waited for. Exit codes: 0 successful,
/// 1 failed, 3 completed with errors (some rows were rejected, held back or are unconfirmed), 4 canceled or skipped,
/// 5 held: it is unlike the runs before it, and waits until somebody approves or rejects it on its page,
/// 6 waiting: somebody has to repair something first, as the key or the address; then it goes on by itself.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The export: its name or its id.
    pub export: String,
    /// Print the receipt as JSON.
    #[arg(long)]
    pub json: bool,
    /// Only say what a run would do: counts, some rows before and after, requests and minutes. Sends nothing, and does
    /// not count as a run.
    #[arg(long)]
    pub dry_run: bool,
    /// Only send again the rows that this run of the export could not deliver; its id stands in its receipt and in the
    /// address of its page.
    #[arg(long, value_name = "RUN", conflicts_with = "dry_run")]
    pub resend: Option<RunId>,
    /// With --resend: only the rows with this cause, for example `email_invalid`. The file of a run's rows names them.
    #[arg(long, value_name = "CAUSE", requires = "resend", value_parser = cause)]
    pub cause: Option<RowReason>,
    /// Act as this person; by default as the first administrator.
    #[arg(long = "as", value_name = "EMAIL")]
    pub as_email: Option<String>,
}

/// Runs the command.
pub async fn run(config: &Config, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(config).await?;
    let outcome = run_export(&desk, args).await;
    desk.close().await;
    outcome
}

async fn run_export(desk: &Desk, args: &RunArgs) -> anyhow::Result<ExitCode> {
    let actor = desk.actor(args.as_email.as_deref()).await?;
    let export = find(desk, &actor, &args.export).await?;
    if args.dry_run {
        let dry = desk.exports.dry_run(&actor, export).await.map_err(words::error)?;
        super::dry_run::print(&dry, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(earlier) = args.resend {
        let earlier = desk.exports.run(&actor, earlier).await.map_err(words::error)?;
        if earlier.run.export != export {
            bail!("that is a run of the export `{}`", earlier.run.export_name);
        }
        let has_rows = earlier.reasons.iter().any(|(reason, _)| args.cause.is_none_or(|cause| cause == *reason));
        if !has_rows {
            bail!("that run has no such rows to send again");
        }
    }
    let engine = desk.start_engine();
    let queued = match args.resend {
        Some(earlier) => desk.exports.queue_resend(&actor, earlier, args.cause, Trigger::CommandLine).await,
        None => desk.exports.queue_run(&actor, export, Trigger::CommandLine).await,
    };
    let mut state = None;
    let show = |run: &Run| {
        if state != Some(run.state) {
            note!("{}", describe(run));
            state = Some(run.state);
        }
    };
    let ended = match queued {
        Ok(id) => wait_for_run(&desk.db, &*desk.clock, id, show).await,
        Err(error) => Err(error),
    };
    engine.stop().await;
    let Waited { run, behind } = ended.map_err(words::error)?;
    let receipt = receipt(&run);
    if args.json {
        say!("{}", serde_json::to_string_pretty(&receipt)?);
    } else {
        print(&receipt, run.reason);
    }
    if let Some(alarm) = run.alarm.as_ref().filter(|_| run.awaits_approval()) {
        note!("{}", words::held(alarm));
    } else if let (RunState::Waiting, Some(reason)) = (run.state, run.reason) {
        note!("{}", words::waits(reason, run.detail.as_deref()));
    } else if let Some(ahead) = &behind {
        note!("the run is queued behind one of the export `{}`", ahead.export_name);
        let reason = ahead.reason.map(|reason| words::waits(reason, ahead.detail.as_deref()));
        note!("{}", reason.unwrap_or_default());
    }
    // What it stands behind decides.
    let deciding = behind.as_ref().unwrap_or(&run);
    Ok(ExitCode::from(exit_code(deciding.state, deciding.reason)))
}

/// A cause by its code.
fn cause(text: &str) -> Result<RowReason, String> {
    RowReason::parse(text).ok_or_else(|| {
        let known = RowReason::ALL.map(RowReason::as_str);
        format!("known are: {}", known.join(", "))
    })
}

async fn find(desk: &Desk, actor: &Actor, text: &str) -> anyhow::Result<ExportId> {
    let lines = desk.exports.list(actor).await.map_err(words::error)?;
    let id = text.parse::<ExportId>().ok();
    let found = lines.iter().find(|line| {
        let export = &line.export;
        Some(export.id) == id || names::key(&export.settings.name) == names::key(text)
    });
    match found {
        Some(line) if !line.may_edit => Err(words::error(AppError::Forbidden)),
        Some(line) => Ok(line.export.id),
        None if lines.is_empty() => bail!("there are no exports yet"),
        None => {
            let names: Vec<_> = lines.iter().map(|line| format!("`{}`", line.export.settings.name)).collect();
            bail!("there is no export `{text}`; there are {}", names.join(", "))
        }
    }
}

/// What the exit code says about the outcome, or about what the run waits for.
fn exit_code(state: RunState, reason: Option<RunReason>) -> u8 {
    match state {
        RunState::Waiting if reason == Some(RunReason::Approval) => 5,
        RunState::Waiting if reason.is_some_and(RunReason::needs_repair) => 6,
        RunState::Successful => 0,
        RunState::CompletedWithErrors => 3,
        RunState::Canceled | RunState::Skipped => 4,
        RunState::Failed
        | RunState::Queued
        | RunState::Preparing
        | RunState::Sending
        | RunState::Settling
        | RunState::Tagging
        | RunState::Waiting => 1,
    }
}

fn describe(run: &Run) -> String {
    let reason = run.reason.map(|reason| format!(" ({})", reason.as_str())).unwrap_or_default();
    format!("{}{reason}", run.state.as_str())
}

/// The receipt of a run.
pub fn receipt(run: &Run) -> Receipt {
    let time = |micros: Option<i64>| {
        micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok()).map(|at| at.to_string())
    };
    Receipt {
        run: run.id,
        export: run.export_name.clone(),
        trigger: run.trigger,
        state: run.state,
        started: time(run.started_at),
        finished: time(run.finished_at),
        snapshot: run.snapshot,
        counts: run.counts,
    }
}

fn print(receipt: &Receipt, reason: Option<RunReason>) {
    let reason = reason.map(|reason| format!(" ({})", reason.as_str())).unwrap_or_default();
    say!("export `{}`: {}{reason}", receipt.export, receipt.state.as_str());
    let counts = &receipt.counts;
    for (name, count) in [
        ("members", counts.members),
        ("accepted", counts.accepted),
        ("unchanged", counts.unchanged),
        ("rejected", counts.rejected),
        ("held", counts.held),
        ("unconfirmed", counts.unconfirmed),
        ("tags added", counts.tags_added),
        ("tags removed", counts.tags_removed),
        ("requests", counts.requests),
        ("retries", counts.retries),
        ("values left out", counts.values_left_out),
    ] {
        say!("  {name:<15} {count:>12}");
    }
}

#[cfg(test)]
mod tests {
    use super::exit_code;
    use domain::run::{RunReason, RunState};

    #[test]
    fn the_exit_code_says_the_outcome() {
        assert_eq!(exit_code(RunState::Successful, None), 0);
        assert_eq!(exit_code(RunState::Failed, Some(RunReason::KeyRefused)), 1);
        assert_eq!(exit_code(RunState::CompletedWithErrors, None), 3);
        assert_eq!(exit_code(RunState::Canceled, Some(RunReason::CanceledByPerson)), 4);
        assert_eq!(exit_code(RunState::Skipped, Some(RunReason::NoProfiles)), 4);
        assert_eq!(exit_code(RunState::Waiting, Some(RunReason::Approval)), 5);
        assert_eq!(exit_code(RunState::Waiting, Some(RunReason::KeyRefused)), 6);
        assert_eq!(exit_code(RunState::Waiting, Some(RunReason::Untrusted)), 6);
    }
}
