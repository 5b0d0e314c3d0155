//! The pages of one-time links. A link that is used up or too old gets a sentence, not a form.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::{AcceptInvitation, SetUpFerry, SignInQuery};
use crate::error::AppError;
use crate::request::{fault, lang, query, services};
use crate::services::LinkPurpose;
use crate::texts::{td_string, text};
use crate::ui::{FaultSummary, Faults, Screen, TextField, open_page};

/// The shortest password that is taken; the services decide, the form only helps.
const SHORTEST_PASSWORD: u32 = 12;

fn token() -> String {
    use_params_map().with_untracked(|params| params.get("token")).unwrap_or_default()
}

/// The field of a new password.
#[component]
fn NewPassword(faults: Faults) -> AnyView {
    let language = lang();
    view! {
        <TextField
            name="password"
            kind="password"
            label=td_string!(language, sign_in.new_password)
            help=td_string!(language, sign_in.password_help)
            autocomplete="new-password"
            min=SHORTEST_PASSWORD
            max=1000
            faults
        />
    }
    .into_any()
}

/// The first administrator chooses address and password.
#[component]
pub fn SetUpPage() -> impl IntoView {
    let token = token();
    open_page(async move {
        let language = lang();
        if services()?.accounts.link(&token).await? != LinkPurpose::SetUp {
            return Err(AppError::LinkInvalid);
        }
        let error = fault();
        let faults = Faults::of(error.as_ref());
        let email = td_string!(language, sign_in.email);
        let labels =
            vec![("email", email.to_owned()), ("password", td_string!(language, sign_in.new_password).to_owned())];
        let typed: SignInQuery = query();
        let form = view! {
            <p>{td_string!(language, sign_in.set_up_text)}</p>
            <FaultSummary error labels />
            <form class="form" method="post" action=SetUpFerry::PATH>
                <input type="hidden" name="token" value=token />
                <TextField name="email" kind="email" label=email value=typed.email autocomplete="username" faults=faults.clone() />
                <NewPassword faults />
                <div class="buttons"><button class="primary">{td_string!(language, sign_in.set_up_button)}</button></div>
            </form>
        };
        Ok(Screen::new(td_string!(language, sign_in.set_up_title), form))
    })
}

/// An invited person chooses a password.
#[component]
pub fn InvitationPage() -> impl IntoView {
    let token = token();
    open_page(async move {
        let language = lang();
        let LinkPurpose::Invitation { email } = services()?.accounts.link(&token).await? else {
            return Err(AppError::LinkInvalid);
        };
        let error = fault();
        let faults = Faults::of(error.as_ref());
        let labels = vec![("password", td_string!(language, sign_in.new_password).to_owned())];
        let form = view! {
            <p>{text!(language, sign_in.invitation_text, email = email.clone())}</p>
            <FaultSummary error labels />
            <form class="form" method="post" action=AcceptInvitation::PATH>
                <input type="hidden" name="token" value=token />
                // Tells a password manager which account this is.
                <input type="email" value=email autocomplete="username" readonly hidden />
                <NewPassword faults />
                <div class="buttons"><button class="primary">{td_string!(language, sign_in.invitation_button)}</button></div>
            </form>
        };
        Ok(Screen::new(td_string!(language, sign_in.invitation_title), form))
    })
}
