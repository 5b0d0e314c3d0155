//! Data > Exports: the list, the editor (add, change, duplicate, view), removing, running.

mod api;
mod dry_run;
mod editor;
mod form;
mod list;
mod marking;
mod matching;
mod remove;
mod safety;
mod schedule;
mod segments;

pub use api::{DetachExport, RemoveExport, RunAll, RunExport, SaveExport};
pub use dry_run::DryRunPage;
pub use editor::{ExportPage, NewExportPage};
pub use form::{ExportForm, MatchRow};
pub use list::ExportsPage;
pub use remove::RemoveExportPage;
pub use safety::SafetyForm;
