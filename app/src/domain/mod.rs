//! Ferry's plain types and rules. No input or output, no clock, no framework: everything here builds for the browser
//! and for the server, and can be tested by value.
//!
//! The words, used the same way in code, database, screens and documents:
//!
//! - **Data source**: where customer rows come from ([`source`]).
//! - **Profile**: one unified customer, a row with typed **attributes** ([`attribute`]).
//! - **Profile snapshot**: an immutable, numbered copy of all profiles, made by a **refresh**.
//! - **Segment**: a named set of profiles: a **rule** over attributes or a frozen list ([`segment`], [`rule`]).
//! - **Destination**: a kind of receiver ([`destination`]). Code, not data.
//! - **Connection**: one account at a destination ([`connection`]); its **audience** says who may use it ([`access`]).
//! - **Data matching**: which attribute feeds which destination field ([`mapping`]).
//! - **Export**: a saved definition; saving never runs it ([`export`]). Its **schedule** says when it runs ([`schedule`]).
//!   Its **marking** says how members are shown at the destination ([`marking`]).
//! - **Run**: one execution of an export ([`run`]). The **brake** holds one that is unlike the ones before ([`brake`]).
//!   **Plan**, **ledger** and **batch** are the engine's words.
//! - **System refresh**: one job that refreshes data sources and segments and runs the exports that follow it ([`system`]).
//! - **Actor**: the person making a request ([`access`]). *Viewer* is only ever the role.
//!
//! The crate stands apart from `app` so that the data engine is not rebuilt when a screen changes.

pub mod access;
pub mod attribute;
pub mod brake;
pub mod connection;
pub mod destination;
pub mod estimate;
pub mod export;
pub mod id;
pub mod mapping;
pub mod marking;
pub mod names;
pub mod paging;
pub mod rule;
pub mod run;
pub mod safety;
pub mod schedule;
pub mod segment;
pub mod source;
pub mod system;
