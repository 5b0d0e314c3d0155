//! The canonical text of the values of a snapshot, as screens, keys and plans show them. The other way round is in
//! [`super::value`].
//!
//! Whole numbers and decimals have a point and no needless zeros (`12.5`); days are `2026-11-22`, times `09:30:00`;
//! instants are RFC 3339 with the offset that the source wrote, or in UTC where it wrote none; booleans `true`, `false`.

use std::fmt::Write;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int16Array, Int64Array, RecordBatch,
    StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int16Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use domain::attribute::{Attribute, AttributeType};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::schema::{attribute_type, offset_column};
use super::value::Value;
use crate::error::{DataError, Result};

/// Appends the canonical text of a value; nothing for an empty one.
pub(crate) fn write_value(value: Value, out: &mut String) {
    // Writing into a string does not fail.
    let _ = match value {
        Value::Empty => Ok(()),
        Value::Integer(number) => write!(out, "{number}"),
        Value::Decimal(units) => write_decimal(units, out),
        Value::Boolean(is) => write!(out, "{is}"),
        Value::Date(days) => match Timestamp::from_second(i64::from(days) * 86_400) {
            Ok(at) => write!(out, "{}", TimeZone::UTC.to_datetime(at).date()),
            Err(_) => Ok(()),
        },
        Value::Time(micros) => {
            let seconds = micros / 1_000_000;
            let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            write_fraction(micros % 1_000_000, 6, out)
        }
        Value::Instant(micros, offset) => match Timestamp::from_microsecond(micros) {
            Ok(at) => match offset.filter(|minutes| *minutes != 0).map(|m| Offset::from_seconds(i32::from(m) * 60)) {
                Some(Ok(offset)) => write!(out, "{}", at.display_with_offset(offset)),
                _ => write!(out, "{at}"),
            },
            Err(_) => Ok(()),
        },
    };
}

fn write_decimal(units: i128, out: &mut String) -> std::fmt::Result {
    const ONE: u128 = 10_u128.pow(AttributeType::DECIMAL_SCALE as u32);
    let size = units.unsigned_abs();
    if units < 0 {
        out.push('-');
    }
    write!(out, "{}", size / ONE)?;
    write_fraction(i64::try_from(size % ONE).unwrap_or_default(), AttributeType::DECIMAL_SCALE as usize, out)
}

/// Appends a point and the digits of a fraction, without the zeros at its end; nothing when all are zeros.
fn write_fraction(value: i64, digits: usize, out: &mut String) -> std::fmt::Result {
    if value == 0 {
        return Ok(());
    }
    write!(out, ".{value:0digits$}")?;
    out.truncate(out.trim_end_matches('0').len());
    Ok(())
}

/// One column of a snapshot, whose values can be had one by one.
pub(crate) enum Column {
    Text(StringViewArray),
    Integer(Int64Array),
    Decimal(Decimal128Array),
    Boolean(BooleanArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    /// With the offsets, where they are known.
    Instant(TimestampMicrosecondArray, Option<Int16Array>),
}

impl Column {
    /// A column as a snapshot has it.
    pub(crate) fn new(array: &ArrayRef, offsets: Option<&ArrayRef>) -> Result<Self> {
        let kind = attribute_type(array.data_type())
            .ok_or_else(|| DataError::Internal(format!("a column of type {}", array.data_type())))?;
        Ok(match kind {
            AttributeType::Text => Self::Text(cast(array, &DataType::Utf8View)?.as_string_view().clone()),
            AttributeType::Integer => Self::Integer(array.as_primitive::<Int64Type>().clone()),
            AttributeType::Decimal => Self::Decimal(array.as_primitive::<Decimal128Type>().clone()),
            AttributeType::Boolean => Self::Boolean(array.as_boolean().clone()),
            AttributeType::Date => Self::Date(array.as_primitive::<Date32Type>().clone()),
            AttributeType::Time => Self::Time(array.as_primitive::<Time64MicrosecondType>().clone()),
            AttributeType::DateTime => Self::Instant(
                array.as_primitive::<TimestampMicrosecondType>().clone(),
                offsets.and_then(|array| array.as_primitive_opt::<Int16Type>()).cloned(),
            ),
        })
    }

    /// The text, where it is a column of text and the value is not empty.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(array) => array.is_valid(row).then(|| array.value(row)).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// The value, where it is no column of text.
    pub(crate) fn value(&self, row: usize) -> Value {
        match self {
            Self::Integer(array) if array.is_valid(row) => Value::Integer(array.value(row)),
            Self::Decimal(array) if array.is_valid(row) => Value::Decimal(array.value(row)),
            Self::Boolean(array) if array.is_valid(row) => Value::Boolean(array.value(row)),
            Self::Date(array) if array.is_valid(row) => Value::Date(array.value(row)),
            Self::Time(array) if array.is_valid(row) => Value::Time(array.value(row)),
            Self::Instant(array, offsets) if array.is_valid(row) => {
                let offset = offsets.as_ref().filter(|offsets| offsets.is_valid(row)).map(|offsets| offsets.value(row));
                Value::Instant(array.value(row), offset)
            }
            _ => Value::Empty,
        }
    }

    /// The canonical text; none for an empty value.
    pub(crate) fn canonical(&self, row: usize) -> Option<String> {
        if let Self::Text(_) = self {
            return self.text(row).map(str::to_owned);
        }
        match self.value(row) {
            Value::Empty => None,
            value => {
                let mut text = String::new();
                write_value(value, &mut text);
                Some(text)
            }
        }
    }
}

/// The rows of a batch of a snapshot as text, each as long as `attributes`; none is an empty value.
///
/// # Errors
/// [`DataError::UnknownAttribute`] when the batch lacks one of them.
pub(crate) fn rows_as_text(batch: &RecordBatch, attributes: &[Attribute]) -> Result<Vec<Vec<Option<String>>>> {
    let columns = attributes
        .iter()
        .map(|attribute| {
            let array = batch.column_by_name(&attribute.name).ok_or(DataError::UnknownAttribute)?;
            Column::new(array, batch.column_by_name(&offset_column(&attribute.name)))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((0..batch.num_rows()).map(|row| columns.iter().map(|column| column.canonical(row)).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::{Value, write_value};

    #[test]
    fn every_kind_of_value_has_one_text() {
        for (value, expected) in [
            (Value::Empty, ""),
            (Value::Integer(-42), "-42"),
            (Value::Decimal(125_000_000_000), "12.5"),
            (Value::Decimal(-1), "-0.0000000001"),
            (Value::Decimal(30_000_000_000), "3"),
            (Value::Boolean(true), "true"),
            (Value::Date(0), "1970-01-01"),
            (Value::Date(-719_162), "0001-01-01"),
            (Value::Time(34_200_000_000), "09:30:00"),
            (Value::Time(1_500_000), "00:00:01.5"),
            (Value::Instant(0, None), "1970-01-01T00:00:00Z"),
            (Value::Instant(0, Some(0)), "1970-01-01T00:00:00Z"),
            (Value::Instant(1_500_000, Some(-210)), "1969-12-31T20:30:01.5-03:30"),
        ] {
            let mut text = String::new();
            write_value(value, &mut text);
            assert_eq!(text, expected);
        }
    }
}
