//! Rules of use for data sources and profiles, on every database that is there.

use std::time::Duration;

use app::error::{AppError, FieldFaultKind, FileFault};
use app::services::{RefreshState, SourceDraft, Sources as _};
use domain::access::Role;
use domain::attribute::{Attribute, AttributeType};
use domain::id::SourceId;
use domain::paging::PageRequest;
use domain::source::Location;

use crate::db;
use crate::services::testing::{CUSTOMERS, Stage, stages};

fn path_of(stage: &Stage, name: &str) -> Location {
    Location::Path { path: stage.dir.path().join("allowed").join(name).display().to_string() }
}

/// A file in the directory that the operator allowed.
fn place(stage: &Stage, name: &str, content: &str) -> Location {
    std::fs::write(stage.dir.path().join("allowed").join(name), content).expect("written");
    path_of(stage, name)
}

#[tokio::test]
async fn viewers_look_at_profiles_and_only_contributors_and_administrators_at_data_sources() {
    for stage in stages().await {
        let id = stage.import("Customers", CUSTOMERS).await;
        let service = &stage.sources;
        for actor in stage.everybody() {
            let expected = (actor.role == Role::Viewer).then_some(AppError::Forbidden);
            assert_eq!(service.list(actor).await.err(), expected);
            assert_eq!(service.find(actor, id).await.err(), expected);
            assert_eq!(service.attributes(actor).await.expect("looked").len(), 4);
            assert_eq!(service.profiles(actor, "", PageRequest::of_50(1)).await.expect("looked").total, 3);

            let location = stage.upload(CUSTOMERS);
            let draft = stage.draft("Customers", location.clone()).await;
            let answers = [
                service.preview(actor, &location, None).await.err(),
                service.save(actor, Some(id), draft).await.err(),
                service.refresh(actor, id).await.err(),
            ];
            assert!(answers.iter().all(|error| *error == expected), "{answers:?}");
            service.finish_refreshes().await;
        }
        assert_eq!(service.remove(&stage.viewer, id).await, Err(AppError::Forbidden));
        assert_eq!(service.remove(&stage.contributor, id).await, Ok(()));
    }
}

#[tokio::test]
async fn an_unknown_data_source_is_not_found() {
    for stage in stages().await {
        let (service, id) = (&stage.sources, SourceId(uuid::Uuid::now_v7()));
        let draft = stage.draft("Customers", stage.upload(CUSTOMERS)).await;
        let errors = [
            service.find(&stage.contributor, id).await.err(),
            service.save(&stage.contributor, Some(id), draft).await.err(),
            service.refresh(&stage.contributor, id).await.err(),
            service.remove(&stage.contributor, id).await.err(),
        ];
        assert!(errors.iter().all(|error| *error == Some(AppError::NotFound)), "{errors:?}");
    }
}

#[tokio::test]
async fn files_on_the_server_are_named_by_administrators_below_allowed_directories() {
    for stage in stages().await {
        let (service, location) = (&stage.sources, place(&stage, "customers.csv", CUSTOMERS));
        assert_eq!(service.preview(&stage.contributor, &location, None).await, Err(AppError::Forbidden));
        let draft = stage.draft("Customers", location.clone()).await;
        assert_eq!(service.save(&stage.contributor, None, draft.clone()).await, Err(AppError::Forbidden));
        let directories = async |actor| service.server_directories(actor).await.expect("looked").len();
        assert_eq!((directories(&stage.contributor).await, directories(&stage.administrator).await), (0, 1));
        let outside = Location::Path { path: "/etc/passwd".to_owned() };
        let refused = service.preview(&stage.administrator, &outside, None).await;
        assert_eq!(refused, Err(AppError::File(FileFault::NotThere)));

        // What an administrator has named, a contributor may look at, retype and refresh.
        let id = service.save(&stage.administrator, None, draft.clone()).await.expect("saved");
        assert!(service.preview(&stage.contributor, &location, None).await.is_ok());
        assert_eq!(service.save(&stage.contributor, Some(id), draft).await, Ok(id));
        stage.refresh(id).await;
        assert_eq!(service.attributes(&stage.viewer).await.expect("looked").len(), 4);
    }
}

#[tokio::test]
async fn what_is_saved_has_been_checked() {
    for stage in stages().await {
        let good = stage.draft("Customers", stage.upload(CUSTOMERS)).await;
        let refusal =
            async |wrong: SourceDraft| stage.sources.save(&stage.contributor, None, wrong).await.expect_err("refused");

        let wrong = SourceDraft { name: String::new(), ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("name", FieldFaultKind::Required));
        let wrong = SourceDraft { primary_key: Some("number".to_owned()), ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("primary_key", FieldFaultKind::Invalid));
        let wrong = SourceDraft { attributes: Vec::new(), primary_key: None, ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("attributes", FieldFaultKind::Required));
        let twice = Attribute { name: "id".to_owned(), kind: AttributeType::Text };
        let wrong = SourceDraft { attributes: vec![twice.clone(), twice], primary_key: None, ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("attributes", FieldFaultKind::Invalid));
        let mut wrong = good.clone();
        wrong.reading.time_zone = "Mars".to_owned();
        assert_eq!(refusal(wrong).await, AppError::field("time_zone", FieldFaultKind::Invalid));
        let gone = Location::Upload { upload: uuid::Uuid::now_v7().to_string(), file_name: String::new() };
        let wrong = SourceDraft { location: gone, ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::File(FileFault::NotThere));

        stage.sources.save(&stage.contributor, None, good.clone()).await.expect("saved");
        let wrong = SourceDraft { name: "CUSTOMERS".to_owned(), location: stage.upload(CUSTOMERS), ..good.clone() };
        assert_eq!(refusal(wrong).await, AppError::field("name", FieldFaultKind::Taken));
        let wrong = SourceDraft { name: "Others".to_owned(), ..good };
        assert_eq!(refusal(wrong).await, AppError::field("location", FieldFaultKind::Taken));
    }
}

#[tokio::test]
async fn only_the_customer_table_feeds_the_profiles() {
    for stage in stages().await {
        let first = stage.import("Customers", CUSTOMERS).await;
        let tables = async || {
            let lines = stage.sources.list(&stage.contributor).await.expect("looked");
            lines
                .into_iter()
                .filter(|line| line.source.is_customer_table)
                .map(|line| line.source.id)
                .collect::<Vec<_>>()
        };
        let newest = async || {
            let page = stage.sources.profiles(&stage.viewer, "", PageRequest::of_50(1)).await.expect("looked");
            (page.snapshot, page.total)
        };
        assert_eq!((tables().await, newest().await), (vec![first], (Some(1), 3)));

        let second = stage.import("Others", "id,email\n7,x@example.com\n").await;
        assert_eq!((tables().await, newest().await), (vec![first], (Some(1), 3)));
        let line = stage.sources.find(&stage.contributor, second).await.expect("there");
        assert_eq!(line.last_refresh.and_then(|refresh| refresh.snapshot), Some(2), "it has a snapshot of its own");

        for actor in [&stage.contributor, &stage.viewer] {
            assert_eq!(stage.sources.make_customer_table(actor, second).await, Err(AppError::Forbidden));
        }
        stage.sources.make_customer_table(&stage.administrator, second).await.expect("made");
        stage.sources.finish_refreshes().await;
        assert_eq!((tables().await, newest().await), (vec![second], (Some(3), 1)));
        // Whoever removes it chooses another one.
        let heir = async |id| stage.sources.find(&stage.contributor, id).await.expect("there").heir;
        assert_eq!((heir(first).await, heir(second).await.as_deref()), (None, Some("Customers")));
        assert_eq!(stage.sources.remove(&stage.contributor, second).await, Err(AppError::Forbidden));
        stage.sources.remove(&stage.administrator, second).await.expect("removed");
        assert_eq!((tables().await, newest().await), (vec![first], (Some(3), 1)));
        assert_eq!(heir(first).await, None);
        stage.refresh(first).await;
        assert_eq!(newest().await, (Some(4), 3));
    }
}

#[tokio::test]
async fn profiles_are_found_by_the_start_of_key_or_address() {
    for stage in stages().await {
        let nothing = stage.sources.profiles(&stage.viewer, "", PageRequest::of_50(1)).await.expect("looked");
        assert_eq!((nothing.snapshot, nothing.total), (None, 0));
        stage.import("Customers", CUSTOMERS).await;
        let total = async |search| {
            stage.sources.profiles(&stage.viewer, search, PageRequest::of_50(1)).await.expect("looked").total
        };
        assert_eq!((total("").await, total(" ana@").await, total("2").await, total("nobody").await), (3, 1, 1, 0));
        let page = PageRequest { number: 0, size: u32::MAX };
        assert_eq!(stage.sources.profiles(&stage.viewer, "", page).await.expect("looked").page.size, 200);
    }
}

#[tokio::test]
async fn a_refresh_that_failed_says_why_and_leaves_the_snapshot_before_it() {
    for stage in stages().await {
        let location = place(&stage, "customers.csv", CUSTOMERS);
        let draft = stage.draft("Customers", location).await;
        let id = stage.sources.save(&stage.administrator, None, draft).await.expect("saved");
        stage.refresh(id).await;
        std::fs::remove_file(stage.dir.path().join("allowed/customers.csv")).expect("removed");

        let number = stage.sources.start_refresh(&stage.contributor, id).await.expect("started");
        let refresh = stage.sources.wait_for_refresh(number, |_| {}).await.expect("ended");
        assert_eq!((refresh.state, refresh.fault.as_deref()), (RefreshState::Failed, Some("not_there")));
        assert_eq!(refresh.snapshot, None);
        let page = stage.sources.profiles(&stage.viewer, "", PageRequest::of_50(1)).await.expect("looked");
        assert_eq!((page.snapshot, page.total), (Some(1), 3));
    }
}

#[tokio::test]
async fn a_refresh_that_rejects_every_row_keeps_its_report() {
    for stage in stages().await {
        let location = place(&stage, "customers.csv", "id,email\n1,a@example.com\n");
        let draft = stage.draft("Customers", location).await;
        let draft = SourceDraft { primary_key: Some("id".to_owned()), ..draft };
        let id = stage.sources.save(&stage.administrator, None, draft).await.expect("saved");
        place(&stage, "customers.csv", "id,email\n,a@example.com\n1\n");

        let number = stage.sources.start_refresh(&stage.contributor, id).await.expect("started");
        let refresh = stage.sources.wait_for_refresh(number, |_| {}).await.expect("ended");

        assert_eq!((refresh.state, refresh.fault.as_deref()), (RefreshState::Failed, Some("all_rejected")));
        assert_eq!((refresh.report.read, refresh.report.accepted, refresh.report.rejected), (2, 0, 2));
        let lines: Vec<u64> = refresh.report.first_rejected.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 3]);
        assert_eq!(stage.sources.last_refresh(&stage.contributor, id).await, Ok(number));
        let page = stage.sources.rejected_rows(&stage.contributor, number, PageRequest::of_50(1)).await.expect("kept");
        assert_eq!(page.items, refresh.report.first_rejected);
    }
}

#[tokio::test]
async fn a_refresh_whose_process_is_gone_is_marked_as_failed() {
    for stage in stages().await {
        let id = stage.import("Customers", CUSTOMERS).await;
        let now = crate::clock::Clock::now_micros(&*stage.clock);
        let mut tx = stage.db.begin().await.expect("begun");
        let number = db::refreshes::next_number(&mut tx).await.expect("a number");
        db::refreshes::begin(&mut tx, number, id, now, now + 30_000_000).await.expect("begun");
        tx.commit().await.expect("committed");

        // While it may still run, another one is not begun beside it.
        stage.sources.tidy_up().await.expect("looked");
        assert_eq!(stage.sources.start_refresh(&stage.contributor, id).await, Ok(number));
        stage.clock.advance(Duration::from_secs(31));
        stage.sources.tidy_up().await.expect("marked");
        let last = stage.sources.find(&stage.contributor, id).await.expect("found").last_refresh.expect("one");
        assert_eq!((last.state, last.fault.as_deref()), (RefreshState::Failed, Some("storage")));
        stage.refresh(id).await;
    }
}

#[tokio::test]
async fn an_uploaded_file_goes_with_its_data_source() {
    for stage in stages().await {
        let id = stage.import("Customers", CUSTOMERS).await;
        let uploads = || std::fs::read_dir(stage.dir.path().join("uploads")).expect("there").count();
        assert_eq!(uploads(), 1);
        let draft = stage.draft("Customers", stage.upload(CUSTOMERS)).await;
        stage.sources.save(&stage.contributor, Some(id), draft).await.expect("saved");
        assert_eq!(uploads(), 1);
        stage.sources.remove(&stage.contributor, id).await.expect("removed");
        assert_eq!(uploads(), 0);

        // One that became nothing goes after a day; the stage's clock stands before the file was written.
        stage.upload(CUSTOMERS);
        stage.sources.tidy_up().await.expect("looked");
        assert_eq!(uploads(), 1);
        stage.clock.advance(Duration::from_secs(400 * 24 * 60 * 60));
        stage.sources.tidy_up().await.expect("removed");
        assert_eq!(uploads(), 0);
    }
}
