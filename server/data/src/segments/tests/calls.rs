//! The calls of the engine: groups, faults, first members, frozen members, and names that could be taken for SQL.

use domain::attribute::AttributeType;
use domain::id::SegmentId;
use domain::rule::{Group, Item, Join, Operator, RuleFaultKind};

use super::{Value, attribute, condition, engine, rule_of, write_snapshot};
use crate::error::DataError;
use crate::segments::MembersOf;

fn now() -> jiff::Timestamp {
    "2026-11-22T11:30:00Z".parse().expect("an instant")
}

/// 300 profiles whose `n` is their number, and whose `half` is the number's half for the even ones.
fn numbers(engine: &crate::DataEngine) {
    let attributes = [attribute("n", AttributeType::Integer), attribute("half", AttributeType::Decimal)];
    let rows: Vec<Vec<Option<Value>>> = (0..300)
        .map(|n| vec![Some(Value::Integer(n)), (n % 2 == 0).then(|| Value::Decimal(i128::from(n) * 5_000_000_000))])
        .collect();
    write_snapshot(engine, 1, &attributes, &rows);
}

fn item(attribute: &str, operator: Operator, values: &[&str]) -> Item {
    Item::Condition(condition(attribute, operator, values))
}

#[tokio::test]
async fn groups_nest_and_empty_groups_hold_for_everyone_or_nobody() {
    let (_root, engine) = engine();
    numbers(&engine);
    let group = |join, items| Item::Group(Group { join, items });
    for (join, items, expected) in [
        (Join::All, vec![], 300),
        (Join::Any, vec![], 0),
        (Join::All, vec![group(Join::Any, vec![])], 0),
        (Join::Any, vec![group(Join::All, vec![])], 300),
        (
            Join::All,
            vec![
                item("n", Operator::LessThan, &["10"]),
                group(
                    Join::Any,
                    vec![
                        item("half", Operator::IsEmpty, &[]),
                        group(
                            Join::All,
                            vec![
                                item("half", Operator::GreaterThan, &["3"]),
                                item("half", Operator::NotEquals, &["4.0"]),
                            ],
                        ),
                    ],
                ),
            ],
            5,
        ),
        // What is empty is in neither side of a negation.
        (Join::Any, vec![item("half", Operator::Equals, &["1"]), item("half", Operator::NotEquals, &["1"])], 150),
    ] {
        let rule = rule_of("UTC", join, items);
        let count = engine.count_members(1, MembersOf::Rule { rule: &rule, now: now() }).await.expect("a count");
        assert_eq!(count, expected, "{rule:?}");
    }
}

#[tokio::test]
async fn an_empty_value_is_no_member_of_two_exclusions_joined_by_or() {
    let (_root, engine) = engine();
    numbers(&engine);
    for operator in [Operator::NotEquals, Operator::IsNotIn] {
        let rule = rule_of("UTC", Join::Any, vec![item("half", operator, &["1"]), item("half", operator, &["2"])]);
        let count = engine.count_members(1, MembersOf::Rule { rule: &rule, now: now() }).await.expect("a count");
        assert_eq!(count, 150, "{operator:?}: those with a value");
    }
}

#[tokio::test]
async fn the_first_members_come_by_key_and_as_text() {
    let (_root, engine) = engine();
    numbers(&engine);
    let rule = rule_of("UTC", Join::All, vec![item("n", Operator::GreaterOrEqual, &["7"])]);
    let of = MembersOf::Rule { rule: &rule, now: now() };
    let members = engine.first_members(1, of, 3).await.expect("members");
    assert_eq!(members.attributes.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["n", "half"]);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(members.rows, [vec![text("7"), None], vec![text("8"), text("4")], vec![text("9"), None]]);
    assert_eq!(engine.first_members(1, of, 100).await.expect("members").rows.len(), 100);
}

#[tokio::test]
async fn frozen_members_stay_when_the_rule_would_no_longer_find_them() {
    let (_root, engine) = engine();
    numbers(&engine);
    let segment = SegmentId(uuid::Uuid::from_u128(7));
    let rule = rule_of("UTC", Join::All, vec![item("n", Operator::IsIn, &["3", "5", "250"])]);
    assert_eq!(engine.freeze_members(1, &rule, now(), segment).await.expect("frozen"), 3);
    // In the next snapshot the numbers are others, and there are fewer profiles: k250 is gone.
    let rows: Vec<Vec<Option<Value>>> = (0..10).map(|n| vec![Some(Value::Integer(n + 1000)), None]).collect();
    let attributes = [attribute("n", AttributeType::Integer), attribute("half", AttributeType::Decimal)];
    write_snapshot(&engine, 2, &attributes, &rows);
    assert_eq!(engine.count_members(2, MembersOf::Frozen(segment)).await.expect("a count"), 2);
    let members = engine.first_members(2, MembersOf::Frozen(segment), 100).await.expect("members");
    let numbers: Vec<Option<String>> = members.rows.into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(numbers, [Some("1003".to_owned()), Some("1005".to_owned())]);
    engine.forget_members(segment).await.expect("removed");
    let gone = engine.count_members(2, MembersOf::Frozen(segment)).await;
    assert!(matches!(gone, Err(DataError::Missing)), "{gone:?}");
}

#[tokio::test]
async fn a_rule_that_does_not_fit_is_refused_with_its_faults() {
    let (_root, engine) = engine();
    numbers(&engine);
    for (rule, kind) in [
        (rule_of("UTC", Join::All, vec![item("missing", Operator::IsEmpty, &[])]), RuleFaultKind::UnknownAttribute),
        (rule_of("UTC", Join::All, vec![item("n", Operator::Contains, &["1"])]), RuleFaultKind::OperatorDoesNotFit),
        (rule_of("UTC", Join::All, vec![item("n", Operator::Equals, &["x"])]), RuleFaultKind::UnreadableValue),
        (rule_of("UTC", Join::All, vec![item("n", Operator::Equals, &[])]), RuleFaultKind::WrongNumberOfValues),
        (rule_of("Mars/Base", Join::All, vec![]), RuleFaultKind::UnknownTimeZone),
    ] {
        match engine.count_members(1, MembersOf::Rule { rule: &rule, now: now() }).await {
            Err(DataError::Rule(faults)) => assert_eq!(faults[0].fault, kind),
            other => panic!("{other:?}"),
        }
    }
    let rule = rule_of("UTC", Join::All, vec![]);
    let none = engine.count_members(9, MembersOf::Rule { rule: &rule, now: now() }).await;
    assert!(matches!(none, Err(DataError::Missing)), "{none:?}");
}

#[tokio::test]
async fn names_and_operands_are_never_read_as_sql() {
    let (_root, engine) = engine();
    let names = ["Order.Total", "select", "a\"b", "x; DROP TABLE y", "Näme", "UPPER", "a b", "?"];
    let attributes = names.map(|name| attribute(name, AttributeType::Text));
    let value = "'; DROP TABLE profiles; --";
    let row = names.iter().map(|_| Some(Value::Text(value.to_owned()))).collect();
    write_snapshot(&engine, 1, &attributes, &[row]);
    for name in names {
        for operator in [Operator::Equals, Operator::Contains, Operator::IsIn] {
            let rule = rule_of("UTC", Join::All, vec![item(name, operator, &[value])]);
            let count = engine.count_members(1, MembersOf::Rule { rule: &rule, now: now() }).await.expect("a count");
            assert_eq!(count, 1, "{name} {operator:?}");
        }
    }
}

#[tokio::test]
async fn two_hundred_conditions_and_a_thousand_values_are_counted() {
    let (_root, engine) = engine();
    numbers(&engine);
    let many: Vec<Item> = (0..200).map(|n| item("n", Operator::Equals, &[n.to_string().as_str()])).collect();
    let rule = rule_of("UTC", Join::Any, many);
    let of = MembersOf::Rule { rule: &rule, now: now() };
    assert_eq!(engine.count_members(1, of).await.expect("a count"), 200);
    let values: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let rule = rule_of("UTC", Join::All, vec![item("n", Operator::IsNotIn, &values)]);
    let of = MembersOf::Rule { rule: &rule, now: now() };
    assert_eq!(engine.count_members(1, of).await.expect("a count"), 0);
}
