//! Days and times as the browser's own fields take them. A rule may write an instant in any offset, a day, or a local
//! time; `datetime-local` knows local times alone, and shows nothing in place of all else.
//!
//! What is shown means the same as what the rule says when it is read again in the rule's zone. An operand that no such
//! field can show so stands in a field of text, as it is.

use domain::attribute::AttributeType;
use domain::rule::is_value_of;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// A field and what stands in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// The kind of field.
    pub input: &'static str,
    /// Without it, seconds are not acceptable to the browser.
    pub step: Option<&'static str>,
    /// What stands in it.
    pub value: String,
}

/// An operand as its field shows it. `from_start`: a bare day means the same as its first moment here, as in *before* and
/// *on or after*. Elsewhere it means the whole day, which a moment cannot say.
pub fn shown(text: &str, kind: AttributeType, zone: Option<&TimeZone>, from_start: bool) -> Shown {
    let (input, step, found) = match kind {
        AttributeType::Date => ("date", None, day(text)),
        AttributeType::Time => ("time", Some("1"), time(text)),
        AttributeType::DateTime => ("datetime-local", Some("1"), moment(text, zone, from_start)),
        AttributeType::Text | AttributeType::Integer | AttributeType::Decimal | AttributeType::Boolean => {
            ("text", None, Some(text.to_owned()))
        }
    };
    match found {
        Some(value) => Shown { input, step, value },
        None if is_value_of(text, kind) => Shown { input: "text", step: None, value: text.to_owned() },
        // Empty, or left from an attribute of another type: something new is to be chosen.
        None => Shown { input, step, value: String::new() },
    }
}

/// Browsers know the years from 1 on.
fn day(text: &str) -> Option<String> {
    let day: Date = text.trim().parse().ok()?;
    (day.year() > 0).then(|| day.to_string())
}

fn time(text: &str) -> Option<String> {
    let time: Time = text.trim().parse().ok()?;
    clock(time)
}

/// In the shortest form, which is the browser's own; none for parts of a second.
fn clock(time: Time) -> Option<String> {
    match (time.subsec_nanosecond(), time.second()) {
        (0, 0) => Some(time.strftime("%H:%M").to_string()),
        (0, _) => Some(time.strftime("%H:%M:%S").to_string()),
        _ => None,
    }
}

fn moment(text: &str, zone: Option<&TimeZone>, from_start: bool) -> Option<String> {
    let text = text.trim();
    let has_time = text.contains([':', 'T', 't', ' ']);
    let local = match text.parse::<Timestamp>() {
        Ok(instant) => {
            let zone = zone?;
            let local = zone.to_datetime(instant);
            // The second of two equal hours in autumn would be read as the first.
            let again = local.to_zoned(zone.clone()).ok()?.timestamp();
            (again == instant).then_some(local)?
        }
        Err(_) if has_time => text.parse::<DateTime>().ok()?,
        Err(_) if from_start => text.parse::<Date>().ok()?.to_datetime(Time::midnight()),
        Err(_) => return None,
    };
    (local.year() > 0).then_some(())?;
    Some(format!("{}T{}", local.date(), clock(local.time())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str, kind: AttributeType, from_start: bool) -> (&'static str, String) {
        let madrid = TimeZone::get("Europe/Madrid").expect("known");
        let shown = shown(text, kind, Some(&madrid), from_start);
        (shown.input, shown.value)
    }

    #[test]
    fn an_instant_is_shown_as_the_time_on_the_wall_in_the_rules_zone() {
        for (text, expected) in [
            ("2020-01-01T00:00:00Z", "2020-01-01T01:00"),
            ("2020-07-01T12:30:15+00:00", "2020-07-01T14:30:15"),
            ("2020-01-01T00:00:00-05:00", "2020-01-01T06:00"),
            ("2020-01-01T09:30", "2020-01-01T09:30"),
            ("2020-01-01 09:30:00", "2020-01-01T09:30"),
        ] {
            assert_eq!(field(text, AttributeType::DateTime, false), ("datetime-local", expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_the_same_instant_again() {
        let madrid = TimeZone::get("Europe/Madrid").expect("known");
        for text in ["2020-01-01T00:00:00Z", "2020-03-29T00:59:59Z", "2020-03-29T01:00:00Z", "2020-10-25T00:30:00Z"] {
            let (input, value) = field(text, AttributeType::DateTime, false);
            assert_eq!(input, "datetime-local");
            let local: DateTime = value.parse().expect("a local time");
            let instant = local.to_zoned(madrid.clone()).expect("a time").timestamp();
            assert_eq!(instant, text.parse().expect("an instant"), "{text}");
        }
    }

    #[test]
    fn what_the_browsers_field_cannot_say_stays_as_it_is() {
        // The second time that it is half past two in that night; parts of a second; no year of the browser's.
        for text in ["2020-10-25T01:30:00Z", "2020-01-01T00:00:00.5Z", "-000001-01-01T00:00", "2020-01-01"] {
            assert_eq!(field(text, AttributeType::DateTime, false), ("text", text.to_owned()));
        }
        let unknown = shown("2020-01-01T00:00:00Z", AttributeType::DateTime, None, false);
        assert_eq!(unknown.input, "text", "a zone that nobody knows");
        assert_eq!(field("09:30:15.5", AttributeType::Time, false).0, "text");
    }

    #[test]
    fn a_bare_day_is_its_first_moment_where_that_means_the_same() {
        let day = field("2020-01-01", AttributeType::DateTime, true);
        assert_eq!(day, ("datetime-local", "2020-01-01T00:00".to_owned()));
    }

    #[test]
    fn days_and_times_fill_fields_of_their_own() {
        assert_eq!(field("2020-01-01", AttributeType::Date, false), ("date", "2020-01-01".to_owned()));
        assert_eq!(field("2020-01-01T12:00", AttributeType::Date, false), ("date", "2020-01-01".to_owned()));
        assert_eq!(field("09:30:15", AttributeType::Time, false), ("time", "09:30:15".to_owned()));
        assert_eq!(field("Girona", AttributeType::DateTime, false), ("datetime-local", String::new()));
        assert_eq!(field("Girona", AttributeType::Text, false), ("text", "Girona".to_owned()));
    }
}
