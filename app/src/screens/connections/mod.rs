//! Admin > Connections: the list, adding a connection step by step, changing and removing one. Administrators only.

mod add;
mod api;
mod edit;
mod remove;
mod set_up;

use domain::access::{Actor, Audience};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

pub use add::NewConnectionPage;
pub use api::{
    AddExportUser, Connect, EditConnection, RemoveConnection, ReplaceKey, SaveConnection, SetReserve, ShareConnection,
};
pub use edit::ConnectionPage;
pub use remove::RemoveConnectionPage;
pub use set_up::SetUpConnectionPage;

use crate::request::{lang, query, services, with_query};
use crate::routes::{self, CONNECTIONS, MenuItem, NEW_CONNECTION};
use crate::services::{Answer, ConnectionLine, Services};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    ActionsMenu, Badge, Choice, Column, EmptyState, Icon, List, ListQuery, PostButton, Screen, SearchForm, TimeAgo,
    Tone, icon, kind_name, nothing_found, number, sentences, signed_in,
};

/// The connections.
#[component]
pub fn ConnectionsPage() -> impl IntoView {
    signed_in(MenuItem::Connections, load)
}

async fn load(actor: Actor) -> Answer<Screen> {
    let language = lang();
    let services = services()?;
    let asked: ListQuery = query();
    let all = services.connections.list(&actor).await?;
    let is_empty = all.is_empty();
    let lines = arranged(&services, all, &asked);
    let body = if is_empty {
        let action = add_button(language, &services);
        view! {
            <EmptyState
                title=td_string!(language, connections.empty_title)
                text=td_string!(language, connections.empty_text)
                action
            />
        }
        .into_any()
    } else {
        view! {
            <div class="toolbar">
                <SearchForm path=CONNECTIONS label=td_string!(language, connections.search) value=asked.search.clone() keep=asked.order_kept() />
            </div>
            {list(language, &services, lines, asked)}
        }
        .into_any()
    };
    let add = (!is_empty).then(|| add_button(language, &services));
    Ok(Screen::new(td_string!(language, connections.title), body).with_commands_if(add))
}

/// *Add connection* leads to the choice of a destination.
fn add_button(language: Locale, services: &Services) -> AnyView {
    // With a single kind there is nothing to choose.
    let cards = services.connections.cards();
    let link = match cards.as_slice() {
        [only] => add_link(&only.kind.0),
        _ => NEW_CONNECTION.to_owned(),
    };
    view! { <a class="button primary" href=link>{icon(Icon::Add)} {td_string!(language, connections.add)}</a> }
        .into_any()
}

fn add_link(kind: &str) -> String {
    with_query(NEW_CONNECTION, &[("kind", kind)].into_iter().collect::<std::collections::BTreeMap<_, _>>())
}

/// The lines that fit the search, in the order that was asked for.
fn arranged(services: &Services, lines: Vec<ConnectionLine>, asked: &ListQuery) -> Vec<ConnectionLine> {
    let name_of = |line: &ConnectionLine| kind_name(services, &line.connection.kind);
    let mut lines: Vec<_> = lines
        .into_iter()
        .filter(|line| asked.fits([line.connection.name.as_str(), line.connection.brand.name.as_str(), &name_of(line)]))
        .collect();
    match asked.sort.as_str() {
        "type" => lines.sort_by_key(|line| name_of(line).to_lowercase()),
        "account" => lines.sort_by_key(|line| line.connection.brand.name.to_lowercase()),
        "access" => lines.sort_by_key(|line| line.connection.audience.as_str()),
        "created" => lines.sort_by_key(|line| line.connection.created_at),
        _ => lines.sort_by_key(|line| line.connection.name.to_lowercase()),
    }
    if asked.is_descending() {
        lines.reverse();
    }
    lines
}

fn list(language: Locale, services: &Services, lines: Vec<ConnectionLine>, asked: ListQuery) -> AnyView {
    if lines.is_empty() {
        return nothing_found();
    }
    let sorted = |key, name| Column::sorted(CONNECTIONS, &asked, key, name);
    let columns = vec![
        sorted("name", td_string!(language, common.display_name)),
        sorted("type", td_string!(language, common.kind)),
        sorted("account", td_string!(language, connections.account)),
        sorted("access", td_string!(language, connections.access)),
        Column::number(td_string!(language, common.exports)),
        sorted("created", td_string!(language, connections.created)),
        Column::actions(td_string!(language, common.actions)),
    ];
    let rows = lines.into_iter().map(|line| row(language, services, line)).collect();
    view! { <List label=td_string!(language, connections.title) columns rows /> }.into_any()
}

fn row(language: Locale, services: &Services, line: ConnectionLine) -> Vec<AnyView> {
    let one = line.connection;
    let page = routes::connection(one.id);
    let (other, share) = match one.audience {
        Audience::Administrators => (Audience::AdministratorsAndContributors, td_string!(language, connections.share)),
        Audience::AdministratorsAndContributors => {
            (Audience::Administrators, td_string!(language, connections.unshare))
        }
    };
    let fields = vec![("id", one.id.to_string()), ("audience", other.as_str().to_owned())];
    let items = vec![
        view! { <a href=page.clone()>{td_string!(language, common.edit)}</a> }.into_any(),
        view! { <PostButton action=ShareConnection::PATH fields text=share /> }.into_any(),
        view! { <a href=routes::remove_connection(one.id)>{td_string!(language, common.remove)}</a> }.into_any(),
    ];
    let attention = one.needs_attention.is_some().then(|| {
        view! { " " <Badge tone=Tone::Warning text=td_string!(language, connections.needs_attention) /> }
    });
    vec![
        view! { <a href=page><bdi>{one.name.clone()}</bdi></a> {attention} }.into_any(),
        kind_name(services, &one.kind).into_any(),
        view! { <bdi>{one.brand.name}</bdi> }.into_any(),
        sentences::audience(language, one.audience).into_any(),
        number(language, u64::from(line.exports)).into_any(),
        view! { <TimeAgo at=one.created_at /> }.into_any(),
        view! { <ActionsMenu id=one.id.to_string() of=one.name items /> }.into_any(),
    ]
}

/// The two answers to *who can use this connection*.
fn audiences(language: Locale) -> Vec<Choice> {
    [Audience::Administrators, Audience::AdministratorsAndContributors]
        .into_iter()
        .map(|audience| Choice::new(audience.as_str(), sentences::audience(language, audience)))
        .collect()
}

/// The consent wording, whole, as it is shown and recorded.
fn wording(language: Locale, destination: &str) -> String {
    text!(language, connections.wording, name = destination.to_owned())
}
