//! Tests of the whole way from a file to a snapshot.

mod corpus;
mod crm;
mod hostile;
mod json;
mod looking;
mod matrix;
mod order;
mod parquet;
mod property;
mod sample;
mod spilling;

use std::path::PathBuf;

use domain::id::SourceId;
use domain::source::{ImportReport, Location, Preview, Source};

use crate::{DataEngine, DataOptions, Result};

/// A data directory, an engine over it, and a place for source files.
pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub engine: DataEngine,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = DataOptions { threads: 2, ..DataOptions::new(folder.path().join("data")) };
        let engine = DataEngine::new(options).expect("an engine");
        Self { folder, engine }
    }

    /// Writes a source file.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    pub(super) async fn preview(&self, name: &str, bytes: &[u8]) -> Result<Preview> {
        self.engine.preview(vec![self.file(name, bytes)], None).await
    }

    /// Imports files as they are guessed to be, with changes to the data source, as snapshot 1.
    pub(super) fn import<'b, F: FnOnce(&mut Source)>(
        &'b self,
        files: &[(&str, &[u8])],
        change: F,
    ) -> impl Future<Output = Result<ImportReport>> + use<'b, F> {
        let files: Vec<PathBuf> = files.iter().map(|(name, bytes)| self.file(name, bytes)).collect();
        async move {
            let preview = self.engine.preview(files.clone(), None).await?;
            let mut source = source_of(preview);
            change(&mut source);
            self.engine.refresh(&source, files, 1, |_| {}).await
        }
    }

    /// All profiles of snapshot 1.
    pub(super) async fn rows(&self) -> Vec<Vec<Option<String>>> {
        let page = domain::paging::PageRequest { number: 1, size: 100_000 };
        self.engine.page(1, "", page).await.expect("a page").0
    }
}

/// The data source that a person would save who changes nothing of the preview.
pub(super) fn source_of(preview: Preview) -> Source {
    Source {
        id: SourceId(uuid::Uuid::nil()),
        name: "Customers".to_owned(),
        location: Location::Upload { upload: String::new(), file_name: String::new() },
        reading: preview.reading,
        attributes: preview.attributes,
        primary_key: preview.primary_key,
        is_customer_table: true,
    }
}

/// Faults with their lines, in order.
pub(super) fn rejected(report: &ImportReport) -> Vec<(u64, domain::source::RowFault)> {
    assert_eq!(report.read, report.accepted + report.rejected, "every row is accounted for");
    report.first_rejected.iter().map(|row| (row.line, row.fault)).collect()
}
