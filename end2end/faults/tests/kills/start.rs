//! the first start, with its migrations, is killed at any moment; and a database of a newer Ferry is refused.

use std::time::Duration;

use ferry_faults::chance::Chance;
use ferry_faults::settings;

use crate::share;
use crate::yard::{Yard, log_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r30_a_migration_that_is_killed_is_completed_by_the_next_start() {
    let mut yard = Yard::new(1, None).await;
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let tables = "sqlite_master where name not like 'oracle%' and name not like 'sqlite%' order by name";
    let expected = yard.books.rows(&["name", "sql"], tables).await.expect("read");
    let database = yard.dir.path().join("data/ferry.db");
    for round in 0..share(20) {
        for end in ["db", "db-wal", "db-shm"] {
            // Not all of them are there.
            drop(std::fs::remove_file(database.with_extension(end)));
        }
        let longest = Duration::from_micros(2_000 * (round + 1));
        for _ in 0..3 {
            let mut child = yard.spawn(&["user", "add", "ana@example.com", "--role", "administrator"]);
            tokio::time::sleep(longest.mul_f64(chance.share())).await;
            child.kill().await.expect("killed");
        }
        yard.succeed(&["user", "add", &format!("bo{round}@example.com"), "--role", "administrator"]).await;
        let place = ferry_faults::oracle::Place::Sqlite(database.clone());
        let mut books = ferry_faults::oracle::Books::open(&place).await.expect("the database");
        assert!(books.is_whole().await.expect("checked"));
        let found = books.rows(&["name", "sql"], tables).await.expect("read");
        assert!(
            found == expected,
            "seed {seed}, round {round}: {} of {} tables and indexes",
            found.len(),
            expected.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r30_a_database_of_a_newer_ferry_is_refused_with_a_clear_message() {
    let mut yard = Yard::new(1, None).await;
    yard.books
        .execute(
            "insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
             select version + 1000, 'of the future', installed_on, success, checksum, execution_time
             from _sqlx_migrations order by version desc limit 1",
        )
        .await
        .expect("written");
    let status = yard.command(&["serve"]).status().await.expect("it ends");
    let log = log_of(yard.dir.path());
    assert!(!status.success() && log.to_lowercase().contains("newer"), "{log}");
}
