//! Rule → DataFusion expression. It follows the semantics that `domain::rule` writes down, never makes SQL text, and
//! never runs anything.
//!
//! An empty value makes every comparison null, which a filter takes as false; rules have no negated groups, so a null
//! inside a group is as good as false everywhere. Two tests need a guard: those of text, because its empty string is a
//! value to Arrow, and "none of these", because DataFusion 55 takes `a NOT IN (1) OR a NOT IN (2)` for true, whatever `a`
//! is (apache/datafusion#24258).

use datafusion::common::{Column, ScalarValue};
use datafusion::functions::expr_fn::{contains, ends_with, lower, starts_with};
use datafusion::logical_expr::{Expr, lit};
use domain::attribute::{Attribute, AttributeType};
use domain::rule::{Condition, Group, Item, Join, Operator, Rule, RuleFault, RuleFaultKind, faults};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::local::{Part, part_of};
use super::operand::{self, Stretch};
use crate::error::{DataError, Result};

/// The expression that is true for the members of a rule. `now` is what "within last" and "year to date" start from.
///
/// A rule that does not fit the attributes is [`DataError::Rule`].
pub(crate) fn predicate(rule: &Rule, attributes: &[Attribute], now: Timestamp) -> Result<Expr> {
    let found = faults(rule, attributes);
    if !found.is_empty() {
        return Err(DataError::Rule(found));
    }
    let fault = |kind| DataError::Rule(vec![RuleFault { path: String::new(), fault: kind }]);
    let zone = TimeZone::get(&rule.time_zone).map_err(|_| fault(RuleFaultKind::UnknownTimeZone))?;
    let place = Place { attributes, zone_name: &rule.time_zone, now: now.to_zoned(zone.clone()), zone };
    place.group(&rule.root).ok_or_else(|| fault(RuleFaultKind::UnreadableValue))
}

/// A column by its exact name: DataFusion's `col` would read dots and capitals as something else.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// What the conditions of one rule share.
struct Place<'a> {
    attributes: &'a [Attribute],
    zone_name: &'a str,
    zone: TimeZone,
    now: Zoned,
}

impl Place<'_> {
    fn group(&self, group: &Group) -> Option<Expr> {
        // The engine stops at the first test that decides, and skips rows that a test of few has ruled out: cheap tests
        // go first. What a group means does not depend on their order.
        let mut items: Vec<&Item> = group.items.iter().collect();
        items.sort_by_key(|item| self.cost(item));
        let items = items.into_iter().map(|item| match item {
            Item::Group(inner) => self.group(inner),
            Item::Condition(condition) => self.condition(condition),
        });
        let items = items.collect::<Option<Vec<_>>>()?;
        Some(match group.join {
            Join::All => items.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(true)),
            Join::Any => items.into_iter().reduce(Expr::or).unwrap_or_else(|| lit(false)),
        })
    }

    /// How much work a test is for each row, roughly: comparing numbers, looking at a calendar or comparing text,
    /// searching in text, changing its case, and whole groups.
    fn cost(&self, item: &Item) -> u8 {
        let Item::Condition(condition) = item else { return 4 };
        let kind = self.attributes.iter().find(|a| a.name == condition.attribute).map(|a| a.kind);
        match condition.operator {
            Operator::IsEmpty | Operator::IsNotEmpty => 0,
            _ if kind == Some(AttributeType::Text) && condition.ignore_case => 3,
            Operator::Contains
            | Operator::DoesNotContain
            | Operator::StartsWith
            | Operator::DoesNotStartWith
            | Operator::EndsWith
            | Operator::DoesNotEndWith => 2,
            Operator::DayOf | Operator::MonthOf | Operator::YearOf | Operator::DayOfWeek | Operator::TimeAt => 1,
            _ => u8::from(kind == Some(AttributeType::Text)),
        }
    }

    fn condition(&self, condition: &Condition) -> Option<Expr> {
        let kind = self.attributes.iter().find(|a| a.name == condition.attribute)?.kind;
        let value = column(&condition.attribute);
        match condition.operator {
            Operator::IsEmpty if kind == AttributeType::Text => Some(value.clone().is_null().or(value.eq(lit("")))),
            Operator::IsNotEmpty if kind == AttributeType::Text => Some(value.not_eq(lit(""))),
            Operator::IsEmpty => Some(value.is_null()),
            Operator::IsNotEmpty => Some(value.is_not_null()),
            Operator::IsTrue => Some(value.is_true()),
            Operator::IsFalse => Some(value.is_false()),
            Operator::WithinLast | Operator::YearToDate => self.lately(condition, kind, value),
            Operator::DayOf => self.part_in(condition, kind, Part::Day, value),
            Operator::MonthOf => self.part_in(condition, kind, Part::Month, value),
            Operator::YearOf => self.part_in(condition, kind, Part::Year, value),
            Operator::DayOfWeek => self.part_in(condition, kind, Part::Weekday, value),
            Operator::TimeAt => self.time_at(condition, kind, value),
            _ if kind == AttributeType::Text => text(condition, value),
            _ => self.compare(condition, kind, &value),
        }
    }

    /// The comparisons of numbers, days, times and instants.
    fn compare(&self, condition: &Condition, kind: AttributeType, value: &Expr) -> Option<Expr> {
        let operands = condition.values.iter().map(|text| operand::read(text, kind, &self.zone));
        let operands = operands.collect::<Option<Vec<Stretch>>>()?;
        let at_least = |bound: &ScalarValue| value.clone().gt_eq(constant(bound));
        let at_most = |bound: &ScalarValue| value.clone().lt_eq(constant(bound));
        let below = |bound: &ScalarValue| value.clone().lt(constant(bound));
        let above = |bound: &ScalarValue| value.clone().gt(constant(bound));
        Some(match (condition.operator, operands.as_slice()) {
            (Operator::Equals | Operator::IsIn, several) => one_of(value, several, false),
            (Operator::NotEquals | Operator::IsNotIn, several) => one_of(value, several, true),
            (Operator::GreaterThan, [one]) => above(&one.last),
            (Operator::GreaterOrEqual, [one]) => at_least(&one.first),
            (Operator::LessThan, [one]) => below(&one.first),
            (Operator::LessOrEqual, [one]) => at_most(&one.last),
            (Operator::IsBetween, [low, high]) => at_least(&low.first).and(at_most(&high.last)),
            (Operator::IsNotBetween, [low, high]) => below(&low.first).or(above(&high.last)),
            _ => return None,
        })
    }

    /// "Within last" and "year to date": from a moment up to now, both included.
    fn lately(&self, condition: &Condition, kind: AttributeType, value: Expr) -> Option<Expr> {
        let from = match condition.operator {
            Operator::YearToDate => operand::start_of_year(&self.now).to_zoned(self.zone.clone()),
            _ => match condition.values.as_slice() {
                [count, unit] => operand::before(&self.now, count, unit)?,
                _ => return None,
            },
        };
        let (from, now) = if kind == AttributeType::Date {
            (operand::day(from.date()), operand::day(self.now.date()))
        } else {
            let at = |moment: &Zoned| operand::instant(operand::micros_at(moment.timestamp()));
            (at(&from), at(&self.now))
        };
        Some(value.clone().gt_eq(constant(&from)).and(value.lt_eq(constant(&now))))
    }

    fn part_in(&self, condition: &Condition, kind: AttributeType, part: Part, value: Expr) -> Option<Expr> {
        let parts = condition.values.iter().map(|text| text.trim().parse::<i64>().ok().map(lit));
        let parts = parts.collect::<Option<Vec<_>>>()?;
        Some(self.part(part, kind, value).in_list(parts, false))
    }

    fn time_at(&self, condition: &Condition, kind: AttributeType, value: Expr) -> Option<Expr> {
        let [from, until] = condition.values.as_slice() else { return None };
        let (from, until) = (operand::time_of_day(from)?, operand::time_of_day(until)?);
        let (time, bound): (Expr, fn(i64) -> Expr) = if kind == AttributeType::Time {
            (value, |micros| constant(&ScalarValue::Time64Microsecond(Some(micros))))
        } else {
            (self.part(Part::TimeOfDay, kind, value), lit)
        };
        let (after, before) = (time.clone().gt_eq(bound(from)), time.lt(bound(until)));
        Some(if from <= until { after.and(before) } else { after.or(before) })
    }

    fn part(&self, part: Part, kind: AttributeType, value: Expr) -> Expr {
        match kind {
            // A day is the same day everywhere.
            AttributeType::Date => part_of(part, value, &TimeZone::UTC, "UTC"),
            _ => part_of(part, value, &self.zone, self.zone_name),
        }
    }
}

/// The operators of text.
fn text(condition: &Condition, value: Expr) -> Option<Expr> {
    let fold = condition.ignore_case;
    let operand = |text: &String| lit(if fold { text.to_lowercase() } else { text.clone() });
    let folded = if fold { lower(value.clone()) } else { value.clone() };
    let first = || condition.values.first().map(operand);
    let (test, negated) = match condition.operator {
        Operator::Equals => (folded.eq(first()?), false),
        Operator::NotEquals => (folded.not_eq(first()?), true),
        Operator::IsIn => (folded.in_list(condition.values.iter().map(operand).collect(), false), false),
        Operator::IsNotIn => (folded.in_list(condition.values.iter().map(operand).collect(), true), true),
        Operator::Contains => (contains(folded, first()?), false),
        Operator::DoesNotContain => (!contains(folded, first()?), true),
        Operator::StartsWith => (starts_with(folded, first()?), false),
        Operator::DoesNotStartWith => (!starts_with(folded, first()?), true),
        Operator::EndsWith => (ends_with(folded, first()?), false),
        Operator::DoesNotEndWith => (!ends_with(folded, first()?), true),
        _ => return None,
    };
    // Only these could hold for an empty string.
    let guarded = negated || condition.values.iter().any(String::is_empty);
    Some(if guarded { value.not_eq(lit("")).and(test) } else { test })
}

/// Equal to one of the operands, or (`negated`) to none of them.
fn one_of(value: &Expr, operands: &[Stretch], negated: bool) -> Expr {
    let (single, long): (Vec<&Stretch>, Vec<&Stretch>) = operands.iter().partition(|o| o.first == o.last);
    let mut tests = Vec::new();
    if !single.is_empty() {
        tests.push(value.clone().in_list(single.iter().map(|o| constant(&o.first)).collect(), negated));
    }
    for stretch in long {
        let (first, last) = (constant(&stretch.first), constant(&stretch.last));
        tests.push(if negated {
            value.clone().lt(first).or(value.clone().gt(last))
        } else {
            value.clone().gt_eq(first).and(value.clone().lt_eq(last))
        });
    }
    let join = if negated { Expr::and } else { Expr::or };
    let test = tests.into_iter().reduce(join).unwrap_or_else(|| lit(negated));
    if negated { value.clone().is_not_null().and(test) } else { test }
}

fn constant(value: &ScalarValue) -> Expr {
    Expr::Literal(value.clone(), None)
}
