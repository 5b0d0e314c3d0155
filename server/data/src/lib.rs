//! Profiles, segments and plans: everything that runs on DataFusion. It knows files and rows, and nothing of accounts,
//! destinations' wire formats or the database.
//!
//! The way in is [`DataEngine`]. Each part adds its methods to it in its own folder.

mod engine;
mod error;
pub mod housekeeping;
pub mod plan;
pub mod profiles;
pub mod segments;
mod store;
#[cfg(test)]
mod testing;

pub use engine::{DataEngine, DataOptions};
pub use error::{DataError, Result};
pub use store::{DataStore, FileWriter};

/// Directives for a filter of the log: what the libraries below log of the values of columns stays out.
pub const QUIET_LOG: &str = "datafusion=info,parquet=info,arrow=info";
