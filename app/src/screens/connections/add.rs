//! Adding a connection, first half: destination, name, audience, key, consent, *Connect*.

use domain::access::{Actor, Audience};
use domain::destination::DestinationCard;
use domain::id::ConnectionId;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::{Deserialize, Serialize};

use super::{Connect, add_link, audiences, wording};
use crate::error::AppError;
use crate::request::{fault, lang, query, services};
use crate::routes::{CONNECTIONS, MenuItem};
use crate::services::Answer;
use crate::texts::{Locale, code, td_string, text};
use crate::ui::{FaultSummary, Faults, RadioGroup, Screen, TextField, kind_picture, signed_in};

/// What the address of the page carries: the destination, and what was typed at the last try. Never the key.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ConnectQuery {
    /// Which destination.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) kind: String,
    /// The set-up in progress, where there is one already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<ConnectionId>,
    /// The display name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    /// Who may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) audience: Option<Audience>,
    /// *I agree* was ticked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) agreed: bool,
}

/// Chooses the destination, then connects to it.
#[component]
pub fn NewConnectionPage() -> impl IntoView {
    signed_in(MenuItem::Connections, load)
}

async fn load(actor: Actor) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    if !domain::access::may_manage_connections(actor.role) {
        return Err(AppError::Forbidden);
    }
    let asked: ConnectQuery = query();
    let cards = services.connections.cards();
    let Some(card) = cards.iter().find(|card| card.kind.0 == asked.kind) else {
        return Ok(Screen::new(td_string!(language, connections.add), choice(language, &cards)));
    };
    let asked = match asked.id {
        // Back from the second half: what was entered there stands here again.
        Some(id) if asked.name.is_empty() => {
            let begun = services.connections.set_up(&actor, id).await?;
            ConnectQuery { name: begun.name, audience: Some(begun.audience), ..asked }
        }
        _ => asked,
    };
    let title = text!(language, connections.set_up, name = card.name.clone());
    Ok(Screen::new(title, form(language, card, asked)))
}

/// The kinds of destination.
fn choice(language: Locale, cards: &[DestinationCard]) -> AnyView {
    let tiles = cards.iter().map(|card| {
        view! { <li><a class="tile" href=add_link(&card.kind.0)>{kind_picture(&card.kind)} {card.name.clone()}</a></li> }
    });
    view! {
        <p>{td_string!(language, connections.choose_kind)}</p>
        <ul class="tiles">{tiles.collect_view()}</ul>
    }
    .into_any()
}

fn form(language: Locale, card: &DestinationCard, asked: ConnectQuery) -> AnyView {
    let error = fault();
    let faults = Faults::of(error.as_ref());
    let labels = vec![
        ("name", td_string!(language, common.display_name).to_owned()),
        ("key", td_string!(language, connections.api_key).to_owned()),
        ("agreed", td_string!(language, connections.agree).to_owned()),
    ];
    let consent_fault = faults.at("agreed");
    let has_key = asked.id.is_some();
    let key_help =
        if has_key { td_string!(language, connections.key_kept) } else { td_string!(language, connections.key_help) };
    view! {
        <FaultSummary error labels />
        <form class="form" method="post" action=Connect::PATH data-guard="">
            <input type="hidden" name="kind" value=card.kind.0.clone() />
            <input type="hidden" name="language" value=code(language) />
            <input type="hidden" name="id" value=asked.id.map(|id| id.to_string()).unwrap_or_default() />
            <TextField
                name="name"
                label=td_string!(language, common.display_name)
                help=td_string!(language, connections.name_help)
                value=asked.name
                faults=faults.clone()
            />
            <RadioGroup
                name="audience"
                legend=td_string!(language, connections.audience)
                choices=audiences(language)
                value=asked.audience.unwrap_or(Audience::Administrators).as_str()
            />
            <TextField
                name="key"
                kind="password"
                label=td_string!(language, connections.api_key)
                help=key_help
                required=!has_key
                max=500
                faults
            />
            <p class="help">
                <a href=card.key_help_url.clone() rel="noreferrer" target="_blank">
                    {text!(language, connections.where_key, name = card.name.clone())}
                </a>
            </p>
            <fieldset class="field" id="agreed">
                <legend>{td_string!(language, connections.privacy)}</legend>
                <p class="wording">{wording(language, &card.name)}</p>
                <label class="choice">
                    <input type="checkbox" name="agreed" value="true" required checked=asked.agreed />
                    {td_string!(language, connections.agree)}
                </label>
                {consent_fault.map(|text| view! { <p class="fault">{text}</p> })}
            </fieldset>
            <div class="buttons">
                <button class="primary">{td_string!(language, connections.connect)}</button>
                <a class="button" href=CONNECTIONS>{td_string!(language, common.cancel)}</a>
            </div>
            <p class="steps-title">{td_string!(language, connections.steps)}</p>
            <ol class="steps">
                <li>{td_string!(language, connections.step_export_user)}</li>
                <li>{td_string!(language, common.save)}</li>
            </ol>
        </form>
    }
    .into_any()
}
