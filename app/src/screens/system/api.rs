//! The changes of Admin > System.

use domain::id::JobId;
use leptos::prelude::*;

use super::SystemForm;
use crate::error::AppError;

/// Saves when the system refresh comes, and what holds for all that runs by itself.
#[server(prefix = "/api/system", endpoint = "save")]
pub async fn save_system_settings(form: SystemForm) -> Result<(), AppError> {
    use super::schedule::SystemQuery;
    use crate::request::{actor, answer, see_other, services, visit, with_query};
    use crate::routes::SYSTEM_SCHEDULE;
    use crate::services::Note;

    let tried = async {
        let actor = actor()?;
        services()?.system.save_settings(&actor, form.settings()?).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(SYSTEM_SCHEDULE);
        Ok(())
    };
    let result = tried.await;
    answer(result, || with_query(SYSTEM_SCHEDULE, &SystemQuery { form: Some(form), ..SystemQuery::default() }))
}

/// Starts a system refresh.
#[server(prefix = "/api/system", endpoint = "refresh")]
pub async fn refresh_all() -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes::SYSTEM;
    use crate::services::Note;

    let tried = async {
        services()?.system.refresh_all(&actor()?).await?;
        visit()?.leave_note(Note::RefreshStarted).await?;
        see_other(SYSTEM);
        Ok(())
    };
    let result = tried.await;
    answer(result, || SYSTEM.to_owned())
}

/// Asks a system refresh to stop.
#[server(prefix = "/api/system", endpoint = "cancel")]
pub async fn cancel_system_refresh(id: JobId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes::SYSTEM;
    use crate::services::Note;

    let tried = async {
        services()?.system.cancel(&actor()?, id).await?;
        visit()?.leave_note(Note::SystemCancelRequested).await?;
        see_other(SYSTEM);
        Ok(())
    };
    let result = tried.await;
    answer(result, || SYSTEM.to_owned())
}
