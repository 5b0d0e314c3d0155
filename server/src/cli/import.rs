//! `ferry import FILE`: makes or brings up to date a data source from a file, refreshes it, and prints what became of
//! every row.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use app::services::{Refresh, RefreshState, SourceDraft, SourceLine, Sources as _};
use domain::access::{self, Actor};
use domain::source::{ImportReport, Location};

use super::apply::copy_in;
use super::desk::Desk;
use super::print::{self, say};
use super::words;
use crate::config::Config;
use crate::db::names;

/// Rejected rows that the printed report names; `--json` has up to 1,000.
const NAMED: usize = 10;

/// Add a data source from a file, or give an existing one its new file, and refresh it.
///
/// A new data source is read as the file looks: format, encoding, delimiter, types and primary key are guessed. One
/// that is there keeps how it is read. Exit codes: 0 imported, 1 failed; the report is printed either way, once a row
/// has been read.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The file: CSV, Parquet or NDJSON. It is copied into the data directory.
    pub file: PathBuf,
    /// The name of the data source; by default the file's name without its ending.
    #[arg(long)]
    pub name: Option<String>,
    /// The attribute that names a profile, where the guess is wrong.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub primary_key: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Act as this person; by default as the first administrator.
    #[arg(long = "as", value_name = "EMAIL")]
    pub as_email: Option<String>,
}

/// Runs the command.
pub async fn run(config: &Config, args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(config).await?;
    let outcome = import(&desk, args).await;
    desk.close().await;
    outcome
}

async fn import(desk: &Desk, args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let actor = desk.actor(args.as_email.as_deref()).await?;
    let stem = args.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().or(stem).context("the data source needs a name: --name")?;
    if !args.file.is_file() {
        bail!("there is no file `{}`", args.file.display());
    }
    let lines = desk.sources.list(&actor).await.map_err(words::error)?;
    let existing = lines.into_iter().find(|line| names::key(&line.source.name) == names::key(&name));
    let refresh = bring_in(desk, &actor, args, name.clone(), existing.as_ref()).await?;
    let is_imported = refresh.state == RefreshState::Successful;
    if args.json {
        say!("{}", serde_json::to_string_pretty(&as_json(&name, &refresh))?);
    } else if is_imported || refresh.report.read > 0 {
        print(&name, &refresh);
    }
    if !is_imported {
        bail!("the import failed: {}", words::refresh_fault(refresh.fault.as_deref()));
    }
    Ok(ExitCode::SUCCESS)
}

async fn bring_in(
    desk: &Desk,
    actor: &Actor,
    args: &ImportArgs,
    name: String,
    existing: Option<&SourceLine>,
) -> anyhow::Result<Refresh> {
    let upload = copy_in(desk, &args.file).await?;
    let file_name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let location = Location::Upload { upload, file_name };
    let reading = existing.map(|line| line.source.reading.clone());
    let preview = desk.sources.preview(actor, &location, reading).await.map_err(words::error)?;
    let mut attributes = preview.attributes;
    for attribute in &mut attributes {
        let set = existing.and_then(|line| line.source.attributes.iter().find(|one| one.name == attribute.name));
        attribute.kind = set.map_or(attribute.kind, |set| set.kind);
    }
    let kept = existing.map(|line| line.source.primary_key.clone());
    let primary_key = args.primary_key.clone().or_else(|| kept.unwrap_or(preview.primary_key));
    let draft = SourceDraft { name, location, reading: preview.reading, attributes, primary_key };
    let id = desk.sources.save(actor, existing.map(|line| line.source.id), draft).await.map_err(words::error)?;
    if access::may_manage_system(actor.role) {
        // Whoever brings in a file here means it to be the customers.
        desk.sources.choose_customer_table(actor, id).await.map_err(words::error)?;
    }
    let number = desk.sources.start_refresh(actor, id).await.map_err(words::error)?;
    let is_watched = std::io::stderr().is_terminal();
    let show = |report: &ImportReport| {
        if is_watched {
            print::show(format_args!("\r{} rows read", report.read));
        }
    };
    let refresh = desk.sources.wait_for_refresh(number, show).await.map_err(words::error)?;
    if is_watched {
        // Back to the start of the line, and clear it.
        print::show(format_args!("\r\x1b[K"));
    }
    desk.sources.finish_refreshes().await;
    Ok(refresh)
}

fn as_json(name: &str, refresh: &Refresh) -> serde_json::Value {
    let Refresh { snapshot, fault, report, .. } = refresh;
    serde_json::json!({ "data_source": name, "snapshot": snapshot, "fault": fault, "report": report })
}

fn print(name: &str, refresh: &Refresh) {
    let report = &refresh.report;
    match refresh.snapshot {
        Some(number) => say!("data source `{name}`, profile snapshot {number}"),
        None => say!("data source `{name}`, no profile snapshot"),
    }
    say!("  rows read      {:>12}", report.read);
    say!("  profiles       {:>12}", report.accepted);
    say!("  rows rejected  {:>12}", report.rejected);
    for (fault, count) in &report.faults {
        say!("    {:<20} {count:>7}", fault.as_str());
    }
    if let Some(hash) = &report.sha256 {
        say!("  sha-256        {hash}");
    }
    for row in report.first_rejected.iter().take(NAMED) {
        let attribute = row.attribute.as_ref().map(|name| format!(", attribute `{name}`")).unwrap_or_default();
        let file = if row.file.is_empty() { String::new() } else { format!("{}: ", row.file) };
        say!("    {file}line {}: {}{attribute}", row.line, row.fault.as_str());
    }
    if report.first_rejected.len() > NAMED {
        say!("    …");
    }
}
