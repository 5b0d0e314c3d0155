//! What the worlds of one thread share, because it costs time to make and no world changes it: the profiles, and an empty
//! Ferry that is set up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::marking::{Marking, property_of};
use domain::segment::Segment;
use domain::source::{ImportReport, Source};
use ferry_data::{DataEngine, DataOptions};
use ferry_faults::chance::Chance;
use ferry_faults::oracle::Person;
use ferry_faults::simulated::{self, Wire};
use server::db::{Database, DatabaseLocation};
use server::destinations::http::Client;
use server::destinations::omnisend::{LIMITS, Omnisend};
use server::destinations::{Destination, Limits, Registry};
use server::secrets::Keyring;

/// Snapshots that worlds choose from.
const SNAPSHOTS: i64 = 8;
/// Fewer people than this are in each.
pub(crate) const PEOPLE: u64 = 70;

/// The tag of the small segment.
pub(crate) const SMALL_TAG: &str = "small:c";

/// What the export of a world does beside sending names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) marking: Marking,
    /// Do people leave as subscribed?
    pub(crate) has_statuses: bool,
}

impl Manner {
    pub(crate) fn of(chance: &mut Chance) -> Self {
        let marking = if chance.happens(0.3) { Marking::Properties } else { Marking::Tags };
        Self { marking, has_statuses: chance.happens(0.3) }
    }

    fn all() -> impl Iterator<Item = Self> {
        let with = |marking| [true, false].map(|has_statuses| Self { marking, has_statuses });
        [Marking::Tags, Marking::Properties].into_iter().flat_map(with)
    }

    /// What the receiver knows the members of a segment by.
    pub(crate) fn name(self, tag: &str) -> String {
        let mark = self.marking.mark(tag);
        property_of(&mark).map(str::to_owned).unwrap_or(mark)
    }
}

/// The address of one person, the same in all worlds.
pub(crate) fn address(n: u64) -> String {
    format!("p{n:03}@profile.example")
}

/// The day on which one person opted in, as it stands in the profiles. Some have none, and some one that is no opt-in
/// because it is yet to come.
pub(crate) fn opted_in(n: u64) -> String {
    match n % 4 {
        0 => String::new(),
        1 => "2031-01-01".to_owned(),
        _ => format!("2025-03-{:02}", 1 + n % 28),
    }
}

/// The instant of somebody's true opt-in, as the receiver writes it.
pub(crate) fn true_opt_in(n: u64) -> Option<String> {
    (n % 4 >= 2).then(|| format!("{}T00:00:00Z", opted_in(n)))
}

/// Some profiles, on disk.
pub(crate) struct Snapshot {
    pub(crate) number: i64,
    pub(crate) people: BTreeMap<String, Person>,
    /// Those of them who are in the small segment too.
    pub(crate) few: BTreeSet<String>,
    report: ImportReport,
}

/// What the worlds of one thread share.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) data: DataEngine,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) ways: [(Registry, Arc<Wire>); 2],
    pub(crate) snapshots: Vec<Snapshot>,
    source: Source,
    worlds: AtomicU64,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
        let mut options = DataOptions::new(dir.path());
        options.threads = 1;
        options.in_steps = true;
        let mut bench = Self {
            data: DataEngine::new(options).expect("a data engine"),
            dir,
            keyring: Arc::new(Keyring::parse(&Keyring::generate()).expect("a key")),
            ways: [registry(), registry()],
            snapshots: Vec::new(),
            source: simulated::source(&["email", "first_name", "letters", "opted_in"]),
            worlds: AtomicU64::new(0),
        };
        for number in 1..=SNAPSHOTS {
            let snapshot = bench.snapshot(number).await;
            bench.snapshots.push(snapshot);
        }
        for manner in Manner::all() {
            let template = DatabaseLocation::Sqlite(bench.template(manner));
            let db = Database::open(&template).await.expect("a database");
            let segments = ['a', 'b'].map(simulated::segment);
            simulated::set_up(&db, &bench.keyring, &bench.source, &segments, manner.marking).await;
            let small = Segment { tag: SMALL_TAG.to_owned(), ..simulated::segment('c') };
            simulated::add_small(&db, &small, manner.marking).await;
            if manner.has_statuses {
                simulated::send_statuses(&db, "opted_in").await;
            }
            db.close().await;
        }
        bench
    }

    /// The empty Ferry that a world begins with.
    fn template(&self, manner: Manner) -> PathBuf {
        self.dir.path().join(format!("template-{manner:?}.db"))
    }

    /// A new world's own database. That of the world before may still be open somewhere, so each has its own file.
    pub(crate) async fn database(&self, manner: Manner) -> (PathBuf, Database) {
        let number = self.worlds.fetch_add(1, Ordering::SeqCst);
        let path = |number: u64| self.dir.path().join(format!("world-{number}.db"));
        for end in ["db", "db-wal", "db-shm"] {
            // Not all of them are there.
            drop(std::fs::remove_file(path(number.saturating_sub(2)).with_extension(end)));
        }
        let path = path(number);
        std::fs::copy(self.template(manner), &path).expect("copied");
        let db = Database::open(&DatabaseLocation::Sqlite(path.clone())).await.expect("a database");
        (path, db.in_steps(None))
    }

    /// Few people, some of them with another name or in other segments than in the snapshot before.
    async fn snapshot(&self, number: i64) -> Snapshot {
        let mut chance = Chance::of(number.unsigned_abs());
        let mut text = String::from("email,first_name,letters,opted_in\n");
        let (mut people, mut few) = (BTreeMap::new(), BTreeSet::new());
        for n in 0..chance.within(20..PEOPLE) {
            let letters = ["ab", "a", "b", "ab", ""][chance.within(0..5) as usize];
            let name = if chance.happens(0.2) { format!("Zoë {n}-{number}") } else { format!("O'Brien {n}") };
            let email = address(n);
            let is_of_few = !letters.is_empty() && n.wrapping_add(number.unsigned_abs()) % 13 == 0;
            let small = if is_of_few { "c" } else { "" };
            writeln!(text, "{email},{name},{letters}{small},{}", opted_in(n)).expect("text");
            few.extend(is_of_few.then(|| email.clone()));
            if !letters.is_empty() {
                let tags: BTreeSet<_> = letters.chars().map(|letter| format!("ferry:{letter}")).collect();
                people.insert(email, Person { name, tags });
            }
        }
        let file = self.dir.path().join("customers.csv");
        std::fs::write(&file, text).expect("written");
        let report = self.data.refresh(&self.source, vec![file], number, |_| {}).await.expect("a snapshot");
        Snapshot { number, people, few, report }
    }

    /// Makes this snapshot the newest.
    pub(crate) async fn put(&self, db: &Database, snapshot: &Snapshot, now: i64) {
        simulated::put_snapshot(db, &self.source, snapshot.number, &snapshot.report, now).await;
    }
}

/// The destinations of one process, with its way out. Requests are small: few people make many batches.
fn registry() -> (Registry, Arc<Wire>) {
    let wire = Arc::new(Wire::default());
    let client = Client::carried_by(wire.clone()).expect("a client");
    let limits = Limits { rows_per_batch: 7, emails_per_tag_request: 11, ids_per_tag_request: 11, ..LIMITS };
    let omnisend = Omnisend::through(client, limits).expect("a destination");
    (Registry::of([Arc::new(omnisend) as Arc<dyn Destination>]), wire)
}
