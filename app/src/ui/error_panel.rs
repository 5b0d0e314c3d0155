//! What went wrong, said once: in place of a page, or above a form with links to its fields.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::sentences;
use crate::error::AppError;
use crate::request::lang;
use crate::routes::{HOME, SIGN_IN};
use crate::texts::td_string;

/// In place of a page: what happened, what to do, and the number that finds it in the log.
#[component]
pub fn ErrorPanel(error: AppError) -> AnyView {
    let language = lang();
    let sentence = sentences::error(language, &error);
    let reference = match &error {
        AppError::Internal(number) => Some(number.clone()),
        _ => None,
    };
    let way_on = if matches!(error, AppError::SignedOut | AppError::LinkInvalid) {
        view! { <a class="button" href=SIGN_IN>{td_string!(language, common.to_sign_in)}</a> }
    } else {
        view! { <a class="button" href=HOME>{td_string!(language, common.to_start)}</a> }
    };
    view! {
        <div class="panel problem" role="alert">
            <p>{sentence.todo}</p>
            {reference.map(|number| view! {
                <p class="reference">{td_string!(language, common.reference)} " " <code>{number.clone()}</code>
                    <button type="button" class="quiet" hidden data-copy=number data-done=td_string!(language, common.copied)>
                        {td_string!(language, common.copy)}
                    </button>
                </p>
            })}
            <p>{way_on}</p>
        </div>
    }
    .into_any()
}

/// Above a form that failed: takes the focus, names every field that needs attention and links to it. `labels` are
/// the names of the form's fields with what people call them.
#[component]
pub fn FaultSummary(error: Option<AppError>, labels: Vec<(&'static str, String)>) -> impl IntoView {
    let error = error?;
    let language = lang();
    let sentence = sentences::error(language, &error);
    let fields = match &error {
        AppError::Fields(faults) => faults.clone(),
        _ => Vec::new(),
    };
    let items = fields.into_iter().map(|one| {
        let label = labels.iter().find(|(name, _)| *name == one.field).map_or(one.field.clone(), |(_, l)| l.clone());
        let text = sentences::field(language, one.fault);
        view! { <li><a href=format!("#{}", one.field)>{label}</a> ": " {text}</li> }
    });
    let details = sentences::details(language, &error).into_iter().map(|text| view! { <li>{text}</li> });
    let list = items.map(IntoAny::into_any).chain(details.map(IntoAny::into_any)).collect::<Vec<_>>();
    Some(
        view! {
            <div class="panel problem" role="alert" tabindex="-1" data-focus="">
                <p class="problem-title">{icon(Icon::Error)} {sentence.what}</p>
                <p>{sentence.todo}</p>
                {(!list.is_empty()).then(|| view! { <ul>{list}</ul> })}
            </div>
        }
        .into_any(),
    )
}
