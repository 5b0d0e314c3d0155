//! The budget of an account, on every database that is there.

use super::pace::{Known, Lane, known, pause, reserve};
use super::testing::databases;

const NOW: i64 = 1_800_000_000_000_000;
const SECOND: i64 = 1_000_000;
const SPACING: i64 = 100_000;

#[tokio::test]
async fn instants_are_evenly_spaced_and_those_of_a_second_ago_are_not_lost() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let mut at = Vec::new();
        for _ in 0..5 {
            at.push(reserve(&mut tx, "shop", Lane::All, SPACING, NOW).await.expect("reserved"));
        }
        assert_eq!(at, [0, 1, 2, 3, 4].map(|n| NOW + n * SPACING), "{}", db.kind());
        let late = reserve(&mut tx, "shop", Lane::All, SPACING, NOW + SECOND).await.expect("reserved");
        assert_eq!(late, NOW + 5 * SPACING);
        let much_later = reserve(&mut tx, "shop", Lane::All, SPACING, NOW + 60 * SECOND).await.expect("reserved");
        assert_eq!(much_later, NOW + 60 * SECOND);
        let other_lane = reserve(&mut tx, "shop", Lane::AddTag, SPACING, NOW).await.expect("reserved");
        assert_eq!(other_lane, NOW);
    }
}

#[tokio::test]
async fn what_others_use_is_learned_from_refusals_and_forgotten_by_and_by() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        assert_eq!(known(&mut tx, "shop", Lane::All, NOW).await.expect("read").share, 1000);
        let learned = Known { refusals: 1, refused_at: NOW, share: 500, paused_until: NOW + SECOND };
        pause(&mut tx, "shop", Lane::All, NOW + SECOND, learned).await.expect("paused");

        let mut gap = async |now: i64| {
            let first = reserve(&mut tx, "shop", Lane::All, SPACING, now).await.expect("reserved");
            let second = reserve(&mut tx, "shop", Lane::All, SPACING, now).await.expect("reserved");
            (first - now, second - first)
        };
        assert_eq!(
            gap(NOW + SECOND / 2).await,
            (SECOND / 2, 2 * SPACING),
            "{}: it waits, then goes at half",
            db.kind()
        );
        assert_eq!(gap(NOW + 300 * SECOND).await, (0, SPACING * 1000 / 700));
        assert_eq!(gap(NOW + 3600 * SECOND).await, (0, SPACING));
        // A clock that was set back finds what was learned, not more.
        assert_eq!(gap(NOW - 3600 * SECOND).await, (0, 2 * SPACING));
        assert_eq!(known(&mut tx, "shop", Lane::All, NOW + 300 * SECOND).await.expect("read").share, 700);
    }
}
