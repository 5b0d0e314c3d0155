//! The data directory: where each kind of file lies, and how a file comes to be there whole or not at all. It does not
//! know what the files hold.
//!
//! A file is written under a temporary name, synced to disk and renamed; from then on it never changes. Readers address
//! it by a path relative to the data directory, through [`object_store`], so that they can later read from elsewhere.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::id::{ExportId, RunId, SegmentId};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;

use crate::error::Result;

/// The data directory.
#[derive(Debug, Clone)]
pub struct DataStore {
    root: PathBuf,
    store: Arc<dyn ObjectStore>,
    scratch: Arc<Scratch>,
}

impl DataStore {
    /// Opens the directory and makes what is missing in it. Leftovers of writes that a crash cut off are removed.
    pub fn open(root: &Path) -> Result<Self> {
        for folder in ["uploads", "snapshots", "segments", "runs", "ledgers", "tmp"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let root = root.canonicalize()?;
        let scratch = Arc::new(Scratch::open(&root.join("tmp"))?);
        let store = Arc::new(LocalFileSystem::new_with_prefix(&root)?);
        Ok(Self { root, store, scratch })
    }

    /// The store that the paths below belong to.
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Where a file lies on this machine.
    pub fn local(&self, path: &StorePath) -> PathBuf {
        self.root.join(path.as_ref())
    }

    /// A folder for what this process needs only for a while. The next start of Ferry removes what a crash leaves.
    pub fn scratch(&self) -> &Path {
        &self.scratch.folder
    }

    /// Is the file there?
    pub fn exists(&self, path: &StorePath) -> bool {
        self.local(path).is_file()
    }

    /// Begins a file. It appears at `path` only with [`FileWriter::commit`]; dropped before, it leaves nothing behind.
    pub fn create(&self, path: &StorePath) -> Result<FileWriter> {
        let temporary = self.scratch.folder.join(uuid::Uuid::now_v7().to_string());
        let file = File::options().write(true).create_new(true).open(&temporary)?;
        Ok(FileWriter { file, temporary: Some(temporary), target: self.local(path) })
    }

    /// Removes a file; one that is not there is no fault.
    pub fn remove(&self, path: &StorePath) -> Result<()> {
        match fs::remove_file(self.local(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// A folder of this process below `tmp`, with a lock file beside it that is held as long as the process lives: several
/// processes (the server, a command) may use one data directory, and none must clear away what another is writing.
#[derive(Debug)]
struct Scratch {
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Scratch {
    fn open(tmp: &Path) -> Result<Self> {
        Self::sweep(tmp)?;
        let name = uuid::Uuid::now_v7().to_string();
        let folder = tmp.join(&name);
        fs::create_dir(&folder)?;
        // Locked before it has the name that a sweep looks for.
        let unlocked = tmp.join(format!("{name}.new"));
        let lock = File::create_new(&unlocked)?;
        lock.lock()?;
        let lock_path = tmp.join(format!("{name}.lock"));
        fs::rename(unlocked, &lock_path)?;
        Ok(Self { folder, lock_path, _lock: lock })
    }

    /// Removes the folders of processes that are no more.
    fn sweep(tmp: &Path) -> Result<()> {
        for entry in fs::read_dir(tmp)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "lock") {
                continue;
            }
            let Ok(lock) = File::open(&path) else { continue };
            if lock.try_lock().is_ok() {
                remove_folder(&path.with_extension(""))?;
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if remove_folder(&self.folder).is_ok() {
            let _ = fs::remove_file(&self.lock_path);
        }
    }
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The profile snapshot of that number.
pub fn snapshot_path(number: i64) -> StorePath {
    StorePath::from(format!("snapshots/{number}.parquet"))
}

/// The rows that were rejected when the snapshot of that number was made.
pub fn rejected_path(number: i64) -> StorePath {
    StorePath::from(format!("snapshots/{number}.rejected.parquet"))
}

/// The frozen members of a static segment.
pub fn segment_path(id: SegmentId) -> StorePath {
    StorePath::from(format!("segments/{id}.parquet"))
}

/// The plan of a run.
pub fn plan_path(run: RunId) -> StorePath {
    StorePath::from(format!("runs/{run}/plan.parquet"))
}

/// The rows of a run that did not arrive.
pub fn troubled_path(run: RunId) -> StorePath {
    StorePath::from(format!("runs/{run}/troubled.parquet"))
}

/// The ledger that a run of an export left.
pub fn ledger_path(export: ExportId, run: RunId) -> StorePath {
    StorePath::from(format!("ledgers/{export}/{run}.parquet"))
}

/// Who had left the export when that ledger was written.
pub fn left_path(export: ExportId, run: RunId) -> StorePath {
    StorePath::from(format!("ledgers/{export}/{run}.left"))
}

/// A file that is being written.
#[derive(Debug)]
pub struct FileWriter {
    file: File,
    /// Where it lies meanwhile; nothing once it has its place.
    temporary: Option<PathBuf>,
    target: PathBuf,
}

impl FileWriter {
    /// Syncs the file to disk and gives it its name, replacing a file that has it.
    pub fn commit(mut self) -> Result<()> {
        self.file.sync_all()?;
        if let Some(parent) = self.target.parent() {
            fs::create_dir_all(parent)?;
            if let Some(temporary) = self.temporary.take() {
                fs::rename(&temporary, &self.target).inspect_err(|_| self.temporary = Some(temporary))?;
            }
            // The name itself is durable only with its directory; a new directory, only with the one above.
            File::open(parent)?.sync_all()?;
            if let Some(above) = parent.parent() {
                File::open(above)?.sync_all()?;
            }
        }
        Ok(())
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take()
            && let Err(error) = fs::remove_file(&temporary)
        {
            tracing::warn!(%error, "a temporary file stays behind until the next start");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{DataStore, snapshot_path};

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let root = tempfile::tempdir().expect("a folder");
        let store = DataStore::open(root.path()).expect("a data directory");
        let path = snapshot_path(7);

        let mut file = store.create(&path).expect("a file");
        file.write_all(b"half").expect("written");
        drop(file);
        assert!(!store.exists(&path));
        assert_eq!(std::fs::read_dir(store.scratch()).expect("a folder").count(), 0);

        let mut file = store.create(&path).expect("a file");
        file.write_all(b"whole").expect("written");
        assert!(!store.exists(&path));
        file.commit().expect("committed");
        assert_eq!(std::fs::read(store.local(&path)).expect("readable"), b"whole");
        assert_eq!(std::fs::read_dir(store.scratch()).expect("a folder").count(), 0);
    }

    #[test]
    fn what_a_crash_left_behind_goes_at_the_next_start_and_nothing_else() {
        let root = tempfile::tempdir().expect("a folder");
        let tmp = root.path().join("tmp");
        std::fs::create_dir_all(tmp.join("dead")).expect("a folder");
        std::fs::write(tmp.join("dead/half"), b"x").expect("written");
        std::fs::write(tmp.join("dead.lock"), b"").expect("written");
        let alive = DataStore::open(root.path()).expect("a data directory");
        let half = alive.create(&snapshot_path(1)).expect("a file");
        let other = DataStore::open(root.path()).expect("a data directory");
        assert!(!tmp.join("dead").exists() && !tmp.join("dead.lock").exists());
        half.commit().expect("what another process writes is left alone");
        drop((alive, other));
        assert_eq!(std::fs::read_dir(tmp).expect("a folder").count(), 0);
    }
}
