//! What happens in one world: a run under a seed's troubles, often a second one over changed profiles, and, when the
//! troubles are over, one more unless the last went well. The oracle looks after each.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::id::{ExportId, RunId};
use domain::run::{Run, RunReason, RunState};
use ferry_faults::chance::Chance;
use ferry_faults::oracle::{self, Books, Person, Place, Seen, Told};
use ferry_faults::simulated::{self, CONNECTION, EXPORT, SMALL_EXPORT, SimClock, Way};
use futures::FutureExt as _;
use futures::executor::block_on;
use omnisend_simulator::{Limits, Options, PRACTICE_KEY, State, Switches};
use serde_json::json;
use server::clock::Clock as _;
use server::db::{Database, Pause};
use server::db::{approvals, giving_way, runs};
use server::engine::{self, Deps, Engine};

use crate::script::{Event, Trouble};
use crate::world::{self, Bench, Manner, PEOPLE, Snapshot};

mod few;

/// After the last trouble, a run must have ended within this time.
const BOUND: Duration = Duration::from_secs(3 * 3600);
/// A world that takes longer on this machine hangs.
const REAL_TIME: Duration = Duration::from_secs(120);
/// Requests of a run that are on their way at once.
const IN_FLIGHT: usize = 4;

/// What a world says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Equal for equal logs of the receiver.
    pub(crate) digest: u64,
    pub(crate) runs: u64,
    pub(crate) crashes: u64,
    pub(crate) requests: u64,
}

/// Lives through the world of a seed; an error says which promise was broken.
pub(crate) fn live(bench: &Bench, seed: u64) -> Result<Report, String> {
    let clock = SimClock::default();
    let runtime = clock.runtime().map_err(|error| error.to_string())?;
    let lived = runtime.block_on(async {
        let scene = async { Scene::open(bench, seed, clock).await.play().await };
        tokio::time::timeout(REAL_TIME, scene).await.unwrap_or_else(|_| Err("the world hangs".to_owned()))
    });
    for (_, wire) in &bench.ways {
        wire.lead(None);
    }
    runtime.shutdown_background();
    lived
}

struct Scene<'a> {
    bench: &'a Bench,
    seed: u64,
    manner: Manner,
    chance: Chance,
    /// What worlds were given later draws from a source of its own, so that old seeds keep their troubles.
    later: Chance,
    /// And what came after that from a third one.
    latest: Chance,
    /// What small runs draw from.
    small: Chance,
    /// Those whom the small export has delivered; none where that is not known.
    few: Option<BTreeSet<String>>,
    clock: SimClock,
    state: State,
    db: Database,
    books: Books,
    told: Told,
    late: Arc<Mutex<u64>>,
    replicas: Vec<Option<engine::Running>>,
    runs: u64,
    crashes: u64,
    /// Have all runs so far kept the limits, alone on the account?
    is_limited: bool,
}

impl<'a> Scene<'a> {
    async fn open(bench: &'a Bench, seed: u64, clock: SimClock) -> Self {
        let (mut chance, mut later, latest) = (Chance::of(seed), Chance::of(!seed), Chance::of(seed.reverse_bits()));
        let manner = Manner::of(&mut later);
        let (path, db) = bench.database(manner).await;
        let mut books = Books::open(&Place::Sqlite(path)).await.expect("the database");
        books.watch().await.expect("watched");
        let read = clock.clone();
        let switches = Switches {
            batch_delay_ms: chance.within(0..1_500),
            tag_delay_ms: chance.within(0..500),
            batches_out_of_order: chance.happens(0.3),
            ..Switches::default()
        };
        let simulator = omnisend_simulator::Clock::from_fn(move || read.micros());
        let state = State::new(Options { seed, switches, clock: simulator, ..Options::default() });
        let told = Told { tag_prefix: manner.name("ferry:"), ..Told::default() };
        Self {
            bench,
            seed,
            manner,
            chance,
            later,
            latest,
            small: Chance::of(seed.rotate_left(32)),
            few: Some(BTreeSet::new()),
            clock,
            state,
            db,
            books,
            told,
            late: Arc::default(),
            replicas: Vec::new(),
            runs: 0,
            crashes: 0,
            is_limited: true,
        }
    }

    async fn play(mut self) -> Result<Report, String> {
        if self.manner.has_statuses {
            self.let_some_leave();
        }
        let count = self.bench.snapshots.len() as u64;
        let first = self.chance.within(0..count - 2) as usize;
        let mut run = self.run(&self.bench.snapshots[first], true).await?;
        if self.chance.happens(0.4) {
            let second = self.chance.within(first as u64 + 1..count - 1) as usize;
            run = self.run(&self.bench.snapshots[second], true).await?;
        }
        if run.state != RunState::Successful {
            let last = self.bench.snapshots.len() - 1;
            run = self.run(&self.bench.snapshots[last], false).await?;
            if run.state != RunState::Successful {
                return Err(format!("all is well at last, and the run is {:?}: {:?}", run.state, run.counts));
            }
        }
        self.db.close().await;
        Ok(Report {
            digest: digest(&self.state),
            runs: self.runs,
            crashes: self.crashes,
            requests: self.state.summary().requests,
        })
    }

    /// Some have unsubscribed at the receiver long before they opted in, as the profiles say.
    fn let_some_leave(&mut self) {
        let opted_in = |n: u64| Some((world::address(n), world::true_opt_in(n)?));
        self.told.opt_ins = (0..PEOPLE).filter_map(opted_in).collect();
        for email in (0..PEOPLE).map(world::address).filter(|_| self.later.happens(0.1)) {
            let channels = json!({"email": {"status": "unsubscribed", "statusChangedAt": "2020-01-01T00:00:00Z"}});
            let contact = json!({"identifiers": [{"type": "email", "id": email, "channels": channels}]});
            self.state.seed_contacts(None, &[contact]).expect("written");
            self.told.ever.insert(email);
        }
    }

    /// One run over these profiles, to its end.
    async fn run(&mut self, snapshot: &Snapshot, is_troubled: bool) -> Result<Run, String> {
        let mut trouble = if is_troubled { Trouble::of(&mut self.chance) } else { Trouble::none() };
        if is_troubled && self.later.happens(0.2) {
            trouble.cancel(&mut self.later);
        }
        if self.manner.has_statuses {
            trouble.approve_and_leave(&mut self.later, is_troubled);
        }
        if is_troubled && self.latest.happens(0.15) {
            trouble.set_clock(&mut self.latest);
            // What was asked for before it was set counts by the clock of then.
            self.is_limited = false;
        }
        if is_troubled && self.small.happens(0.25) {
            trouble.small_runs(&mut self.small);
        }
        self.bench.put(&self.db, snapshot, self.clock.now_micros()).await;
        self.told.ever.extend(snapshot.people.keys().cloned());
        let marked = |(email, person): (&String, &Person)| {
            let tags = person.tags.iter().map(|tag| self.manner.name(tag)).collect();
            (email.clone(), Person { name: person.name.clone(), tags })
        };
        self.told.people = snapshot.people.iter().map(marked).collect();
        self.lead(&trouble);
        let mut run = self.queue(EXPORT).await;
        for replica in 0..trouble.replicas {
            self.begin(replica, &trouble);
        }
        let begun = self.clock.micros();
        for (after, event) in &trouble.events {
            let wait = begun + i64::try_from(after.as_micros()).unwrap_or(0) - self.clock.micros();
            self.clock.sleep(Duration::from_micros(wait.max(0).unsigned_abs())).await;
            self.happen(*event, run, &trouble).await;
        }
        let until = begun + i64::try_from((trouble.lasts + BOUND).as_micros()).unwrap_or(i64::MAX);
        let mut looks = 0_u32;
        let ended = loop {
            run = self.newest(run).await;
            let found = self.find(run).await;
            let is_over = found.finished_at.is_some() && self.small_is_over(snapshot).await;
            if is_over || self.clock.micros() > until {
                break found;
            }
            self.approve(&found).await;
            looks += 1;
            self.clock.sleep(Duration::from_secs(if looks < 15 { 2 } else { 20 })).await;
        };
        for replica in std::mem::take(&mut self.replicas).into_iter().flatten() {
            replica.stop().await;
        }
        // What was accepted takes effect a little later; what a run that was given up left is for the next one to wait for.
        let rest = if ended.state == RunState::Canceled { self.chance.within(0..30) } else { 30 };
        // Nobody can know of a copy that somebody in between makes of a request whose answer came.
        let rest = rest.max(trouble.copies_come_within().as_secs()).max(u64::from(trouble.has_small_runs()));
        self.clock.sleep(Duration::from_secs(rest)).await;
        self.look(&trouble)?;
        Ok(ended)
    }

    fn lead(&self, trouble: &Trouble) {
        let limits = Limits { enabled: trouble.keeps_limits, ..Limits::default() };
        self.state.set_limits(limits);
        self.state.set_faults(trouble.faults.clone());
        let until = self.clock.micros() + i64::try_from(trouble.lasts.as_micros()).unwrap_or(0);
        for (number, (_, wire)) in self.bench.ways.iter().enumerate() {
            let chance = Arc::new(Mutex::new(Chance::of(self.seed ^ (self.runs << 8) ^ number as u64)));
            wire.lead(Some(Way {
                state: self.state.clone(),
                clock: self.clock.of(number + 1),
                chance,
                outage: (trouble.outage, until),
                late: self.late.clone(),
            }));
        }
    }

    fn begin(&mut self, replica: usize, trouble: &Trouble) {
        let is_alone = trouble.replicas == 1;
        // Of several, none has the lock that says that there is no other.
        let data_dir = if is_alone { self.bench.dir.path().to_owned() } else { self.bench.dir.path().join("none") };
        let mut options = engine::Options::new(data_dir);
        options.in_flight = IN_FLIGHT;
        options.keeps_limits = trouble.keeps_limits;
        options.runs_schedules = false;
        if trouble.has_small_runs() {
            options.gives_way_from = 1;
        }
        let engine = Engine::new(Deps {
            db: self.db.in_steps(Some(self.pause(replica))),
            data: self.bench.data.clone(),
            destinations: self.bench.ways[replica].0.clone(),
            keyring: self.bench.keyring.clone(),
            clock: Arc::new(self.clock.of(replica + 1)),
            chance: engine::Chance::seeded(self.seed ^ (self.crashes << 32) ^ replica as u64),
            options,
        });
        while self.replicas.len() <= replica {
            self.replicas.push(None);
        }
        self.replicas[replica] = Some(engine.start());
    }

    /// The database of a process takes its time now and then: other things happen before and after its transactions.
    fn pause(&self, replica: usize) -> Pause {
        let clock = self.clock.of(replica + 1);
        let chance = Mutex::new(Chance::of(self.seed ^ (self.crashes << 16) ^ (1 << 40) ^ replica as u64));
        let world = std::thread::current().id();
        Arc::new(move || {
            let clock = clock.clone();
            let wait = {
                let mut chance = chance.lock().expect("no panic");
                chance.happens(0.2).then(|| Duration::from_micros(chance.within(0..20_000)))
            };
            // The data engine reads on a thread of its own, while the world stands still.
            let wait = wait.filter(|_| std::thread::current().id() == world);
            async move {
                if let Some(wait) = wait {
                    clock.sleep(wait).await;
                }
            }
            .boxed()
        })
    }

    async fn happen(&mut self, event: Event, run: RunId, trouble: &Trouble) {
        match event {
            Event::Crash { replica, starts_after } => {
                drop(self.replicas[replica].take());
                self.crashes += 1;
                self.count_broken_off();
                self.clock.sleep(starts_after).await;
                self.begin(replica, trouble);
            }
            Event::Freeze { replica, time } => {
                self.count_broken_off();
                // What it writes down in its last moment is sent when it comes back.
                self.told.broken_off += IN_FLIGHT as u64;
                self.clock.freeze(replica + 1, time);
            }
            Event::RevokeKey => drop(self.state.refuse_key(PRACTICE_KEY, Some(401))),
            Event::RestoreKey => {
                self.state.refuse_key(PRACTICE_KEY, None);
                let mut tx = self.db.begin().await.expect("begun");
                runs::go_on_with(&mut tx, CONNECTION, self.clock.now_micros()).await.expect("woken");
                tx.commit().await.expect("committed");
                self.wake();
            }
            Event::SmallRun => {
                self.queue(SMALL_EXPORT).await;
                self.wake();
            }
            Event::Cancel => {
                let run = self.newest(run).await;
                let mut tx = self.db.begin().await.expect("begun");
                runs::request_cancel(&mut tx, run, self.clock.now_micros()).await.expect("asked");
                tx.commit().await.expect("committed");
                self.wake();
            }
            Event::Approve => self.approve(&self.find(self.newest(run).await).await).await,
            Event::SetClock { wrong_by } => self.clock.set(wrong_by),
        }
    }

    /// Lets the run go on if it is held.
    async fn approve(&self, run: &Run) {
        if run.reason == Some(RunReason::Approval) {
            let mut tx = self.db.begin().await.expect("begun");
            approvals::approve(&mut tx, run.id, "ana@example.com", self.clock.now_micros()).await.expect("asked");
            tx.commit().await.expect("committed");
            self.wake();
        }
    }

    fn wake(&self) {
        for running in self.replicas.iter().flatten() {
            running.engine().wake();
        }
    }

    fn count_broken_off(&mut self) {
        self.told.broken_off += block_on(self.books.on_their_way()).expect("counted");
    }

    fn look(&mut self, trouble: &Trouble) -> Result<(), String> {
        self.told.is_over = true;
        self.told.lost = *self.late.lock().expect("no panic");
        // All runs of a world share one log.
        self.is_limited &= trouble.keeps_limits && !trouble.has_others;
        self.told.limits = self.is_limited.then_some((400, 60));
        let seen = Seen::of(&self.state);
        let found = block_on(oracle::broken(&mut self.books, &seen, &self.told)).map_err(|error| error.to_string())?;
        let text = found.iter().take(3).cloned().collect::<Vec<_>>().join("\n  ");
        if self.has_other_few() {
            return Err("the small export did not deliver whom it says".to_owned());
        }
        if found.is_empty() { Ok(()) } else { Err(format!("{} promises broken:\n  {text}", found.len())) }
    }

    async fn queue(&mut self, export: ExportId) -> RunId {
        self.runs += 1;
        let id = RunId(uuid::Uuid::from_u128(u128::from(self.runs) << 64 | u128::from(self.seed)));
        simulated::queue_run(&self.db, export, id, self.clock.now_micros()).await
    }

    /// The run that goes on with this one, if it has made room, and with that one.
    async fn newest(&self, mut run: RunId) -> RunId {
        let mut tx = self.db.read().await.expect("begun");
        while let Some(rest) = giving_way::goes_on_in(&mut tx, run).await.expect("read") {
            run = rest;
        }
        run
    }

    async fn find(&self, run: RunId) -> Run {
        let mut tx = self.db.read().await.expect("begun");
        runs::find(&mut tx, run).await.expect("read").expect("the run")
    }
}

fn digest(state: &State) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for one in state.requests(0, usize::MAX) {
        (one.at_micros, one.status, one.items, one.body_hash).hash(&mut hasher);
    }
    hasher.finish()
}
