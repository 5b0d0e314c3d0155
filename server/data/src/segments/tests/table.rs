//! What each operator means, value by value. A line is: the value, the operator, the operands, and whether it holds.

use domain::attribute::AttributeType;
use domain::rule::{Item, Join, Operator};

use super::{Value, attribute, condition, engine, rule_of, write_snapshot};
use crate::segments::MembersOf;

/// "Now" of the table: a Sunday, 12:30 in Madrid, 13:30 in Bucharest.
const NOW: &str = "2026-11-22T11:30:00Z";
const MADRID: &str = "Europe/Madrid";

struct Line {
    kind: AttributeType,
    /// Text as it stands; other types as their operands are written. None is no value.
    value: Option<&'static str>,
    operator: Operator,
    operands: &'static [&'static str],
    holds: bool,
    ignore_case: bool,
}

fn read(kind: AttributeType, text: &str) -> Value {
    match kind {
        AttributeType::Text => Value::Text(text.to_owned()),
        AttributeType::Integer => Value::Integer(text.parse().expect("a whole number")),
        AttributeType::Decimal => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            Value::Decimal(format!("{whole}{fraction:0<10}").parse().expect("a decimal"))
        }
        AttributeType::Boolean => Value::Boolean(text == "true"),
        AttributeType::Date => Value::Date(text.parse().expect("a day")),
        AttributeType::Time => Value::Time(text.parse().expect("a time")),
        AttributeType::DateTime => Value::DateTime(text.parse().expect("an instant")),
    }
}

/// Checks all lines, each on a column of its own, with the zone of Madrid.
async fn check(lines: Vec<Line>) {
    let (_root, engine) = engine();
    let name = |place: usize| format!("Column {place}.x");
    let attributes: Vec<_> = lines.iter().enumerate().map(|(place, line)| attribute(&name(place), line.kind)).collect();
    let row = lines.iter().map(|line| line.value.map(|text| read(line.kind, text))).collect();
    write_snapshot(&engine, 1, &attributes, &[row]);
    let now = NOW.parse().expect("an instant");
    for (place, line) in lines.iter().enumerate() {
        let mut condition = condition(&name(place), line.operator, line.operands);
        condition.ignore_case = line.ignore_case;
        let rule = rule_of(MADRID, Join::All, vec![Item::Condition(condition)]);
        let count = engine.count_members(1, MembersOf::Rule { rule: &rule, now }).await.expect("a count");
        let (value, operator, operands) = (line.value, line.operator, line.operands);
        assert_eq!(count == 1, line.holds, "{:?} {value:?} {operator:?} {operands:?} {}", line.kind, line.ignore_case);
    }
}

type Short = (Option<&'static str>, Operator, &'static [&'static str], bool);

fn lines(kind: AttributeType, ignore_case: bool, short: &[Short]) -> Vec<Line> {
    let line = |(value, operator, operands, holds): &Short| Line {
        kind,
        value: *value,
        operator: *operator,
        operands,
        holds: *holds,
        ignore_case,
    };
    short.iter().map(line).collect()
}

use Operator::{
    Contains, DayOf, DayOfWeek, DoesNotContain, DoesNotEndWith, DoesNotStartWith, EndsWith, Equals, GreaterOrEqual,
    GreaterThan, IsBetween, IsEmpty, IsFalse, IsIn, IsNotBetween, IsNotEmpty, IsNotIn, IsTrue, LessOrEqual, LessThan,
    MonthOf, NotEquals, StartsWith, TimeAt, WithinLast, YearOf, YearToDate,
};

const TEXT: &[Short] = &[
    (Some("Barcelona"), Equals, &["Barcelona"], true),
    (Some("Barcelona"), Equals, &["barcelona"], false),
    (Some("Barcelona"), Equals, &["Barcelona "], false),
    (Some(""), Equals, &[""], false),
    (None, Equals, &[""], false),
    (Some("Barcelona"), NotEquals, &["Girona"], true),
    (Some("Barcelona"), NotEquals, &["Barcelona"], false),
    (Some("Barcelona"), NotEquals, &[""], true),
    (Some(""), NotEquals, &["Girona"], false),
    (None, NotEquals, &["Girona"], false),
    (Some("a"), IsIn, &["b", "a"], true),
    (Some("a"), IsIn, &["b", "A"], false),
    (Some(""), IsIn, &["b", ""], false),
    (None, IsIn, &["b", ""], false),
    (Some("a"), IsNotIn, &["b", "c"], true),
    (Some("a"), IsNotIn, &["b", "a"], false),
    (Some(""), IsNotIn, &["b"], false),
    (None, IsNotIn, &["b"], false),
    (Some("100% wool"), Contains, &["% w"], true),
    (Some("100 wool"), Contains, &["%"], false),
    (Some("a_b"), Contains, &["_"], true),
    (Some("ab"), Contains, &["_"], false),
    (Some("a\\b"), Contains, &["\\"], true),
    (Some("a'b"), Contains, &["'b"], true),
    (Some("ab"), Contains, &[""], true),
    (Some(""), Contains, &[""], false),
    (None, Contains, &["a"], false),
    (Some("ab"), DoesNotContain, &["c"], true),
    (Some("ab"), DoesNotContain, &["b"], false),
    (Some("ab"), DoesNotContain, &["B"], true),
    (Some(""), DoesNotContain, &["b"], false),
    (None, DoesNotContain, &["b"], false),
    (Some("Östersund"), StartsWith, &["Ö"], true),
    (Some("Östersund"), StartsWith, &["O"], false),
    (Some("%off"), StartsWith, &["%"], true),
    (Some("off"), StartsWith, &["_"], false),
    (Some(""), StartsWith, &[""], false),
    (None, StartsWith, &["a"], false),
    (Some("ab"), DoesNotStartWith, &["b"], true),
    (Some("ab"), DoesNotStartWith, &["a"], false),
    (Some(""), DoesNotStartWith, &["a"], false),
    (None, DoesNotStartWith, &["a"], false),
    (Some("ab"), EndsWith, &["b"], true),
    (Some("ab"), EndsWith, &["B"], false),
    (Some("50%"), EndsWith, &["%"], true),
    (Some(""), EndsWith, &[""], false),
    (None, EndsWith, &["b"], false),
    (Some("ab"), DoesNotEndWith, &["a"], true),
    (Some("ab"), DoesNotEndWith, &["b"], false),
    (Some(""), DoesNotEndWith, &["b"], false),
    (None, DoesNotEndWith, &["b"], false),
    (None, IsEmpty, &[], true),
    (Some(""), IsEmpty, &[], true),
    (Some(" "), IsEmpty, &[], false),
    (Some("a"), IsEmpty, &[], false),
    (None, IsNotEmpty, &[], false),
    (Some(""), IsNotEmpty, &[], false),
    (Some("a"), IsNotEmpty, &[], true),
    (Some("01001"), Equals, &["1001"], false),
    (Some("01001"), Equals, &["01001"], true),
];

const TEXT_WITHOUT_CASE: &[Short] = &[
    (Some("ÅSA"), Equals, &["åsa"], true),
    (Some("åsa"), Equals, &["ÅSA"], true),
    (Some("Åsa"), Equals, &["asa"], false),
    (Some("ȘTEFAN"), NotEquals, &["ștefan"], false),
    (Some(""), NotEquals, &["ștefan"], false),
    (Some("NÚRIA"), IsIn, &["joão", "núria"], true),
    (Some("NÚRIA"), IsNotIn, &["joão", "núria"], false),
    (None, IsNotIn, &["joão"], false),
    (Some("Gran Via"), Contains, &["AN V"], true),
    (Some("Gran Via"), DoesNotContain, &["AN V"], false),
    (Some("Gran Via"), DoesNotContain, &["rambla"], true),
    (Some("ÖREBRO"), StartsWith, &["ör"], true),
    (Some("ÖREBRO"), DoesNotStartWith, &["ör"], false),
    (Some("LISBOA"), EndsWith, &["boa"], true),
    (Some("LISBOA"), DoesNotEndWith, &["boa"], false),
    (Some("ΟΔΟΣ"), Equals, &["οδος"], true),
    (Some("straße"), Equals, &["STRASSE"], false),
];

const INTEGER: &[Short] = &[
    (Some("5"), Equals, &["5"], true),
    (Some("5"), Equals, &[" 5 "], true),
    (Some("5"), Equals, &["6"], false),
    (None, Equals, &["0"], false),
    (Some("5"), NotEquals, &["6"], true),
    (None, NotEquals, &["6"], false),
    (Some("5"), GreaterThan, &["5"], false),
    (Some("6"), GreaterThan, &["5"], true),
    (Some("5"), GreaterOrEqual, &["5"], true),
    (Some("-5"), LessThan, &["-4"], true),
    (Some("-4"), LessThan, &["-4"], false),
    (Some("-4"), LessOrEqual, &["-4"], true),
    (None, LessOrEqual, &["9"], false),
    (Some("5"), IsBetween, &["5", "7"], true),
    (Some("7"), IsBetween, &["5", "7"], true),
    (Some("8"), IsBetween, &["5", "7"], false),
    (Some("6"), IsBetween, &["7", "5"], false),
    (Some("8"), IsNotBetween, &["5", "7"], true),
    (Some("7"), IsNotBetween, &["5", "7"], false),
    (None, IsNotBetween, &["5", "7"], false),
    (Some("3"), IsIn, &["1", "3"], true),
    (Some("3"), IsNotIn, &["1", "3"], false),
    (None, IsNotIn, &["1"], false),
    (Some("9223372036854775807"), GreaterThan, &["9223372036854775806"], true),
    (None, IsEmpty, &[], true),
    (Some("0"), IsEmpty, &[], false),
    (Some("0"), IsNotEmpty, &[], true),
];

const DECIMAL: &[Short] = &[
    (Some("0.3"), Equals, &["0.30"], true),
    (Some("0.3"), Equals, &["0.3000000001"], false),
    (Some("0.1"), NotEquals, &["0.1"], false),
    (Some("-0.5"), LessThan, &["0"], true),
    (Some("-0.5"), GreaterThan, &["-.6"], true),
    (Some("19.99"), IsBetween, &["10", "19.99"], true),
    (Some("20"), IsNotBetween, &["10", "19.99"], true),
    (Some("9999999999999999999999999999"), GreaterOrEqual, &["9999999999999999999999999999"], true),
    (Some("1"), LessOrEqual, &["1.00"], true),
    (Some("1"), IsIn, &["1.0", "2"], true),
    (Some("1"), IsNotIn, &["+1"], false),
    (None, IsNotIn, &["1"], false),
    (None, LessThan, &["1"], false),
    (None, IsEmpty, &[], true),
    (Some("0"), IsNotEmpty, &[], true),
];

const BOOLEAN: &[Short] = &[
    (Some("true"), IsTrue, &[], true),
    (Some("false"), IsTrue, &[], false),
    (None, IsTrue, &[], false),
    (Some("false"), IsFalse, &[], true),
    (Some("true"), IsFalse, &[], false),
    (None, IsFalse, &[], false),
    (None, IsEmpty, &[], true),
    (Some("false"), IsEmpty, &[], false),
    (Some("false"), IsNotEmpty, &[], true),
];

const DATE: &[Short] = &[
    (Some("2026-02-28"), Equals, &["2026-02-28"], true),
    (Some("2026-02-28"), NotEquals, &["2026-02-28"], false),
    (None, NotEquals, &["2026-02-28"], false),
    (Some("2026-03-01"), GreaterThan, &["2026-02-28"], true),
    (Some("2026-02-28"), GreaterOrEqual, &["2026-02-28"], true),
    (Some("1969-12-31"), LessThan, &["1970-01-01"], true),
    (Some("2026-02-28"), LessOrEqual, &["2026-02-27"], false),
    (Some("2026-02-28"), IsBetween, &["2026-02-28", "2026-03-01"], true),
    (Some("2026-03-02"), IsNotBetween, &["2026-02-28", "2026-03-01"], true),
    (Some("2026-03-02"), IsIn, &["2026-03-01", "2026-03-02"], true),
    (None, IsNotIn, &["2026-03-01"], false),
    (Some("2026-11-22"), WithinLast, &["1", "days"], true),
    (Some("2026-11-21"), WithinLast, &["1", "days"], true),
    (Some("2026-11-20"), WithinLast, &["1", "days"], false),
    (Some("2026-11-23"), WithinLast, &["1", "days"], false),
    (Some("2026-11-22"), WithinLast, &["5", "minutes"], true),
    (Some("2026-11-21"), WithinLast, &["5", "minutes"], false),
    (Some("2026-11-15"), WithinLast, &["1", "weeks"], true),
    (Some("2026-10-22"), WithinLast, &["1", "months"], true),
    (Some("2026-10-21"), WithinLast, &["1", "months"], false),
    (Some("2023-11-22"), WithinLast, &["3", "years"], true),
    (Some("0001-01-01"), WithinLast, &["100000", "years"], true),
    (None, WithinLast, &["3", "years"], false),
    (Some("2026-01-01"), YearToDate, &[], true),
    (Some("2025-12-31"), YearToDate, &[], false),
    (Some("2026-11-22"), YearToDate, &[], true),
    (Some("2026-11-23"), YearToDate, &[], false),
    (None, YearToDate, &[], false),
    (Some("2024-02-29"), DayOf, &["29"], true),
    (Some("2024-02-29"), DayOf, &["1", "28"], false),
    (Some("2024-02-29"), MonthOf, &["2"], true),
    (Some("2024-02-29"), MonthOf, &["3", "4"], false),
    (Some("2024-02-29"), YearOf, &["2024"], true),
    (Some("2024-02-29"), YearOf, &["2023", "2025"], false),
    (Some("2026-11-22"), DayOfWeek, &["7"], true),
    (Some("2026-11-23"), DayOfWeek, &["1"], true),
    (Some("1969-12-31"), DayOfWeek, &["3"], true),
    (Some("2026-11-23"), DayOfWeek, &["7"], false),
    (None, DayOfWeek, &["1", "2", "3", "4", "5", "6", "7"], false),
    (None, MonthOf, &["2"], false),
    (None, IsEmpty, &[], true),
    (Some("2026-11-23"), IsNotEmpty, &[], true),
];

const TIME: &[Short] = &[
    (Some("09:30:00"), Equals, &["09:30"], true),
    (Some("09:30:00"), NotEquals, &["09:30:01"], true),
    (None, NotEquals, &["09:30"], false),
    (Some("09:30:00"), GreaterThan, &["09:29:59.999999"], true),
    (Some("09:30:00"), GreaterOrEqual, &["09:30"], true),
    (Some("09:30:00"), LessThan, &["09:30"], false),
    (Some("09:30:00"), LessOrEqual, &["09:30"], true),
    (Some("09:30:00"), IsBetween, &["09:30", "10:00"], true),
    (Some("10:00:00"), IsNotBetween, &["09:30", "09:59"], true),
    (Some("10:00:00"), IsIn, &["09:00", "10:00"], true),
    (Some("10:00:00"), IsNotIn, &["09:00", "10:00"], false),
    (None, IsNotIn, &["09:00"], false),
    (Some("09:00:00"), TimeAt, &["09:00", "17:00"], true),
    (Some("17:00:00"), TimeAt, &["09:00", "17:00"], false),
    (Some("16:59:59.999999"), TimeAt, &["09:00", "17:00"], true),
    (Some("23:00:00"), TimeAt, &["22:00", "06:00"], true),
    (Some("05:59:00"), TimeAt, &["22:00", "06:00"], true),
    (Some("06:00:00"), TimeAt, &["22:00", "06:00"], false),
    (Some("12:00:00"), TimeAt, &["22:00", "06:00"], false),
    (Some("12:00:00"), TimeAt, &["12:00", "12:00"], false),
    (Some("00:00:00"), TimeAt, &["22:00", "00:00"], false),
    (Some("23:59:59"), TimeAt, &["22:00", "00:00"], true),
    (None, TimeAt, &["22:00", "06:00"], false),
    (None, IsEmpty, &[], true),
    (Some("00:00:00"), IsNotEmpty, &[], true),
];

/// All in the zone of Madrid: +01:00 in winter, +02:00 from 2026-03-29 to 2026-10-25.
const DATE_TIME: &[Short] = &[
    (Some("2026-11-22T11:00:00Z"), Equals, &["2026-11-22T11:00:00Z"], true),
    (Some("2026-11-22T11:00:00Z"), Equals, &["2026-11-22T12:00:00+01:00"], true),
    (Some("2026-11-22T11:00:00Z"), Equals, &["2026-11-22T12:00:00"], true),
    (Some("2026-11-22T11:00:00Z"), Equals, &["2026-11-22 12:00"], true),
    (Some("2026-11-22T11:00:00Z"), NotEquals, &["2026-11-22T11:00:00Z"], false),
    (None, NotEquals, &["2026-11-22T11:00:00Z"], false),
    (Some("2026-11-21T23:00:00Z"), Equals, &["2026-11-22"], true),
    (Some("2026-11-22T22:59:59.999999Z"), Equals, &["2026-11-22"], true),
    (Some("2026-11-22T23:00:00Z"), Equals, &["2026-11-22"], false),
    (Some("2026-11-22T23:00:00Z"), NotEquals, &["2026-11-22"], true),
    (Some("2026-11-22T22:59:00Z"), LessOrEqual, &["2026-11-22"], true),
    (Some("2026-11-22T23:00:00Z"), LessOrEqual, &["2026-11-22"], false),
    (Some("2026-11-22T22:59:00Z"), GreaterThan, &["2026-11-22"], false),
    (Some("2026-11-22T23:00:00Z"), GreaterThan, &["2026-11-22"], true),
    (Some("2026-11-21T23:00:00Z"), GreaterOrEqual, &["2026-11-22"], true),
    (Some("2026-11-21T22:59:00Z"), LessThan, &["2026-11-22"], true),
    (Some("2026-11-22T22:00:00Z"), IsBetween, &["2026-11-21", "2026-11-22"], true),
    (Some("2026-11-22T23:00:00Z"), IsNotBetween, &["2026-11-21", "2026-11-22"], true),
    (Some("2026-11-22T22:00:00Z"), IsIn, &["2026-11-20", "2026-11-22"], true),
    (Some("2026-11-22T22:00:00Z"), IsNotIn, &["2026-11-20", "2026-11-22"], false),
    (Some("2026-11-22T22:00:00Z"), IsNotIn, &["2026-11-20", "2026-11-22T21:00:00Z"], true),
    (None, IsNotIn, &["2026-11-20"], false),
    // The day the clocks go forward has 23 hours, the day they go back 25.
    (Some("2026-03-29T21:59:00Z"), Equals, &["2026-03-29"], true),
    (Some("2026-03-29T22:00:00Z"), Equals, &["2026-03-29"], false),
    (Some("2026-10-25T22:59:00Z"), Equals, &["2026-10-25"], true),
    (Some("2026-10-24T22:00:00Z"), Equals, &["2026-10-25"], true),
    (Some("2026-03-29T01:30:00Z"), Equals, &["2026-03-29T02:30:00"], true),
    (Some("2026-10-25T00:30:00Z"), Equals, &["2026-10-25T02:30:00"], true),
    (Some("2026-11-22T11:30:00Z"), WithinLast, &["10", "minutes"], true),
    (Some("2026-11-22T11:20:00Z"), WithinLast, &["10", "minutes"], true),
    (Some("2026-11-22T11:19:59Z"), WithinLast, &["10", "minutes"], false),
    (Some("2026-11-22T11:30:00.000001Z"), WithinLast, &["10", "minutes"], false),
    (Some("2026-11-21T11:30:00Z"), WithinLast, &["24", "hours"], true),
    (Some("2026-11-21T11:30:00Z"), WithinLast, &["1", "days"], true),
    // A month ago the wall clock in Madrid was two hours ahead of UTC.
    (Some("2026-10-22T10:30:00Z"), WithinLast, &["1", "months"], true),
    (Some("2026-10-22T10:29:59Z"), WithinLast, &["1", "months"], false),
    (Some("2026-10-11T10:30:00Z"), WithinLast, &["6", "weeks"], true),
    (Some("2025-11-22T11:30:00Z"), WithinLast, &["1", "years"], true),
    (None, WithinLast, &["1", "years"], false),
    (Some("2025-12-31T23:00:00Z"), YearToDate, &[], true),
    (Some("2025-12-31T22:59:59Z"), YearToDate, &[], false),
    (Some("2026-11-22T11:30:01Z"), YearToDate, &[], false),
    (Some("2026-05-31T22:30:00Z"), DayOf, &["1"], true),
    (Some("2026-05-31T22:30:00Z"), MonthOf, &["6"], true),
    (Some("2026-12-31T22:30:00Z"), YearOf, &["2026"], true),
    (Some("2026-12-31T23:30:00Z"), YearOf, &["2027"], true),
    (Some("2026-11-22T23:30:00Z"), DayOfWeek, &["1"], true),
    (Some("2026-11-22T23:30:00Z"), DayOfWeek, &["7"], false),
    (None, DayOfWeek, &["1"], false),
    (Some("2026-07-01T07:00:00Z"), TimeAt, &["09:00", "10:00"], true),
    (Some("2026-01-01T07:00:00Z"), TimeAt, &["09:00", "10:00"], false),
    (Some("2026-01-01T08:00:00Z"), TimeAt, &["09:00", "10:00"], true),
    (Some("2026-01-01T22:30:00Z"), TimeAt, &["23:00", "01:00"], true),
    (Some("2026-01-01T00:00:00Z"), TimeAt, &["23:00", "01:00"], false),
    (Some("1950-01-01T22:30:00.5Z"), TimeAt, &["23:30:00.5", "23:31"], true),
    (None, TimeAt, &["09:00", "10:00"], false),
    (None, IsEmpty, &[], true),
    (Some("2026-01-01T00:00:00Z"), IsNotEmpty, &[], true),
];

#[tokio::test]
async fn operators_on_text_mean_what_the_table_says() {
    check(lines(AttributeType::Text, false, TEXT)).await;
    check(lines(AttributeType::Text, true, TEXT_WITHOUT_CASE)).await;
}

#[tokio::test]
async fn operators_on_numbers_and_truth_values_mean_what_the_table_says() {
    check(lines(AttributeType::Integer, false, INTEGER)).await;
    check(lines(AttributeType::Decimal, false, DECIMAL)).await;
    check(lines(AttributeType::Boolean, false, BOOLEAN)).await;
}

#[tokio::test]
async fn operators_on_days_and_times_mean_what_the_table_says() {
    check(lines(AttributeType::Date, false, DATE)).await;
    check(lines(AttributeType::Time, false, TIME)).await;
}

#[tokio::test]
async fn operators_on_instants_mean_what_the_table_says_in_the_rules_zone() {
    check(lines(AttributeType::DateTime, false, DATE_TIME)).await;
}

#[test]
fn the_table_has_every_operator_on_every_type_that_it_fits() {
    let all = [
        (AttributeType::Text, TEXT),
        (AttributeType::Integer, INTEGER),
        (AttributeType::Decimal, DECIMAL),
        (AttributeType::Boolean, BOOLEAN),
        (AttributeType::Date, DATE),
        (AttributeType::Time, TIME),
        (AttributeType::DateTime, DATE_TIME),
    ];
    let missing: Vec<_> = all
        .iter()
        .flat_map(|(kind, lines)| domain::rule::operators_for(*kind).map(move |operator| (*kind, operator, *lines)))
        .filter(|(_, operator, lines)| !lines.iter().any(|(_, one, ..)| one == operator))
        .map(|(kind, operator, _)| (kind, operator))
        .collect();
    assert_eq!(missing, vec![], "no line for these");
    assert!(all.iter().map(|(_, lines)| lines.len()).sum::<usize>() >= 150);
}
