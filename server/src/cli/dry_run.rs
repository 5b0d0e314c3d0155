//! What `ferry run EXPORT --dry-run` prints.

use app::services::{DryKind, DryRow, DryRun};

use super::print::say;
use super::words;

/// Prints a dry run: as JSON, or as lines for people.
///
/// # Errors
/// It cannot be written as JSON.
pub fn print(dry: &DryRun, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        say!("{}", serde_json::to_string_pretty(dry)?);
        return Ok(());
    }
    say!("a run would, with profile snapshot {}:", dry.snapshot);
    for (name, count) in [
        ("members", dry.members),
        ("joining", dry.joiners),
        ("returning", dry.returned),
        ("changed", dry.changed),
        ("subscribed", dry.statuses),
        ("unchanged", dry.unchanged),
        ("rejected", dry.rejected),
        ("held", dry.held),
        ("leaving", dry.leavers),
        ("left out", dry.left_out),
        ("tags added", dry.tags_added),
        ("tags removed", dry.tags_removed),
        ("requests", dry.estimate.requests),
        ("minutes", dry.estimate.minutes),
    ] {
        say!("  {name:<13} {count:>12}");
    }
    for surprise in &dry.surprises {
        say!("it would be held for approval: {}", words::unusual(surprise));
    }
    for (reason, count) in &dry.reasons {
        say!("not deliverable ({}): {count}", reason.as_str());
    }
    for row in &dry.rows {
        say!("{}", line(row));
    }
    Ok(())
}

fn line(row: &DryRow) -> String {
    let what = match row.kind {
        DryKind::Joiner => "joins",
        DryKind::Changed => "changes",
        DryKind::TagsOnly => "tags",
        DryKind::Leaver => "leaves",
    };
    let mut parts = vec![format!("{what:<8} {} {}", row.key, row.email)];
    parts.extend(row.changes.iter().map(|one| match one.before.as_str() {
        "" => format!("{}: {}", one.field, one.after),
        before => format!("{}: {before} -> {}", one.field, one.after),
    }));
    parts.extend(row.tags_added.iter().map(|tag| format!("+{tag}")));
    parts.extend(row.tags_removed.iter().map(|tag| format!("-{tag}")));
    parts.join("; ")
}
