//! No customer's address and no key stands in a log, however much is logged and whatever goes wrong.

use std::fmt::Write as _;
use std::process::Stdio;

use omnisend_simulator::{Action, Endpoint, ItemErrors, PRACTICE_KEY, RetryIn, Rule, Script};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::codes::{KEY, Shop};
use super::{PATIENCE, SHOP, ended, terminate};

const PASSWORD: &str = "blue harbour tide";

/// What [`SHOP`] says, with names as well, and marked by properties: whoever leaves takes a request for each of them.
fn letter() -> String {
    let text = SHOP.replace("{ email = \"email\" }", "{ email = \"email\", first_name = \"name\" }");
    assert_ne!(text, SHOP);
    text + "marking = \"properties\"\n"
}

/// Customers, whose addresses and names are found again wherever they are written, some of them unusable.
fn customers(leavers: usize) -> String {
    (0..250).fold("id,email,name,country\n".to_owned(), |mut text, n| {
        let country = if n < leavers { "SE" } else { "ES" };
        let email = if n % 17 == 5 { format!("canary{n} at fnord") } else { format!("canary{n}@fnord.example") };
        writeln!(text, "{n},{email},Fnordname{n},{country}").expect("written");
        text
    })
}

/// Answers of all kinds, each followed by a good one; some of them quote what they were sent.
fn faults() -> Script {
    let status = |status, html| Action::Status { status, retry_after: None, retry_in: RetryIn::Body, html };
    let quoting = |status: u16| Action::Body {
        status,
        content_type: "application/json".to_owned(),
        body: r#"{"title":"canary7@fnord.example is bad","detail":"canary7@fnord.example, Fnordname7"}"#.to_owned(),
        repeat: 1,
    };
    let actions = [
        status(429, false),
        status(500, false),
        status(503, true),
        Action::ResetBefore,
        Action::ResetAfter { at_byte: 0 },
        Action::CutBody { share: 0.5 },
        quoting(500),
        quoting(400),
    ];
    let mut rules: Vec<Rule> =
        (1..).step_by(2).zip(actions).map(|(nth, action)| Rule { nth: vec![nth], ..Rule::always(action) }).collect();
    let refused = ItemErrors {
        email: "canary1*".to_owned(),
        message: "canary1@fnord.example is not deliverable".to_owned(),
        ..ItemErrors::default()
    };
    rules.push(Rule::on("POST", "/batches", Action::ItemErrors(refused)));
    Script { rules }
}

#[track_caller]
fn no_secret(what: &str, log: &str) {
    for secret in ["canary", "fnord", "Fnord", PRACTICE_KEY, KEY, PASSWORD] {
        if let Some(line) = log.lines().find(|line| line.contains(secret)) {
            panic!("{what}: a log holds {secret}: {line}");
        }
    }
}

impl Shop {
    /// Carries a command out with everything logged; what it printed and logged.
    async fn loudly(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(arguments);
        let (code, said, log) = ended(command.env("FERRY_LOG", "trace").spawn().expect("it starts")).await;
        let all = format!("{said}\n{log}");
        no_secret(arguments[0], &all);
        (code, all)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_14_no_address_and_no_key_stands_in_a_log_whatever_goes_wrong() {
    let shop = Shop::open().await;
    shop.file("customers.csv", &customers(0));
    let toml = shop.file("ferry.toml", &letter());
    let apply = ["apply", toml.to_str().expect("a path")];
    let (code, said) = shop.loudly(&apply).await;
    assert_eq!(code, Some(0), "{said}");

    shop.simulator.state().set_faults(faults());
    let (code, said) = shop.loudly(&["run", "Letter"]).await;
    assert!(code == Some(3) && said.contains("completed_with_errors"), "{said}");
    assert!(said.lines().filter(|line| line.contains("no success")).count() >= 6, "errors of all kinds");
    // Those who leave are named in the addresses of requests.
    shop.simulator.state().set_faults(Script::default());
    shop.file("customers.csv", &customers(12));
    let (code, said) = shop.loudly(&apply).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = shop.loudly(&["run", "Letter"]).await;
    assert_eq!(code, Some(3), "{said}");
    let asked = shop.simulator.state().requests(0, usize::MAX);
    assert!(asked.iter().any(|one| one.endpoint == Endpoint::ContactPatchByEmail), "somebody left");
    // A key that is refused.
    shop.simulator.state().set_faults(Script::one(Rule::always(Action::RevokeKey { status: 401 })));
    shop.file("customers.csv", &customers(1));
    assert_eq!(shop.loudly(&apply).await.0, Some(0));
    let mut command = shop.command(&["run", "Letter"]);
    let command = command.env("FERRY_LOG", "trace").stdin(Stdio::null());
    let mut waits = command.spawn().expect("it starts");
    let mut log = String::new();
    let mut errors = waits.stderr.take().expect("a log");
    let mut bytes = [0; 65536];
    while !log.contains("reason=\"key_refused\"") {
        let length = timeout(PATIENCE, errors.read(&mut bytes)).await.expect("in time").expect("read");
        assert!(length > 0, "it ended: {log}");
        log.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    waits.kill().await.expect("killed");
    no_secret("a refused key", &log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_14_no_address_and_no_password_stands_in_the_log_of_the_server() {
    let shop = Shop::open().await;
    let mut command = shop.command(&["serve"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let command = command.env("FERRY_LOG", "trace").env("FERRY_LISTEN", address.to_string());
    let server = command.stderr(std::fs::File::create(shop.dir.path().join("log")).expect("a file"));
    let server = server.spawn().expect("it starts");
    let base = format!("http://{address}");
    #[expect(clippy::disallowed_methods, reason = "the browser of the test, not a client of the server")]
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    for _ in 0..600 {
        if client.get(format!("{base}/readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let sign_in = async |email: &str, password: &str| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs([("email", email), ("password", password)]).finish();
        let request = client.post(format!("{base}/api/session/sign-in")).header("sec-fetch-site", "same-origin");
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.expect("an answer")
    };
    assert_eq!(sign_in("canary@fnord.example", "fnord fnord fnord").await.status(), 422);
    let answer = sign_in("ana@example.com", PASSWORD).await;
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();

    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"fnord.csv\"\r\n\r\n";
    let form = format!("{head}{}\r\n--x--\r\n", customers(0));
    let upload = client.post(format!("{base}/uploads")).header("sec-fetch-site", "same-origin");
    let upload = upload.header("content-type", "multipart/form-data; boundary=x").header("cookie", &cookie);
    let uploaded = upload.header("accept", "application/json").body(form).send().await.expect("an answer");
    let uploaded: serde_json::Value = uploaded.json().await.expect("an answer");
    let preview = uploaded["next"].as_str().expect("a page").to_owned();
    for path in [preview.as_str(), "/data/profiles?search=canary3%40fnord.example", "/nowhere/canary@fnord.example"] {
        let page = client.get(format!("{base}{path}")).header("cookie", &cookie).header("accept", "text/html");
        let page = page.send().await.expect("an answer").text().await.expect("a page");
        assert!(path != preview || page.contains("Fnordname3"), "a person sees the rows");
    }
    terminate(&server).await;
    assert_eq!(ended(server).await.0, Some(0));
    let log = std::fs::read_to_string(shop.dir.path().join("log")).expect("a log");
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "everything is logged");
    no_secret("the server", &log);
    assert!(!log.contains(cookie.split_once('=').expect("a pair").1), "a session");
}
