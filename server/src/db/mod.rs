//! The database: SQLite in the data directory, or Postgres when several replicas run. The only place that knows sqlx.
//!
//! One file per aggregate holds free functions that take `&mut Tx`. Services and the engine open the transaction, call
//! the functions and commit; a transaction that is dropped is rolled back. A function never opens one itself, and never
//! decides who may do something.
//!
//! - [`Database::begin`] to change things. On SQLite it waits for the one writer (`BEGIN IMMEDIATE`).
//! - [`Database::read`] to look only: one consistent picture, and it never waits for a writer.
//!
//! A request that is cancelled while its transaction opens leaves nothing behind.
//! Hold no transaction while waiting for the network, a file or a password hash.
//!
//! # Writing a query
//! One SQL text with `$1`… serves both databases. The macros of [`sql`] bind the values in order, run it, and give
//! [`DbError`]; the build fails when placeholders and values differ in number.
//!
//! ```ignore
//! use crate::db::{DbError, Tx, parse, sql};
//!
//! #[derive(sqlx::FromRow)]
//! struct Row { id: String, name: String, created_at: i64 }
//!
//! /// All segments, by name.
//! pub async fn list(tx: &mut Tx) -> Result<Vec<Segment>, DbError> {
//!     let rows = sql::fetch_all!(tx, Row, "select id, name, created_at from segments order by name_key, id")?;
//!     rows.into_iter().map(Row::segment).collect()
//! }
//!
//! /// Adds a segment; [`DbError::is_duplicate`] tells whether the name is taken.
//! pub async fn insert(tx: &mut Tx, segment: &Segment) -> Result<(), DbError> {
//!     sql::execute!(
//!         tx,
//!         "insert into segments (id, name, name_key, created_at) values ($1, $2, $3, $4)",
//!         segment.id.to_string(), &segment.name, key(&segment.name), segment.created_at,
//!     )?;
//!     Ok(())
//! }
//!
//! /// How many there are. Scalars are tuples of one.
//! pub async fn count(tx: &mut Tx) -> Result<i64, DbError> {
//!     Ok(sql::fetch_one!(tx, (i64,), "select count(*) from segments")?.0)
//! }
//! ```
//! Where the texts must differ: `sql::execute!(tx, sqlite: "…", postgres: "…", value)`.
//!
//! Types: `i64` (BIGINT), `String`, `Vec<u8>`, `bool`, `f64` and their `Option`. No `i32`, no sum of BIGINT without
//! `cast(sum(x) as bigint)`, no NUL in a text ([`text_is_storable`]), ids as text ([`parse`] reads them back), times in
//! microseconds from the [`Clock`](crate::clock::Clock), JSON as text with serde.
//! A new file of migrations is added under the same number to `migrations/sqlite` and `migrations/postgres`.

use std::path::Path;
use std::str::FromStr;

use secrecy::SecretString;

pub mod accounts;
pub mod approvals;
pub mod batches;
pub mod checkpoints;
pub mod circuits;
pub mod claims;
pub mod clock;
pub mod connections;
#[cfg(test)]
mod definitions_tests;
pub mod endings;
mod error;
pub mod exports;
pub mod giving_way;
#[cfg(test)]
mod history_tests;
pub mod housekeeping;
mod in_use;
mod look;
pub mod names;
pub mod pace;
#[cfg(test)]
mod pace_tests;
mod postgres;
#[cfg(test)]
mod power_tests;
pub mod progress;
pub mod rechecks;
pub mod refresh_jobs;
pub mod refreshes;
#[cfg(test)]
mod run_states_tests;
pub mod runs;
pub mod segments;
pub mod sessions;
pub mod slots;
pub mod sources;
pub(in crate::db) mod sql;
mod sqlite;
pub(in crate::db) mod steps;
pub mod system;
#[cfg(test)]
pub mod testing;
mod values;
pub mod waits;

pub use error::DbError;
pub use look::Tables;
pub use steps::Pause;

/// The database, cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    pools: Pools,
    in_use: in_use::InUse,
    steps: steps::Steps,
    /// Does it use the connections that are kept for leases, claims and slots?
    is_apart: bool,
}

#[derive(Debug, Clone)]
enum Pools {
    Sqlite(sqlite::Pools),
    Postgres(postgres::Pools),
}

/// An open transaction. Dropping it rolls it back.
#[derive(Debug)]
pub struct Tx(pub(in crate::db) Inner, in_use::One, pub(in crate::db) steps::Steps);

#[derive(Debug)]
pub(in crate::db) enum Inner {
    Sqlite(sqlite::Open),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// What can be locked for the rest of a transaction, against other transactions that lock the same.
#[derive(Debug, Clone, Copy)]
pub enum Topic {
    /// Who is an administrator.
    Administrators,
    /// The number of the next profile snapshot.
    Snapshots,
    /// The claiming of runs.
    Claims,
    /// The counting of failed sign-ins.
    SignIns,
    /// What people set up: data sources, segments, connections and exports.
    Definitions,
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DatabaseLocation {
    /// A SQLite file.
    Sqlite(std::path::PathBuf),
    /// The address of a Postgres database, with its password.
    Postgres(SecretString),
}

impl DatabaseLocation {
    /// Reads `postgres://…` or `sqlite:PATH`; nothing means `ferry.db` in the data directory.
    ///
    /// # Errors
    /// The text is neither.
    pub fn read(text: Option<&SecretString>, data_dir: &Path) -> Result<Self, DbError> {
        use secrecy::ExposeSecret as _;
        let Some(url) = text else { return Ok(Self::Sqlite(data_dir.join("ferry.db"))) };
        let plain = url.expose_secret();
        if plain.starts_with("postgres://") || plain.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.clone()));
        }
        match plain.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
            Some(path) if !path.is_empty() && !path.contains(":memory:") => Ok(Self::Sqlite(path.into())),
            _ => Err(DbError::Location),
        }
    }
}

impl Database {
    fn over(pools: Pools) -> Self {
        Self { pools, in_use: in_use::InUse::default(), steps: steps::Steps::Off, is_apart: false }
    }

    /// The same database for a simulation: whoever asks waits with their whole thread, and where a pause is given, it is
    /// waited for before each transaction and after each commit.
    #[must_use]
    pub fn in_steps(&self, pause: Option<Pause>) -> Self {
        Self { steps: steps::Steps::On(pause), ..self.clone() }
    }

    /// The same database over connections that nobody else uses up: for leases, the claiming of runs, and slots. SQLite has
    /// one writer in any case.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { is_apart: true, ..self.clone() }
    }

    /// Is a transaction open, or being opened?
    pub fn is_in_use(&self) -> bool {
        self.in_use.is_any()
    }

    /// Connects, making the file of a new SQLite database, and brings the tables up to date.
    ///
    /// # Errors
    /// It cannot be reached, or was written by a newer Ferry.
    pub async fn open(location: &DatabaseLocation) -> Result<Self, DbError> {
        match location {
            DatabaseLocation::Sqlite(path) => Ok(Self::over(Pools::Sqlite(sqlite::Pools::open(path).await?))),
            DatabaseLocation::Postgres(url) => Ok(Self::over(Pools::Postgres(postgres::open(url, None).await?))),
        }
    }

    /// Begins a transaction that may change things.
    ///
    /// # Errors
    /// No connection came free in time, or the database is gone.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let one = self.in_use.one();
        self.steps.pause().await;
        let inner = match &self.pools {
            Pools::Sqlite(pools) => self.over_sqlite(pools.writer().await?).await?,
            Pools::Postgres(pools) => {
                let pool = pools.pool(self.is_apart);
                Inner::Postgres(in_own_task(async move { postgres::begin(&pool).await }).await?)
            }
        };
        Ok(Tx(inner, one, self.steps.clone()))
    }

    /// Begins a transaction that only reads, with one consistent picture of everything.
    ///
    /// # Errors
    /// No connection came free in time, or the database is gone.
    pub async fn read(&self) -> Result<Tx, DbError> {
        let one = self.in_use.one();
        self.steps.pause().await;
        let inner = match &self.pools {
            Pools::Sqlite(pools) => self.over_sqlite(pools.reader(self.is_apart).await?).await?,
            Pools::Postgres(pools) => {
                let pool = pools.pool(self.is_apart);
                Inner::Postgres(in_own_task(async move { postgres::read(&pool).await }).await?)
            }
        };
        Ok(Tx(inner, one, self.steps.clone()))
    }

    async fn over_sqlite(&self, turn: sqlite::Turn) -> Result<Inner, DbError> {
        Ok(Inner::Sqlite(steps::answer(self.steps.is_on(), turn.begin()).await?))
    }

    /// Does it answer?
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        let mut tx = self.read().await?;
        sql::fetch_one!(&mut tx, (i64,), "select count(*) from secrets_canary").map(|_| ())
    }

    /// Waits for open transactions and closes all connections.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite(pools) => pools.close().await,
            Pools::Postgres(pools) => pools.close().await,
        }
    }

    /// The kind, for people: `SQLite` or `PostgreSQL`.
    pub fn kind(&self) -> &'static str {
        match &self.pools {
            Pools::Sqlite(_) => "SQLite",
            Pools::Postgres(_) => "PostgreSQL",
        }
    }
}

impl Tx {
    /// Keeps what was done. Once asked for it is carried out, even when the caller goes away meanwhile.
    ///
    /// # Errors
    /// A constraint that is checked at the end, or the database is gone: then it is not known whether it was kept.
    pub async fn commit(self) -> Result<(), DbError> {
        let Self(inner, one, steps) = self;
        if let (Inner::Sqlite(_), true) = (&inner, steps.is_on()) {
            steps::answer(true, commit(inner, one)).await?;
            steps.pause().await;
            return Ok(());
        }
        in_own_task(commit(inner, one)).await
    }

    /// Lets no other transaction that locks the same topic go on before this one ends. SQLite has one writer anyway.
    ///
    /// # Errors
    /// The database is gone.
    pub async fn lock(&mut self, topic: Topic) -> Result<(), DbError> {
        match &mut self.0 {
            Inner::Sqlite(_) => Ok(()),
            Inner::Postgres(tx) => postgres::lock(tx, topic).await,
        }
    }
}

async fn commit(inner: Inner, _one: in_use::One) -> Result<(), DbError> {
    match inner {
        Inner::Sqlite(tx) => tx.commit().await,
        Inner::Postgres(tx) => Ok(tx.commit().await?),
    }
}

/// Runs to its end even if the caller is dropped: a cancelled `begin` of sqlx 0.9.0 would leave an open transaction in
/// the pool of Postgres connections.
async fn in_own_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, DbError>> + Send + 'static,
) -> Result<T, DbError> {
    tokio::spawn(work).await.map_err(|_| DbError::Stopped)?
}

/// Reads an id or a name back from its text.
///
/// # Errors
/// [`DbError::Corrupt`]: Ferry never wrote such a text.
pub fn parse<T: FromStr>(column: &'static str, text: &str) -> Result<T, DbError> {
    text.parse().map_err(|_| DbError::Corrupt(column))
}

/// Can both databases keep this text? Postgres refuses NUL.
pub fn text_is_storable(text: &str) -> bool {
    !text.contains('\0')
}

#[cfg(test)]
mod tests;
