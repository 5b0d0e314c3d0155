//! The first step of adding a data source: upload a file, or name one on the server.

use leptos::prelude::*;

use super::form::SourceForm;
use super::upload::upload_form;
use crate::error::AppError;
use crate::request::{fault, lang, query, services};
use crate::routes::{self, MenuItem};
use crate::texts::{td_string, text};
use crate::ui::{FaultSummary, Faults, Screen, TextField, signed_in};

fn path_card(directories: Vec<String>, typed: String, faults: Faults) -> AnyView {
    let language = lang();
    let help = text!(language, sources.path_help, directories = directories.join(", "));
    view! {
        <section class="card">
            <h2>{td_string!(language, sources.path_title)}</h2>
            <form class="form" method="get" action=routes::SOURCE_PREVIEW>
                <TextField name="path" label=td_string!(language, sources.path) value=typed help max=4096 faults />
                <button>{td_string!(language, sources.look)}</button>
            </form>
        </section>
    }
    .into_any()
}

/// Adding a data source: where the file is.
#[component]
pub fn NewSourcePage() -> impl IntoView {
    signed_in(MenuItem::Sources, |actor| async move {
        let language = lang();
        if !domain::access::may_edit_data(actor.role) {
            return Err(AppError::Forbidden);
        }
        let directories = services()?.sources.server_directories(&actor).await?;
        let typed: SourceForm = query();
        let error = fault();
        let faults = Faults::of(error.as_ref());
        let labels = vec![("path", td_string!(language, sources.path).to_owned())];
        let by_path = (!directories.is_empty()).then(|| path_card(directories, typed.path, faults));
        let body = view! {
            <p class="crumbs"><a href=routes::SOURCES>{td_string!(language, sources.title)}</a></p>
            <FaultSummary error labels />
            <section class="card">
                <h2>{td_string!(language, sources.upload_title)}</h2>
                {upload_form(routes::UPLOADS.to_owned())?}
            </section>
            {by_path}
        };
        Ok(Screen::new(td_string!(language, sources.add), body))
    })
}
