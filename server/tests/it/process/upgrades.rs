//! `ferry check` beside a Ferry of another version: it says how the tables are, and changes nothing.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

use super::{ended, ferry, run, serve, terminate};
use crate::postgres::new_schema;

const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

async fn migrations(pool: &SqlitePool) -> Vec<i64> {
    let all = sqlx::query_scalar("select version from _sqlx_migrations order by version").fetch_all(pool).await;
    all.expect("the migrations")
}

/// Every file below a folder, with what is in it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).expect("readable")));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn check_says_that_tables_are_older_or_newer_and_leaves_them_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, _) = serve(dir.path(), &[]).await;
    terminate(&server).await;
    assert_eq!(ended(server).await.0, Some(0));
    let options = SqliteConnectOptions::new().filename(dir.path().join("ferry.db"));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.expect("the database");
    let newest = *migrations(&pool).await.last().expect("a migration");

    // As a server of an earlier version left it.
    let older = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    sqlx::query(older).execute(&pool).await.expect("changed");
    let before = migrations(&pool).await;
    let (code, said, _) = run(dir.path(), &["check"], "").await;
    assert!(code == Some(0) && said.contains("`ferry serve` brings them up to date"), "{said}");
    assert_eq!(migrations(&pool).await, before);

    // As one of a later version left it.
    for version in [newest, newest + 1] {
        let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            values ($1, 'later', true, x'00', 0)";
        sqlx::query(newer).bind(version).execute(&pool).await.expect("changed");
    }
    let (code, said, _) = run(dir.path(), &["check"], "").await;
    assert!(code == Some(1) && said.contains("FAIL  database") && said.contains("newer Ferry"), "{said}");
    assert!(!said.contains("FERRY_DATABASE_URL"), "the address is not what is wrong: {said}");
}

#[tokio::test]
async fn check_writes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let add = ["user", "add", "ana@example.com", "--role", "administrator", "--password-stdin"];
    let (code, _, errors) = run(dir.path(), &add, "blue harbour tide\n").await;
    assert_eq!(code, Some(0), "{errors}");
    let before = files(dir.path());
    let check = async |key: &str| {
        let mut command = ferry(dir.path(), &["check"]);
        ended(command.env("FERRY_SECRET_KEY", key).spawn().expect("it starts")).await
    };

    let (code, said, _) = check(KEY).await;

    assert!(code == Some(0) && said.contains("1 can sign in"), "{said}");
    let after = files(dir.path());
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    assert!(before == after, "a file was written to");
    // No key has sealed anything yet: another one is as good.
    let (code, said, _) = check("NTQzMjEwOTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQ=").await;
    assert!(code == Some(0), "{said}");
}

#[tokio::test]
async fn check_makes_no_tables_on_postgres() {
    let Some(url) = new_schema().await else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let with_url = |mut command: Command| command.env("FERRY_DATABASE_URL", &url).spawn().expect("it starts");

    let (code, said, errors) = ended(with_url(ferry(dir.path(), &["check"]))).await;

    assert!(code == Some(0) && said.contains("`ferry serve` brings them up to date"), "{said}{errors}");
    let mut connection = PgConnection::connect(&url).await.expect("the Postgres of the tests");
    let tables = "select count(*) from pg_tables where schemaname = current_schema()";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut connection).await.expect("counted");
    assert_eq!(tables, 0);
}
