//! Requests a minute: a window that slides, for each brand over all its keys. A burst at the edge of
//! a minute is not forgiven. Refused requests do not count.

use std::collections::{HashMap, VecDeque};

use crate::clock::SECOND;
use crate::endpoint::Endpoint;
use crate::options::Limits;

const WINDOW: i64 = 60 * SECOND;

/// Which counter a request falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Bucket {
    /// Everything the brand asks for.
    Brand,
    One(Endpoint),
    SegmentReads,
    SegmentWrites,
}

/// The counters of one brand.
#[derive(Debug, Default)]
pub struct Limiter {
    windows: HashMap<Bucket, VecDeque<i64>>,
}

impl Limiter {
    /// Counts a request, or says after how many seconds to come back.
    ///
    /// `others` is what other programs of the same brand use, in requests a minute.
    pub fn admit(
        &mut self,
        now: i64,
        endpoint: Endpoint,
        limits: &Limits,
        shared: bool,
        others: u32,
    ) -> Result<(), i64> {
        if !limits.enabled {
            return Ok(());
        }
        let buckets = buckets(endpoint, limits, shared);
        let mut wait = 0;
        for (bucket, limit) in &buckets {
            let taken = if *bucket == Bucket::Brand || !shared { others } else { 0 };
            let window = self.windows.entry(*bucket).or_default();
            wait = wait.max(wait_for(window, now, limit.saturating_sub(taken)));
        }
        if wait > 0 {
            return Err(wait);
        }
        for (bucket, _) in buckets {
            self.windows.entry(bucket).or_default().push_back(now);
        }
        Ok(())
    }
}

fn buckets(endpoint: Endpoint, limits: &Limits, shared: bool) -> Vec<(Bucket, u32)> {
    let general = if shared { Bucket::Brand } else { Bucket::One(endpoint) };
    let own = match endpoint {
        Endpoint::TagsAdd | Endpoint::TagsRemove => Some((Bucket::One(endpoint), limits.tags)),
        Endpoint::SegmentsList | Endpoint::SegmentGet | Endpoint::SegmentDelete | Endpoint::SegmentStatistics => {
            Some((Bucket::SegmentReads, limits.segment_reads))
        }
        Endpoint::SegmentCreate | Endpoint::SegmentUpdate => Some((Bucket::SegmentWrites, limits.segment_writes)),
        _ => None,
    };
    match own {
        Some(own) if shared => vec![(general, limits.default), own],
        Some(own) => vec![own],
        None => vec![(general, limits.default)],
    }
}

/// Whole seconds until one more request fits; 0 when it fits now.
fn wait_for(window: &mut VecDeque<i64>, now: i64, limit: u32) -> i64 {
    while window.front().is_some_and(|at| *at <= now - WINDOW) {
        window.pop_front();
    }
    let limit = limit as usize;
    if window.len() < limit {
        return 0;
    }
    let must_leave = window.len() - limit;
    let free_at = if limit == 0 { now + WINDOW } else { window.get(must_leave).map_or(now + WINDOW, |at| at + WINDOW) };
    ((free_at - now) + SECOND - 1).div_euclid(SECOND).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { enabled: true, default: 3, tags: 2, segment_reads: 1, segment_writes: 1 };

    #[test]
    fn the_window_slides_so_that_a_burst_at_the_edge_of_a_minute_is_refused() {
        let mut limiter = Limiter::default();
        let mut ask = |second: i64| limiter.admit(second * SECOND, Endpoint::ContactsList, &LIMITS, true, 0);
        assert_eq!([ask(50), ask(55), ask(59)], [Ok(()); 3]);
        assert_eq!(ask(61), Err(49));
        assert_eq!(ask(109), Err(1));
        assert_eq!([ask(110), ask(115)], [Ok(()); 2]);
    }

    #[test]
    fn adding_and_removing_tags_have_a_limit_each_inside_the_shared_one() {
        let mut limiter = Limiter::default();
        let mut ask = |endpoint| limiter.admit(0, endpoint, &LIMITS, true, 0).is_ok();
        assert!(ask(Endpoint::TagsAdd) && ask(Endpoint::TagsAdd) && !ask(Endpoint::TagsAdd));
        assert!(ask(Endpoint::TagsRemove) && !ask(Endpoint::ContactsList));
    }

    #[test]
    fn the_traffic_of_others_takes_its_part_of_the_budget() {
        let mut limiter = Limiter::default();
        assert_eq!(limiter.admit(0, Endpoint::ContactsList, &LIMITS, true, 2), Ok(()));
        assert_eq!(limiter.admit(0, Endpoint::ContactsList, &LIMITS, true, 2), Err(60));
        assert_eq!(limiter.admit(0, Endpoint::ContactsList, &LIMITS, true, 0), Ok(()));
    }
}
