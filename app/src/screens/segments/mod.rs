//! Segments: the list, and the editor with its live count. A rule with nested groups, as a file can hold, is shown
//! whole and kept; this screen edits one level.

mod api;
mod condition;
mod edit;
mod form;
mod list;
mod moment;
mod words;

pub use api::{RefreshSegment, RemoveSegment, SaveSegment, SetActive, SetStatic};
pub use edit::{NewSegmentPage, SegmentPage};
pub(crate) use form::{rule_of, tried};
pub use list::SegmentsPage;
