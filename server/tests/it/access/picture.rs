//! What is in the database, as one text: two pictures that are equal say that nothing was changed between them.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use server::db::DatabaseLocation;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Row as _};

use crate::stage::Stage;

/// A look into the database beside the server.
pub enum Look {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// How much of the runner's and the scheduler's work goes on.
const ACTIVE: &str = "select (select count(*) from runs where finished_at is null)
    + (select count(*) from refresh_jobs where finished_at is null)
    + (select count(*) from refreshes where finished_at is null)";

impl Look {
    pub async fn into(stage: &Stage) -> Self {
        match &stage.config.database {
            DatabaseLocation::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path);
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
                Self::Sqlite(pool.expect("the database"))
            }
            DatabaseLocation::Postgres(url) => {
                let pool = PgPoolOptions::new().max_connections(1).connect(url.expose_secret()).await;
                Self::Postgres(pool.expect("the database"))
            }
        }
    }

    /// Changes what belongs to somebody, behind the back of the server.
    pub async fn change(&self, statement: &'static str, id: String) {
        match self {
            Self::Sqlite(pool) => drop(sqlx::query(statement).bind(id).execute(pool).await.expect("changed")),
            Self::Postgres(pool) => drop(sqlx::query(statement).bind(id).execute(pool).await.expect("changed")),
        }
    }

    async fn number(&self, query: &'static str) -> i64 {
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_one(pool).await.expect("counted"),
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_one(pool).await.expect("counted"),
        }
    }

    async fn texts(&self, query: String) -> Vec<String> {
        let query = AssertSqlSafe(query);
        match self {
            Self::Sqlite(pool) => {
                let rows = sqlx::query(query).fetch_all(pool).await.expect("the rows");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(pool) => {
                let rows = sqlx::query(query).fetch_all(pool).await.expect("the rows");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    async fn tables(&self) -> Vec<String> {
        let tables = match self {
            Self::Sqlite(_) => {
                "select name from sqlite_schema where type = 'table' and name not like 'sqlite%' order by 1"
            }
            Self::Postgres(_) => {
                "select table_name::text from information_schema.tables where table_schema = current_schema() order by 1"
            }
        };
        self.texts(tables.to_owned()).await
    }

    /// The names of a table's columns.
    pub async fn columns(&self, table: &str) -> Vec<String> {
        let columns = match self {
            Self::Sqlite(_) => format!("select name from pragma_table_info('{table}')"),
            Self::Postgres(_) => format!(
                "select column_name::text from information_schema.columns
                where table_schema = current_schema() and table_name = '{table}'"
            ),
        };
        self.texts(columns).await
    }

    /// The rows of a table, each as a text.
    async fn rows(&self, table: &str) -> Vec<String> {
        // When somebody was here last is no change of theirs.
        let row = match (self, table) {
            (_, "users") => "id || email || role || cast(is_enabled as text) || coalesce(password_hash, '')".to_owned(),
            (Self::Sqlite(_), _) => {
                let columns = format!("select 'quote(' || name || ')' from pragma_table_info('{table}')");
                self.texts(columns).await.join("||','||")
            }
            (Self::Postgres(_), _) => format!("{table}::text"),
        };
        self.texts(format!("select {row} from {table} order by 1")).await
    }

    /// Everything that people can change. Sessions and counted failures move with every request.
    pub async fn picture(&self) -> String {
        let mut all = String::new();
        for table in self.tables().await {
            if ["sessions", "sign_in_failures"].contains(&table.as_str()) {
                continue;
            }
            for row in self.rows(&table).await {
                all.push_str(&format!("{table}: {row}\n"));
            }
        }
        all
    }

    /// Waits until the runner has done what an earlier request asked of it.
    pub async fn calm(&self) -> String {
        let mut before = self.picture().await;
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let is_active = self.number(ACTIVE).await > 0;
            let now = self.picture().await;
            if !is_active && now == before {
                return now;
            }
            before = now;
        }
        panic!("the runner does not come to rest");
    }
}
