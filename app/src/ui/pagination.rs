//! The links under a list of several pages.

use leptos::prelude::*;

use super::number::number;
use crate::request::lang;
use crate::texts::{td_string, text};

/// Page `current` of `pages`; `link` builds the address of a page. Nothing for a single page.
#[component]
pub fn Pagination<F>(current: u64, pages: u64, link: F) -> impl IntoView
where
    F: Fn(u64) -> String,
{
    if pages <= 1 {
        return None;
    }
    let language = lang();
    let back = (current > 1).then(
        || view! { <a class="button" rel="prev" href=link(current - 1)>{td_string!(language, common.previous)}</a> },
    );
    let on = (current < pages)
        .then(|| view! { <a class="button" rel="next" href=link(current + 1)>{td_string!(language, common.next)}</a> });
    let place = text!(language, common.page_of, page = number(language, current), pages = number(language, pages));
    Some(
        view! {
            <nav class="pages" aria-label=td_string!(language, common.pages)>{back} <span>{place}</span> {on}</nav>
        }
        .into_any(),
    )
}
