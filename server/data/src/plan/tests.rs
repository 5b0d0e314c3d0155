//! Plans and closes against the real engine: what is sent, how a history of runs goes, and random histories beside a
//! plain model.

mod limits;
mod marks;
mod model;
mod payloads;
mod random;
mod runs;

use domain::attribute::AttributeType;
use domain::destination::{DestinationCard, DestinationKind, Target, TargetKind};
use domain::id::{ExportId, RunId, SegmentId};
use domain::mapping::{Field, Mapping, Match};
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::run::RowReason;
use domain::segment::Definition;
use futures::StreamExt;

use super::files::LedgerCursor;
use super::{
    CloseRequest, Closed, FailedTags, PlanRequest, PlanSummary, PlannedContact, PlannedSegment, RefusedRow, TagOp, tags,
};
use crate::DataEngine;
use crate::store::ledger_path;
use crate::testing::{Value, attribute, write_snapshot};

const EXPORT: ExportId = ExportId(uuid::Uuid::from_u128(1));

fn run(number: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(1000 + number))
}

/// A destination with a field of each kind.
fn card() -> DestinationCard {
    let target = |name: &str, kind| Target {
        name: name.to_owned(),
        required: kind == TargetKind::Email,
        kind,
        suggestions: vec![],
    };
    DestinationCard {
        kind: DestinationKind("test".to_owned()),
        name: "Test".to_owned(),
        targets: vec![
            target("email", TargetKind::Email),
            target("first_name", TargetKind::Text),
            target("phone", TargetKind::Phone),
            target("country", TargetKind::Country),
            target("birthdate", TargetKind::Date),
            target("gender", TargetKind::Gender),
        ],
        takes_custom_properties: true,
        key_help_url: String::new(),
    }
}

fn mapping(pairs: &[(Field, &str)]) -> Mapping {
    let one = |(field, attribute): &(Field, &str)| Match { field: field.clone(), attribute: (*attribute).to_owned() };
    Mapping { matches: pairs.iter().map(one).collect() }
}

fn target(name: &str) -> Field {
    Field::Target(name.to_owned())
}

/// The rule that an attribute is true.
fn is_true(attribute: &str) -> Rule {
    let condition =
        Condition { attribute: attribute.to_owned(), operator: Operator::IsTrue, values: vec![], ignore_case: false };
    Rule { time_zone: "UTC".to_owned(), root: Group { join: Join::All, items: vec![Item::Condition(condition)] } }
}

/// The segment of the profiles whose `in_<n>` is true, with the tag `t<n>`.
fn segment(number: usize, is_active: bool) -> PlannedSegment {
    PlannedSegment {
        id: SegmentId(uuid::Uuid::from_u128(number as u128)),
        tag: format!("t{number}"),
        definition: Definition::Dynamic { rule: is_true(&format!("in_{number}")) },
        is_active,
    }
}

/// A profile: e-mail, first name, and the segments that it is in.
#[derive(Debug, Clone)]
struct Person {
    email: Option<String>,
    name: String,
    segments: Vec<bool>,
}

fn person(email: &str, name: &str, segments: [bool; 3]) -> Person {
    Person { email: Some(email.to_owned()), name: name.to_owned(), segments: segments.to_vec() }
}

fn write_people(engine: &DataEngine, snapshot: i64, people: &[Person]) {
    let mut attributes = vec![attribute("Email", AttributeType::Text), attribute("Name", AttributeType::Text)];
    attributes.extend((0..3).map(|n| attribute(&format!("in_{n}"), AttributeType::Boolean)));
    let rows: Vec<Vec<Option<Value>>> = people
        .iter()
        .map(|person| {
            let mut row = vec![person.email.clone().map(Value::Text), Some(Value::Text(person.name.clone()))];
            row.extend(person.segments.iter().map(|is_in| Some(Value::Boolean(*is_in))));
            row
        })
        .collect();
    write_snapshot(engine, snapshot, &attributes, &rows);
}

fn request(number: u128, ledger: Option<u128>, segments: Vec<PlannedSegment>) -> PlanRequest {
    PlanRequest {
        run: run(number),
        export: EXPORT,
        snapshot: i64::try_from(number).expect("a number"),
        mapping: mapping(&[(target("email"), "Email"), (target("first_name"), "Name")]),
        card: card(),
        segments,
        ledger: ledger.map(run),
        statuses: None,
        only_of: None,
        others: Vec::new(),
        now: "2026-11-22T11:30:00Z".parse().expect("an instant"),
    }
}

/// A close in which everything was accepted.
fn all_well(number: u128, ledger: Option<u128>) -> CloseRequest {
    CloseRequest {
        run: run(number),
        export: EXPORT,
        ledger: ledger.map(run),
        refused: futures::stream::empty().boxed(),
        doubted: vec![],
        unconfirmed: vec![],
        held: vec![],
        held_reason: RowReason::Canceled,
        failed_tags: vec![],
    }
}

fn refused(rows: &[u64]) -> futures::stream::BoxStream<'static, std::io::Result<RefusedRow>> {
    let one = |row: &u64| Ok(RefusedRow { row: *row, reason: RowReason::Refused, detail: format!("no {row}") });
    futures::stream::iter(rows.iter().map(one).collect::<Vec<_>>()).boxed()
}

/// A row of a ledger: address, hash, tags, and tags in doubt.
type LedgerRow = (String, Vec<u8>, [Vec<String>; 2]);

fn ledger(engine: &DataEngine, number: u128) -> Vec<LedgerRow> {
    let path = ledger_path(EXPORT, run(number));
    let names = LedgerCursor::tags_of(engine.store(), Some(&path)).expect("tags");
    let mut cursor = LedgerCursor::open(engine.store(), Some(&path), &names).expect("a ledger");
    let mut rows = Vec::new();
    while let Some(email) = cursor.email() {
        let named = |set: &[u8]| tags::places(set).map(|place| names[place].clone()).collect();
        rows.push((email.to_owned(), cursor.hash().to_vec(), [named(cursor.tags()), named(cursor.in_doubt())]));
        cursor.advance().expect("the next row");
    }
    rows
}

/// Addresses and tags of a ledger, as one line each; those in doubt with a question mark.
fn ledger_lines(engine: &DataEngine, number: u128) -> Vec<String> {
    let line = |(email, _, [tags, in_doubt]): LedgerRow| match in_doubt.join(",") {
        none if none.is_empty() => format!("{email} {}", tags.join(",")),
        in_doubt => format!("{email} {} ({in_doubt}?)", tags.join(",")),
    };
    ledger(engine, number).into_iter().map(line).collect()
}

async fn contacts(engine: &DataEngine, number: u128) -> Vec<PlannedContact> {
    let reader = engine.open_plan(run(number)).await.expect("a plan");
    reader.contacts(0, 10_000).await.expect("contacts")
}

/// All tag changes of a plan, as one line each, in the order in which they are worked off.
async fn tag_lines(engine: &DataEngine, number: u128) -> Vec<String> {
    let reader = engine.open_plan(run(number)).await.expect("a plan");
    let mut lines = Vec::new();
    for count in reader.tag_counts().to_vec() {
        let sign = if count.op == TagOp::Add { '+' } else { '-' };
        let changes = reader.tag_changes(count.op, &count.tag, 0, 10_000).await.expect("changes");
        assert_eq!(changes.len() as u64, count.changes);
        for change in changes {
            let needs = change.needs_row.map(|row| format!(" after {row}")).unwrap_or_default();
            lines.push(format!("{sign}{} {}{needs}", count.tag, change.email));
        }
    }
    lines
}

async fn plan(engine: &DataEngine, number: u128, ledger: Option<u128>, segments: Vec<PlannedSegment>) -> PlanSummary {
    let summary = engine.make_plan(request(number, ledger, segments)).await.expect("a plan");
    assert_eq!(summary.members, summary.to_send + summary.unchanged + summary.rejected + summary.held);
    assert_eq!(engine.plan_summary(run(number)).await.expect("a summary"), summary);
    summary
}

async fn close(engine: &DataEngine, request: CloseRequest) -> Closed {
    let closed = engine.close_run(request).await.expect("closed");
    let counts = closed.counts;
    let done = counts.accepted + counts.unchanged + counts.rejected + counts.held + counts.unconfirmed;
    assert_eq!(counts.members, done, "{counts:?}");
    closed
}

fn failed(op: TagOp, tag: &str, changes: std::ops::Range<u64>) -> FailedTags {
    FailedTags { op, tag: tag.to_owned(), changes, is_in_doubt: false }
}
