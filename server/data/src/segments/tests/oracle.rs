//! Rules evaluated value by value, without DataFusion and without the compiler's helpers: the second opinion.

use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Value;

/// Does the rule hold for a row? `value_of` gives the row's values by attribute.
pub(super) fn holds(rule: &Rule, now: Timestamp, value_of: &impl Fn(&str) -> Option<Value>) -> bool {
    let zone = TimeZone::get(&rule.time_zone).expect("a zone");
    group_holds(&rule.root, &now.to_zoned(zone), value_of)
}

fn group_holds(group: &Group, now: &Zoned, value_of: &impl Fn(&str) -> Option<Value>) -> bool {
    let mut items = group.items.iter().map(|item| match item {
        Item::Group(inner) => group_holds(inner, now, value_of),
        Item::Condition(condition) => condition_holds(condition, now, value_of(&condition.attribute)),
    });
    match group.join {
        Join::All => items.all(|holds| holds),
        Join::Any => items.any(|holds| holds),
    }
}

fn condition_holds(condition: &Condition, now: &Zoned, value: Option<Value>) -> bool {
    let value = value.filter(|value| *value != Value::Text(String::new()));
    if condition.operator == Operator::IsEmpty {
        return value.is_none();
    }
    let Some(value) = value else { return false };
    if condition.operator == Operator::IsNotEmpty {
        return true;
    }
    match value {
        Value::Text(text) => text_holds(condition, &text),
        Value::Integer(number) => {
            ordered(condition, &number, |text| both(text.trim().parse().expect("a whole number")))
        }
        Value::Decimal(units) => ordered(condition, &units, |text| both(units_of(text))),
        Value::Boolean(truth) => truth == (condition.operator == Operator::IsTrue),
        Value::Date(day) => day_holds(condition, day, now),
        Value::Time(time) => match condition.operator {
            Operator::TimeAt => time_is_at(condition, time),
            _ => ordered(condition, &time, |text| both(text.parse().expect("a time"))),
        },
        Value::DateTime(instant) => instant_holds(condition, instant, now),
    }
}

fn both<T: Clone>(value: T) -> (T, T) {
    (value.clone(), value)
}

fn units_of(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<10}").parse().expect("a decimal")
}

fn text_holds(condition: &Condition, text: &str) -> bool {
    let fold = |text: &str| if condition.ignore_case { text.to_lowercase() } else { text.to_owned() };
    let text = fold(text);
    let mut operands = condition.values.iter().map(|operand| fold(operand));
    match condition.operator {
        Operator::Equals | Operator::IsIn => operands.any(|operand| operand == text),
        Operator::NotEquals | Operator::IsNotIn => operands.all(|operand| operand != text),
        Operator::Contains => operands.any(|operand| text.contains(&operand)),
        Operator::DoesNotContain => operands.all(|operand| !text.contains(&operand)),
        Operator::StartsWith => operands.any(|operand| text.starts_with(&operand)),
        Operator::DoesNotStartWith => operands.all(|operand| !text.starts_with(&operand)),
        Operator::EndsWith => operands.any(|operand| text.ends_with(&operand)),
        Operator::DoesNotEndWith => operands.all(|operand| !text.ends_with(&operand)),
        other => panic!("{other:?} is not for text"),
    }
}

/// Comparisons; `read` gives an operand as the first and the last value that it stands for.
fn ordered<T: PartialOrd>(condition: &Condition, value: &T, read: impl Fn(&str) -> (T, T)) -> bool {
    let operands: Vec<(T, T)> = condition.values.iter().map(|text| read(text)).collect();
    let is_in = |(first, last): &(T, T)| first <= value && value <= last;
    let (first, last) = (&operands[0], &operands[operands.len() - 1]);
    match condition.operator {
        Operator::Equals | Operator::IsIn => operands.iter().any(is_in),
        Operator::NotEquals | Operator::IsNotIn => !operands.iter().any(is_in),
        Operator::GreaterThan => *value > first.1,
        Operator::GreaterOrEqual => *value >= first.0,
        Operator::LessThan => *value < first.0,
        Operator::LessOrEqual => *value <= first.1,
        Operator::IsBetween => *value >= first.0 && *value <= last.1,
        Operator::IsNotBetween => *value < first.0 || *value > last.1,
        other => panic!("{other:?} is no comparison"),
    }
}

/// The moment that "within last" or "year to date" begins at.
fn begin(condition: &Condition, now: &Zoned) -> Option<Zoned> {
    match condition.operator {
        Operator::YearToDate => Some(now.first_of_year().expect("a year").start_of_day().expect("a day")),
        Operator::WithinLast => {
            let span =
                format!("{} {}", condition.values[0], condition.values[1]).parse::<jiff::Span>().expect("a span");
            Some(now.checked_sub(span).expect("an earlier moment"))
        }
        _ => None,
    }
}

fn part_is_in(condition: &Condition, moment: DateTime) -> Option<bool> {
    let part = match condition.operator {
        Operator::DayOf => i16::from(moment.day()),
        Operator::MonthOf => i16::from(moment.month()),
        Operator::YearOf => moment.year(),
        Operator::DayOfWeek => i16::from(moment.weekday().to_monday_one_offset()),
        _ => return None,
    };
    Some(condition.values.iter().any(|text| text.parse() == Ok(part)))
}

fn time_is_at(condition: &Condition, time: Time) -> bool {
    let bounds: Vec<Time> = condition.values.iter().map(|text| text.parse().expect("a time")).collect();
    let mut at = bounds[0];
    // Walk the clock from the first bound: the time is inside when it comes before the second.
    if at == bounds[1] {
        return false;
    }
    for _ in 0..24 * 60 {
        if at <= time && time < at.checked_add(jiff::SignedDuration::from_mins(1)).unwrap_or(Time::MAX) {
            return true;
        }
        at = at.wrapping_add(jiff::SignedDuration::from_mins(1));
        if at == bounds[1] {
            return false;
        }
    }
    panic!("the bounds are whole minutes");
}

fn day_holds(condition: &Condition, day: Date, now: &Zoned) -> bool {
    if let Some(begin) = begin(condition, now) {
        return begin.date() <= day && day <= now.date();
    }
    part_is_in(condition, day.at(0, 0, 0, 0))
        .unwrap_or_else(|| ordered(condition, &day, |text| both(text.parse().expect("a day"))))
}

fn instant_holds(condition: &Condition, instant: Timestamp, now: &Zoned) -> bool {
    if let Some(begin) = begin(condition, now) {
        return begin.timestamp() <= instant && instant <= now.timestamp();
    }
    let wall = instant.to_zoned(now.time_zone().clone());
    if condition.operator == Operator::TimeAt {
        return time_is_at(condition, wall.time());
    }
    part_is_in(condition, wall.datetime()).unwrap_or_else(|| {
        ordered(condition, &instant, |text| {
            if text.len() > "2026-11-22".len() {
                return both(text.parse::<Timestamp>().unwrap_or_else(|_| {
                    let wall: DateTime = text.parse().expect("a date and time");
                    wall.to_zoned(now.time_zone().clone()).expect("a moment").timestamp()
                }));
            }
            let day: Date = text.parse().expect("a day");
            let start = |day: Date| day.to_zoned(now.time_zone().clone()).expect("a day").timestamp();
            let step = jiff::SignedDuration::from_micros(1);
            (start(day), start(day.tomorrow().expect("a day")) - step)
        })
    })
}
