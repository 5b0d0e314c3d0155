//! What is particular to SQLite: its settings, one writer beside several readers, and its migrations.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::DbError;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// How long a transaction waits for another process, such as `ferry user add` beside the server.
const BUSY: Duration = Duration::from_secs(10);
/// How long a request waits for the writer.
const ACQUIRE: Duration = Duration::from_secs(30);
const READERS: u32 = 4;

/// One connection that writes, some that read.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Pools {
    pub(super) async fn open(path: &Path) -> Result<Self, DbError> {
        make_private_file(path)?;
        // FULL: a commit that was answered survives a power failure. The runner's checkpoints depend on it.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("trusted_schema", "OFF")
            .pragma("secure_delete", "ON");
        // One connection that is never given up: it is what serializes the writers of this process.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        MIGRATIONS.run(&writer).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .read_only(true)
            .pragma("query_only", "ON");
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(ACQUIRE).connect_with(options).await?;
        Ok(Self { writer, readers })
    }

    /// IMMEDIATE: a transaction that reads first and writes later would otherwise fail when another one wrote meanwhile.
    #[expect(clippy::disallowed_methods, reason = "called in a task of its own by Database")]
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, DbError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    #[expect(clippy::disallowed_methods, reason = "called in a task of its own by Database")]
    pub(super) async fn read(&self) -> Result<Transaction<'static, Sqlite>, DbError> {
        Ok(self.readers.begin().await?)
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the file, if it is not there, so that only its owner reads it. The write-ahead log takes over its mode.
fn make_private_file(path: &Path) -> Result<(), DbError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    Ok(())
}
