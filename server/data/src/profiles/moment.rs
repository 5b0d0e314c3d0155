//! Days, times of day and instants as files write them.
//!
//! Understood are `2026-11-22` (also with `/`), and, in the order that the data source says, `22/11/2026`, `22.11.2026`
//! and `22-11-2026`, all with a year of four digits; times as `9:30`, `09:30:15`, `09:30:15.123456`, `9:30 PM`; an
//! instant is a day, a `T` or space, a time, and perhaps an offset: `Z`, `UTC`, `+01:00`, `+0100`, `+01`. Digits beyond
//! the microsecond are cut off. A local time that a change of clocks skips is moved on by the length of the gap; one
//! that it repeats is the earlier.

use domain::source::DateOrder;
use jiff::civil;
use jiff::tz::TimeZone;

/// Reads a text byte by byte.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn next_is(&mut self, byte: u8) -> bool {
        let is = self.rest.first() == Some(&byte);
        if is {
            self.rest = &self.rest[1..];
        }
        is
    }

    /// A number of `least` to `most` digits, followed by no further digit.
    fn number(&mut self, least: usize, most: usize) -> Option<(i32, usize)> {
        let count = self.rest.iter().take(most + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least || count > most {
            return None;
        }
        let value = self.rest[..count].iter().fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
        self.rest = &self.rest[count..];
        Some((value, count))
    }
}

/// A day.
pub(crate) fn date(text: &str, order: DateOrder) -> Option<civil::Date> {
    let mut cursor = Cursor { rest: text.as_bytes() };
    let day = date_at(&mut cursor, order)?;
    cursor.rest.is_empty().then_some(day)
}

fn date_at(cursor: &mut Cursor<'_>, order: DateOrder) -> Option<civil::Date> {
    let (first, length) = cursor.number(1, 4)?;
    let separator = *cursor.rest.first()?;
    if !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    cursor.next_is(separator);
    let (second, second_length) = cursor.number(1, 2)?;
    if !cursor.next_is(separator) {
        return None;
    }
    let (year, month, day) = if length == 4 {
        let (third, third_length) = cursor.number(2, 2)?;
        if separator == b'.' || second_length + third_length != 4 {
            return None;
        }
        (first, second, third)
    } else {
        let (third, _) = cursor.number(4, 4)?;
        match order {
            _ if length > 2 => return None,
            DateOrder::DayFirst => (third, second, first),
            DateOrder::MonthFirst => (third, first, second),
        }
    };
    if year == 0 {
        return None;
    }
    civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Days from 1970-01-01 to a day.
pub(crate) fn days(day: civil::Date) -> i32 {
    // The algorithm `days_from_civil` of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    let (month, day_of_month) = (i32::from(day.month()), i32::from(day.day()));
    let year = i32::from(day.year()) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day_of_month - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A time of day, in microseconds since midnight.
pub(crate) fn time(text: &str) -> Option<i64> {
    let mut cursor = Cursor { rest: text.as_bytes() };
    let micros = time_at(&mut cursor)?;
    cursor.rest.is_empty().then_some(micros)
}

fn time_at(cursor: &mut Cursor<'_>) -> Option<i64> {
    let (mut hour, _) = cursor.number(1, 2)?;
    if !cursor.next_is(b':') {
        return None;
    }
    let (minute, _) = cursor.number(2, 2)?;
    let (mut second, mut micros) = (0, 0);
    if cursor.next_is(b':') {
        (second, _) = cursor.number(2, 2)?;
        if cursor.next_is(b'.') || cursor.next_is(b',') {
            micros = fraction(cursor)?;
        }
    }
    if let Some(afternoon) = half_of_day(cursor) {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((i64::from(hour * 60 + minute) * 60 + i64::from(second)) * 1_000_000 + micros)
}

/// The digits after the point of a second, as microseconds.
fn fraction(cursor: &mut Cursor<'_>) -> Option<i64> {
    let count = cursor.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let digits = &cursor.rest[..count];
    let micros = (0..6).fold(0, |sum, index| sum * 10 + digits.get(index).map_or(0, |digit| i64::from(digit - b'0')));
    cursor.rest = &cursor.rest[count..];
    Some(micros)
}

/// `AM` or `PM`: is it the second half of the day?
fn half_of_day(cursor: &mut Cursor<'_>) -> Option<bool> {
    let rest = cursor.rest.strip_prefix(b" ").unwrap_or(cursor.rest);
    let afternoon = match rest.get(..2)? {
        [b'A' | b'a', b'M' | b'm'] => false,
        [b'P' | b'p', b'M' | b'm'] => true,
        _ => return None,
    };
    cursor.rest = &rest[2..];
    Some(afternoon)
}

/// An instant in microseconds since 1970, with the offset that was written, in minutes. Without one, it is meant in
/// `zone`. A day alone is its midnight.
pub(crate) fn instant(text: &str, order: DateOrder, zone: &TimeZone) -> Option<(i64, Option<i16>)> {
    const MINUTE: i64 = 60_000_000;
    let mut cursor = Cursor { rest: text.as_bytes() };
    let day = date_at(&mut cursor, order)?;
    let mut micros = 0;
    let mut offset = None;
    if !cursor.rest.is_empty() {
        if !(cursor.next_is(b'T') || cursor.next_is(b't') || cursor.next_is(b' ')) {
            return None;
        }
        micros = time_at(&mut cursor)?;
        offset = offset_at(&mut cursor)?;
    }
    let local = i64::from(days(day)) * 1440 * MINUTE + micros;
    match offset {
        Some(minutes) => Some((local - i64::from(minutes) * MINUTE, offset)),
        None if *zone == TimeZone::UTC => Some((local, None)),
        None => {
            // The seconds decide about the offset; what is finer is added afterwards.
            let clock = civil::Time::midnight().checked_add(jiff::SignedDuration::from_micros(micros)).ok()?;
            let at = zone.to_ambiguous_timestamp(civil::DateTime::from_parts(day, clock)).compatible().ok()?;
            Some((at.as_microsecond(), None))
        }
    }
}

/// What follows the time: nothing (`Some(None)`), or an offset; anything else is no instant.
fn offset_at(cursor: &mut Cursor<'_>) -> Option<Option<i16>> {
    if cursor.rest.is_empty() {
        return Some(None);
    }
    cursor.next_is(b' ');
    if matches!(cursor.rest, b"Z" | b"z" | b"UTC" | b"GMT") {
        return Some(Some(0));
    }
    let sign = match cursor.rest.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    cursor.rest = &cursor.rest[1..];
    let (hours, minutes) = match cursor.rest.len() {
        4 => {
            let (both, _) = cursor.number(4, 4)?;
            (both / 100, both % 100)
        }
        2 | 5 => {
            let (hours, _) = cursor.number(2, 2)?;
            (hours, if cursor.next_is(b':') { cursor.number(2, 2)?.0 } else { 0 })
        }
        _ => return None,
    };
    if hours > 23 || minutes > 59 || !cursor.rest.is_empty() {
        return None;
    }
    Some(i16::try_from(sign * (hours * 60 + minutes)).ok())
}

#[cfg(test)]
mod tests {
    use domain::source::DateOrder::{DayFirst, MonthFirst};
    use jiff::tz::TimeZone;

    use super::{date, days, instant, time};

    #[test]
    fn a_day_is_read_in_the_order_of_the_source() {
        for (text, order, expected) in [
            ("2026-11-22", DayFirst, Some("2026-11-22")),
            ("2026/11/22", DayFirst, Some("2026-11-22")),
            ("03/04/2026", DayFirst, Some("2026-04-03")),
            ("03/04/2026", MonthFirst, Some("2026-03-04")),
            ("3.4.2026", DayFirst, Some("2026-04-03")),
            ("22-11-2026", DayFirst, Some("2026-11-22")),
            ("22-11-2026", MonthFirst, None),
            ("29/02/2025", DayFirst, None),
            ("29/02/2024", DayFirst, Some("2024-02-29")),
            ("22/11/26", DayFirst, None),
            ("2026-1-2", DayFirst, None),
            ("2026-11/22", DayFirst, None),
            ("20261122", DayFirst, None),
            ("0000-01-01", DayFirst, None),
            ("2026-11-22 ", DayFirst, None),
            ("", DayFirst, None),
        ] {
            let found = date(text, order).map(|day| day.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn days_are_counted_as_the_calendar_counts_them() {
        for (text, expected) in
            [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("0001-01-01", -719_162)]
        {
            assert_eq!(days(date(text, DayFirst).expect("a day")), expected, "{text}");
        }
    }

    #[test]
    fn a_time_may_have_seconds_and_halves_of_the_day() {
        let hour = 3_600_000_000_i64;
        for (text, expected) in [
            ("09:30", Some(hour * 19 / 2)),
            ("9:30", Some(hour * 19 / 2)),
            ("9:30 pm", Some(hour * 43 / 2)),
            ("12:00 AM", Some(0)),
            ("12:00PM", Some(12 * hour)),
            ("00:00:00.000001", Some(1)),
            ("00:00:00.0000019", Some(1)),
            ("13:00 PM", None),
            ("24:00", None),
            ("10:60", None),
            ("10", None),
            ("10:5", None),
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
    }

    #[test]
    fn an_instant_keeps_the_offset_that_was_written() {
        let madrid = TimeZone::get("Europe/Madrid").expect("a zone");
        for (text, expected) in [
            ("2026-07-01T12:00:00+02:00", Some(("2026-07-01T10:00:00Z", Some(120)))),
            ("2026-07-01 12:00:00 -0330", Some(("2026-07-01T15:30:00Z", Some(-210)))),
            ("2026-07-01T10:00Z", Some(("2026-07-01T10:00:00Z", Some(0)))),
            ("2026-07-01 10:00:00 UTC", Some(("2026-07-01T10:00:00Z", Some(0)))),
            ("2026-07-01T12:00:00.1234567+02", Some(("2026-07-01T10:00:00.123456Z", Some(120)))),
            ("2026-07-01T12:00:00", Some(("2026-07-01T10:00:00Z", None))),
            ("01/07/2026 12:00", Some(("2026-07-01T10:00:00Z", None))),
            ("2026-01-01", Some(("2025-12-31T23:00:00Z", None))),
            ("2026-03-29 02:30", Some(("2026-03-29T01:30:00Z", None))),
            ("2026-07-01T12:00:00+2", None),
            ("2026-07-01T12:00:00+02:0", None),
            ("2026-07-01T12:00:00 CET", None),
            ("2026-07-01X12:00", None),
        ] {
            let found = instant(text, DayFirst, &madrid)
                .map(|(at, offset)| (jiff::Timestamp::from_microsecond(at).expect("in range").to_string(), offset));
            assert_eq!(found.as_ref().map(|(at, offset)| (at.as_str(), *offset)), expected, "{text}");
        }
    }
}
