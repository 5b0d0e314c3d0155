//! The system refresh of a file.

use domain::access;
use domain::system::SystemSettings;

use super::{Change, Planner};

/// What to do with the system refresh.
#[derive(Debug)]
pub struct SystemStep {
    /// How it relates to what is there.
    pub change: Change,
    /// The settings, with the version that was compared.
    pub wanted: SystemSettings,
}

impl Planner<'_> {
    pub(super) fn system(&self) -> Option<SystemStep> {
        let entry = self.file.system.as_ref()?;
        if !access::may_manage_system(self.actor.role) {
            self.faults.add(entry.line, format!("{} may not change the system refresh", self.actor.email));
        }
        let wanted = entry.value.over(&self.state.system);
        let change = if wanted == self.state.system { Change::Keep } else { Change::Alter };
        Some(SystemStep { change, wanted })
    }
}
