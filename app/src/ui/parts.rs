//! Small parts of many pages: the face of an empty list, a notice, a button that posts, the menu of a row.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::request::lang;
use crate::texts::{td_string, text};

/// A list without items: what it is for, and the one thing to do.
#[component]
pub fn EmptyState(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] action: Option<AnyView>,
) -> AnyView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {action}
        </div>
    }
    .into_any()
}

/// A sentence that people should not miss.
#[component]
pub fn Notice(#[prop(optional)] warning: bool, children: Children) -> AnyView {
    let class = if warning { "panel warning" } else { "panel info" };
    view! { <div class=class>{icon(if warning { Icon::Warning } else { Icon::Info })} <div>{children()}</div></div> }
        .into_any()
}

/// A button that is a form of its own: `fields` travel hidden. `label` says to screen readers what its text alone does
/// not; it begins with the text.
#[component]
pub fn PostButton(
    action: &'static str,
    fields: Vec<(&'static str, String)>,
    #[prop(default = "")] class: &'static str,
    #[prop(default = Icon::None)] symbol: Icon,
    #[prop(optional)] label: Option<String>,
    #[prop(into)] text: String,
) -> AnyView {
    let hidden = fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <form class="inline" method="post" action=action>
            {hidden.collect_view()}
            <button class=class aria-label=label>{(symbol != Icon::None).then(|| icon(symbol))} " " {text}</button>
        </form>
    }
    .into_any()
}

/// The menu of a row, behind three dots. `id` is unique on the page; `of` is the row's name for screen readers.
#[component]
pub fn ActionsMenu(#[prop(into)] id: String, #[prop(into)] of: String, items: Vec<AnyView>) -> AnyView {
    let label = text!(lang(), common.actions_of, name = of);
    let id = format!("actions-{id}");
    let items = items.into_iter().map(|item| view! { <li>{item}</li> }).collect_view();
    view! {
        <button class="quiet" type="button" popovertarget=id.clone() aria-label=label>{icon(Icon::More)}</button>
        <div class="popup" id=id popover><ul>{items}</ul></div>
    }
    .into_any()
}

/// A text to pass on, with a button that copies it where the browser can.
#[component]
pub fn CopyBox(#[prop(into)] label: String, #[prop(into)] text: String) -> AnyView {
    let language = lang();
    view! {
        <div class="field">
            <label for="copy">{label}</label>
            <div class="copy">
                <input id="copy" readonly value=text.clone() autocomplete="off" />
                <button type="button" hidden data-copy=text data-done=td_string!(language, common.copied)>
                    {td_string!(language, common.copy)}
                </button>
            </div>
        </div>
    }
    .into_any()
}
