//! the disk is full, under the database, its log, plans, ledgers and uploads. Nothing is damaged, the run waits, and
//! all goes on by itself when there is room.

use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::settings;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Child;

use crate::share;
use crate::small_disk::Disk;
use crate::visitor::{JSON, PAGE, Visitor, answer, status};
use crate::yard::{IN_FLIGHT, PATIENCE, Yard, log_of, memory_folder, signal};

/// So many bytes are left, in turn: where each of them runs out another write fails.
const LEFT: [u64; 7] = [0, 4 << 10, 16 << 10, 48 << 10, 128 << 10, 400 << 10, 1 << 20];
/// The disk stays full for so long.
const FULL: Duration = Duration::from_millis(2_500);

/// A click on *Run*; true when the run is queued.
async fn click_run(yard: &mut Yard, visitor: &Visitor) -> bool {
    let exports = yard.books.rows(&["id"], "exports").await.expect("read");
    let form = format!("id={}", exports[0]["id"].as_str().expect("an id"));
    let said = visitor.submit("/api/exports/run", &form).await;
    assert!(matches!(status(&said), 302 | 303 | 500 | 503), "{said}");
    !yard.is_over().await
}

async fn newest_run(yard: &mut Yard) -> Value {
    yard.books.runs().await.expect("read").pop().unwrap_or_default()
}

/// Looks at the run while the disk is full; true when it was seen to wait for room.
async fn stays_full(yard: &mut Yard, server: &mut Child) -> bool {
    let (begun, mut has_waited) = (Instant::now(), false);
    while begun.elapsed() < FULL {
        let run = newest_run(yard).await;
        assert_ne!(run["state"], "failed", "{run}\n{}", log_of(yard.dir.path()));
        has_waited |= run["state"] == "waiting" && run["reason"] == "storage";
        assert!(server.try_wait().expect("asked").is_none(), "it ended:\n{}", log_of(yard.dir.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    has_waited
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r25_on_a_full_disk_a_run_waits_and_goes_on_by_itself_when_there_is_room() {
    let name = "disk::r25_on_a_full_disk_a_run_waits_and_goes_on_by_itself_when_there_is_room";
    let dir = memory_folder();
    let Some(disk) = Disk::of_test(name, &dir.path().join("data"), 64).await else { return };
    let seed = settings::number("FERRY_KILL_SEED", 1);
    let mut chance = Chance::of(seed);
    let mut yard = Yard::within(dir, 1, None).await;
    yard.start_by(disk.started_by());
    yard.answer_after(60);
    let mut server = yard.serve().await;
    let mut visitor = Visitor::sign_in(&yard).await;
    let rounds = share(8);
    let (mut waits, mut held_up, mut slowest) = (0, 0, Duration::ZERO);
    for round in 0..rounds {
        let count = chance.within(2_000..4_000);
        yard.refresh(&mut chance, count).await;
        let left = LEFT[usize::try_from(round).expect("small") % LEFT.len()];
        // Full before the run is queued, or at any moment of it.
        let is_queued = if round % 2 == 0 {
            disk.fill(&server, left).await;
            if left == 0 && matches!(disk, Disk::Small(_)) {
                // The same people once more: it fails, and says so.
                let mut import = yard.command(&["import", "customers.csv", "--name", "Customers"]);
                let ended = tokio::time::timeout(PATIENCE, import.status()).await.expect("it ends");
                assert!(!ended.expect("it starts").success(), "{}", log_of(yard.dir.path()));
            }
            click_run(&mut yard, &visitor).await
        } else {
            assert!(click_run(&mut yard, &visitor).await, "it is queued");
            yard.moment(&mut chance, Duration::from_millis(900)).await;
            disk.fill(&server, left).await;
            true
        };
        waits += u64::from(stays_full(&mut yard, &mut server).await);
        held_up += u64::from(is_queued && !yard.is_over().await);
        if round % 4 == 3 {
            // A crash on top of it. Whether it starts on a full disk is its own affair; it must do no harm.
            yard.kill(server).await;
            let hasty = yard.spawn(&["serve"]);
            disk.is_full_for(&hasty, left).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            yard.kill(hasty).await;
            disk.empty(None).await;
            server = yard.serve().await;
            visitor = Visitor::sign_in(&yard).await;
        } else {
            disk.empty(Some(&server)).await;
        }
        if !is_queued {
            assert!(click_run(&mut yard, &visitor).await, "there is room for it now");
        }
        slowest = slowest.max(yard.until_over().await);
        let run = newest_run(&mut yard).await;
        assert_eq!(run["state"], "successful", "round {round}, {left} bytes left: {run}");
        // Each break-off may have left something on its way.
        yard.told.broken_off += run["fence"].as_u64().expect("a number") * IN_FLIGHT;
        yard.told.is_over = true;
        yard.check(seed).await;
    }
    signal(&server, "-TERM").await;
    assert!(server.wait_with_output().await.expect("it ends").status.success(), "{}", log_of(yard.dir.path()));
    yard.told.data_dir = Some(yard.dir.path().join("data"));
    yard.check(seed).await;
    println!("{rounds} times full, seed {seed}: {held_up} runs held up, {waits} of them seen to wait for room");
    println!("the slowest was over {slowest:?} after there was room");
    assert!(held_up > 0, "no run was in need of room");
    // Where no file may grow, nobody can write down that it waits.
    assert!(waits > 0 || matches!(disk, Disk::Limits), "no run was seen to wait for room");
}

/// A form with a file in it.
fn form(bytes: usize) -> Vec<u8> {
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
    [head.as_bytes(), &vec![b'x'; bytes], b"\r\n--x--\r\n"].concat()
}

const KIND: &str = "multipart/form-data; boundary=x";

fn uploads(yard: &Yard) -> Vec<String> {
    let entries = std::fs::read_dir(yard.dir.path().join("data/uploads")).expect("the folder");
    let mut names: Vec<_> = entries.map(|one| one.expect("one").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits until something of an upload is on the disk.
async fn until_it_is_written(yard: &Yard, before: &[String]) {
    let folder = yard.dir.path().join("data/uploads");
    let is_new = |name: &String| {
        !before.contains(name) && std::fs::metadata(folder.join(name)).is_ok_and(|found| found.len() > 0)
    };
    let begun = Instant::now();
    while !uploads(yard).iter().any(is_new) {
        assert!(begun.elapsed() < PATIENCE, "nothing is written:\n{}", log_of(yard.dir.path()));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r25_an_upload_to_a_full_disk_gets_507_and_leaves_nothing() {
    let name = "disk::r25_an_upload_to_a_full_disk_gets_507_and_leaves_nothing";
    let dir = memory_folder();
    // Half a GiB has to stay free.
    let Some(disk) = Disk::of_test(name, &dir.path().join("data"), 576).await else { return };
    let mut yard = Yard::within(dir, 1, None).await;
    yard.start_by(disk.started_by());
    let server = yard.serve().await;
    let visitor = Visitor::sign_in(&yard).await;
    // What the yard itself has imported.
    let before = uploads(&yard);
    let body = form(4 << 20);
    let (first, rest) = body.split_at(1 << 20);

    // Full in the middle of it.
    let mut upload = visitor.begin("/uploads", KIND, JSON, body.len()).await;
    upload.write_all(first).await.expect("sent");
    until_it_is_written(&yard, &before).await;
    disk.fill(&server, 4096).await;
    upload.write_all(rest).await.expect("sent");
    let said = answer(upload).await;
    assert!(status(&said) == 507 && said.contains("no_space"), "{said}\n{}", log_of(yard.dir.path()));
    assert_eq!(uploads(&yard), before);

    // Full before it. Without script, a page leads back to the form, which says why.
    if matches!(disk, Disk::Small(_)) {
        for (accept, expected) in [(JSON, 507), (PAGE, 303)] {
            let mut upload = visitor.begin("/uploads", KIND, accept, body.len()).await;
            upload.write_all(&body).await.expect("sent");
            let said = answer(upload).await;
            assert!(status(&said) == expected && said.contains("no_space"), "{said}");
            assert_eq!(uploads(&yard), before);
        }
    }

    disk.empty(Some(&server)).await;
    let mut upload = visitor.begin("/uploads", KIND, JSON, body.len()).await;
    upload.write_all(&body).await.expect("sent");
    let said = answer(upload).await;
    assert!(status(&said) == 200, "{said}");
    assert_eq!(uploads(&yard).len(), before.len() + 1);
    signal(&server, "-TERM").await;
    assert!(server.wait_with_output().await.expect("it ends").status.success(), "{}", log_of(yard.dir.path()));
}
