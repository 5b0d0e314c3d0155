//! Ferry's server. Start with [`start()`], which puts the parts together, then [`services`] (the rules of use) and [`db`];
//! [`engine`] delivers, [`destinations`] know the receivers, [`web`] is the way in. `main` only starts what is here.

pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod destinations;
pub mod engine;
pub mod keys;
pub mod secrets;
pub mod services;
pub mod start;
pub mod web;

pub use start::{Running, start};
