//! The real `ferry` process: what it prints, how it ends, and that people can be added beside it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

fn ferry(data_dir: &Path, arguments: &[&str]) -> Command {
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
