//! Lists as tables: sorted and searched through the address, drawn as cards where the screen is narrow.

use std::collections::BTreeMap;

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

/// A column of a [`List`].
#[derive(Debug)]
pub struct Column {
    name: &'static str,
    class: Option<&'static str>,
    /// Ascending or descending, for the column that the list is sorted by, and the link that sorts by this one.
    order: Option<&'static str>,
    link: Option<String>,
}

impl Column {
    /// A column of text.
    pub fn of(name: &'static str) -> Self {
        Self { name, class: None, order: None, link: None }
    }

    /// A column of numbers.
    pub fn number(name: &'static str) -> Self {
        Self { class: Some("number"), ..Self::of(name) }
    }

    /// The same column, of numbers.
    pub fn of_numbers(self) -> Self {
        Self { class: Some("number"), ..self }
    }

    /// The column of the menus.
    pub fn actions(name: &'static str) -> Self {
        Self { class: Some("actions"), ..Self::of(name) }
    }

    /// A column that sorts the list: a link to the same page in this order. Lists are by `name` unless asked otherwise.
    pub fn sorted(path: &'static str, asked: &ListQuery, key: &'static str, name: &'static str) -> Self {
        let is_sorted = asked.sort_or("name") == key;
        let is_descending = is_sorted && asked.is_descending();
        let next = if is_sorted && !is_descending { "desc" } else { "" };
        let link = with_query(path, &Order { sort: key, order: next, search: &asked.search });
        let order = is_sorted.then_some(if is_descending { "descending" } else { "ascending" });
        Self { order, link: Some(link), ..Self::of(name) }
    }

    fn head(&self) -> AnyView {
        let name = self.name;
        let symbol = self.order.map(|order| icon(if order == "descending" { Icon::Down } else { Icon::Up }));
        let inside = match (&self.link, self.class) {
            (Some(link), _) => view! { <a href=link.clone()>{name} {symbol}</a> }.into_any(),
            (None, Some("actions")) => view! { <span class="visually-hidden">{name}</span> }.into_any(),
            (None, _) => name.into_any(),
        };
        view! { <th role="columnheader" scope="col" class=self.class aria-sort=self.order>{inside}</th> }.into_any()
    }

    fn cell(&self, at: usize, value: AnyView) -> AnyView {
        let class = self.class;
        if at == 0 {
            return view! { <th role="rowheader" scope="row" class=class>{value}</th> }.into_any();
        }
        let label = (class != Some("actions")).then_some(self.name);
        view! { <td role="cell" class=class data-label=label>{value}</td> }.into_any()
    }
}

/// A list: a table, of which each row becomes a card where there is no room for the columns. The first cell names its row.
/// The roles stand there in words because browsers forget them of a table that is drawn as something else.
#[component]
pub fn List(#[prop(into)] label: String, columns: Vec<Column>, rows: Vec<Vec<AnyView>>) -> AnyView {
    let is_wide = columns.len() > 5;
    let head = columns.iter().map(Column::head).collect_view();
    let row = |cells: Vec<AnyView>| {
        let cells = cells.into_iter().enumerate().zip(&columns).map(|((at, value), column)| column.cell(at, value));
        view! { <tr role="row">{cells.collect_view()}</tr> }
    };
    let rows = rows.into_iter().map(row).collect_view();
    view! {
        <div class="table list" class:wide=is_wide role="region" tabindex="0" aria-label=label>
            <table role="table">
                <thead role="rowgroup"><tr role="row">{head}</tr></thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A text of people's own in a cell; nothing at all where there is none, so that a card leaves its line out.
pub fn own_text(text: String) -> AnyView {
    if text.is_empty() { ().into_any() } else { view! { <bdi>{text}</bdi> }.into_any() }
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
    let keep: BTreeMap<_, _> = keep.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let all = with_query(path, &keep);
    let keep = keep.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    let language = lang();
    view! {
        <form class="search" role="search" method="get" action=path>
            {keep.collect_view()}
            <input type="search" name="search" value=value.clone() aria-label=label.clone() placeholder=label maxlength="200" />
            <button aria-label=td_string!(language, common.search)>{icon(Icon::Search)}</button>
            {(!value.is_empty()).then(|| view! { <a class="button quiet" href=all>{td_string!(language, common.show_all)}</a> })}
        </form>
    }
    .into_any()
}
