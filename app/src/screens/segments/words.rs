//! Operators, units, months and days in the person's language.

use domain::attribute::AttributeType;
use domain::rule::{Condition, Group, Item, Join, Operator};

use crate::texts::{Locale, td_string};

/// An operator, as it reads for attributes of this type.
pub fn operator(language: Locale, operator: Operator, kind: AttributeType) -> &'static str {
    let is_time = matches!(kind, AttributeType::Date | AttributeType::DateTime | AttributeType::Time);
    match operator {
        Operator::Equals => td_string!(language, segments.op_equals),
        Operator::NotEquals => td_string!(language, segments.op_not_equals),
        Operator::GreaterThan if is_time => td_string!(language, segments.op_after),
        Operator::GreaterThan => td_string!(language, segments.op_greater),
        Operator::GreaterOrEqual if is_time => td_string!(language, segments.op_on_or_after),
        Operator::GreaterOrEqual => td_string!(language, segments.op_greater_or_equal),
        Operator::LessThan if is_time => td_string!(language, segments.op_before),
        Operator::LessThan => td_string!(language, segments.op_less),
        Operator::LessOrEqual if is_time => td_string!(language, segments.op_on_or_before),
        Operator::LessOrEqual => td_string!(language, segments.op_less_or_equal),
        Operator::IsBetween => td_string!(language, segments.op_between),
        Operator::IsNotBetween => td_string!(language, segments.op_not_between),
        Operator::IsIn => td_string!(language, segments.op_in),
        Operator::IsNotIn => td_string!(language, segments.op_not_in),
        Operator::Contains => td_string!(language, segments.op_contains),
        Operator::DoesNotContain => td_string!(language, segments.op_not_contains),
        Operator::StartsWith => td_string!(language, segments.op_starts),
        Operator::DoesNotStartWith => td_string!(language, segments.op_not_starts),
        Operator::EndsWith => td_string!(language, segments.op_ends),
        Operator::DoesNotEndWith => td_string!(language, segments.op_not_ends),
        Operator::IsEmpty => td_string!(language, segments.op_empty),
        Operator::IsNotEmpty => td_string!(language, segments.op_not_empty),
        Operator::IsTrue => td_string!(language, segments.op_true),
        Operator::IsFalse => td_string!(language, segments.op_false),
        Operator::WithinLast => td_string!(language, segments.op_within_last),
        Operator::YearToDate => td_string!(language, segments.op_year_to_date),
        Operator::DayOf => td_string!(language, segments.op_day_of),
        Operator::MonthOf => td_string!(language, segments.op_month_of),
        Operator::YearOf => td_string!(language, segments.op_year_of),
        Operator::DayOfWeek => td_string!(language, segments.op_day_of_week),
        Operator::TimeAt => td_string!(language, segments.op_time_at),
    }
}

/// A unit of *within the last*.
pub fn unit(language: Locale, name: &str) -> &'static str {
    match name {
        "minutes" => td_string!(language, segments.minutes),
        "hours" => td_string!(language, segments.hours),
        "weeks" => td_string!(language, segments.weeks),
        "months" => td_string!(language, segments.months),
        "years" => td_string!(language, segments.years),
        _ => td_string!(language, segments.days),
    }
}

/// The months or the days of the week, in order, numbered from 1.
pub fn ticks(language: Locale, operator: Operator) -> impl Iterator<Item = (String, &'static str)> {
    let names = match operator {
        Operator::MonthOf => td_string!(language, common.months),
        _ => td_string!(language, segments.weekdays),
    };
    names.split('|').enumerate().map(|(index, name)| ((index + 1).to_string(), name))
}

/// A rule as indented lines, for rules that the editor cannot show.
pub fn outline(language: Locale, group: &Group, depth: usize, lines: &mut Vec<(usize, String)>) {
    let head = match group.join {
        Join::All => td_string!(language, segments.all_of),
        Join::Any => td_string!(language, segments.any_of),
    };
    lines.push((depth, head.to_owned()));
    for item in &group.items {
        match item {
            Item::Group(inner) => outline(language, inner, depth + 1, lines),
            Item::Condition(one) => lines.push((depth + 1, sentence(language, one))),
        }
    }
}

fn sentence(language: Locale, condition: &Condition) -> String {
    // The wording for numbers serves here, where the attribute's type is not at hand.
    let verb = operator(language, condition.operator, AttributeType::Text);
    format!("{} {verb} {}", condition.attribute, condition.values.join(", ")).trim_end().to_owned()
}
