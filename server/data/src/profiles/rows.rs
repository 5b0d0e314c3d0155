//! Rows of a source become batches of a snapshot: values are read as the attributes' types, the key is made, and a row
//! that does not fit is rejected whole.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int16Builder, Int64Builder, RecordBatch, StringBuilder,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt64Builder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use domain::attribute::{Attribute, AttributeType};
use domain::source::{ImportReport, RowFault};

use super::read::{Cell, MAX_LENGTH, RowSink};
use super::report::Account;
use super::schema::{SEQUENCE, arrow_type, sequence, snapshot_schema};
use super::text::write_value;
use super::value::{Forms, Value};
use crate::error::Result;

/// Rows of a batch.
pub(crate) const ROWS: usize = 8192;
/// A batch with this much text ends early.
const TEXT: usize = 4 * 1024 * 1024;
/// Rows between two signs of progress.
const PROGRESS: u64 = 32_768;

/// The columns of the batches: those of a snapshot, and the place of each row in the source.
pub(crate) fn batch_schema(attributes: &[Attribute]) -> SchemaRef {
    let mut fields = snapshot_schema(attributes).fields().to_vec();
    fields.push(Arc::new(Field::new(SEQUENCE, DataType::UInt64, false)));
    Arc::new(Schema::new(fields))
}

/// Where batches and signs of progress go.
pub(crate) trait Receiver {
    /// Takes a batch; an error when nobody wants it any more.
    fn batch(&mut self, batch: RecordBatch) -> Result<()>;
    /// Takes a sign of progress; an error when nobody waits for the end any more.
    fn progress(&mut self, report: ImportReport) -> Result<()>;
}

/// Makes the batches.
pub(crate) struct RowBuilder<'s, R> {
    attributes: &'s [Attribute],
    /// The place of the primary key among the attributes.
    key: Option<usize>,
    forms: &'s Forms,
    schema: SchemaRef,
    keys: StringBuilder,
    columns: Vec<ColumnBuilder>,
    places: UInt64Builder,
    rows: usize,
    text: usize,
    file: usize,
    pub(crate) account: Account,
    receiver: R,
    /// The values of the row at hand; of an attribute of text, nothing.
    values: Vec<Value>,
    key_text: String,
}

impl<'s, R: Receiver> RowBuilder<'s, R> {
    pub(crate) fn new(
        attributes: &'s [Attribute],
        key: Option<usize>,
        forms: &'s Forms,
        account: Account,
        receiver: R,
    ) -> Self {
        Self {
            attributes,
            key,
            forms,
            schema: batch_schema(attributes),
            keys: StringBuilder::new(),
            columns: attributes.iter().map(|attribute| ColumnBuilder::new(attribute.kind)).collect(),
            places: UInt64Builder::new(),
            rows: 0,
            text: 0,
            file: 0,
            account,
            receiver,
            values: vec![Value::Empty; attributes.len()],
            key_text: String::new(),
        }
    }

    /// The rows that follow are of the file with this number.
    pub(crate) fn begin_file(&mut self, file: usize) {
        self.file = file;
    }

    /// Gives the last batch; the account is left.
    pub(crate) fn finish(mut self) -> Result<Account> {
        self.flush()?;
        Ok(self.account)
    }

    /// Reads the row's values and its key; the fault of the first that does not fit.
    fn take<'a>(&mut self, cell: &dyn Fn(usize) -> Cell<'a>) -> Result<(), (RowFault, Option<usize>)> {
        let mut length = 0;
        for (place, attribute) in self.attributes.iter().enumerate() {
            let fault = |fault| (fault, Some(place));
            self.values[place] = match cell(place) {
                Cell::Fault(found) => return Err(fault(found)),
                Cell::Value(value) => value,
                Cell::Raw(text) if attribute.kind == AttributeType::Text => {
                    length += text.len();
                    Value::Empty
                }
                Cell::Raw(text) => match text.trim() {
                    "" => Value::Empty,
                    text => self.forms.read(attribute.kind, text).ok_or(fault(RowFault::Type))?,
                },
            };
        }
        if length > MAX_LENGTH {
            return Err((RowFault::TooLong, None));
        }
        self.key_text.clear();
        if let Some(key) = self.key {
            match cell(key) {
                Cell::Raw(text) if self.attributes[key].kind == AttributeType::Text => {
                    self.key_text.push_str(text.trim());
                }
                _ => write_value(self.values[key], &mut self.key_text),
            }
            if self.key_text.is_empty() {
                return Err((RowFault::KeyMissing, Some(key)));
            }
        }
        self.text += length + self.key_text.len();
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        arrays.push(Arc::new(self.keys.finish()));
        for column in &mut self.columns {
            column.finish(&mut arrays);
        }
        arrays.push(Arc::new(self.places.finish()));
        (self.rows, self.text) = (0, 0);
        self.receiver.batch(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }

    fn show_progress(&mut self) -> Result<()> {
        if self.account.read().is_multiple_of(PROGRESS) {
            self.receiver.progress(self.account.progress())?;
        }
        Ok(())
    }
}

impl<R: Receiver> RowSink for RowBuilder<'_, R> {
    fn row<'a>(&mut self, line: u64, cell: &dyn Fn(usize) -> Cell<'a>) -> Result<()> {
        match self.take(cell) {
            Err((fault, place)) => {
                let name = place.map(|place| self.attributes[place].name.as_str());
                self.account.reject(self.file, line, fault, name)?;
            }
            Ok(()) => {
                let number = self.account.accept();
                if self.key.is_none() {
                    use std::fmt::Write;
                    // Writing into a string does not fail.
                    let _ = write!(self.key_text, "row_{number}");
                }
                self.keys.append_value(&self.key_text);
                for (place, column) in self.columns.iter_mut().enumerate() {
                    column.append(self.values[place], || cell(place));
                }
                self.places.append_value(sequence(self.file, line));
                self.rows += 1;
                if self.rows >= ROWS || self.text >= TEXT {
                    self.flush()?;
                }
            }
        }
        self.show_progress()
    }

    fn fault(&mut self, line: u64, fault: RowFault) -> Result<()> {
        self.account.reject(self.file, line, fault, None)?;
        self.show_progress()
    }

    fn blank_lines(&mut self, count: u64) {
        self.account.blank_lines(count);
    }

    fn is_full(&self) -> bool {
        false
    }
}

enum ColumnBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Decimal(Decimal128Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Instant(TimestampMicrosecondBuilder, Int16Builder),
}

impl ColumnBuilder {
    fn new(kind: AttributeType) -> Self {
        match kind {
            AttributeType::Text => Self::Text(StringBuilder::new()),
            AttributeType::Integer => Self::Integer(Int64Builder::new()),
            AttributeType::Decimal => Self::Decimal(Decimal128Builder::new().with_data_type(arrow_type(kind))),
            AttributeType::Boolean => Self::Boolean(BooleanBuilder::new()),
            AttributeType::Date => Self::Date(Date32Builder::new()),
            AttributeType::Time => Self::Time(Time64MicrosecondBuilder::new()),
            AttributeType::DateTime => {
                Self::Instant(TimestampMicrosecondBuilder::new().with_data_type(arrow_type(kind)), Int16Builder::new())
            }
        }
    }

    /// Appends a value; one of another type, which no reader gives, would be null.
    fn append<'a>(&mut self, value: Value, cell: impl FnOnce() -> Cell<'a>) {
        match (self, value) {
            (Self::Text(builder), _) => match cell() {
                Cell::Raw(text) if !text.is_empty() => builder.append_value(text),
                _ => builder.append_null(),
            },
            (Self::Integer(builder), Value::Integer(value)) => builder.append_value(value),
            (Self::Decimal(builder), Value::Decimal(value)) => builder.append_value(value),
            (Self::Boolean(builder), Value::Boolean(value)) => builder.append_value(value),
            (Self::Date(builder), Value::Date(value)) => builder.append_value(value),
            (Self::Time(builder), Value::Time(value)) => builder.append_value(value),
            (Self::Instant(at, offset), Value::Instant(micros, minutes)) => {
                at.append_value(micros);
                offset.append_option(minutes);
            }
            (Self::Integer(builder), _) => builder.append_null(),
            (Self::Decimal(builder), _) => builder.append_null(),
            (Self::Boolean(builder), _) => builder.append_null(),
            (Self::Date(builder), _) => builder.append_null(),
            (Self::Time(builder), _) => builder.append_null(),
            (Self::Instant(at, offset), _) => {
                at.append_null();
                offset.append_null();
            }
        }
    }

    fn finish(&mut self, arrays: &mut Vec<ArrayRef>) {
        let values: ArrayRef = match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Instant(at, _) => Arc::new(at.finish()),
        };
        arrays.push(values);
        if let Self::Instant(_, offset) = self {
            arrays.push(Arc::new(offset.finish()));
        }
    }
}
