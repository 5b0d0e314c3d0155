//! The real `ferry` process: what it prints, how it ends, and that people can be added beside it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use omnisend_simulator::{Options, PRACTICE_KEY, Simulator};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

mod codes;
mod hostile;
mod pipes;
mod secrecy;
mod sign_ins;
mod upgrades;
mod uploads;

const PATIENCE: Duration = Duration::from_secs(60);

fn ferry(data_dir: &Path, arguments: &[&str]) -> Command {
    // For the browsers of the tests; another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
    command.args(arguments).env_clear().env("FERRY_DATA_DIR", data_dir).env("FERRY_LISTEN", "127.0.0.1:0");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn ended(child: Child) -> (Option<i32>, String, String) {
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").expect("it ran");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn run(data_dir: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = ferry(data_dir, arguments).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("an input");
    stdin.write_all(input.as_bytes()).await.expect("taken");
    drop(stdin);
    ended(child).await
}

async fn terminate(child: &Child) {
    let id = child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill").success());
}

/// `ferry serve`, and its address once it is ready.
async fn serve(data_dir: &Path, settings: &[(&str, &str)]) -> (Child, String) {
    let mut command = ferry(data_dir, &["serve"]);
    let mut child = command.envs(settings.iter().copied()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("read").expect("a line");
    let link = line.split_whitespace().last().expect("a link").to_owned();
    let base = link.split("/set-up/").next().expect("an address").to_owned();
    for _ in 0..600 {
        if reqwest::get(format!("{base}/readyz")).await.is_ok_and(|answer| answer.status() == 200) {
            return (child, base);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is not ready");
}

#[tokio::test]
async fn a_first_start_prints_the_set_up_link_and_ends_cleanly_when_asked_to() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut child = ferry(dir.path(), &["serve"]).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();

    let line = timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("read").expect("a line");
    let link = line.split_whitespace().last().expect("a link");
    assert!(link.starts_with("http://127.0.0.1:") && link.contains("/set-up/"), "{line}");
    let page = reqwest::get(link).await.expect("an answer");
    assert_eq!(page.status(), 200);

    terminate(&child).await;
    let (code, _, log) = ended(child).await;
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("secret.key") && log.contains("back it up"), "{log}");
}

#[tokio::test]
async fn people_are_added_from_the_command_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let password = ["--role", "administrator", "--password-stdin"];
    let add = |arguments: &[&'static str]| [&["user", "add", "ana@example.com"], arguments].concat();

    let (code, _, errors) = run(dir.path(), &add(&password), "short\n").await;
    assert!(code == Some(1) && errors.contains("too short"), "{errors}");
    let (code, said, errors) = run(dir.path(), &add(&password), "blue harbour tide\n").await;
    assert!(code == Some(0) && said.contains("added"), "{said}{errors}");
    let (code, said, _) = run(dir.path(), &add(&["--role", "administrator"]), "").await;
    assert!(code == Some(0) && said.contains("/invitation/"), "{said}");
    let (code, _, errors) = run(dir.path(), &add(&["--role", "viewer"]), "").await;
    assert!(code == Some(1) && errors.contains("another role"), "{errors}");
    let (code, _, errors) = run(dir.path(), &["user", "add", "no address"], "").await;
    assert!(code == Some(1) && errors.contains("email is not acceptable"), "{errors}");
}

#[tokio::test]
async fn a_wrong_setting_ends_the_start_with_a_sentence_that_names_it() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, value) in [
        ("FERRY_LISTEN", "nowhere"),
        ("FERRY_PUBLIC_URL", "https://ferry.example.com/path"),
        ("FERRY_DATABASE_URL", "mysql://x"),
        ("FERRY_SECRET_KEY_FILE", "/does/not/exist"),
        ("FERRY_TRUSTED_PROXIES", "proxy"),
        ("FERRY_LOG", "server=loud"),
    ] {
        let mut command = ferry(dir.path(), &["serve"]);
        let (code, _, errors) = ended(command.env(name, value).spawn().expect("it starts")).await;
        assert_ne!(code, Some(0), "{name}");
        let named = name.trim_start_matches("FERRY_").to_lowercase().replace('_', "-");
        assert!(errors.contains(name) || errors.contains(&named) || errors.contains(value), "{name}: {errors}");
    }
}

#[tokio::test]
async fn check_says_what_is_well_and_what_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, said, _) = run(dir.path(), &["check"], "").await;
    assert!(code == Some(0) && said.contains("not made yet"), "{said}");

    let (server, _) = serve(dir.path(), &[]).await;
    terminate(&server).await;
    assert_eq!(ended(server).await.0, Some(0));
    let (code, said, _) = run(dir.path(), &["check"], "").await;
    assert!(code == Some(1) && said.contains("FAIL  administrators") && said.contains("ferry user add"), "{said}");
    let add = ["user", "add", "ana@example.com", "--role", "administrator", "--password-stdin"];
    let (code, _, errors) = run(dir.path(), &add, "blue harbour tide\n").await;
    assert_eq!(code, Some(0), "{errors}");
    let (code, said, _) = run(dir.path(), &["check"], "").await;
    assert!(code == Some(0) && said.contains("1 can sign in") && !said.contains("FAIL"), "{said}");

    let mut command = ferry(dir.path(), &["check"]);
    command.env("FERRY_SECRET_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    let (code, said, _) = ended(command.spawn().expect("it starts")).await;
    assert!(code == Some(1) && said.contains("FAIL  secret key"), "{said}");
}

/// What `ferry apply` makes of a file of two people: a segment of one, over a practice account.
const SHOP: &str = r#"
[data_source]
name = "Customers"
file = "customers.csv"
primary_key = "id"

[[segment]]
name = "Spain"
items = [{ attribute = "country", operator = "equals", values = ["ES"] }]

[[connection]]
name = "Shop"
kind = "omnisend"
key_env = "SHOP_KEY"
export_user = "ana@example.com"
consent = { agreed_by = "ana@example.com", language = "en", wording = "Agreed." }

[[export]]
name = "Letter"
connection = "Shop"
segments = ["Spain"]
matching = { email = "email" }
"#;

#[tokio::test]
async fn commands_do_the_whole_job_beside_a_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let simulator = Simulator::start(Options::default()).await.expect("a simulator");
    let url = simulator.url();
    let settings = [("FERRY_OMNISEND_URL", url.as_str()), ("SHOP_KEY", PRACTICE_KEY)];
    let (server, _) = serve(dir.path(), &settings).await;
    let command = async |arguments: &[&str], input: &str| {
        let mut child = ferry(dir.path(), arguments).envs(settings).spawn().expect("it starts");
        child.stdin.take().expect("an input").write_all(input.as_bytes()).await.expect("taken");
        ended(child).await
    };
    let files = dir.path().join("files");
    std::fs::create_dir(&files).expect("a folder");
    let customers = "id,email,country,phone\n1,ana@shop.example,ES,ask her\n2,bo@shop.example,SE,\n";
    std::fs::write(files.join("customers.csv"), customers).expect("written");
    let toml = files.join("ferry.toml");
    std::fs::write(&toml, SHOP.replace("{ email = \"email\" }", "{ email = \"email\", phone = \"phone\" }"))
        .expect("written");

    let add = ["user", "add", "ana@example.com", "--role", "administrator", "--password-stdin"];
    let (code, _, errors) = command(&add, "blue harbour tide\n").await;
    assert_eq!(code, Some(0), "{errors}");
    let apply = ["apply", toml.to_str().expect("a path")];
    let (code, said, errors) = command(&apply, "").await;
    assert!(code == Some(0) && said.contains("export `Letter`: added"), "{said}{errors}");
    let (code, said, errors) = command(&["run", "Letter", "--json"], "").await;
    assert_eq!(code, Some(0), "{said}{errors}");
    let receipt: serde_json::Value = serde_json::from_str(&said).expect("a receipt");
    for (name, count) in [
        ("members", 1),
        ("accepted", 1),
        ("unchanged", 0),
        ("rejected", 0),
        ("held", 0),
        ("unconfirmed", 0),
        ("tags_added", 1),
        ("tags_removed", 0),
        ("retries", 0),
        ("values_left_out", 1),
    ] {
        assert_eq!(receipt[name], count, "{name} of {receipt}");
    }
    // One with the contact, one with its tag, and looks at what became of them.
    assert!(receipt["requests"].as_u64() >= Some(2), "{receipt}");
    let (code, said, errors) = command(&["check"], "").await;
    assert!(code == Some(0) && said.contains("1 can be opened"), "{said}{errors}");

    terminate(&server).await;
    let (code, _, log) = ended(server).await;
    assert_eq!(code, Some(0), "{log}");
}

/// Memory of a process in KiB: `VmRSS` now, `VmHWM` at most so far.
fn memory(child: &Child, name: &str) -> u64 {
    let status = format!("/proc/{}/status", child.id().expect("it runs"));
    let status = std::fs::read_to_string(status).expect("a process has a status");
    let line = status.lines().find(|line| line.starts_with(name)).expect("memory");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
