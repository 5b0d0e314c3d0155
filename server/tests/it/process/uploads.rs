//! files from the browser, however large, whole or cut off, one or many at once: the real server's memory does not
//! grow with them, and only what is whole stays.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::{Body, Client, Response};
use sha2::{Digest as _, Sha256};
use tokio::process::Child;

use super::{memory, run, serve};

const MIB: u64 = 1 << 20;
/// What the memory of a server may grow by.
const MOST_KIB: u64 = 32 * 1024;

struct Yard {
    dir: tempfile::TempDir,
    server: Child,
    base: String,
    client: Client,
    cookie: String,
}

impl Yard {
    async fn open(limit: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (server, base) = serve(dir.path(), &[("FERRY_UPLOAD_LIMIT", limit)]).await;
        let add = ["user", "add", "bo@example.com", "--role", "contributor", "--password-stdin"];
        assert_eq!(run(dir.path(), &add, "blue harbour tide\n").await.0, Some(0));
        #[expect(clippy::disallowed_methods, reason = "the browser of the test, not a client of the server")]
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let form = "email=bo%40example.com&password=blue+harbour+tide";
        let ask = client.post(format!("{base}/api/session/sign-in")).header("sec-fetch-site", "same-origin");
        let ask = ask.header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = ask.send().await.expect("an answer");
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        Self { dir, server, base, client, cookie }
    }

    async fn upload(&self, body: Body) -> reqwest::Result<Response> {
        let ask = self.client.post(format!("{}/uploads", self.base)).header("sec-fetch-site", "same-origin");
        let ask = ask.header("content-type", "multipart/form-data; boundary=x").header("accept", "application/json");
        ask.header("cookie", &self.cookie).body(body).send().await
    }

    /// Names and sizes of what is in the folder of uploads.
    fn kept(&self) -> Vec<(String, u64)> {
        let entries = std::fs::read_dir(self.dir.path().join("uploads")).expect("the folder").flatten();
        entries
            .map(|one| (one.file_name().to_string_lossy().into_owned(), one.metadata().map_or(0, |m| m.len())))
            .collect()
    }

    /// Memory now; from here on the most is counted anew.
    fn watch(&self) -> u64 {
        let clear = Path::new("/proc").join(self.server.id().expect("it runs").to_string()).join("clear_refs");
        std::fs::write(clear, "5").expect("counted anew");
        memory(&self.server, "VmRSS")
    }

    /// By how much the most has been more than `before`.
    fn grown(&self, before: u64) -> u64 {
        memory(&self.server, "VmHWM").saturating_sub(before)
    }
}

/// The blocks of a file: all different, none of them held for longer than it takes to send it.
fn block(number: u64) -> Bytes {
    let length = usize::try_from(MIB).expect("small");
    let line = format!("{number:015}\n");
    Bytes::from(line.into_bytes().repeat(length / 16))
}

/// A form with a file of so many blocks, made while it is sent; `then` comes after the last of them.
fn form(blocks: std::ops::Range<u64>, then: Option<std::io::Result<Bytes>>) -> Body {
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"large.csv\"\r\n\r\n";
    let head = futures::stream::iter([Ok(Bytes::from_static(head.as_bytes()))]);
    let file = futures::stream::iter(blocks).map(|number| Ok(block(number)));
    Body::wrap_stream(head.chain(file).chain(futures::stream::iter(then)))
}

fn end() -> Option<std::io::Result<Bytes>> {
    Some(Ok(Bytes::from_static(b"\r\n--x--\r\n")))
}

/// How large the large file is; more for a campaign, as `FERRY_TEST_UPLOAD_MIB=10240`.
fn large() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a setting of the test, not of Ferry")]
    let set = std::env::var("FERRY_TEST_UPLOAD_MIB");
    set.ok().and_then(|text| text.parse().ok()).unwrap_or(64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r46_a_large_file_is_streamed_to_the_disk_and_hashed_on_the_way() {
    let blocks = large();
    let yard = Yard::open(&format!("{}M", blocks)).await;
    let mut hash = Sha256::new();
    (0..4).for_each(|number| hash.update(block(number)));
    let small = yard.upload(form(0..4, end())).await.expect("an answer");
    let small: serde_json::Value = small.json().await.expect("an answer");
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&small["bytes"], &small["sha256"]), (&(4 * MIB).into(), &digest.into()));
    let before = yard.watch();

    let begun = Instant::now();
    let answer = yard.upload(form(0..blocks, end())).await.expect("an answer");
    let took = begun.elapsed();

    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.expect("an answer");
    assert_eq!(answer["bytes"], blocks * MIB);
    let name = answer["upload"].as_str().expect("a name");
    assert!(yard.kept().contains(&(name.to_owned(), blocks * MIB)));
    let grown = yard.grown(before);
    let speed = (blocks * MIB) as f64 / 1e6 / took.as_secs_f64();
    println!("{blocks} MiB in {took:?}: {speed:.0} MB/s; memory grew by {grown} KiB");
    assert!(grown <= MOST_KIB, "{grown} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r46_twenty_uploads_at_once_are_kept_apart_and_take_the_memory_of_one() {
    const EACH: u64 = 6;
    let yard = Yard::open("64M").await;
    assert_eq!(yard.upload(form(0..1, end())).await.expect("an answer").status(), 200);
    let before = yard.watch();

    let all = (0..20).map(|n| yard.upload(form(n * 100..n * 100 + EACH, end())));
    let answers = futures::future::join_all(all).await;

    for (n, answer) in (0..20).zip(answers) {
        let answer: serde_json::Value = answer.expect("an answer").json().await.expect("an answer");
        let name = answer["upload"].as_str().expect("a name");
        let kept = std::fs::read(yard.dir.path().join("uploads").join(name)).expect("kept");
        let expected: Vec<u8> = (n * 100..n * 100 + EACH).flat_map(|number| block(number).to_vec()).collect();
        assert!(kept == expected, "the file of {n} is another one");
    }
    let grown = yard.grown(before);
    println!("20 uploads of {EACH} MiB at once: memory grew by {grown} KiB");
    assert!(grown <= MOST_KIB, "{grown} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r46_what_is_too_large_or_cut_off_leaves_nothing() {
    let yard = Yard::open("8M").await;
    let whole = yard.upload(form(0..8, end())).await.expect("an answer");
    assert_eq!(whole.status(), 200, "the limit itself is allowed");
    let kept = yard.kept();

    // One byte more, without a length that would tell it before.
    let more = Some(Ok(Bytes::from_static(b"!\r\n--x--\r\n")));
    let refused = yard.upload(form(0..8, more)).await.expect("an answer");
    assert_eq!(refused.status(), 413);
    // The line breaks after every kind of piece.
    for blocks in [0, 1, 5] {
        let gone = Some(Err(std::io::Error::other("the browser goes away")));
        assert!(yard.upload(form(0..blocks, gone)).await.is_err());
    }
    for _ in 0..200 {
        if yard.kept() == kept {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("something is left: {:?}", yard.kept());
}
