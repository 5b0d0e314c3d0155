//! How the runs of an export follow one another.

use domain::paging::PageRequest;
use domain::run::RowReason;
use domain::segment::Definition;
use futures::StreamExt;

use super::{
    EXPORT, Person, all_well, close, contacts, failed, is_true, ledger, ledger_lines, person, plan, refused, request,
    run, segment, tag_lines, write_people,
};
use crate::error::DataError;
use crate::plan::{OtherLedger, TagOp, TroubledRow};
use crate::store::{ledger_path, left_path, plan_path, troubled_path};
use crate::testing::engine;

const IN: bool = true;
const OUT: bool = false;

#[tokio::test]
async fn a_second_run_of_unchanged_data_sends_nothing() {
    let (_root, engine) = engine();
    let people = [person("B@x.com", "Bo", [IN, OUT, OUT]), person("a@x.com", "Ana", [IN, IN, OUT])];
    write_people(&engine, 1, &people);
    write_people(&engine, 2, &people);
    let segments = vec![segment(0, true), segment(1, true)];
    let first = plan(&engine, 1, None, segments.clone()).await;
    assert_eq!((first.members, first.to_send, first.new_contacts, first.tags_to_add), (2, 2, 2, 3));
    assert_eq!(first.tags, ["t0", "t1"]);
    let sent = contacts(&engine, 1).await;
    assert_eq!(
        sent.iter().map(|c| (c.row, c.email.as_str(), c.key.as_str())).collect::<Vec<_>>(),
        [(0, "a@x.com", "k001"), (1, "b@x.com", "k000")]
    );
    assert_eq!(tag_lines(&engine, 1).await, ["+t0 a@x.com after 0", "+t0 b@x.com after 1", "+t1 a@x.com after 0"]);
    let closed = close(&engine, all_well(1, None)).await.counts;
    assert_eq!((closed.accepted, closed.tags_added, closed.tags_removed), (2, 3, 0));
    assert_eq!(ledger_lines(&engine, 1), ["a@x.com t0,t1", "b@x.com t0"]);

    let second = plan(&engine, 2, Some(1), segments).await;
    assert_eq!((second.members, second.to_send, second.unchanged), (2, 0, 2));
    assert_eq!((second.tags_to_add, second.tags_to_remove), (0, 0));
    assert!(contacts(&engine, 2).await.is_empty());
    let closed = close(&engine, all_well(2, Some(1))).await.counts;
    assert_eq!((closed.accepted, closed.unchanged), (0, 2));
    assert_eq!(ledger(&engine, 2), ledger(&engine, 1));
}

#[tokio::test]
async fn rows_that_failed_come_again_and_carry_no_tag_until_they_are_accepted() {
    let (_root, engine) = engine();
    let people: Vec<Person> = (0..4).map(|n| person(&format!("p{n}@x.com"), "P", [IN, OUT, OUT])).collect();
    for snapshot in 1..=3 {
        write_people(&engine, snapshot, &people);
    }
    let segments = || vec![segment(0, true)];
    plan(&engine, 1, None, segments()).await;
    let mut request = all_well(1, None);
    request.refused = refused(&[0]);
    request.unconfirmed.push(1..2);
    request.held.push(2..3);
    let closed = close(&engine, request).await;
    assert_eq!(closed.counts.tags_added, 1);
    assert_eq!(closed.reasons, [(RowReason::Refused, 1), (RowReason::Canceled, 1), (RowReason::NoAnswer, 1)]);
    assert_eq!(ledger_lines(&engine, 1), ["p3@x.com t0"]);

    let second = plan(&engine, 2, Some(1), segments()).await;
    assert_eq!((second.to_send, second.new_contacts, second.unchanged), (3, 3, 1));
    let mut request = all_well(2, Some(1));
    request.failed_tags = vec![failed(TagOp::Add, "t0", 1..2)];
    close(&engine, request).await;
    assert_eq!(ledger_lines(&engine, 2), ["p0@x.com t0", "p1@x.com ", "p2@x.com t0", "p3@x.com t0"]);

    let third = plan(&engine, 3, Some(2), segments()).await;
    assert_eq!((third.to_send, third.unchanged), (0, 4));
    assert_eq!(tag_lines(&engine, 3).await, ["+t0 p1@x.com"]);
}

#[tokio::test]
async fn a_changed_row_without_an_outcome_is_sent_again_even_if_it_changes_back() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, OUT, OUT])]);
    write_people(&engine, 2, &[person("a@x.com", "Anna", [IN, IN, OUT])]);
    let segments = || vec![segment(0, true), segment(1, true)];
    plan(&engine, 1, None, segments()).await;
    close(&engine, all_well(1, None)).await;
    let second = plan(&engine, 2, Some(1), segments()).await;
    assert_eq!((second.to_send, second.new_contacts), (1, 0));
    // The contact is there: its new tag need not wait for the row.
    assert_eq!(tag_lines(&engine, 2).await, ["+t1 a@x.com"]);
    let mut request = all_well(2, Some(1));
    request.unconfirmed.push(0..1);
    let closed = close(&engine, request).await;
    assert_eq!((closed.counts.unconfirmed, closed.counts.tags_added), (1, 1));
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com t0,t1"]);
    // The first name is back; the destination may hold the second one.
    write_people(&engine, 3, &[person("a@x.com", "Ana", [IN, IN, OUT])]);
    let third = plan(&engine, 3, Some(2), segments()).await;
    assert_eq!((third.to_send, third.new_contacts, third.unchanged), (1, 0, 0));
}

#[tokio::test]
async fn a_leaver_loses_the_tag_and_is_never_sent() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])]);
    write_people(&engine, 2, &[person("a@x.com", "Ana", [OUT, IN, OUT]), person("b@x.com", "Bo", [OUT, OUT, OUT])]);
    write_people(&engine, 3, &[person("a@x.com", "Ana", [OUT, IN, OUT])]);
    let segments = || vec![segment(0, true), segment(1, true)];
    plan(&engine, 1, None, segments()).await;
    close(&engine, all_well(1, None)).await;
    let second = plan(&engine, 2, Some(1), segments()).await;
    assert_eq!((second.members, second.to_send, second.tags_to_remove), (1, 0, 2));
    assert_eq!(tag_lines(&engine, 2).await, ["-t0 a@x.com", "-t0 b@x.com"]);
    // The second removal is not confirmed: it comes again.
    let mut request = all_well(2, Some(1));
    request.failed_tags = vec![failed(TagOp::Remove, "t0", 1..2)];
    assert_eq!(close(&engine, request).await.counts.tags_removed, 1);
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com t1", "b@x.com t0"]);
    let third = plan(&engine, 3, Some(2), segments()).await;
    assert_eq!((third.members, third.unchanged, third.to_send), (1, 1, 0));
    assert_eq!(tag_lines(&engine, 3).await, ["-t0 b@x.com"]);
    close(&engine, all_well(3, Some(2))).await;
    assert_eq!(ledger_lines(&engine, 3), ["a@x.com t1"]);
}

#[tokio::test]
async fn a_tag_in_doubt_is_added_where_it_is_wanted_and_removed_where_it_is_not() {
    let (_root, engine) = engine();
    let person = |letter, segments| person(&format!("{letter}@x.com"), "P", segments);
    write_people(&engine, 1, &[person('a', [IN, OUT, OUT]), person('b', [IN, OUT, OUT])]);
    write_people(&engine, 2, &[person('a', [IN, IN, OUT]), person('b', [OUT, IN, OUT])]);
    write_people(&engine, 3, &[person('a', [IN, OUT, OUT]), person('b', [IN, IN, OUT])]);
    write_people(&engine, 4, &[]);
    let segments = || vec![segment(0, true), segment(1, true)];
    plan(&engine, 1, None, segments()).await;
    close(&engine, all_well(1, None)).await;
    plan(&engine, 2, Some(1), segments()).await;
    assert_eq!(tag_lines(&engine, 2).await, ["+t1 a@x.com", "+t1 b@x.com", "-t0 b@x.com"]);
    // Nobody knows whether these changes were made.
    let mut request = all_well(2, Some(1));
    request.failed_tags = vec![failed(TagOp::Add, "t1", 0..2), failed(TagOp::Remove, "t0", 0..1)];
    request.failed_tags.iter_mut().for_each(|one| one.is_in_doubt = true);
    let counts = close(&engine, request).await.counts;
    assert_eq!((counts.tags_added, counts.tags_removed), (0, 0));
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com t0 (t1?)", "b@x.com  (t0,t1?)"]);

    plan(&engine, 3, Some(2), segments()).await;
    assert_eq!(tag_lines(&engine, 3).await, ["+t0 b@x.com", "+t1 b@x.com", "-t1 a@x.com"]);
    let mut request = all_well(3, Some(2));
    request.failed_tags = vec![failed(TagOp::Add, "t0", 0..1)];
    close(&engine, request).await;
    assert_eq!(ledger_lines(&engine, 3), ["a@x.com t0", "b@x.com t1 (t0?)"], "what was not made stays in doubt");

    let fourth = plan(&engine, 4, Some(3), segments()).await;
    assert_eq!(fourth.leavers, 2);
    assert_eq!(tag_lines(&engine, 4).await, ["-t0 a@x.com", "-t0 b@x.com", "-t1 b@x.com"]);
    close(&engine, all_well(4, Some(3))).await;
    assert!(ledger_lines(&engine, 4).is_empty());
}

#[tokio::test]
async fn a_segment_that_the_export_no_longer_has_loses_its_tag() {
    let (_root, engine) = engine();
    let people = [person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [OUT, IN, OUT])];
    write_people(&engine, 1, &people);
    write_people(&engine, 2, &people);
    plan(&engine, 1, None, vec![segment(0, true), segment(1, true)]).await;
    close(&engine, all_well(1, None)).await;
    let second = plan(&engine, 2, Some(1), vec![segment(0, true)]).await;
    assert_eq!((second.members, second.to_send), (1, 0));
    assert_eq!(tag_lines(&engine, 2).await, ["-t1 a@x.com", "-t1 b@x.com"]);
    close(&engine, all_well(2, Some(1))).await;
    assert_eq!(ledger_lines(&engine, 2), ["a@x.com t0"]);
}

#[tokio::test]
async fn an_inactive_segment_leaves_its_tag_alone_and_delivers_nobody() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, OUT, OUT]), person("b@x.com", "Bo", [IN, OUT, OUT])]);
    // Ana has left the segment, Cleo would join it; Bo's name changed.
    let next = [person("b@x.com", "Bob", [IN, OUT, OUT]), person("c@x.com", "Cleo", [IN, OUT, OUT])];
    write_people(&engine, 2, &next);
    write_people(&engine, 3, &next);
    plan(&engine, 1, None, vec![segment(0, true)]).await;
    close(&engine, all_well(1, None)).await;
    let second = plan(&engine, 2, Some(1), vec![segment(0, false)]).await;
    assert_eq!((second.members, second.to_send, second.tags_to_add, second.tags_to_remove), (0, 0, 0, 0));
    close(&engine, all_well(2, Some(1))).await;
    assert_eq!(ledger(&engine, 2), ledger(&engine, 1));
    // Active again, the difference of both refreshes is made up for.
    let third = plan(&engine, 3, Some(2), vec![segment(0, true)]).await;
    assert_eq!((third.members, third.to_send, third.new_contacts), (2, 2, 1));
    assert_eq!(tag_lines(&engine, 3).await, ["+t0 c@x.com after 1", "-t0 a@x.com"]);
}

#[tokio::test]
async fn a_static_segment_delivers_its_frozen_members() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, OUT, OUT]), person("b@x.com", "Bo", [OUT, IN, OUT])]);
    write_people(&engine, 2, &[person("a@x.com", "Ana", [OUT, OUT, OUT]), person("b@x.com", "Bo", [IN, IN, OUT])]);
    let mut frozen = segment(0, true);
    frozen.definition = Definition::Static { rule: is_true("in_0") };
    let now = "2026-11-22T11:30:00Z".parse().expect("an instant");
    assert_eq!(engine.freeze_members(1, &is_true("in_0"), now, frozen.id).await.expect("frozen"), 1);
    let summary = plan(&engine, 2, None, vec![frozen.clone(), segment(1, true)]).await;
    assert_eq!((summary.members, summary.to_send), (2, 2));
    assert_eq!(tag_lines(&engine, 2).await, ["+t0 a@x.com after 0", "+t1 b@x.com after 1"]);
    engine.forget_members(frozen.id).await.expect("removed");
    let gone = engine.make_plan(request(2, None, vec![frozen])).await;
    assert!(matches!(gone, Err(DataError::Missing)), "{gone:?}");
}

#[tokio::test]
async fn troubled_rows_are_told_with_their_reasons() {
    let (_root, engine) = engine();
    let mut people = vec![
        person("same@x.com", "Second", [OUT, IN, OUT]),
        person("none", "Bad", [IN, OUT, OUT]),
        person(" SAME@x.com", "First", [IN, OUT, OUT]),
        person("z@x.com", "Zoe", [IN, OUT, OUT]),
        person("nobody@x.com", "No member", [OUT, OUT, OUT]),
    ];
    people.push(Person { email: None, ..person("", "Missing", [IN, OUT, OUT]) });
    write_people(&engine, 1, &people);
    let summary = plan(&engine, 1, None, vec![segment(0, true), segment(1, true)]).await;
    assert_eq!((summary.members, summary.to_send, summary.rejected, summary.held), (5, 2, 2, 1));
    let sent = contacts(&engine, 1).await;
    assert_eq!(sent[0].key, "k000", "the smallest key goes");
    // The contact carries the tags of everybody who shares the address.
    assert_eq!(
        tag_lines(&engine, 1).await,
        ["+t0 same@x.com after 0", "+t0 z@x.com after 1", "+t1 same@x.com after 0"]
    );
    assert!(engine.troubled_counts(run(1)).await.expect("counts").is_empty());
    let mut request = all_well(1, None);
    request.refused = refused(&[1]);
    close(&engine, request).await;
    let row = |key: &str, email: &str, reason, detail: &str| TroubledRow {
        key: key.to_owned(),
        email: email.to_owned(),
        reason,
        detail: detail.to_owned(),
    };
    let expected = [
        row("k001", "none", RowReason::EmailInvalid, ""),
        row("k005", "", RowReason::EmailMissing, ""),
        row("k002", "same@x.com", RowReason::EmailRepeated, ""),
        row("k003", "z@x.com", RowReason::Refused, "no 1"),
    ];
    let stream = engine.troubled_stream(run(1)).await.expect("a stream");
    let streamed: Vec<TroubledRow> = stream.map(|row| row.expect("a row")).collect().await;
    assert_eq!(streamed, expected);
    let page = engine.troubled_page(run(1), PageRequest { number: 2, size: 3 }).await.expect("a page");
    assert_eq!((page.total, page.items.as_slice()), (4, &expected[3..]));
    assert_eq!(engine.troubled_counts(run(1)).await.expect("counts").len(), 4);
    engine.remove_run_files(run(1)).await.expect("removed");
    assert!(!engine.store().exists(&troubled_path(run(1))));
    engine.remove_export_files(EXPORT).await.expect("removed");
    assert!(!engine.store().exists(&ledger_path(EXPORT, run(1))));
}

#[tokio::test]
async fn the_same_inputs_give_the_same_bytes() {
    let (_root, engine) = engine();
    let people: Vec<Person> = (0..200_u32)
        .map(|n| person(&format!("p{}@x.com", n * 7919 % 150), &format!("P{n}"), [n % 2 == 0, n % 3 == 0, OUT]))
        .collect();
    write_people(&engine, 1, &people);
    let bytes = |path| std::fs::read(engine.store().local(&path)).expect("a file");
    let mut all = Vec::new();
    for _ in 0..3 {
        plan(&engine, 1, None, vec![segment(0, true), segment(1, true)]).await;
        let mut request = all_well(1, None);
        request.refused = refused(&[3, 50]);
        close(&engine, request).await;
        all.push((bytes(plan_path(run(1))), bytes(ledger_path(EXPORT, run(1))), bytes(troubled_path(run(1)))));
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_plan_is_read_from_any_row_forward_and_back() {
    let (_root, engine) = engine();
    let people: Vec<Person> =
        (0..9000).map(|n| person(&format!("p{n:05}@x.com"), "P", [n % 3 != 0, IN, OUT])).collect();
    write_people(&engine, 1, &people);
    plan(&engine, 1, None, vec![segment(0, true), segment(1, true)]).await;
    let reader = engine.open_plan(run(1)).await.expect("a plan");
    for (first, limit) in [(0, 100), (100, 100), (200, 100), (8950, 100), (4095, 3), (4096, 3), (9000, 5), (0, 9001)] {
        let rows: Vec<u64> = reader.contacts(first, limit).await.expect("rows").iter().map(|c| c.row).collect();
        let end = 9000.min(first + limit as u64);
        assert_eq!(rows, (first..end).collect::<Vec<u64>>(), "{first} {limit}");
    }
    for (first, limit) in [(0, 250), (250, 250), (5990, 250), (10, 2), (6000, 1)] {
        let changes = reader.tag_changes(TagOp::Add, "t0", first, limit).await.expect("changes");
        let end = 6000.min(first + limit as u64);
        assert_eq!(changes.iter().map(|c| c.number).collect::<Vec<u64>>(), (first..end).collect::<Vec<u64>>());
        for change in changes {
            // Every third one is not in the segment.
            assert_eq!(change.needs_row, Some(change.number / 2 * 3 + change.number % 2 + 1));
        }
    }
    assert!(reader.tag_changes(TagOp::Remove, "t0", 0, 10).await.expect("changes").is_empty());
    assert!(reader.tag_changes(TagOp::Add, "gone", 0, 10).await.expect("changes").is_empty());
}

#[tokio::test]
async fn an_error_of_the_refused_rows_leaves_no_ledger() {
    let (_root, engine) = engine();
    write_people(&engine, 1, &[person("a@x.com", "Ana", [IN, OUT, OUT])]);
    plan(&engine, 1, None, vec![segment(0, true)]).await;
    let mut request = all_well(1, None);
    request.refused = futures::stream::iter([Err(std::io::Error::other("no database"))]).boxed();
    let closed = engine.close_run(request).await;
    assert!(matches!(closed, Err(DataError::Storage(_))), "{closed:?}");
    assert!(!engine.store().exists(&ledger_path(EXPORT, run(1))));
    close(&engine, all_well(1, None)).await;
    assert_eq!(ledger_lines(&engine, 1), ["a@x.com t0"]);
}

#[tokio::test]
async fn a_tag_that_another_export_gives_stays_with_its_contacts() {
    let (_root, engine) = engine();
    let people = [person("a@x.com", "Ana", [IN, IN, OUT]), person("b@x.com", "Bo", [OUT, IN, OUT])];
    for snapshot in 1..=4 {
        write_people(&engine, snapshot, &people);
    }
    let both = || vec![segment(0, true), segment(1, true)];
    plan(&engine, 1, None, both()).await;
    close(&engine, all_well(1, None)).await;
    // The other export has delivered the second segment to Ana alone.
    let mut other = all_well(2, None);
    other.failed_tags = vec![failed(TagOp::Add, "t1", 1..2)];
    plan(&engine, 2, None, both()).await;
    close(&engine, other).await;
    let others = |tags: &[&str]| {
        vec![OtherLedger { export: EXPORT, run: run(2), tags: tags.iter().map(|tag| (*tag).to_owned()).collect() }]
    };

    // This one gives the second segment no more.
    let mut asked = request(3, Some(1), vec![segment(0, true)]);
    asked.others = others(&["t1"]);
    engine.make_plan(asked).await.expect("a plan");
    assert_eq!(tag_lines(&engine, 3).await, ["-t1 b@x.com"]);
    close(&engine, all_well(3, Some(1))).await;
    assert_eq!(ledger_lines(&engine, 3), ["a@x.com t0,t1"]);

    // The other one gives it no more either, or is gone: now it is taken.
    let mut asked = request(4, Some(3), vec![segment(0, true)]);
    asked.others = others(&[]);
    asked.others.push(OtherLedger { export: EXPORT, run: run(99), tags: vec!["t1".to_owned()] });
    engine.make_plan(asked).await.expect("a plan");
    assert_eq!(tag_lines(&engine, 4).await, ["-t1 a@x.com"]);
}

#[tokio::test]
async fn who_left_and_comes_back_is_told_from_who_is_new() {
    let (_root, engine) = engine();
    let of = |names: &[&str]| -> Vec<Person> { names.iter().map(|name| person(name, "P", [IN, OUT, OUT])).collect() };
    let segments = || vec![segment(0, true)];
    write_people(&engine, 1, &of(&["a@x.com", "b@x.com", "c@x.com"]));
    write_people(&engine, 2, &of(&["a@x.com"]));
    for snapshot in 3..=5 {
        write_people(&engine, snapshot, &of(&["a@x.com", "B@x.com", "c@x.com", "new@x.com"]));
    }
    assert_eq!(plan(&engine, 1, None, segments()).await.returned, 0);
    close(&engine, all_well(1, None)).await;
    assert_eq!(plan(&engine, 2, Some(1), segments()).await.returned, 0);
    // Only b's leaving is confirmed: c stands in the ledger still, and has not left.
    let mut request = all_well(2, Some(1));
    request.failed_tags = vec![failed(TagOp::Remove, "t0", 1..2)];
    close(&engine, request).await;

    let third = plan(&engine, 3, Some(2), segments()).await;
    assert_eq!((third.new_contacts, third.returned, third.unchanged), (2, 1, 2));
    let mut request = all_well(3, Some(2));
    request.refused = refused(&[0]);
    close(&engine, request).await;
    assert_eq!(plan(&engine, 4, Some(3), segments()).await.returned, 1, "who was refused is not back yet");
    close(&engine, all_well(4, Some(3))).await;
    assert_eq!(plan(&engine, 5, Some(4), segments()).await.returned, 0);
    assert!(engine.store().exists(&left_path(EXPORT, run(2))) && !engine.store().exists(&left_path(EXPORT, run(4))));
    engine.remove_ledger(EXPORT, run(2)).await.expect("removed");
    assert!(!engine.store().exists(&left_path(EXPORT, run(2))));
}
