//! What is particular to SQLite: its settings, one writer beside several readers, and its migrations.
//!
//! The connections are kept here and not in a pool of sqlx's: such a pool asks each connection whether it still answers
//! when it gives it out and when it gets it back, which doubles what a short transaction costs and says nothing of a file.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous, SqliteTransactionManager,
};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};
use sqlx_core::transaction::TransactionManager as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::DbError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// How long a transaction waits for another process, such as `ferry user add` beside the server.
const BUSY: Duration = Duration::from_secs(10);
/// How long a request waits for the writer.
const ACQUIRE: Duration = Duration::from_secs(30);
const READERS: usize = 4;
/// What must not wait for the others: the look of leases, claims and slots.
const READERS_APART: usize = 1;

/// One connection that writes, some that read.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    writer: Shelf,
    readers: Shelf,
    readers_apart: Shelf,
}

/// Connections of one kind. Whoever asks first gets the next that is free.
#[derive(Debug, Clone)]
struct Shelf(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    options: SqliteConnectOptions,
    begin: &'static str,
    free: Mutex<Vec<SqliteConnection>>,
    turns: Arc<Semaphore>,
    count: usize,
}

/// A transaction on a connection that is its own meanwhile. Dropping it rolls it back.
#[derive(Debug)]
pub(in crate::db) struct Open {
    /// Taken out when this is dropped.
    connection: Option<SqliteConnection>,
    shelf: Shelf,
    is_over: bool,
    _turn: OwnedSemaphorePermit,
}

/// Somebody whose turn it is to begin a transaction.
pub(super) struct Turn(Shelf, OwnedSemaphorePermit);

impl Pools {
    pub(super) async fn open(path: &Path) -> Result<Self, DbError> {
        make_private_file(path)?;
        let options = options(path);
        // FULL: a commit that was answered survives a power failure. The runner's checkpoints depend on it.
        let writing = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("trusted_schema", "OFF")
            .pragma("secure_delete", "ON");
        let mut first = writing.connect().await?;
        MIGRATIONS.run(&mut first).await?;
        // One connection: it is what serializes the writers of this process. IMMEDIATE: a transaction that reads first
        // and writes later would otherwise fail when another process wrote meanwhile.
        let writer = Shelf::new(writing, "BEGIN IMMEDIATE", 1);
        writer.free().push(first);
        let reading = options.read_only(true).pragma("trusted_schema", "OFF").pragma("query_only", "ON");
        let readers = Shelf::new(reading.clone(), "BEGIN", READERS);
        Ok(Self { writer, readers, readers_apart: Shelf::new(reading, "BEGIN", READERS_APART) })
    }

    /// Only to look. Not opened as read-only: such a connection would leave the files of the write-ahead log behind.
    pub(super) fn look(path: &Path) -> Self {
        let looking = options(path).pragma("trusted_schema", "OFF").pragma("query_only", "ON");
        let shelf = |count| Shelf::new(looking.clone(), "BEGIN", count);
        Self { writer: shelf(1), readers: shelf(READERS), readers_apart: shelf(READERS_APART) }
    }

    /// Waits for a turn to write.
    pub(super) async fn writer(&self) -> Result<Turn, DbError> {
        self.writer.turn().await
    }

    /// Waits for a turn to read, apart from the others or with them.
    pub(super) async fn reader(&self, is_apart: bool) -> Result<Turn, DbError> {
        if is_apart { self.readers_apart.turn().await } else { self.readers.turn().await }
    }

    pub(super) async fn close(&self) {
        self.readers_apart.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(BUSY)
}

impl Shelf {
    fn new(options: SqliteConnectOptions, begin: &'static str, count: usize) -> Self {
        let turns = Arc::new(Semaphore::new(count));
        Self(Arc::new(Kept { options, begin, free: Mutex::default(), turns, count }))
    }

    fn free(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self) -> Result<Turn, DbError> {
        let turn = tokio::time::timeout(ACQUIRE, self.0.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Turn(self.clone(), turn))
    }

    async fn close(&self) {
        let all = u32::try_from(self.0.count).unwrap_or(u32::MAX);
        // An error says that it is closed already.
        drop(self.0.turns.acquire_many(all).await);
        self.0.turns.close();
        let connections = std::mem::take(&mut *self.free());
        for connection in connections {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the database did not close");
            }
        }
    }
}

impl Turn {
    /// Begins the transaction. Whoever stops waiting for it loses the connection, and with it what was begun.
    pub(super) async fn begin(self) -> Result<Open, DbError> {
        let Self(shelf, turn) = self;
        // Taken by itself: the shelf must not be locked while anything is waited for.
        let kept = shelf.free().pop();
        let connection = match kept {
            Some(connection) => match begin(connection, &shelf).await {
                // SQLite has ended its last transaction by itself, as it does when the disk is full, and sqlx still
                // counts it as open.
                Err(sqlx::Error::InvalidSavePointStatement) => None,
                begun => Some(begun?),
            },
            None => None,
        };
        let connection = match connection {
            Some(connection) => connection,
            None => begin(shelf.0.options.connect().await?, &shelf).await?,
        };
        Ok(Open { connection: Some(connection), shelf, is_over: false, _turn: turn })
    }
}

/// A connection on which it fails is not used again.
async fn begin(mut connection: SqliteConnection, shelf: &Shelf) -> Result<SqliteConnection, sqlx::Error> {
    SqliteTransactionManager::begin(&mut connection, Some(shelf.0.begin.into_sql_str())).await?;
    Ok(connection)
}

impl Open {
    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        SqliteTransactionManager::commit(&mut self).await?;
        self.is_over = true;
        Ok(())
    }
}

impl Deref for Open {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("only a dropped transaction has no connection")
    }
}

impl DerefMut for Open {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("only a dropped transaction has no connection")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if !self.is_over {
            // It is done before anything that is asked of the connection after this.
            SqliteTransactionManager::start_rollback(&mut connection);
        }
        self.shelf.free().push(connection);
    }
}

/// Makes the file, if it is not there, so that only its owner reads it. The write-ahead log takes over its mode.
fn make_private_file(path: &Path) -> Result<(), DbError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::db::{DbError, Inner, Tx, sql, testing};

    async fn fill(tx: &mut Tx) -> Result<(), DbError> {
        sql::execute!(tx, "create table filler (text text primary key)")?;
        for n in 0..100 {
            sql::execute!(tx, "insert into filler (text) values ($1)", format!("{n} {}", "x".repeat(50_000)))?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn r25_a_full_database_is_unavailable_and_works_again_as_soon_as_there_is_room() {
        let db = testing::sqlite().await;
        let mut tx = db.begin().await.expect("begun");
        // It cannot become smaller than it is: not a page more than now.
        sql::execute!(&mut tx, "pragma max_page_count = 1").expect("limited");
        let refused = fill(&mut tx).await;
        assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
        drop(tx);

        let mut tx = db.begin().await.expect("begun again");
        sql::execute!(&mut tx, "pragma max_page_count = 100000").expect("room");
        fill(&mut tx).await.expect("there is room");
        tx.commit().await.expect("committed");
        let mut tx = db.read().await.expect("begun");
        assert_eq!(sql::fetch_one!(&mut tx, (i64,), "select count(*) from filler").expect("counted").0, 100);
        assert_eq!(sql::fetch_one!(&mut tx, (String,), "pragma integrity_check").expect("checked").0, "ok");
    }

    /// As it does when a disk is full at the moment of a commit.
    #[tokio::test]
    async fn r25_a_transaction_that_sqlite_has_ended_by_itself_costs_the_next_one_nothing() {
        let db = testing::sqlite().await;
        let mut tx = db.begin().await.expect("begun");
        fill(&mut tx).await.expect("filled");
        let twice = "insert or rollback into filler (text) select text from filler";
        let refused = sqlx::query(twice).execute(sqlite(&mut tx)).await;
        assert!(refused.is_err(), "{refused:?}");
        drop(tx);

        let mut tx = db.begin().await.expect("begun again");
        fill(&mut tx).await.expect("nothing of the first one is left");
        tx.commit().await.expect("committed");
    }

    fn sqlite(tx: &mut Tx) -> &mut sqlx::SqliteConnection {
        match &mut tx.0 {
            Inner::Sqlite(open) => open,
            Inner::Postgres(_) => unreachable!("a SQLite database was asked for"),
        }
    }
}
