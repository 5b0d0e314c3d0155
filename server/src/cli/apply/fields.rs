//! Fields that several tables of a configuration file have, or have alike.

use app::error::{AppError, FieldFaultKind};

use super::reader::{At, Faults, Table};
use crate::services::form::{self, MAX_NAME};

/// The name of what a table describes, which must be there and be one that can be kept.
pub(super) fn name(table: &Table<'_>, faults: &Faults) -> Option<At<String>> {
    let name = table.required_text("name")?;
    match form::name("name", &name.value) {
        Ok(_) => Some(name),
        Err(error) if error == AppError::field("name", FieldFaultKind::TooLong) => {
            faults.add(name.line, format!("`name` must have at most {MAX_NAME} characters"));
            None
        }
        Err(_) => {
            faults.add(name.line, "`name` must have no line breaks and no other characters that cannot be seen");
            None
        }
    }
}

/// The name of a time zone, if the key is there.
pub(super) fn time_zone(table: &Table<'_>, faults: &Faults) -> Option<At<String>> {
    let zone = table.text("time_zone")?;
    if jiff::tz::TimeZone::get(&zone.value).is_err() {
        faults.add(zone.line, format!("`{}` is no IANA time zone; write for example \"Europe/Madrid\"", zone.value));
    }
    Some(zone)
}

/// One of a few words, if the key is there.
pub(super) fn word<T>(
    table: &Table<'_>,
    faults: &Faults,
    key: &'static str,
    known: &[&str],
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = table.text(key)?;
    if !known.contains(&text.value.as_str()) {
        faults.add(text.line, format!("`{key}` must be one of: {}", known.join(", ")));
        return None;
    }
    parse(&text.value)
}

/// Exactly one of two keys.
pub(super) fn one_of_two<T>(
    table: &Table<'_>,
    faults: &Faults,
    first: (&'static str, fn(String) -> T),
    second: (&'static str, fn(String) -> T),
) -> Option<At<T>> {
    let given = match (table.has(first.0), table.has(second.0)) {
        (true, false) => first,
        (false, true) => second,
        _ => {
            faults.add(table.line(), format!("{} needs either `{}` or `{}`", table.title(), first.0, second.0));
            return None;
        }
    };
    table.required_text(given.0).map(|text| At { line: text.line, value: given.1(text.value) })
}
