//! What Ferry is and shows. Start with [`domain`] (the words), then [`services`] (all that a screen may ask for),
//! then `routes` (every page), then a folder of `screens`.
//!
//! The crate builds twice: for the server with the feature `ssr`, and for the browser with `hydrate`, where only the
//! islands of `screens` do anything.

pub use domain;

pub mod error;
pub mod services;
