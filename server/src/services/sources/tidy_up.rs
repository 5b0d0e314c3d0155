//! What data sources leave behind on disk and in the database, and when it goes.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use app::services::Answer;
use domain::source::Location;

use super::SourcesService;
use crate::db;
use crate::services::internal;

/// How long an uploaded file may wait to become a data source.
const UPLOAD_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

impl SourcesService {
    /// Marks refreshes whose process is gone as failed, and removes uploaded files that became no data source.
    pub async fn tidy_up(&self) -> Answer<()> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await.map_err(internal)?;
        let abandoned = db::refreshes::fail_abandoned(&mut tx, now.as_microsecond()).await.map_err(internal)?;
        let sources = db::sources::list(&mut tx).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        if abandoned > 0 {
            tracing::warn!(abandoned, "refreshes that had broken off were marked as failed");
        }
        let used = sources.iter().filter_map(|stored| match &stored.source.location {
            Location::Upload { upload, .. } => Some(upload.clone()),
            Location::Path { .. } => None,
        });
        let (used, uploads) = (used.collect(), self.places.uploads().to_owned());
        let before = std::time::SystemTime::from(now) - UPLOAD_KEPT;
        tokio::task::spawn_blocking(move || remove_unused(&uploads, &used, before)).await.map_err(internal)
    }

    /// Removes the uploaded file of a data source that no longer has it. A failure is only logged: the file is looked
    /// for again when Ferry tidies up.
    pub(super) async fn remove_upload(&self, location: &Location) {
        let Location::Upload { upload, .. } = location else { return };
        let Ok(path) = self.places.upload(upload) else { return };
        if let Err(error) = tokio::fs::remove_file(path).await {
            tracing::warn!(%error, upload, "an uploaded file could not be removed");
        }
    }
}

fn remove_unused(uploads: &Path, used: &BTreeSet<String>, before: std::time::SystemTime) {
    let Ok(entries) = uploads.read_dir() else { return };
    for entry in entries.flatten() {
        let is_used = entry.file_name().to_str().is_some_and(|name| used.contains(name));
        let is_old = entry.metadata().and_then(|found| found.modified()).is_ok_and(|at| at < before);
        if !is_used
            && is_old
            && let Err(error) = std::fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "an uploaded file that is not used could not be removed");
        }
    }
}
