//! Admin > System: how the system refresh stands, and when it comes.

mod api;
mod schedule;
mod status;

use leptos::prelude::*;

use crate::request::lang;
use crate::routes::{SYSTEM, SYSTEM_SCHEDULE};
use crate::texts::td_string;

pub use api::{CancelSystemRefresh, RefreshAll, SaveSystemSettings};
pub use schedule::{SystemForm, SystemSchedulePage};
pub use status::SystemStatusPage;

/// The pages of this menu entry, as tabs.
fn tabs(current: &'static str) -> AnyView {
    let language = lang();
    let pages =
        [(SYSTEM, td_string!(language, common.status)), (SYSTEM_SCHEDULE, td_string!(language, exports.schedule))];
    let links = pages.map(|(path, text)| {
        view! { <a href=path aria-current=(path == current).then_some("page")>{text}</a> }
    });
    view! { <nav class="tabs" aria-label=td_string!(language, system.title)>{links.into_iter().collect_view()}</nav> }
        .into_any()
}
