//! The question before a connection is removed: what becomes of each export that uses it.

use domain::access::Actor;
use domain::id::ConnectionId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::RemoveConnection;
use crate::error::AppError;
use crate::request::{fault, lang, services};
use crate::routes::{self, CONNECTIONS, MenuItem};
use crate::services::Answer;
use crate::texts::{td_string, text};
use crate::ui::{FaultSummary, Screen, signed_in};

/// Removes a connection, after asking.
#[component]
pub fn RemoveConnectionPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Connections, move |actor| load(actor, id))
}

async fn load(actor: Actor, id: Option<ConnectionId>) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let one = services.connections.find(&actor, id.ok_or(AppError::NotFound)?).await?;
    let exports = services.connections.used_by(&actor, one.id).await?;
    let has_exports = !exports.is_empty();
    let rows = exports.into_iter().enumerate().map(|(index, (id, name))| {
        let then = format!("exports[{index}][then]");
        view! {
            <fieldset class="field">
                <legend><a href=routes::export(id)><bdi>{name}</bdi></a></legend>
                <input type="hidden" name=format!("exports[{index}][id]") value=id.to_string() />
                <label class="choice">
                    <input type="radio" name=then.clone() value="detach" checked />
                    {td_string!(language, connections.detach_export)}
                </label>
                <label class="choice">
                    <input type="radio" name=then value="remove" />
                    {td_string!(language, connections.remove_export)}
                </label>
            </fieldset>
        }
    });
    let body = view! {
        <FaultSummary error=fault() labels=Vec::new() />
        <form class="card form" method="post" action=RemoveConnection::PATH>
            <input type="hidden" name="id" value=one.id.to_string() />
            <p>{td_string!(language, connections.remove_text)}</p>
            {has_exports.then(|| view! { <h2>{td_string!(language, connections.dependent_exports)}</h2> })}
            {rows.collect_view()}
            <div class="buttons">
                <button class="danger">{td_string!(language, common.remove)}</button>
                <a class="button" href=CONNECTIONS>{td_string!(language, common.cancel)}</a>
            </div>
        </form>
    };
    Ok(Screen::new(text!(language, connections.remove_title, name = one.name), body))
}
