//! The server functions of data sources.

use domain::id::SourceId;
use leptos::prelude::*;

use crate::error::AppError;

pub use crate::live::live_refresh::SourceProgress;

/// Adds or changes a data source, and refreshes it where that button was pressed.
#[server(prefix = "/api/sources", endpoint = "save")]
pub async fn save_source(form: super::form::SourceForm) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit, with_query};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        let actor = actor()?;
        let sources = services()?.sources;
        let id = sources.save(&actor, form.source, form.draft()?).await?;
        if form.refresh.is_empty() {
            visit()?.leave_note(Note::Saved).await?;
        } else {
            sources.refresh(&actor, id).await?;
            visit()?.leave_note(Note::RefreshStarted).await?;
        }
        see_other(&routes::source(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || with_query(routes::SOURCE_PREVIEW, &form))
}

/// Starts a refresh.
#[server(prefix = "/api/sources", endpoint = "refresh")]
pub async fn refresh_source(id: SourceId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.sources.refresh(&actor()?, id).await?;
        visit()?.leave_note(Note::RefreshStarted).await?;
        see_other(&routes::source(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::source(id))
}

/// Makes a data source the customer table, and starts its refresh.
#[server(prefix = "/api/sources", endpoint = "make-customer-table")]
pub async fn make_customer_table(id: SourceId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.sources.make_customer_table(&actor()?, id).await?;
        visit()?.leave_note(Note::RefreshStarted).await?;
        see_other(&routes::source(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::source(id))
}

/// Removes a data source.
#[server(prefix = "/api/sources", endpoint = "remove")]
pub async fn remove_source(id: SourceId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.sources.remove(&actor()?, id).await?;
        visit()?.leave_note(Note::Removed).await?;
        see_other(routes::SOURCES);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::source(id))
}
