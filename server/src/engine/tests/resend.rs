//! Sending again only what an earlier run could not deliver.

use domain::id::RunId;
use domain::run::{Resend, RowReason, Run, RunState, Trigger};

use super::stage::{Stage, emails, people};
use crate::db::runs::{self, NewRun};

/// A run of the rows that an earlier one could not deliver, worked off.
pub(super) async fn resend(stage: &Stage, of: &Run, reason: Option<RowReason>) -> Run {
    let new = NewRun {
        id: RunId(uuid::Uuid::now_v7()),
        export: stage.export,
        export_name: "Newsletter".to_owned(),
        settings_version: 1,
        connection: Some((stage.connection, omnisend_simulator::PRACTICE_BRAND.to_owned())),
        trigger: Trigger::Manual,
        started_by: None,
        slot_at: None,
        resend_of: Some(Resend { of: of.id, reason }),
        recheck_of: None,
        continues: None,
    };
    let mut tx = stage.db.begin().await.expect("begun");
    let run = runs::queue(&mut tx, &new, stage.now()).await.expect("queued").run();
    tx.commit().await.expect("committed");
    assert!(stage.engine().step().await.expect("worked"));
    stage.find(run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_rows_that_did_not_arrive_are_sent_again_after_a_fix() {
    let stage = Stage::new().await;
    let mut everybody = people(0..200, "ab");
    everybody.push(("no address".to_owned(), "X".to_owned(), "a"));
    everybody.push((String::new(), "Y".to_owned(), "a"));
    everybody.push(("p000001@example.com".to_owned(), "Again".to_owned(), "a"));
    stage.refresh(&everybody).await;
    let first = stage.run().await;
    assert_eq!((first.counts.rejected, first.counts.held), (2, 1));
    let writes = stage.writes();
    // One is mended, one stays as it is, one gets an address of its own; meanwhile others change, join and leave.
    let mut mended = people(0..200, "ab");
    mended[5].1 = "Changed".to_owned();
    mended[6].2 = "";
    mended.push(("mended@example.com".to_owned(), "X".to_owned(), "a"));
    mended.push((String::new(), "Y".to_owned(), "a"));
    mended.push(("own@example.com".to_owned(), "Again".to_owned(), "a"));
    mended.extend(people(500..510, "a"));
    stage.refresh(&mended).await;

    let again = resend(&stage, &first, None).await;

    assert_eq!((again.state, again.resend_of.map(|one| one.of)), (RunState::CompletedWithErrors, Some(first.id)));
    assert!(again.counts.add_up());
    assert_eq!((again.counts.members, again.counts.accepted, again.counts.rejected), (3, 2, 1));
    assert_eq!((again.counts.tags_added, again.counts.tags_removed), (2, 0));
    assert_eq!(stage.writes() - writes, 2, "one batch, one tag");
    assert_eq!(stage.arrived().len(), 202);
    assert_eq!(stage.tagged("b").len(), 200, "nobody else is touched");

    // The next whole run does the rest, and nothing twice.
    let rest = stage.run().await;
    assert_eq!((rest.counts.members, rest.counts.accepted, rest.counts.unchanged), (212, 11, 200));
    assert_eq!(rest.counts.tags_removed, 2);
    let mut expected = emails(&mended);
    expected.retain(|email| !email.is_empty());
    assert_eq!(stage.arrived(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_address_keeps_the_tags_of_everybody_who_has_it() {
    let stage = Stage::new().await;
    let mut everybody = people(0..30, "a");
    everybody.push(("p000001@example.com".to_owned(), "Again".to_owned(), "b"));
    stage.refresh(&everybody).await;
    let first = stage.run().await;
    assert_eq!(first.counts.held, 1);

    let again = resend(&stage, &first, None).await;

    assert_eq!((again.counts.members, again.counts.held, again.counts.tags_removed), (1, 1, 0));
    assert_eq!(stage.tagged("b"), ["p000001@example.com"]);
    assert_eq!(stage.tagged("a").len(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_with_one_cause_are_sent_again_alone() {
    let stage = Stage::new().await;
    let mut everybody = people(0..50, "a");
    everybody.push((String::new(), "No address".to_owned(), "a"));
    everybody.push(("no address".to_owned(), "X".to_owned(), "a"));
    everybody.push(("neither".to_owned(), "Y".to_owned(), "a"));
    stage.refresh(&everybody).await;
    let first = stage.run().await;
    assert_eq!(first.counts.rejected, 3);
    // All three are mended, and somebody else changes; only one cause is sent again.
    let mut mended = people(0..50, "a");
    mended[7].1 = "Changed".to_owned();
    for name in ["one", "two", "three"] {
        mended.push((format!("{name}@example.com"), name.to_owned(), "a"));
    }
    stage.refresh(&mended).await;

    let again = resend(&stage, &first, Some(RowReason::EmailInvalid)).await;

    assert_eq!((again.state, again.counts.members, again.counts.accepted), (RunState::Successful, 2, 2));
    let expected = Resend { of: first.id, reason: Some(RowReason::EmailInvalid) };
    assert_eq!(again.resend_of, Some(expected));
    assert_eq!(stage.arrived().len(), 52);
    assert!(!stage.arrived().contains(&"one@example.com".to_owned()), "the other cause waits for its own fix");

    let other = resend(&stage, &first, Some(RowReason::EmailMissing)).await;
    assert_eq!((other.counts.members, other.counts.accepted), (1, 1));
    assert_eq!(stage.arrived().len(), 53);
}
