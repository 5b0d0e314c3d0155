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
