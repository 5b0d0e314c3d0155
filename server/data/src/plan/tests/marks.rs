//! Segments that are marked by custom properties instead of tags.

use domain::marking::Marking;

use super::{
    all_well, close, contacts, failed, ledger_lines, person, plan, refused, run, segment, tag_lines, write_people,
};
use crate::plan::{PlannedSegment, TagOp};
use crate::testing::engine;

const IN: bool = true;
const OUT: bool = false;

fn marked(number: usize, is_active: bool) -> PlannedSegment {
    let segment = segment(number, is_active);
    PlannedSegment { tag: Marking::Properties.mark(&segment.tag), ..segment }
}

fn both() -> Vec<PlannedSegment> {
    vec![marked(0, true), marked(1, true)]
}

/// What is sent, as one line each.
async fn sent(engine: &crate::DataEngine, number: u128) -> Vec<String> {
    let properties = |payload: &str| {
        let payload: serde_json::Value = serde_json::from_str(payload).expect("JSON");
        payload["properties"].to_string()
    };
    let contacts = contacts(engine, number).await;
    contacts.iter().map(|one| format!("{} {}", one.email, properties(&one.payload))).collect()
}

#[tokio::test]
async fn membership_goes_with_the_contact_and_takes_no_request() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])]);
    write_people(&engine, 2, &[person("a@x.com", "Ana", [OUT, IN, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])]);
    write_people(&engine, 3, &[person("a@x.com", "Ana", [OUT, IN, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])]);
    let first = plan(&engine, 1, None, both()).await;
    assert_eq!((first.to_send, first.tags_to_add, first.tag_changes), (2, 3, 0));
    assert_eq!(sent(&engine, 1).await, [r#"a@x.com {"t0":true,"t1":true}"#, r#"b@x.com {"t0":true,"t1":false}"#]);
    assert!(tag_lines(&engine, 1).await.is_empty());
    let mut request = all_well(1, None);
    request.unconfirmed.push(1..2);
    let closed = close(&engine, request).await.counts;
    assert_eq!((closed.accepted, closed.tags_added), (1, 2));
    assert_eq!(ledger_lines(&engine, 1), ["a@x.com =t0,=t1", "b@x.com  (=t0?)"]);

    // Ana leaves one of them, and is still a member.
    let second = plan(&engine, 2, Some(1), both()).await;
    assert_eq!((second.to_send, second.tags_to_add, second.tags_to_remove, second.tag_changes), (2, 1, 1, 0));
    assert_eq!(second.new_contacts, 1, "nobody knows whether Bo is there");
    assert_eq!(sent(&engine, 2).await[0], r#"a@x.com {"t0":false,"t1":true}"#);
    let mut request = all_well(2, Some(1));
    request.refused = refused(&[0]);
    let closed = close(&engine, request).await.counts;
    assert_eq!((closed.rejected, closed.tags_added, closed.tags_removed), (1, 1, 0));
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com =t0,=t1", "b@x.com =t0"], "what was refused is as it was");

    let third = plan(&engine, 3, Some(2), both()).await;
    assert_eq!((third.to_send, third.unchanged, third.tags_to_remove), (1, 1, 1));
    assert_eq!(close(&engine, all_well(3, Some(2))).await.counts.tags_removed, 1);
    assert_eq!(ledger_lines(&engine, 3), ["a@x.com =t1", "b@x.com =t0"]);
}

#[tokio::test]
async fn who_leaves_is_never_sent_and_takes_a_request_for_each_property() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])]);
    for snapshot in 2..=3 {
        write_people(&engine, snapshot, &[person("c@x.com", "Cleo", [IN, OUT, OUT])]);
    }
    plan(&engine, 1, None, both()).await;
    close(&engine, all_well(1, None)).await;
    let second = plan(&engine, 2, Some(1), both()).await;
    assert_eq!((second.to_send, second.leavers, second.tags_to_remove, second.tag_changes), (1, 2, 3, 3));
    assert_eq!(tag_lines(&engine, 2).await, ["-=t0 a@x.com", "-=t0 b@x.com", "-=t1 a@x.com"]);
    let mut request = all_well(2, Some(1));
    request.failed_tags = vec![failed(TagOp::Remove, "=t0", 1..2)];
    assert_eq!(close(&engine, request).await.counts.tags_removed, 2);
    assert_eq!(ledger_lines(&engine, 2), ["b@x.com =t0", "c@x.com =t0"]);
    plan(&engine, 3, Some(2), both()).await;
    assert_eq!(tag_lines(&engine, 3).await, ["-=t0 b@x.com"], "what failed comes again");
}

#[tokio::test]
async fn whoever_comes_back_before_all_their_properties_are_gone_gets_them_again() {
    let (_root, engine) = engine();
    let all = [person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [IN, IN, OUT])];
    for (snapshot, people) in [&all[..], &[], &all[..]].into_iter().enumerate() {
        write_people(&engine, i64::try_from(snapshot).expect("few") + 1, people);
    }
    plan(&engine, 1, None, both()).await;
    close(&engine, all_well(1, None)).await;
    plan(&engine, 2, Some(1), both()).await;
    let mut request = all_well(2, Some(1));
    // One of them keeps both, the other one of two.
    request.failed_tags = vec![failed(TagOp::Remove, "=t0", 0..1), failed(TagOp::Remove, "=t1", 0..2)];
    close(&engine, request).await;
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com =t0,=t1", "b@x.com =t1"]);

    let third = plan(&engine, 3, Some(2), both()).await;
    assert_eq!((third.to_send, third.unchanged), (1, 1));
    assert_eq!(
        sent(&engine, 3).await,
        [r#"b@x.com {"t0":true,"t1":true}"#],
        "the payload is as it was, the contact is not"
    );
}

#[tokio::test]
async fn another_marking_moves_everybody_over_from_the_ledger() {
    let (_root, engine) = engine();
    let people = [person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])];
    for snapshot in 1..=4 {
        write_people(&engine, snapshot, &people);
    }
    let tags = || vec![segment(0, true), segment(1, true)];
    plan(&engine, 1, None, tags()).await;
    close(&engine, all_well(1, None)).await;

    let second = plan(&engine, 2, Some(1), both()).await;
    assert_eq!((second.to_send, second.new_contacts, second.tag_changes), (2, 0, 3));
    assert_eq!(tag_lines(&engine, 2).await, ["-t0 a@x.com", "-t0 b@x.com", "-t1 a@x.com"]);
    close(&engine, all_well(2, Some(1))).await;
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com =t0,=t1", "b@x.com =t0"]);

    let third = plan(&engine, 3, Some(2), tags()).await;
    assert_eq!((third.to_send, third.tag_changes), (2, 3));
    assert_eq!(sent(&engine, 3).await, [r#"a@x.com {"t0":false,"t1":false}"#, r#"b@x.com {"t0":false}"#]);
    assert_eq!(tag_lines(&engine, 3).await, ["+t0 a@x.com", "+t0 b@x.com", "+t1 a@x.com"]);
    close(&engine, all_well(3, Some(2))).await;
    assert_eq!(ledger_lines(&engine, 3), ["a@x.com t0,t1", "b@x.com t0"]);

    let fourth = plan(&engine, 4, Some(3), tags()).await;
    assert_eq!((fourth.to_send, fourth.unchanged, fourth.tag_changes), (0, 2, 0), "said once, it is not said again");
}

#[tokio::test]
async fn a_segment_that_is_dropped_or_inactive_is_cleared_or_left_alone() {
    let (_root, engine) = engine();
    let people = [person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])];
    for snapshot in 1..=3 {
        write_people(&engine, snapshot, &people);
    }
    plan(&engine, 1, None, both()).await;
    close(&engine, all_well(1, None)).await;
    plan(&engine, 2, Some(1), vec![marked(0, true), marked(1, false)]).await;
    assert_eq!(sent(&engine, 2).await[0], r#"a@x.com {"t0":true}"#, "it says nothing of the inactive one");
    close(&engine, all_well(2, Some(1))).await;
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com =t0,=t1", "b@x.com =t0"]);
    // The same payload as before: what is left over takes a request of its own.
    let third = plan(&engine, 3, Some(2), vec![marked(0, true)]).await;
    assert_eq!((third.to_send, third.unchanged, third.tag_changes), (0, 2, 1));
    assert_eq!(tag_lines(&engine, 3).await, ["-=t1 a@x.com"]);
    close(&engine, all_well(3, Some(2))).await;
    assert_eq!(ledger_lines(&engine, 3), ["a@x.com =t0", "b@x.com =t0"]);
}

#[tokio::test]
async fn people_who_share_an_address_are_in_the_segments_of_them_all() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, OUT, OUT]), person("A@x.com", "Al", [OUT, IN, OUT])]);
    plan(&engine, 1, None, both()).await;
    assert_eq!(sent(&engine, 1).await, [r#"a@x.com {"t0":true,"t1":true}"#]);
}

#[tokio::test]
async fn the_rows_of_a_plan_can_be_taken_over_with_their_marks() {
    let (_root, engine) = engine();
    let person = |n: u8, letters| person(&format!("p{n}@x.com"), "P", letters);
    write_people(&engine, 1, &[person(0, [IN, OUT, OUT])]);
    write_people(&engine, 2, &[person(0, [IN, IN, OUT]), person(1, [IN, OUT, OUT]), person(2, [IN, OUT, OUT])]);
    plan(&engine, 1, None, both()).await;
    close(&engine, all_well(1, None)).await;
    plan(&engine, 2, Some(1), both()).await;
    let mut request = all_well(2, Some(1));
    request.unconfirmed = vec![0..1, 2..3];
    close(&engine, request).await;
    assert_eq!(ledger_lines(&engine, 2), ["p0@x.com =t0 (=t1?)", "p1@x.com =t0", "p2@x.com  (=t0?)"]);

    let narrow = engine.narrow_plan(run(3), run(2), vec![2..3, 0..1]).await.expect("a plan");

    assert_eq!((narrow.members, narrow.to_send, narrow.new_contacts, narrow.tag_changes), (2, 2, 1, 0));
    let rows: Vec<u64> = contacts(&engine, 3).await.iter().map(|one| one.row).collect();
    assert_eq!(rows, [0, 2], "they keep their numbers");
    let mut request = all_well(3, Some(2));
    request.refused = refused(&[2]);
    let closed = close(&engine, request).await.counts;
    assert_eq!((closed.accepted, closed.rejected, closed.tags_added), (1, 1, 1));
    assert_eq!(ledger_lines(&engine, 3), ["p0@x.com =t0,=t1", "p1@x.com =t0", "p2@x.com  (=t0?)"]);
}

#[tokio::test]
async fn whoever_leaves_before_they_are_confirmed_loses_what_they_may_carry() {
    let (_root, engine) = engine();
    let all = [person("a@x.com", "Ana", [IN, OUT, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])];
    write_people(&engine, 1, &all[..1]);
    write_people(&engine, 2, &[person("a@x.com", "Ana", [IN, IN, OUT]), all[1].clone()]);
    write_people(&engine, 3, &[]);
    write_people(&engine, 4, &all);
    plan(&engine, 1, None, both()).await;
    close(&engine, all_well(1, None)).await;
    plan(&engine, 2, Some(1), both()).await;
    let mut request = all_well(2, Some(1));
    request.unconfirmed.push(0..2);
    close(&engine, request).await;
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com =t0 (=t1?)", "b@x.com  (=t0?)"]);

    let third = plan(&engine, 3, Some(2), both()).await;
    assert_eq!((third.to_send, third.leavers), (0, 2));
    assert_eq!(tag_lines(&engine, 3).await, ["-=t0 a@x.com", "-=t0 b@x.com", "-=t1 a@x.com"]);
    let mut request = all_well(3, Some(2));
    request.failed_tags = vec![failed(TagOp::Remove, "=t0", 1..2)];
    close(&engine, request).await;
    assert_eq!(ledger_lines(&engine, 3), ["b@x.com  (=t0?)"], "what failed stays in doubt");

    let fourth = plan(&engine, 4, Some(3), both()).await;
    assert_eq!((fourth.to_send, fourth.new_contacts), (2, 2));
    close(&engine, all_well(4, Some(3))).await;
    assert_eq!(ledger_lines(&engine, 4), ["a@x.com =t0", "b@x.com =t0"]);
}

#[tokio::test]
async fn whoever_was_refused_after_an_answer_was_lost_loses_what_they_may_carry() {
    let (_root, engine) = engine();
    let all = ["a@x.com", "b@x.com"].map(|email| person(email, "Ana", [IN, OUT, OUT]));
    write_people(&engine, 1, &all);
    write_people(&engine, 2, &[]);
    plan(&engine, 1, None, both()).await;
    let mut request = all_well(1, None);
    request.refused = refused(&[0, 1]);
    request.doubted.push(1..2);
    let first = close(&engine, request).await.counts;

    assert_eq!((first.accepted, first.rejected, first.unconfirmed), (0, 2, 0), "what was said stands");
    assert_eq!(ledger_lines(&engine, 1), ["b@x.com  (=t0?)"]);
    let second = plan(&engine, 2, Some(1), both()).await;
    assert_eq!((second.to_send, second.leavers), (0, 1));
    assert_eq!(tag_lines(&engine, 2).await, ["-=t0 b@x.com"]);
}

#[tokio::test]
async fn whoever_was_not_sent_again_after_an_answer_was_lost_loses_what_they_may_carry() {
    let (_root, engine) = engine();
    let all = ["a@x.com", "b@x.com"].map(|email| person(email, "Ana", [IN, OUT, OUT]));
    write_people(&engine, 1, &all);
    write_people(&engine, 2, &[]);
    plan(&engine, 1, None, both()).await;
    let mut request = all_well(1, None);
    request.held.push(0..2);
    request.doubted.push(1..2);
    let first = close(&engine, request).await.counts;

    assert_eq!((first.accepted, first.held, first.unconfirmed), (0, 2, 0), "they were not sent again");
    assert_eq!(ledger_lines(&engine, 1), ["b@x.com  (=t0?)"]);
    plan(&engine, 2, Some(1), both()).await;
    assert_eq!(tag_lines(&engine, 2).await, ["-=t0 b@x.com"]);
}
