//! Data > Sources: the list, adding a file in two steps (where it is, how it is read), and one data source with the
//! report of its last refresh.

mod api;
mod detail;
mod form;
mod list;
mod new;
mod preview;
mod upload;

pub use api::{MakeCustomerTable, RefreshSource, RemoveSource, SaveSource, SourceProgress};
pub use detail::SourcePage;
pub use list::SourcesPage;
pub use new::NewSourcePage;
pub use preview::SourcePreviewPage;
