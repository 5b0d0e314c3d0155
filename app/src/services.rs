//! All that a screen may ask for. The server implements these traits; screens and server functions know nothing else
//! of it. Every call takes the `Actor` and decides the right inside; a screen only hides what would be refused.

use crate::error::AppError;

mod dry_run;
mod lines;
mod pace;
#[cfg(feature = "ssr")]
mod traits;

pub use dry_run::*;
pub use lines::*;
pub use pace::*;
#[cfg(feature = "ssr")]
pub use traits::*;

/// What every call gives.
pub type Answer<T> = Result<T, AppError>;
