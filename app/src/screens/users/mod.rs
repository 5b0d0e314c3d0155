//! Admin > Users: who may sign in, with which role. Administrators only.

mod api;

use domain::access::{Actor, Role};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::{Deserialize, Serialize};

pub use api::{AddUser, InviteAgain, SetEnabled, SetRole};

use crate::request::{fault, lang, query, services};
use crate::routes::{MenuItem, USERS};
use crate::services::{Answer, UserLine};
use crate::texts::{Locale, td_string, text};
use crate::ui::{
    ActionsMenu, Badge, Choice, Column, FaultSummary, Faults, List, ListQuery, PostButton, RadioGroup, Screen,
    SearchForm, TextField, TimeAgo, Tone, nothing_found, sentences, signed_in,
};

/// What was typed at the last try to add a person.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UsersQuery {
    /// The address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// The people, and the form that adds one.
#[component]
pub fn UsersPage() -> impl IntoView {
    signed_in(MenuItem::Users, load)
}

async fn load(actor: Actor) -> Answer<Screen> {
    let language = lang();
    let users = services()?.accounts.users(&actor).await?;
    let error = fault();
    let asked: ListQuery = query();
    let body = view! {
        <FaultSummary error=error.clone() labels=vec![("email", td_string!(language, sign_in.email).to_owned())] />
        <div class="toolbar">
            <SearchForm path=USERS label=td_string!(language, users.search) value=asked.search.clone() keep=asked.order_kept() />
        </div>
        {table(language, arranged(language, users, &asked), &actor, &asked)}
        <AddUserForm faults=Faults::of(error.as_ref()) />
    };
    Ok(Screen::new(td_string!(language, users.title), body))
}

/// The people who fit the search, in the order that was asked for.
fn arranged(language: Locale, users: Vec<UserLine>, asked: &ListQuery) -> Vec<UserLine> {
    let mut users: Vec<_> = users.into_iter().filter(|user| asked.fits([user.email.as_str()])).collect();
    let email = |user: &UserLine| user.email.to_lowercase();
    match asked.sort.as_str() {
        "role" => users.sort_by_key(|user| (sentences::role(language, user.role), email(user))),
        "status" => users.sort_by_key(|user| (state_text(language, user).1, email(user))),
        "last_sign_in" => users.sort_by_key(|user| (user.last_sign_in, email(user))),
        _ => users.sort_by_key(email),
    }
    if asked.is_descending() {
        users.reverse();
    }
    users
}

fn table(language: Locale, users: Vec<UserLine>, actor: &Actor, asked: &ListQuery) -> AnyView {
    if users.is_empty() {
        return nothing_found();
    }
    let sorted = |key, name| Column::sorted(USERS, asked, key, name);
    let columns = vec![
        sorted("name", td_string!(language, sign_in.email)),
        sorted("role", td_string!(language, users.role)),
        sorted("status", td_string!(language, common.status)),
        sorted("last_sign_in", td_string!(language, users.last_sign_in)),
        Column::actions(td_string!(language, common.actions)),
    ];
    let rows = users.into_iter().map(|user| row(language, user, actor)).collect();
    view! { <List label=td_string!(language, users.title) columns rows /> }.into_any()
}

/// Whether a person can sign in.
fn state_text(language: Locale, user: &UserLine) -> (Tone, &'static str) {
    if !user.is_enabled {
        (Tone::Warning, td_string!(language, users.disabled))
    } else if user.has_password {
        (Tone::Good, td_string!(language, users.active))
    } else {
        (Tone::Quiet, td_string!(language, users.invited))
    }
}

/// The same as a badge.
fn state(language: Locale, user: &UserLine) -> AnyView {
    let (tone, text) = state_text(language, user);
    view! { <Badge tone text /> }.into_any()
}

fn row(language: Locale, user: UserLine, actor: &Actor) -> Vec<AnyView> {
    let is_self = user.id == actor.id;
    let id = user.id.to_string();
    let roles = Role::ALL.into_iter().filter(|role| *role != user.role).map(|role| {
        let name = sentences::role(language, role).to_owned();
        let fields = vec![("user", id.clone()), ("role", role.as_str().to_owned())];
        view! { <PostButton action=SetRole::PATH fields text=text!(language, users.make_role, role = name) /> }
            .into_any()
    });
    let (enabled, verb) = if user.is_enabled {
        ("false", td_string!(language, users.disable))
    } else {
        ("true", td_string!(language, users.enable))
    };
    let invite = vec![("user", id.clone())];
    let enable = vec![("user", id.clone()), ("enabled", enabled.to_owned())];
    let mut items: Vec<AnyView> = roles.collect();
    items.push(
        view! { <PostButton action=InviteAgain::PATH fields=invite text=td_string!(language, users.new_link) /> }
            .into_any(),
    );
    items.push(view! { <PostButton action=SetEnabled::PATH fields=enable text=verb /> }.into_any());
    let name = view! {
        <bdi>{user.email.clone()}</bdi>
        {is_self.then(|| view! { " " <small>{td_string!(language, users.you)}</small> })}
    };
    let last_sign_in = match user.last_sign_in {
        Some(at) => view! { <TimeAgo at /> }.into_any(),
        None => td_string!(language, common.never).into_any(),
    };
    vec![
        name.into_any(),
        sentences::role(language, user.role).into_any(),
        state(language, &user),
        last_sign_in,
        view! { <ActionsMenu id of=user.email items /> }.into_any(),
    ]
}

/// The form that adds a person.
#[component]
fn AddUserForm(faults: Faults) -> AnyView {
    let language = lang();
    let typed: UsersQuery = query();
    let roles = Role::ALL.into_iter().map(|role| {
        let help = match role {
            Role::Viewer => td_string!(language, users.viewer_may),
            Role::Contributor => td_string!(language, users.contributor_may),
            Role::Administrator => td_string!(language, users.administrator_may),
        };
        Choice::new(role.as_str(), format!("{}: {help}", sentences::role(language, role)))
    });
    view! {
        <section class="card form" aria-labelledby="add-user">
            <h2 id="add-user">{td_string!(language, users.add)}</h2>
            <p>{td_string!(language, users.add_text)}</p>
            <form method="post" action=AddUser::PATH>
                <TextField
                    name="email"
                    kind="email"
                    label=td_string!(language, sign_in.email)
                    value=typed.email
                    faults
                />
                <RadioGroup
                    name="role"
                    legend=td_string!(language, users.role)
                    choices=roles.collect()
                    value=typed.role.unwrap_or(Role::Viewer).as_str()
                />
                <div class="buttons"><button class="primary">{td_string!(language, users.add)}</button></div>
            </form>
        </section>
    }
    .into_any()
}
