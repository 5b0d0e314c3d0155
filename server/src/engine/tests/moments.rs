//! somebody cancels a run, takes its connection away or replaces its key, at any moment of a run that is
//! well, throttled, or has nobody to talk to. The clock is the machine's: two seconds are two seconds.

use std::time::Duration;

use domain::run::{Run, RunReason, RunState};
use futures::StreamExt as _;
use futures::stream;
use omnisend_simulator::{Action, BrandOptions, KeyOptions, PRACTICE_BRAND, PRACTICE_KEY, Rule, Script};

use super::stage::{Person, Setting, Stage, emails, people, times, too_fast};
use crate::db::{connections, exports, runs};
use crate::engine::Running;

const NEW_KEY: &str = "5f0000000000000000000001-new";
/// So long after the change nothing more may be sent.
const WITHIN: i64 = 2_000_000;
/// Stages that live at the same time.
const AT_ONCE: usize = 8;

/// How a run fares before somebody changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Every third request is told to slow down.
    Throttled,
    /// After some requests nobody answers.
    Offline,
}

impl Weather {
    fn script(self) -> Script {
        let slow = Rule::on("POST", "/batches", Action::Delay { ms: 30, after: true });
        let mut bad = match self {
            Self::Fair => return Script::one(slow),
            Self::Throttled => Rule::always(too_fast(1)),
            Self::Offline => Rule::always(Action::ResetBefore),
        };
        (bad.every, bad.from) = if self == Self::Throttled { (Some(3), None) } else { (None, Some(9)) };
        Script { rules: vec![bad, slow] }
    }
}

/// A run under way, at a moment that the number decides.
struct Moment {
    stage: Stage,
    everybody: Vec<Person>,
    running: Option<Running>,
    run: Run,
}

impl Moment {
    async fn number(number: usize, weather: Weather) -> Self {
        let keys = vec![KeyOptions::full(PRACTICE_KEY), KeyOptions::full(NEW_KEY)];
        let mut setting = Setting { factor: 1, ..Setting::default() };
        setting.simulator.brands = vec![BrandOptions::new(PRACTICE_BRAND, "Shop", keys)];
        let stage = Stage::with(setting).await;
        stage.simulator.state().set_faults(weather.script());
        let everybody = people(0..3_000, "a");
        stage.refresh(&everybody).await;
        let run = stage.queue().await;
        let running = stage.engine().start();
        // From the making of the plan to the last tags: no two the same.
        tokio::time::sleep(Duration::from_millis(number as u64 * 7_919 % 900)).await;
        let run = stage.find(run).await;
        Self { stage, everybody, running: Some(running), run }
    }

    fn wake(&self) {
        self.running.as_ref().expect("not stopped").engine().wake();
    }

    /// The process ends.
    async fn stop(mut self) -> Self {
        self.running.take().expect("not stopped").stop().await;
        self
    }

    /// Waits for the end of the run after a change; nothing was sent more than two seconds after it.
    async fn ended(&self, changed_at: i64) -> Run {
        let ended = self.stage.until(self.run.id, |run| run.finished_at.is_some()).await;
        assert!(ended.counts.add_up(), "{:?}", ended.counts);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let requests = self.stage.simulator.state().requests(0, usize::MAX);
        let late = requests.iter().filter(|one| one.at_micros > changed_at + WITHIN).count();
        assert_eq!(late, 0, "requests later than two seconds after it");
        ended
    }

    /// All goes well from now on: another run brings everybody.
    async fn another_arrives(&self) {
        self.stage.simulator.state().set_faults(Script::default());
        let mut tx = self.stage.db.begin().await.expect("begun");
        runs::go_on_with(&mut tx, self.stage.connection, self.stage.now()).await.expect("asked anew");
        tx.commit().await.expect("committed");
        // What the cancelled run may have left there is waited for.
        self.stage.clock.skip(5);
        let again = self.stage.run().await;
        assert_eq!(again.state, RunState::Successful, "{:?}", again.counts);
        self.has_everybody().await;
    }

    async fn has_everybody(&self) {
        // Tags take effect a little after they were taken.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (tagged, wanted) = (self.stage.tagged("a"), emails(&self.everybody));
        // Not thousands of addresses in one message.
        assert!(tagged == wanted, "{} of {} have their tag", tagged.len(), wanted.len());
    }
}

/// Lives through so many moments, some at once.
async fn live<F: Future<Output = ()>>(count: usize, one: impl Fn(usize, Weather) -> F) {
    let weather = |number: usize| [Weather::Fair, Weather::Throttled, Weather::Offline][number % 3];
    stream::iter(0..count).map(|number| one(number, weather(number))).buffer_unordered(AT_ONCE).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r47_a_cancel_at_any_moment_stops_the_sending_within_two_seconds_and_keeps_what_arrived() {
    live(times(9, 200), |number, weather| async move {
        let moment = Moment::number(number, weather).await;
        let stage = &moment.stage;
        let mut tx = stage.db.begin().await.expect("begun");
        let was_active = runs::request_cancel(&mut tx, moment.run.id, stage.now()).await.expect("asked");
        tx.commit().await.expect("committed");
        let changed_at = stage.now();
        moment.wake();

        let ended = moment.ended(changed_at).await;
        let by_person = (RunState::Canceled, Some(RunReason::CanceledByPerson));
        // All had been sent by the time that it was noticed.
        let was_over = !was_active || ended.state == RunState::Successful && ended.counts.held == 0;
        assert!(was_over || (ended.state, ended.reason) == by_person, "{number} {weather:?}: {:?}", ended.state);
        assert!(ended.counts.accepted >= moment.run.counts.accepted, "what arrived stays counted");
        moment.stop().await.another_arrives().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r37_a_connection_that_is_taken_away_at_any_moment_stops_the_sending_within_two_seconds() {
    live(times(9, 100), |number, weather| async move {
        let moment = Moment::number(number, weather).await;
        let stage = &moment.stage;
        let mut tx = stage.db.begin().await.expect("begun");
        assert!(exports::detach(&mut tx, stage.export).await.expect("detached"));
        assert!(connections::remove(&mut tx, stage.connection).await.expect("removed"));
        tx.commit().await.expect("committed");
        let changed_at = stage.now();
        moment.wake();

        let ended = moment.ended(changed_at).await;
        let said = [
            (RunState::Canceled, Some(RunReason::ConnectionRemoved)),
            (RunState::Skipped, Some(RunReason::NoConnection)),
            // All had been sent by the time that it was noticed.
            (RunState::Successful, None),
        ];
        assert!(said.contains(&(ended.state, ended.reason)), "{number} {weather:?}: {:?}", ended.state);
        let mut tx = stage.db.read().await.expect("begun");
        assert!(connections::find(&mut tx, stage.connection).await.expect("read").is_none(), "the key is gone with it");
        let export = exports::find(&mut tx, stage.export).await.expect("read").expect("it stays");
        assert_eq!(export.export.settings.connection, None, "inactive");
        drop(tx);
        moment.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r38_a_key_that_is_replaced_at_any_moment_costs_no_row() {
    live(times(9, 50), |number, weather| async move {
        let moment = Moment::number(number, weather).await;
        let stage = &moment.stage;
        stage.replace_key(NEW_KEY, PRACTICE_BRAND).await;
        stage.simulator.state().refuse_key(PRACTICE_KEY, Some(401));
        stage.simulator.state().set_faults(Script::default());
        moment.wake();

        let ended = stage.until(moment.run.id, |run| run.finished_at.is_some()).await;
        let counts = ended.counts;
        assert_eq!((ended.state, counts.accepted), (RunState::Successful, 3_000), "{number} {weather:?}: {counts:?}");
        moment.stop().await.has_everybody().await;
    })
    .await;
}
