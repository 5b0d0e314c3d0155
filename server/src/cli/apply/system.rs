//! When the system refresh comes, and what holds for all that runs by itself, as a configuration file writes it. What it
//! does not say stays as it is.

use domain::schedule::{Schedule, ScheduleFault};
use domain::system::{MOST_CATCH_UP_HOURS, SystemSettings, WhenActive, may_catch_up};

use super::fields::word;
use super::reader::{At, Faults, Table};

/// `[system]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemEntry {
    schedule: Option<Schedule>,
    catch_up_hours: Option<u32>,
    when_active: Option<WhenActive>,
}

impl SystemEntry {
    /// The settings as the file wants them, from those that are there.
    pub fn over(&self, now: &SystemSettings) -> SystemSettings {
        SystemSettings {
            schedule: self.schedule.clone().unwrap_or_else(|| now.schedule.clone()),
            catch_up_hours: self.catch_up_hours.unwrap_or(now.catch_up_hours),
            when_active: self.when_active.unwrap_or(now.when_active),
            version: now.version,
        }
    }
}

pub(super) fn read(table: Table<'_>, faults: &Faults) -> At<SystemEntry> {
    let schedule = super::schedule::read(&table, faults);
    // What is wrong with any schedule has been told already.
    if schedule.as_ref().is_some_and(|schedule| schedule.system_faults().contains(&ScheduleFault::System)) {
        let line = table.line_of("schedule").unwrap_or(table.line());
        faults.add(line, format!("`schedule`: {}", ScheduleFault::System));
    }
    let hours = table.whole("catch_up_hours");
    if let Some(hours) = hours.as_ref().filter(|hours| !may_catch_up(hours.value)) {
        faults.add(hours.line, format!("`catch_up_hours` must be from 1 to {MOST_CATCH_UP_HOURS}"));
    }
    let when_active = word(&table, faults, "when_active", &["skip", "queue"], WhenActive::parse);
    let line = table.line();
    table.complain_about_unknown();
    let catch_up_hours = hours.map(|hours| hours.value);
    At { line, value: SystemEntry { schedule, catch_up_hours, when_active } }
}
