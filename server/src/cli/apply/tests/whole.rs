//! What is refused before anything changes, though the form of the file is right.

use app::services::{Segments as _, Sources as _};
use domain::access::Audience;
use domain::paging::PageRequest;

use super::*;

/// The line of a text on which something stands first.
fn line(text: &str, what: &str) -> usize {
    text.lines().position(|line| line.contains(what)).expect("there") + 1
}

/// How much there is of everything that applying a file changes.
async fn amounts(stage: &Stage) -> [usize; 6] {
    let mut tx = stage.db.read().await.expect("begun");
    let refreshes = db::refreshes::last(&mut tx).await.expect("read").values().filter_map(|one| one.snapshot).max();
    [
        db::sources::list(&mut tx).await.expect("read").len(),
        usize::try_from(refreshes.unwrap_or_default()).expect("a few"),
        db::segments::list(&mut tx).await.expect("read").len(),
        db::connections::list(&mut tx).await.expect("read").len(),
        db::exports::list(&mut tx).await.expect("read").len(),
        std::fs::read_dir(stage.dir.path().join("uploads")).expect("there").count(),
    ]
}

/// The lines of the faults, and nothing has changed.
async fn refused(stage: &Stage, desk: &Desk, actor: &Actor, text: &str) -> Vec<usize> {
    let before = amounts(stage).await;
    let found = apply(desk, actor, text).await.expect_err("faults");
    assert_eq!(amounts(stage).await, before, "{found:?}");
    found.iter().map(|fault| fault.line).collect()
}

#[tokio::test]
async fn a_data_matching_is_checked_before_there_is_a_connection() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        let text = WHOLE.replace("connection = \"Shop\"\n", "");
        let wrong = text.replace("email = \"email\", city = \"city\"", "city = \"town\"");
        let expected = [line(&wrong, "[[export]]"), line(&wrong, "matching")];
        assert_eq!(refused(&stage, &desk, &actor, &wrong).await, expected);
        apply(&desk, &actor, &text).await.expect("no faults");
    }
}

#[tokio::test]
async fn segments_that_custom_properties_cannot_tell_apart_are_told_beforehand() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        let marked = format!("{WHOLE}marking = \"properties\"\n");
        let called = |name: &str| {
            marked
                .replace("name = \"Vic\"", &format!("name = \"{name}\""))
                .replace("[\"Vic\", ", &format!("[\"{name}\", "))
        };
        for wrong in [called("Many-points"), marked.replace("properties = { points", "properties = { ferry_vic")] {
            assert_eq!(refused(&stage, &desk, &actor, &wrong).await, [line(&wrong, "marking")]);
        }

        // The second of two with the same tag gets a number, so that they can be told apart.
        let text = called("Many points!");
        let read = file::read(&text).expect("no faults");
        let plan = plan::make(&desk, &actor, &read, &text).await.expect("read").expect("no faults");
        let foreseen: Vec<String> = plan.segments.iter().map(|step| step.tag.clone()).collect();
        carry_out(&desk, &actor, plan, |_| {}).await.expect("carried out");
        assert_eq!(foreseen, ["ferry:many points", "ferry:many points-2"]);
        let kept = desk.segments.list(&actor).await.expect("read").into_iter().map(|one| one.segment.tag);
        assert_eq!(kept.collect::<std::collections::BTreeSet<_>>(), foreseen.into_iter().collect());
    }
}

#[test]
fn names_that_cannot_be_kept_are_told_with_their_line() {
    let long = "x".repeat(101);
    for (name, part) in [("Customers", "data source"), ("Vic", "segment"), ("Shop", "connection"), ("News", "export")] {
        for wrong in [long.as_str(), "a\\nb"] {
            let text = WHOLE.replace(&format!("name = \"{name}\""), &format!("name = \"{wrong}\""));
            let found = file::read(&text).expect_err(part);
            assert_eq!(found.iter().map(|fault| fault.line).collect::<Vec<_>>(), [line(&text, wrong)], "{found:?}");
        }
    }
}

#[tokio::test]
async fn what_the_person_may_not_do_to_a_data_source_is_told_beforehand() {
    for stage in stages().await {
        let (desk, administrator) = desk(&stage).await;
        let source = WHOLE.split("[[segment]]").next().expect("a part").to_owned();
        assert_eq!(refused(&stage, &desk, &stage.viewer, &source).await, [2]);
        let path = stage.dir.path().join("allowed").join("customers.csv");
        std::fs::write(&path, CUSTOMERS).expect("written");
        let in_place = source.replace("file = \"customers.csv\"", &format!("path = \"{}\"", path.display()));
        assert_eq!(refused(&stage, &desk, &stage.contributor, &in_place).await, [line(&in_place, "path =")]);

        // The first data source is the customer table by itself; another one is not.
        let done = apply(&desk, &stage.contributor, &source).await.expect("no faults");
        assert_eq!(done[0].done, "added, refreshed: 3 profiles, 0 rows rejected");
        let other = source.replace("\"Customers\"", "\"Others\"");
        assert_eq!(refused(&stage, &desk, &stage.contributor, &other).await, [2]);
        std::fs::write(desk.beside.join("customers.csv"), format!("{CUSTOMERS}4,oto@example.com,Vic,40\n"))
            .expect("written");
        assert!(apply(&desk, &stage.contributor, &source).await.expect("no faults")[0].is_changed);
        apply(&desk, &administrator, &other).await.expect("no faults");
        let profiles = desk.sources.profiles(&administrator, "", PageRequest::of_50(1)).await.expect("read");
        assert_eq!(profiles.snapshot, Some(3));
    }
}

#[tokio::test]
async fn what_the_person_may_not_do_to_segments_and_exports_is_told_beforehand() {
    for stage in stages().await {
        let (desk, administrator) = desk(&stage).await;
        stage.import("Customers", CUSTOMERS).await;
        let segment = stage.segment("Vic").await;
        stage.connection("Closed", Audience::Administrators).await;
        stage.export("News", None, segment).await;
        let text = r#"[[export]]
name = "News"
connection = "Closed"
segments = ["Vic"]
matching = { email = "email" }

[[export]]
name = "Other"
segments = ["Vic"]
matching = { email = "email" }

[[segment]]
name = "All"
items = []
"#;
        assert_eq!(refused(&stage, &desk, &stage.contributor, text).await, [1, 3, 7]);
        assert_eq!(refused(&stage, &desk, &stage.viewer, text).await, [1, 3, 7, 7, 12]);
        apply(&desk, &administrator, text).await.expect("no faults");
    }
}
