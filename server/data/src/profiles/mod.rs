//! Data sources become profile snapshots: looking at files, refreshing, and looking at profiles.

mod header;
mod look;
mod moment;
mod read;
mod refresh;
mod report;
mod rows;
pub mod schema;
pub(crate) mod snapshot;
mod sniff;
pub(crate) mod text;
pub(crate) mod value;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use domain::attribute::Attribute;
use domain::paging::{Page, PageRequest};
use domain::source::{ImportReport, Preview, Reading, RejectedRow, Source};

use crate::engine::DataEngine;
use crate::error::Result;

pub use look::TextRows;

impl DataEngine {
    /// A look at the start of the first of these files: how it seems to be written, or, where `reading` is given, how it
    /// looks when it is read so; with proposed types and primary key, and at most 100 rows. However large a file is, a
    /// few megabytes of it are read.
    ///
    /// # Errors
    /// [`crate::DataError::File`] when it is not there, empty, or not of the format.
    pub async fn preview(&self, files: Vec<PathBuf>, reading: Option<Reading>) -> Result<Preview> {
        self.run_blocking(move || sniff::preview(&files, reading)).await
    }

    /// Makes the profile snapshot of that number from all rows of these files, and beside it the file of rejected rows.
    /// `progress` is given the counts so far now and then, and the whole report at the end.
    ///
    /// Rows with one primary key are one profile: the first of them, in the order of the files and their lines.
    /// Dropping the future cancels: no snapshot appears.
    ///
    /// # Errors
    /// [`crate::DataError::File`]: `Empty` when there are no rows, `AllRejected` when none was accepted, `Header` when an
    /// attribute is not in the file, `Format` when a Parquet file is broken, `NoSpace` when the disk is full. Then there
    /// is no snapshot; after `AllRejected`, there is the file of rejected rows.
    pub async fn refresh(
        &self,
        source: &Source,
        files: Vec<PathBuf>,
        number: i64,
        progress: impl Fn(&ImportReport) + Send + Sync + 'static,
    ) -> Result<ImportReport> {
        let work = refresh::refresh(self.clone(), source.clone(), files, number, Arc::new(progress));
        self.run(work).await
    }

    /// The attributes of a snapshot, in the order of its source.
    pub async fn attributes(&self, snapshot: i64) -> Result<Vec<Attribute>> {
        let store = self.store().clone();
        self.run_blocking(move || Ok(look::Snapshot::open(&store, snapshot)?.attributes().to_vec())).await
    }

    /// The number of profiles of a snapshot.
    pub async fn profile_count(&self, snapshot: i64) -> Result<u64> {
        let store = self.store().clone();
        self.run_blocking(move || Ok(look::Snapshot::open(&store, snapshot)?.row_count())).await
    }

    /// A page of the profiles of a snapshot by key, and how many there are in all: all profiles, or those whose key or an
    /// e-mail address starts with `search`.
    pub async fn page(&self, snapshot: i64, search: &str, page: PageRequest) -> Result<(TextRows, u64)> {
        let (store, search) = (self.store().clone(), search.to_owned());
        self.run_blocking(move || look::Snapshot::open(&store, snapshot)?.page(&search, page)).await
    }

    /// A page of the rows that were rejected when a snapshot was made, or was not for their sake.
    ///
    /// # Errors
    /// [`crate::DataError::Missing`] when the refresh of that number has left none.
    pub async fn rejected_rows(&self, snapshot: i64, page: PageRequest) -> Result<Page<RejectedRow>> {
        let store = self.store().clone();
        self.run_blocking(move || look::rejected(&store, snapshot, page)).await
    }
}
