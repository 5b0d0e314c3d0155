//! Runs in a kind world: everything arrives, nothing is sent twice, tags follow, and the counts add up.

use domain::run::{RowReason, RunState};
use omnisend_simulator::Endpoint;

use super::stage::{Setting, Stage, emails, people};
use crate::db::testing::databases;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_delivers_everybody_with_their_tags_and_the_second_sends_nothing() {
    for db in databases().await {
        let stage = Stage::on(db, Setting::default()).await;
        let mut everybody = people(0..1_050, "a");
        everybody.extend(people(1_050..1_300, "ab"));
        stage.refresh(&everybody).await;

        let run = stage.run().await;

        assert_eq!((run.state, run.reason), (RunState::Successful, None));
        assert_eq!((run.counts.members, run.counts.accepted, run.counts.tags_added), (1_300, 1_300, 1_550));
        assert!(run.counts.add_up() && run.counts.retries == 0);
        assert_eq!(stage.arrived(), emails(&everybody));
        assert_eq!(stage.tagged("a"), emails(&everybody));
        assert_eq!(stage.tagged("b").len(), 250);
        let requests = stage.simulator.state().summary().requests;
        assert_eq!(run.counts.requests, requests, "every request is counted");
        let writes = stage.writes();
        assert_eq!(writes, 13 + 6 + 1);

        let again = stage.run().await;

        assert_eq!((again.state, again.counts.unchanged), (RunState::Successful, 1_300));
        assert_eq!(stage.writes(), writes, "unchanged data is not sent again");
        assert_eq!(again.counts.requests, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_06_only_the_difference_is_sent_and_leavers_lose_their_tag() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..300, "ab")).await;
    stage.run().await;
    let writes = stage.writes();
    // 10 leave b, 5 leave both, 1 has another name, 20 join a.
    let mut changed = people(0..10, "a");
    changed.extend(people(10..15, ""));
    changed.extend(people(15..300, "ab"));
    changed.extend(people(300..320, "a"));
    changed[100].1 = "Renamed".to_owned();
    stage.refresh(&changed).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.members, run.counts.accepted), (RunState::Successful, 315, 21));
    assert_eq!((run.counts.tags_added, run.counts.tags_removed), (20, 20));
    assert_eq!(stage.writes() - writes, 1 + 1 + 2, "one batch, one tag added, one removed from each");
    assert_eq!(stage.tagged("b").len(), 285);
    assert_eq!(stage.tagged("a").len(), 315);
    let renamed = stage.simulator.state().contact(&changed[100].0).expect("a contact");
    assert_eq!(renamed["firstName"], "Renamed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_16_rows_without_a_usable_address_are_reported_and_the_counts_add_up() {
    let stage = Stage::new().await;
    let mut everybody = people(0..50, "a");
    everybody.push(("not an address".to_owned(), "X".to_owned(), "a"));
    everybody.push((String::new(), "Y".to_owned(), "a"));
    everybody.push((" P000001@Example.com ".to_owned(), "Again".to_owned(), "a"));
    stage.refresh(&everybody).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.members), (RunState::CompletedWithErrors, 53));
    assert_eq!((run.counts.accepted, run.counts.rejected, run.counts.held), (50, 2, 1));
    let reasons = stage.data.troubled_counts(run.id).await.expect("counts");
    let expected = [(RowReason::EmailMissing, 1), (RowReason::EmailInvalid, 1), (RowReason::EmailRepeated, 1)];
    assert_eq!(reasons.len(), 3);
    assert!(expected.iter().all(|one| reasons.contains(one)), "{reasons:?}");
    assert_eq!(stage.arrived().len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r53_nobody_is_subscribed_or_welcomed() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..120, "a")).await;
    stage.run().await;

    let summary = serde_json::to_value(stage.simulator.state().summary()).expect("JSON");

    assert_eq!(summary["statuses"].get("subscribed"), None, "{summary}");
    assert_eq!(stage.simulator.state().consent_events(10).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_08_names_arrive_letter_by_letter() {
    let stage = Stage::new().await;
    let names = ["O'Brien", "Ștefăniță", "🦊🐻", "מיכל", "𠜎𠜱", "Anna-Karin Å"];
    let everybody: Vec<_> =
        names.iter().enumerate().map(|(n, name)| (format!("n{n}@example.com"), (*name).to_owned(), "a")).collect();
    stage.refresh(&everybody).await;
    stage.run().await;

    for (email, name, _) in everybody {
        assert_eq!(stage.simulator.state().contact(&email).expect("a contact")["firstName"], name.as_str());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r10_the_budget_is_kept_in_every_sixty_seconds_and_used() {
    let setting = Setting { factor: 8, keeps_limits: true, ..Setting::default() };
    let stage = Stage::with(setting).await;
    stage.refresh(&people(0..45_000, "a")).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.accepted), (RunState::Successful, 45_000));
    let requests = stage.simulator.state().requests(0, usize::MAX);
    assert!(requests.iter().all(|one| one.status != 429), "alone on the brand, nothing is refused");
    let at: Vec<i64> = requests.iter().map(|one| one.at_micros).collect();
    let most = at.iter().map(|start| at.iter().filter(|t| (*start..start + 60_000_000).contains(*t)).count()).max();
    assert!(most.is_some_and(|most| most <= 400), "{most:?}");
    let batches: Vec<i64> = requests.iter().filter(|one| one.items > 0).map(|one| one.at_micros).take(450).collect();
    let minutes = (batches[449] - batches[0]) as f64 / 60e6;
    assert!(450.0 / minutes >= 0.85 * 360.0, "450 batches took {minutes} minutes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_follow_their_contacts_while_others_are_still_sent_by_addresses_and_ids() {
    let setting = Setting { factor: 10, keeps_limits: true, ..Setting::default() };
    let stage = Stage::with(setting).await;
    let everybody = people(0..30_000, "a");
    stage.refresh(&everybody).await;

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.tags_added), (RunState::Successful, 30_000));
    assert_eq!(stage.tagged("a"), emails(&everybody));
    let requests = stage.simulator.state().requests(0, usize::MAX);
    assert!(requests.iter().all(|one| one.status < 300), "nothing is refused");
    let at = |endpoint| requests.iter().filter(move |one| one.endpoint == endpoint).map(|one| one.at_micros);
    let (batches, tags) = (at(Endpoint::BatchCreate), at(Endpoint::TagsAdd));
    assert!(tags.clone().min() < batches.clone().max(), "tags begin before the last contacts are sent");
    // It would be 120 with addresses alone; how many ids are read in time depends on the machine.
    assert!(tags.count() <= 105, "{} tag requests", at(Endpoint::TagsAdd).count());
    assert!(at(Endpoint::ContactsList).count() <= 70, "{} pages", at(Endpoint::ContactsList).count());
}
