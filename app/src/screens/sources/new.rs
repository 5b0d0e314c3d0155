//! The first step of adding a data source: upload a file, or name one on the server.

use leptos::prelude::*;

use super::form::SourceForm;
use crate::error::{AppError, FileFault};
use crate::live::live_upload::{LiveUpload, UploadTexts};
use crate::request::{fault, lang, query, services, upload_limit};
use crate::routes::{self, MenuItem};
use crate::texts::{td_string, text};
use crate::ui::{FaultSummary, Faults, Screen, TextField, bytes, sentences, signed_in};

fn upload_card(limit: u64) -> AnyView {
    let language = lang();
    let told = |fault| {
        let sentence = sentences::file(language, fault);
        format!("{}. {}", sentence.what, sentence.todo)
    };
    let texts = UploadTexts {
        sending: td_string!(language, sources.sending).to_owned(),
        failed: td_string!(language, sources.upload_failed).to_owned(),
        too_large: told(FileFault::TooLarge),
        no_space: told(FileFault::NoSpace),
        cancel: td_string!(language, common.cancel).to_owned(),
    };
    view! {
        <section class="card">
            <h2>{td_string!(language, sources.upload_title)}</h2>
            <p>{text!(language, sources.upload_text, limit = bytes(language, limit))}</p>
            <form id="upload" class="form" method="post" action=routes::UPLOADS enctype="multipart/form-data">
                <div class="field">
                    <label for="file">{td_string!(language, sources.file)}</label>
                    <input id="file" type="file" name="file" required accept=".csv,.tsv,.txt,.parquet,.ndjson,.jsonl" />
                </div>
                <button class="primary">{td_string!(language, sources.upload)}</button>
            </form>
            <LiveUpload texts limit />
        </section>
    }
    .into_any()
}

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
            {upload_card(upload_limit()?)}
            {by_path}
        };
        Ok(Screen::new(td_string!(language, sources.add), body))
    })
}
