//! Time that passes only when nobody has anything else to do: as soon as the runtime is about to sleep, the next sleeper's
//! instant has come. Database and data engine have to be in steps: else time would pass while they are at work.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use server::clock::Clock;

/// The time of one world. Clones are the same time, as somebody sees it who may be frozen.
#[derive(Debug, Clone, Default)]
pub struct SimClock {
    timers: Arc<Mutex<Timers>>,
    /// Who sleeps by this clone.
    owner: usize,
}

#[derive(Debug, Default)]
struct Timers {
    now: i64,
    count: u64,
    due: BinaryHeap<Reverse<(i64, u64)>>,
    sleepers: BTreeMap<u64, Sleeper>,
    /// Owners whose sleepers wake only after an instant.
    frozen: BTreeMap<usize, i64>,
    /// By how much the time of day is wrong, on Ferry's machines.
    wrong_by: i64,
}

#[derive(Debug)]
struct Sleeper {
    owner: usize,
    waker: Option<Waker>,
    is_awake: bool,
}

struct Asleep {
    clock: SimClock,
    id: u64,
}

impl Drop for Asleep {
    fn drop(&mut self) {
        self.clock.timers().sleepers.remove(&self.id);
    }
}

impl SimClock {
    /// A runtime of one thread in which this time passes.
    ///
    /// # Errors
    /// The system gives no more files.
    pub fn runtime(&self) -> std::io::Result<tokio::runtime::Runtime> {
        let clock = self.clone();
        tokio::runtime::Builder::new_current_thread().enable_all().on_thread_park(move || clock.pass()).build()
    }

    /// The same time for somebody else.
    pub fn of(&self, owner: usize) -> Self {
        Self { timers: self.timers.clone(), owner }
    }

    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever sleeps by this owner's clock wakes no earlier than after this time.
    pub fn freeze(&self, owner: usize, time: Duration) {
        let mut timers = self.timers();
        let until = timers.now + micros(time);
        timers.frozen.insert(owner, until);
    }

    /// Nobody is busy: the next sleeper's time has come.
    fn pass(&self) {
        let mut timers = self.timers();
        while let Some(Reverse((at, id))) = timers.due.pop() {
            let Some(owner) = timers.sleepers.get(&id).map(|sleeper| sleeper.owner) else { continue };
            if let Some(until) = timers.frozen.get(&owner).copied().filter(|until| *until > at) {
                timers.due.push(Reverse((until, id)));
                continue;
            }
            timers.now = timers.now.max(at);
            let Some(sleeper) = timers.sleepers.get_mut(&id) else { continue };
            sleeper.is_awake = true;
            let waker = sleeper.waker.take();
            drop(timers);
            if let Some(waker) = waker {
                waker.wake();
            }
            return;
        }
    }

    /// Somebody sets the clock of Ferry's machines: from now on it is wrong by so many microseconds. The receiver's stays
    /// right, and so does what is measured.
    pub fn set(&self, wrong_by: i64) {
        self.timers().wrong_by = wrong_by;
    }

    /// The right time, in microseconds since 1970.
    pub fn micros(&self) -> i64 {
        start().as_microsecond() + self.timers().now
    }
}

fn start() -> Timestamp {
    Timestamp::from_second(1_772_442_000).expect("an instant")
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

#[async_trait::async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let timers = self.timers();
        start() + SignedDuration::from_micros(timers.now + timers.wrong_by)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.timers().now.unsigned_abs())
    }

    async fn sleep(&self, duration: Duration) {
        let asleep = {
            let mut timers = self.timers();
            timers.count += 1;
            let id = timers.count;
            let at = timers.now.saturating_add(micros(duration));
            timers.due.push(Reverse((at, id)));
            timers.sleepers.insert(id, Sleeper { owner: self.owner, waker: None, is_awake: false });
            Asleep { clock: self.clone(), id }
        };
        poll_fn(|context| {
            let mut timers = self.timers();
            match timers.sleepers.get_mut(&asleep.id) {
                Some(sleeper) if !sleeper.is_awake => {
                    sleeper.waker = Some(context.waker().clone());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
        .await;
    }
}
