//! A look at a database that somebody else may be using: it makes no file and changes no table.

use std::collections::BTreeSet;

use super::{Database, DatabaseLocation, DbError, Pools, postgres, sql, sqlite};

/// How far the tables are, for this Ferry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// As this Ferry wants them.
    UpToDate,
    /// Of an older Ferry, or not made yet: [`Database::open`] brings them up to date.
    Older,
}

impl Database {
    /// Connects without bringing the tables up to date; nothing can be changed through it.
    ///
    /// # Errors
    /// It cannot be reached, or was written by a newer Ferry.
    pub async fn look(location: &DatabaseLocation) -> Result<(Self, Tables), DbError> {
        let (pools, known) = match location {
            DatabaseLocation::Sqlite(path) => (Pools::Sqlite(sqlite::Pools::look(path)), &sqlite::MIGRATIONS),
            DatabaseLocation::Postgres(url) => (Pools::Postgres(postgres::look(url).await?), &postgres::MIGRATIONS),
        };
        let db = Self::over(pools);
        let known: BTreeSet<i64> = known.iter().map(|migration| migration.version).collect();
        let applied = db.applied().await?;
        match applied.difference(&known).next() {
            Some(newer) => Err(DbError::Newer(*newer)),
            None if applied == known => Ok((db, Tables::UpToDate)),
            None => Ok((db, Tables::Older)),
        }
    }

    /// The migrations that were made here.
    async fn applied(&self) -> Result<BTreeSet<i64>, DbError> {
        let mut tx = self.read().await?;
        let (has_any,) = sql::fetch_one!(
            &mut tx,
            (i64,),
            sqlite: "select count(*) from sqlite_schema where name = '_sqlx_migrations'",
            postgres: "select count(*) from pg_tables where tablename = '_sqlx_migrations' and schemaname = current_schema()",
        )?;
        if has_any == 0 {
            return Ok(BTreeSet::new());
        }
        let rows = sql::fetch_all!(&mut tx, (i64,), "select version from _sqlx_migrations where success")?;
        Ok(rows.into_iter().map(|(version,)| version).collect())
    }
}
