//! The progress of a run. An island because it changes while one looks; without script the page reloads itself.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// How a run goes, in the words of the person who looks. Made by the server at every look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The run has ended.
    pub is_final: bool,
    /// Somebody is asked to decide something.
    pub asks: bool,
    /// The state.
    pub state: String,
    /// Share of the work that is done, in percent; none before it is known.
    pub percent: Option<u32>,
    /// Rows done of all.
    pub rows: String,
    /// Contacts a second; empty while nothing is sent.
    pub rate: String,
    /// Time left; empty while it cannot be told.
    pub left: String,
    /// What is used of the account's limits, line by line.
    pub pace: Vec<String>,
    /// What it waits for; empty while it does not wait.
    pub waits_for: String,
    /// Why, and what to do.
    pub why: String,
}

/// How a run goes, for the island.
#[server(prefix = "/api/runs", endpoint = "progress", input = leptos::server_fn::codec::GetUrl)]
pub async fn run_progress(id: String) -> Result<Progress, AppError> {
    use crate::request::{actor, lang, no_store, services};
    use crate::screens::runs::progress;

    no_store();
    let id = id.parse().map_err(|_| AppError::NotFound)?;
    let view = services()?.exports.run(&actor()?, id).await?;
    Ok(progress::of(lang(), &view))
}

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// A screen reader hears of every fifth look at most: one announcement in ten seconds.
const LOOKS_PER_ANNOUNCEMENT: u32 = 5;

/// Progress that keeps itself up to date.
#[island]
pub fn LiveProgress(
    /// The run.
    id: String,
    /// How it goes now.
    first: Progress,
    /// What to say while the server cannot be reached.
    reconnecting: String,
) -> impl IntoView {
    let announced = RwSignal::new(first.state.clone());
    let shown = RwSignal::new(first);
    let is_lost = RwSignal::new(false);
    let looks = StoredValue::new(0_u32);

    // Effects run in the browser only; the server draws `first`.
    Effect::new(move |_| {
        let id = id.clone();
        let timer = set_interval_with_handle(
            move || {
                if document().hidden() {
                    return;
                }
                let id = id.clone();
                leptos::task::spawn_local(async move {
                    match run_progress(id).await {
                        Ok(next) => {
                            is_lost.set(false);
                            looks.update_value(|looks| *looks += 1);
                            if next.is_final || next.asks != shown.get_untracked().asks {
                                // The page has more to say: counts, reasons, the file; or the question.
                                announced.set(next.state.clone());
                                let _ = window().location().reload();
                            } else if looks.get_value().is_multiple_of(LOOKS_PER_ANNOUNCEMENT) {
                                announced.set(format!("{} {}", next.state, next.rows));
                            }
                            shown.set(next);
                        }
                        Err(_) => is_lost.set(true),
                    }
                });
            },
            PAUSE,
        );
        if let Ok(timer) = timer {
            on_cleanup(move || timer.clear());
        }
    });

    view! {
        <div class="progress card">
            <p class="progress-state">{move || shown.get().state}</p>
            <progress
                max="100"
                value=move || shown.get().percent.map(|percent| percent.to_string())
                aria-label=move || shown.get().state
            ></progress>
            <p class="progress-facts">
                <span>{move || shown.get().rows}</span>
                <span>{move || shown.get().rate}</span>
                <span>{move || shown.get().left}</span>
            </p>
            <p class="progress-facts" hidden=move || shown.get().pace.is_empty()>
                {move || shown.get().pace.into_iter().map(|line| view! { <span>{line}</span> }).collect_view()}
            </p>
            <p class="progress-wait" hidden=move || shown.get().waits_for.is_empty()>
                <strong>{move || shown.get().waits_for}</strong>
                " "
                {move || shown.get().why}
            </p>
            <p class="progress-lost" hidden=move || !is_lost.get()>{reconnecting}</p>
            <p class="visually-hidden" role="status">{move || announced.get()}</p>
        </div>
    }
}
