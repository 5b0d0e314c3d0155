//! The power fails: SQLite's files as a disk may hold them then, with any part of what was not synced yet.

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::testing::sqlite;
use super::{Database, DatabaseLocation, Tx, sql};

const IMAGES: usize = 500;
/// What a disk writes at once.
const SECTOR: usize = 512;
/// The head of a log.
const HEAD: usize = 32;

async fn add(tx: &mut Tx, number: i64) {
    let email = format!("{number:06}@example.com");
    sql::execute!(
        tx,
        "insert into users (id, email, email_key, role, is_enabled, created_at) values ($1, $2, $2, $3, $4, $5)",
        number.to_string(),
        email,
        "viewer",
        true,
        number,
    )
    .expect("added");
}

fn wal_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

/// The database and its log, as they are now.
fn files(path: &Path) -> (Vec<u8>, Vec<u8>) {
    (std::fs::read(path).expect("a database"), std::fs::read(wal_of(path)).expect("a log"))
}

/// The log while a transaction is written: some sectors are there already, the others are as before. Where the log begins
/// anew, over frames that stand in the database, its head is synced before anything else is written (`walFrames` in
/// SQLite's wal.c).
fn torn(before: &[u8], after: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut image = before.to_vec();
    if image.len() >= HEAD && image[..HEAD] != after[..HEAD] {
        if random.random_bool(0.2) {
            return image;
        }
        image[..HEAD].copy_from_slice(&after[..HEAD]);
    }
    let share = random.random_range(0.0..=1.0);
    for (at, sector) in after.chunks(SECTOR).enumerate() {
        let (begin, end) = (at * SECTOR, at * SECTOR + sector.len());
        if random.random_bool(share) {
            if image.len() < end {
                image.resize(end, 0);
            }
            image[begin..end].copy_from_slice(sector);
        }
    }
    image
}

/// The numbers that stand in an image.
async fn numbers_in(image: &Path) -> Vec<i64> {
    let db = Database::open(&DatabaseLocation::Sqlite(image.to_owned())).await.expect("it opens");
    let mut tx = db.read().await.expect("begun");
    let whole = sql::fetch_one!(
        &mut tx,
        (String,),
        sqlite: "select integrity_check from pragma_integrity_check",
        postgres: "select 'ok'"
    );
    assert_eq!(whole.expect("checked").0, "ok");
    let rows = sql::fetch_all!(&mut tx, (i64,), "select created_at from users order by created_at");
    let numbers = rows.expect("read").into_iter().map(|(number,)| number).collect();
    drop(tx);
    db.close().await;
    numbers
}

#[tokio::test]
async fn r03_whatever_of_a_transaction_reached_the_disk_all_before_it_is_there() {
    let db = sqlite().await;
    let path = db.file().expect("SQLite");
    let dir = tempfile::tempdir().expect("a folder");
    let mut random = StdRng::seed_from_u64(3);
    let (mut images, mut number, mut torn_away) = (0, 0, 0);
    while images < IMAGES {
        let before = files(&path);
        let first = number;
        let mut tx = db.begin().await.expect("begun");
        // Several pages, so that there is something to tear.
        for _ in 0..random.random_range(1..60) {
            number += 1;
            add(&mut tx, number).await;
        }
        tx.commit().await.expect("committed");
        let after = files(&path);
        if after.0 != before.0 {
            // The log was worked into the database, which is synced on its own.
            continue;
        }
        for _ in 0..5 {
            images += 1;
            let image = dir.path().join(format!("{images}.db"));
            std::fs::write(&image, &before.0).expect("written");
            std::fs::write(wal_of(&image), torn(&before.1, &after.1, &mut random)).expect("written");

            let found = numbers_in(&image).await;

            let is_prefix = |last: i64| found == (1..=last).collect::<Vec<_>>();
            assert!(is_prefix(first) || is_prefix(number), "{} of {first} or {number}", found.len());
            torn_away += u64::from(is_prefix(first));
            std::fs::remove_file(&image).expect("removed");
        }
    }
    assert!(torn_away > 100, "{torn_away}");
}
