//! The changes of Data > Exports.

use domain::id::ExportId;
use leptos::prelude::*;

use super::ExportForm;
use crate::error::AppError;

/// Saves a new export (`id` empty) or a changed one; `then` is `run` for *Save and run*.
#[server(prefix = "/api/exports", endpoint = "save")]
pub async fn save_export(
    #[server(default)] id: String,
    form: ExportForm,
    #[server(default)] then: String,
) -> Result<(), AppError> {
    use super::editor::EditorQuery;
    use crate::request::{actor, answer, see_other, services, visit, with_query};
    use crate::routes;
    use crate::services::Note;

    let id: Option<ExportId> = id.parse().ok();
    let mut saved: Option<ExportId> = None;
    let tried = async {
        let (exports, actor) = (services()?.exports, actor()?);
        let settings = form.settings()?;
        let export = match id {
            Some(id) => exports.edit(&actor, id, form.version, settings).await.map(|()| id)?,
            None => exports.add(&actor, settings).await?,
        };
        saved = Some(export);
        visit()?.leave_note(Note::Saved).await?;
        if then == "run" {
            let run = exports.start_run(&actor, export).await?;
            visit()?.leave_note(Note::RunQueued).await?;
            see_other(&routes::run(run));
        } else {
            see_other(routes::EXPORTS);
        }
        Ok(())
    };
    let result = tried.await;
    answer(result, || {
        if let Some(saved) = saved {
            // Only the run could not start: the page shows what is saved, with the version that the next save needs.
            return routes::export(saved);
        }
        let page = id.map_or_else(|| routes::NEW_EXPORT.to_owned(), routes::export);
        with_query(&page, &EditorQuery { form: Some(form), ..EditorQuery::default() })
    })
}

/// Queues a run and opens its page.
#[server(prefix = "/api/exports", endpoint = "run")]
pub async fn run_export(id: ExportId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services};
    use crate::routes;

    let tried = async {
        let run = services()?.exports.start_run(&actor()?, id).await?;
        see_other(&routes::run(run));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::EXPORTS.to_owned())
}

/// Queues a run of every export that has a schedule and that the person may edit.
#[server(prefix = "/api/exports", endpoint = "run-all")]
pub async fn run_all() -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        let runs = services()?.exports.run_all(&actor()?).await?;
        visit()?.leave_note(Note::RunsQueued(u32::try_from(runs.len()).unwrap_or(u32::MAX))).await?;
        see_other(routes::EXPORTS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::EXPORTS.to_owned())
}

/// Takes the connection away; the export stays.
#[server(prefix = "/api/exports", endpoint = "detach")]
pub async fn detach_export(id: ExportId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.exports.detach(&actor()?, id).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(routes::EXPORTS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::EXPORTS.to_owned())
}

/// Removes an export with its history.
#[server(prefix = "/api/exports", endpoint = "remove")]
pub async fn remove_export(id: ExportId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.exports.remove(&actor()?, id).await?;
        visit()?.leave_note(Note::Removed).await?;
        see_other(routes::EXPORTS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::remove_export(id))
}
