//! What the commands say when not all is well, and with which exit code they end.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use omnisend_simulator::{Action, Options, PRACTICE_KEY, Rule, Running, Script, Simulator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::{PATIENCE, SHOP, ended, ferry};

pub(super) const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// A data directory with an administrator, files beside it, and a simulator. No server runs: the commands do the work.
pub(super) struct Shop {
    pub(super) dir: tempfile::TempDir,
    pub(super) simulator: Running,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let simulator = Simulator::start(Options::default()).await.expect("a simulator");
        let shop = Self { dir, simulator };
        let add = ["user", "add", "ana@example.com", "--role", "administrator", "--password-stdin"];
        let (code, _, errors) = shop.run(&add, "blue harbour tide\n").await;
        assert_eq!(code, Some(0), "{errors}");
        shop
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ferry(&self.dir.path().join("data"), arguments);
        command.env("FERRY_SECRET_KEY", KEY).env("FERRY_OMNISEND_URL", self.simulator.url());
        command.env("SHOP_KEY", PRACTICE_KEY);
        command
    }

    pub(super) async fn run(&self, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
        let mut child = self.command(arguments).spawn().expect("it starts");
        child.stdin.take().expect("an input").write_all(input.as_bytes()).await.expect("taken");
        ended(child).await
    }

    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Brings Ferry to these customers, and to what [`SHOP`] says.
    pub(super) async fn apply(&self, customers: &[&str]) {
        self.file("customers.csv", &format!("id,email,country\n{}\n", customers.join("\n")));
        let toml = self.file("ferry.toml", SHOP);
        let (code, said, errors) = self.run(&["apply", toml.to_str().expect("a path")], "").await;
        assert_eq!(code, Some(0), "{said}{errors}");
    }

    async fn run_letter(&self) -> (Option<i32>, String) {
        let (code, said, errors) = self.run(&["run", "Letter"], "").await;
        (code, format!("{said}{errors}"))
    }
}

#[tokio::test]
async fn an_import_names_the_lines_of_the_rows_that_it_rejects() {
    let shop = Shop::open().await;
    let file = shop.file("people.csv", "id,email\n1,ana@shop.example\n,nobody@shop.example\n3,cy@shop.example\n");
    let import = ["import", file.to_str().expect("a path"), "--primary-key", "id"];

    let (code, said, errors) = shop.run(&import, "").await;

    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(said.contains("data source `people`, profile snapshot 1"), "{said}");
    assert!(said.contains("line 3: ") && !said.contains("line 2: ") && !said.contains("line 4: "), "{said}");
    assert!(!format!("{said}{errors}").contains("nobody@"), "people's data is not printed: {said}{errors}");
    let (code, said, errors) = shop.run(&[&import[..], &["--json"]].concat(), "").await;
    assert_eq!(code, Some(0), "{errors}");
    let report: serde_json::Value = serde_json::from_str(&said).expect("a report");
    assert_eq!((&report["report"]["read"], &report["report"]["rejected"]), (&3.into(), &1.into()));
    assert_eq!(report["report"]["first_rejected"][0]["line"], 3);
}

#[tokio::test]
async fn a_file_with_a_fault_is_refused_whole_with_the_line_of_the_fault() {
    let shop = Shop::open().await;
    shop.file("customers.csv", "id,email,country\n1,ana@shop.example,ES\n");
    let text = SHOP.replace("segments = [\"Spain\"]", "segments = [\"Spain\", \"Portugal\"]");
    let toml = shop.file("ferry.toml", &text);
    let line = text.lines().position(|line| line.contains("Portugal")).expect("the fault") + 1;

    let (code, said, errors) = shop.run(&["apply", toml.to_str().expect("a path")], "").await;

    assert_eq!(code, Some(2), "{said}{errors}");
    assert!(errors.contains(&format!("{}:{line}: ", toml.display())) && errors.contains("Portugal"), "{errors}");
    assert!(errors.contains("Nothing was changed."), "{errors}");
    let (code, said) = shop.run_letter().await;
    assert!(code == Some(1) && said.contains("there are no exports yet"), "{said}");
}

#[tokio::test]
async fn the_exit_code_of_a_run_says_how_it_ended() {
    let shop = Shop::open().await;
    shop.apply(&["1,ana@shop.example,ES", "2,bo@shop.example,SE"]).await;
    let (code, said) = shop.run_letter().await;
    assert_eq!(code, Some(0), "successful: {said}");

    shop.apply(&["1,ana@shop.example,ES", "2,no address,ES"]).await;
    let (code, said) = shop.run_letter().await;
    assert!(code == Some(3) && said.contains("completed_with_errors"), "{said}");

    shop.apply(&["1,ana@shop.example,SE", "2,bo@shop.example,SE"]).await;
    let (code, said) = shop.run_letter().await;
    assert!(code == Some(5) && said.contains("no members are left"), "held: {said}");
    let (code, said) = shop.run_letter().await;
    assert!(code == Some(5) && said.contains("approve or reject"), "the same run is still held: {said}");
}

#[tokio::test]
async fn a_run_that_somebody_cancels_meanwhile_has_an_exit_code_of_its_own() {
    let shop = Shop::open().await;
    shop.apply(&["1,ana@shop.example,ES"]).await;
    let refusal = Action::Status { status: 402, retry_after: None, retry_in: Default::default(), html: false };
    shop.simulator.state().set_faults(Script::one(Rule::always(refusal)));

    let mut child = shop.command(&["run", "Letter"]).stdin(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a log")).lines();
    let waits = async {
        while let Some(line) = lines.next_line().await.expect("read") {
            if line.contains("plan_exceeded") {
                return true;
            }
        }
        false
    };
    assert!(timeout(PATIENCE, waits).await.expect("in time"), "it waits for a person");
    let options = SqliteConnectOptions::new().filename(shop.dir.path().join("data/ferry.db"));
    let options = options.busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new().connect_with(options).await.expect("the database");
    let cancel = "update runs set cancel_requested_at = 1, due_at = 1 where finished_at is null";
    assert_eq!(sqlx::query(cancel).execute(&pool).await.expect("canceled").rows_affected(), 1);

    let (code, said, _) = ended(child).await;
    assert!(code == Some(4) && said.contains("canceled"), "{code:?} {said}");
}
