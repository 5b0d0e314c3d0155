//! How far a refresh is, every two seconds. An island because the page cannot change by itself; without script the
//! page loads itself again.

use domain::id::SourceId;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// How far a refresh is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The sentence to show.
    pub text: String,
    /// It has ended: the page shows the report.
    pub is_over: bool,
}

/// How far the refresh of a data source is, in the person's language.
#[server(name = SourceProgress, prefix = "/api/sources", endpoint = "progress", input = leptos::server_fn::codec::GetUrl)]
pub async fn source_progress(source: SourceId) -> Result<Progress, AppError> {
    use crate::request::{actor, lang, services};
    use crate::services::RefreshState;
    use crate::texts::text;
    use crate::ui::number;

    let line = services()?.sources.find(&actor()?, source).await?;
    let Some(refresh) = line.last_refresh else {
        return Ok(Progress { text: String::new(), is_over: true });
    };
    let language = lang();
    Ok(Progress {
        text: text!(language, sources.rows_so_far, rows = number(language, refresh.report.read)),
        is_over: refresh.state != RefreshState::Refreshing,
    })
}

/// The rows read so far; loads the page again when the refresh has ended.
#[island]
pub fn LiveRefresh(source: SourceId, so_far: String) -> impl IntoView {
    let (text, set_text) = signal(so_far);
    Effect::new(move |_| {
        leptos::task::spawn_local(async move {
            loop {
                super::pause(2_000).await;
                match source_progress(source).await {
                    Ok(progress) if progress.is_over => return super::reload(),
                    Ok(progress) => set_text.set(progress.text),
                    // A lost answer is no news; the next one comes in two seconds.
                    Err(AppError::SignedOut) => return super::reload(),
                    Err(_) => {}
                }
            }
        });
    });
    view! { <p role="status">{text}</p> }
}
