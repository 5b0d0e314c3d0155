//! The server functions of segments.

use domain::id::SegmentId;
use leptos::prelude::*;

use crate::error::AppError;

/// Adds or changes a segment.
#[server(prefix = "/api/segments", endpoint = "save")]
pub async fn save_segment(form: super::form::SegmentForm) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit, with_query};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        let actor = actor()?;
        let segments = services()?.segments;
        let rule = match (form.segment, form.keeps_rule()) {
            (Some(id), true) => segments.find(&actor, id).await?.segment.definition.rule().clone(),
            _ => form.rule(),
        };
        let id = segments.save(&actor, form.segment, &form.name, rule).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(&routes::segment(id));
        Ok(())
    };
    let result = tried.await;
    let page = form.segment.map_or(routes::NEW_SEGMENT.to_owned(), routes::segment);
    answer(result, || with_query(&page, &super::form::Asked { form }))
}

/// Counts the members anew.
#[server(prefix = "/api/segments", endpoint = "refresh")]
pub async fn refresh_segment(id: SegmentId) -> Result<(), AppError> {
    use crate::request::{actor, services};

    let tried = async { services()?.segments.refresh(&actor()?, id).await };
    super::form::back_to(id, tried.await).await
}

/// Activates or deactivates a segment.
#[server(prefix = "/api/segments", endpoint = "set-active")]
pub async fn set_active(id: SegmentId, active: bool) -> Result<(), AppError> {
    use crate::request::{actor, services};

    let tried = async { services()?.segments.set_active(&actor()?, id, active).await };
    super::form::back_to(id, tried.await).await
}

/// Freezes the members, or lets the rule decide again.
#[server(prefix = "/api/segments", endpoint = "set-static")]
pub async fn set_static(id: SegmentId, frozen: bool) -> Result<(), AppError> {
    use crate::request::{actor, services};

    let tried = async {
        let (actor, segments) = (actor()?, services()?.segments);
        if frozen { segments.make_static(&actor, id).await } else { segments.make_dynamic(&actor, id).await }
    };
    super::form::back_to(id, tried.await).await
}

/// Removes a segment.
#[server(prefix = "/api/segments", endpoint = "remove")]
pub async fn remove_segment(id: SegmentId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.segments.remove(&actor()?, id).await?;
        visit()?.leave_note(Note::Removed).await?;
        see_other(routes::SEGMENTS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::segment(id))
}
