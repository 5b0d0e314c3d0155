//! The command line.

pub mod apply;
pub mod check;
pub mod desk;
pub mod import;
pub mod run;
mod words;
