//! Tests of what people set up: data sources, segments, connections and exports, on every database that is there.

use domain::attribute::{Attribute, AttributeType};
use domain::connection::ExportUser;
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId, SegmentId, SourceId, UserId};
use domain::mapping::{Field, Mapping, Match};
use domain::marking::Marking;
use domain::rule::{Group, Join, Rule};
use domain::safety::Safety;
use domain::schedule::Schedule;
use domain::segment::{Definition, Segment};
use domain::source::{ImportReport, Location, Reading, Source};

use super::connections::{self, StoredConnection};
use super::testing::{databases, draft};
use super::{DbError, Tx, exports, refreshes, segments, sources};

fn new_id() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

fn make_source(name: &str) -> Source {
    Source {
        id: SourceId(new_id()),
        name: name.to_owned(),
        location: Location::Upload { upload: new_id().to_string(), file_name: "customers.csv".to_owned() },
        reading: Reading::default(),
        attributes: vec![Attribute { name: "email".to_owned(), kind: AttributeType::Text }],
        primary_key: None,
        is_customer_table: false,
    }
}

fn everybody() -> Rule {
    Rule { time_zone: "UTC".to_owned(), root: Group { join: Join::All, items: Vec::new() } }
}

fn make_segment(name: &str, tag: &str) -> Segment {
    let definition = Definition::Dynamic { rule: everybody() };
    Segment { id: SegmentId(new_id()), name: name.to_owned(), definition, is_active: true, tag: tag.to_owned() }
}

async fn make_connection(tx: &mut Tx, name: &str) -> ConnectionId {
    let draft = draft(name);
    let user = ExportUser { id: UserId(new_id()), email: "ana@example.com".to_owned(), at: 6 };
    assert!(connections::put_draft(tx, &draft).await.expect("kept"));
    assert!(connections::set_export_user(tx, draft.id, &user).await.expect("set"));
    assert!(connections::make_ready(tx, draft.id).await.expect("saved"));
    draft.id
}

pub(super) fn make_settings(name: &str, connection: Option<ConnectionId>, segments: Vec<SegmentId>) -> ExportSettings {
    let pair = Match { field: Field::Target("email".to_owned()), attribute: "email".to_owned() };
    let mapping = Mapping { matches: vec![pair] };
    let (schedule, safety, marking) = (Schedule::Off, Safety::default(), Marking::Properties);
    ExportSettings { name: name.to_owned(), connection, mapping, segments, schedule, safety, marking }
}

#[tokio::test]
async fn a_data_source_comes_back_as_it_was_kept() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let mut source = make_source("Customers");
        sources::insert(&mut tx, &source, 1).await.expect("added");
        assert_eq!(sources::find(&mut tx, source.id).await.expect("read").expect("there").source, source);

        source.name = "Clients".to_owned();
        source.location = Location::Path { path: "/srv/x.csv".to_owned() };
        assert!(sources::update(&mut tx, &source).await.expect("changed"));
        let found = sources::find(&mut tx, source.id).await.expect("read").expect("there");
        assert_eq!((found.source, found.version), (source.clone(), 2));

        assert!(sources::remove(&mut tx, source.id).await.expect("removed"));
        assert!(sources::list(&mut tx).await.expect("read").is_empty());
        assert!(!sources::update(&mut tx, &source).await.expect("nothing to change"));
    }
}

#[tokio::test]
async fn a_name_is_taken_without_regard_to_case_and_an_upload_has_one_owner() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let first = make_source("Țară");
        sources::insert(&mut tx, &first, 1).await.expect("added");
        tx.commit().await.expect("committed");

        let mut tx = db.begin().await.expect("begun");
        let error = sources::insert(&mut tx, &make_source("țARĂ"), 1).await.expect_err("refused");
        assert!(sources::is_name_taken(&error) && !sources::is_upload_taken(&error), "{error:?}");
        drop(tx);

        let mut tx = db.begin().await.expect("begun");
        let second = Source { location: first.location.clone(), ..make_source("Other") };
        let error = sources::insert(&mut tx, &second, 1).await.expect_err("refused");
        assert!(sources::is_upload_taken(&error) && !sources::is_name_taken(&error), "{error:?}");
    }
}

#[tokio::test]
async fn there_is_one_customer_table() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let (first, second) = (make_source("A"), make_source("B"));
        sources::insert(&mut tx, &first, 1).await.expect("added");
        sources::insert(&mut tx, &second, 2).await.expect("added");
        for (one, oldest) in [(&first, &second), (&second, &first)] {
            let found = sources::oldest_but(&mut tx, one.id).await.expect("read");
            assert_eq!(found, Some((oldest.id, oldest.name.clone())));
        }

        for id in [first.id, second.id] {
            assert!(sources::make_customer_table(&mut tx, id).await.expect("made"));
            let tables: Vec<_> = sources::list(&mut tx).await.expect("read");
            let tables: Vec<_> =
                tables.iter().filter(|one| one.source.is_customer_table).map(|one| one.source.id).collect();
            assert_eq!(tables, [id]);
        }
        assert!(!sources::make_customer_table(&mut tx, SourceId(new_id())).await.expect("asked"));
        assert!(sources::find(&mut tx, second.id).await.expect("read").expect("there").source.is_customer_table);
    }
}

#[tokio::test]
async fn a_refresh_ends_once_and_its_snapshot_outlives_the_data_source() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let source = Source { is_customer_table: true, ..make_source("Customers") };
        sources::insert(&mut tx, &source, 1).await.expect("added");
        let number = refreshes::next_number(&mut tx).await.expect("a number");
        refreshes::begin(&mut tx, number, source.id, 10, 40).await.expect("begun");
        assert_eq!(refreshes::running(&mut tx, source.id).await.expect("read"), Some(number));
        assert_eq!(refreshes::newest_snapshot(&mut tx).await.expect("read"), None);

        let report = ImportReport { read: 3, accepted: 2, rejected: 1, ..ImportReport::default() };
        assert!(refreshes::progress(&mut tx, number, &report, 50).await.expect("kept"));
        assert_eq!(refreshes::fail_abandoned(&mut tx, 45).await.expect("looked"), 0);
        assert!(refreshes::succeed(&mut tx, number, &report, &source.attributes, 60).await.expect("kept"));
        assert!(!refreshes::fail(&mut tx, number, "storage", 61).await.expect("too late"));
        let last = refreshes::last(&mut tx).await.expect("read");
        assert_eq!(last[&source.id].snapshot, Some(number));

        sources::remove(&mut tx, source.id).await.expect("removed");
        let newest = refreshes::newest_snapshot(&mut tx).await.expect("read").expect("there");
        assert_eq!((newest.number, newest.profiles, newest.attributes), (number, 2, source.attributes));
        assert_eq!(refreshes::next_number(&mut tx).await.expect("a number"), number + 1);
    }
}

#[tokio::test]
async fn a_refresh_without_a_sign_of_life_is_marked_as_failed() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let source = make_source("Customers");
        sources::insert(&mut tx, &source, 1).await.expect("added");
        refreshes::begin(&mut tx, 1, source.id, 10, 40).await.expect("begun");
        assert_eq!(refreshes::fail_abandoned(&mut tx, 41).await.expect("marked"), 1);

        let found = refreshes::find(&mut tx, 1).await.expect("read").expect("there");
        assert_eq!((found.fault.as_deref(), found.snapshot, found.finished_at), (Some("storage"), None, Some(41)));
        assert!(!refreshes::progress(&mut tx, 1, &ImportReport::default(), 90).await.expect("asked"));
        refreshes::begin(&mut tx, 2, source.id, 50, 90).await.expect("another one may begin");
        let error = refreshes::begin(&mut tx, 3, source.id, 50, 90).await.expect_err("one at a time");
        assert!(matches!(error, DbError::Duplicate { .. }));
    }
}

#[tokio::test]
async fn a_tag_that_is_taken_is_told_apart_from_a_name_that_is() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let first = make_segment("Spring", "ferry:spring");
        assert!(segments::insert(&mut tx, &first, 1).await.expect("added"));
        assert!(!segments::insert(&mut tx, &make_segment("Spring!", "ferry:spring"), 1).await.expect("tag taken"));
        assert!(segments::insert(&mut tx, &make_segment("Spring!", "ferry:spring-2"), 1).await.expect("added"));
        assert_eq!(segments::find(&mut tx, first.id).await.expect("read").expect("there").segment, first);

        let error = segments::insert(&mut tx, &make_segment("SPRING", "ferry:spring-3"), 1).await.expect_err("refused");
        assert!(segments::is_name_taken(&error), "{error:?}");
    }
}

#[tokio::test]
async fn a_count_of_an_older_rule_or_snapshot_is_not_kept() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let segment = make_segment("Spring", "ferry:spring");
        segments::insert(&mut tx, &segment, 1).await.expect("added");
        assert!(segments::keep_count(&mut tx, segment.id, 1, (10, 4), 100).await.expect("kept"));
        assert!(!segments::keep_count(&mut tx, segment.id, 1, (9, 3), 101).await.expect("older snapshot"));

        let frozen = Definition::Static { rule: everybody() };
        assert!(segments::redefine(&mut tx, segment.id, 1, &frozen).await.expect("changed"));
        assert!(!segments::redefine(&mut tx, segment.id, 1, &frozen).await.expect("changed by somebody else"));
        assert!(!segments::keep_count(&mut tx, segment.id, 1, (10, 4), 102).await.expect("older rule"));
        let found = segments::find(&mut tx, segment.id).await.expect("read").expect("there");
        assert!(found.segment.definition.is_static());
        assert_eq!((found.members, found.counted_on, found.version), (None, None, 2));
    }
}

#[tokio::test]
async fn a_connection_needs_an_export_user_and_drafts_are_forgotten() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let draft = draft("Shop");
        assert!(connections::put_draft(&mut tx, &draft).await.expect("kept"));
        assert_eq!(connections::find(&mut tx, draft.id).await.expect("read"), Some(draft.clone()));
        assert!(!connections::make_ready(&mut tx, draft.id).await.expect("asked"));
        let other = StoredConnection { sealed_key: vec![9], ..draft.clone() };
        assert!(connections::put_draft(&mut tx, &other).await.expect("replaced"));
        let ready = make_connection(&mut tx, "Ready").await;
        assert!(
            !connections::put_draft(&mut tx, &StoredConnection { id: ready, ..draft.clone() }).await.expect("asked")
        );

        assert_eq!(connections::forget_drafts(&mut tx, 7).await.expect("looked"), 0);
        assert_eq!(connections::forget_drafts(&mut tx, 8).await.expect("forgotten"), 1);
        let left = connections::list(&mut tx).await.expect("read");
        assert_eq!(left.iter().map(|one| one.id).collect::<Vec<_>>(), [ready]);
    }
}

#[tokio::test]
async fn drafts_hold_no_name_but_connections_do() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let user = ExportUser { id: UserId(new_id()), email: "ana@example.com".to_owned(), at: 6 };
        let drafts = [draft("Shop"), draft("SHOP")];
        for draft in &drafts {
            connections::put_draft(&mut tx, draft).await.expect("kept");
            connections::set_export_user(&mut tx, draft.id, &user).await.expect("set");
        }
        assert!(connections::make_ready(&mut tx, drafts[0].id).await.expect("saved"));
        assert!(connections::is_name_in_use(&mut tx, "shop").await.expect("read"));
        let error = connections::make_ready(&mut tx, drafts[1].id).await.expect_err("refused");
        assert!(connections::is_name_taken(&error), "{error:?}");
    }
}

#[tokio::test]
async fn an_export_is_saved_over_the_version_that_was_read() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let connection = make_connection(&mut tx, "Shop").await;
        let (one, two) = (make_segment("1", "ferry:1"), make_segment("2", "ferry:2"));
        segments::insert(&mut tx, &one, 1).await.expect("added");
        segments::insert(&mut tx, &two, 1).await.expect("added");
        let id = ExportId(new_id());
        let mut settings = make_settings("News", Some(connection), vec![two.id, one.id]);
        exports::insert(&mut tx, id, &settings, 100).await.expect("added");
        let found = exports::find(&mut tx, id).await.expect("read").expect("there");
        assert_eq!((found.export.settings, found.export.version, found.schedule_since), (settings.clone(), 1, 100));

        settings.segments = vec![one.id];
        assert!(exports::update(&mut tx, id, 1, &settings, 200).await.expect("changed"));
        assert!(!exports::update(&mut tx, id, 1, &settings, 300).await.expect("changed by somebody else"));
        settings.schedule = Schedule::daily("06:30:00".parse().expect("a time"), "UTC".to_owned());
        assert!(exports::update(&mut tx, id, 2, &settings, 400).await.expect("changed"));
        let all = exports::list(&mut tx).await.expect("read");
        assert_eq!(all[0].export.settings, settings);
        assert_eq!((all[0].export.version, all[0].schedule_since), (3, 400));
    }
}

#[tokio::test]
async fn what_an_export_uses_cannot_vanish_under_it() {
    for db in databases().await {
        let mut tx = db.begin().await.expect("begun");
        let connection = make_connection(&mut tx, "Shop").await;
        let segment = make_segment("1", "ferry:1");
        segments::insert(&mut tx, &segment, 1).await.expect("added");
        let id = ExportId(new_id());
        let settings = make_settings("News", Some(connection), vec![segment.id]);
        exports::insert(&mut tx, id, &settings, 100).await.expect("added");
        tx.commit().await.expect("committed");

        let mut tx = db.begin().await.expect("begun");
        assert!(matches!(connections::remove(&mut tx, connection).await, Err(DbError::Reference(_))));
        drop(tx);

        let mut tx = db.begin().await.expect("begun");
        assert_eq!(connections::exports_of(&mut tx, connection).await.expect("read"), [(id, "News".to_owned())]);
        assert_eq!(connections::export_counts(&mut tx).await.expect("read")[&connection], 1);
        assert_eq!(segments::uses(&mut tx).await.expect("read")[&segment.id], [(id, "News".to_owned())]);
        assert!(segments::remove(&mut tx, segment.id).await.expect("removed"));
        assert!(exports::detach(&mut tx, id).await.expect("detached"));
        let left = exports::find(&mut tx, id).await.expect("read").expect("there").export;
        assert_eq!((left.settings.connection, left.settings.segments, left.version), (None, Vec::new(), 3));
        assert!(connections::remove(&mut tx, connection).await.expect("removed"));
    }
}
