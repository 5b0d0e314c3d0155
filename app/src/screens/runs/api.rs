//! The changes that people make to a run.

use domain::id::RunId;
use domain::run::RowReason;
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

/// Lets a run go on that is held because it is unlike the ones before it.
#[server(prefix = "/api/runs", endpoint = "approve")]
pub async fn approve_run(id: RunId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.exports.approve_run(&actor()?, id).await?;
        visit()?.leave_note(Note::RunApproved).await?;
        see_other(&routes::run(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::run(id))
}

/// Queues a run that asks the destination what became of the rows that nobody confirmed.
#[server(prefix = "/api/runs", endpoint = "recheck")]
pub async fn recheck_rows(id: RunId) -> Result<(), AppError> {
    use crate::request::{actor, services};

    lead_to(id, async { services()?.exports.recheck(&actor()?, id).await }).await
}

/// Queues a run of only the rows that a run could not deliver: all, or those with one reason.
#[server(prefix = "/api/runs", endpoint = "resend")]
pub async fn resend_rows(id: RunId, reason: Option<RowReason>) -> Result<(), AppError> {
    use crate::request::{actor, services};

    lead_to(id, async { services()?.exports.resend(&actor()?, id, reason).await }).await
}

/// Leads on to the run that `queueing` gives, or back to the one that it was asked for on.
async fn lead_to(asked_on: RunId, queueing: impl Future<Output = Result<RunId, AppError>>) -> Result<(), AppError> {
    use crate::request::{answer, see_other, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        let run = queueing.await?;
        visit()?.leave_note(Note::RunQueued).await?;
        see_other(&routes::run(run));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::run(asked_on))
}
