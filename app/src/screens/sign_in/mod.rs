//! Sign-in, and the pages of one-time links: set-up of the first administrator, invitation.

mod api;
mod links;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::{Deserialize, Serialize};

pub use api::{AcceptInvitation, SetUpFerry, SignIn};
pub use links::{InvitationPage, SetUpPage};

use crate::request::{actor, fault, lang, query, see_other};
use crate::routes::own_page;
use crate::texts::td_string;
use crate::ui::{FaultSummary, Faults, Screen, TextField, open_page};

/// What the address of the sign-in page carries.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SignInQuery {
    /// Where to go afterwards.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next: String,
    /// What was typed at the last try.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
}

/// Sign-in with e-mail address and password.
#[component]
pub fn SignInPage() -> impl IntoView {
    let asked: SignInQuery = query();
    if actor().is_ok() {
        see_other(own_page(&asked.next));
    }
    open_page(async move {
        let language = lang();
        let error = fault();
        let faults = Faults::of(error.as_ref());
        let email = td_string!(language, sign_in.email);
        let password = td_string!(language, sign_in.password);
        let form = view! {
            <FaultSummary error labels=vec![("email", email.to_owned()), ("password", password.to_owned())] />
            <form class="form" method="post" action=SignIn::PATH>
                <input type="hidden" name="next" value=asked.next />
                <TextField name="email" kind="email" label=email value=asked.email autocomplete="username" faults=faults.clone() />
                <TextField name="password" kind="password" label=password autocomplete="current-password" max=1000 faults />
                <div class="buttons"><button class="primary">{td_string!(language, sign_in.title)}</button></div>
            </form>
        };
        Ok(Screen::new(td_string!(language, sign_in.title), form))
    })
}
