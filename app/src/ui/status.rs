//! A state as a picture with a word; never by colour alone.

use leptos::prelude::*;

use super::icon::{Icon, icon};

/// How a state feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Goes on.
    Busy,
    /// Waits, or nothing has happened yet.
    Quiet,
    /// Needs a look.
    Warning,
    /// Failed.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "badge good",
            Self::Busy => "badge busy",
            Self::Quiet => "badge",
            Self::Warning => "badge warn",
            Self::Bad => "badge bad",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Good => Icon::Check,
            Self::Busy => Icon::Play,
            Self::Quiet => Icon::Clock,
            Self::Warning => Icon::Warning,
            Self::Bad => Icon::Error,
        }
    }
}

/// A state.
#[component]
pub fn Badge(tone: Tone, #[prop(into)] text: String) -> AnyView {
    view! { <span class=tone.class()>{icon(tone.icon())} {text}</span> }.into_any()
}
