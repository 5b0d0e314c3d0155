//! The one change that a person makes to a run.

use domain::id::RunId;
use leptos::prelude::*;

use crate::error::AppError;

/// Asks a run to stop: no new request from then on.
#[server(prefix = "/api/runs", endpoint = "cancel")]
pub async fn cancel_run(id: RunId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.exports.cancel_run(&actor()?, id).await?;
        visit()?.leave_note(Note::CancelRequested).await?;
        see_other(&routes::run(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::run(id))
}
