//! A whole Ferry without its web server, with the simulator beside it over HTTP: a real database, real snapshots, plans
//! and ledgers. Only the clock is quick.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::access::{Audience, Role};
use domain::attribute::{Attribute, AttributeType};
use domain::brake::Brake;
use domain::connection::{Consent, ExportUser};
use domain::destination::{Brand, DestinationKind};
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId, RunId, SegmentId, SourceId, UserId};
use domain::mapping::{Field, Mapping, Match};
use domain::marking::Marking;
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::run::{Run, RunState, Trigger};
use domain::safety::Safety;
use domain::schedule::Schedule;
use domain::segment::{Definition, Segment};
use domain::source::{Location, Reading, Source};
use ferry_data::{DataEngine, DataOptions};
use omnisend_simulator as simulator;
use secrecy::SecretString;
use simulator::{PRACTICE_BRAND, PRACTICE_KEY, Simulator};

use super::quick_clock::QuickClock;
use crate::clock::Clock;
use crate::db::accounts::{self, User};
use crate::db::connections::StoredConnection;
use crate::db::runs::{self, NewRun};
use crate::db::testing::TestDatabase;
use crate::db::{connections, exports, refreshes, segments, sources};
use crate::destinations::{Addresses, Registry};
use crate::engine::{Chance, Deps, Engine, Options};
use crate::secrets::Keyring;

/// A profile: address, first name, and the letters of the segments that it is in.
pub(super) type Person = (String, String, &'static str);

pub(super) struct Stage {
    pub(super) db: TestDatabase,
    pub(super) data: DataEngine,
    pub(super) simulator: simulator::Running,
    pub(super) clock: Arc<QuickClock>,
    pub(super) export: ExportId,
    pub(super) connection: ConnectionId,
    pub(super) user: UserId,
    pub(super) options: Options,
    keyring: Arc<Keyring>,
    source: Source,
    dir: tempfile::TempDir,
}

/// How a stage is set.
pub(super) struct Setting {
    pub(super) simulator: simulator::Options,
    /// How many times as fast as the machine's the clock is.
    pub(super) factor: u32,
    pub(super) keeps_limits: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self { simulator: simulator::Options::default(), factor: 10, keeps_limits: false }
    }
}

impl Stage {
    /// A stage with default settings on a new SQLite database.
    pub(super) async fn new() -> Self {
        Self::on(crate::db::testing::sqlite().await, Setting::default()).await
    }

    pub(super) async fn with(setting: Setting) -> Self {
        Self::on(crate::db::testing::sqlite().await, setting).await
    }

    pub(super) async fn on(db: TestDatabase, setting: Setting) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let start = "2026-03-02T09:00:00Z".parse().expect("an instant");
        let clock = Arc::new(QuickClock::new(start, setting.factor));
        let mut options = setting.simulator;
        options.limits.enabled &= setting.keeps_limits;
        let read = clock.clone();
        options.clock = simulator::Clock::from_fn(move || read.right());
        let simulator = Simulator::start(options).await.expect("a simulator");
        let data = DataOptions { threads: 1, ..DataOptions::new(dir.path()) };
        let data = DataEngine::new(data).expect("a data engine");
        let keyring = Arc::new(Keyring::parse(&Keyring::generate()).expect("a key"));
        let mut options = Options::new(dir.path());
        options.keeps_limits = setting.keeps_limits;
        let attribute = |name: &str| Attribute { name: name.to_owned(), kind: AttributeType::Text };
        let source = Source {
            id: SourceId(uuid::Uuid::now_v7()),
            name: "Customers".to_owned(),
            location: Location::Path { path: String::new() },
            reading: Reading::default(),
            attributes: ["email", "first_name", "letters"].map(attribute).to_vec(),
            primary_key: None,
            is_customer_table: true,
        };
        let mut stage = Self {
            db,
            data,
            simulator,
            clock,
            export: ExportId(uuid::Uuid::now_v7()),
            connection: ConnectionId(uuid::Uuid::now_v7()),
            user: UserId(uuid::Uuid::now_v7()),
            options,
            keyring,
            source,
            dir,
        };
        stage.set_up().await;
        stage
    }

    async fn set_up(&mut self) {
        let now = self.clock.now_micros();
        let mut tx = self.db.begin().await.expect("begun");
        let user = User {
            id: self.user,
            email: "ana@example.com".to_owned(),
            password_hash: None,
            role: Role::Administrator,
            is_enabled: true,
            last_sign_in: None,
        };
        accounts::insert(&mut tx, &user, now).await.expect("a person");
        sources::insert(&mut tx, &self.source, now).await.expect("a source");
        let ids = [segment("a"), segment("b")];
        for one in &ids {
            assert!(segments::insert(&mut tx, one, now).await.expect("a segment"));
        }
        tx.commit().await.expect("committed");
        self.connect(self.connection, "Shop", PRACTICE_KEY, PRACTICE_BRAND).await;
        let segments = ids.iter().map(|segment| segment.id).collect();
        self.export = self.add_export("Newsletter", self.connection, segments, Schedule::Off).await;
    }

    /// The data directory.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Now, in microseconds.
    pub(super) fn now(&self) -> i64 {
        self.clock.now_micros()
    }

    /// Adds a connection with a key.
    pub(super) async fn connect(&self, id: ConnectionId, name: &str, key: &str, brand: &str) {
        let stored = StoredConnection {
            id,
            is_ready: false,
            name: name.to_owned(),
            kind: DestinationKind("omnisend".to_owned()),
            audience: Audience::Administrators,
            sealed_key: self.seal(id, key),
            brand: Brand { id: brand.to_owned(), name: String::new(), website: String::new() },
            consent: Consent {
                by: self.user,
                by_email: "ana@example.com".to_owned(),
                at: 1,
                language: "en".to_owned(),
                wording: "I agree".to_owned(),
            },
            export_user: None,
            needs_attention: None,
            created_at: 1,
        };
        let mut tx = self.db.begin().await.expect("begun");
        let user = ExportUser { id: self.user, email: "ana@example.com".to_owned(), at: 1 };
        assert!(connections::put_draft(&mut tx, &stored).await.expect("kept"));
        assert!(connections::set_export_user(&mut tx, id, &user).await.expect("set"));
        assert!(connections::make_ready(&mut tx, id).await.expect("saved"));
        tx.commit().await.expect("committed");
    }

    fn seal(&self, id: ConnectionId, key: &str) -> Vec<u8> {
        let row = id.to_string();
        self.keyring.seal(connections::key_place(&row), &SecretString::from(key.to_owned())).expect("sealed")
    }

    /// Puts another key in place, as a person would.
    pub(super) async fn replace_key(&self, key: &str, brand: &str) {
        let sealed = self.seal(self.connection, key);
        let brand = Brand { id: brand.to_owned(), name: String::new(), website: String::new() };
        let mut tx = self.db.begin().await.expect("begun");
        assert!(connections::replace_key(&mut tx, self.connection, &sealed, &brand).await.expect("replaced"));
        runs::go_on_with(&mut tx, self.connection, self.clock.now_micros()).await.expect("woken");
        tx.commit().await.expect("committed");
    }

    pub(super) async fn add_export(
        &self,
        name: &str,
        connection: ConnectionId,
        segments: Vec<SegmentId>,
        schedule: Schedule,
    ) -> ExportId {
        self.add_export_at(name, connection, segments, schedule, self.clock.now_micros()).await
    }

    /// An export that was added at an earlier instant.
    pub(super) async fn add_export_at(
        &self,
        name: &str,
        connection: ConnectionId,
        segments: Vec<SegmentId>,
        schedule: Schedule,
        at: i64,
    ) -> ExportId {
        let id = ExportId(uuid::Uuid::now_v7());
        let pair = |target: &str, attribute: &str| Match {
            field: Field::Target(target.to_owned()),
            attribute: attribute.to_owned(),
        };
        let mapping = Mapping { matches: vec![pair("email", "email"), pair("first_name", "first_name")] };
        let (name, connection, safety, marking) = (name.to_owned(), Some(connection), Safety::default(), Marking::Tags);
        let settings = ExportSettings { name, connection, mapping, segments, schedule, safety, marking };
        let mut tx = self.db.begin().await.expect("begun");
        exports::insert(&mut tx, id, &settings, at).await.expect("an export");
        tx.commit().await.expect("committed");
        id
    }

    /// Many may join and leave.
    pub(super) async fn without_brake(&self) {
        let mut tx = self.db.begin().await.expect("begun");
        let stored = exports::find(&mut tx, self.export).await.expect("read").expect("the export");
        let (mut settings, version) = (stored.export.settings, stored.export.version);
        settings.safety = Safety { brake: Brake { is_on: false, ..Brake::default() }, ..Safety::default() };
        assert!(exports::update(&mut tx, self.export, version, &settings, self.now()).await.expect("saved"));
        tx.commit().await.expect("committed");
    }

    /// Makes these the profiles.
    pub(super) async fn refresh(&self, people: &[Person]) {
        let file: PathBuf = self.dir.path().join("customers.csv");
        let mut text = Vec::from(*b"email,first_name,letters\n");
        for (email, name, letters) in people {
            writeln!(text, "{email},{name},{letters}").expect("written");
        }
        std::fs::write(&file, text).expect("a file");
        let now = self.clock.now_micros();
        let mut tx = self.db.begin().await.expect("begun");
        let number = refreshes::next_number(&mut tx).await.expect("a number");
        refreshes::begin(&mut tx, number, self.source.id, now, i64::MAX).await.expect("begun");
        tx.commit().await.expect("committed");
        let report = self.data.refresh(&self.source, vec![file], number, |_| {}).await.expect("a snapshot");
        let mut tx = self.db.begin().await.expect("begun");
        let kept = refreshes::succeed(&mut tx, number, &report, &self.source.attributes, now).await;
        assert!(kept.expect("recorded"));
        tx.commit().await.expect("committed");
    }

    /// An engine over this stage, as a new process would make it.
    pub(super) fn engine(&self) -> Engine {
        let of_kind = BTreeMap::from([("omnisend".to_owned(), self.simulator.url())]);
        Engine::new(Deps {
            db: self.db.db.clone(),
            data: self.data.clone(),
            destinations: Registry::new(&Addresses { of_kind }).expect("an address"),
            keyring: self.keyring.clone(),
            clock: self.clock.clone(),
            chance: Chance::seeded(1),
            options: self.options.clone(),
        })
    }

    pub(super) async fn queue(&self) -> RunId {
        self.queue_of(self.export, self.connection, PRACTICE_BRAND).await
    }

    pub(super) async fn queue_of(&self, export: ExportId, connection: ConnectionId, brand: &str) -> RunId {
        let new = NewRun {
            id: RunId(uuid::Uuid::now_v7()),
            export,
            export_name: "Newsletter".to_owned(),
            settings_version: 1,
            connection: Some((connection, brand.to_owned())),
            trigger: Trigger::Manual,
            started_by: Some("ana@example.com".to_owned()),
            slot_at: None,
            resend_of: None,
            recheck_of: None,
            continues: None,
        };
        let mut tx = self.db.begin().await.expect("begun");
        let queued = runs::queue(&mut tx, &new, self.clock.now_micros()).await.expect("queued");
        tx.commit().await.expect("committed");
        queued.run()
    }

    pub(super) async fn find(&self, run: RunId) -> Run {
        let mut tx = self.db.read().await.expect("begun");
        runs::find(&mut tx, run).await.expect("read").expect("the run")
    }

    /// Queues a run and works on it until it ends or waits; one that goes to another account is taken up twice.
    pub(super) async fn run(&self) -> Run {
        let run = self.queue().await;
        loop {
            assert!(self.engine().step().await.expect("worked"), "the run is due");
            let found = self.find(run).await;
            if found.state != RunState::Preparing {
                return found;
            }
        }
    }

    /// Waits until a run fulfils something; fails after a minute.
    pub(super) async fn until(&self, run: RunId, holds: impl Fn(&Run) -> bool) -> Run {
        for _ in 0..12_000 {
            let found = self.find(run).await;
            if holds(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it did not come to pass: {:?}", self.find(run).await);
    }

    /// Requests that change something.
    pub(super) fn writes(&self) -> usize {
        let writes = [simulator::Endpoint::BatchCreate, simulator::Endpoint::TagsAdd, simulator::Endpoint::TagsRemove];
        self.simulator.state().requests(0, usize::MAX).iter().filter(|one| writes.contains(&one.endpoint)).count()
    }

    /// The addresses that the simulator holds, sorted.
    pub(super) fn arrived(&self) -> Vec<String> {
        let (contacts, _) = self.simulator.state().contacts(&simulator::Filter::default(), 0, usize::MAX);
        let mut emails: Vec<String> =
            contacts.iter().filter_map(|one| one["email"].as_str().map(str::to_owned)).collect();
        emails.sort_unstable();
        emails
    }

    pub(super) fn tagged(&self, letter: &str) -> Vec<String> {
        self.simulator.state().emails_with_tag(&format!("ferry:{letter}"))
    }
}

/// The segment of those whose letters hold this one, with the tag `ferry:<letter>`.
pub(super) fn segment(letter: &str) -> Segment {
    let condition = Condition {
        attribute: "letters".to_owned(),
        operator: Operator::Contains,
        values: vec![letter.to_owned()],
        ignore_case: false,
    };
    let root = Group { join: Join::All, items: vec![Item::Condition(condition)] };
    Segment {
        id: SegmentId(uuid::Uuid::now_v7()),
        name: format!("Segment {letter}"),
        definition: Definition::Dynamic { rule: Rule { time_zone: "UTC".to_owned(), root } },
        is_active: true,
        tag: format!("ferry:{letter}"),
    }
}

/// People `from..to`, all in these segments.
pub(super) fn people(numbers: std::ops::Range<u32>, letters: &'static str) -> Vec<Person> {
    numbers.map(|n| (format!("p{n:06}@example.com"), format!("Zoë {n}"), letters)).collect()
}

/// Their addresses, sorted.
pub(super) fn emails(people: &[Person]) -> Vec<String> {
    let mut emails: Vec<String> = people.iter().map(|(email, _, _)| email.clone()).collect();
    emails.sort_unstable();
    emails
}

/// An answer that asks to wait for so many seconds.
pub(super) fn too_fast(seconds: i64) -> simulator::Action {
    let retry_after = Some(simulator::RetryAfter::Seconds(seconds));
    simulator::Action::Status { status: 429, retry_after, retry_in: simulator::RetryIn::Body, html: false }
}

/// How often something is tried: a few times in every test run, and as often as is promised with `make campaign`.
pub(super) fn times(usually: usize, in_a_campaign: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "the tests' own setting")]
    let is_campaign = std::env::var_os("FERRY_CAMPAIGN").is_some();
    if is_campaign { in_a_campaign } else { usually }
}
