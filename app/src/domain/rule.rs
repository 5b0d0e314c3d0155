//! Rules: trees of AND/OR groups of conditions over attributes, and what each operator means.
//!
//! This module says what a rule is and whether it is valid for a set of attributes. The data engine compiles it; the
//! semantics written here bind it.
//!
//! **Nulls.** A condition on an empty value is false, whatever its operator and also when it is negated, except
//! [`Operator::IsEmpty`], which is true. For text, an empty string counts as empty.
//! **Case.** Text is compared exactly, or, with `ignore_case`, after Unicode lower-casing of both sides.
//! **Time zones.** An instant is turned into a calendar day, month, year or time of day in the rule's time zone.
//! "Within last" and "year to date" are taken from the instant at which the rule is evaluated, in that zone.
//! Months and years are taken back by the calendar, days and weeks to the same time on the wall, hours and minutes as
//! they pass; for an attribute that is a calendar day, the day on which that moment lies counts whole.
//! **Bare days.** A day that is compared with an instant stands for the whole day in the rule's zone: *on or before*
//! 22 November includes its evening, *equal to* 22 November is any moment of it, *after* begins on the 23rd. A local time
//! that the change of the clock skips or repeats is read as RFC 5545 says: the later in a gap, the first of two.

use serde::{Deserialize, Serialize};

use crate::attribute::{Attribute, AttributeType};

mod value;

pub use value::{is_decimal, is_value_of};

/// The largest depth of nested groups.
pub const MAX_DEPTH: usize = 8;
/// The largest number of conditions in a rule.
pub const MAX_CONDITIONS: usize = 200;
/// The largest number of values in one condition.
pub const MAX_VALUES: usize = 1_000;

/// A segment's rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The IANA time zone in which days and times of day are meant.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// The outermost group.
    #[serde(flatten)]
    pub root: Group,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// How the members of a group are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// All must hold (AND). An empty group holds for everyone.
    All,
    /// At least one must hold (OR). An empty group holds for nobody.
    Any,
}

/// A group of conditions and nested groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How the items are joined.
    pub join: Join,
    /// What is joined.
    pub items: Vec<Item>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Item {
    /// A nested group.
    Group(Group),
    /// A condition.
    Condition(Condition),
}

/// One test of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The attribute's name.
    pub attribute: String,
    /// What is tested.
    pub operator: Operator,
    /// The operands as text, in the form that [`Operator`] and the attribute's type ask for.
    #[serde(default)]
    pub values: Vec<String>,
    /// Compare text without regard to case.
    #[serde(default)]
    pub ignore_case: bool,
}

/// All operators. Operands are texts: numbers as decimal text with a point, days as `2026-11-22`, times as `09:30` or
/// `09:30:15`, instants as RFC 3339 (or without an offset, in the rule's zone; or
/// only a day, which then counts whole).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equal to the one operand.
    Equals,
    /// Not equal to the one operand (and not empty).
    NotEquals,
    /// Greater than, or after.
    GreaterThan,
    /// Greater than or equal to; on or after.
    GreaterOrEqual,
    /// Less than, or before.
    LessThan,
    /// Less than or equal to; on or before.
    LessOrEqual,
    /// Between two operands, both included.
    IsBetween,
    /// Not between two operands (and not empty).
    IsNotBetween,
    /// Equal to one of the operands.
    IsIn,
    /// Equal to none of the operands (and not empty).
    IsNotIn,
    /// Contains the operand.
    Contains,
    /// Does not contain the operand (and is not empty).
    DoesNotContain,
    /// Starts with the operand.
    StartsWith,
    /// Does not start with the operand (and is not empty).
    DoesNotStartWith,
    /// Ends with the operand.
    EndsWith,
    /// Does not end with the operand (and is not empty).
    DoesNotEndWith,
    /// Has no value.
    IsEmpty,
    /// Has a value.
    IsNotEmpty,
    /// True.
    IsTrue,
    /// False.
    IsFalse,
    /// Not longer ago than `[count, unit]` and not in the future; unit is one of minutes, hours, days, weeks, months, years.
    WithinLast,
    /// In the running calendar year up to now.
    YearToDate,
    /// The day of the month, 1 to 31, is one of the operands.
    DayOf,
    /// The month, 1 to 12, is one of the operands.
    MonthOf,
    /// The year is one of the operands.
    YearOf,
    /// The day of the week, 1 (Monday) to 7 (Sunday), is one of the operands.
    DayOfWeek,
    /// The time of day lies between two operands, the first included, the second not; it may span midnight. Between
    /// equal operands lies nothing.
    TimeAt,
}

/// How many operands an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// None.
    None,
    /// Exactly one.
    One,
    /// Exactly two.
    Two,
    /// One or more.
    Many,
}

impl Operator {
    /// All operators, in the order in which screens offer them.
    pub const ALL: [Self; 27] = [
        Self::Equals,
        Self::NotEquals,
        Self::Contains,
        Self::DoesNotContain,
        Self::StartsWith,
        Self::DoesNotStartWith,
        Self::EndsWith,
        Self::DoesNotEndWith,
        Self::GreaterThan,
        Self::GreaterOrEqual,
        Self::LessThan,
        Self::LessOrEqual,
        Self::IsBetween,
        Self::IsNotBetween,
        Self::IsIn,
        Self::IsNotIn,
        Self::WithinLast,
        Self::YearToDate,
        Self::DayOf,
        Self::MonthOf,
        Self::YearOf,
        Self::DayOfWeek,
        Self::TimeAt,
        Self::IsTrue,
        Self::IsFalse,
        Self::IsEmpty,
        Self::IsNotEmpty,
    ];

    /// How many operands it takes.
    pub fn arity(self) -> Arity {
        match self {
            Self::IsEmpty | Self::IsNotEmpty | Self::IsTrue | Self::IsFalse | Self::YearToDate => Arity::None,
            Self::IsBetween | Self::IsNotBetween | Self::WithinLast | Self::TimeAt => Arity::Two,
            Self::IsIn | Self::IsNotIn | Self::DayOf | Self::MonthOf | Self::YearOf | Self::DayOfWeek => Arity::Many,
            Self::Equals
            | Self::NotEquals
            | Self::GreaterThan
            | Self::GreaterOrEqual
            | Self::LessThan
            | Self::LessOrEqual
            | Self::Contains
            | Self::DoesNotContain
            | Self::StartsWith
            | Self::DoesNotStartWith
            | Self::EndsWith
            | Self::DoesNotEndWith => Arity::One,
        }
    }

    /// May it be used on an attribute of this type?
    pub fn fits(self, kind: AttributeType) -> bool {
        use AttributeType as T;
        match self {
            Self::IsEmpty | Self::IsNotEmpty => true,
            Self::IsTrue | Self::IsFalse => kind == T::Boolean,
            Self::Equals | Self::NotEquals | Self::IsIn | Self::IsNotIn => kind != T::Boolean,
            Self::Contains
            | Self::DoesNotContain
            | Self::StartsWith
            | Self::DoesNotStartWith
            | Self::EndsWith
            | Self::DoesNotEndWith => kind == T::Text,
            Self::GreaterThan
            | Self::GreaterOrEqual
            | Self::LessThan
            | Self::LessOrEqual
            | Self::IsBetween
            | Self::IsNotBetween => {
                matches!(kind, T::Integer | T::Decimal | T::Date | T::Time | T::DateTime)
            }
            Self::WithinLast | Self::YearToDate | Self::DayOf | Self::MonthOf | Self::YearOf | Self::DayOfWeek => {
                matches!(kind, T::Date | T::DateTime)
            }
            Self::TimeAt => matches!(kind, T::Time | T::DateTime),
        }
    }
}

/// The operators that fit a type, in the order in which screens offer them.
pub fn operators_for(kind: AttributeType) -> impl Iterator<Item = Operator> {
    Operator::ALL.into_iter().filter(move |operator| operator.fits(kind))
}

/// What is wrong with a rule, and where. `path` names the item: `0.2` is the third item of the first group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{fault} at {path:?}")]
pub struct RuleFault {
    /// The place in the tree.
    pub path: String,
    /// What is wrong.
    pub fault: RuleFaultKind,
}

/// The kinds of fault; screens translate them by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RuleFaultKind {
    /// No profile has this attribute.
    #[error("unknown attribute")]
    UnknownAttribute,
    /// The operator is not for this attribute's type.
    #[error("operator does not fit the attribute")]
    OperatorDoesNotFit,
    /// Too few or too many operands.
    #[error("wrong number of values")]
    WrongNumberOfValues,
    /// An operand cannot be read as the attribute's type.
    #[error("value cannot be read")]
    UnreadableValue,
    /// Groups are nested deeper than [`MAX_DEPTH`].
    #[error("groups are nested too deeply")]
    TooDeep,
    /// More conditions than [`MAX_CONDITIONS`] or values than [`MAX_VALUES`].
    #[error("too many conditions or values")]
    TooMany,
    /// The time zone is not known.
    #[error("unknown time zone")]
    UnknownTimeZone,
}

/// All faults of a rule over these attributes; empty means valid.
pub fn faults(rule: &Rule, attributes: &[Attribute]) -> Vec<RuleFault> {
    let mut found = Vec::new();
    if jiff::tz::TimeZone::get(&rule.time_zone).is_err() {
        found.push(RuleFault { path: String::new(), fault: RuleFaultKind::UnknownTimeZone });
    }
    let mut conditions = 0;
    walk(&rule.root, attributes, &mut Vec::new(), &mut conditions, &mut found);
    if conditions > MAX_CONDITIONS {
        found.push(RuleFault { path: String::new(), fault: RuleFaultKind::TooMany });
    }
    found
}

fn walk(
    group: &Group,
    attributes: &[Attribute],
    path: &mut Vec<usize>,
    conditions: &mut usize,
    found: &mut Vec<RuleFault>,
) {
    if path.len() > MAX_DEPTH {
        found.push(RuleFault { path: text_of(path), fault: RuleFaultKind::TooDeep });
        return;
    }
    for (index, item) in group.items.iter().enumerate() {
        path.push(index);
        match item {
            Item::Group(inner) => walk(inner, attributes, path, conditions, found),
            Item::Condition(condition) => {
                *conditions += 1;
                if let Err(fault) = check(condition, attributes) {
                    found.push(RuleFault { path: text_of(path), fault });
                }
            }
        }
        path.pop();
    }
}

fn text_of(path: &[usize]) -> String {
    path.iter().map(usize::to_string).collect::<Vec<_>>().join(".")
}

fn check(condition: &Condition, attributes: &[Attribute]) -> Result<(), RuleFaultKind> {
    let attribute = attributes.iter().find(|a| a.name == condition.attribute).ok_or(RuleFaultKind::UnknownAttribute)?;
    let operator = condition.operator;
    if !operator.fits(attribute.kind) {
        return Err(RuleFaultKind::OperatorDoesNotFit);
    }
    let count = condition.values.len();
    let right = match operator.arity() {
        Arity::None => count == 0,
        Arity::One => count == 1,
        Arity::Two => count == 2,
        Arity::Many => (1..=MAX_VALUES).contains(&count),
    };
    if !right {
        return Err(RuleFaultKind::WrongNumberOfValues);
    }
    let readable = match operator {
        Operator::WithinLast => is_span(&condition.values),
        Operator::DayOf => all_between(&condition.values, 1, 31),
        Operator::MonthOf => all_between(&condition.values, 1, 12),
        Operator::DayOfWeek => all_between(&condition.values, 1, 7),
        Operator::YearOf => all_between(&condition.values, 1, 9999),
        Operator::TimeAt => condition.values.iter().all(|v| is_value_of(v, AttributeType::Time)),
        _ => condition.values.iter().all(|v| is_value_of(v, attribute.kind)),
    };
    if readable { Ok(()) } else { Err(RuleFaultKind::UnreadableValue) }
}

/// The units of [`Operator::WithinLast`].
pub const SPAN_UNITS: [&str; 6] = ["minutes", "hours", "days", "weeks", "months", "years"];

fn is_span(values: &[String]) -> bool {
    matches!(values, [count, unit]
        if count.trim().parse::<u32>().is_ok_and(|n| (1..=100_000).contains(&n)) && SPAN_UNITS.contains(&unit.as_str()))
}

fn all_between(values: &[String], low: i16, high: i16) -> bool {
    values.iter().all(|v| v.trim().parse::<i16>().is_ok_and(|n| (low..=high).contains(&n)))
}

#[cfg(test)]
mod tests;
