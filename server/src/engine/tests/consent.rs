//! Subscription statuses: only where an administrator chose so, only with a true date, and never for somebody who has
//! unsubscribed.

use domain::brake::Surprise;
use domain::run::{Run, RunReason, RunState};
use domain::safety::{Safety, StatusRule};
use serde_json::json;

use super::stage::{Person, Stage, people};
use crate::db::{approvals, exports};

/// The dates of the opt-ins stand where the first names do.
async fn choose_status(stage: &Stage) {
    let mut tx = stage.db.begin().await.expect("begun");
    let stored = exports::find(&mut tx, stage.export).await.expect("read").expect("the export");
    let (mut settings, version) = (stored.export.settings, stored.export.version);
    settings.safety = Safety { status: Some(StatusRule { opt_in: "first_name".to_owned() }), ..Safety::default() };
    assert!(exports::update(&mut tx, stage.export, version, &settings, stage.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
}

/// Fifty people who opted in on a day of March 2026, but for one without a date and one whose date is yet to come.
fn opted_in(day: u32) -> Vec<Person> {
    let mut all = people(0..50, "a");
    for one in &mut all {
        one.1 = format!("2026-03-{day:02}");
    }
    all[0].1 = String::new();
    all[1].1 = "2031-01-01".to_owned();
    all
}

fn address(number: u32) -> String {
    format!("p{number:06}@example.com")
}

fn unsubscribe(stage: &Stage, email: &str, at: &str) {
    let channels = json!({"email": {"status": "unsubscribed", "statusChangedAt": at}});
    let contact = json!({"identifiers": [{"type": "email", "id": email, "channels": channels}]});
    assert_eq!(stage.simulator.state().seed_contacts(None, &[contact]).expect("written"), 1);
}

fn status(stage: &Stage, email: &str) -> String {
    let contact = stage.simulator.state().contact(email).expect("a contact");
    contact["status"].as_str().expect("a status").to_owned()
}

async fn approve(stage: &Stage, run: &Run) -> Run {
    let mut tx = stage.db.begin().await.expect("begun");
    assert!(approvals::approve(&mut tx, run.id, "ana@example.com", stage.now()).await.expect("approved"));
    tx.commit().await.expect("committed");
    assert!(stage.engine().step().await.expect("worked"));
    stage.find(run.id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_15_a_person_who_unsubscribed_stays_so_after_ten_full_runs() {
    let stage = Stage::new().await;
    choose_status(&stage).await;
    // Long before the opt-in that the data claim: a status would win.
    unsubscribe(&stage, &address(3), "2020-01-01T00:00:00Z");
    let mut gone = vec![address(3)];
    for round in 0..10 {
        // Each time everybody's opt-in is newer than the last unsubscribe, and in the past.
        stage.refresh(&opted_in(1 + 2 * round)).await;
        let mut run = stage.run().await;
        if round == 0 {
            assert_eq!((run.state, run.reason), (RunState::Waiting, Some(RunReason::Approval)));
            let alarm = run.alarm.clone().expect("says why");
            assert_eq!(alarm.surprises, [Surprise::FirstStatus { people: 47 }]);
            assert_eq!(stage.writes(), 0, "nothing leaves before somebody has seen whom it touches");
            run = approve(&stage, &run).await;
        }
        assert_eq!((run.state, run.counts.members), (RunState::Successful, 50), "round {round}");

        let leaves = address(10 + round);
        unsubscribe(&stage, &leaves, &format!("2026-03-{:02}T12:00:00Z", 2 + 2 * round));
        gone.push(leaves);
        for email in &gone {
            assert_eq!(status(&stage, email), "unsubscribed", "{email} in round {round}");
        }
        stage.clock.skip(2 * 24 * 60);
    }
    assert_eq!(status(&stage, &address(40)), "subscribed");
    assert_eq!(status(&stage, &address(0)), "nonSubscribed", "no date, no status");
    assert_eq!(status(&stage, &address(1)), "nonSubscribed", "a date in the future is no date");
    let contact = stage.simulator.state().contact(&address(40)).expect("a contact");
    let text = contact.to_string();
    assert!(text.contains("2026-03-19T00:00:00"), "the date is the one of the data: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_the_unsubscribed_is_read() {
    let stage = Stage::new().await;
    choose_status(&stage).await;
    stage
        .refresh(
            &people(0..600, "a").into_iter().map(|one| (one.0, "2026-03-01".to_owned(), one.2)).collect::<Vec<_>>(),
        )
        .await;
    for number in 0..600 {
        unsubscribe(&stage, &address(number), "2020-01-01T00:00:00Z");
    }

    let run = stage.run().await;

    assert_eq!((run.state, run.counts.accepted), (RunState::Successful, 600), "nobody is touched, so nobody is asked");
    let summary = serde_json::to_value(stage.simulator.state().summary()).expect("a summary");
    assert_eq!(summary["statuses"]["unsubscribed"], 600, "{summary}");
    assert_eq!(run.counts.requests, stage.simulator.state().summary().requests, "every request is counted");
}
