//! A Postgres of one test's own, which may be stopped as a crash stops it, and started again.

use std::process::Stdio;

use ferry_faults::oracle::{Books, Place};
use ferry_faults::settings;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The server that `make` starts for the tests, once more; told what to do line by line. It goes when nobody tells it
/// anything any more.
const SERVER: &str = r#"
cd "$1/../.." && . "$1/lib.sh" && . "$1/postgres.sh"
trap stop_postgres EXIT
start_postgres >&2
bin=$(find_postgres)
ctl() { (cd "$PG_DIR" && as_postgres "$bin/pg_ctl" -D "$PG_DIR/data" -s -w -t 60 "$@") </dev/null >&2; }
echo "$PG_URL"
while read -r what; do
    case $what in
        stop) ctl -m immediate stop ;;
        start) ctl -l "$PG_DIR/run/server.log" restart ;;
    esac
    echo "$what"
done
"#;

pub(crate) struct OwnPostgres {
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
    _shell: Child,
}

impl OwnPostgres {
    /// None where the tests have no Postgres.
    pub(crate) async fn start() -> Option<Self> {
        settings::text("FERRY_TEST_POSTGRES_URL")?;
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../make");
        let mut shell = Command::new("bash");
        shell.args(["-c", SERVER, "postgres", scripts]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().expect("bash");
        let stdin = shell.stdin.take().expect("an input");
        let mut lines = BufReader::new(shell.stdout.take().expect("an output")).lines();
        let url = lines.next_line().await.expect("read").expect("the address of a Postgres");
        Some(Self { stdin, lines, url, _shell: shell })
    }

    /// A new database, in which what was answered is on the disk.
    pub(crate) async fn database(&self, name: &str) -> String {
        let mut books = Books::open(&Place::Postgres(self.url.clone())).await.expect("the Postgres");
        books.execute(&format!("create database {name}")).await.expect("made");
        books.execute(&format!("alter database {name} set synchronous_commit to on")).await.expect("set");
        let (server, _) = self.url.rsplit_once('/').expect("an address with a database");
        format!("{server}/{name}")
    }

    /// Stops it as a crash does: every session is gone, and what was not committed with it.
    pub(crate) async fn stop(&mut self) {
        self.tell("stop").await;
    }

    /// Starts it again, and waits until it answers.
    pub(crate) async fn start_again(&mut self) {
        self.tell("start").await;
    }

    async fn tell(&mut self, what: &str) {
        self.stdin.write_all(format!("{what}\n").as_bytes()).await.expect("told");
        let done = self.lines.next_line().await.expect("read");
        assert_eq!(done.as_deref(), Some(what), "Postgres did not {what}");
    }
}
