//! Where kills happen: a data directory, a database, a simulator, and the commands of the real program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use ferry_faults::chance::Chance;
use ferry_faults::oracle::{Books, Person, Place, Seen, Told, broken};
use omnisend_simulator::{Action, BrandOptions, KeyOptions, Options, Rule, Running, Script, Simulator};
use tokio::process::{Child, Command};

/// How long anything may take that is no promise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Requests of one run that may be on their way, as Ferry has it.
pub(crate) const IN_FLIGHT: u64 = 24;

/// What seals the simulator's keys; of use nowhere else.
const SECRET_KEY: &str = "lAUH+FtfJhR67GXe3dT6ZgGzYkpgbmzvhgktiYjNEwA=";

/// The real program: built beside the tests.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("the test's own place");
    let built = own.ancestors().nth(2).expect("the folder of what is built").join("ferry");
    assert!(built.is_file(), "build it first: cargo build --package=server --bin=ferry");
    built
}

pub(crate) struct Yard {
    pub(crate) simulator: Running,
    pub(crate) books: Books,
    pub(crate) told: Told,
    pub(crate) kills: u64,
    pub(crate) dir: tempfile::TempDir,
    database_url: Option<String>,
    accounts: usize,
    version: u64,
    started_by: Vec<String>,
}

impl Yard {
    /// A yard with so many accounts, each with an export of its own; on SQLite, or on the Postgres of this address.
    pub(crate) async fn new(accounts: usize, database_url: Option<String>) -> Self {
        Self::within(memory_folder(), accounts, database_url).await
    }

    /// The same in a folder that is there already.
    pub(crate) async fn within(dir: tempfile::TempDir, accounts: usize, database_url: Option<String>) -> Self {
        let mut options = Options {
            limits: omnisend_simulator::Limits { enabled: false, ..Default::default() },
            ..Options::default()
        };
        let brands = (1..=accounts).map(|n| BrandOptions::new(&brand(n), "Shop", vec![KeyOptions::full(&key(n))]));
        options.brands = brands.collect();
        options.faults = slowly(8);
        let simulator = Simulator::start(options).await.expect("a simulator");
        std::fs::write(dir.path().join("secret.key"), SECRET_KEY).expect("written");
        let place = match &database_url {
            Some(url) => Place::Postgres(url.clone()),
            None => Place::Sqlite(dir.path().join("data/ferry.db")),
        };
        // The tables come with the first command.
        let mut first = command(&[], dir.path(), &simulator, database_url.as_deref(), accounts);
        first.args(["user", "add", "ana@example.com", "--role", "administrator"]);
        assert!(first.status().await.expect("it starts").success(), "{}", log_of(dir.path()));
        let mut books = Books::open(&place).await.expect("the database");
        books.watch().await.expect("watched");
        let open_files = match &place {
            Place::Sqlite(path) => vec![dir.path().join("ferry.log"), path.clone(), path.with_extension("db-wal")],
            Place::Postgres(_) => vec![dir.path().join("ferry.log")],
        };
        let mut secrets: Vec<String> = (1..=accounts).map(key).collect();
        secrets.push("@profile.example".to_owned());
        let told = Told { tag_prefix: "ferry:".to_owned(), secrets, open_files, ..Told::default() };
        let (kills, version, started_by) = (0, 0, Vec::new());
        let mut yard = Self { simulator, books, told, kills, dir, database_url, accounts, version, started_by };
        yard.refresh(&mut Chance::of(0), 400).await;
        std::fs::write(yard.dir.path().join("ferry.toml"), yard.definitions()).expect("written");
        yard.succeed(&["apply", "ferry.toml"]).await;
        // The profiles of a round have little to do with those of the round before.
        let off = r#"update exports set safety = '{"brake": {"is_on": false}}'"#;
        yard.books.execute(off).await.expect("the brake is off");
        yard
    }

    fn definitions(&self) -> String {
        let mut text = String::new();
        for letter in ["a", "b"] {
            let item = format!("{{ attribute = \"letters\", operator = \"contains\", values = [\"{letter}\"] }}");
            writeln!(text, "[[segment]]\nname = \"{letter}\"\njoin = \"all\"\nitems = [{item}]\n").expect("text");
        }
        for n in 1..=self.accounts {
            writeln!(
                text,
                "[[connection]]\nname = \"Shop {n}\"\nkind = \"omnisend\"\naudience = \"administrators\"\n\
                 key_env = \"KEY_{n}\"\nexport_user = \"ana@example.com\"\n\
                 consent = {{ agreed_by = \"ana@example.com\", language = \"en\", wording = \"I agree.\" }}\n\n\
                 [[export]]\nname = \"Export {n}\"\nconnection = \"Shop {n}\"\nsegments = [\"a\", \"b\"]\n\
                 matching = {{ email = \"email\", first_name = \"first_name\" }}\n",
            )
            .expect("text");
        }
        text
    }

    /// From now on the program reaches its database at another address.
    pub(crate) fn set_database(&mut self, url: String) {
        self.database_url = Some(url);
    }

    /// From now on another program starts it, with these arguments before its path.
    pub(crate) fn start_by(&mut self, started_by: Vec<String>) {
        self.started_by = started_by;
    }

    /// Where the server listens that was started last.
    pub(crate) fn address(&self) -> String {
        let log = std::fs::read_to_string(self.dir.path().join("ferry.log")).expect("a log");
        let (_, rest) = log.rsplit_once(" address=").expect("a server that is ready");
        rest.split(' ').next().unwrap_or_default().to_owned()
    }

    /// From now on each request is answered after so many milliseconds.
    pub(crate) fn answer_after(&self, ms: u64) {
        self.simulator.state().set_faults(slowly(ms));
    }

    /// A command of the real program, with its output in the log.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let database = self.database_url.as_deref();
        let mut command = command(&self.started_by, self.dir.path(), &self.simulator, database, self.accounts);
        command.args(arguments);
        command
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("it starts")
    }

    /// Starts the server and waits until it listens, for signals too.
    pub(crate) async fn serve(&self) -> Child {
        let ready = || {
            std::fs::read_to_string(self.dir.path().join("ferry.log")).unwrap_or_default().matches(": ready").count()
        };
        let (before, begun) = (ready(), Instant::now());
        let child = self.spawn(&["serve"]);
        while ready() == before {
            assert!(begun.elapsed() < PATIENCE, "it does not start:\n{}", log_of(self.dir.path()));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        child
    }

    /// Runs a command that must go well.
    pub(crate) async fn succeed(&self, arguments: &[&str]) {
        let ended = tokio::time::timeout(PATIENCE, self.command(arguments).status()).await;
        let status = ended.expect("it ends").expect("it starts");
        assert!(status.success(), "ferry {arguments:?}: {status}\n{}", log_of(self.dir.path()));
    }

    /// Gives the profiles other people, names and segments.
    pub(crate) async fn refresh(&mut self, chance: &mut Chance, count: u64) {
        self.version += 1;
        let mut text = String::from("email,first_name,letters\n");
        let mut people = BTreeMap::new();
        for n in 0..count {
            let letters = ["ab", "a", "b", ""][chance.within(0..4) as usize];
            let name = if chance.happens(0.3) { format!("Zoë {n} of {}", self.version) } else { format!("Zoë {n}") };
            let email = format!("p{n:05}@profile.example");
            writeln!(text, "{email},{name},{letters}").expect("text");
            if !letters.is_empty() {
                let tags = letters.chars().map(|letter| format!("ferry:{letter}")).collect::<BTreeSet<_>>();
                people.insert(email, Person { name, tags });
            }
        }
        std::fs::write(self.dir.path().join("customers.csv"), text).expect("written");
        self.succeed(&["import", "customers.csv", "--name", "Customers"]).await;
        self.told.ever.extend(people.keys().cloned());
        self.told.people = people;
    }

    /// Kills the process as the kernel does when memory runs out: nothing of it gets another instruction.
    pub(crate) async fn kill(&mut self, mut child: Child) {
        child.kill().await.expect("killed");
        self.told.broken_off += self.books.on_their_way().await.expect("counted");
        self.kills += 1;
    }

    /// Requests that the simulator has answered so far.
    pub(crate) fn requests(&self) -> u64 {
        self.simulator.state().summary().requests
    }

    /// Waits for a moment: after so many more requests, or when the time is up; then a little longer.
    pub(crate) async fn moment(&self, chance: &mut Chance, longest: Duration) {
        let until = Instant::now() + longest.mul_f64(0.2 + 0.8 * chance.share());
        let further = self.requests() + chance.within(0..25);
        while self.requests() <= further && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(chance.within(0..20_000))).await;
    }

    /// Are all runs over?
    pub(crate) async fn is_over(&mut self) -> bool {
        self.books.runs().await.expect("read").iter().all(|run| !run["finished_at"].is_null())
    }

    /// Waits until all runs are over; gives how long it took.
    pub(crate) async fn until_over(&mut self) -> Duration {
        let begun = Instant::now();
        while !self.is_over().await {
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", log_of(self.dir.path()));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }

    /// Asks the oracle.
    pub(crate) async fn check(&mut self, seed: u64) {
        // Tags take effect a little later.
        tokio::time::sleep(Duration::from_millis(60)).await;
        let seen = Seen::of(&self.simulator.state());
        let found = broken(&mut self.books, &seen, &self.told).await.expect("the oracle can look");
        let text = found.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        assert!(found.is_empty(), "seed {seed}, after {} kills, {} promises broken:\n{text}", self.kills, found.len());
        assert!(self.books.is_whole().await.expect("checked"), "the database is damaged");
    }
}

/// A folder in memory, where there is such a thing: a kill takes nothing from the kernel, so syncing to a disk would only
/// cost time.
pub(crate) fn memory_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder")
}

fn slowly(ms: u64) -> Script {
    Script::one(Rule::on("POST", "/*", Action::Delay { ms, after: true }))
}

pub(crate) fn brand(n: usize) -> String {
    format!("5f{n:022}")
}

pub(crate) fn key(n: usize) -> String {
    format!("{}-practice", brand(n))
}

fn command(
    started_by: &[String],
    dir: &Path,
    simulator: &Running,
    database_url: Option<&str>,
    accounts: usize,
) -> Command {
    let log = File::options().create(true).append(true).open(dir.join("ferry.log")).expect("a log");
    let mut command = match started_by.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program());
            command
        }
        None => Command::new(program()),
    };
    command
        .current_dir(dir)
        .env_clear()
        .env("FERRY_DATA_DIR", dir.join("data"))
        .env("FERRY_LISTEN", "127.0.0.1:0")
        .env("FERRY_SECRET_KEY_FILE", dir.join("secret.key"))
        .env("FERRY_OMNISEND_URL", simulator.url())
        .env("FERRY_OMNISEND_UNLIMITED", "true")
        .env("FERRY_LOG", "info")
        .envs((1..=accounts).map(|n| (format!("KEY_{n}"), key(n))))
        .envs(database_url.map(|url| ("FERRY_DATABASE_URL", url)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .kill_on_drop(true);
    command
}

/// The end of the log.
pub(crate) fn log_of(dir: &Path) -> String {
    let text = std::fs::read_to_string(dir.join("ferry.log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Sends a signal, such as `-STOP`.
pub(crate) async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args([name, &id]).status().await.expect("kill").success());
}
