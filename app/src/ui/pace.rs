//! How an account's limits are used, in words.

use crate::services::{AccountPace, LanePace};
use crate::texts::{Locale, text};
use crate::ui::{number, percent};

/// What is used of the limits of an account; empty where nothing is.
pub fn pace_lines(language: Locale, pace: &AccountPace) -> Vec<String> {
    let mut lines = Vec::new();
    let is_used = |lane: &LanePace| lane.used > 0;
    if let Some(lane) = pace.requests.filter(is_used) {
        let (used, allowed) = (number(language, lane.used), number(language, lane.allowed));
        lines.push(text!(
            language,
            runs.pace,
            used = used,
            allowed = allowed,
            percent = percent(lane.used, lane.allowed)
        ));
    }
    if let Some(lane) = pace.tags.filter(is_used) {
        let (used, allowed) = (number(language, lane.used), number(language, lane.allowed));
        let percent = percent(lane.used, lane.allowed);
        lines.push(text!(language, runs.tag_pace, used = used, allowed = allowed, percent = percent));
    }
    let shares = [pace.requests, pace.tags.filter(is_used)].into_iter().flatten().map(|lane| lane.share_percent);
    if let Some(share) = shares.min().filter(|share| *share < 100) {
        lines.push(text!(language, runs.held_back, percent = share));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(used: u64, allowed: u64, share_percent: u64) -> Option<LanePace> {
        Some(LanePace { used, allowed, share_percent })
    }

    #[test]
    fn what_is_used_is_said_with_its_share() {
        let pace = AccountPace { requests: lane(342, 360, 100), tags: lane(0, 54, 100), ..AccountPace::default() };
        assert_eq!(pace_lines(Locale::en, &pace), ["342 of 360 requests a minute used, 95\u{a0}%"]);
        let shared = AccountPace { requests: lane(230, 360, 64), tags: lane(27, 54, 80), ..pace };
        let expected = [
            "230 of 360 requests a minute used, 63\u{a0}%",
            "27 of 54 tag requests a minute used, 50\u{a0}%",
            "Others use the account as well: Ferry holds back to 64\u{a0}%",
        ];
        assert_eq!(pace_lines(Locale::en, &shared), expected);
    }

    #[test]
    fn nothing_is_said_where_nothing_is_used() {
        assert!(pace_lines(Locale::en, &AccountPace::default()).is_empty());
        let idle = AccountPace { requests: lane(0, 360, 100), tags: lane(0, 54, 30), ..AccountPace::default() };
        assert!(pace_lines(Locale::en, &idle).is_empty(), "an idle lane holds nothing back");
    }
}
