//! How many requests a plan takes, and how long: from what the destination takes in one request and in one minute. A
//! rough figure for people; what really goes is paced by the engine.

use serde::{Deserialize, Serialize};

/// What an account takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Contacts in one request.
    pub rows_per_request: u64,
    /// Addresses in one tag request.
    pub emails_per_tag_request: u64,
    /// Requests of any kind in a minute.
    pub requests_per_minute: u64,
    /// Tag requests in a minute.
    pub tag_requests_per_minute: u64,
}

/// What a plan takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Requests that change something.
    pub requests: u64,
    /// Minutes, rounded up; 0 where nothing is sent.
    pub minutes: u64,
}

/// The estimate for so many contacts, for each tag that is added or taken away the number of people, and for so many
/// changes that take a request each.
pub fn estimate(pace: &Pace, to_send: u64, tag_changes: &[u64], alone: u64) -> Estimate {
    let requests = |rows: u64, at_once: u64| rows.div_ceil(at_once.max(1));
    let upserts = requests(to_send, pace.rows_per_request) + alone;
    let tags: u64 = tag_changes.iter().map(|changes| requests(*changes, pace.emails_per_tag_request)).sum();
    // Tags follow the contacts, at their own pace. Seconds, so that two short parts do not count as two minutes.
    let seconds = |requests: u64, a_minute: u64| (requests * 60).div_ceil(a_minute.max(1));
    let tag_pace = pace.tag_requests_per_minute.min(pace.requests_per_minute);
    let seconds = seconds(upserts, pace.requests_per_minute) + seconds(tags, tag_pace);
    Estimate { requests: upserts + tags, minutes: seconds.div_ceil(60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        rows_per_request: 100,
        emails_per_tag_request: 250,
        requests_per_minute: 360,
        tag_requests_per_minute: 54,
    };

    #[track_caller]
    fn check(to_send: u64, tags: &[u64], requests: u64, minutes: u64) {
        assert_eq!(estimate(&PACE, to_send, tags, 0), Estimate { requests, minutes });
    }

    #[test]
    fn every_part_takes_whole_requests_at_its_own_pace() {
        check(0, &[], 0, 0);
        check(1, &[], 1, 1);
        check(101, &[1, 1], 4, 1);
        check(1_000_000, &[], 10_000, 28);
        check(1_000_000, &[1_000_000], 14_000, 102);
        check(0, &[13_500], 54, 1);
        assert_eq!(estimate(&PACE, 100, &[], 719), Estimate { requests: 720, minutes: 2 });
    }

    #[test]
    fn a_pace_of_nothing_breaks_nothing() {
        let none =
            Pace { rows_per_request: 0, emails_per_tag_request: 0, requests_per_minute: 0, tag_requests_per_minute: 0 };
        assert_eq!(estimate(&none, 3, &[2], 0), Estimate { requests: 5, minutes: 5 });
    }
}
