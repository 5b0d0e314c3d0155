//! Measures segments and plans on made-up profiles: `measure generate DIR ROWS`, then `measure run DIR`. Time and the
//! peak of the process's memory after each step are printed. For developers; `make bench` measures the whole of Ferry.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int16Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use domain::attribute::{Attribute, AttributeType};
use domain::destination::{DestinationCard, DestinationKind, Target, TargetKind};
use domain::id::{ExportId, RunId, SegmentId};
use domain::mapping::{Field, Mapping, Match};
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::run::RowReason;
use domain::segment::Definition;
use ferry_data::plan::{CloseRequest, PlanRequest, PlannedSegment};
use ferry_data::profiles::schema::snapshot_schema;
use ferry_data::segments::MembersOf;
use ferry_data::{DataEngine, DataOptions};
use futures::StreamExt;

type Failure = Box<dyn std::error::Error>;

/// Countries with a national phone number of each.
const COUNTRIES: [(&str, &str, &str); 6] = [
    ("España", "61", "2345"),
    ("Sweden", "070-174", " 0"),
    ("RO", "0721 23", "4"),
    ("Portugal", "912 34", "5"),
    ("United Kingdom", "07400 12", "3"),
    ("ESP", "+34 93 41", "2"),
];

fn attributes() -> Vec<Attribute> {
    let mut attributes = Vec::new();
    let mut add = |name: &str, kind| attributes.push(Attribute { name: name.to_owned(), kind });
    for name in
        ["CustomerId", "Email", "FirstName", "LastName", "Phone", "Country", "City", "Address", "PostCode", "Gender"]
    {
        add(name, AttributeType::Text);
    }
    add("BirthDate", AttributeType::Date);
    add("Created", AttributeType::DateTime);
    add("LastOrder", AttributeType::DateTime);
    add("Spent", AttributeType::Decimal);
    add("Orders", AttributeType::Integer);
    add("Newsletter", AttributeType::Boolean);
    for number in 0..8 {
        add(&format!("Text{number}"), AttributeType::Text);
    }
    for number in 0..6 {
        add(&format!("Number{number}"), AttributeType::Integer);
    }
    attributes
}

fn generate(directory: &Path, rows: i64) -> Result<(), Failure> {
    let attributes = attributes();
    let schema = Arc::new(snapshot_schema(&attributes));
    std::fs::create_dir_all(directory.join("snapshots"))?;
    let file = std::fs::File::create(directory.join("snapshots/1.parquet"))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(131_072))
        .build();
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))?;
    for first in (0..rows).step_by(8192) {
        let numbers: Vec<i64> = (first..rows.min(first + 8192)).collect();
        let mut columns: Vec<ArrayRef> = vec![text(&numbers, |n| format!("c{n:08}"))];
        for attribute in &attributes {
            columns.push(column(attribute, &numbers)?);
            if attribute.kind == AttributeType::DateTime {
                columns.push(Arc::new(Int16Array::from(vec![Some(60); numbers.len()])));
            }
        }
        writer.write(&RecordBatch::try_new(schema.clone(), columns)?)?;
    }
    writer.close()?;
    Ok(())
}

fn text(numbers: &[i64], of: impl Fn(i64) -> String) -> ArrayRef {
    Arc::new(numbers.iter().map(|n| Some(of(*n))).collect::<StringArray>())
}

/// A number that looks random and is the same every time.
fn mixed(n: i64) -> i64 {
    (n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33).abs()
}

fn column(attribute: &Attribute, numbers: &[i64]) -> Result<ArrayRef, Failure> {
    let names = ["Ana", "Núria", "Ștefan", "Åsa", "João", "Carmen", "Björn", "Ioana"];
    let country = |n: i64| COUNTRIES[(mixed(n) % 6) as usize];
    Ok(match (attribute.name.as_str(), attribute.kind) {
        ("CustomerId", _) => text(numbers, |n| format!("c{n:08}")),
        ("Email", _) => text(numbers, |n| format!("First.Last{:08}@example{}.com", mixed(n) % 100_000_000, n % 97)),
        ("FirstName", _) => text(numbers, |n| names[(mixed(n) % 8) as usize].to_owned()),
        ("LastName", _) => text(numbers, |n| format!("Lastname{}", mixed(n) % 5000)),
        ("Phone", _) => text(numbers, |n| {
            let (_, start, middle) = country(n);
            format!("{start}{middle}{:03}", mixed(n) % 1000)
        }),
        ("Country", _) => text(numbers, |n| country(n).0.to_owned()),
        ("City", _) => text(numbers, |n| format!("City{}", mixed(n) % 800)),
        ("Address", _) => text(numbers, |n| format!("Carrer de Mallorca {}, 2n 1a", mixed(n) % 900)),
        ("PostCode", _) => text(numbers, |n| format!("{:05}", mixed(n) % 99_999)),
        ("Gender", _) => text(numbers, |n| if n % 2 == 0 { "Female" } else { "Male" }.to_owned()),
        ("Orders", _) => Arc::new(numbers.iter().map(|n| Some(mixed(*n) % 40)).collect::<Int64Array>()),
        (_, AttributeType::Text) => text(numbers, |n| format!("value {}", mixed(n) % 2000)),
        (_, AttributeType::Integer) => {
            Arc::new(numbers.iter().map(|n| Some(mixed(*n) % 10_000)).collect::<Int64Array>())
        }
        (_, AttributeType::Boolean) => {
            Arc::new(numbers.iter().map(|n| Some(mixed(*n) % 3 > 0)).collect::<BooleanArray>())
        }
        (_, AttributeType::Date) => {
            Arc::new(numbers.iter().map(|n| Some((mixed(*n) % 15_000) as i32)).collect::<Date32Array>())
        }
        (_, AttributeType::Decimal) => {
            let units: Decimal128Array =
                numbers.iter().map(|n| Some(i128::from(mixed(*n) % 100_000) * 100_000_000)).collect();
            Arc::new(units.with_precision_and_scale(38, AttributeType::DECIMAL_SCALE)?)
        }
        _ => {
            let second = |n: i64| 1_700_000_000 + mixed(n) % 60_000_000;
            let instants: TimestampMicrosecondArray = numbers.iter().map(|n| Some(second(*n) * 1_000_000)).collect();
            Arc::new(instants.with_timezone("UTC"))
        }
    })
}

fn condition(attribute: &str, operator: Operator, values: &[&str], ignore_case: bool) -> Item {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Item::Condition(Condition { attribute: attribute.to_owned(), operator, values, ignore_case })
}

fn rule(items: Vec<Item>) -> Rule {
    Rule { time_zone: "Europe/Madrid".to_owned(), root: Group { join: Join::All, items } }
}

fn five_conditions() -> Rule {
    rule(vec![
        condition("Country", Operator::IsIn, &["españa", "sweden", "portugal"], true),
        condition("Orders", Operator::GreaterOrEqual, &["3"], false),
        condition("LastOrder", Operator::WithinLast, &["18", "months"], false),
        condition("Spent", Operator::IsBetween, &["10", "900.50"], false),
        condition("City", Operator::DoesNotContain, &["99"], false),
    ])
}

fn card() -> DestinationCard {
    let kinds = [
        ("email", TargetKind::Email),
        ("first_name", TargetKind::Text),
        ("last_name", TargetKind::Text),
        ("phone", TargetKind::Phone),
        ("country", TargetKind::Country),
        ("city", TargetKind::Text),
        ("address", TargetKind::Text),
        ("post_code", TargetKind::Text),
        ("gender", TargetKind::Gender),
        ("birthdate", TargetKind::Date),
    ];
    let target =
        |(name, kind): (&str, TargetKind)| Target { name: name.to_owned(), required: false, kind, suggestions: vec![] };
    DestinationCard {
        kind: DestinationKind("measured".to_owned()),
        name: "Measured".to_owned(),
        targets: kinds.map(target).to_vec(),
        takes_custom_properties: true,
        key_help_url: String::new(),
    }
}

fn request(number: u128, ledger: Option<u128>) -> Result<PlanRequest, Failure> {
    let pairs = [
        ("email", "Email"),
        ("first_name", "FirstName"),
        ("last_name", "LastName"),
        ("phone", "Phone"),
        ("country", "Country"),
        ("city", "City"),
        ("address", "Address"),
        ("post_code", "PostCode"),
        ("gender", "Gender"),
        ("birthdate", "BirthDate"),
    ];
    let mut matches: Vec<Match> = pairs
        .map(|(field, attribute)| Match { field: Field::Target(field.to_owned()), attribute: attribute.to_owned() })
        .to_vec();
    for property in ["Orders", "Spent"] {
        matches.push(Match { field: Field::Property(property.to_owned()), attribute: property.to_owned() });
    }
    let segment = |number: u128, rule| PlannedSegment {
        id: SegmentId(uuid::Uuid::from_u128(number)),
        tag: format!("ferry:segment {number}"),
        definition: Definition::Dynamic { rule },
        is_active: true,
    };
    Ok(PlanRequest {
        run: RunId(uuid::Uuid::from_u128(number)),
        export: ExportId(uuid::Uuid::from_u128(9)),
        snapshot: 1,
        mapping: Mapping { matches },
        card: card(),
        segments: vec![segment(1, rule(vec![])), segment(2, five_conditions())],
        ledger: ledger.map(|number| RunId(uuid::Uuid::from_u128(number))),
        statuses: None,
        only_of: None,
        others: Vec::new(),
        now: "2026-11-22T11:30:00Z".parse()?,
    })
}

/// The peak of the process's memory, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn report(step: &str, since: Instant) {
    println!("{step:<28} {:>8.3} s   peak {:>4} MiB", since.elapsed().as_secs_f64(), peak());
}

async fn run(directory: &Path) -> Result<(), Failure> {
    let engine = DataEngine::new(DataOptions::new(directory))?;
    let rule = five_conditions();
    let now = "2026-11-22T11:30:00Z".parse()?;
    let mut times = Vec::new();
    for _ in 0..30 {
        let start = Instant::now();
        let members = engine.count_members(1, MembersOf::Rule { rule: &rule, now }).await?;
        times.push((start.elapsed(), members));
    }
    let first = times.first().copied().unwrap_or_default();
    times.sort();
    println!("count: first {:?}, median {:?}, p95 {:?}, peak {} MiB", first.0, times[15], times[28].0, peak());
    let start = Instant::now();
    engine.first_members(1, MembersOf::Rule { rule: &rule, now }, 100).await?;
    report("first 100", start);
    for number in 1..=2 {
        let ledger = (number > 1).then_some(number - 1);
        let start = Instant::now();
        let summary = engine.make_plan(request(number, ledger)?).await?;
        report("plan", start);
        println!("{summary:?}");
        let start = Instant::now();
        let reader = engine.open_plan(RunId(uuid::Uuid::from_u128(number))).await?;
        let mut row = 0;
        while row < summary.to_send {
            row += reader.contacts(row, 100).await?.len() as u64;
        }
        report("read contacts by 100", start);
        let start = Instant::now();
        for count in reader.tag_counts().to_vec() {
            let mut change = 0;
            while change < count.changes {
                change += reader.tag_changes(count.op, &count.tag, change, 250).await?.len() as u64;
            }
        }
        report("read tag changes by 250", start);
        let start = Instant::now();
        let closed = engine
            .close_run(CloseRequest {
                run: RunId(uuid::Uuid::from_u128(number)),
                export: ExportId(uuid::Uuid::from_u128(9)),
                ledger: ledger.map(|number| RunId(uuid::Uuid::from_u128(number))),
                refused: futures::stream::empty().boxed(),
                doubted: vec![],
                unconfirmed: vec![],
                held: vec![],
                held_reason: RowReason::Canceled,
                failed_tags: vec![],
            })
            .await?;
        report("close", start);
        println!("{:?}", closed.counts);
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", directory, rows] => generate(Path::new(directory), rows.parse()?),
        ["run", directory] => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?
            .block_on(run(Path::new(directory))),
        _ => Err("measure generate DIR ROWS | measure run DIR".into()),
    }
}
