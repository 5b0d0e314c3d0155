//! Slots: each runs once, is skipped, or was missed, and is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::run::{RunReason, RunState, Trigger};
use domain::schedule::Schedule;
use domain::system::{SystemSettings, WhenActive};

use super::stage::{Setting, Stage, people, times};
use crate::clock::Clock;
use crate::db::runs;
use crate::db::testing::databases;
use crate::engine::schedule::tick;

const HOUR: i64 = 3600 * 1_000_000;

async fn daily(stage: &Stage, name: &str, hours_ago: i64) -> domain::id::ExportId {
    let schedule = Schedule::daily(jiff::civil::time(10, 0, 0, 0), "Europe/Madrid".to_owned());
    let since = stage.now() - hours_ago * HOUR;
    stage.add_export_at(name, stage.connection, Vec::new(), schedule, since).await
}

async fn recorded(stage: &Stage, export: domain::id::ExportId) -> Vec<(RunState, Option<RunReason>)> {
    let mut tx = stage.db.read().await.expect("begun");
    let page = domain::paging::PageRequest { number: 1, size: 100 };
    let runs = runs::list(&mut tx, Some(export), page).await.expect("read");
    assert!(runs.items.iter().all(|run| run.trigger == Trigger::Schedule || run.slot_at.is_none()));
    let mut runs = runs.items;
    runs.sort_by_key(|run| run.slot_at);
    runs.into_iter().map(|run| (run.state, run.reason)).collect()
}

/// What the list of exports shows as the last run.
async fn last(stage: &Stage, export: domain::id::ExportId) -> (RunState, Option<RunReason>) {
    let mut tx = stage.db.read().await.expect("begun");
    let all = runs::last_runs(&mut tx).await.expect("read");
    let of = all.into_iter().filter(|run| run.export == export).map(|run| (run.state, run.reason));
    let [last] = of.collect::<Vec<_>>().try_into().expect("one");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_runs_once_however_many_look() {
    // It is 10:00 in Madrid when the stage begins.
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    let export = daily(&stage, "Daily", 1).await;
    let engines: Vec<_> = (0..4).map(|_| stage.engine()).collect();

    let looks = engines.iter().map(|engine| tick(&engine.deps));
    let next = futures::future::join_all(looks).await;

    assert!(next.into_iter().all(|next| next.is_ok_and(|at| at > stage.now())));
    assert_eq!(recorded(&stage, export).await, [(RunState::Queued, None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rest_the_latest_slot_runs_and_the_earlier_ones_were_missed() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    let export = daily(&stage, "Daily", 24 * 3 + 1).await;

    tick(&stage.engine().deps).await.expect("looked");

    let missed = (RunState::Skipped, Some(RunReason::Missed));
    assert_eq!(recorded(&stage, export).await, [missed, missed, missed, (RunState::Queued, None)]);
    assert_eq!(last(&stage, export).await, (RunState::Queued, None), "the history has them in their order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_is_skipped_while_the_run_before_is_active() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    stage.refresh(&people(0..10, "a")).await;
    let export = daily(&stage, "Daily", 1).await;
    stage.queue_of(export, stage.connection, omnisend_simulator::PRACTICE_BRAND).await;

    tick(&stage.engine().deps).await.expect("looked");
    tick(&stage.engine().deps).await.expect("looked");

    let skipped = (RunState::Skipped, Some(RunReason::StillActive));
    assert_eq!(recorded(&stage, export).await, [(RunState::Queued, None), skipped]);
    assert_eq!(last(&stage, export).await, (RunState::Queued, None), "the run that goes on is shown, not the slot");
    assert!(stage.engine().step().await.expect("worked"));
    assert_ne!(last(&stage, export).await, skipped, "and when it has ended");
}

async fn set_when_active(stage: &Stage, when_active: WhenActive) {
    let mut tx = stage.db.begin().await.expect("begun");
    let before = crate::db::system::settings(&mut tx).await.expect("read").settings;
    let after = SystemSettings { when_active, ..before };
    assert!(crate::db::system::save(&mut tx, &after, stage.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
}

fn every_five_minutes() -> Schedule {
    let start = jiff::civil::date(2024, 1, 1).at(0, 0, 0, 0);
    Schedule::Every { minutes: 5, start, time_zone: "UTC".to_owned() }
}

/// However many slots passed while nobody looked, the latest runs once and the others are recorded, quickly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r33_a_long_rest_costs_one_run_and_every_slot_is_accounted_for() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    for missed in [0, 1, 3, 1_000, times(1_500, 10_000)] {
        let minutes = i64::try_from(missed).expect("a few") * 5;
        let since = stage.now() - minutes * 60 * 1_000_000;
        let name = format!("Away for {missed}");
        let export = stage.add_export_at(&name, stage.connection, Vec::new(), every_five_minutes(), since).await;
        let from = jiff::Timestamp::from_microsecond(since).expect("an instant");
        let engine = stage.engine();

        let begun = std::time::Instant::now();
        tick(&engine.deps).await.expect("looked");
        println!("{missed} slots were recorded in {:?}", begun.elapsed());
        assert!(begun.elapsed().as_secs() < 10, "{missed} slots took {:?}", begun.elapsed());

        let mut tx = stage.db.read().await.expect("begun");
        let page = domain::paging::PageRequest { number: 1, size: 12_000 };
        let mut slots = runs::list(&mut tx, Some(export), page).await.expect("read").items;
        slots.sort_by_key(|run| run.slot_at);
        let now = stage.now();
        let due = every_five_minutes().next_slots(from, 12_000).into_iter().map(|slot| slot.as_microsecond());
        let due: Vec<i64> = due.filter(|slot| *slot <= slots.last().map_or(now, |run| run.queued_at)).collect();
        assert_eq!(slots.iter().filter_map(|run| run.slot_at).collect::<Vec<_>>(), due);
        let (latest, earlier) = slots.split_last().map_or((None, &slots[..]), |(one, rest)| (Some(one), rest));
        assert!(latest.is_none_or(|run| run.state == RunState::Queued));
        let is_missed = |run: &domain::run::Run| run.reason == Some(RunReason::Missed);
        assert!(earlier.iter().all(is_missed));
    }
}

/// A clock that somebody sets.
struct JumpingClock {
    start: jiff::Timestamp,
    seconds: AtomicI64,
    wrong_by: AtomicI64,
}

#[async_trait::async_trait]
impl Clock for JumpingClock {
    fn now(&self) -> jiff::Timestamp {
        let seconds = self.seconds.load(Ordering::SeqCst) + self.wrong_by.load(Ordering::SeqCst);
        self.start + jiff::SignedDuration::from_secs(seconds)
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.seconds.load(Ordering::SeqCst).unsigned_abs())
    }

    async fn sleep(&self, duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that is set forwards and back loses no slot and runs none twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_a_clock_that_jumps_loses_and_doubles_no_slot() {
    let stage = Stage::with(Setting { factor: 1, ..Setting::default() }).await;
    let start = jiff::Timestamp::from_microsecond(stage.now()).expect("an instant");
    let export =
        stage.add_export_at("Jumps", stage.connection, Vec::new(), every_five_minutes(), start.as_microsecond()).await;
    let clock = Arc::new(JumpingClock { start, seconds: AtomicI64::new(0), wrong_by: AtomicI64::new(0) });
    let mut deps = (*stage.engine().deps).clone();
    deps.clock = clock.clone();
    let mut state: u64 = 20_261_122;
    let mut next = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap_or(0) % below
    };
    let jumps = times(300, 10_000);
    for jump in 0..jumps {
        clock.seconds.fetch_add(60, Ordering::SeqCst);
        let wrong_by = match jump % 50 {
            49 => [-86_400, -3_600, 3_600][usize::try_from(next(3)).unwrap_or(0)],
            _ => next(577) - 288,
        };
        clock.wrong_by.store(wrong_by, Ordering::SeqCst);
        tick(&deps).await.expect("looked");
    }
    clock.wrong_by.store(0, Ordering::SeqCst);
    tick(&deps).await.expect("looked");

    let mut tx = stage.db.read().await.expect("begun");
    let page = domain::paging::PageRequest { number: 1, size: 12_000 };
    let mut found: Vec<i64> = runs::list(&mut tx, Some(export), page)
        .await
        .expect("read")
        .items
        .iter()
        .filter_map(|run| run.slot_at)
        .collect();
    found.sort_unstable();
    let due = every_five_minutes().next_slots(start, found.len());
    assert!(found.len() >= jumps / 5 - 1, "{} slots", found.len());
    assert_eq!(found, due.iter().map(|slot| slot.as_microsecond()).collect::<Vec<_>>());
}

/// A slot that comes while the run before is active is skipped and says so, or waits for its end, as is set; two runs
/// of an export are never active at once, because the database refuses the second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r34_a_slot_during_the_run_before_is_skipped_or_waits_and_two_are_never_active() {
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
        stage.refresh(&people(0..10, "a")).await;
        let export = daily(&stage, "Daily", 1).await;
        let brand = omnisend_simulator::PRACTICE_BRAND;
        let active = stage.queue_of(export, stage.connection, brand).await;
        let actives = async || {
            let mut tx = stage.db.read().await.expect("begun");
            let page = domain::paging::PageRequest { number: 1, size: 100 };
            let runs = runs::list(&mut tx, Some(export), page).await.expect("read").items;
            runs.into_iter().filter(|run| run.finished_at.is_none()).map(|run| run.id).collect::<Vec<_>>()
        };

        // It waits, however often somebody looks, and nobody can begin a second run meanwhile.
        set_when_active(&stage, WhenActive::Queue).await;
        for _ in 0..3 {
            tick(&stage.engine().deps).await.expect("looked");
            assert_eq!(stage.queue_of(export, stage.connection, brand).await, active, "a click shows the active run");
            assert_eq!(recorded(&stage, export).await, [(RunState::Queued, None)]);
            assert_eq!(actives().await, [active]);
        }
        while stage.find(active).await.finished_at.is_none() {
            assert!(stage.engine().step().await.expect("worked"));
        }
        tick(&stage.engine().deps).await.expect("looked");
        let waited = recorded(&stage, export).await;
        assert_eq!(waited.last(), Some(&(RunState::Queued, None)), "it runs once the other has ended");
        assert_eq!(actives().await.len(), 1);

        // A day later, with that one still to be worked on, the next slot is skipped.
        set_when_active(&stage, WhenActive::Skip).await;
        stage.clock.skip(24 * 60);
        tick(&stage.engine().deps).await.expect("looked");
        let skipped = (RunState::Skipped, Some(RunReason::StillActive));
        assert_eq!(recorded(&stage, export).await.last(), Some(&skipped));
        assert_eq!(actives().await.len(), 1);
    }
}

/// Two processes that look at the same time record each slot once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r35_two_replicas_record_each_of_many_slots_once() {
    for db in databases().await {
        let stage = Stage::on(db, Setting { factor: 1, ..Setting::default() }).await;
        let missed = times(200, 1_000);
        let since = stage.now() - i64::try_from(missed).expect("a few") * 5 * 60 * 1_000_000;
        let export = stage.add_export_at("Shared", stage.connection, Vec::new(), every_five_minutes(), since).await;
        let engines: Vec<_> = (0..8).map(|_| stage.engine()).collect();
        let looks = futures::future::join_all(engines.iter().map(|engine| tick(&engine.deps))).await;
        assert!(looks.iter().all(Result::is_ok));

        let found = recorded(&stage, export).await;
        let queued = found.iter().filter(|(state, _)| *state == RunState::Queued).count();
        let mut tx = stage.db.read().await.expect("begun");
        let page = domain::paging::PageRequest { number: 1, size: 2_000 };
        let all = runs::list(&mut tx, Some(export), page).await.expect("read");
        let mut slots: Vec<i64> = all.items.iter().filter_map(|run| run.slot_at).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!((slots.len() as u64, all.total), (all.total, all.total));
        assert!(queued <= 1 && all.total >= missed as u64, "{queued} queued of {}", all.total);
    }
}

/// A clock that was years ahead, and dealt with all slots until then, silences no schedule once it is right: what did
/// not run comes yet, also where the schedule was saved meanwhile. What did run runs no second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r32_schedules_go_on_after_a_clock_that_was_years_ahead() {
    const YEARS: i64 = 4 * 365 * 24 * 60;
    for db in databases().await {
        let stage = Stage::on(db, Setting::default()).await;
        let schedule = Schedule::daily(jiff::civil::time(11, 0, 0, 0), "UTC".to_owned());
        let system = Schedule::daily(jiff::civil::time(11, 30, 0, 0), "UTC".to_owned());
        stage.refresh(&people(0..10, "a")).await;
        let segments = segments(&stage).await;
        let before = stage.add_export("Before", stage.connection, segments.clone(), schedule.clone()).await;
        set_system_schedule(&stage, &system).await;
        let slots = async |export| slots_of(&stage, export).await;
        let expected = |day: &str| format!("{day}T11:00:00Z").parse::<jiff::Timestamp>().expect("an instant");

        stage.clock.set(YEARS);
        let meanwhile = stage.add_export("Meanwhile", stage.connection, segments, schedule).await;
        set_system_schedule(&stage, &Schedule::Off).await;
        set_system_schedule(&stage, &system).await;
        let running = stage.engine().start();
        until(async || slots(before).await.len() == 4 * 365).await;
        stage.clock.set(-YEARS);
        // The one that ran stays: its day is yet to come.
        until(async || slots(before).await == [expected("2030-02-28")]).await;
        for day in ["2026-03-02", "2026-03-03"] {
            // 11:45 or later, as what is measured goes on.
            stage.clock.skip(if day == "2026-03-02" { 2 * 60 + 45 } else { 24 * 60 });
            until(async || slots(before).await.contains(&expected(day))).await;
            until(async || slots(meanwhile).await.contains(&expected(day))).await;
            until(async || last_job(&stage).await == Some(expected(day) + jiff::SignedDuration::from_mins(30))).await;
        }
        running.stop().await;
        assert_eq!(slots(before).await, ["2026-03-02", "2026-03-03", "2030-02-28"].map(expected));
        assert_eq!(slots(meanwhile).await, ["2026-03-02", "2026-03-03"].map(expected));
    }
}

async fn set_system_schedule(stage: &Stage, schedule: &Schedule) {
    let mut tx = stage.db.begin().await.expect("begun");
    let before = crate::db::system::settings(&mut tx).await.expect("read").settings;
    let after = SystemSettings { schedule: schedule.clone(), ..before };
    assert!(crate::db::system::save(&mut tx, &after, stage.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
}

async fn segments(stage: &Stage) -> Vec<domain::id::SegmentId> {
    let mut tx = stage.db.read().await.expect("begun");
    let stored = crate::db::exports::find(&mut tx, stage.export).await.expect("read").expect("there");
    stored.export.settings.segments
}

async fn slots_of(stage: &Stage, export: domain::id::ExportId) -> Vec<jiff::Timestamp> {
    let mut tx = stage.db.read().await.expect("begun");
    let page = domain::paging::PageRequest { number: 1, size: 12_000 };
    let found = runs::list(&mut tx, Some(export), page).await.expect("read").items;
    let mut slots: Vec<_> = found.iter().filter_map(|run| run.slot_at).map(instant).collect();
    slots.sort_unstable();
    slots
}

/// The slot of the system refresh that was recorded last.
async fn last_job(stage: &Stage) -> Option<jiff::Timestamp> {
    let mut tx = stage.db.read().await.expect("begun");
    let jobs = crate::db::refresh_jobs::list(&mut tx, 1).await.expect("read");
    jobs.first().and_then(|job| job.slot_at).map(instant)
}

fn instant(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(micros).expect("an instant")
}

async fn until(holds: impl AsyncFn() -> bool) {
    for _ in 0..1_200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it did not come to pass");
}
