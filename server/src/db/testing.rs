//! Databases for tests: a new SQLite file each, and, where `FERRY_TEST_POSTGRES_URL` is set, a new schema in Postgres.

use domain::id::RunId;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

use super::{Database, DatabaseLocation, DbError, Pools, Tx, postgres, sql};

/// A database of one test; its file goes with it.
pub struct TestDatabase {
    /// The database.
    pub db: Database,
    dir: Option<tempfile::TempDir>,
}

impl std::ops::Deref for TestDatabase {
    type Target = Database;
    fn deref(&self) -> &Database {
        &self.db
    }
}

impl TestDatabase {
    /// The SQLite file, where it is one.
    pub fn file(&self) -> Option<std::path::PathBuf> {
        self.dir.as_ref().map(|dir| dir.path().join("ferry.db"))
    }

    /// Locks a SQLite database for so long, as a backup or somebody's shell does.
    pub async fn lock_from_outside(&self, time: std::time::Duration) {
        let options = SqliteConnectOptions::new().filename(self.file().expect("SQLite"));
        let options = options.busy_timeout(std::time::Duration::from_secs(10));
        let mut other = SqliteConnection::connect_with(&options).await.expect("another program");
        other.execute("begin exclusive").await.expect("locked");
        tokio::time::sleep(time).await;
        other.execute("commit").await.expect("let go of");
    }
}

/// One new, empty database of every kind that is there to be tested on. Say `for db in databases().await { … }`.
pub async fn databases() -> Vec<TestDatabase> {
    let mut all = vec![sqlite().await];
    #[expect(clippy::disallowed_methods, reason = "the tests' own setting; without it SQLite alone is tested")]
    let url = std::env::var("FERRY_TEST_POSTGRES_URL");
    if let Ok(url) = url {
        all.push(TestDatabase { db: in_new_schema(&url).await, dir: None });
    }
    all
}

/// A new, empty SQLite database.
pub async fn sqlite() -> TestDatabase {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let location = DatabaseLocation::Sqlite(dir.path().join("ferry.db"));
    TestDatabase { db: Database::open(&location).await.expect("a new SQLite database"), dir: Some(dir) }
}

async fn in_new_schema(url: &str) -> Database {
    let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(url).await.expect("the Postgres of the tests");
    // The name is made above, of hexadecimal digits.
    connection.execute(AssertSqlSafe(format!("create schema {schema}"))).await.expect("a new schema");
    connection.close().await.expect("closed");
    let pool = postgres::open(&url.into(), Some(&schema)).await.expect("a migrated schema");
    Database::over(Pools::Postgres(pool))
}

/// Makes a waiting run due now, as if its time had come.
pub async fn make_due(tx: &mut Tx, run: RunId) {
    let changed = set_due(tx, run).await;
    assert_eq!(changed.expect("changed"), 1);
}

async fn set_due(tx: &mut Tx, run: RunId) -> Result<u64, DbError> {
    sql::execute!(tx, "update runs set due_at = 0 where id = $1", run.to_string())
}
