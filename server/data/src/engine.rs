//! The data engine: its own threads, its memory limit with spilling to disk, and DataFusion sessions over the data
//! directory. It runs work; what work there is lies in the other modules.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::path::Path as StorePath;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::error::{DataError, Result};
use crate::store::DataStore;

/// The address under which DataFusion sees the data directory.
const DATA_URL: &str = "ferry://data/";

/// How the data engine is set up.
#[derive(Debug, Clone)]
pub struct DataOptions {
    /// The data directory.
    pub root: PathBuf,
    /// The memory, in bytes, that sorts, joins and groupings may hold before they spill to disk.
    pub memory_limit: usize,
    /// Where they spill to; `tmp` in the data directory by default, where leftovers are removed at the next start.
    pub spill_dir: Option<PathBuf>,
    /// Threads for the work; 0 takes as many as the machine has.
    pub threads: usize,
    /// For a simulation: whoever asks for work waits with their whole thread, so that nothing happens meanwhile.
    pub in_steps: bool,
}

impl DataOptions {
    /// The default memory limit: 128 MiB.
    pub const MEMORY_LIMIT: usize = 128 * 1024 * 1024;

    /// The defaults for a data directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), memory_limit: Self::MEMORY_LIMIT, spill_dir: None, threads: 0, in_steps: false }
    }
}

/// Sorted parts on disk that are merged at once, each with a few batches in memory. Without a bound memory grows with the
/// number of rows; with it, what has very many rows is written and read once more.
const MERGED_AT_ONCE: usize = 8;

/// How many plans are made at once.
const TURNS: usize = 2;

/// The data engine. Cheap to clone; all clones share threads, memory and sessions' caches.
#[derive(Clone)]
pub struct DataEngine {
    inner: Arc<Inner>,
}

struct Inner {
    store: DataStore,
    runtime_env: Arc<RuntimeEnv>,
    threads: usize,
    in_steps: bool,
    /// Plans that are made at once: they share the memory for sorting.
    turns: Semaphore,
    /// Taken out when the engine is dropped.
    runtime: Option<Runtime>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Waiting for the threads would block, which a task of another runtime must not do.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for DataEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataEngine").field("store", &self.inner.store).finish_non_exhaustive()
    }
}

impl DataEngine {
    /// Opens the data directory and starts the threads.
    pub fn new(options: DataOptions) -> Result<Self> {
        let store = DataStore::open(&options.root)?;
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            given => given,
        };
        // DataFusion is compute-bound: on the server's own threads it would keep requests waiting.
        let runtime =
            Builder::new_multi_thread().worker_threads(threads).thread_name("ferry-data").enable_all().build()?;
        let runtime_env = runtime_env(&options, &store)?;
        let in_steps = options.in_steps;
        let turns = Semaphore::new(TURNS);
        Ok(Self { inner: Arc::new(Inner { store, runtime_env, threads, in_steps, turns, runtime: Some(runtime) }) })
    }

    /// The data directory.
    pub fn store(&self) -> &DataStore {
        &self.inner.store
    }

    /// How many threads work.
    pub(crate) fn threads(&self) -> usize {
        self.inner.threads
    }

    /// Waits for one of the few turns to make a plan.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        self.inner.turns.acquire().await.map_err(|_| DataError::Canceled)
    }

    /// A session with the shared memory limit, that cuts its work into one part for each thread.
    pub(crate) fn session(&self) -> SessionContext {
        self.session_with(|config| config.with_target_partitions(self.inner.threads))
    }

    /// A session with settings of its own.
    pub(crate) fn session_with(&self, change: impl FnOnce(SessionConfig) -> SessionConfig) -> SessionContext {
        let config = SessionConfig::new().with_information_schema(false).with_batch_size(8192);
        let state = SessionStateBuilder::new()
            .with_config(change(config))
            .with_runtime_env(self.inner.runtime_env.clone())
            .with_default_features()
            .build();
        SessionContext::new_with_state(state)
    }

    /// The address of a file of the data directory for DataFusion, as in `session.read_parquet(engine.url(&path), …)`.
    pub(crate) fn url(&self, path: &StorePath) -> String {
        format!("{DATA_URL}{path}")
    }

    /// Runs a task on the engine's threads. Dropping the future that this gives cancels the task at its next await.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let Some(runtime) = &self.inner.runtime else { return Err(DataError::Canceled) };
        let mut task = AbortOnDrop(runtime.spawn(task));
        if self.inner.in_steps {
            return ended(futures::executor::block_on(tokio::task::unconstrained(&mut task.0)));
        }
        ended((&mut task.0).await)
    }

    /// Runs blocking work (files, decoding) on threads of the engine that are made for it. It is not cancelled: long
    /// work looks at a flag of its own.
    pub(crate) async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Some(runtime) = &self.inner.runtime else { return Err(DataError::Canceled) };
        if self.inner.in_steps {
            return work();
        }
        ended(runtime.spawn_blocking(work).await)
    }
}

fn ended<T>(end: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    match end {
        Ok(result) => result,
        Err(error) if error.is_cancelled() => Err(DataError::Canceled),
        // The message of a panic may quote data; its place is in the log of the panic hook.
        Err(_) => Err(DataError::Internal("a task of the data engine panicked".to_owned())),
    }
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn runtime_env(options: &DataOptions, store: &DataStore) -> Result<Arc<RuntimeEnv>> {
    let spill_dir = options.spill_dir.clone().unwrap_or_else(|| store.scratch().to_owned());
    let pool = TrackConsumersPool::new(FairSpillPool::new(options.memory_limit), std::num::NonZeroUsize::MIN);
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill_dir]))
        .with_max_temp_directory_size(1 << 40)
        .with_max_spill_merge_fan_in(MERGED_AT_ONCE);
    let runtime_env = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(disk)
        .with_cache_manager(caches())
        .build_arc()?;
    let url = Url::parse(DATA_URL).map_err(|error| DataError::Internal(error.to_string()))?;
    runtime_env.register_object_store(&url, store.objects());
    Ok(runtime_env)
}

/// What DataFusion keeps of files that it has read. Only the newest snapshot is read again and again: what it would keep
/// of older ones and of ledgers fills tens of MiB for nothing.
fn caches() -> CacheManagerConfig {
    CacheManagerConfig::default()
        .with_metadata_cache_limit(4 * 1024 * 1024)
        .with_file_statistics_cache_limit(0)
        .with_list_files_cache_limit(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{DataEngine, DataOptions};
    use crate::error::DataError;

    fn engine() -> (tempfile::TempDir, DataEngine) {
        let root = tempfile::tempdir().expect("a folder");
        let engine = DataEngine::new(DataOptions::new(root.path())).expect("an engine");
        (root, engine)
    }

    #[tokio::test]
    async fn dropping_the_answer_cancels_the_task() {
        struct SetOnDrop(Arc<AtomicBool>, Option<tokio::sync::oneshot::Sender<()>>);
        impl Drop for SetOnDrop {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
                self.1.take().map(|sender| sender.send(()));
            }
        }
        let (_root, engine) = engine();
        let dropped = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let guard = SetOnDrop(dropped.clone(), Some(sender));
        let never = engine.run(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
            Ok(())
        });
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), never).await.is_err());
        receiver.await.expect("the task is dropped");
        assert!(dropped.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_of_a_task_is_an_error_of_the_caller() {
        let (_root, engine) = engine();
        let answer = engine.run::<()>(async { panic!("on purpose") }).await;
        assert!(matches!(answer, Err(DataError::Internal(_))));
    }
}
