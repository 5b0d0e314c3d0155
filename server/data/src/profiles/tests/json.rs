//! Newline-delimited JSON.

use domain::attribute::AttributeType as T;
use domain::source::{Format, RowFault};

use super::{Bench, rejected};

const FILE: &str = concat!(
    "{\"id\":\"a\",\"spend\":12345678901234567890.5,\"orders\":3,\"zip\":\"08001\",\"tags\":[1,2],\"at\":\"2026-11-22T10:00:00+01:00\"}\n",
    "\n",
    "{\"id\":\"b\",\"spend\":1e2,\"extra\":\"later\",\"orders\":null}\n",
    "not json\n",
    "{\"id\":\"a\",\"spend\":1}\n",
    "{\"id\":\"c\",\"orders\":\"three\"}\n",
    "[1]\n",
    "{\"id\":\"d\",\"id\":\"e\"}\n",
    "{\"zip\":\"1\"}\n",
);

#[tokio::test]
async fn every_line_is_accounted_for() {
    let bench = Bench::new();
    let preview = bench.preview("people.ndjson", FILE.as_bytes()).await.expect("a preview");
    assert_eq!(preview.reading.format, Format::Ndjson);
    let names: Vec<&str> = preview.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(names, ["id", "spend", "orders", "zip", "tags", "at", "extra"]);
    assert_eq!((preview.attributes[0].kind, preview.attributes[5].kind), (T::Text, T::DateTime));

    let report = bench
        .import(&[("people.ndjson", FILE.as_bytes())], |source| {
            source.primary_key = Some("id".to_owned());
            source.attributes[1].kind = T::Decimal;
            source.attributes[2].kind = T::Integer;
        })
        .await
        .expect("a report");
    let expected = [
        (4, RowFault::Json),
        (5, RowFault::KeyRepeated),
        (6, RowFault::Type),
        (7, RowFault::Json),
        (8, RowFault::Json),
        (9, RowFault::KeyMissing),
    ];
    assert_eq!(rejected(&report), expected);
    assert_eq!((report.read, report.accepted, report.blank_lines), (8, 2, 1));
    let rows = bench.rows().await;
    assert_eq!(rows[0][1].as_deref(), Some("12345678901234567890.5"));
    assert_eq!(rows[0][4].as_deref(), Some("[1,2]"));
    assert_eq!(rows[0][5].as_deref(), Some("2026-11-22T10:00:00+01:00"));
    assert_eq!((rows[1][1].as_deref(), rows[1][6].as_deref()), (Some("100"), Some("later")));
}
