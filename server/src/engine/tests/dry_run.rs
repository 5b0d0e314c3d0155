//! Dry runs: they say what the next run does, and leave nothing behind.

use domain::destination::DestinationKind;
use domain::paging::PageRequest;
use domain::run::{RowReason, RunReason};
use ferry_data::plan::Sampled;
use omnisend_simulator as simulator;

use super::stage::{Stage, people};
use crate::db::{pace, runs};
use crate::destinations::{Addresses, Registry};
use crate::engine::dry_run::{self, Dry, Tools};
use crate::engine::{Budget, Options, PaceRules};

fn tools(stage: &Stage) -> Tools {
    let of_kind = std::collections::BTreeMap::from([("omnisend".to_owned(), stage.simulator.url())]);
    Tools {
        db: stage.db.db.clone(),
        data: stage.data.clone(),
        destinations: Registry::new(&Addresses { of_kind }).expect("an address"),
        clock: stage.clock.clone(),
        pace: Options::new(stage.folder()).pace_rules(),
    }
}

async fn dry(stage: &Stage) -> Dry {
    dry_run::make(&tools(stage), stage.export).await.expect("made").expect("ready")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_the_run_after_it_does_and_leaves_nothing_behind() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..300, "ab")).await;
    stage.run().await;
    let mut changed = people(0..10, "a");
    changed.extend(people(10..15, ""));
    changed.extend(people(15..300, "ab"));
    changed.extend(people(300..330, "a"));
    changed[100].1 = "Renamed".to_owned();
    changed.push(("not an address".to_owned(), "X".to_owned(), "a"));
    stage.refresh(&changed).await;
    let requests = stage.simulator.state().summary().requests;
    let files = files(stage.folder());

    let dry = dry(&stage).await;

    assert_eq!(stage.simulator.state().summary().requests, requests, "it sends nothing");
    assert_eq!(self::files(stage.folder()), files, "and keeps nothing");
    let mut tx = stage.db.read().await.expect("begun");
    let page = PageRequest { number: 1, size: 10 };
    assert_eq!(runs::list(&mut tx, None, page).await.expect("read").total, 1, "and is no run");
    drop(tx);
    assert_eq!((dry.summary.members, dry.summary.new_contacts, dry.summary.to_send), (326, 30, 31));
    assert_eq!((dry.summary.unchanged, dry.summary.leavers, dry.summary.rejected), (294, 5, 1));
    assert_eq!(dry.look.reasons, [(RowReason::EmailInvalid, 1)]);
    assert_eq!(dry.look.troubled[0].email, "not an address");
    assert_eq!(dry.look.samples.len(), 20);
    let renamed = dry.look.samples.iter().find(|one| one.kind == Sampled::Changed).expect("the changed one");
    assert!(renamed.before.as_ref().is_some_and(|before| before.contains("Zoë 100")), "{renamed:?}");
    assert!(renamed.after.as_ref().is_some_and(|after| after.contains("Renamed")), "{renamed:?}");
    let leaver = dry.look.samples.iter().find(|one| one.kind == Sampled::Leaver).expect("a leaver");
    assert_eq!(leaver.removed, ["ferry:a", "ferry:b"]);
    // One request for contacts, one for the added tag, one for each removed one.
    assert_eq!((dry.estimate.requests, dry.estimate.minutes), (4, 1));

    let run = stage.run().await;

    let counts = run.counts;
    assert_eq!((counts.members, counts.accepted, counts.unchanged, counts.rejected), (326, 31, 294, 1));
    assert_eq!((counts.tags_added, counts.tags_removed), (dry.summary.tags_to_add, dry.summary.tags_to_remove));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_estimate_counts_with_the_reserve_and_with_what_an_operator_has_set() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..300, "ab")).await;
    let mut tools = tools(&stage);
    let limits = tools.destinations.find(&DestinationKind("omnisend".to_owned())).expect("known").limits();
    let budget = async |rules: PaceRules, reserve: u8| {
        let mut tx = stage.db.begin().await.expect("begun");
        assert!(pace::set_reserve(&mut tx, stage.connection, reserve).await.expect("set"));
        rules.budget(&mut tx, simulator::PRACTICE_BRAND, limits).await.expect("read")
    };
    assert_eq!(budget(tools.pace, 10).await, Some(Budget { requests: 360, tag_requests: 54 }));
    assert_eq!(budget(tools.pace, 90).await, Some(Budget { requests: 40, tag_requests: 6 }));
    tools.pace.requests_per_minute = Some(1);
    assert_eq!(budget(tools.pace, 90).await, Some(Budget { requests: 1, tag_requests: 6 }));
    // Three requests for contacts and two for each tag, one a minute.
    let dry = dry_run::make(&tools, stage.export).await.expect("made").expect("ready");
    assert_eq!((dry.estimate.requests, dry.estimate.minutes), (7, 7));
    tools.pace.keeps_limits = false;
    assert_eq!(budget(tools.pace, 10).await, None);
    let dry = dry_run::make(&tools, stage.export).await.expect("made").expect("ready");
    assert_eq!((dry.estimate.requests, dry.estimate.minutes), (7, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_a_run_would_be_held_for() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..100, "a")).await;
    assert!(dry(&stage).await.surprises.is_empty(), "the first run is never held");
    stage.run().await;
    stage.refresh(&people(0..10, "a")).await;
    assert_eq!(dry(&stage).await.surprises.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_without_profiles_says_so() {
    let stage = Stage::new().await;
    let tools = Tools {
        db: stage.db.db.clone(),
        data: stage.data.clone(),
        destinations: Registry::new(&Addresses::default()).expect("an address"),
        clock: stage.clock.clone(),
        pace: Options::new(stage.folder()).pace_rules(),
    };
    let made = dry_run::make(&tools, stage.export).await.expect("made");
    assert_eq!(made.err(), Some(RunReason::NoProfiles));
}

/// All files of a folder, by path.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_without_the_ledger_says_that_everybody_is_sent_again() {
    let stage = Stage::new().await;
    stage.refresh(&people(0..100, "a")).await;
    stage.run().await;
    let before = dry(&stage).await;
    assert_eq!((before.lost_ledger, before.summary.to_send), (false, 0));
    let ledgers = stage.folder().join("ledgers");
    std::fs::remove_dir_all(&ledgers).expect("removed");
    std::fs::create_dir(&ledgers).expect("made");

    let dry = dry(&stage).await;

    assert_eq!((dry.lost_ledger, dry.summary.to_send), (true, 100));
}
