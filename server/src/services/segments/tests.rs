//! Rules of use for segments, on every database that is there.

use app::error::{AppError, FieldFaultKind};
use app::services::{Segments as _, SourceDraft, Sources as _};
use domain::access::Role;
use domain::id::SegmentId;
use domain::run::RunReason;

use super::numbered_tag;
use crate::services::testing::{CUSTOMERS, Stage, in_city, stages};

fn unknown() -> SegmentId {
    SegmentId(uuid::Uuid::now_v7())
}

#[tokio::test]
async fn viewers_look_and_only_contributors_and_administrators_change() {
    for stage in stages().await {
        stage.import("Customers", CUSTOMERS).await;
        let id = stage.segment("Vic").await;
        for actor in stage.everybody() {
            let (service, rule) = (&stage.segments, in_city("Vic"));
            assert!(service.list(actor).await.is_ok());
            assert!(service.find(actor, id).await.is_ok());
            assert_eq!(service.members(actor, id).await.expect("looked").members, 2);
            let changes = [
                service.try_rule(actor, &rule).await.err(),
                service.save(actor, Some(id), "Vic", rule.clone()).await.err(),
                service.save(actor, None, &format!("Of {}", actor.email), rule).await.err(),
                service.refresh(actor, id).await.err(),
                service.make_static(actor, id).await.err(),
                service.make_dynamic(actor, id).await.err(),
                service.set_active(actor, id, true).await.err(),
            ];
            let expected = (actor.role == Role::Viewer).then_some(AppError::Forbidden);
            assert!(changes.iter().all(|error| *error == expected), "{changes:?}");
        }
        assert_eq!(stage.segments.remove(&stage.viewer, id).await, Err(AppError::Forbidden));
        assert_eq!(stage.segments.list(&stage.viewer).await.expect("looked").len(), 3);
        assert_eq!(stage.segments.remove(&stage.contributor, id).await, Ok(()));
    }
}

#[tokio::test]
async fn an_unknown_segment_is_not_found() {
    for stage in stages().await {
        stage.import("Customers", CUSTOMERS).await;
        let (service, actor, id) = (&stage.segments, &stage.administrator, unknown());
        let errors = [
            service.find(actor, id).await.err(),
            service.members(actor, id).await.err(),
            service.save(actor, Some(id), "x", in_city("Vic")).await.err(),
            service.refresh(actor, id).await.err(),
            service.make_static(actor, id).await.err(),
            service.make_dynamic(actor, id).await.err(),
            service.set_active(actor, id, false).await.err(),
            service.remove(actor, id).await.err(),
        ];
        assert!(errors.iter().all(|error| *error == Some(AppError::NotFound)), "{errors:?}");
    }
}

#[tokio::test]
async fn a_new_segment_is_counted_and_has_a_tag_of_its_own() {
    for stage in stages().await {
        stage.import("Customers", CUSTOMERS).await;
        let first = stage.segment("Clienți din Vic").await;
        let second = stage.segment("Clienti din Vic").await;

        let line = stage.segments.find(&stage.viewer, first).await.expect("found");
        assert_eq!((line.members, line.segment.tag.as_str()), (Some(2), "ferry:clienti din vic"));
        let line = stage.segments.find(&stage.viewer, second).await.expect("found");
        assert_eq!(line.segment.tag, "ferry:clienti din vic-2");
        let taken = stage.segments.save(&stage.contributor, None, "CLIENȚI DIN VIC", in_city("Vic")).await;
        assert_eq!(taken, Err(AppError::field("name", FieldFaultKind::Taken)));
    }
}

#[test]
fn a_tag_without_letters_is_a_number_and_no_tag_is_too_long() {
    assert_eq!(numbered_tag("日本", 1), "ferry:1");
    assert_eq!(numbered_tag("日本", 2), "ferry:2");
    assert_eq!(numbered_tag("Vic", 1), "ferry:vic");
    assert_eq!(numbered_tag(&"a".repeat(200), 1).len(), 120);
    assert_eq!(numbered_tag(&"a".repeat(200), 12).len(), 120);
    assert!(numbered_tag(&"a".repeat(200), 12).ends_with("a-12"));
}

#[tokio::test]
async fn a_rule_has_to_fit_the_attributes() {
    for stage in stages().await {
        let (service, actor) = (&stage.segments, &stage.contributor);
        let too_early = service.save(actor, None, "Vic", in_city("Vic")).await;
        assert_eq!(too_early, Err(AppError::NotReady(RunReason::NoProfiles)));
        assert_eq!(service.try_rule(actor, &in_city("Vic")).await, Err(AppError::NotReady(RunReason::NoProfiles)));

        stage.import("Customers", CUSTOMERS).await;
        let mut rule = in_city("Vic");
        rule.time_zone = "Mars/Olympus".to_owned();
        assert!(matches!(service.save(actor, None, "Vic", rule.clone()).await, Err(AppError::Rule(_))));
        assert!(matches!(service.try_rule(actor, &rule).await, Err(AppError::Rule(_))));
        let shown = service.try_rule(actor, &in_city("Vic")).await.expect("counted");
        assert_eq!((shown.members, shown.profiles, shown.rows.len()), (2, 3, 2));
    }
}

#[tokio::test]
async fn a_static_segment_keeps_its_people() {
    for stage in stages().await {
        let source = stage.import("Customers", CUSTOMERS).await;
        let id = stage.segment("Vic").await;
        stage.segments.make_static(&stage.contributor, id).await.expect("frozen");
        let changed = stage.segments.save(&stage.contributor, Some(id), "Vic", in_city("Cluj")).await;
        assert_eq!(changed, Err(AppError::field("rule", FieldFaultKind::Invalid)));
        stage.segments.save(&stage.contributor, Some(id), "Vic then", in_city("Vic")).await.expect("renamed");

        // One of the two left the data; one more lives in the city.
        replace(
            &stage,
            source,
            "id,email,city,points\n1,a@example.com,Vic,1\n4,b@example.com,Vic,1\n5,c@example.com,Vic,1\n",
        )
        .await;
        let line = stage.segments.find(&stage.viewer, id).await.expect("found");
        assert_eq!((line.members, line.segment.name.as_str()), (Some(1), "Vic then"));
        stage.segments.make_dynamic(&stage.contributor, id).await.expect("thawed");
        assert_eq!(stage.segments.find(&stage.viewer, id).await.expect("found").members, Some(3));
    }
}

#[tokio::test]
async fn a_refresh_counts_active_segments_anew_and_says_which_rules_no_longer_fit() {
    for stage in stages().await {
        let source = stage.import("Customers", CUSTOMERS).await;
        let (active, inactive) = (stage.segment("Vic").await, stage.segment("Vic too").await);
        stage.segments.set_active(&stage.contributor, inactive, false).await.expect("set");
        assert_eq!(stage.segments.refresh(&stage.contributor, inactive).await, Err(AppError::Outdated));

        replace(&stage, source, "id,email,city,points\n1,a@example.com,Vic,1\n").await;
        let members = async |id| stage.segments.find(&stage.viewer, id).await.expect("found").members;
        assert_eq!((members(active).await, members(inactive).await), (Some(1), Some(2)));
        stage.segments.set_active(&stage.contributor, inactive, true).await.expect("set");
        assert_eq!(members(inactive).await, Some(1));

        replace(&stage, source, "id,email,town\n1,a@example.com,Vic\n").await;
        let line = stage.segments.find(&stage.viewer, active).await.expect("found");
        assert_eq!((line.faults.len(), line.members), (1, Some(1)));
        assert!(matches!(stage.segments.refresh(&stage.contributor, active).await, Err(AppError::Rule(_))));
    }
}

#[tokio::test]
async fn removing_a_segment_leaves_its_exports_without_it() {
    for stage in stages().await {
        stage.import("Customers", CUSTOMERS).await;
        let id = stage.segment("Vic").await;
        let export = stage.export("News", None, id).await;
        let line = stage.segments.find(&stage.viewer, id).await.expect("found");
        assert_eq!(line.used_by, ["News"]);

        stage.segments.remove(&stage.contributor, id).await.expect("removed");
        let line = app::services::Exports::find(&stage.exports, &stage.viewer, export).await.expect("found");
        assert_eq!((line.export.settings.segments.len(), line.export.version), (0, 2));
    }
}

/// Gives a data source another file and refreshes it.
async fn replace(stage: &Stage, source: domain::id::SourceId, content: &str) {
    let line = stage.sources.find(&stage.administrator, source).await.expect("found");
    let draft = stage.draft(&line.source.name, stage.upload(content)).await;
    let draft = SourceDraft { primary_key: Some("id".to_owned()), ..draft };
    stage.sources.save(&stage.administrator, Some(source), draft).await.expect("saved");
    stage.refresh(source).await;
}
