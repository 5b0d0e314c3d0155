//! a crowd looks at the progress of a run, and some of them never read what they are told. The run does not care.

use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::gauge::memory;
use crate::visitor::Visitor;
use crate::yard::{IN_FLIGHT, PATIENCE, Yard, log_of, signal};

/// A few, whose looks make everything warm, and the crowd.
const FEW: usize = 20;
const WATCHERS: usize = 200;
/// One of so many never reads what it is told.
const DEAF: usize = 4;
/// What one of them may cost: 64 KiB. Without optimization every future is larger, and 50 to 60 KiB were measured.
const MEMORY: u64 = if cfg!(debug_assertions) { 96 << 10 } else { 64 << 10 };
/// Between two looks, as on the page of a run.
const PAUSE: Duration = Duration::from_secs(2);
/// The first requests are answered after so long, which is less than Ferry's patience: meanwhile the run does nothing.
const QUIET: Duration = Duration::from_secs(7);

/// Looks again and again, and reads each answer; gives how many there were.
async fn look(visitor: Visitor, path: String) -> u64 {
    let (mut connection, request) = visitor.watch(&path).await;
    let mut answers = 0;
    loop {
        connection.write_all(request.as_bytes()).await.expect("asked");
        let said = next_answer(&mut connection).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        answers += 1;
        if said.contains("\"is_final\":true") {
            return answers;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One answer on a connection that stays.
async fn next_answer(connection: &mut TcpStream) -> String {
    let (mut said, mut buffer) = (String::new(), vec![0; 4096]);
    loop {
        let read = connection.read(&mut buffer).await.expect("an answer");
        assert!(read > 0, "the server went away after: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let Some((head, body)) = said.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if length.is_some_and(|length| body.len() >= length) {
            return said;
        }
    }
}

/// Asks and asks, and reads nothing, until nothing more can be sent.
async fn do_not_read(visitor: Visitor, path: String) -> u64 {
    let (mut connection, request) = visitor.watch(&path).await;
    while connection.write_all(request.repeat(5).as_bytes()).await.is_ok() {
        tokio::time::sleep(PAUSE).await;
    }
    // Thrown out.
    std::future::pending().await
}

/// So many begin to look; gives those who will know of the end.
fn gather(count: usize, visitor: &Visitor, path: &str, deaf: &mut JoinSet<u64>) -> JoinSet<u64> {
    let mut attentive = JoinSet::new();
    for n in 0..count {
        if n % DEAF == 0 {
            deaf.spawn(do_not_read(visitor.clone(), path.to_owned()));
        } else {
            attentive.spawn(look(visitor.clone(), path.to_owned()));
        }
    }
    attentive
}

/// They look while the run itself waits for answers, so that the memory is theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r51_two_hundred_who_look_at_a_run_cost_little_memory_and_cannot_stop_it() {
    let mut yard = Yard::new(1, None).await;
    yard.refresh(&mut Chance::of(51), 8_000).await;
    let server = yard.serve().await;
    let visitor = Visitor::sign_in(&yard).await;
    yard.answer_after(u64::try_from(QUIET.as_millis()).expect("small"));
    let run = visitor.click_run(&mut yard).await;
    let path = format!("/api/runs/progress?id={run}");
    let (begun, before) = (Instant::now(), yard.requests());
    while yard.requests() < before + IN_FLIGHT {
        assert!(begun.elapsed() < PATIENCE, "nothing is sent:\n{}", log_of(yard.dir.path()));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    yard.answer_after(100);
    let (quiet, mut deaf) = (Instant::now(), JoinSet::new());
    let mut attentive = gather(FEW, &visitor, &path, &mut deaf);
    tokio::time::sleep(QUIET / 4).await;
    let few = memory(&server);
    let mut crowd = gather(WATCHERS - FEW, &visitor, &path, &mut deaf);
    let mut most = few;
    while quiet.elapsed() < QUIET.mul_f64(0.9) {
        most = most.max(memory(&server));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let each = (most - few) / (WATCHERS - FEW) as u64;
    println!("{} MiB with {FEW}, {} MiB with {WATCHERS}: {} KiB for each", few >> 20, most >> 20, each >> 10);
    assert!(each <= MEMORY, "{each} bytes for each");

    yard.until_over().await;
    let (took, patience) = (begun.elapsed(), Instant::now());
    let mut answers = 0;
    for watchers in [&mut attentive, &mut crowd] {
        while let Some(watcher) = tokio::time::timeout(PATIENCE, watchers.join_next()).await.expect("all learn of it") {
            answers += watcher.expect("it did not break off");
        }
    }
    println!("over after {took:?}, with {answers} looks; the last knew {:?} later", patience.elapsed());
    let state = &yard.books.runs().await.expect("read").pop().expect("a run")["state"];
    assert_eq!(state, "successful", "{}", log_of(yard.dir.path()));
    assert!(took < QUIET * 3 + Duration::from_secs(10), "{took:?}");
    signal(&server, "-TERM").await;
    assert!(server.wait_with_output().await.expect("it ends").status.success(), "{}", log_of(yard.dir.path()));
    yard.told.is_over = true;
    yard.check(51).await;
}

/// The same first run, with nobody who looks and with the crowd.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r51_a_run_that_two_hundred_look_at_takes_no_longer() {
    let mut took = Vec::new();
    for count in [0, WATCHERS] {
        let mut yard = Yard::new(1, None).await;
        yard.refresh(&mut Chance::of(51), 20_000).await;
        let server = yard.serve().await;
        let visitor = Visitor::sign_in(&yard).await;
        yard.answer_after(500);
        let begun = Instant::now();
        let run = visitor.click_run(&mut yard).await;
        let mut deaf = JoinSet::new();
        let attentive = gather(count, &visitor, &format!("/api/runs/progress?id={run}"), &mut deaf);
        yard.until_over().await;
        took.push(begun.elapsed());
        drop((attentive, deaf));
        signal(&server, "-TERM").await;
        assert!(server.wait_with_output().await.expect("it ends").status.success(), "{}", log_of(yard.dir.path()));
        yard.told.is_over = true;
        yard.check(51).await;
    }
    let longer = took[1].as_secs_f64() / took[0].as_secs_f64() - 1.0;
    println!("{:?} alone, {:?} with {WATCHERS} who look: {:+.1} %", took[0], took[1], longer * 100.0);
    // The promise is 5 %; this machine may be busy with other tests.
    assert!(longer < 0.5, "{took:?}");
}
