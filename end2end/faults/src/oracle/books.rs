//! Ferry's tables, read from outside: every row as JSON, so that both databases give the same. [`Books::watch`] has the
//! database itself note every change of a run or batch, in the transaction that makes it: a kill cannot hide one.

use std::path::PathBuf;

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

/// The database could not be read.
pub type BooksError = sqlx::Error;

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// The address of a Postgres database.
    Postgres(String),
}

/// An open look into Ferry's database.
#[derive(Debug)]
pub struct Books(Kind);

#[derive(Debug)]
enum Kind {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// What is noted of a run's change, before and after it.
const NOTED: [&str; 10] = [
    "state",
    "fence",
    "lease_owner",
    "finished_at",
    "next_row",
    "tags_changed",
    "sent",
    "requests",
    "retries",
    "accepted",
];

impl Books {
    /// Opens the database.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn open(place: &Place) -> Result<Self, BooksError> {
        Ok(Self(match place {
            Place::Sqlite(path) => {
                let options =
                    SqliteConnectOptions::new().filename(path).busy_timeout(std::time::Duration::from_secs(30));
                Kind::Sqlite(Box::new(options.connect().await?))
            }
            Place::Postgres(url) => Kind::Postgres(Box::new(PgConnection::connect(url).await?)),
        }))
    }

    /// Runs statements of the test's own.
    ///
    /// # Errors
    /// The database refuses them.
    pub async fn execute(&mut self, text: &str) -> Result<(), BooksError> {
        let text = AssertSqlSafe(text.to_owned());
        match &mut self.0 {
            Kind::Sqlite(connection) => connection.execute(text).await.map(drop),
            Kind::Postgres(connection) => connection.execute(text).await.map(drop),
        }
    }

    /// Rows as JSON objects: these columns of `rest`, which begins with a table's name.
    ///
    /// # Errors
    /// The database refuses the question.
    pub async fn rows(&mut self, columns: &[&str], rest: &str) -> Result<Vec<Value>, BooksError> {
        let pairs: Vec<String> = columns.iter().map(|column| format!("'{column}', {column}")).collect();
        let pairs = pairs.join(", ");
        let texts: Vec<(String,)> = match &mut self.0 {
            Kind::Sqlite(connection) => {
                let text = format!("select json_object({pairs}) from {rest}");
                sqlx::query_as(AssertSqlSafe(text)).fetch_all(connection.as_mut()).await?
            }
            Kind::Postgres(connection) => {
                let text = format!("select json_build_object({pairs})::text from {rest}");
                sqlx::query_as(AssertSqlSafe(text)).fetch_all(connection.as_mut()).await?
            }
        };
        let read = |(text,): &(String,)| serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()));
        texts.iter().map(read).collect()
    }

    /// Has the database note all changes from here on.
    ///
    /// # Errors
    /// It is being watched already, or has no tables.
    pub async fn watch(&mut self) -> Result<(), BooksError> {
        let json = |side: &str, columns: &[&str]| {
            let pairs: Vec<String> = columns.iter().map(|column| format!("'{column}', {side}.{column}")).collect();
            pairs.join(", ")
        };
        let batch: &[&str] = &["state", "attempts"];
        if matches!(self.0, Kind::Sqlite(_)) {
            let trigger = |table: &str, id: &str, columns: &[&str]| {
                format!(
                    "create trigger oracle_{table} after update on {table} begin
                        insert into oracle_history (of_table, id, before, after)
                        values ('{table}', {id}, json_object({}), json_object({})); end;",
                    json("old", columns),
                    json("new", columns),
                )
            };
            self.execute(
                "create table oracle_history (seq integer primary key autoincrement, of_table text, id text, before text,
                    after text)",
            )
            .await?;
            self.execute(&trigger("runs", "old.id", &NOTED)).await?;
            return self.execute(&trigger("batches", "old.run_id || ' ' || old.seq", batch)).await;
        }
        let trigger = |table: &str, id: &str, columns: &[&str]| {
            format!(
                "create function oracle_{table}() returns trigger language plpgsql as $$ begin
                    insert into oracle_history (of_table, id, before, after)
                    values ('{table}', {id}, json_build_object({})::text, json_build_object({})::text);
                    return null; end $$;
                 create trigger oracle_{table} after update on {table} for each row execute function oracle_{table}();",
                json("old", columns),
                json("new", columns),
            )
        };
        self.execute(
            "create table oracle_history (seq bigserial primary key, of_table text, id text, before text, after text)",
        )
        .await?;
        self.execute(&trigger("runs", "old.id", &NOTED)).await?;
        self.execute(&trigger("batches", "old.run_id || ' ' || old.seq", batch)).await
    }

    /// All runs, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn runs(&mut self) -> Result<Vec<Value>, BooksError> {
        let columns = [
            "id",
            "export_id",
            "state",
            "reason",
            "fence",
            "recoveries",
            "to_send",
            "members",
            "accepted",
            "unchanged",
            "rejected",
            "held",
            "unconfirmed",
            "requests",
            "retries",
            "queued_at",
            "started_at",
            "finished_at",
        ];
        self.rows(&columns, "runs order by number, queued_at, id").await
    }

    /// Batches whose request may be on its way: what a process that breaks off now may have to send again.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn on_their_way(&mut self) -> Result<u64, BooksError> {
        let rows = self.rows(&["n"], "(select count(*) as n from batches where state = 'sending') counted").await?;
        Ok(rows.first().and_then(|row| row["n"].as_u64()).unwrap_or_default())
    }

    /// Does Ferry have an open transaction in which Postgres waits for its next statement?
    ///
    /// # Errors
    /// It is not Postgres.
    pub async fn rests_in_a_transaction(&mut self) -> Result<bool, BooksError> {
        let resting = "(select count(*) as n from pg_stat_activity where application_name = 'ferry'
            and datname = current_database() and state = 'idle in transaction' and backend_xid is not null) resting";
        Ok(self.rows(&["n"], resting).await?.first().and_then(|row| row["n"].as_u64()).unwrap_or_default() > 0)
    }

    pub(super) async fn batches(&mut self) -> Result<Vec<Value>, BooksError> {
        self.rows(&["run_id", "seq", "kind", "state", "attempts", "returns"], "batches order by run_id, seq").await
    }

    pub(super) async fn repeated_slots(&mut self) -> Result<Vec<Value>, BooksError> {
        let rest = "runs where slot_at is not null group by export_id, slot_at having count(*) > 1";
        self.rows(&["export_id", "slot_at"], rest).await
    }

    pub(super) async fn history(&mut self) -> Result<Vec<Value>, BooksError> {
        self.changes("runs").await
    }

    pub(super) async fn batch_history(&mut self) -> Result<Vec<Value>, BooksError> {
        self.changes("batches").await
    }

    async fn changes(&mut self, table: &str) -> Result<Vec<Value>, BooksError> {
        let rest = format!("oracle_history where of_table = '{table}' order by seq");
        let mut rows = self.rows(&["id", "before", "after"], &rest).await?;
        for side in rows.iter_mut().flat_map(|row| row.as_object_mut().into_iter().flatten()) {
            let text = side.1.as_str().filter(|_| side.0 != "id");
            if let Some(read) = text.and_then(|text| serde_json::from_str(text).ok()) {
                *side.1 = read;
            }
        }
        Ok(rows)
    }

    /// Is every page of the database whole? Postgres looks after itself.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_whole(&mut self) -> Result<bool, BooksError> {
        let Kind::Sqlite(connection) = &mut self.0 else { return Ok(true) };
        let (said,): (String,) = sqlx::query_as("pragma integrity_check").fetch_one(connection.as_mut()).await?;
        Ok(said == "ok")
    }
}
