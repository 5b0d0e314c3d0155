//! One attribute's values in a batch of rows, as text or as a day. It knows Arrow's arrays and nothing of screens, fields
//! or destinations.

use std::borrow::Cow;

use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::types::{
    Date32Type, Decimal128Type, Int16Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int16Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use domain::attribute::AttributeType;
use jiff::civil::{Date, Time, date};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::error::{DataError, Result};
use crate::profiles::schema::{is_hidden, offset_column};

/// The values of one attribute.
#[derive(Debug)]
pub(crate) enum Cells<'a> {
    Text(&'a StringArray),
    TextView(&'a StringViewArray),
    Integer(&'a Int64Array),
    Decimal(&'a Decimal128Array),
    Boolean(&'a BooleanArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    /// Instants, and the offsets that the source wrote, in minutes.
    DateTime(&'a TimestampMicrosecondArray, Option<&'a Int16Array>),
}

impl<'a> Cells<'a> {
    /// The values of a column; none where the array is not of an attribute's type.
    pub(crate) fn new(values: &'a ArrayRef, offsets: Option<&'a ArrayRef>) -> Option<Self> {
        if let Some(values) = values.as_string_view_opt() {
            return Some(Self::TextView(values));
        }
        if let Some(values) = values.as_string_opt() {
            return Some(Self::Text(values));
        }
        if let Some(values) = values.as_boolean_opt() {
            return Some(Self::Boolean(values));
        }
        values
            .as_primitive_opt::<Int64Type>()
            .map(Self::Integer)
            .or_else(|| values.as_primitive_opt::<Decimal128Type>().map(Self::Decimal))
            .or_else(|| values.as_primitive_opt::<Date32Type>().map(Self::Date))
            .or_else(|| values.as_primitive_opt::<Time64MicrosecondType>().map(Self::Time))
            .or_else(|| {
                let instants = values.as_primitive_opt::<TimestampMicrosecondType>()?;
                Some(Self::DateTime(instants, offsets.and_then(|offsets| offsets.as_primitive_opt::<Int16Type>())))
            })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(values) => values.is_null(row),
            Self::TextView(values) => values.is_null(row),
            Self::Integer(values) => values.is_null(row),
            Self::Decimal(values) => values.is_null(row),
            Self::Boolean(values) => values.is_null(row),
            Self::Date(values) => values.is_null(row),
            Self::Time(values) => values.is_null(row),
            Self::DateTime(values, _) => values.is_null(row),
        }
    }

    /// A value as text; none where it is empty. Days and times are ISO 8601, instants RFC 3339 in UTC.
    pub(crate) fn text(&self, row: usize) -> Option<Cow<'a, str>> {
        if self.is_null(row) {
            return None;
        }
        Some(match self {
            Self::Text(values) => Cow::Borrowed(values.value(row)),
            Self::TextView(values) => Cow::Borrowed(values.value(row)),
            Self::Integer(values) => values.value(row).to_string().into(),
            Self::Decimal(values) => decimal_text(values.value(row)).into(),
            Self::Boolean(values) => if values.value(row) { "true" } else { "false" }.into(),
            Self::Date(values) => day(values.value(row))?.to_string().into(),
            Self::Time(values) => time(values.value(row))?.to_string().into(),
            Self::DateTime(values, _) => Timestamp::from_microsecond(values.value(row)).ok()?.to_string().into(),
        })
    }

    /// A value as a calendar day: a day as it is; an instant's day where the source wrote it, by its offset. None for
    /// other types and empty values.
    pub(crate) fn day(&self, row: usize) -> Option<Date> {
        match self {
            Self::Date(values) if values.is_valid(row) => day(values.value(row)),
            Self::DateTime(values, offsets) if values.is_valid(row) => {
                let instant = Timestamp::from_microsecond(values.value(row)).ok()?;
                let minutes = offsets.filter(|offsets| offsets.is_valid(row)).map_or(0, |offsets| offsets.value(row));
                let offset = Offset::from_seconds(i32::from(minutes) * 60).ok()?;
                Some(offset.to_datetime(instant).date())
            }
            _ => None,
        }
    }
}

/// The attributes of a batch of profiles as text, row by row; none is an empty value. Ferry's own columns are left out.
pub(crate) fn rows_as_text(batch: &RecordBatch) -> Result<Vec<Vec<Option<String>>>> {
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name()).filter(|name| !is_hidden(name));
    let cells = names.map(|name| Cells::new(batch.column_by_name(name)?, batch.column_by_name(&offset_column(name))));
    let cells: Option<Vec<Cells>> = cells.collect();
    let cells = cells.ok_or_else(|| DataError::Internal("a column is not of an attribute's type".to_owned()))?;
    let row = |at| cells.iter().map(|cells| cells.text(at).map(Cow::into_owned)).collect();
    Ok((0..batch.num_rows()).map(row).collect())
}

/// A decimal in units of 10⁻¹⁰ as text, without zeros that say nothing.
fn decimal_text(units: i128) -> String {
    let scale = AttributeType::DECIMAL_SCALE.unsigned_abs() as u32;
    let one = 10_u128.pow(scale);
    let sign = if units < 0 { "-" } else { "" };
    let (whole, fraction) = (units.unsigned_abs() / one, units.unsigned_abs() % one);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{fraction:0width$}", width = scale as usize);
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

fn day(number: i32) -> Option<Date> {
    date(1970, 1, 1).checked_add(SignedDuration::from_hours(i64::from(number) * 24)).ok()
}

fn time(micros: i64) -> Option<Time> {
    Time::midnight().checked_add(SignedDuration::from_micros(micros)).ok()
}

#[cfg(test)]
mod tests {
    use super::decimal_text;

    #[test]
    fn decimals_keep_their_digits() {
        assert_eq!(decimal_text(0), "0");
        assert_eq!(decimal_text(123_456_000_000), "12.3456");
        assert_eq!(decimal_text(-5_000_000_000), "-0.5");
        assert_eq!(decimal_text(1), "0.0000000001");
        assert_eq!(decimal_text(-100_000_000_000), "-10");
    }
}
