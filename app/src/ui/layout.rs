//! What stands around every page of a signed-in person: header, menu, the note of the last action, the heading.

use domain::access::Actor;
use leptos::prelude::*;
use leptos_meta::Title;

use super::icon::{Icon, icon};
use super::menus::{AccountMenu, LanguageMenu, ThemeMenu};
use super::page::Screen;
use super::parts::CopyBox;
use super::sentences;
use crate::request::{lang, origin};
use crate::routes::{HOME, MenuItem, invitation};
use crate::services::Note;
use crate::texts::{Locale, td_string};

/// The page with everything around it.
#[component]
pub fn Layout(actor: Actor, item: MenuItem, note: Option<Note>, screen: Screen) -> AnyView {
    let language = lang();
    view! {
        <Title text=screen.title.clone() formatter=|title| format!("{title} · Ferry") />
        <a class="skip" href="#content">{td_string!(language, common.skip_to_content)}</a>
        <header class="top">
            <button class="quiet menu-button" type="button" popovertarget="menu" aria-label=td_string!(language, common.menu)>
                {icon(Icon::Menu)}
            </button>
            <a class="brand" href=HOME>"Ferry"</a>
            <div class="top-actions">
                <LanguageMenu />
                <ThemeMenu />
                <AccountMenu actor=actor.clone() />
            </div>
        </header>
        <div class="frame">
            <Menu actor item />
            <main id="content" tabindex="-1">
                {note.map(|note| view! { <NoteBar note /> })}
                <div class="heading">
                    <h1>{screen.title}</h1>
                    {screen.commands.map(|commands| view! { <div class="commands">{commands}</div> })}
                </div>
                {screen.body}
            </main>
        </div>
    }
    .into_any()
}

/// What the last action did; a one-time link is shown here and nowhere else.
#[component]
fn NoteBar(note: Note) -> AnyView {
    let language = lang();
    let link = match &note {
        Note::Invited(token) => Some(format!("{}{}", origin(), invitation(token))),
        _ => None,
    };
    view! {
        <div class="note" role="status">
            <p>{sentences::note(language, &note)}</p>
            {link.map(|text| view! { <CopyBox label=td_string!(language, common.one_time_link) text /> })}
        </div>
    }
    .into_any()
}

/// The name of a menu entry.
fn name(language: Locale, item: MenuItem) -> &'static str {
    match item {
        MenuItem::Sources => td_string!(language, common.sources),
        MenuItem::Profiles => td_string!(language, common.profiles),
        MenuItem::Exports => td_string!(language, common.exports),
        MenuItem::Segments => td_string!(language, common.segments),
        MenuItem::Connections => td_string!(language, common.connections),
        MenuItem::Users => td_string!(language, common.users),
        MenuItem::System => td_string!(language, system.title),
    }
}

fn symbol(item: MenuItem) -> Icon {
    match item {
        MenuItem::Sources => Icon::Database,
        MenuItem::Profiles => Icon::People,
        MenuItem::Exports => Icon::Send,
        MenuItem::Segments => Icon::Segment,
        MenuItem::Connections => Icon::Plug,
        MenuItem::Users => Icon::Person,
        MenuItem::System => Icon::Clock,
    }
}

/// The menu, with what this person may open.
#[component]
fn Menu(actor: Actor, item: MenuItem) -> AnyView {
    let language = lang();
    let groups = [
        (Some(td_string!(language, common.data)), vec![MenuItem::Sources, MenuItem::Profiles, MenuItem::Exports]),
        (None, vec![MenuItem::Segments]),
        (Some(td_string!(language, common.admin)), vec![MenuItem::Connections, MenuItem::Users, MenuItem::System]),
    ];
    let groups = groups.into_iter().filter_map(|(title, items)| {
        let items: Vec<_> = items.into_iter().filter(|entry| entry.is_for(actor.role)).collect();
        (!items.is_empty()).then(|| {
            let links = items.into_iter().map(|entry| {
                let current = (entry == item).then_some("page");
                view! {
                    <li>
                        <a href=entry.path() aria-current=current>{icon(symbol(entry))} {name(language, entry)}</a>
                    </li>
                }
            });
            view! {
                {title.map(|title| view! { <p class="menu-title">{title}</p> })}
                <ul>{links.collect_view()}</ul>
            }
        })
    });
    view! { <nav class="menu" id="menu" popover aria-label=td_string!(language, common.menu)>{groups.collect_view()}</nav> }
    .into_any()
}
