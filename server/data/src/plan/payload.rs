//! From the attributes of a profile to what is sent for it: the JSON text of a contact, and its hash.
//!
//! The text is the same for the same values, whatever the machine or the time: names are sorted, numbers keep the
//! digits they have, instants are in UTC.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::attribute::Attribute;
use domain::destination::{DestinationCard, TargetKind};
use domain::mapping::{Field, Mapping};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rlibphonenumber::Region;
use sha2::{Digest, Sha256};

use super::fields::country::Country;
use super::fields::{country, day, email, gender, phone, tidy};
use crate::error::{DataError, Result};
use crate::profiles::text::{Column, write_value};
use crate::profiles::value::Value;

/// The length of a payload's hash: enough that two payloads of one contact never share one.
pub(super) const HASH_BYTES: usize = 16;

/// How a payload begins that carries a status: names are sorted.
const OPT_IN: &str = "\"opt_in\":";

/// Does a payload carry a subscription status?
pub(super) fn has_status(payload: &str) -> bool {
    payload.strip_prefix('{').is_some_and(|rest| rest.starts_with(OPT_IN))
}

/// The hash of a payload.
pub(super) fn hash(payload: &str) -> [u8; HASH_BYTES] {
    let digest = Sha256::digest(payload.as_bytes());
    std::array::from_fn(|index| digest.get(index).copied().unwrap_or_default())
}

/// A mapping, ready to be applied to rows.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    email: usize,
    /// The column of the country that national phone numbers are read for.
    country: Option<usize>,
    /// The column of the opt-in, where statuses leave.
    opt_in: Option<usize>,
    /// By name.
    properties: Vec<Out>,
    /// By name.
    targets: Vec<Out>,
    /// The attributes that are read, each once; the positions above are places in this list.
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug, Clone)]
struct Out {
    name: String,
    column: usize,
    /// None for a custom property.
    kind: Option<TargetKind>,
}

impl Matcher {
    /// Prepares a mapping. An attribute or a field that is not there is [`DataError::UnknownAttribute`].
    pub(super) fn new(mapping: &Mapping, card: &DestinationCard, attributes: &[Attribute]) -> Result<Self> {
        let mut read: Vec<Attribute> = Vec::new();
        let (mut email, mut country) = (None, None);
        let (mut properties, mut targets) = (Vec::new(), Vec::new());
        for one in mapping.matches.iter().filter(|one| !one.attribute.is_empty()) {
            let attribute = attributes.iter().find(|a| a.name == one.attribute).ok_or(DataError::UnknownAttribute)?;
            let column = read.iter().position(|a| a.name == attribute.name).unwrap_or_else(|| {
                read.push(attribute.clone());
                read.len() - 1
            });
            match &one.field {
                Field::Property(name) => properties.push(Out { name: name.clone(), column, kind: None }),
                Field::Target(name) => {
                    let target = card.targets.iter().find(|t| &t.name == name).ok_or(DataError::UnknownAttribute)?;
                    match target.kind {
                        TargetKind::Email => email = Some(column),
                        kind => targets.push(Out { name: name.clone(), column, kind: Some(kind) }),
                    }
                    if target.kind == TargetKind::Country {
                        country = Some(column);
                    }
                }
            }
        }
        properties.sort_by(|a, b| a.name.cmp(&b.name));
        targets.sort_by(|a, b| a.name.cmp(&b.name));
        let email = email.ok_or(DataError::UnknownAttribute)?;
        Ok(Self { email, country, opt_in: None, properties, targets, attributes: read })
    }

    /// The same with the attribute that holds the time of the opt-in.
    pub(super) fn with_opt_in(mut self, name: &str, attributes: &[Attribute]) -> Result<Self> {
        let attribute = attributes.iter().find(|a| a.name == name).ok_or(DataError::UnknownAttribute)?;
        let place = self.attributes.iter().position(|a| a.name == attribute.name);
        self.opt_in = Some(place.unwrap_or_else(|| {
            self.attributes.push(attribute.clone());
            self.attributes.len() - 1
        }));
        Ok(self)
    }
}

/// A matcher at work, with what it remembers of values that come again and again.
#[derive(Debug)]
pub(super) struct Matching<'a> {
    matcher: &'a Matcher,
    countries: HashMap<String, Option<Country>>,
    text: Vec<u8>,
    /// Phone numbers and days of the row at hand that were left out.
    left_out: u8,
}

/// Different countries' spellings that are remembered; beyond, they are looked up again.
const REMEMBERED: usize = 4096;

impl<'a> Matching<'a> {
    pub(super) fn new(matcher: &'a Matcher) -> Self {
        Self { matcher, countries: HashMap::new(), text: Vec::with_capacity(512), left_out: 0 }
    }

    /// The address of a row, and the text that stands there.
    pub(super) fn address(&self, cells: &[Column], row: usize) -> (email::Address, String) {
        let text = cells.get(self.matcher.email).and_then(|cells| text_of(cells, row)).unwrap_or_default();
        match email::read(&text) {
            email::Address::Invalid => (email::Address::Invalid, text.into_owned()),
            other => (other, String::new()),
        }
    }

    /// The time of a row's opt-in, as it stands in the data; none where there is none, or one that is yet to come.
    pub(super) fn opt_in(&self, cells: &[Column], row: usize, now: Timestamp) -> Option<Timestamp> {
        let cells = cells.get(self.matcher.opt_in?)?;
        instant_of(cells, row).filter(|at| *at <= now)
    }

    /// The payload of a row, with a status where it leaves with one; and how many phone numbers and days it is without,
    /// because they cannot be read.
    pub(super) fn payload(&mut self, cells: &[Column], row: usize, opt_in: Option<Timestamp>) -> Result<(&str, u8)> {
        self.text.clear();
        self.left_out = 0;
        self.text.push(b'{');
        if let Some(at) = opt_in {
            self.text.extend_from_slice(OPT_IN.as_bytes());
            write_text(&at.to_string(), &mut self.text);
            self.text.push(b',');
        }
        self.text.extend_from_slice(b"\"properties\":{");
        let matcher = self.matcher;
        let mut first = true;
        for out in &matcher.properties {
            if let Some(cells) = cells.get(out.column) {
                let before = self.begin(&out.name, first);
                let wrote = write_property(cells, row, &mut self.text);
                first &= !self.keep(before, wrote);
            }
        }
        self.text.extend_from_slice(b"},\"targets\":{");
        let region = self.region(cells, row);
        let mut first = true;
        for out in &matcher.targets {
            if let Some(column) = cells.get(out.column) {
                let before = self.begin(&out.name, first);
                let wrote = self.target(out.kind, column, row, region);
                first &= !self.keep(before, wrote);
            }
        }
        self.text.extend_from_slice(b"}}");
        let text = std::str::from_utf8(&self.text).map_err(|error| DataError::Internal(error.to_string()))?;
        Ok((text, self.left_out))
    }

    /// Writes a name; gives the place to go back to where no value follows.
    fn begin(&mut self, name: &str, first: bool) -> usize {
        let before = self.text.len();
        if !first {
            self.text.push(b',');
        }
        write_text(name, &mut self.text);
        self.text.push(b':');
        before
    }

    fn keep(&mut self, before: usize, wrote: bool) -> bool {
        if !wrote {
            self.text.truncate(before);
        }
        wrote
    }

    fn region(&mut self, cells: &[Column], row: usize) -> Option<Region> {
        let text = text_of(cells.get(self.matcher.country?)?, row)?;
        self.country(&text).and_then(|country| phone::region(country.code))
    }

    fn country(&mut self, text: &str) -> Option<Country> {
        if let Some(known) = self.countries.get(text) {
            return *known;
        }
        let found = country::find(text);
        if self.countries.len() < REMEMBERED {
            self.countries.insert(text.to_owned(), found);
        }
        found
    }

    /// Writes the value of a target; false where it is left out.
    fn target(&mut self, kind: Option<TargetKind>, cells: &Column, row: usize, region: Option<Region>) -> bool {
        if kind == Some(TargetKind::Date)
            && let Some(day) = day_of(cells, row)
        {
            write_text(&day.to_string(), &mut self.text);
            return true;
        }
        let Some(text) = text_of(cells, row) else { return false };
        let text = tidy(&text);
        if text.is_empty() {
            return false;
        }
        match kind {
            Some(TargetKind::Country) => self.write_country(&text),
            Some(TargetKind::Phone) => match phone::e164(&text, region) {
                Some(number) => write_text(&number, &mut self.text),
                None => return self.leave_out(),
            },
            Some(TargetKind::Date) => match day::read(&text) {
                Some(day) => write_text(&day.to_string(), &mut self.text),
                None => return self.leave_out(),
            },
            Some(TargetKind::Gender) => match gender::letter(&text) {
                Some(letter) => write_text(letter, &mut self.text),
                None => return false,
            },
            Some(TargetKind::Text | TargetKind::Email) | None => write_text(&text, &mut self.text),
        }
        true
    }

    fn leave_out(&mut self) -> bool {
        self.left_out = self.left_out.saturating_add(1);
        false
    }

    fn write_country(&mut self, text: &str) {
        self.text.push(b'{');
        let found = self.country(text);
        if let Some(country) = found {
            self.text.extend_from_slice(b"\"code\":");
            write_text(country.code, &mut self.text);
            self.text.push(b',');
        }
        self.text.extend_from_slice(b"\"name\":");
        write_text(found.map_or(text, |country| country.name), &mut self.text);
        self.text.push(b'}');
    }
}

/// A value as text; none where it is empty. Instants are in UTC: the same moment has one text, however it was written.
fn text_of(cells: &Column, row: usize) -> Option<Cow<'_, str>> {
    if let Column::Text(_) = cells {
        return cells.text(row).map(Cow::Borrowed);
    }
    let mut text = String::new();
    match cells.value(row) {
        Value::Empty => return None,
        Value::Instant(at, _) => write_value(Value::Instant(at, None), &mut text),
        value => write_value(value, &mut text),
    }
    Some(text.into())
}

/// A value as an instant: a day counts from its beginning, UTC. None for other types and for texts that are neither.
fn instant_of(cells: &Column, row: usize) -> Option<Timestamp> {
    match cells.value(row) {
        Value::Instant(micros, _) => Timestamp::from_microsecond(micros).ok(),
        Value::Date(_) => midnight(day_of(cells, row)?),
        _ => {
            let text = text_of(cells, row)?;
            let text = text.trim();
            text.parse().ok().or_else(|| midnight(day::read(text)?))
        }
    }
}

fn midnight(day: Date) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok()
}

/// A value as a calendar day: a day as it is; an instant's day where the source wrote it, by its offset. None for other
/// types and empty values.
fn day_of(cells: &Column, row: usize) -> Option<Date> {
    let (micros, offset) = match cells.value(row) {
        Value::Date(days) => (i64::from(days) * 86_400_000_000, 0),
        Value::Instant(micros, offset) => (micros, offset.unwrap_or_default()),
        _ => return None,
    };
    let offset = Offset::from_seconds(i32::from(offset) * 60).ok()?;
    Some(offset.to_datetime(Timestamp::from_microsecond(micros).ok()?).date())
}

/// Writes a value as JSON: numbers and truth values as such, everything else as a string. False, with nothing written,
/// where the value is empty.
fn write_property(cells: &Column, row: usize, into: &mut Vec<u8>) -> bool {
    let Some(text) = text_of(cells, row) else { return false };
    if matches!(cells, Column::Integer(_) | Column::Decimal(_) | Column::Boolean(_)) {
        into.extend_from_slice(text.as_bytes());
        return true;
    }
    let text = tidy(&text);
    if !text.is_empty() {
        write_text(&text, into);
    }
    !text.is_empty()
}

/// Writes a text as a JSON string.
fn write_text(text: &str, into: &mut Vec<u8>) {
    // Writing a string into memory cannot fail.
    if serde_json::to_writer(&mut *into, text).is_err() {
        into.extend_from_slice(b"\"\"");
    }
}
