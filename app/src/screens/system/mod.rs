//! Admin > System: how the system refresh stands, and when it comes.

mod api;
mod schedule;
mod status;

use domain::access::{Role, may_manage_system};
use leptos::prelude::*;

use crate::request::lang;
use crate::routes::{SYSTEM, SYSTEM_SCHEDULE};
use crate::texts::td_string;

pub use api::{CancelSystemRefresh, RefreshAll, SaveSystemSettings};
pub use schedule::{SystemForm, SystemSchedulePage};
pub use status::SystemStatusPage;

/// The pages of this menu entry, as tabs; none for those who may open one of them alone.
fn tabs(current: &'static str, role: Role) -> Option<AnyView> {
    if !may_manage_system(role) {
        return None;
    }
    let language = lang();
    let pages =
        [(SYSTEM, td_string!(language, common.status)), (SYSTEM_SCHEDULE, td_string!(language, exports.schedule))];
    let links = pages.map(|(path, text)| {
        view! { <a href=path aria-current=(path == current).then_some("page")>{text}</a> }
    });
    let links = links.into_iter().collect_view();
    Some(view! { <nav class="tabs" aria-label=td_string!(language, system.title)>{links}</nav> }.into_any())
}
