//! A stateful stand-in for the Omnisend API. The page below is the crate's README.

#![doc = include_str!("../README.md")]

mod ask;
mod auth;
mod batches;
mod brands;
mod call;
mod chance;
mod clock;
mod contacts;
mod control;
mod countries;
mod endpoint;
mod faults;
mod gateway;
mod ids;
mod json;
mod limits;
mod log;
mod names;
mod options;
mod packed;
mod problem;
mod query;
mod segments;
mod server;
mod state;
mod tags;
mod wire;
mod world;

pub use ask::{Asked, Outcome, Told};
pub use auth::VERSION;
pub use clock::Clock;
pub use endpoint::Endpoint;
pub use faults::script::{ItemErrors, RetryAfter, RetryIn};
pub use faults::{Action, HoldStatus, Rule, Script};
pub use log::RecordView;
pub use options::{
    ALL_SCOPES, BrandOptions, KeyOptions, Limits, Options, PRACTICE_BRAND, PRACTICE_KEY, Switches, TagsInUpserts,
};
pub use problem::FieldFault;
pub use server::{Running, Simulator};
pub use state::{BrandSummary, CallCount, Filter, State, Summary};
