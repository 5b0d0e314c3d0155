//! The same number of people at the destination's real limits, in simulated time: the production engine, plans, database and
//! client, a simulator in the same process that enforces 400 requests and 60 tag requests in any minute, and a clock that
//! passes only when nobody has anything to do. Half an hour takes seconds.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::id::RunId;
use domain::marking::Marking;
use domain::run::{Run, RunState};
use ferry_data::{DataEngine, DataOptions};
use ferry_faults::chance::Chance;
use ferry_faults::simulated::{self, CONNECTION, SimClock, Way, Wire};
use omnisend_simulator::{Endpoint, Limits, Options, RecordView, State};
use server::clock::Clock as _;
use server::db::{self, Database, DatabaseLocation};
use server::destinations::Registry;
use server::destinations::http::Client;
use server::destinations::omnisend::{LIMITS, Omnisend};
use server::engine::{self, Deps, Engine};
use server::secrets::Keyring;

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;
/// What Ferry never uses of a limit, in per cent.
const NEVER_USED: u32 = 3;

/// One delivery at the limits.
#[derive(Debug, Clone)]
pub struct AtLimits {
    /// What was delivered.
    pub what: String,
    /// Contacts that arrived.
    pub contacts: u64,
    /// Minutes from the click to the end of the run.
    pub minutes: f64,
    /// The goal.
    pub goal: f64,
    /// Requests of all kinds, and those for tags.
    pub requests: usize,
    /// Those among them for tags.
    pub tag_requests: usize,
    /// What of the configured budget was used while there was something to send, in per cent, of the budget that is the
    /// bottleneck.
    pub share: f64,
    /// The most requests of any 60 seconds, of all kinds and for tags.
    pub most: (usize, usize),
    /// Requests that were told to slow down.
    pub refused: usize,
}

/// A Ferry whose time is simulated.
struct World {
    clock: SimClock,
    db: Database,
    data: DataEngine,
    keyring: Arc<Keyring>,
    wire: Arc<Wire>,
    destinations: Registry,
    folder: std::path::PathBuf,
    contacts: u64,
    /// Snapshots so far.
    snapshots: i64,
    runs: u128,
}

/// Delivers so many new contacts, with what is usually left to others and with nothing: with a tag each, alone, and with a
/// property each in the place of the tag.
///
/// # Errors
/// The folder cannot be written, or a run does not end well.
pub fn all(work: &Path, contacts: u64) -> Result<Vec<AtLimits>> {
    let mut found = Vec::new();
    for reserve in [10, 0] {
        for marking in [Marking::Tags, Marking::Properties] {
            let clock = SimClock::default();
            let runtime = clock.runtime()?;
            found.extend(runtime.block_on(deliveries(clock, &work.join("limits"), contacts, marking, reserve))?);
            runtime.shutdown_background();
        }
    }
    Ok(found)
}

async fn deliveries(
    clock: SimClock,
    folder: &Path,
    contacts: u64,
    marking: Marking,
    reserve: u8,
) -> Result<Vec<AtLimits>> {
    let mut world = World::open(clock, folder, contacts, marking).await?;
    let mut tx = world.db.begin().await?;
    db::pace::set_reserve(&mut tx, CONNECTION, reserve).await?;
    tx.commit().await?;
    let named = |what: &str, goal: f64, found: AtLimits| AtLimits {
        what: format!("{what}, {reserve} % left to others"),
        goal,
        ..found
    };
    let new = world.deliver(reserve).await?;
    let found = if marking == Marking::Properties {
        vec![named("with a property each", 28.0, new)]
    } else {
        // Everybody has changed, and the receiver has forgotten them: all are sent again, and Ferry knows that they have
        // their tags.
        let alone = world.deliver(reserve).await?;
        vec![named("with a tag each", 45.0, new), named("contacts alone", 28.0, alone)]
    };
    // Whoever closes a database of SQLite last removes the files beside it, which the next world would miss.
    world.db.close().await;
    Ok(found)
}

impl World {
    async fn open(clock: SimClock, folder: &Path, contacts: u64, marking: Marking) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let db = Database::open(&DatabaseLocation::Sqlite(folder.join("ferry.db"))).await?.in_steps(None);
        let data = DataEngine::new(DataOptions { in_steps: true, ..DataOptions::new(folder) })?;
        let keyring = Arc::new(Keyring::parse(&Keyring::generate())?);
        let wire = Arc::new(Wire::default());
        let destinations =
            Registry::of([Arc::new(Omnisend::through(Client::carried_by(wire.clone())?, LIMITS)?) as Arc<_>]);
        simulated::set_up(&db, &keyring, &source(), &[simulated::segment('a')], marking).await;
        let folder = folder.to_owned();
        Ok(Self { clock, db, data, keyring, wire, destinations, folder, contacts, snapshots: 0, runs: 0 })
    }

    /// Everybody, changed since the snapshot before.
    async fn change_everybody(&mut self) -> Result<()> {
        self.snapshots += 1;
        let path = self.folder.join("people.csv");
        let mut out = std::io::BufWriter::new(std::fs::File::create(&path)?);
        writeln!(out, "email,first_name,letters")?;
        for number in 0..self.contacts {
            writeln!(out, "person{number}@example-{}.com,Anna {}-{number},a", number % 500, self.snapshots)?;
        }
        out.flush()?;
        drop(out);
        let report = self.data.refresh(&source(), vec![path], self.snapshots, |_| {}).await?;
        simulated::put_snapshot(&self.db, &source(), self.snapshots, &report, self.clock.now_micros()).await;
        Ok(())
    }

    /// A run of everybody, to a receiver that knows nobody.
    async fn deliver(&mut self, reserve: u8) -> Result<AtLimits> {
        self.change_everybody().await?;
        let read = self.clock.clone();
        let clock = omnisend_simulator::Clock::from_fn(move || read.micros());
        let state = State::new(Options { clock, ..Options::default() });
        self.wire.lead(Some(Way {
            state: state.clone(),
            clock: self.clock.of(1),
            chance: Arc::new(Mutex::new(Chance::of(1))),
            outage: (0.0, 0),
            late: Arc::default(),
        }));
        self.runs += 1;
        let begun = self.clock.now_micros();
        let run =
            simulated::queue_run(&self.db, simulated::EXPORT, RunId(uuid::Uuid::from_u128(self.runs)), begun).await;
        let engine = self.engine().start();
        let ended = loop {
            let run = self.find(run).await?;
            if run.finished_at.is_some() {
                break run;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        };
        engine.stop().await;
        ensure!(ended.state == RunState::Successful, "the run is {:?}: {:?}", ended.state, ended.counts);
        let minutes = (ended.finished_at.context("it has ended")? - begun) as f64 / MINUTE as f64;
        Ok(look(&state.requests(0, usize::MAX), ended.counts.accepted, minutes, reserve))
    }

    fn engine(&self) -> Engine {
        let options = engine::Options { runs_schedules: false, ..engine::Options::new(&self.folder) };
        Engine::new(Deps {
            db: self.db.clone(),
            data: self.data.clone(),
            destinations: self.destinations.clone(),
            keyring: self.keyring.clone(),
            clock: Arc::new(self.clock.of(1)),
            chance: engine::Chance::seeded(1),
            options,
        })
    }

    async fn find(&self, run: RunId) -> Result<Run> {
        let mut tx = self.db.read().await?;
        db::runs::find(&mut tx, run).await?.context("the run is gone")
    }
}

fn source() -> domain::source::Source {
    simulated::source(&["email", "first_name", "letters"])
}

/// What the receiver's log says.
fn look(requests: &[RecordView], contacts: u64, minutes: f64, reserve: u8) -> AtLimits {
    let limits = Limits::default();
    let is_tag = |one: &&RecordView| matches!(one.endpoint, Endpoint::TagsAdd | Endpoint::TagsRemove);
    let at = |records: &mut dyn Iterator<Item = &RecordView>| records.map(|one| one.at_micros).collect::<Vec<i64>>();
    let (all, tags) = (at(&mut requests.iter()), at(&mut requests.iter().filter(is_tag)));
    let last =
        |wanted: fn(&RecordView) -> bool| requests.iter().filter(|one| wanted(one)).map(|one| one.at_micros).max();
    let used = |times: &[i64], until: i64, limit: u32| {
        let begun = times.first().copied().unwrap_or(until);
        let count = times.iter().filter(|at| **at <= until).count();
        let budget = f64::from(limit * (100 - u32::from(reserve).max(NEVER_USED))) / 100.0;
        100.0 * count as f64 / (((until - begun) as f64 / MINUTE as f64) * budget).max(1.0)
    };
    let last_batch = last(|one| one.endpoint == Endpoint::BatchCreate).unwrap_or_default();
    let share = match tags.last() {
        Some(last_tag) => used(&tags, *last_tag, limits.tags),
        None => used(&all, last_batch, limits.default),
    };
    AtLimits {
        what: String::new(),
        contacts,
        minutes,
        goal: 0.0,
        requests: all.len(),
        tag_requests: tags.len(),
        share,
        most: (most_in_a_minute(&all), most_in_a_minute(&tags)),
        refused: requests.iter().filter(|one| one.status == 429).count(),
    }
}

/// The most of any 60 seconds, wherever they begin.
fn most_in_a_minute(times: &[i64]) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let mut first = 0;
    let counts = times.iter().enumerate().map(|(last, at)| {
        while times[first] <= at - MINUTE {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_anywhere() {
        assert_eq!(most_in_a_minute(&[]), 0);
        assert_eq!(most_in_a_minute(&[0, 59_000_000, 60_000_000, 61_000_000, 200_000_000]), 3);
    }

    #[test]
    fn a_delivery_keeps_the_limits_and_uses_its_budget() {
        let folder = tempfile::tempdir().expect("a folder");
        for found in all(folder.path(), 12_000).expect("delivered") {
            assert_eq!((found.contacts, found.refused), (12_000, 0), "{found:?}");
            assert!(found.most.0 <= 400 && found.most.1 <= 60, "{found:?}");
            assert!(found.share > 80.0, "{found:?}");
        }
    }
}
