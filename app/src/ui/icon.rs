//! The few pictures of the pages: drawn inline in the colour of the text, hidden from screen readers.

use leptos::prelude::*;

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Keeps the place of a picture.
    None,
    Menu,
    Globe,
    Contrast,
    Person,
    People,
    Leave,
    Check,
    Database,
    Send,
    Segment,
    Plug,
    Add,
    Play,
    More,
    Search,
    Warning,
    Error,
    Clock,
    Info,
    Trash,
    Download,
    Up,
    Down,
}

impl Icon {
    /// The lines on a field of 20 by 20.
    fn path(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Menu => "M3 5.5h14M3 10h14M3 14.5h14",
            Self::Globe => "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM3 10h14M10 3c-4 4.5-4 9.5 0 14M10 3c4 4.5 4 9.5 0 14",
            Self::Contrast => "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM10 3v14M10 6h4M10 10h6.5M10 14h4",
            Self::Person => "M10 3.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM4 16.5c0-3 2.5-4.5 6-4.5s6 1.5 6 4.5",
            Self::People => {
                "M7.5 4a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM2.5 15.5c0-2.5 2-4 5-4s5 1.5 5 4M13.5 5a2 2 0 1 0 0 4M14.5 11.5c2 .3 3 1.7 3 3.5"
            }
            Self::Leave => "M8 4H4v12h4M8 10h9M14 7l3 3-3 3",
            Self::Check => "M4 10.5l4 4 8-9",
            Self::Database => {
                "M4 5.5c0-1.4 2.7-2.5 6-2.5s6 1.1 6 2.5-2.7 2.5-6 2.5-6-1.1-6-2.5ZM4 5.5v9c0 1.4 2.7 2.5 6 2.5s6-1.1 6-2.5v-9M4 10c0 1.4 2.7 2.5 6 2.5s6-1.1 6-2.5"
            }
            Self::Send => "M3 4.5l14 5.5-14 5.5 2-5.5-2-5.5ZM5 10h6",
            Self::Segment => "M10 3a7 7 0 1 0 7 7h-7V3ZM13 3.5A7 7 0 0 1 16.5 7H13V3.5Z",
            Self::Plug => "M7 3v4M13 3v4M5 7h10v3a5 5 0 0 1-10 0V7ZM10 15v3",
            Self::Add => "M10 4v12M4 10h12",
            Self::Play => "M6 4l10 6-10 6V4Z",
            Self::More => "M9.5 4.5h1M9.5 10h1M9.5 15.5h1",
            Self::Search => "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4ZM13 13l4 4",
            Self::Warning => "M10 3.5l7.5 13h-15l7.5-13ZM10 8.5v3.5M10 14.3v.01",
            Self::Error => "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM7.5 7.5l5 5M12.5 7.5l-5 5",
            Self::Clock => "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM10 6v4l3 2",
            Self::Info => "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM10 9v4.5M10 6.5v.01",
            Self::Trash => "M4 6h12M8 6V4h4v2M5.5 6l1 11h7l1-11",
            Self::Download => "M10 3v9M6 8.5l4 4 4-4M4 16.5h12",
            Self::Up => "M10 16V4M5 9l5-5 5 5",
            Self::Down => "M10 4v12M5 11l5 5 5-5",
        }
    }
}

/// The picture as an element.
pub fn icon(which: Icon) -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
            <path d=which.path() />
        </svg>
    }
    .into_any()
}
