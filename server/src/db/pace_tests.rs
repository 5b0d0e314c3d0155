//! The budget of an account, on every database that is there.

use super::pace::{Known, Lane, known, pause, per_minute, reserve, usage};
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

#[tokio::test]
async fn requests_are_counted_minute_by_minute() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let unknown = usage(&mut tx, "shop", Lane::All, NOW).await.expect("read");
        assert_eq!((unknown.per_minute, unknown.share), (0, 1000));
        // Two requests a second for three minutes and a half.
        for half in 0..420 {
            reserve(&mut tx, "shop", Lane::All, SPACING, NOW + half * SECOND / 2).await.expect("reserved");
            let seen = usage(&mut tx, "shop", Lane::All, NOW + half * SECOND / 2).await.expect("read").per_minute;
            let is_right = if half < 20 { seen <= 126 } else { (118..=126).contains(&seen) };
            assert!(is_right, "{}: {seen} after {half}", db.kind());
        }
        let end = NOW + 210 * SECOND;
        assert_eq!(usage(&mut tx, "shop", Lane::AddTag, end).await.expect("read").per_minute, 0);
        assert_eq!(usage(&mut tx, "shop", Lane::All, end + 150 * SECOND).await.expect("read").per_minute, 0);
        // After a rest, and after the clock was set back, counting begins anew.
        for now in [end + 600 * SECOND, NOW - 600 * SECOND] {
            reserve(&mut tx, "shop", Lane::All, SPACING, now).await.expect("reserved");
            assert_eq!(usage(&mut tx, "shop", Lane::All, now + 30 * SECOND).await.expect("read").per_minute, 2);
        }
    }
}

#[test]
fn the_rate_fades_when_nothing_is_sent() {
    let rate = |age: i64| per_minute(NOW, 300, 360, NOW + age * SECOND);
    assert_eq!([rate(0), rate(30), rate(59)], [660, 480, 306]);
    assert_eq!([rate(60), rate(90), rate(120), rate(500)], [300, 150, 0, 0]);
    // A first minute that is still going, a window that has not begun.
    assert_eq!(per_minute(NOW, 60, 0, NOW + 10 * SECOND), 360);
    assert_eq!(per_minute(NOW, 60, 0, NOW - SECOND), 0);
}
