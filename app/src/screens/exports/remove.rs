//! The question before an export is removed.

use domain::access::Actor;
use domain::id::ExportId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::RemoveExport;
use crate::error::AppError;
use crate::request::{fault, lang, services};
use crate::routes::{EXPORTS, MenuItem};
use crate::services::Answer;
use crate::texts::{td_string, text};
use crate::ui::{FaultSummary, Screen, signed_in};

/// Removes an export, after asking.
#[component]
pub fn RemoveExportPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Exports, move |actor| load(actor, id))
}

async fn load(actor: Actor, id: Option<ExportId>) -> Answer<Screen> {
    let language = lang();
    let (exports, id) = (services()?.exports, id.ok_or(AppError::NotFound)?);
    // Whoever may not copy it may not remove it either: the refusal is the same.
    exports.duplicate(&actor, id).await?;
    let line = exports.find(&actor, id).await?;
    let is_running = line.last_run.is_some_and(|run| !run.state.is_final());
    let running = is_running.then(|| view! { <li>{td_string!(language, exports.remove_running)}</li> });
    let body = view! {
        <FaultSummary error=fault() labels=Vec::new() />
        <form class="card form" method="post" action=RemoveExport::PATH>
            <input type="hidden" name="id" value=line.export.id.to_string() />
            <ul>
                {running}
                <li>{td_string!(language, exports.remove_history)}</li>
                <li>{td_string!(language, exports.remove_keeps)}</li>
                <li>{td_string!(language, exports.remove_final)}</li>
            </ul>
            <div class="buttons">
                <button class="danger">{td_string!(language, common.remove)}</button>
                <a class="button" href=EXPORTS>{td_string!(language, common.cancel)}</a>
            </div>
        </form>
    };
    Ok(Screen::new(text!(language, exports.remove_title, name = line.export.settings.name), body))
}
