//! S-19: a crowd signs in at once. Hashing a password takes a core and 19 MiB for a moment (ASVS 11.4.2 wants it costly),
//! so only two are hashed at a time: the others wait, and nobody else does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Client;
use reqwest::redirect::Policy;

use super::{memory, run, serve};

/// How many sign in.
const CROWD: usize = 200;
/// How many are hashed at a time, and what one takes.
const AT_ONCE: u64 = 2;
const HASH_KIB: u64 = 19 * 1024;
/// What their requests and the pages may take beside that. All hashes at once would take a hundred times as much.
const REQUESTS_KIB: u64 = 64 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s19_two_hundred_sign_ins_take_the_memory_of_two_and_hold_up_nobody_else() {
    let dir = tempfile::tempdir().expect("a folder");
    // Each comes from an address of its own: otherwise the budget of one would turn most of them away before any hashing.
    let (server, base) = serve(dir.path(), &[("FERRY_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let add = ["user", "add", "bo@example.com", "--role", "viewer", "--password-stdin"];
    assert_eq!(run(dir.path(), &add, "blue harbour tide\n").await.0, Some(0));
    #[expect(clippy::disallowed_methods, reason = "the browsers of the test, not a client of the server")]
    let client = Client::builder().redirect(Policy::none()).build().expect("a client");
    let sign_in = |n: usize, email: String| {
        let request = client.post(format!("{base}/api/session/sign-in")).header("sec-fetch-site", "same-origin");
        let form = [("email", email), ("password", "blue harbour tide".to_owned())];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request.header("x-forwarded-for", format!("198.51.100.{n}")).header("accept", "text/html");
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send()
    };
    let answer = sign_in(0, "bo@example.com".to_owned()).await.expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let page = async || {
        let asked = Instant::now();
        let answer = client.get(format!("{base}/data/exports")).header("cookie", &cookie).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(answer.text().await.expect("a page").contains("bo@example.com"));
        asked.elapsed()
    };
    page().await;
    let clear = format!("/proc/{}/clear_refs", server.id().expect("it runs"));
    std::fs::write(clear, "5").expect("counted anew");
    let before = memory(&server, "VmRSS");

    let open = AtomicUsize::new(CROWD);
    let crowd = join_all((1..=CROWD).map(|n| {
        let email = if n == 100 { "bo@example.com".to_owned() } else { format!("nobody-{n}@example.com") };
        let (answer, open) = (sign_in(n, email), &open);
        async move {
            let to = answer.await.expect("an answer").headers()["location"].to_str().expect("text").to_owned();
            open.fetch_sub(1, Ordering::SeqCst);
            to
        }
    }));
    let visitor = async {
        let mut waits = Vec::new();
        while open.load(Ordering::SeqCst) > 0 {
            waits.push(page().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        waits
    };
    let begun = Instant::now();
    let (answers, mut waits) = tokio::join!(crowd, visitor);

    let wrong = answers.iter().filter(|to| to.contains("wrong_credentials")).count();
    assert_eq!(wrong, CROWD - 1, "each of them was looked at: {:?}", answers.last());
    assert!(waits.len() >= 10, "{waits:?}: the page came no more often while they signed in");
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    let most = AT_ONCE * HASH_KIB + REQUESTS_KIB;
    assert!(grown < most, "{CROWD} sign-ins took {grown} KiB more, two at once need {} KiB", AT_ONCE * HASH_KIB);
    waits.sort();
    let at = |percent: usize| waits[(waits.len() * percent / 100).min(waits.len() - 1)];
    println!(
        "{CROWD} sign-ins in {:?}, {grown} KiB more; {} pages beside them: half within {:?}, 95 % within {:?}, all within {:?}",
        begun.elapsed(),
        waits.len(),
        at(50),
        at(95),
        at(100)
    );
}
