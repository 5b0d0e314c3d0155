//! Databases for tests: a new SQLite file each, and, where `FERRY_TEST_POSTGRES_URL` is set, a new schema in Postgres.

use domain::access::Audience;
use domain::connection::Consent;
use domain::destination::{Brand, DestinationKind};
use domain::id::{ConnectionId, RunId, UserId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

use super::connections::StoredConnection;
use super::{Database, DatabaseLocation, DbError, Inner, Pools, Tx, postgres, sql};

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

    /// A copy of a SQLite database as it is now, as a backup makes one.
    pub async fn copy(&self) -> TestDatabase {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("ferry.db");
        let options = SqliteConnectOptions::new().filename(self.file().expect("SQLite"));
        let mut other = SqliteConnection::connect_with(&options).await.expect("another program");
        // A path of the test's own.
        let text = format!("vacuum into '{}'", path.display());
        other.execute(AssertSqlSafe(text)).await.expect("copied");
        let db = Database::open(&DatabaseLocation::Sqlite(path)).await.expect("the copy");
        TestDatabase { db, dir: Some(dir) }
    }

    /// The pages of a SQLite database.
    pub async fn pages(&self) -> i64 {
        let mut tx = self.db.begin().await.expect("begun");
        let has: Result<(i64,), DbError> = async { sql::fetch_one!(&mut tx, (i64,), "pragma page_count") }.await;
        has.expect("counted").0
    }

    /// The connection that writes to a SQLite database makes no more pages than this. Where it finds no room, there is
    /// another one after it, without such a limit.
    pub async fn limit_pages(&self, limit: i64) {
        let mut tx = self.db.begin().await.expect("begun");
        let Inner::Sqlite(open) = &mut tx.0 else { panic!("it is not SQLite's") };
        open.execute(AssertSqlSafe(format!("pragma max_page_count = {limit}"))).await.expect("limited");
    }

    /// The most pages that the connection may make that writes to a SQLite database.
    pub async fn page_limit(&self) -> i64 {
        let mut tx = self.db.begin().await.expect("begun");
        let limit: Result<(i64,), DbError> = async { sql::fetch_one!(&mut tx, (i64,), "pragma max_page_count") }.await;
        limit.expect("asked").0
    }

    /// Is what a SQLite database holds in order?
    pub async fn is_whole(&self) -> bool {
        let mut tx = self.db.begin().await.expect("begun");
        let said: Result<(String,), DbError> =
            async { sql::fetch_one!(&mut tx, (String,), "pragma integrity_check") }.await;
        said.expect("checked").0 == "ok"
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

impl Tx {
    /// Runs SQL of a test's own, or of a migration.
    pub async fn execute_text(&mut self, text: &'static str) {
        match &mut self.0 {
            Inner::Sqlite(open) => drop(open.execute(sqlx::raw_sql(text)).await.expect("executed")),
            Inner::Postgres(tx) => drop(tx.execute(sqlx::raw_sql(text)).await.expect("executed")),
        }
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

/// Adds so many runs of accounts and exports of their own that somebody works on, with leases that end at an instant.
/// They are copies of a run that is there.
pub async fn crowd_around(tx: &mut Tx, run: RunId, count: i64, lease_until: i64) {
    let added = add_crowd(tx, &run.to_string(), count, lease_until).await;
    assert_eq!(added.expect("added"), u64::try_from(count).expect("some"));
}

async fn add_crowd(tx: &mut Tx, run: &str, count: i64, lease_until: i64) -> Result<u64, DbError> {
    sql::execute!(
        tx,
        "with recursive numbers (n) as (select cast(1 as bigint) union all select n + 1 from numbers where n < $2)
         insert into exports (id, name, name_key, connection_id, mapping, schedule, schedule_since, version, created_at)
         select 'crowd ' || numbers.n, 'Crowd ' || numbers.n, 'crowd ' || numbers.n, connection_id, mapping, schedule,
            schedule_since, version, created_at
         from exports, numbers
         where exports.id = (select export_id from runs where id = $1)",
        run,
        count,
    )?;
    // A run begins queued.
    sql::execute!(
        tx,
        "with recursive numbers (n) as (select cast(1 as bigint) union all select n + 1 from numbers where n < $2)
         insert into runs (id, export_id, export_name, connection_id, brand_id, started_because, state, due_at, fence,
            recoveries, failures, progress_at, settings_version, has_ledger, next_row, to_send, sent, tags_to_change,
            tags_changed, members, accepted, unchanged, rejected, held, unconfirmed, tags_added, tags_removed,
            requests, retries, queued_at)
         select 'crowd ' || numbers.n, 'crowd ' || numbers.n, export_name, connection_id, 'crowd ' || numbers.n,
            started_because, 'queued', due_at, fence, recoveries, failures, progress_at, settings_version, has_ledger,
            next_row, to_send, sent, tags_to_change, tags_changed, members, accepted, unchanged, rejected, held,
            unconfirmed, tags_added, tags_removed, requests, retries, queued_at
         from runs, numbers
         where runs.id = $1",
        run,
        count,
    )?;
    sql::execute!(
        tx,
        "update runs set state = 'preparing', lease_owner = 'lives', lease_until = $1 where id like 'crowd %'",
        lease_until,
    )
}

/// A connection that somebody is setting up.
pub fn draft(name: &str) -> StoredConnection {
    StoredConnection {
        id: ConnectionId(uuid::Uuid::now_v7()),
        is_ready: false,
        name: name.to_owned(),
        kind: DestinationKind("scripted".to_owned()),
        audience: Audience::Administrators,
        sealed_key: vec![0, 1, 255],
        brand: Brand { id: "b1".to_owned(), name: "Shop".to_owned(), website: String::new() },
        consent: Consent {
            by: UserId(uuid::Uuid::now_v7()),
            by_email: "ana@example.com".to_owned(),
            at: 5,
            language: "ca".to_owned(),
            wording: "Hi estic d'acord".to_owned(),
        },
        export_user: None,
        needs_attention: None,
        created_at: 7,
    }
}
