//! How many requests a plan takes, and how long: from what the destination takes in one request, and from what may be used
//! in one minute. A rough figure for people; what really goes is paced by the engine.

use serde::{Deserialize, Serialize};

/// What an account takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Contacts in one request.
    pub rows_per_request: u64,
    /// Addresses in one tag request.
    pub emails_per_tag_request: u64,
    /// Ids of new contacts that the same request takes beside them; 0 where none are used.
    pub ids_per_tag_request: u64,
    /// Requests of any kind that may be used in a minute; none is any number.
    pub requests_per_minute: Option<u64>,
    /// Requests that add tags in a minute, and the same again for those that remove tags; none is any number.
    pub tag_requests_per_minute: Option<u64>,
}

/// What a plan does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// Contacts that are sent.
    pub to_send: u64,
    /// Of those, the ones that are sent for the first time.
    pub new_contacts: u64,
    /// For each tag that is added: to how many.
    pub tags_to_add: Vec<u64>,
    /// For each tag that is taken away: from how many.
    pub tags_to_remove: Vec<u64>,
    /// Changes that take a request each.
    pub alone: u64,
}

/// What a plan takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Requests that change something.
    pub requests: u64,
    /// Minutes, rounded up; 0 where nothing is sent.
    pub minutes: u64,
}

/// Tags of fewer people go by address alone: ids would not save a request worth asking for them.
const IDS_FROM: u64 = 2_500;

/// The estimate for a plan. Tags go while contacts are sent: what takes longest decides, all requests together, those that
/// add tags, or those that remove them.
pub fn estimate(pace: &Pace, work: &Work) -> Estimate {
    let requests = |rows: u64, at_once: u64| rows.div_ceil(at_once.max(1));
    let upserts = requests(work.to_send, pace.rows_per_request) + work.alone;
    let (mut adding, mut pages) = (0, 0);
    for changes in &work.tags_to_add {
        let by_id = ids(pace, *changes, work.new_contacts);
        adding += requests(changes - by_id, pace.emails_per_tag_request);
        // Ids come in pages as large as what one request takes.
        pages += requests(by_id, pace.ids_per_tag_request);
    }
    let removing: u64 = work.tags_to_remove.iter().map(|n| requests(*n, pace.emails_per_tag_request)).sum();
    let changing = upserts + adding + removing;
    // Seconds, so that short parts do not count as whole minutes.
    let seconds = |requests: u64, a_minute: Option<u64>| match a_minute {
        Some(a_minute) => (requests * 60).div_ceil(a_minute.max(1)),
        None => u64::from(requests > 0),
    };
    let all = seconds(changing + pages, pace.requests_per_minute);
    let tags = seconds(adding.max(removing), pace.tag_requests_per_minute);
    Estimate { requests: changing, minutes: all.max(tags).div_ceil(60) }
}

/// How many changes of a tag name their contact by an id: at most the share of ids in a full request, and only of new
/// contacts.
fn ids(pace: &Pace, changes: u64, new_contacts: u64) -> u64 {
    let both = pace.ids_per_tag_request + pace.emails_per_tag_request;
    if pace.ids_per_tag_request == 0 || changes < IDS_FROM {
        return 0;
    }
    let share = u128::from(changes.min(new_contacts)) * u128::from(pace.ids_per_tag_request) / u128::from(both);
    u64::try_from(share).unwrap_or(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        rows_per_request: 100,
        emails_per_tag_request: 250,
        ids_per_tag_request: 250,
        requests_per_minute: Some(360),
        tag_requests_per_minute: Some(54),
    };

    #[track_caller]
    fn check(pace: &Pace, (to_send, new_contacts): (u64, u64), add: &[u64], remove: &[u64], expected: (u64, u64)) {
        let work = Work { to_send, new_contacts, tags_to_add: add.to_vec(), tags_to_remove: remove.to_vec(), alone: 0 };
        let found = estimate(pace, &work);
        assert_eq!((found.requests, found.minutes), expected);
    }

    #[test]
    fn every_part_takes_whole_requests_and_the_longest_decides() {
        check(&PACE, (0, 0), &[], &[], (0, 0));
        check(&PACE, (1, 1), &[], &[], (1, 1));
        check(&PACE, (101, 101), &[1, 1], &[], (4, 1));
        check(&PACE, (1_000_000, 1_000_000), &[], &[], (10_000, 28));
        // Tags go beside the contacts, half of them by id: 14,000 requests and pages of ids at 360 a minute.
        check(&PACE, (1_000_000, 1_000_000), &[1_000_000], &[], (12_000, 39));
        // People who are there already are named by their address: 4,000 tag requests at 54 a minute.
        check(&PACE, (1_000_000, 0), &[1_000_000], &[], (14_000, 75));
        check(&PACE, (0, 0), &[13_500], &[], (54, 1));
        // Adding and removing have a limit each.
        check(&PACE, (0, 0), &[13_500], &[13_500], (108, 1));
    }

    #[test]
    fn what_may_be_used_decides_how_long_it_takes() {
        let half = Pace { requests_per_minute: Some(200), tag_requests_per_minute: Some(30), ..PACE };
        check(&half, (1_000_000, 1_000_000), &[], &[], (10_000, 50));
        check(&half, (0, 0), &[13_500], &[], (54, 2));
        let unlimited = Pace { requests_per_minute: None, tag_requests_per_minute: None, ..PACE };
        check(&unlimited, (1_000_000, 1_000_000), &[], &[], (10_000, 1));
        check(&unlimited, (0, 0), &[], &[], (0, 0));
    }

    #[test]
    fn what_goes_alone_takes_a_request_each() {
        let work = Work { to_send: 100, alone: 719, ..Work::default() };
        assert_eq!(estimate(&PACE, &work), Estimate { requests: 720, minutes: 2 });
    }

    #[test]
    fn a_pace_of_nothing_breaks_nothing() {
        let none = Pace {
            rows_per_request: 0,
            emails_per_tag_request: 0,
            ids_per_tag_request: 0,
            requests_per_minute: Some(0),
            tag_requests_per_minute: Some(0),
        };
        check(&none, (3, 3), &[2], &[], (5, 5));
    }
}
