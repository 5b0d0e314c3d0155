//! Data sources become profile snapshots: reading files, refreshing, and looking at profiles.

pub mod schema;
