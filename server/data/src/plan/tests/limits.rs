//! Plans that do not fit into memory, and plans that nobody waits for any more.

use super::{Person, all_well, close, person, plan, request, run, segment, write_people};
use crate::error::DataError;
use crate::store::plan_path;
use crate::testing::{engine, engine_with};

#[tokio::test]
async fn a_plan_larger_than_the_memory_limit_spills_and_has_the_same_bytes() {
    const MIB: usize = 1024 * 1024;
    let root = tempfile::tempdir().expect("a folder");
    let people: Vec<Person> = (0..6_000_u32)
        .map(|n| {
            // 3 KiB each, so 18 MiB in all.
            let name = format!("{n:05}").repeat(600);
            person(&format!("p{:05}@x.com", n * 7919 % 6_000), &name, [true, n % 2 == 0, false])
        })
        .collect();
    let mut plans = Vec::new();
    for memory_limit in [512 * MIB, 16 * MIB] {
        let engine = engine_with(root.path(), memory_limit);
        write_people(&engine, 1, &people);
        let summary = plan(&engine, 1, None, vec![segment(0, true), segment(1, true)]).await;
        assert_eq!((summary.to_send, summary.tags_to_add), (6_000, 9_000));
        plans.push(std::fs::read(engine.store().local(&plan_path(run(1)))).expect("a plan"));
        assert_eq!(close(&engine, all_well(1, None)).await.counts.accepted, 6_000);
    }
    assert!(plans[0] == plans[1]);
}

#[tokio::test]
async fn a_plan_that_is_dropped_leaves_nothing_behind() {
    let (root, engine) = engine();
    let people: Vec<Person> = (0..20_000).map(|n| person(&format!("p{n}@x.com"), "P", [true, true, true])).collect();
    write_people(&engine, 1, &people);
    let mut making = Box::pin(engine.make_plan(request(1, None, vec![segment(0, true)])));
    assert!(futures::poll!(making.as_mut()).is_pending());
    drop(making);
    // The task ends at its next await, on its own thread.
    let tmp = root.path().join("tmp");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while unfinished(&tmp) > 0 && std::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert_eq!(unfinished(&tmp), 0);
    let none = engine.plan_summary(run(1)).await;
    assert!(matches!(none, Err(DataError::Missing)), "{none:?}");
}

/// Files below a folder that were begun, but have neither got their name nor been removed.
fn unfinished(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path()).filter(|path| !path.ends_with("spill"));
    paths
        .map(|path| match path.extension() {
            // The mark of a process that uses the folder.
            Some(extension) if extension == "lock" => 0,
            _ if path.is_dir() => unfinished(&path),
            _ => 1,
        })
        .sum()
}
