//! Which rules are valid. What operators mean is tested where they are evaluated.

use super::{
    Arity, Condition, Group, Item, Join, MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES, Operator, Rule, RuleFaultKind,
    SPAN_UNITS, faults, is_decimal, is_value_of, operators_for,
};
use crate::attribute::{Attribute, AttributeType};

fn attributes() -> Vec<Attribute> {
    AttributeType::ALL.into_iter().map(|kind| Attribute { name: kind.as_str().to_owned(), kind }).collect()
}

fn condition(attribute: &str, operator: Operator, values: &[&str]) -> Item {
    Item::Condition(Condition {
        attribute: attribute.to_owned(),
        operator,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ignore_case: false,
    })
}

fn rule(items: Vec<Item>) -> Rule {
    Rule { time_zone: "Europe/Madrid".to_owned(), root: Group { join: Join::All, items } }
}

/// The faults of a rule of one condition.
fn faults_of(attribute: &str, operator: Operator, values: &[&str]) -> Vec<RuleFaultKind> {
    let rule = rule(vec![condition(attribute, operator, values)]);
    faults(&rule, &attributes()).into_iter().map(|fault| fault.fault).collect()
}

/// An operand that the type takes.
fn operand(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Text => "x",
        AttributeType::Integer => "1",
        AttributeType::Decimal => "1.5",
        AttributeType::Boolean => "true",
        AttributeType::Date => "2026-11-22",
        AttributeType::Time => "09:30",
        AttributeType::DateTime => "2026-11-22T09:30:00Z",
    }
}

#[test]
fn every_operator_fits_some_type_and_every_type_has_the_tests_for_empty_values() {
    for operator in Operator::ALL {
        assert!(AttributeType::ALL.into_iter().any(|kind| operator.fits(kind)), "{operator:?}");
    }
    for kind in AttributeType::ALL {
        let operators: Vec<Operator> = operators_for(kind).collect();
        assert!(operators.contains(&Operator::IsEmpty) && operators.contains(&Operator::IsNotEmpty), "{kind:?}");
    }
}

#[test]
fn an_operator_is_valid_on_exactly_the_types_that_it_fits() {
    for kind in AttributeType::ALL {
        for operator in Operator::ALL {
            let value = match operator {
                Operator::DayOf | Operator::MonthOf | Operator::DayOfWeek | Operator::YearOf => "7",
                Operator::TimeAt => "09:30",
                _ => operand(kind),
            };
            let values = match operator.arity() {
                Arity::None => vec![],
                Arity::One | Arity::Many => vec![value],
                Arity::Two if operator == Operator::WithinLast => vec!["3", "days"],
                Arity::Two => vec![value, value],
            };
            let expected = if operator.fits(kind) { vec![] } else { vec![RuleFaultKind::OperatorDoesNotFit] };
            assert_eq!(faults_of(kind.as_str(), operator, &values), expected, "{operator:?} on {kind:?}");
        }
    }
}

#[test]
fn the_number_of_operands_is_checked() {
    for (operator, values) in [
        (Operator::Equals, vec![]),
        (Operator::Equals, vec!["1", "2"]),
        (Operator::IsBetween, vec!["1"]),
        (Operator::IsBetween, vec!["1", "2", "3"]),
        (Operator::IsIn, vec![]),
        (Operator::IsEmpty, vec!["1"]),
    ] {
        assert_eq!(faults_of("integer", operator, &values), [RuleFaultKind::WrongNumberOfValues], "{operator:?}");
    }
    let many = vec!["1"; MAX_VALUES];
    assert_eq!(faults_of("integer", Operator::IsIn, &many), []);
    assert_eq!(faults_of("integer", Operator::IsIn, &vec!["1"; MAX_VALUES + 1]), [RuleFaultKind::WrongNumberOfValues]);
}

#[test]
fn operands_that_cannot_be_read_are_found() {
    let unreadable = [
        ("integer", Operator::Equals, vec!["1.0"]),
        ("integer", Operator::Equals, vec!["9223372036854775808"]),
        ("decimal", Operator::Equals, vec!["1,5"]),
        ("decimal", Operator::Equals, vec!["1e3"]),
        ("date", Operator::Equals, vec!["22.11.2026"]),
        ("date", Operator::Equals, vec!["2026-02-29"]),
        ("time", Operator::Equals, vec!["25:00"]),
        ("date_time", Operator::Equals, vec!["yesterday"]),
        ("date", Operator::DayOf, vec!["0"]),
        ("date", Operator::DayOf, vec!["32"]),
        ("date", Operator::MonthOf, vec!["13"]),
        ("date", Operator::DayOfWeek, vec!["8"]),
        ("date", Operator::YearOf, vec!["10000"]),
        ("date", Operator::WithinLast, vec!["0", "days"]),
        ("date", Operator::WithinLast, vec!["3", "fortnights"]),
        ("date", Operator::WithinLast, vec!["days", "3"]),
        ("date_time", Operator::TimeAt, vec!["09:30", "late"]),
    ];
    for (attribute, operator, values) in unreadable {
        assert_eq!(faults_of(attribute, operator, &values), [RuleFaultKind::UnreadableValue], "{attribute} {values:?}");
    }
    for unit in SPAN_UNITS {
        assert_eq!(faults_of("date_time", Operator::WithinLast, &["100000", unit]), []);
    }
}

#[test]
fn values_of_each_type_are_told_from_others() {
    for (kind, good, bad) in [
        (AttributeType::Text, vec!["", "anything"], vec![]),
        (AttributeType::Integer, vec!["-1", " 7 ", "+3"], vec!["", "1.5", "one"]),
        (AttributeType::Decimal, vec!["1", "-.5", "5.", "0.0000000001"], vec!["", ".", "-", "0.00000000001", "1.2.3"]),
        (AttributeType::Boolean, vec!["true", "false"], vec!["True", "1", "yes", ""]),
        (AttributeType::Date, vec!["2024-02-29"], vec!["2023-02-29", "2024-2-29", ""]),
        (AttributeType::Time, vec!["09:30", "23:59:59.5"], vec!["9", "24:01", ""]),
        (
            AttributeType::DateTime,
            vec!["2026-11-22", "2026-11-22T09:30", "2026-11-22 09:30:15", "2026-11-22T09:30:00+01:00"],
            vec!["09:30", "2026-13-01", ""],
        ),
    ] {
        for text in good {
            assert!(is_value_of(text, kind), "{text:?} is a {kind:?}");
        }
        for text in bad {
            assert!(!is_value_of(text, kind), "{text:?} is no {kind:?}");
        }
    }
    assert!(is_decimal("0000000000000000000000000000001"), "zeros in front do not count");
    assert!(!is_decimal("12345678901234567890123456789"), "29 digits before the point are too many");
}

#[test]
fn faults_tell_their_place_in_the_tree() {
    let inner = Item::Group(Group {
        join: Join::Any,
        items: vec![condition("text", Operator::Contains, &["a"]), condition("gone", Operator::IsEmpty, &[])],
    });
    let rule = rule(vec![condition("text", Operator::IsEmpty, &[]), inner, condition("date", Operator::IsTrue, &[])]);
    let found: Vec<(String, RuleFaultKind)> =
        faults(&rule, &attributes()).into_iter().map(|fault| (fault.path, fault.fault)).collect();
    assert_eq!(
        found,
        [("1.1".to_owned(), RuleFaultKind::UnknownAttribute), ("2".to_owned(), RuleFaultKind::OperatorDoesNotFit),]
    );
}

#[test]
fn rules_that_are_too_deep_or_too_long_are_refused() {
    let nested = |depth: usize| {
        let mut item = condition("text", Operator::IsEmpty, &[]);
        for _ in 0..depth {
            item = Item::Group(Group { join: Join::All, items: vec![item] });
        }
        rule(vec![item])
    };
    assert_eq!(faults(&nested(MAX_DEPTH), &attributes()), []);
    assert_eq!(faults(&nested(MAX_DEPTH + 1), &attributes())[0].fault, RuleFaultKind::TooDeep);
    let long = |count: usize| rule(vec![condition("text", Operator::IsEmpty, &[]); count]);
    assert_eq!(faults(&long(MAX_CONDITIONS), &attributes()), []);
    assert_eq!(faults(&long(MAX_CONDITIONS + 1), &attributes())[0].fault, RuleFaultKind::TooMany);
}

#[test]
fn a_zone_that_nobody_knows_is_a_fault() {
    let mut rule = rule(vec![]);
    rule.time_zone = "Europe/Atlantis".to_owned();
    assert_eq!(faults(&rule, &attributes())[0].fault, RuleFaultKind::UnknownTimeZone);
}
