//! Adding a connection, second half: the account that the key opened, *Add yourself as export user*, *Save*.

use domain::access::Actor;
use domain::id::ConnectionId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::add::ConnectQuery;
use super::{AddExportUser, SaveConnection};
use crate::error::AppError;
use crate::request::{fault, lang, services, with_query};
use crate::routes::{CONNECTIONS, MenuItem, NEW_CONNECTION};
use crate::services::{Answer, SetUp};
use crate::texts::{Locale, td_string, text};
use crate::ui::{Badge, FaultSummary, Faults, Screen, TextField, Tone, kind_name, sentences, signed_in};

/// A connection that is being added.
#[component]
pub fn SetUpConnectionPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Connections, move |actor| load(actor, id))
}

async fn load(actor: Actor, id: Option<ConnectionId>) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let begun = services.connections.set_up(&actor, id.ok_or(AppError::NotFound)?).await?;
    let destination = kind_name(&services, &begun.kind);
    let error = fault();
    let labels = vec![
        ("password", td_string!(language, sign_in.password).to_owned()),
        ("export_user", td_string!(language, connections.add_export_user).to_owned()),
    ];
    let back = with_query(
        NEW_CONNECTION,
        &ConnectQuery { kind: begun.kind.0.clone(), id: Some(begun.id), ..ConnectQuery::default() },
    );
    let body = view! {
        <FaultSummary error=error.clone() labels />
        <dl class="facts card">
            <div><dt>{td_string!(language, common.display_name)}</dt><dd><bdi>{begun.name.clone()}</bdi></dd></div>
            <div>
                <dt>{td_string!(language, connections.access)}</dt>
                <dd>{sentences::audience(language, begun.audience)}</dd>
            </div>
            <div><dt>{td_string!(language, connections.account)}</dt><dd>{account(language, &begun, &destination)}</dd></div>
            <div><dt>{td_string!(language, connections.agree)}</dt><dd><Badge tone=Tone::Good text=td_string!(language, connections.agreed) /></dd></div>
        </dl>
        <p><a href=back>{td_string!(language, connections.change_first_half)}</a></p>
        {export_user(language, &begun, &actor, Faults::of(error.as_ref()))}
        {save(language, &begun)}
    };
    Ok(Screen::new(text!(language, connections.set_up, name = destination), body))
}

/// The brand, in words that say that the key works.
fn account(language: Locale, begun: &SetUp, destination: &str) -> AnyView {
    let name = if begun.brand.name.is_empty() { destination.to_owned() } else { begun.brand.name.clone() };
    view! {
        <Badge tone=Tone::Good text=text!(language, connections.connected_to, name) />
        {(!begun.brand.website.is_empty()).then(|| view! { <br /><small><bdi>{begun.brand.website.clone()}</bdi></small> })}
    }
    .into_any()
}

/// *Add yourself as export user*, or who was added.
fn export_user(language: Locale, begun: &SetUp, actor: &Actor, faults: Faults) -> AnyView {
    let title = td_string!(language, connections.add_export_user);
    let inside = match &begun.export_user {
        Some(email) => {
            view! { <p><Badge tone=Tone::Good text=text!(language, connections.export_user_is, email = email.clone()) /></p> }
                .into_any()
        }
        None => export_user_form(language, begun.id, actor, faults),
    };
    view! { <section class="card form" aria-labelledby="export_user"><h2 id="export_user">{title}</h2>{inside}</section> }
        .into_any()
}

/// The form in which a person proves who they are; used for saved connections too.
pub(super) fn export_user_form(language: Locale, id: ConnectionId, actor: &Actor, faults: Faults) -> AnyView {
    view! {
        <p>{text!(language, connections.export_user_text, email = actor.email.clone())}</p>
        <form method="post" action=AddExportUser::PATH>
            <input type="hidden" name="id" value=id.to_string() />
            <input type="email" value=actor.email.clone() autocomplete="username" readonly hidden />
            <TextField
                name="password"
                kind="password"
                label=td_string!(language, sign_in.password)
                autocomplete="current-password"
                max=1000
                faults
            />
            <button>{td_string!(language, connections.add_export_user)}</button>
        </form>
    }
    .into_any()
}

/// *Save*, enabled only when all is there.
fn save(language: Locale, begun: &SetUp) -> AnyView {
    let is_ready = begun.export_user.is_some();
    view! {
        <form method="post" action=SaveConnection::PATH>
            <input type="hidden" name="id" value=begun.id.to_string() />
            {(!is_ready).then(|| view! { <p class="help" id="why-not">{td_string!(language, connections.save_needs)}</p> })}
            <div class="buttons">
                <button class="primary" disabled=!is_ready aria-describedby=(!is_ready).then_some("why-not")>
                    {td_string!(language, common.save)}
                </button>
                <a class="button" href=CONNECTIONS>{td_string!(language, common.cancel)}</a>
            </div>
        </form>
    }
    .into_any()
}
