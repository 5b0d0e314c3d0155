//! What keeps an export from doing harm, as a configuration file writes it. What it does not say stays as it is.

use domain::brake::{Brake, MOST_PERCENT};
use domain::safety::{Safety, StatusRule};

use super::reader::{At, Faults, Table};

/// When runs are held for approval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrakeEntry {
    is_on: bool,
    leave_percent: Option<At<u32>>,
    join_percent: Option<At<u32>>,
}

/// What a file says about the safety of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SafetyEntry {
    brake: Option<BrakeEntry>,
    /// The subscription status that leaves: none, or the rule.
    pub status: Option<At<Option<StatusRule>>>,
}

impl SafetyEntry {
    /// The settings as the file wants them, from those that are there.
    pub fn over(&self, now: &Safety) -> Safety {
        let mut wanted = now.clone();
        if let Some(brake) = &self.brake {
            wanted.brake = brake.over(&now.brake);
        }
        if let Some(status) = &self.status {
            wanted.status.clone_from(&status.value);
        }
        wanted
    }
}

impl BrakeEntry {
    fn over(&self, now: &Brake) -> Brake {
        let percent = |entry: &Option<At<u32>>, now: u32| entry.as_ref().map_or(now, |at| at.value);
        Brake {
            is_on: self.is_on,
            leave_percent: percent(&self.leave_percent, now.leave_percent),
            join_percent: percent(&self.join_percent, now.join_percent),
        }
    }
}

/// Reads the keys `brake` and `status` of an export.
pub(super) fn read(table: &Table<'_>, faults: &Faults) -> SafetyEntry {
    SafetyEntry { brake: brake(table, faults), status: status(table, faults) }
}

fn brake(table: &Table<'_>, faults: &Faults) -> Option<BrakeEntry> {
    if !table.has("brake") {
        return None;
    }
    if table.is_text("brake") {
        let word = table.text("brake")?;
        if !["on", "off"].contains(&word.value.as_str()) {
            faults.add(word.line, "`brake` must be \"on\", \"off\", or a table with percentages");
            return None;
        }
        return Some(BrakeEntry { is_on: word.value == "on", ..BrakeEntry::default() });
    }
    let inner = table.table("brake")?;
    let (leave_percent, join_percent) = (inner.whole("leave_percent"), inner.whole("join_percent"));
    inner.complain_about_unknown();
    let entry = BrakeEntry { is_on: true, leave_percent, join_percent };
    for field in entry.over(&Brake::default()).wrong_fields() {
        let at = if field == "leave_percent" { &entry.leave_percent } else { &entry.join_percent };
        let line = at.as_ref().map_or(inner.line(), |at| at.line);
        faults.add(line, format!("`{field}` must be from 1 to {MOST_PERCENT}"));
    }
    Some(entry)
}

fn status(table: &Table<'_>, faults: &Faults) -> Option<At<Option<StatusRule>>> {
    if !table.has("status") {
        return None;
    }
    if table.is_text("status") {
        let word = table.text("status")?;
        if word.value != "none" {
            faults.add(word.line, "`status` must be \"none\", or a table with `opt_in`");
        }
        return Some(At { line: word.line, value: None });
    }
    let inner = table.table("status")?;
    let opt_in = inner.required_text("opt_in");
    inner.complain_about_unknown();
    let opt_in = opt_in?;
    Some(At { line: opt_in.line, value: Some(StatusRule { opt_in: opt_in.value }) })
}
