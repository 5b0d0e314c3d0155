//! Data > Profiles: the customers of the newest profile snapshot, paged by key, found by key or e-mail address.

use domain::access::may_look_at_sources;
use domain::attribute::Attribute;
use domain::paging::{Page, PageRequest};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::request::{lang, query, services, with_query};
use crate::routes::{self, MenuItem};
use crate::texts::{td_string, text};
use crate::ui::{EmptyState, Pagination, Screen, SearchForm, Table, number, signed_in};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    search: String,
    page: u32,
}

/// Profiles as a table, values as text. Used for the members of a segment too.
pub(crate) fn profile_table(label: &str, attributes: &[Attribute], rows: Vec<Vec<Option<String>>>) -> AnyView {
    let head = attributes.iter().map(|a| view! { <th scope="col"><bdi>{a.name.clone()}</bdi></th> }).collect_view();
    let body = rows.into_iter().map(|row| {
        let cells = row.into_iter().map(|cell| view! { <td><bdi>{cell.unwrap_or_default()}</bdi></td> });
        view! { <tr>{cells.collect_view()}</tr> }
    });
    let label = label.to_owned();
    view! { <Table label is_data=true head=head.into_any() body=body.collect_view().into_any() /> }.into_any()
}

/// Data > Profiles.
#[component]
pub fn ProfilesPage() -> impl IntoView {
    signed_in(MenuItem::Profiles, |actor| async move {
        let language = lang();
        let asked: Asked = query();
        let found = services()?.sources.profiles(&actor, &asked.search, PageRequest::of_50(asked.page)).await?;
        let title = td_string!(language, profiles.title);
        let Some(snapshot) = found.snapshot else {
            let text = td_string!(language, profiles.empty_text);
            let title_of_none = td_string!(language, profiles.empty);
            let empty = match may_look_at_sources(actor.role) {
                true => {
                    let sources = td_string!(language, sources.title);
                    let action = view! { <a class="button primary" href=routes::SOURCES>{sources}</a> }.into_any();
                    view! { <EmptyState title=title_of_none text action /> }.into_any()
                }
                false => view! { <EmptyState title=title_of_none text /> }.into_any(),
            };
            return Ok(Screen::new(title, empty));
        };
        let counted = text!(language, profiles.counted, profiles = number(language, found.total), snapshot = snapshot);
        let is_empty = found.rows.is_empty();
        let pages = Page { items: Vec::<()>::new(), page: found.page, total: found.total }.pages();
        let search = asked.search.clone();
        let link = move |page: u64| {
            let page = u32::try_from(page).unwrap_or(u32::MAX);
            with_query(routes::PROFILES, &Asked { search: search.clone(), page })
        };
        let list = if is_empty {
            let text = td_string!(language, profiles.not_found_text);
            view! { <EmptyState title=td_string!(language, profiles.not_found) text /> }.into_any()
        } else {
            profile_table(title, &found.attributes, found.rows)
        };
        let body = view! {
            <SearchForm path=routes::PROFILES label=td_string!(language, profiles.search) value=asked.search />
            <p>{counted}</p>
            {list}
            <Pagination current=u64::from(asked.page.max(1)) pages link />
        };
        Ok(Screen::new(title, body))
    })
}
