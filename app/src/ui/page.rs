//! The frame of a page: who may see it, what it loads, and what it says when that fails.

use std::future::Future;

use domain::access::Actor;
use http::StatusCode;
use leptos::prelude::*;
use leptos_meta::Title;

use super::error_panel::ErrorPanel;
use super::layout::Layout;
use super::sentences;
use crate::error::AppError;
use crate::request::{actor, lang, path_and_query, see_other, status, visit};
use crate::routes::{MenuItem, sign_in_then};
use crate::services::Answer;

/// A loaded page.
pub struct Screen {
    /// What the tab and the heading say.
    pub title: String,
    /// Links and buttons beside the heading.
    pub commands: Option<AnyView>,
    /// All below the heading.
    pub body: AnyView,
}

impl Screen {
    /// A page without commands.
    pub fn new(title: impl Into<String>, body: impl IntoAny) -> Self {
        Self { title: title.into(), commands: None, body: body.into_any() }
    }

    /// The same page with commands.
    pub fn with_commands(self, commands: impl IntoAny) -> Self {
        self.with_commands_if(Some(commands))
    }

    /// The same, where the person may do something here; else nothing stands there.
    pub fn with_commands_if(self, commands: Option<impl IntoAny>) -> Self {
        Self { commands: commands.map(IntoAny::into_any), ..self }
    }
}

/// A page for people who are signed in; others are sent to sign in and come back. `load` asks the services, which
/// decide what this person may see; its error becomes the page.
pub fn signed_in<L, F>(item: MenuItem, load: L) -> AnyView
where
    L: FnOnce(Actor) -> F + Send + 'static,
    F: Future<Output = Answer<Screen>> + Send + 'static,
{
    let actor = match actor() {
        Ok(actor) => actor,
        Err(AppError::SignedOut) => {
            see_other(&sign_in_then(&path_and_query()));
            return ().into_any();
        }
        Err(error) => return broken(&error),
    };
    let shown = async move {
        let note = match visit() {
            Ok(visit) => visit.take_note().await.unwrap_or_default(),
            Err(_) => None,
        };
        let screen = load(actor.clone()).await.unwrap_or_else(|error| error_screen(&error));
        view! { <Layout actor item note screen /> }.into_any()
    };
    view! { <Suspense>{Suspend::new(shown)}</Suspense> }.into_any()
}

/// A page for everybody: one narrow column without a menu.
pub fn open_page<F>(load: F) -> AnyView
where
    F: Future<Output = Answer<Screen>> + Send + 'static,
{
    let shown = async move {
        let screen = load.await.unwrap_or_else(|error| error_screen(&error));
        view! {
            <Title text=screen.title.clone() />
            <main class="narrow" id="content">
                <p class="brand">"Ferry"</p>
                <h1>{screen.title}</h1>
                {screen.body}
                <super::menus::OpenPageChoices />
            </main>
        }
        .into_any()
    };
    view! { <Suspense>{Suspend::new(shown)}</Suspense> }.into_any()
}

/// The page in place of one that could not be loaded, with the status that fits.
fn error_screen(error: &AppError) -> Screen {
    status(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    Screen::new(sentences::error(lang(), error).what, view! { <ErrorPanel error=error.clone() /> })
}

fn broken(error: &AppError) -> AnyView {
    let screen = error_screen(error);
    view! { <main class="narrow" id="content"><h1>{screen.title}</h1>{screen.body}</main> }.into_any()
}
