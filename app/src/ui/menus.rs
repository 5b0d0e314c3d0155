//! The choices of the header: language, colours, the person. Forms inside native popovers: they work without script.

use domain::access::Actor;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::icon::{Icon, icon};
use super::sentences;
use crate::request::{lang, path_and_query, theme};
use crate::screens::session::{SetLanguage, SetTheme, SignOut};
use crate::texts::{LANGUAGES, code, tag, td_string};

/// The button of a choice that is set, or not.
#[component]
fn Option_(
    name: &'static str,
    value: &'static str,
    chosen: bool,
    #[prop(into)] text: String,
    #[prop(optional)] language: Option<&'static str>,
) -> AnyView {
    view! {
        <li>
            <button class="quiet" name=name value=value lang=language aria-pressed=if chosen { "true" } else { "false" }>
                {icon(if chosen { Icon::Check } else { Icon::None })} {text}
            </button>
        </li>
    }
    .into_any()
}

/// The six languages.
#[component]
pub fn LanguageMenu() -> AnyView {
    let current = lang();
    let options = LANGUAGES.map(|(language, name)| {
        view! { <Option_ name="language" value=code(language) chosen=language == current text=name language=tag(language) /> }
    });
    view! {
        <button class="quiet" type="button" popovertarget="languages" aria-label=td_string!(current, common.language)>
            {icon(Icon::Globe)} <span class="wide-only">{code(current).to_uppercase()}</span>
        </button>
        <form class="popup" id="languages" popover method="post" action=SetLanguage::PATH>
            <input type="hidden" name="back" value=path_and_query() />
            <ul>{options.collect_view()}</ul>
        </form>
    }
    .into_any()
}

/// Light, dark, or as the system.
#[component]
pub fn ThemeMenu() -> AnyView {
    let language = lang();
    let current = theme().unwrap_or("system");
    let options = [
        ("system", td_string!(language, common.theme_system)),
        ("light", td_string!(language, common.theme_light)),
        ("dark", td_string!(language, common.theme_dark)),
    ];
    let options = options.map(|(value, text)| {
        view! { <Option_ name="theme" value chosen=value == current text /> }
    });
    view! {
        <button class="quiet" type="button" popovertarget="themes" aria-label=td_string!(language, common.theme)>
            {icon(Icon::Contrast)}
        </button>
        <form class="popup" id="themes" popover method="post" action=SetTheme::PATH>
            <input type="hidden" name="back" value=path_and_query() />
            <ul>{options.collect_view()}</ul>
        </form>
    }
    .into_any()
}

/// Who is signed in, and the way out.
#[component]
pub fn AccountMenu(actor: Actor) -> AnyView {
    let language = lang();
    view! {
        <button class="quiet" type="button" popovertarget="account" aria-label=td_string!(language, common.account)>
            {icon(Icon::Person)}
        </button>
        <form class="popup" id="account" popover method="post" action=SignOut::PATH>
            <p class="account"><bdi>{actor.email}</bdi> <small>{sentences::role(language, actor.role)}</small></p>
            <button class="quiet">{icon(Icon::Leave)} {td_string!(language, common.sign_out)}</button>
        </form>
    }
    .into_any()
}

/// Language and colours at the foot of the pages without a header.
#[component]
pub fn OpenPageChoices() -> AnyView {
    view! { <footer class="choices"><LanguageMenu /><ThemeMenu /></footer> }.into_any()
}
