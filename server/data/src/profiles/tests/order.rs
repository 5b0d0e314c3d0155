//! Files in the order of their key need no sorting; what comes of them does not depend on it.

use domain::source::RowFault;

use super::{Bench, rejected};

/// 20,000 rows in the order of their key, with a repeated one here and there; then the rows at the end as they are given.
fn file(end: &str) -> Vec<u8> {
    let mut text = String::from("id,name\n");
    for number in 0..20_000 {
        text.push_str(&format!("{number:06},N{number}\n"));
        if number % 5000 == 7 {
            text.push_str(&format!("{number:06},again\n"));
        }
    }
    text.push_str(end);
    text.into_bytes()
}

#[tokio::test]
async fn a_row_out_of_order_has_everything_sorted() {
    for (end, total, count_of_repeated) in [("", 20_000, 4), ("000003a,late\n000007,late\n,no key\n", 20_001, 5)] {
        let bench = Bench::new();
        let bytes = file(end);
        let report = bench.import(&[("people.csv", &bytes)], |_| {}).await.expect("a report");

        assert_eq!(report.accepted, total);
        let repeated = rejected(&report).iter().filter(|(_, fault)| *fault == RowFault::KeyRepeated).count();
        assert_eq!(repeated, count_of_repeated);
        let rows = bench.rows().await;
        let keys: Vec<_> = rows.iter().map(|row| row[0].clone().expect("a key")).collect();
        assert!(keys.is_sorted() && keys.len() as u64 == total);
        assert_eq!(rows[7][1].as_deref(), Some(if end.is_empty() { "N7" } else { "N6" }));
        assert!(rows.iter().all(|row| row[1].as_deref() != Some("again")), "of the rows with one key, the first stays");
    }
}

/// The report says which bytes were read, whatever the format, the order of the rows, and the number of files.
#[tokio::test]
async fn r42_a_report_holds_the_hash_of_what_was_read() {
    use sha2::{Digest as _, Sha256};
    let text = |hash: Sha256| hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let of = |bytes: &[u8]| text(Sha256::new_with_prefix(bytes));
    let bench = Bench::new();
    let sorted = b"id,name\n1,a\n2,b\n".as_slice();
    let files: [(&str, &[u8]); 4] = [
        ("sorted.csv", sorted),
        ("unsorted.csv", b"id,name\n2,b\n1,\"a\n3,c\n"),
        ("no end.csv", b"\xef\xbb\xbfid,name\r\n1,a"),
        ("lines.ndjson", b"{\"id\":\"1\"}\n{\"id\":\"2\"}"),
    ];
    for (name, bytes) in files {
        let report = bench.import(&[(name, bytes)], |_| {}).await.expect("a report");
        assert_eq!(report.sha256, Some(of(bytes)), "{name}");
    }
    let report = bench.import(&[("a.csv", sorted), ("b.csv", b"id,name\n3,c\n")], |_| {}).await.expect("a report");
    let list = format!("{}  a.csv\n{}  b.csv\n", of(sorted), of(b"id,name\n3,c\n"));
    assert_eq!(report.sha256, Some(of(list.as_bytes())), "what `sha256sum * | sha256sum` says");
}
