//! The rules of use behind the screens and the command line: who may do what ([`domain::access`] decides), what is
//! acceptable, and what happens in one transaction. One folder for each trait of [`app::services`].
//!
//! It knows neither SQL nor HTTP nor leptos. No transaction stays open while the network, a file or a password is
//! waited for.

use app::error::AppError;
use domain::run::RunReason;
use ferry_data::DataError;

pub mod accounts;
mod all;
pub mod connections;
pub mod exports;
pub mod form;
mod housekeeping;
mod pace;
pub mod segments;
pub mod sources;
pub mod system;
#[cfg(test)]
pub mod testing;

pub use all::{AllServices, Parts};

/// An error that the person cannot do anything about: logs its chain under a new reference and gives the reference.
pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AppError {
    let error = error.into();
    let reference = uuid::Uuid::now_v7().simple().to_string();
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        chain = format!("{chain}: {one}");
        cause = one.source();
    }
    tracing::error!(reference, error = chain, "something failed");
    AppError::Internal(reference)
}

/// What an error of the data engine is to the person.
pub fn data_error(error: DataError) -> AppError {
    match error {
        DataError::File(fault) => AppError::File(fault),
        DataError::Rule(faults) => AppError::Rule(faults),
        DataError::UnknownAttribute => AppError::NotReady(RunReason::SettingsInvalid),
        DataError::Missing
        | DataError::Storage(_)
        | DataError::Memory
        | DataError::Canceled
        | DataError::Internal(_) => internal(error),
    }
}
