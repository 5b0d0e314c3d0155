//! Pages of profiles and searches.

use domain::paging::PageRequest;
use domain::source::{FileFault, RowFault};

use super::{Bench, rejected};
use crate::DataError;

/// People `c-00000` to `c-…`, each with an address, last one first.
fn people(count: usize) -> Vec<u8> {
    let mut text = String::from("id,E-mail,name\n");
    for number in (0..count).rev() {
        text += &format!("c-{number:05},Person{}.{number}@Example.com,\"N, {number}\"\n", number % 7);
    }
    text.into_bytes()
}

#[tokio::test]
async fn pages_follow_the_key_and_cover_everyone_once() {
    let bench = Bench::new();
    // More than one row group.
    let count = 70_000;
    bench.import(&[("people.csv", &people(count))], |_| {}).await.expect("a report");
    assert_eq!(bench.engine.profile_count(1).await.expect("a count"), count as u64);
    for (number, first, length) in [(1, 0, 1000), (66, 65_000, 1000), (70, 69_000, 1000), (71, 70_000, 0)] {
        let (rows, total) = bench.engine.page(1, "", PageRequest { number, size: 1000 }).await.expect("a page");
        assert_eq!((rows.len(), total), (length, count as u64));
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(row[0].as_deref(), Some(format!("c-{:05}", first + index).as_str()));
        }
    }
}

#[tokio::test]
async fn a_search_finds_keys_and_addresses_by_their_start() {
    let bench = Bench::new();
    bench.import(&[("people.csv", &people(70_000))], |_| {}).await.expect("a report");
    for (search, total, first) in [
        ("c-6553", 10, Some("c-65530")),
        ("c-", 70_000, Some("c-00000")),
        ("c-69999", 1, Some("c-69999")),
        ("d", 0, None),
        ("person3.", 10_000, Some("c-00003")),
        ("PERSON3.10@", 1, Some("c-00010")),
        ("person5.99999@", 0, None),
        (" ", 70_000, Some("c-00000")),
    ] {
        let (rows, found) = bench.engine.page(1, search, PageRequest::of_50(1)).await.expect("a page");
        assert_eq!(found, total, "{search}");
        assert_eq!(rows.first().and_then(|row| row[0].as_deref()), first, "{search}");
        let (rows, _) = bench.engine.page(1, search, PageRequest::of_50(2)).await.expect("a page");
        assert_eq!(rows.len() as u64, total.saturating_sub(50).min(50), "{search}");
    }
}

#[tokio::test]
async fn addresses_are_searched_whatever_their_column_is_called() {
    let bench = Bench::new();
    for (number, name) in (1..).zip(["Mejl", "Adreça electrònica", "Poștă electronică", "Endereço eletrónico"]) {
        let text = format!("id,{name}\n1,ana@example.com\n2,bo@example.com\n");
        let path = bench.file("people.csv", text.as_bytes());
        let preview = bench.engine.preview(vec![path.clone()], None).await.expect("a preview");
        bench.engine.refresh(&super::source_of(preview), vec![path], number, |_| {}).await.expect("a report");
        let (_, found) = bench.engine.page(number, "bo@", PageRequest::of_50(1)).await.expect("a page");
        assert_eq!(found, 1, "{name}");
    }
}

#[tokio::test]
async fn of_rows_with_one_key_the_first_of_the_first_file_wins() {
    let bench = Bench::new();
    let one = b"id,name\n2,first\n2,second\n 2 ,padded\n";
    let two = b"id,name\n1,only\n2,other file\n";
    let report = bench.import(&[("1.csv", one), ("2.csv", two)], |source| source.primary_key = Some("id".to_owned()));
    let report = report.await.expect("a report");
    let faults = vec![(3, RowFault::KeyRepeated), (4, RowFault::KeyRepeated), (3, RowFault::KeyRepeated)];
    assert_eq!(rejected(&report), faults);
    assert_eq!(report.first_rejected[2].file, "2.csv");
    assert_eq!(report.first_rejected[2].attribute.as_deref(), Some("id"));
    let rows = bench.rows().await;
    assert_eq!(rows[1], [Some("2".to_owned()), Some("first".to_owned())]);
    let page = bench.engine.rejected_rows(1, PageRequest { number: 2, size: 2 }).await.expect("a page");
    assert_eq!((page.total, page.items), (3, report.first_rejected[2..].to_vec()));
}

#[tokio::test]
async fn an_import_without_a_single_profile_leaves_no_snapshot() {
    let bench = Bench::new();
    let none = bench.import(&[("1.csv", b"id,name\n,x\n")], |source| source.primary_key = Some("id".to_owned())).await;
    assert!(matches!(none, Err(DataError::File(FileFault::AllRejected))));
    let page = bench.engine.rejected_rows(1, PageRequest::of_50(1)).await.expect("the reasons are kept");
    assert_eq!((page.total, page.items[0].line, page.items[0].fault), (1, 2, RowFault::KeyMissing));
    assert!(matches!(bench.engine.attributes(1).await, Err(DataError::Missing)));
    assert!(matches!(bench.engine.page(1, "", PageRequest::of_50(1)).await, Err(DataError::Missing)));
}

#[tokio::test]
async fn a_file_that_lacks_an_attribute_is_refused() {
    let bench = Bench::new();
    let refused =
        bench.import(&[("1.csv", b"id,name\n1,x\n")], |source| source.attributes[1].name = "email".to_owned());
    assert!(matches!(refused.await, Err(DataError::File(FileFault::Header))));
}

#[tokio::test]
async fn dropping_a_refresh_leaves_nothing_behind() {
    let bench = Bench::new();
    let path = bench.file("people.csv", &people(70_000));
    let preview = bench.engine.preview(vec![path.clone()], None).await.expect("a preview");
    let source = super::source_of(preview);
    let (begun, waits) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let progress = move |_: &domain::source::ImportReport| {
        if let Some(begun) = begun.lock().expect("a lock").take() {
            let _ = begun.send(());
        }
    };
    tokio::select! {
        _ = bench.engine.refresh(&source, vec![path], 1, progress) => panic!("it is cancelled first"),
        _ = waits => {}
    }
    let (store, scratch) = (bench.engine.store().clone(), bench.engine.store().scratch().to_owned());
    // The threads notice at their next step.
    while std::fs::read_dir(&scratch).expect("a folder").flatten().any(|entry| entry.path().is_file()) {
        tokio::task::yield_now().await;
    }
    assert!(!store.exists(&crate::store::snapshot_path(1)));
}
