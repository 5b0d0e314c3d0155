//! Reading Parquet: typed columns become the values of attributes, row by row.
//!
//! | column | becomes |
//! |---|---|
//! | whole numbers up to 64 bits | integer; beyond the range of `i64`, a fault of the row |
//! | decimals with at most 10 digits after the point and 28 before | decimal; others text |
//! | floating point | decimal, if the shortest text of every value looked at is exact as one; otherwise text |
//! | booleans, days, times | the same; nanoseconds are cut to microseconds |
//! | timestamps in UTC or with a zone | date-time, with the offset of that zone at that instant |
//! | timestamps without a zone | date-time in the time zone of the data source |
//! | strings, also in a dictionary | text |
//! | bytes | text if they are UTF-8, otherwise a fault of the row |
//! | anything else | text, as Arrow prints it |
//!
//! An attribute of another type than its column is read from the column's canonical text, exactly as if it stood in a
//! CSV file. A file that is not what it says is refused whole ([`super::guard`]); the reader's own panics too.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, StringViewBuilder};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use domain::attribute::{Attribute, AttributeType};
use domain::source::{FileFault, RowFault};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Cell, MAX_LENGTH, RowSink, guard};
use crate::error::{DataError, Result};
use crate::profiles::schema::{arrow_type, attribute_type};
use crate::profiles::text::{Column, write_value};
use crate::profiles::value::{Forms, Value};

/// Days and microseconds of the years 1 to 9999.
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;
const MICROS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Stands for a value that is out of range; no canonical text is like it.
const OUT_OF_RANGE: &str = "\0";

/// A Parquet file that has been looked at and can be read.
pub(crate) struct ParquetFile {
    file: File,
    metadata: ArrowReaderMetadata,
}

impl ParquetFile {
    /// Looks at a file.
    pub(crate) fn open(mut file: File) -> Result<Self> {
        guard::check_footer(&mut file)?;
        refusing(move || {
            let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|_| FileFault::Format)?;
            guard::check_pages(&mut file, plain.metadata())?;
            let options = ArrowReaderOptions::new().with_schema(Arc::new(with_views(plain.schema())));
            let metadata = match ArrowReaderMetadata::try_new(plain.metadata().clone(), options) {
                Ok(metadata) => metadata,
                Err(_) => plain,
            };
            Ok(Self { file, metadata })
        })
    }

    /// The columns, with the types proposed for them. Those of floating point are decimals here.
    pub(crate) fn attributes(&self) -> Vec<Attribute> {
        let fields = self.metadata.schema().fields();
        fields.iter().map(|field| Attribute { name: field.name().clone(), kind: proposed(field.data_type()) }).collect()
    }

    /// Is this a column of floating point numbers?
    pub(crate) fn is_float(&self, name: &str) -> bool {
        self.metadata.schema().field_with_name(name).is_ok_and(|field| field.data_type().is_floating())
    }

    /// Gives all rows to the sink.
    ///
    /// # Errors
    /// [`FileFault::Header`] when the file lacks an attribute's column, [`FileFault::Format`] when it is broken.
    pub(crate) fn read_into(self, attributes: &[Attribute], forms: &Forms, sink: &mut impl RowSink) -> Result<()> {
        let schema = self.metadata.schema().clone();
        let roots = attributes
            .iter()
            .map(|attribute| schema.index_of(&attribute.name).map_err(|_| FileFault::Header))
            .collect::<Result<Vec<_>, _>>()?;
        let mut reader = refusing(|| self.reader(roots))?;
        let mut line = 1;
        while !sink.is_full() {
            let columns = refusing(|| {
                let Some(batch) = reader.next() else { return Ok(None) };
                let batch = batch.map_err(|_| FileFault::Format)?;
                Ok(Some((columns(&batch, attributes, forms)?, batch.num_rows())))
            })?;
            let Some((columns, rows)) = columns else { break };
            for row in 0..rows {
                if sink.is_full() {
                    break;
                }
                sink.row(line, &|place| columns[place].cell(row, forms))?;
                line += 1;
            }
        }
        Ok(())
    }

    fn reader(self, roots: Vec<usize>) -> Result<ParquetRecordBatchReader> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, self.metadata)
            .with_projection(mask)
            .with_batch_size(4096)
            .build()
            .map_err(|_| FileFault::Format.into())
    }
}

/// Turns a panic of the Parquet reader over a broken file into a refusal of the file.
fn refusing<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(FileFault::Format.into()))
}

/// The same columns, with texts as views: a text that stands many times in the file is held once.
fn with_views(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            DataType::Dictionary(_, value) if matches!(**value, DataType::Utf8 | DataType::LargeUtf8) => {
                DataType::Utf8View
            }
            other => other.clone(),
        };
        Field::new(field.name(), kind, field.is_nullable())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

fn proposed(kind: &DataType) -> AttributeType {
    match kind {
        kind if kind.is_integer() => AttributeType::Integer,
        kind if kind.is_floating() => AttributeType::Decimal,
        DataType::Decimal32(digits, scale)
        | DataType::Decimal64(digits, scale)
        | DataType::Decimal128(digits, scale)
        | DataType::Decimal256(digits, scale)
            if fits(*digits, *scale) =>
        {
            AttributeType::Decimal
        }
        DataType::Boolean => AttributeType::Boolean,
        DataType::Date32 | DataType::Date64 => AttributeType::Date,
        DataType::Time32(_) | DataType::Time64(_) => AttributeType::Time,
        DataType::Timestamp(_, _) => AttributeType::DateTime,
        DataType::Dictionary(_, value) => proposed(value),
        _ => AttributeType::Text,
    }
}

fn fits(digits: u8, scale: i8) -> bool {
    let own = AttributeType::DECIMAL_SCALE;
    (0..=own).contains(&scale) && i16::from(digits) - i16::from(scale) <= 38 - i16::from(own)
}

/// One column of a batch, as an attribute reads it.
enum Source {
    /// Text, which may still have to be read as the attribute's type.
    Texts(StringViewArray),
    /// The canonical texts of typed values; [`OUT_OF_RANGE`] stands for a value that has none.
    Canonical(StringViewArray),
    /// Bytes that should be text.
    Bytes(datafusion::arrow::array::BinaryViewArray),
    /// Values of the attribute's type; `original` knows which were values before they were cast.
    Values { column: Column, original: ArrayRef, zone: Zone },
}

/// What the offsets of a column of instants are.
enum Zone {
    /// No zone: the values are local times.
    Local,
    /// The zone of the column.
    Of(TimeZone),
}

fn columns(batch: &RecordBatch, attributes: &[Attribute], forms: &Forms) -> Result<Vec<Source>> {
    attributes
        .iter()
        .map(|attribute| {
            let array = batch.column_by_name(&attribute.name).ok_or(FileFault::Header)?;
            source(array, attribute.kind, forms)
        })
        .collect()
}

fn source(array: &ArrayRef, kind: AttributeType, forms: &Forms) -> Result<Source> {
    match array.data_type() {
        DataType::Utf8View => return Ok(Source::Texts(array.as_string_view().clone())),
        DataType::BinaryView => return Ok(Source::Bytes(array.as_binary_view().clone())),
        DataType::Utf8 | DataType::LargeUtf8 => {
            return Ok(Source::Texts(safe_cast(array, &DataType::Utf8View)?.as_string_view().clone()));
        }
        DataType::Dictionary(_, value) => return source(&safe_cast(array, value)?, kind, forms),
        _ => {}
    }
    if array.data_type().is_floating() {
        return Ok(Source::Texts(float_texts(array)?));
    }
    let own = proposed(array.data_type());
    if own == AttributeType::Text {
        return Ok(Source::Texts(printed(array)?));
    }
    let (target, zone) = match array.data_type() {
        DataType::Timestamp(_, None) => (DataType::Timestamp(TimeUnit::Microsecond, None), Zone::Local),
        DataType::Timestamp(_, Some(name)) => (arrow_type(own), Zone::Of(zone_named(name).ok_or(FileFault::Format)?)),
        _ => (arrow_type(own), Zone::Local),
    };
    let mut cast = safe_cast(array, &target)?;
    if own == AttributeType::DateTime {
        cast = safe_cast(&cast, &arrow_type(own))?;
    }
    debug_assert_eq!(attribute_type(cast.data_type()), Some(own));
    let values = Source::Values { column: Column::new(&cast, None)?, original: array.clone(), zone };
    if own == kind { Ok(values) } else { Ok(Source::Canonical(values.canonical_texts(forms))) }
}

/// Casts; a value that does not fit becomes null.
fn safe_cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(array, target, &options).map_err(|_| DataError::from(FileFault::Format))
}

/// The shortest texts that give the same numbers.
fn float_texts(array: &ArrayRef) -> Result<StringViewArray> {
    use std::fmt::Write;
    let is_single = *array.data_type() == DataType::Float32;
    let doubles = safe_cast(array, &DataType::Float64)?;
    let doubles = doubles.as_primitive::<datafusion::arrow::datatypes::Float64Type>();
    let mut texts = StringViewBuilder::with_capacity(doubles.len());
    let mut text = String::new();
    for value in doubles {
        text.clear();
        match value {
            None => texts.append_null(),
            Some(value) => {
                // Writing into a string does not fail. A single-precision number has fewer digits as one.
                #[expect(clippy::cast_possible_truncation, reason = "the column is of this precision")]
                let _ = if is_single { write!(text, "{}", value as f32) } else { write!(text, "{value}") };
                texts.append_value(&text);
            }
        }
    }
    Ok(texts.finish())
}

fn printed(array: &ArrayRef) -> Result<StringViewArray> {
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(array, &options).map_err(|_| FileFault::Format)?;
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
        } else {
            texts.append_value(formatter.value(row).try_to_string().map_err(|_| FileFault::Format)?);
        }
    }
    Ok(texts.finish())
}

/// The zone that Arrow names: an IANA name, or an offset such as `+02:00`.
fn zone_named(name: &str) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    let (sign, digits) = match name.as_bytes().first()? {
        b'+' => (1, &name[1..]),
        b'-' => (-1, &name[1..]),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i32>().ok()?, 0),
        4 => (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..)?.parse::<i32>().ok()?),
        _ => return None,
    };
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok()?;
    Some(TimeZone::fixed(offset))
}

impl Source {
    fn cell(&self, row: usize, forms: &Forms) -> Cell<'_> {
        match self {
            Self::Texts(texts) | Self::Canonical(texts) if texts.is_null(row) => Cell::Value(Value::Empty),
            Self::Texts(texts) => checked(texts.value(row)),
            Self::Canonical(texts) if texts.value(row) == OUT_OF_RANGE => Cell::Fault(RowFault::Type),
            Self::Canonical(texts) => Cell::Raw(texts.value(row)),
            Self::Bytes(bytes) if bytes.is_null(row) => Cell::Value(Value::Empty),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes.value(row)) {
                Ok(text) => checked(text),
                Err(_) => Cell::Fault(RowFault::Encoding),
            },
            Self::Values { column, original, zone } => {
                let value = match (column.value(row), zone) {
                    (Value::Empty, _) if original.is_valid(row) => None,
                    (Value::Date(days), _) => DAYS.contains(&days).then_some(Value::Date(days)),
                    (Value::Instant(micros, _), zone) => instant(micros, zone, forms),
                    (value, _) => Some(value),
                };
                value.map_or(Cell::Fault(RowFault::Type), Cell::Value)
            }
        }
    }

    /// The texts of the values.
    fn canonical_texts(&self, forms: &Forms) -> StringViewArray {
        let Self::Values { original, .. } = self else { return StringViewArray::new_null(0) };
        let mut texts = StringViewBuilder::with_capacity(original.len());
        let mut text = String::new();
        for row in 0..original.len() {
            text.clear();
            match self.cell(row, forms) {
                Cell::Value(Value::Empty) => texts.append_null(),
                Cell::Value(value) => {
                    write_value(value, &mut text);
                    texts.append_value(&text);
                }
                Cell::Raw(_) | Cell::Fault(_) => texts.append_value(OUT_OF_RANGE),
            }
        }
        texts.finish()
    }
}

fn checked(text: &str) -> Cell<'_> {
    if text.len() > MAX_LENGTH {
        Cell::Fault(RowFault::TooLong)
    } else if memchr::memchr(0, text.as_bytes()).is_some() {
        Cell::Fault(RowFault::NulCharacter)
    } else {
        Cell::Raw(text)
    }
}

fn instant(micros: i64, zone: &Zone, forms: &Forms) -> Option<Value> {
    if !MICROS.contains(&micros) {
        return None;
    }
    match zone {
        Zone::Of(zone) if *zone == TimeZone::UTC => Some(Value::Instant(micros, Some(0))),
        Zone::Of(zone) => {
            let at = Timestamp::from_microsecond(micros).ok()?;
            Some(Value::Instant(micros, i16::try_from(zone.to_offset(at).seconds() / 60).ok()))
        }
        Zone::Local if forms.zone == TimeZone::UTC => Some(Value::Instant(micros, None)),
        Zone::Local => {
            // The value counts as if the local time were UTC.
            let local = TimeZone::UTC.to_datetime(Timestamp::from_microsecond(micros).ok()?);
            let at = forms.zone.to_ambiguous_timestamp(local).compatible().ok()?;
            Some(Value::Instant(at.as_microsecond(), None))
        }
    }
}
