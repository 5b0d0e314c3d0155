//! One saved connection: name and audience, another key, another export user, and the consent under which data goes.

use domain::access::Actor;
use domain::connection::Connection;
use domain::id::ConnectionId;
use domain::run::RunReason;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};

use super::set_up::export_user_form;
use super::{EditConnection, ReplaceKey, SetReserve, audiences};
use crate::error::AppError;
use crate::request::{fault, lang, query, services};
use crate::routes::{self, CONNECTIONS, MenuItem};
use crate::services::{AccountPace, Answer, ConnectionPace};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    DateTime, FaultSummary, Faults, Icon, Notice, RadioGroup, Screen, TextField, icon, kind_name, pace_lines,
    sentences, signed_in,
};

/// What was typed at the last try.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EditQuery {
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Who may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) audience: Option<domain::access::Audience>,
}

/// One connection.
#[component]
pub fn ConnectionPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).and_then(|id| id.parse().ok());
    signed_in(MenuItem::Connections, move |actor| load(actor, id))
}

async fn load(actor: Actor, id: Option<ConnectionId>) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let one = services.connections.find(&actor, id.ok_or(AppError::NotFound)?).await?;
    let pace = services.connections.pace(&actor, one.id).await?;
    let error = fault();
    let faults = Faults::of(error.as_ref());
    let labels = vec![
        ("name", td_string!(language, common.display_name).to_owned()),
        ("key", td_string!(language, connections.api_key).to_owned()),
        ("reserve", td_string!(language, connections.reserve).to_owned()),
        ("password", td_string!(language, sign_in.password).to_owned()),
    ];
    let attention = one.needs_attention.as_deref().map(|code| attention(language, code));
    let silent = pace.account.silent.map(|(since, next)| {
        view! {
            <Notice warning=true>
                <p>
                    {td_string!(language, connections.silent_since)} " " <DateTime at=since /> ". "
                    {td_string!(language, connections.asked_again)} " " <DateTime at=next /> "."
                </p>
            </Notice>
        }
    });
    let remove = view! {
        <a class="button danger" href=routes::remove_connection(one.id)>{icon(Icon::Trash)} {td_string!(language, common.remove)}</a>
    };
    let body = view! {
        <FaultSummary error labels />
        {attention}
        {silent}
        {facts(language, &kind_name(&services, &one.kind), &one, &pace.account)}
        {edit_form(language, &one, faults.clone())}
        {reserve_form(language, one.id, pace, faults.clone())}
        {key_form(language, &one, faults.clone())}
        <section class="card form" aria-labelledby="export-user">
            <h2 id="export-user">{td_string!(language, connections.export_user)}</h2>
            <p>{text!(language, connections.export_user_is, email = one.export_user.email.clone())}</p>
            {(one.export_user.id != actor.id).then(|| export_user_form(language, one.id, &actor, faults))}
        </section>
    };
    Ok(Screen::new(one.name, body).with_commands(remove))
}

/// Why exports over the connection do not run, and what to do.
fn attention(language: Locale, code: &str) -> AnyView {
    match RunReason::parse(code) {
        Some(RunReason::KeyRefused) | None => {
            view! { <Notice warning=true><p>{td_string!(language, connections.attention_text)}</p></Notice> }.into_any()
        }
        Some(reason) => {
            let sentence = sentences::run_reason(language, reason);
            view! {
                <Notice warning=true><p><strong>{sentence.what}</strong></p><p>{sentence.todo}</p></Notice>
            }
            .into_any()
        }
    }
}

fn facts(language: Locale, destination: &str, one: &Connection, account: &AccountPace) -> AnyView {
    let agreed_by = one.consent.by_email.clone();
    let used = pace_lines(language, account);
    let used = (!used.is_empty()).then(|| {
        let lines = used.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
        view! { <div><dt>{td_string!(language, connections.pace)}</dt><dd><ul class="changes">{lines}</ul></dd></div> }
    });
    view! {
        <dl class="facts card">
            <div><dt>{td_string!(language, common.kind)}</dt><dd>{destination.to_owned()}</dd></div>
            <div>
                <dt>{td_string!(language, connections.account)}</dt>
                <dd><bdi>{one.brand.name.clone()}</bdi> " " <small><bdi>{one.brand.website.clone()}</bdi></small></dd>
            </div>
            {used}
            <div><dt>{td_string!(language, connections.created)}</dt><dd><DateTime at=one.created_at /></dd></div>
            <div>
                <dt>{td_string!(language, connections.privacy)}</dt>
                <dd>
                    {text!(language, connections.agreed_by, email = agreed_by)} ", " <DateTime at=one.consent.at />
                    <details>
                        <summary>{td_string!(language, connections.show_wording)}</summary>
                        <p class="wording" lang=one.consent.language.clone()>{one.consent.wording.clone()}</p>
                    </details>
                </dd>
            </div>
        </dl>
    }
    .into_any()
}

fn edit_form(language: Locale, one: &Connection, faults: Faults) -> AnyView {
    let typed: EditQuery = query();
    view! {
        <form class="card form" method="post" action=EditConnection::PATH data-guard="">
            <input type="hidden" name="id" value=one.id.to_string() />
            <TextField
                name="name"
                label=td_string!(language, common.display_name)
                value=typed.name.unwrap_or_else(|| one.name.clone())
                faults
            />
            <RadioGroup
                name="audience"
                legend=td_string!(language, connections.audience)
                choices=audiences(language)
                value=typed.audience.unwrap_or(one.audience).as_str()
            />
            <p class="help">{td_string!(language, connections.unshare_text)}</p>
            <div class="buttons">
                <button class="primary">{td_string!(language, common.save)}</button>
                <a class="button" href=CONNECTIONS>{td_string!(language, common.cancel)}</a>
            </div>
        </form>
    }
    .into_any()
}

fn reserve_form(language: Locale, id: ConnectionId, pace: ConnectionPace, faults: Faults) -> AnyView {
    view! {
        <form class="card form" method="post" action=SetReserve::PATH data-guard="">
            <input type="hidden" name="id" value=id.to_string() />
            <TextField
                name="reserve"
                kind="number"
                label=td_string!(language, connections.reserve)
                help=td_string!(language, connections.reserve_help)
                value=pace.reserve_percent.to_string()
                max=2
                faults
            />
            <button>{td_string!(language, connections.set_reserve)}</button>
        </form>
    }
    .into_any()
}

fn key_form(language: Locale, one: &Connection, faults: Faults) -> AnyView {
    view! {
        <section class="card form" aria-labelledby="replace-key">
            <h2 id="replace-key">{td_string!(language, connections.replace_key)}</h2>
            <p>{td_string!(language, connections.replace_key_text)}</p>
            <form method="post" action=ReplaceKey::PATH>
                <input type="hidden" name="id" value=one.id.to_string() />
                <TextField
                    name="key"
                    kind="password"
                    label=td_string!(language, connections.api_key)
                    max=500
                    faults
                />
                <button>{td_string!(language, connections.replace_key)}</button>
            </form>
        </section>
    }
    .into_any()
}
