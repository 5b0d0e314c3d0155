//! What the worlds of one thread share, because it costs time to make and no world changes it: the profiles, and an empty
//! Ferry that is set up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::access::{Audience, Role};
use domain::attribute::{Attribute, AttributeType};
use domain::brake::Brake;
use domain::connection::{Consent, ExportUser};
use domain::destination::{Brand, DestinationKind};
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId, SegmentId, SourceId, UserId};
use domain::mapping::{Field, Mapping, Match};
use domain::marking::Marking;
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::safety::Safety;
use domain::schedule::Schedule;
use domain::segment::{Definition, Segment};
use domain::source::{ImportReport, Location, Reading, Source};
use ferry_data::{DataEngine, DataOptions};
use ferry_faults::chance::Chance;
use ferry_faults::oracle::Person;
use omnisend_simulator::{PRACTICE_BRAND, PRACTICE_KEY};
use secrecy::SecretString;
use server::db::connections::StoredConnection;
use server::db::{Database, DatabaseLocation, accounts, connections, exports, refreshes, segments, sources};
use server::destinations::Registry;
use server::secrets::{Keyring, Place};

use crate::wire::{Wire, registry};

/// Snapshots that worlds choose from.
const SNAPSHOTS: i64 = 8;

/// Some profiles, on disk.
pub(crate) struct Snapshot {
    pub(crate) number: i64,
    pub(crate) people: BTreeMap<String, Person>,
    report: ImportReport,
}

/// What the worlds of one thread share.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) data: DataEngine,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) ways: [(Registry, Arc<Wire>); 2],
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) connection: ConnectionId,
    pub(crate) export: ExportId,
    source: Source,
    worlds: AtomicU64,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
        let mut options = DataOptions::new(dir.path());
        options.threads = 1;
        let attribute = |name: &str| Attribute { name: name.to_owned(), kind: AttributeType::Text };
        let source = Source {
            id: SourceId(id(1)),
            name: "Customers".to_owned(),
            location: Location::Path { path: String::new() },
            reading: Reading::default(),
            attributes: ["email", "first_name", "letters"].map(attribute).to_vec(),
            primary_key: None,
            is_customer_table: true,
        };
        let mut bench = Self {
            data: DataEngine::new(options).expect("a data engine"),
            dir,
            keyring: Arc::new(Keyring::parse(&Keyring::generate()).expect("a key")),
            ways: [registry(), registry()],
            snapshots: Vec::new(),
            connection: ConnectionId(id(2)),
            export: ExportId(id(3)),
            source,
            worlds: AtomicU64::new(0),
        };
        for number in 1..=SNAPSHOTS {
            let snapshot = bench.snapshot(number).await;
            bench.snapshots.push(snapshot);
        }
        bench.set_up().await;
        bench
    }

    /// The empty Ferry that every world begins with.
    fn template(&self) -> PathBuf {
        self.dir.path().join("template.db")
    }

    /// A new world's own database. That of the world before may still be open somewhere, so each has its own file.
    pub(crate) async fn database(&self) -> (PathBuf, Database) {
        let number = self.worlds.fetch_add(1, Ordering::SeqCst);
        let path = |number: u64| self.dir.path().join(format!("world-{number}.db"));
        for end in ["db", "db-wal", "db-shm"] {
            // Not all of them are there.
            drop(std::fs::remove_file(path(number.saturating_sub(2)).with_extension(end)));
        }
        let path = path(number);
        std::fs::copy(self.template(), &path).expect("copied");
        let db = Database::open(&DatabaseLocation::Sqlite(path.clone())).await.expect("a database");
        (path, db)
    }

    /// Few people, some of them with another name or in other segments than in the snapshot before.
    async fn snapshot(&self, number: i64) -> Snapshot {
        let mut chance = Chance::of(number.unsigned_abs());
        let mut text = String::from("email,first_name,letters\n");
        let mut people = BTreeMap::new();
        for n in 0..chance.within(20..70) {
            let letters = ["ab", "a", "b", "ab", ""][chance.within(0..5) as usize];
            let name = if chance.happens(0.2) { format!("Zoë {n}-{number}") } else { format!("O'Brien {n}") };
            let email = format!("p{n:03}@profile.example");
            writeln!(text, "{email},{name},{letters}").expect("text");
            if !letters.is_empty() {
                let tags: BTreeSet<_> = letters.chars().map(|letter| format!("ferry:{letter}")).collect();
                people.insert(email, Person { name, tags });
            }
        }
        let file = self.dir.path().join("customers.csv");
        std::fs::write(&file, text).expect("written");
        let report = self.data.refresh(&self.source, vec![file], number, |_| {}).await.expect("a snapshot");
        Snapshot { number, people, report }
    }

    /// Makes this snapshot the newest.
    pub(crate) async fn put(&self, db: &Database, snapshot: &Snapshot, now: i64) {
        let mut tx = db.begin().await.expect("begun");
        refreshes::begin(&mut tx, snapshot.number, self.source.id, now, i64::MAX).await.expect("begun");
        let kept = refreshes::succeed(&mut tx, snapshot.number, &snapshot.report, &self.source.attributes, now).await;
        assert!(kept.expect("recorded"));
        tx.commit().await.expect("committed");
    }

    async fn set_up(&self) {
        let db = Database::open(&DatabaseLocation::Sqlite(self.template())).await.expect("a database");
        let mut tx = db.begin().await.expect("begun");
        let user = accounts::User {
            id: UserId(id(4)),
            email: "ana@example.com".to_owned(),
            password_hash: None,
            role: Role::Administrator,
            is_enabled: true,
            last_sign_in: None,
        };
        accounts::insert(&mut tx, &user, 1).await.expect("a person");
        sources::insert(&mut tx, &self.source, 1).await.expect("a source");
        let chosen = ["a", "b"].map(segment);
        for one in &chosen {
            assert!(segments::insert(&mut tx, one, 1).await.expect("a segment"));
        }
        let stored = self.connection(user.id);
        let export_user = ExportUser { id: user.id, email: user.email, at: 1 };
        assert!(connections::put_draft(&mut tx, &stored).await.expect("kept"));
        assert!(connections::set_export_user(&mut tx, stored.id, &export_user).await.expect("set"));
        assert!(connections::make_ready(&mut tx, stored.id).await.expect("saved"));
        let pair = |target: &str| Match { field: Field::Target(target.to_owned()), attribute: target.to_owned() };
        let settings = ExportSettings {
            name: "Newsletter".to_owned(),
            connection: Some(stored.id),
            mapping: Mapping { matches: vec![pair("email"), pair("first_name")] },
            segments: chosen.iter().map(|segment| segment.id).collect(),
            schedule: Schedule::Off,
            // The profiles of a run have little to do with those of the run before.
            safety: Safety { brake: Brake { is_on: false, ..Brake::default() }, ..Safety::default() },
            marking: Marking::Tags,
        };
        exports::insert(&mut tx, self.export, &settings, 1).await.expect("an export");
        tx.commit().await.expect("committed");
        db.close().await;
    }

    fn connection(&self, user: UserId) -> StoredConnection {
        let row = self.connection.to_string();
        let place = Place { table: "connections", column: "sealed_key", row: &row };
        let consent = Consent {
            by: user,
            by_email: "ana@example.com".to_owned(),
            at: 1,
            language: "en".to_owned(),
            wording: "I agree".to_owned(),
        };
        StoredConnection {
            id: self.connection,
            is_ready: false,
            name: "Shop".to_owned(),
            kind: DestinationKind("omnisend".to_owned()),
            audience: Audience::Administrators,
            sealed_key: self.keyring.seal(place, &SecretString::from(PRACTICE_KEY.to_owned())).expect("sealed"),
            brand: Brand { id: PRACTICE_BRAND.to_owned(), name: String::new(), website: String::new() },
            consent,
            export_user: None,
            needs_attention: None,
            created_at: 1,
        }
    }
}

fn id(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

fn segment(letter: &str) -> Segment {
    let condition = Condition {
        attribute: "letters".to_owned(),
        operator: Operator::Contains,
        values: vec![letter.to_owned()],
        ignore_case: false,
    };
    let root = Group { join: Join::All, items: vec![Item::Condition(condition)] };
    Segment {
        id: SegmentId(id(u128::from(letter.as_bytes()[0]))),
        name: letter.to_owned(),
        definition: Definition::Dynamic { rule: Rule { time_zone: "UTC".to_owned(), root } },
        is_active: true,
        tag: format!("ferry:{letter}"),
    }
}
