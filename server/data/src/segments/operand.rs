//! Operands: the texts of a condition, read as values of the attribute's type. It knows types and zones, and nothing of
//! expressions over columns.

use datafusion::common::ScalarValue;
use domain::attribute::AttributeType;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

use super::local::{day_number, micros_of};

/// A stretch of values, from the first to just before the end. A single value is a stretch of one step; a bare day that
/// is compared with instants is a stretch of 23 to 25 hours.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    /// The first value.
    pub(super) first: ScalarValue,
    /// The last value: equal to the first for a single value.
    pub(super) last: ScalarValue,
}

/// Reads an operand for comparisons; none where the text is not of the type.
pub(super) fn read(text: &str, kind: AttributeType, zone: &TimeZone) -> Option<Stretch> {
    let trimmed = text.trim();
    let single = match kind {
        AttributeType::Text => ScalarValue::from(text),
        AttributeType::Integer => ScalarValue::from(trimmed.parse::<i64>().ok()?),
        AttributeType::Decimal => decimal(units_of(trimmed)?),
        AttributeType::Boolean => ScalarValue::from(trimmed.parse::<bool>().ok()?),
        AttributeType::Date => day(trimmed.parse().ok()?),
        AttributeType::Time => ScalarValue::Time64Microsecond(Some(micros_of(trimmed.parse().ok()?))),
        AttributeType::DateTime => return instant_or_day(trimmed, zone),
    };
    Some(Stretch { first: single.clone(), last: single })
}

/// Reads a time of day as microseconds since midnight.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    text.trim().parse::<Time>().ok().map(micros_of)
}

/// A calendar day as Arrow counts it.
pub(super) fn day(day: Date) -> ScalarValue {
    ScalarValue::Date32(Some(day_number(day)))
}

/// An instant as Arrow counts it.
pub(super) fn instant(micros: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
}

fn decimal(units: i128) -> ScalarValue {
    ScalarValue::Decimal128(Some(units), 38, AttributeType::DECIMAL_SCALE)
}

/// A plain decimal number in units of 10⁻¹⁰; none where it is no such number or has too many digits.
pub(super) fn units_of(text: &str) -> Option<i128> {
    if !domain::rule::is_decimal(text) {
        return None;
    }
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) if text.starts_with('-') => (-1, digits),
        Some(digits) => (1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = AttributeType::DECIMAL_SCALE.unsigned_abs() as usize;
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(scale).collect();
    format!("0{whole}{fraction}").parse::<i128>().ok().map(|units| sign * units)
}

fn instant_or_day(text: &str, zone: &TimeZone) -> Option<Stretch> {
    // jiff reads the day out of a longer text too; only a text without a time of day is a bare day.
    let has_time = text.contains([':', 'T', 't', ' ']);
    if !has_time {
        let day: Date = text.parse().ok()?;
        return Some(Stretch { first: instant(start_of(day, zone)), last: instant(end_of(day, zone)) });
    }
    let moment = match text.parse::<Timestamp>() {
        Ok(moment) => moment,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?.timestamp(),
    };
    let moment = instant(micros_at(moment));
    Some(Stretch { first: moment.clone(), last: moment })
}

/// The first microsecond of a day in a zone.
fn start_of(day: Date, zone: &TimeZone) -> i64 {
    // Only the very first and last days that jiff knows have no start in some zones.
    day.to_zoned(zone.clone()).map_or(i64::MIN, |start| micros_at(start.timestamp()))
}

/// The last microsecond of a day in a zone.
fn end_of(day: Date, zone: &TimeZone) -> i64 {
    let next = day.tomorrow().and_then(|next| next.to_zoned(zone.clone()));
    next.map_or(i64::MAX, |next| micros_at(next.timestamp()) - 1)
}

/// Microseconds since 1970, rounded down.
pub(super) fn micros_at(moment: Timestamp) -> i64 {
    moment.as_nanosecond().div_euclid(1_000) as i64
}

/// The start of the running year in the zone of `now`.
pub(super) fn start_of_year(now: &Zoned) -> Timestamp {
    now.date().first_of_year().to_zoned(now.time_zone().clone()).map_or(Timestamp::MIN, |start| start.timestamp())
}

/// The instant that lies `count` `unit`s before `now`: months and years as the calendar counts them, days and weeks to
/// the same time on the wall, hours and minutes as they pass. Before the first instant that can be told, that one.
pub(super) fn before(now: &Zoned, count: &str, unit: &str) -> Option<Zoned> {
    let count: i64 = count.trim().parse().ok()?;
    let span = match unit {
        "minutes" => Span::new().try_minutes(count),
        "hours" => Span::new().try_hours(count),
        "days" => Span::new().try_days(count),
        "weeks" => Span::new().try_weeks(count),
        "months" => Span::new().try_months(count),
        "years" => Span::new().try_years(count),
        _ => return None,
    };
    let earliest = || Timestamp::MIN.checked_add(26.hours()).ok().map(|first| first.to_zoned(now.time_zone().clone()));
    match span.and_then(|span| now.checked_sub(span)) {
        Ok(earlier) => Some(earlier),
        Err(_) => earliest(),
    }
}
