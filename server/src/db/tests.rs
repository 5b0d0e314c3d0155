//! Tests of the foundation: transactions, cancellation, errors, and the two sets of migrations.

use std::time::Duration;

use super::testing::{databases, sqlite};
use super::{DatabaseLocation, DbError, Tx, sql};

async fn add(tx: &mut Tx, id: i64) -> Result<u64, DbError> {
    sql::execute!(
        tx,
        "insert into users (id, email, email_key, role, is_enabled, created_at) values ($1, $2, $2, $3, $4, $5)",
        id.to_string(),
        format!("{id}@example.com"),
        "viewer",
        true,
        7_i64,
    )
}

async fn count(tx: &mut Tx) -> i64 {
    sql::fetch_one!(tx, (i64,), "select count(*) from users where is_enabled").expect("counted").0
}

#[tokio::test]
async fn one_text_serves_both_databases() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        assert_eq!(add(&mut tx, 1).await.expect("added"), 1);
        tx.commit().await.expect("committed");

        let mut tx = db.read().await.expect("begun");
        let rows =
            sql::fetch_all!(&mut tx, (String, bool, Option<i64>), "select email, is_enabled, last_sign_in from users");
        assert_eq!(rows.expect("read"), [("1@example.com".to_owned(), true, None)]);
        let row = sql::fetch_optional!(&mut tx, (i64,), "select created_at from users where id = $1", "2");
        assert_eq!(row.expect("read"), None);
        let kind = sql::fetch_one!(&mut tx, (String,), sqlite: "select 'SQLite'", postgres: "select 'PostgreSQL'");
        assert_eq!(kind.expect("read").0, db.kind());
    }
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_a_reader_cannot_write() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        add(&mut tx, 1).await.expect("added");
        drop(tx);

        let mut tx = db.read().await.expect("begun");
        assert_eq!(count(&mut tx).await, 0);
        assert!(add(&mut tx, 2).await.is_err());
    }
}

#[tokio::test]
async fn a_broken_rule_is_told_by_its_index() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        add(&mut tx, 1).await.expect("added");
        let same_email = sql::execute!(
            &mut tx,
            "insert into users (id, email, email_key, role, is_enabled, created_at)
             values ('2', 'x', '1@example.com', 'viewer', $1, 7)",
            true,
        );
        let error = same_email.expect_err("refused");
        assert!(error.is_duplicate("users_email_key", "users.email_key"), "{error:?}");
        assert!(!error.is_duplicate("users_pkey", "users.id"));
        drop(tx);

        let mut tx = db.begin().await.expect("begun");
        let refused = sql::execute!(
            &mut tx,
            "insert into users (id, email, email_key, role, is_enabled, created_at) values ('3', 'x', 'x', 'owner', $1, 7)",
            true,
        );
        assert!(matches!(refused, Err(DbError::Check(_))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_begin_leaves_no_transaction_behind() {
    for db in databases().await {
        for round in 0..200_u64 {
            let begin = tokio::time::timeout(Duration::from_micros(round * 5), db.begin());
            drop(begin.await);
        }

        let mut tx = db.begin().await.expect("begun");
        add(&mut tx, 1).await.expect("added");
        tx.commit().await.expect("committed");
        let mut tx = db.read().await.expect("begun");
        assert_eq!(count(&mut tx).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_topic_is_entered_by_one_at_a_time() {
    for db in databases().await {
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let db = db.db.clone();
                tokio::spawn(async move {
                    let mut tx = db.begin().await.expect("begun");
                    tx.lock(super::Topic::Administrators).await.expect("locked");
                    // Nobody else may add between the count and the insert.
                    if count(&mut tx).await == 0 {
                        tokio::task::yield_now().await;
                        let id = uuid::Uuid::now_v7().as_u128() as i64;
                        add(&mut tx, id).await.expect("added");
                    }
                    tx.commit().await.expect("committed");
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(count(&mut db.read().await.expect("begun")).await, 1);
    }
}

/// What every connection has to be like: the journal, syncing, foreign keys, patience in milliseconds, trusting no schema.
async fn pragmas(tx: &mut Tx) -> (String, i64, i64, i64, i64) {
    let mode = sql::fetch_one!(tx, (String,), "select journal_mode from pragma_journal_mode").expect("read").0;
    let sync = sql::fetch_one!(tx, (i64,), "select synchronous from pragma_synchronous").expect("read").0;
    let keys = sql::fetch_one!(tx, (i64,), "select foreign_keys from pragma_foreign_keys").expect("read").0;
    let busy = sql::fetch_one!(tx, (i64,), "select timeout from pragma_busy_timeout").expect("read").0;
    let trusted = sql::fetch_one!(tx, (i64,), "select trusted_schema from pragma_trusted_schema").expect("read").0;
    (mode, sync, keys, busy, trusted)
}

#[tokio::test]
async fn r03_every_connection_keeps_what_it_answered() {
    let db = sqlite().await;
    let expected = ("wal".to_owned(), 2, 1, 10_000, 0);
    // All readers at once, and the writer: the first time, and when they are used again.
    for _ in 0..2 {
        let mut open = vec![db.begin().await.expect("begun")];
        for _ in 0..4 {
            open.push(db.read().await.expect("begun"));
        }
        for tx in &mut open {
            assert_eq!(pragmas(tx).await, expected);
        }
    }
}

#[tokio::test]
async fn only_its_owner_reads_a_sqlite_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let db = sqlite().await;
    let mut tx = db.begin().await.expect("begun");
    add(&mut tx, 1).await.expect("added");
    tx.commit().await.expect("committed");

    let file = db.file().expect("a file");
    for end in ["", "-wal"] {
        let path = format!("{}{end}", file.display());
        let mode = std::fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let all = databases().await;
    let mut found = Vec::new();
    for db in &all {
        let mut tx = db.read().await.expect("begun");
        let columns = sql::fetch_all!(
            &mut tx,
            (String, String),
            sqlite: "select t.name, c.name from pragma_table_list t, pragma_table_info(t.name) c
                     where t.type = 'table' and t.name not like 'sqlite%' and t.name not like '\\_sqlx%' escape '\\'
                     order by t.name, c.name",
            postgres: "select table_name::text, column_name::text from information_schema.columns
                       where table_schema = current_schema() and table_name not like '\\_sqlx%'
                       order by table_name::text collate \"C\", column_name::text collate \"C\"",
        );
        found.push(columns.expect("read"));
    }
    assert!(found[0].len() > 20);
    for other in &found[1..] {
        assert_eq!(&found[0], other);
    }
    let names = |kind: &str| {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/");
        let mut names: Vec<_> = std::fs::read_dir(format!("{dir}{kind}"))
            .expect("there")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn the_database_is_found_from_its_address() {
    let read = |text: Option<&str>| {
        let text = text.map(secrecy::SecretString::from);
        DatabaseLocation::read(text.as_ref(), std::path::Path::new("/data"))
    };
    let path = |location| match location {
        Ok(DatabaseLocation::Sqlite(path)) => path.display().to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(path(read(None)), "/data/ferry.db");
    assert_eq!(path(read(Some("sqlite:///srv/ferry.db"))), "/srv/ferry.db");
    assert_eq!(path(read(Some("sqlite:ferry.db"))), "ferry.db");
    assert!(matches!(read(Some("postgres://ferry:secret@db/ferry")), Ok(DatabaseLocation::Postgres(_))));
    for wrong in ["", "mysql://x", "sqlite:", "sqlite::memory:"] {
        assert!(matches!(read(Some(wrong)), Err(DbError::Location)), "{wrong}");
    }
}

#[test]
fn placeholders_are_counted() {
    assert_eq!(sql::placeholders("select 1"), 0);
    assert_eq!(sql::placeholders("select $2, $1, $12, $2"), 12);
}
