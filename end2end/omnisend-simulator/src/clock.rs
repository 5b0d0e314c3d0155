//! The simulator's one source of time: the machine's clock, or a clock that a test moves by hand.
//! Every instant in the simulator is microseconds since 1970-01-01 UTC.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Microseconds in one second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in one millisecond.
pub const MILLISECOND: i64 = 1_000;
/// Microseconds in one day.
pub const DAY: i64 = 86_400 * SECOND;

/// Where the simulator reads the time. Cloning gives another handle on the same clock.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> i64 + Send + Sync>,
    moved: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's wall clock.
    #[expect(clippy::disallowed_methods, reason = "this is the simulator's one home of the time")]
    pub fn real() -> Self {
        Self { read: Arc::new(|| Timestamp::now().as_microsecond()), moved: None }
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    pub fn virtual_at(start: Timestamp) -> Self {
        let moved = Arc::new(AtomicI64::new(start.as_microsecond()));
        let reader = Arc::clone(&moved);
        Self { read: Arc::new(move || reader.load(Ordering::SeqCst)), moved: Some(moved) }
    }

    /// A clock that somebody else keeps, read as microseconds since 1970 UTC.
    pub fn from_fn(read: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), moved: None }
    }

    /// Now, in microseconds since 1970 UTC.
    pub fn now(&self) -> i64 {
        (self.read)()
    }

    /// Moves a virtual clock on. False when this clock cannot be moved.
    pub fn advance(&self, by: Duration) -> bool {
        let Some(moved) = &self.moved else { return false };
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX / 4);
        moved.fetch_add(micros, Ordering::SeqCst);
        true
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", to_text(self.now()))
    }
}

/// RFC 3339 in UTC with at most milliseconds, as the recorded answers write it.
pub fn to_text(micros: i64) -> String {
    Timestamp::from_millisecond(micros.div_euclid(MILLISECOND)).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// Reads an RFC 3339 instant; `None` when the text is anything else.
pub fn from_text(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.get(10) != Some(&b'T') || text.contains('[') {
        return None;
    }
    text.parse::<Timestamp>().ok().map(|at| at.as_microsecond())
}

/// Milliseconds as microseconds, without overflow.
pub fn millis(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 4_000).saturating_mul(MILLISECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_back_as_they_were_written() {
        for text in ["2026-05-01T00:00:00Z", "2024-05-09T16:25:02.332Z", "1969-12-31T23:59:59.999Z"] {
            assert_eq!(from_text(text).map(to_text).as_deref(), Some(text));
        }
        assert_eq!(from_text("2026-05-01T02:00:00+02:00").map(to_text).as_deref(), Some("2026-05-01T00:00:00Z"));
        for text in ["", "2026-05-01", "2026-05-01 00:00:00Z", "2026-05-01T00:00:00", "2026-13-01T00:00:00Z"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_virtual_clock_can_be_moved() {
        let clock = Clock::virtual_at(Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        assert!(clock.advance(Duration::from_secs(3)));
        assert_eq!((clock.now(), other.now()), (3 * SECOND, 3 * SECOND));
        let kept = Clock::from_fn(|| 7);
        assert!(!kept.advance(Duration::from_secs(1)) && !Clock::real().advance(Duration::from_secs(1)));
        assert_eq!(kept.now(), 7);
    }
}
