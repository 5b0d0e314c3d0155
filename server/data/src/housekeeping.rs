//! Removing files of the data directory that nothing refers to any more. What is referred to, the caller says; how old a
//! file must be, too.
//!
//! It is safe beside other processes on the same directory. A file appears before the database knows of it, so only
//! files that have not been written to for a while are looked at; and removing one that somebody else has just removed
//! is no fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use domain::id::{ExportId, RunId, SegmentId};

use crate::DataEngine;
use crate::error::Result;

/// What is still referred to.
#[derive(Debug, Clone, Default)]
pub struct InUse {
    /// Profile snapshots, with their rejected rows.
    pub snapshots: BTreeSet<i64>,
    /// Segments with frozen members. None: all files of frozen members stay.
    pub segments: Option<BTreeSet<SegmentId>>,
    /// Runs that there are, and whether their plan is needed; their report of troubled rows stays in any case.
    pub runs: BTreeMap<RunId, bool>,
    /// Ledgers, by export and the run that left them.
    pub ledgers: BTreeSet<(ExportId, RunId)>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files.
    pub files: u64,
    /// Their size together, in bytes.
    pub bytes: u64,
}

impl DataEngine {
    /// Removes snapshots, frozen members, plans, reports and ledgers that are not in use and were last written to before
    /// `before`. Files whose names are not Ferry's stay. A file that cannot be removed is logged and left for next time.
    pub async fn sweep(&self, in_use: InUse, before: SystemTime) -> Result<Swept> {
        let engine = self.clone();
        self.run_blocking(move || {
            let mut sweep = Sweep { before, swept: Swept::default() };
            let folder = |name: &str| engine.store().local(&name.into());
            sweep.files(&folder("snapshots"), |name| {
                snapshot_of(name).is_some_and(|n| !in_use.snapshots.contains(&n))
            })?;
            if let Some(segments) = &in_use.segments {
                let is_unused = |name: &str| parquet::<SegmentId>(name).is_some_and(|id| !segments.contains(&id));
                sweep.files(&folder("segments"), is_unused)?;
            }
            for (path, run) in folders::<RunId>(&folder("runs"))? {
                let needs_plan = in_use.runs.get(&run);
                sweep.files(&path, |name| match needs_plan {
                    None => name.ends_with(".parquet"),
                    Some(needed) => !needed && name == "plan.parquet",
                })?;
                sweep.folder(&path);
            }
            for (path, export) in folders::<ExportId>(&folder("ledgers"))? {
                let is_unused =
                    |name: &str| ledger_of(name).is_some_and(|run| !in_use.ledgers.contains(&(export, run)));
                sweep.files(&path, is_unused)?;
                sweep.folder(&path);
            }
            Ok(sweep.swept)
        })
        .await
    }
}

/// The number in `41.parquet` or `41.rejected.parquet`.
fn snapshot_of(name: &str) -> Option<i64> {
    let stem = name.strip_suffix(".parquet")?;
    stem.strip_suffix(".rejected").unwrap_or(stem).parse().ok()
}

/// The run that left `<run>.parquet` or `<run>.left`.
fn ledger_of(name: &str) -> Option<RunId> {
    name.strip_suffix(".parquet").or(name.strip_suffix(".left"))?.parse().ok()
}

fn parquet<T: std::str::FromStr>(name: &str) -> Option<T> {
    name.strip_suffix(".parquet")?.parse().ok()
}

/// The folders whose names are ids.
fn folders<T: std::str::FromStr>(parent: &Path) -> Result<Vec<(PathBuf, T)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push((entry.path(), id));
        }
    }
    Ok(found)
}

struct Sweep {
    before: SystemTime,
    swept: Swept,
}

impl Sweep {
    /// Removes the files of a folder that are unused and old. A folder that somebody else has removed is empty.
    fn files(&mut self, folder: &Path, is_unused: impl Fn(&str) -> bool) -> Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if is_gone(&error) => return Ok(()),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(&is_unused) {
                self.file(&entry);
            }
        }
        Ok(())
    }

    fn file(&mut self, entry: &fs::DirEntry) {
        let Ok(found) = entry.metadata() else { return };
        if !found.is_file() || found.modified().is_ok_and(|at| at >= self.before) {
            return;
        }
        match fs::remove_file(entry.path()) {
            Ok(()) => {
                self.swept.files += 1;
                self.swept.bytes += found.len();
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => tracing::warn!(%error, path = %entry.path().display(), "an unused file was not removed"),
        }
    }

    /// Removes a folder that is empty and old.
    fn folder(&self, folder: &Path) {
        let is_old = fs::metadata(folder).and_then(|found| found.modified()).is_ok_and(|at| at < self.before);
        if is_old {
            // One with something in it stays, which is what this is for.
            let _ = fs::remove_dir(folder);
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use domain::id::{ExportId, RunId, SegmentId};

    use super::{InUse, Swept};
    use crate::store::{ledger_path, left_path, plan_path, rejected_path, segment_path, snapshot_path, troubled_path};
    use crate::{DataEngine, DataOptions};

    #[tokio::test]
    async fn only_old_files_that_nothing_refers_to_are_removed() {
        let root = tempfile::tempdir().expect("a folder");
        let engine = DataEngine::new(DataOptions::new(root.path())).expect("an engine");
        let id = || uuid::Uuid::now_v7();
        let (kept, old, gone) = (RunId(id()), RunId(id()), RunId(id()));
        let (export, removed) = (ExportId(id()), ExportId(id()));
        let (segment, forgotten) = (SegmentId(id()), SegmentId(id()));
        let used = [
            snapshot_path(2),
            rejected_path(2),
            segment_path(segment),
            plan_path(kept),
            troubled_path(kept),
            troubled_path(old),
            ledger_path(export, kept),
            left_path(export, kept),
            "snapshots/notes.txt".into(),
        ];
        let unused = [
            snapshot_path(1),
            rejected_path(1),
            segment_path(forgotten),
            plan_path(old),
            plan_path(gone),
            troubled_path(gone),
            ledger_path(export, old),
            left_path(export, old),
            ledger_path(removed, gone),
        ];
        for path in used.iter().chain(&unused) {
            let path = engine.store().local(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, b"x").expect("written");
        }
        let in_use = InUse {
            snapshots: [2].into(),
            segments: Some(BTreeSet::from([segment])),
            runs: [(kept, true), (old, false)].into(),
            ledgers: [(export, kept)].into(),
        };
        let now = std::fs::metadata(engine.store().local(&used[0])).and_then(|file| file.modified()).expect("a file");
        let hour = Duration::from_secs(3600);

        let young = engine.sweep(in_use.clone(), now - hour).await.expect("swept");
        assert_eq!(young, Swept::default());
        let keeps_segments = InUse { segments: None, ..in_use.clone() };
        assert_eq!(engine.sweep(keeps_segments, now + hour).await.expect("swept").files, 8);
        assert!(engine.store().exists(&segment_path(forgotten)));
        let swept = engine.sweep(in_use.clone(), now + hour).await.expect("swept");
        assert_eq!(swept, Swept { files: 1, bytes: 1 });

        for path in &used {
            assert!(engine.store().exists(path), "{path}");
        }
        for path in &unused {
            assert!(!engine.store().exists(path), "{path}");
        }
        let folder = |name: String| engine.store().local(&name.into()).exists();
        assert!(!folder(format!("runs/{gone}")) && !folder(format!("ledgers/{removed}")));
        assert_eq!(engine.sweep(in_use, now + hour).await.expect("swept"), Swept::default());
    }
}
