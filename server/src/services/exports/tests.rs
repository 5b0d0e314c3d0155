//! Rules of use for exports and runs, on every database that is there.

use std::sync::atomic::Ordering;

use app::error::{AppError, FieldFaultKind};
use app::services::{Exports as _, Segments as _, Sources as _};
use domain::access::{Audience, Role};
use domain::destination::DestinationKind;
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId, RunId, SegmentId};
use domain::mapping::{Field, MappingFault, Match};
use domain::marking::{Marking, property_for};
use domain::paging::PageRequest;
use domain::run::{RunReason, RunState, Trigger};
use domain::safety::{Safety, StatusRule};
use domain::schedule::Schedule;

use crate::clock::Clock as _;
use crate::db::pace::{self, Known, Lane};
use crate::db::{Tx, claims};
use crate::services::testing::{CUSTOMERS, KIND, Stage, in_city, settings, stages};

mod rights;
mod waiting;

const SHARED: Audience = Audience::AdministratorsAndContributors;
const CLOSED: Audience = Audience::Administrators;

fn daily() -> Schedule {
    Schedule::daily("06:30:00".parse().expect("a time"), "Europe/Madrid".to_owned())
}

/// A segment and two connections: shared with contributors, and not.
async fn furnish(stage: &Stage) -> (SegmentId, ConnectionId, ConnectionId) {
    stage.import("Customers", CUSTOMERS).await;
    let segment = stage.segment("Vic").await;
    (segment, stage.connection("Shared", SHARED).await, stage.connection("Closed", CLOSED).await)
}

#[tokio::test]
async fn a_connection_that_one_may_not_use_is_as_good_as_none() {
    for stage in stages().await {
        let (segment, shared, closed) = furnish(&stage).await;
        let add = async |actor, connection| stage.exports.add(actor, settings("News", connection, segment)).await.err();
        let unknown = ConnectionId(uuid::Uuid::now_v7());
        let field = |fault| Some(AppError::field("connection", fault));

        assert_eq!(add(&stage.viewer, Some(shared)).await, Some(AppError::Forbidden));
        assert_eq!(add(&stage.contributor, Some(closed)).await, field(FieldFaultKind::Invalid));
        assert_eq!(add(&stage.contributor, Some(unknown)).await, field(FieldFaultKind::Invalid));
        assert_eq!(add(&stage.contributor, None).await, field(FieldFaultKind::Required));
        assert_eq!(add(&stage.administrator, Some(unknown)).await, field(FieldFaultKind::Invalid));
        assert_eq!(add(&stage.contributor, Some(shared)).await, None);

        // Nor can an own export be moved to it.
        let id = stage.exports.list(&stage.contributor).await.expect("looked")[0].export.id;
        let moved = stage.exports.edit(&stage.contributor, id, 1, settings("News", Some(closed), segment)).await;
        assert_eq!(moved.err(), field(FieldFaultKind::Invalid));
    }
}

#[tokio::test]
async fn the_names_of_connections_are_known_to_those_they_are_shared_with() {
    for stage in stages().await {
        let (segment, _, closed) = furnish(&stage).await;
        let id = stage.export("News", Some(closed), segment).await;
        let name = async |actor| stage.exports.find(actor, id).await.expect("found").connection_name;
        assert_eq!(name(&stage.administrator).await.as_deref(), Some("Closed"));
        assert_eq!(name(&stage.contributor).await, None);
        assert_eq!(name(&stage.viewer).await, None);
    }
}

#[tokio::test]
async fn what_is_saved_has_been_checked() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let good = settings("News", Some(shared), segment);
        let refusal =
            async |wrong: ExportSettings| stage.exports.add(&stage.contributor, wrong).await.expect_err("refused");
        let property = |name: &str, attribute: &str| Match {
            field: Field::Property(name.to_owned()),
            attribute: attribute.to_owned(),
        };

        let wrong = ExportSettings { name: " ".to_owned(), ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("name", FieldFaultKind::Required));
        let wrong = ExportSettings { segments: Vec::new(), ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("segments", FieldFaultKind::Required));
        let wrong = ExportSettings { segments: vec![segment, SegmentId(uuid::Uuid::now_v7())], ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("segments", FieldFaultKind::Invalid));
        let wrong = ExportSettings { segments: vec![segment, segment], ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("segments", FieldFaultKind::Invalid));
        let odd = Schedule::daily("06:30:00".parse().expect("a time"), "Mars".to_owned());
        let wrong = ExportSettings { schedule: odd, ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("time_zone", FieldFaultKind::Invalid));
        let mut wrong = good.clone();
        wrong.mapping.matches = vec![property("points", "score")];
        let faults =
            vec![MappingFault::Required("email".to_owned()), MappingFault::UnknownAttribute("score".to_owned())];
        assert_eq!(refusal(wrong).await, AppError::Mapping(faults));

        let tag = stage.segments.find(&stage.viewer, segment).await.expect("there").segment.tag;
        let mut wrong = ExportSettings { marking: Marking::Properties, ..good.clone() };
        wrong.mapping.matches.push(property(&property_for(&tag), "points"));
        assert_eq!(refusal(wrong.clone()).await, AppError::field("marking", FieldFaultKind::Taken));
        wrong.mapping.matches.pop();
        let marked = ExportSettings { name: "Marked".to_owned(), ..wrong };
        let id = stage.exports.add(&stage.contributor, marked.clone()).await.expect("added");
        assert_eq!(stage.exports.find(&stage.viewer, id).await.expect("found").export.settings, marked);

        let mut whole = good;
        whole.mapping.matches.extend([property("points", "points"), property("unused", "")]);
        let id = stage.exports.add(&stage.contributor, whole).await.expect("added");
        let kept = stage.exports.find(&stage.viewer, id).await.expect("found").export.settings.mapping;
        assert_eq!(kept.matches.len(), 2);
    }
}

#[tokio::test]
async fn a_data_matching_is_checked_before_there_is_a_connection() {
    for stage in stages().await {
        let (segment, ..) = furnish(&stage).await;
        let target = |name: &str, attribute: &str| Match {
            field: Field::Target(name.to_owned()),
            attribute: attribute.to_owned(),
        };
        let mut wrong = settings("News", None, segment);
        wrong.mapping.matches = vec![target("shoe_size", "points"), target("city", "town")];

        let faults = vec![
            MappingFault::Required("email".to_owned()),
            MappingFault::UnknownField("shoe_size".to_owned()),
            MappingFault::UnknownAttribute("town".to_owned()),
        ];
        assert_eq!(stage.exports.add(&stage.administrator, wrong).await, Err(AppError::Mapping(faults)));
    }
}

#[tokio::test]
async fn names_are_unique_and_an_edit_names_the_version_it_saw() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let id = stage.export("News", Some(shared), segment).await;
        let other = stage.export("Other", Some(shared), segment).await;
        let taken = Err(AppError::field("name", FieldFaultKind::Taken));
        assert_eq!(
            stage.exports.add(&stage.contributor, settings("NEWS", Some(shared), segment)).await.map(|_| ()),
            taken
        );
        let edit = async |version, name| {
            stage.exports.edit(&stage.contributor, other, version, settings(name, Some(shared), segment)).await
        };
        assert_eq!(edit(1, "news").await, taken);
        assert_eq!(edit(1, "Another").await, Ok(()));
        assert_eq!(edit(1, "Yet another").await, Err(AppError::Stale));

        let copy = stage.exports.duplicate(&stage.contributor, id).await.expect("copied");
        assert_eq!(
            (copy.settings.name.as_str(), stage.exports.list(&stage.viewer).await.expect("looked").len()),
            ("News", 2)
        );
    }
}

#[tokio::test]
async fn a_run_says_what_it_uses_of_its_account_and_whose_turn_it_is() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let first = stage.export("First", Some(shared), segment).await;
        let second = stage.export("Second", Some(shared), segment).await;
        let first = stage.exports.start_run(&stage.contributor, first).await.expect("queued");
        let second = stage.exports.start_run(&stage.contributor, second).await.expect("queued");
        let pace = async |run| stage.exports.run(&stage.viewer, run).await.expect("found").pace;
        assert_eq!(pace(second).await.ahead, None, "both are queued");

        let now = stage.clock.now_micros();
        let mut tx = stage.db.begin().await.expect("begun");
        let claim = claims::claim(&mut tx, "worker", now, now + 30_000_000).await.expect("read").expect("due");
        assert_eq!(claim.run, first);
        let reserve = async |tx: &mut Tx, lane| pace::reserve(tx, "shop", lane, 1, now).await.expect("reserved");
        for _ in 0..3 {
            reserve(&mut tx, Lane::All).await;
        }
        reserve(&mut tx, Lane::RemoveTag).await;
        let learned = Known { refusals: 1, refused_at: now, share: 640, paused_until: now + 5 };
        pace::pause(&mut tx, "shop", Lane::All, now + 5, learned).await.expect("paused");
        tx.commit().await.expect("committed");

        assert_eq!(pace(second).await.ahead, Some((first, "First".to_owned())));
        let found = pace(first).await;
        assert_eq!(found.ahead, None);
        let account = found.account.expect("it has one");
        let requests = account.requests.expect("limits are kept");
        assert_eq!((requests.used, requests.share_percent), (18, 64), "three in the first ten seconds");
        assert_eq!(account.tags.expect("limits are kept").used, 6);
        assert_eq!((account.paused_until, account.silent), (Some(now + 5), None));
    }
}

#[tokio::test]
async fn saving_never_runs_and_two_clicks_make_one_run() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let id = stage.export("News", Some(shared), segment).await;
        let page = PageRequest::of_50(1);
        assert_eq!(stage.exports.runs(&stage.viewer, None, page).await.expect("looked").total, 0);
        assert_eq!(stage.exports.find(&stage.viewer, id).await.expect("found").last_run, None);

        let run = stage.exports.start_run(&stage.contributor, id).await.expect("queued");
        assert_eq!(stage.exports.queue_run(&stage.administrator, id, Trigger::CommandLine).await, Ok(run));
        assert_eq!(stage.woken.load(Ordering::SeqCst), 2);
        let runs = stage.exports.runs(&stage.viewer, Some(id), page).await.expect("looked");
        assert_eq!(runs.total, 1);
        assert_eq!(runs.items[0].started_by.as_deref(), Some("contributor@example.com"));
        let last = stage.exports.find(&stage.viewer, id).await.expect("found").last_run.expect("a run");
        assert_eq!((last.id, last.state, last.trigger), (run, RunState::Queued, Trigger::Manual));

        stage.exports.cancel_run(&stage.contributor, run).await.expect("asked");
        let view = stage.exports.run(&stage.contributor, run).await.expect("found");
        assert!(view.run.cancel_requested && !view.may_cancel);
    }
}

#[tokio::test]
async fn run_all_takes_what_has_a_schedule_and_may_be_edited() {
    for stage in stages().await {
        let (segment, shared, closed) = furnish(&stage).await;
        stage.export("Off", Some(shared), segment).await;
        for (name, connection) in [("Shared", Some(shared)), ("Closed", Some(closed)), ("None", None)] {
            let with = ExportSettings { schedule: daily(), ..settings(name, connection, segment) };
            stage.exports.add(&stage.administrator, with).await.expect("added");
        }

        assert_eq!(stage.exports.run_all(&stage.viewer).await, Err(AppError::Forbidden));
        assert_eq!(stage.exports.run_all(&stage.contributor).await.expect("queued").len(), 1);
        assert_eq!(stage.exports.run_all(&stage.administrator).await.expect("queued").len(), 2);
        let lines = stage.exports.list(&stage.viewer).await.expect("looked");
        let running: Vec<_> = lines
            .iter()
            .filter(|line| line.last_run.is_some())
            .map(|line| line.export.settings.name.as_str())
            .collect();
        assert_eq!(running, ["Closed", "Shared"]);
        assert!(lines.iter().all(|line| line.next_slot.is_some() == (line.export.settings.name != "Off")));
    }
}

/// Brings in another data source and makes it the customer table.
async fn replace_customers(stage: &Stage, name: &str, content: &str) {
    let id = stage.import(name, content).await;
    stage.sources.make_customer_table(&stage.administrator, id).await.expect("made");
    stage.sources.finish_refreshes().await;
}

#[tokio::test]
async fn an_export_that_no_longer_fits_the_profiles_does_not_start() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let id = stage.export("News", Some(shared), segment).await;
        replace_customers(&stage, "Others", "id,email,town\n1,a@example.com,Vic\n").await;

        let refused = stage.exports.start_run(&stage.administrator, id).await;
        assert_eq!(refused, Err(AppError::NotReady(RunReason::SettingsInvalid)));
        // An inactive segment is not evaluated, so its rule does no harm.
        replace_customers(&stage, "Customers again", CUSTOMERS).await;
        stage.segments.set_active(&stage.contributor, segment, false).await.expect("set");
        replace_customers(&stage, "Others again", "id,email,town\n1,a@example.com,Vic\n").await;
        assert!(stage.exports.start_run(&stage.administrator, id).await.is_ok());
    }
}

#[tokio::test]
async fn a_data_matching_is_suggested_from_the_attributes() {
    for stage in stages().await {
        let kind = DestinationKind(KIND.to_owned());
        assert!(stage.exports.suggest(&stage.contributor, &kind).await.expect("suggested").matches.is_empty());
        stage.import("Customers", CUSTOMERS).await;
        let mapping = stage.exports.suggest(&stage.contributor, &kind).await.expect("suggested");
        assert_eq!((mapping.attribute_of("email"), mapping.attribute_of("city")), (Some("email"), Some("city")));
        assert_eq!(stage.exports.suggest(&stage.viewer, &kind).await, Err(AppError::Forbidden));
        let unknown = DestinationKind("pigeons".to_owned());
        assert_eq!(stage.exports.suggest(&stage.contributor, &unknown).await, Err(AppError::NotFound));
    }
}

#[tokio::test]
async fn removing_an_export_removes_its_history() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let id = stage.export("News", Some(shared), segment).await;
        let run = stage.exports.start_run(&stage.contributor, id).await.expect("queued");
        stage.exports.remove(&stage.contributor, id).await.expect("removed");
        assert_eq!(stage.exports.run(&stage.administrator, run).await, Err(AppError::NotFound));
        assert!(stage.segments.try_rule(&stage.contributor, &in_city("Vic")).await.is_ok());
    }
}

#[tokio::test]
async fn only_administrators_choose_that_subscription_statuses_leave() {
    for stage in stages().await {
        let (segment, shared, _) = furnish(&stage).await;
        let with = |opt_in: &str| {
            let safety = Safety { status: Some(StatusRule { opt_in: opt_in.to_owned() }), ..Safety::default() };
            ExportSettings { safety, ..settings("News", Some(shared), segment) }
        };
        let status =
            async |id| stage.exports.find(&stage.viewer, id).await.expect("there").export.settings.safety.status;

        let id = stage.exports.add(&stage.contributor, with("email")).await.expect("added");
        assert_eq!(status(id).await, None, "a contributor cannot choose it");
        stage.exports.edit(&stage.contributor, id, 1, with("email")).await.expect("saved");
        assert_eq!(status(id).await, None, "nor later");
        let wrong = stage.exports.edit(&stage.administrator, id, 2, with("nowhere")).await;
        assert_eq!(wrong, Err(AppError::field("opt_in", FieldFaultKind::Invalid)));
        stage.exports.edit(&stage.administrator, id, 2, with("email")).await.expect("saved");

        let without = settings("News", Some(shared), segment);
        stage.exports.edit(&stage.contributor, id, 3, without).await.expect("saved");
        assert!(status(id).await.is_some(), "nor take away what an administrator chose");
    }
}
