//! Time that passes quickly, and that somebody may set.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::clock::Clock;

/// The machine's clock, so many times as fast.
#[derive(Debug)]
pub(super) struct QuickClock {
    begun: Instant,
    start: Timestamp,
    factor: u32,
    passed: AtomicU64,
    skipped: AtomicI64,
    wrong_by: AtomicI64,
}

impl QuickClock {
    pub(super) fn new(start: Timestamp, factor: u32) -> Self {
        let (passed, skipped, wrong_by) = Default::default();
        Self { begun: Instant::now(), start, factor, passed, skipped, wrong_by }
    }

    /// Time passes.
    pub(super) fn pass(&self, minutes: u64) {
        self.passed.fetch_add(minutes * 60, Ordering::SeqCst);
    }

    /// The time of day is later for everybody; what is measured does not notice.
    pub(super) fn skip(&self, minutes: i64) {
        self.skipped.fetch_add(minutes * 60_000_000, Ordering::SeqCst);
    }

    /// Somebody sets Ferry's clock, forward or back. The simulator's stays right.
    pub(super) fn set(&self, minutes: i64) {
        self.wrong_by.fetch_add(minutes * 60_000_000, Ordering::SeqCst);
    }

    /// The right time, in microseconds.
    pub(super) fn right(&self) -> i64 {
        self.now_micros() - self.wrong_by.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Clock for QuickClock {
    fn now(&self) -> Timestamp {
        let skipped = self.skipped.load(Ordering::SeqCst) + self.wrong_by.load(Ordering::SeqCst);
        let skipped = jiff::SignedDuration::from_micros(skipped);
        self.start + jiff::SignedDuration::try_from(self.monotonic()).expect("a short time") + skipped
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed() * self.factor + Duration::from_secs(self.passed.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.factor).await;
    }
}
