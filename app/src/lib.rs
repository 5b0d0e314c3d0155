//! What Ferry is and shows. Start with [`domain`] (the words), then [`services`] (all that a screen may ask for),
//! then `routes` (every page), then a folder of `screens`.
//!
//! The crate builds twice. For the server (feature `ssr`) it is everything. For the browser (feature `hydrate`) it is
//! only [`live`], the islands, with the plain types that they exchange with the server: pages, texts and forms never
//! travel as code. That wall is drawn here and nowhere else.

// The type of a page holds the types of all its elements; the compiler looks that deep.
#![recursion_limit = "512"]

pub use domain;

pub mod error;
pub mod live;
pub mod services;

#[cfg(feature = "ssr")]
mod app;
#[cfg(feature = "ssr")]
pub mod request;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod screens;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
pub mod texts;
#[cfg(feature = "ssr")]
pub mod ui;

#[cfg(feature = "ssr")]
pub use app::App;
#[cfg(feature = "ssr")]
pub use shell::{error_page, shell};
