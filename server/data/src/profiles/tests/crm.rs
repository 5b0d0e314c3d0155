//! A file as CRM systems export it: a blank before the first name, no key, people without anything but a name, lines
//! that end in CR LF, parts of addresses in the wrong columns.

use domain::attribute::AttributeType;
use domain::source::Reading;

use super::{Bench, rejected};

const FILE: &str = concat!(
    " Full Name,Middle Name,Email,Business Phone,Gender,Address 1: Street 1,Address 1: ZIP/Postal Code,Address 1: Country/Region\r\n",
    "Ada Pop,,ada_pop@example.com,,Female,\"12 Mill Road, Apt. 4\",01753,USA\r\n",
    "Bea Ionescu,,,,,,,\r\n",
    "Carl Öberg,,carl@example.com,0701 23 45 67,,\"Flat \"\"B\"\"\",28679,Sweden\r\n",
    "Bea Ionescu,,,,,,,\r\n",
);

#[tokio::test]
async fn an_untidy_export_is_imported_as_it_is() {
    let bench = Bench::new();
    let preview = bench.preview("crm.csv", FILE.as_bytes()).await.expect("a preview");
    assert_eq!(preview.reading, Reading::default());
    assert_eq!(preview.attributes[0].name, "Full Name");
    assert!(preview.attributes.iter().all(|attribute| attribute.kind == AttributeType::Text));
    assert_eq!(preview.primary_key, None);
    assert_eq!(preview.rows.len(), 4);
    assert_eq!(preview.rows[0][5].as_deref(), Some("12 Mill Road, Apt. 4"));

    let report = bench.import(&[("crm.csv", FILE.as_bytes())], |_| {}).await.expect("a report");
    assert_eq!((report.read, report.accepted, rejected(&report)), (4, 4, vec![]));
    let rows = bench.rows().await;
    assert_eq!(rows[0][6].as_deref(), Some("01753"), "a post code keeps its zero");
    assert_eq!(rows[2][5].as_deref(), Some("Flat \"B\""));
    assert_eq!(rows[1][2], None);
}

#[tokio::test]
async fn a_windows_file_with_semicolons_and_decimal_commas_is_understood() {
    let bench = Bench::new();
    let text = "Kundnr;Namn;Köpt;Senast\r\n0017;Åsa;1234,50;22.11.2026\r\n0018;Örjan;-0,05;01.02.2026\r\n";
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    let preview = bench.preview("kunder.csv", &bytes).await.expect("a preview");
    assert_eq!(preview.reading.delimiter, ';');
    let report = bench.import(&[("kunder.csv", &bytes)], |source| source.primary_key = Some("Kundnr".to_owned()));
    assert_eq!(report.await.expect("a report").accepted, 2);
    let text = |row: &Vec<Option<String>>| row.iter().map(|cell| cell.clone().unwrap_or_default()).collect::<Vec<_>>();
    let rows: Vec<_> = bench.rows().await.iter().map(text).collect();
    assert_eq!(rows, [["0017", "Åsa", "1234.5", "2026-11-22"], ["0018", "Örjan", "-0.05", "2026-02-01"]]);
}
