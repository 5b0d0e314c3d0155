//! Operators, units, months and days in the person's language.

use domain::attribute::{Attribute, AttributeType};
use domain::rule::{Condition, Group, Item, Join, Operator};

use crate::texts::{Locale, td_string, text};

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

/// A rule as lines with their depth, for rules that the editor cannot show.
pub fn outline(language: Locale, group: &Group, attributes: &[Attribute]) -> Vec<(usize, String)> {
    let head = match group.join {
        Join::All => td_string!(language, segments.all_of),
        Join::Any => td_string!(language, segments.any_of),
    };
    let mut lines = vec![(0, head.to_owned())];
    for item in &group.items {
        match item {
            Item::Group(inner) => {
                let inner = outline(language, inner, attributes);
                lines.extend(inner.into_iter().map(|(depth, line)| (depth + 1, line)));
            }
            Item::Condition(one) => lines.push((1, sentence(language, one, attributes))),
        }
    }
    lines
}

fn sentence(language: Locale, condition: &Condition, attributes: &[Attribute]) -> String {
    let name = &condition.attribute;
    let kind = attributes.iter().find(|one| one.name == *name).map_or(AttributeType::Text, |one| one.kind);
    let verb = operator(language, condition.operator, kind);
    match (condition.operator, condition.values.as_slice()) {
        (Operator::WithinLast, [count, unit]) => match count.trim().parse() {
            Ok(count) => format!("{name} {}", within_last(language, count, unit)),
            Err(_) => format!("{name} {verb} {count} {}", self::unit(language, unit)),
        },
        (Operator::IsBetween | Operator::IsNotBetween, [from, to]) => {
            let both = text!(language, segments.from_and_to, from = from.clone(), to = to.clone());
            format!("{name} {verb} {both}")
        }
        (Operator::TimeAt, [from, to]) => format!("{name} {verb} {from}–{to}"),
        (Operator::MonthOf | Operator::DayOfWeek, values) => {
            let named = |value: &String| {
                let mut names = ticks(language, condition.operator);
                names.find(|(number, _)| number == value.trim()).map_or(value.clone(), |(_, name)| name.to_owned())
            };
            format!("{name} {verb} {}", values.iter().map(named).collect::<Vec<_>>().join(", "))
        }
        (_, values) => format!("{name} {verb} {}", values.join(", ")).trim_end().to_owned(),
    }
}

/// *Within the last* with its number, whose form and the words around it follow the unit.
fn within_last(language: Locale, count: u64, unit: &str) -> String {
    let count = move || count;
    match unit {
        "minutes" => text!(language, segments.last_minutes, count),
        "hours" => text!(language, segments.last_hours, count),
        "weeks" => text!(language, segments.last_weeks, count),
        "months" => text!(language, segments.last_months, count),
        "years" => text!(language, segments.last_years, count),
        _ => text!(language, segments.last_days, count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(language: Locale, operator: Operator, values: &[&str]) -> String {
        let attributes = [Attribute { name: "joined".to_owned(), kind: AttributeType::Date }];
        let condition = Condition {
            attribute: "joined".to_owned(),
            operator,
            values: values.iter().map(|one| (*one).to_owned()).collect(),
            ignore_case: false,
        };
        sentence(language, &condition, &attributes)
    }

    #[test]
    fn a_condition_reads_as_a_sentence() {
        for (operator, values, expected) in [
            (Operator::WithinLast, &["30", "days"][..], "joined is within the last 30 days"),
            (Operator::WithinLast, &["1", "years"], "joined is within the last year"),
            (Operator::MonthOf, &["1", "12"], "joined is in the month of Jan, Dec"),
            (Operator::DayOfWeek, &["7"], "joined is on a Sun"),
            (Operator::GreaterOrEqual, &["2020-01-01"], "joined is on or after 2020-01-01"),
            (Operator::IsBetween, &["2020-01-01", "2020-12-31"], "joined is between 2020-01-01 and 2020-12-31"),
            (Operator::IsEmpty, &[], "joined is empty"),
        ] {
            assert_eq!(told(Locale::en, operator, values), expected);
        }
    }

    #[test]
    fn the_words_around_a_number_follow_the_language() {
        let last = |language, count, unit| told(language, Operator::WithinLast, &[count, unit]);
        assert_eq!(last(Locale::ro, "30", "days"), "joined este în ultimele 30 de zile");
        assert_eq!(last(Locale::ro, "3", "years"), "joined este în ultimii 3 ani");
        assert_eq!(last(Locale::ca, "2", "weeks"), "joined és dins les darreres 2 setmanes");
        assert_eq!(last(Locale::es, "6", "months"), "joined está en los últimos 6 meses");
        assert_eq!(last(Locale::sv, "24", "hours"), "joined är inom de senaste 24 timmarna");
        assert_eq!(last(Locale::pt, "1", "weeks"), "joined está na última semana");
    }
}
