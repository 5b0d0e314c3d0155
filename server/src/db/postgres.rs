//! What is particular to Postgres: its settings, locks between replicas, and its migrations.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Postgres, Transaction};

use super::{DbError, Topic};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

const CONNECTIONS: u32 = 10;
const ACQUIRE: Duration = Duration::from_secs(30);
/// What must not wait for the others: leases, the claiming of runs, slots.
const APART: u32 = 2;
const ACQUIRE_APART: Duration = Duration::from_secs(5);

/// The connections that all share, and those that are kept for leases, claims and slots.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    all: PgPool,
    apart: PgPool,
}

impl Pools {
    pub(super) fn pool(&self, is_apart: bool) -> PgPool {
        if is_apart { self.apart.clone() } else { self.all.clone() }
    }

    pub(super) async fn close(&self) {
        self.apart.close().await;
        self.all.close().await;
    }
}

/// How long a transaction may rest between two statements, in milliseconds, before Postgres ends it and frees its locks.
/// Ferry never rests in one; a process that was frozen there must not keep the others from its runs for longer than its
/// lease of 30 s.
const REST: &str = "10000";

/// Connects and migrates. `schema` is for tests, which get one each.
pub(super) async fn open(url: &SecretString, schema: Option<&str>) -> Result<Pools, DbError> {
    let mut options = options(url)?;
    if let Some(schema) = schema {
        options = options.options([("search_path", schema)]);
    }
    // A migration may take its time; nothing else may.
    let mut first = PgConnection::connect_with(&options).await?;
    MIGRATIONS.run(&mut first).await?;
    first.close().await?;
    connect(options).await
}

/// Connects to look: no transaction may change anything.
pub(super) async fn look(url: &SecretString) -> Result<Pools, DbError> {
    connect(options(url)?.options([("default_transaction_read_only", "on")])).await
}

fn options(url: &SecretString) -> Result<PgConnectOptions, DbError> {
    // Notices are not wanted: the ROLLBACK below gives one at each return of a connection.
    Ok(PgConnectOptions::from_str(url.expose_secret())?.application_name("ferry").options([
        ("idle_in_transaction_session_timeout", REST),
        ("lock_timeout", "30000"),
        ("client_min_messages", "error"),
    ]))
}

async fn connect(options: PgConnectOptions) -> Result<Pools, DbError> {
    let all = options.clone().options([("statement_timeout", "30000")]);
    let all = pool(CONNECTIONS, ACQUIRE).connect_with(all).await?;
    // Nobody waits for a statement that does not return longer than a lease can bear.
    let apart = pool(APART, ACQUIRE_APART).connect_lazy_with(options.options([("statement_timeout", "10000")]));
    Ok(Pools { all, apart })
}

fn pool(connections: u32, acquire: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(acquire)
        // The second wall against a transaction that somebody left open: nobody gets it together with a connection.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.execute("ROLLBACK").await?;
                Ok(true)
            })
        })
}

#[expect(clippy::disallowed_methods, reason = "called in a task of its own by Database")]
pub(super) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, DbError> {
    Ok(pool.begin().await?)
}

#[expect(clippy::disallowed_methods, reason = "called in a task of its own by Database")]
pub(super) async fn read(pool: &PgPool) -> Result<Transaction<'static, Postgres>, DbError> {
    Ok(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
}

/// Takes the topic's lock until the transaction ends.
pub(super) async fn lock(tx: &mut Transaction<'static, Postgres>, topic: Topic) -> Result<(), DbError> {
    let number: i64 = match topic {
        Topic::Administrators => 0x0046_6572_7279_0001,
        Topic::Snapshots => 0x0046_6572_7279_0002,
        Topic::Claims => 0x0046_6572_7279_0003,
        Topic::SignIns => 0x0046_6572_7279_0004,
        Topic::Definitions => 0x0046_6572_7279_0005,
    };
    sqlx::query("select pg_advisory_xact_lock($1)").bind(number).execute(&mut **tx).await?;
    Ok(())
}
