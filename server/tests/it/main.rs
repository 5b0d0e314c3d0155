//! Ferry as a whole, over HTTP: a real server on a free port of the loopback address, its own data directory, and the
//! simulator in place of the destination.

mod access;
mod cookies;
mod csrf;
mod errors;
mod files;
mod forms;
mod headers;
mod keys;
mod newer_file;
mod postgres;
mod process;
mod rotation;
mod stage;
mod streams;
