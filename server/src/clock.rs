//! The only place that asks what time it is. Everything else is given a [`Clock`], so that tests decide the time.
//!
//! Not a scheduler: it knows nothing of slots and time zones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The time, and waiting for it.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// The time of day, UTC. May jump when somebody sets the machine's clock.
    fn now(&self) -> Timestamp;

    /// Time since this clock was made. Never runs backwards; for measuring and for time-outs.
    fn monotonic(&self) -> Duration;

    /// Waits this long. Dropping the future ends the wait.
    async fn sleep(&self, duration: Duration);

    /// [`Clock::now`] as the database keeps it: microseconds since 1970, UTC.
    fn now_micros(&self) -> i64 {
        self.now().as_microsecond()
    }
}

/// A clock as it is handed around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The machine's clock, ready to be shared.
    pub fn shared() -> SharedClock {
        Arc::new(Self { started: Instant::now() })
    }
}

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that stands still until a test moves it. Sleepers wake as soon as it has passed their time.
#[cfg(test)]
#[derive(Debug)]
pub struct TestClock {
    start: Timestamp,
    passed: tokio::sync::watch::Sender<Duration>,
}

#[cfg(test)]
impl TestClock {
    /// Stands at 2026-03-02T09:00:00Z, a Monday.
    pub fn shared() -> Arc<Self> {
        Self::at("2026-03-02T09:00:00Z".parse().expect("a valid time"))
    }

    /// Stands at `start`.
    pub fn at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self { start, passed: tokio::sync::watch::Sender::new(Duration::ZERO) })
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.passed.send_modify(|passed| *passed += by);
    }
}

#[cfg(test)]
#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.start + jiff::SignedDuration::try_from(*self.passed.borrow()).expect("a short time")
    }

    fn monotonic(&self) -> Duration {
        *self.passed.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.monotonic() + duration;
        let mut passed = self.passed.subscribe();
        // The sender lives as long as `self`, so this ends only when the time has come.
        let _ = passed.wait_for(|passed| *passed >= until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_test_clock_has_passed_its_time() {
        let clock = TestClock::shared();
        let before = clock.now_micros();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(60)).await }
        });

        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));

        sleeper.await.expect("the sleeper ends");
        assert_eq!(clock.now_micros() - before, 60_000_000);
    }
}
