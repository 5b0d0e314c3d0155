//! The form that uploads a file: for a new data source, or a newer file for one that there is.

use leptos::prelude::*;

use crate::error::FileFault;
use crate::live::live_upload::{LiveUpload, UploadTexts};
use crate::request::{lang, upload_limit};
use crate::services::Answer;
use crate::texts::{td_string, text};
use crate::ui::{bytes, sentences};

/// The form, which sends the file to `action`.
pub(super) fn upload_form(action: String) -> Answer<AnyView> {
    let language = lang();
    let limit = upload_limit()?;
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
    Ok(view! {
        <p>{text!(language, sources.upload_text, limit = bytes(language, limit))}</p>
        <form id="upload" class="form" method="post" action=action enctype="multipart/form-data">
            <div class="field">
                <label for="file">{td_string!(language, sources.file)}</label>
                <input id="file" type="file" name="file" required accept=".csv,.tsv,.txt,.parquet,.ndjson,.jsonl" />
            </div>
            <button class="primary">{td_string!(language, sources.upload)}</button>
        </form>
        <LiveUpload texts limit />
    }
    .into_any())
}
