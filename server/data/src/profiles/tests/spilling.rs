//! A file that is larger than the memory that a refresh may use.

use std::io::Write;

use domain::paging::PageRequest;

use super::source_of;
use crate::{DataEngine, DataOptions};

#[tokio::test]
async fn a_file_larger_than_the_memory_limit_is_sorted_on_disk() {
    const ROWS: u64 = 60_000;
    let folder = tempfile::tempdir().expect("a folder");
    let options = DataOptions { memory_limit: 24 << 20, threads: 2, ..DataOptions::new(folder.path().join("data")) };
    let engine = DataEngine::new(options).expect("an engine");
    let path = folder.path().join("people.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    let filler = "some text that every profile has so that there is something to sort; ".repeat(20);
    writeln!(file, "id,name,text").expect("written");
    for number in 0..ROWS {
        // Every key once, in no order.
        let key = number * 7919 % ROWS;
        writeln!(file, "{key:06},N{number},{filler}").expect("written");
    }
    drop(file);
    assert!(std::fs::metadata(&path).expect("a file").len() > 3 * (24 << 20));

    let preview = engine.preview(vec![path.clone()], None).await.expect("a preview");
    let report = engine.refresh(&source_of(preview), vec![path], 1, |_| {}).await.expect("a report");
    assert_eq!((report.read, report.accepted), (ROWS, ROWS));
    for (number, first) in [(1, 0), (300, 29_900), (600, 59_900)] {
        let (rows, total) = engine.page(1, "", PageRequest { number, size: 100 }).await.expect("a page");
        assert_eq!((rows.len(), total), (100, ROWS));
        assert_eq!(rows[0][0].as_deref(), Some(format!("{first:06}").as_str()));
    }
    // Nothing stays behind of what was put on disk meanwhile.
    let left = std::fs::read_dir(engine.store().scratch()).expect("a folder").flatten();
    let files = left.flat_map(|entry| std::fs::read_dir(entry.path()).into_iter().flatten()).count();
    assert_eq!(files, 0);
}
