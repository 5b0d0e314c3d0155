//! The sample in `end2end/sample`, imported exactly as the demo imports it.

use domain::attribute::AttributeType as T;
use domain::source::{Encoding, Reading, RowFault};

use super::{Bench, rejected};

#[tokio::test]
async fn the_sample_is_imported_with_every_line_accounted_for() {
    let bench = Bench::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../end2end/sample/profiles.csv");
    let bytes = std::fs::read(path).expect("the sample");
    let preview = bench.preview("profiles.csv", &bytes).await.expect("a preview");
    assert_eq!(preview.reading, Reading { encoding: Encoding::Utf8, ..Reading::default() });
    assert_eq!(preview.primary_key.as_deref(), Some("customer_id"));
    let kinds: Vec<(&str, T)> =
        preview.attributes.iter().map(|attribute| (attribute.name.as_str(), attribute.kind)).collect();
    let kind = |name: &str| kinds.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    for (name, expected) in [
        ("customer_id", T::Text),
        ("post_code", T::Text),
        ("phone", T::Text),
        ("birthdate", T::Date),
        ("orders", T::Integer),
        ("spent", T::Decimal),
        ("last_order", T::Date),
        ("newsletter", T::Boolean),
        ("opt_in_at", T::DateTime),
        ("loyalty_number", T::Text),
    ] {
        assert_eq!(kind(name), Some(expected), "{name}");
    }

    let report = bench.import(&[("profiles.csv", &bytes)], |_| {}).await.expect("a report");
    assert_eq!(report.read, 25_000);
    let faults = [(RowFault::FieldCount, 12), (RowFault::Type, 19), (RowFault::KeyRepeated, 12)];
    assert_eq!((report.accepted, report.blank_lines, report.faults.as_slice()), (24_957, 0, &faults[..]));
    assert_eq!(rejected(&report).len(), 43);
    assert_eq!(bench.engine.profile_count(1).await.expect("a count"), report.accepted);
}
