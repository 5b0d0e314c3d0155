//! Random rules over random rows: the engine and the second opinion find the same members.

use domain::attribute::{Attribute, AttributeType};
use domain::rule::{Arity, Condition, Group, Item, Join, Operator, Rule, operators_for};
use jiff::Timestamp;
use jiff::civil::{Time, date};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::{Value, attribute, engine, oracle, write_snapshot};
use crate::segments::MembersOf;

const ZONES: [&str; 5] = ["UTC", "Europe/Madrid", "Europe/Bucharest", "America/St_Johns", "Pacific/Apia"];

/// The attributes: one that names the row, and one of each type.
fn attributes() -> Vec<Attribute> {
    let mut attributes = vec![attribute("id", AttributeType::Text)];
    attributes.extend(AttributeType::ALL.map(|kind| attribute(kind.as_str(), kind)));
    attributes
}

fn any_text() -> impl Strategy<Value = String> {
    // Few letters, so that equal, contained and starting texts are common.
    prop_oneof![4 => "[aAåÅß%_]{0,3}", 1 => "[a-zÀ-ž .'\\\\]{0,8}"]
}

fn any_instant() -> impl Strategy<Value = Timestamp> {
    // The year before the instant of evaluation, around the changes of the clock, and long ago.
    let around = |text: &str, hours: i64| {
        let middle = text.parse::<Timestamp>().expect("an instant").as_second();
        (middle - hours * 3600..middle + hours * 3600, 0..2_i64).prop_map(|(second, half)| {
            Timestamp::from_microsecond(second * 1_000_000 + half * 500_000).expect("an instant")
        })
    };
    prop_oneof![
        around("2026-05-22T11:30:00Z", 24 * 190),
        around("2026-11-22T11:30:00Z", 30),
        around("2026-03-29T01:00:00Z", 30),
        around("2026-10-25T01:00:00Z", 30),
        around("1960-01-01T00:00:00Z", 24 * 3000),
    ]
}

fn any_value(kind: AttributeType) -> BoxedStrategy<Value> {
    match kind {
        AttributeType::Text => any_text().prop_map(Value::Text).boxed(),
        AttributeType::Integer => (-3_i64..4).prop_map(Value::Integer).boxed(),
        AttributeType::Decimal => (-4_i128..5).prop_map(|half| Value::Decimal(half * 5_000_000_000)).boxed(),
        AttributeType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        AttributeType::Date => any_day().prop_map(Value::Date).boxed(),
        AttributeType::Time => any_time().prop_map(Value::Time).boxed(),
        AttributeType::DateTime => any_instant().prop_map(Value::DateTime).boxed(),
    }
}

fn any_day() -> impl Strategy<Value = jiff::civil::Date> {
    let day =
        |from, days: i64| (0..days).prop_map(move |n| date(from, 1, 1) + jiff::SignedDuration::from_hours(24 * n));
    prop_oneof![day(2026, 340), day(1968, 900)]
}

fn any_time() -> impl Strategy<Value = Time> {
    (0..24_i8, 0..60_i8).prop_map(|(hour, minute)| Time::constant(hour, minute, 0, 0))
}

/// An operand that the operator takes on the type.
fn any_operand(operator: Operator, kind: AttributeType) -> BoxedStrategy<String> {
    let number = |range: std::ops::Range<i32>| range.prop_map(|n| n.to_string()).boxed();
    match (operator, kind) {
        (Operator::DayOf, _) => number(1..32),
        (Operator::MonthOf, _) => number(1..13),
        (Operator::YearOf, _) => number(1968..2028),
        (Operator::DayOfWeek, _) => number(1..8),
        (Operator::TimeAt, _) => any_time().prop_map(|time| time.to_string()).boxed(),
        (_, AttributeType::Text) => any_text().boxed(),
        (_, AttributeType::Integer) => number(-3..4),
        (_, AttributeType::Decimal) => (-4_i32..5)
            .prop_map(|half| format!("{}{}.{}", if half < 0 { "-" } else { "" }, half.abs() / 2, half.abs() % 2 * 5))
            .boxed(),
        (_, AttributeType::Boolean) => Just(String::new()).boxed(),
        (_, AttributeType::Date) => any_day().prop_map(|day| day.to_string()).boxed(),
        (_, AttributeType::Time) => any_time().prop_map(|time| time.to_string()).boxed(),
        (_, AttributeType::DateTime) => prop_oneof![
            any_day().prop_map(|day| day.to_string()),
            any_instant().prop_map(|instant| instant.to_string()),
            (any_day(), any_time()).prop_map(|(day, time)| day.to_datetime(time).to_string()),
        ]
        .boxed(),
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let pairs: Vec<(AttributeType, Operator)> =
        AttributeType::ALL.into_iter().flat_map(|kind| operators_for(kind).map(move |op| (kind, op))).collect();
    select(pairs).prop_flat_map(|(kind, operator)| {
        let operands = any_operand(operator, kind);
        let values = match (operator, operator.arity()) {
            (Operator::WithinLast, _) => {
                let unit = select(vec!["minutes", "hours", "days", "weeks", "months", "years"]);
                (1..60_i32, unit).prop_map(|(count, unit)| vec![count.to_string(), unit.to_owned()]).boxed()
            }
            (_, Arity::None) => Just(Vec::new()).boxed(),
            (_, Arity::One) => proptest::collection::vec(operands, 1).boxed(),
            (_, Arity::Two) => proptest::collection::vec(operands, 2).boxed(),
            (_, Arity::Many) => proptest::collection::vec(operands, 1..4).boxed(),
        };
        (values, any::<bool>()).prop_map(move |(values, ignore_case)| Condition {
            attribute: kind.as_str().to_owned(),
            operator,
            values,
            ignore_case,
        })
    })
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let join = || select(vec![Join::All, Join::Any]);
    let item = any_condition().prop_map(Item::Condition).prop_recursive(3, 12, 4, move |inner| {
        (join(), proptest::collection::vec(inner, 0..4)).prop_map(|(join, items)| Item::Group(Group { join, items }))
    });
    (select(ZONES.to_vec()), join(), proptest::collection::vec(item, 0..4))
        .prop_map(|(zone, join, items)| Rule { time_zone: zone.to_owned(), root: Group { join, items } })
}

fn any_rows() -> impl Strategy<Value = Vec<Vec<Option<Value>>>> {
    let row: Vec<_> = AttributeType::ALL.map(|kind| proptest::option::weighted(0.85, any_value(kind))).into();
    proptest::collection::vec(row, 12)
}

#[test]
fn the_engine_and_a_plain_evaluator_find_the_same_members() {
    let (_root, engine) = engine();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let now: Timestamp = "2026-11-22T11:30:00Z".parse().expect("an instant");
    let number = std::cell::Cell::new(0);
    // Several rules over the same rows: writing rows takes longer than asking about them.
    let cases = (any_rows(), proptest::collection::vec(any_rule(), 8));
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let result = runner.run(&cases, |(rows, rules)| {
        number.set(number.get() + 1);
        let named: Vec<Vec<Option<Value>>> = (0..rows.len())
            .map(|at| std::iter::once(Some(Value::Text(at.to_string()))).chain(rows[at].clone()).collect())
            .collect();
        write_snapshot(&engine, number.get(), &attributes(), &named);
        for rule in &rules {
            let of = MembersOf::Rule { rule, now };
            let found = runtime.block_on(engine.first_members(number.get(), of, 100)).expect("members");
            let found: Vec<String> = found.rows.into_iter().filter_map(|row| row[0].clone()).collect();
            let expected: Vec<String> = (0..rows.len())
                .filter(|at| {
                    oracle::holds(rule, now, &|name| {
                        let place = AttributeType::ALL.iter().position(|kind| kind.as_str() == name).expect("a name");
                        rows[*at][place].clone()
                    })
                })
                .map(|at| at.to_string())
                .collect();
            prop_assert_eq!(found, expected, "{:?}", rule);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
