//! Lists as tables: sorted and searched through the address, scrolled inside where the screen is narrow.

use leptos::prelude::*;
use serde::Serialize;

use super::icon::{Icon, icon};
use super::list::ListQuery;
use super::parts::EmptyState;
use crate::request::{lang, with_query};
use crate::texts::td_string;

/// A table that scrolls by itself. `label` says what is in it; `is_data` keeps each row of people's data on one line.
#[component]
pub fn Table(#[prop(into)] label: String, #[prop(optional)] is_data: bool, head: AnyView, body: AnyView) -> AnyView {
    view! {
        <div class="table" class:data=is_data role="region" tabindex="0" aria-label=label.clone()>
            <table>
                <thead><tr>{head}</tr></thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[derive(Serialize)]
struct Order<'a> {
    sort: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    order: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    search: &'a str,
}

/// A column that sorts the list: a link to the same page in this order. Lists are by `name` unless asked otherwise.
pub fn sort_header(path: &'static str, asked: &ListQuery, column: &'static str, text: &'static str) -> AnyView {
    let is_sorted = asked.sort_or("name") == column;
    let is_descending = is_sorted && asked.is_descending();
    let next = if is_sorted && !is_descending { "desc" } else { "" };
    let link = with_query(path, &Order { sort: column, order: next, search: &asked.search });
    let aria = is_sorted.then_some(if is_descending { "descending" } else { "ascending" });
    view! {
        <th scope="col" aria-sort=aria>
            <a href=link>
                {text} {is_sorted.then(|| icon(if is_descending { Icon::Down } else { Icon::Up }))}
            </a>
        </th>
    }
    .into_any()
}

/// A list of which nothing fits the search.
pub fn nothing_found() -> AnyView {
    let language = lang();
    let (title, text) = (td_string!(language, common.nothing_found), td_string!(language, common.nothing_found_text));
    view! { <EmptyState title text /> }.into_any()
}

/// The search of a list: a form that changes the address. `keep` are other keys of the address that stay.
#[component]
pub fn SearchForm(
    path: &'static str,
    #[prop(into)] label: String,
    value: String,
    #[prop(optional)] keep: Vec<(&'static str, String)>,
) -> AnyView {
    let keep = keep.into_iter().filter(|(_, value)| !value.is_empty());
    let keep = keep.map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    let language = lang();
    view! {
        <form class="search" role="search" method="get" action=path>
            {keep.collect_view()}
            <input type="search" name="search" value=value.clone() aria-label=label.clone() placeholder=label maxlength="200" />
            <button aria-label=td_string!(language, common.search)>{icon(Icon::Search)}</button>
            {(!value.is_empty()).then(|| view! { <a class="button quiet" href=path>{td_string!(language, common.show_all)}</a> })}
        </form>
    }
    .into_any()
}
