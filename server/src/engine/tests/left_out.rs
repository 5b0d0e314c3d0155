//! Values that cannot be sent: their contacts go without them, and the run says how many there were.

use domain::mapping::Field;

use super::resend::resend;
use super::stage::{Person, Stage};
use crate::db::exports;

/// A stage whose names are phone numbers.
async fn stage_with_phones() -> Stage {
    let stage = Stage::new().await;
    let mut tx = stage.db.begin().await.expect("begun");
    let found = exports::find(&mut tx, stage.export).await.expect("read").expect("the export").export;
    let mut settings = found.settings;
    settings.mapping.matches[1].field = Field::Target("phone".to_owned());
    assert!(exports::update(&mut tx, found.id, found.version, &settings, stage.now()).await.expect("saved"));
    tx.commit().await.expect("committed");
    stage
}

fn with_phones(rows: &[(&str, &str)]) -> Vec<Person> {
    rows.iter().map(|(email, phone)| ((*email).to_owned(), (*phone).to_owned(), "a")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_counts_the_values_that_its_contacts_go_without() {
    let stage = stage_with_phones().await;
    let mut rows = vec![
        ("ana@example.com", "+34612345678"),
        ("bo@example.com", "ask the shop"),
        ("bo@example.com", "ask again"),
        ("cleo@example.com", ""),
        ("dan@example.com", "12"),
        ("no address", "no number"),
    ];
    stage.refresh(&with_phones(&rows)).await;

    let first = stage.run().await;

    assert_eq!((first.counts.accepted, first.counts.held, first.counts.rejected), (4, 1, 1));
    assert_eq!(first.counts.values_left_out, 2, "of Bo and of Dan: rows that do not go themselves go without nothing");
    let writes = stage.writes();
    let second = stage.run().await;
    assert_eq!((second.counts.unchanged, second.counts.values_left_out), (4, 2));
    assert_eq!(stage.writes(), writes, "what is left out is no change");

    // A run of single rows counts theirs alone.
    rows[5].0 = "eve@example.com";
    stage.refresh(&with_phones(&rows)).await;
    let again = resend(&stage, &first, None).await;
    assert_eq!((again.counts.members, again.counts.accepted, again.counts.values_left_out), (2, 1, 1));
}
