//! What the tests of several parts share: an engine over an empty folder, and snapshots written by value.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int16Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use domain::attribute::{Attribute, AttributeType};
use jiff::Timestamp;
use jiff::civil::{Date, Time, date};

use crate::profiles::schema::snapshot_schema;
use crate::store::snapshot_path;
use crate::{DataEngine, DataOptions};

/// A value as the tests write it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    /// Units of 10⁻¹⁰.
    Decimal(i128),
    Boolean(bool),
    Date(Date),
    Time(Time),
    DateTime(Timestamp),
}

/// An engine over an empty folder.
pub(crate) fn engine() -> (tempfile::TempDir, DataEngine) {
    let root = tempfile::tempdir().expect("a folder");
    let engine = engine_with(root.path(), DataOptions::MEMORY_LIMIT);
    (root, engine)
}

/// An engine over a folder, with a memory limit.
pub(crate) fn engine_with(root: &std::path::Path, memory_limit: usize) -> DataEngine {
    let mut options = DataOptions::new(root);
    options.threads = 1;
    options.memory_limit = memory_limit;
    DataEngine::new(options).expect("an engine")
}

/// Writes a snapshot of these rows, keyed `k000`, `k001`, ….
pub(crate) fn write_snapshot(engine: &DataEngine, number: i64, attributes: &[Attribute], rows: &[Vec<Option<Value>>]) {
    let schema = Arc::new(snapshot_schema(attributes));
    let keys: StringArray = (0..rows.len()).map(|row| Some(format!("k{row:03}"))).collect();
    let mut columns: Vec<ArrayRef> = vec![Arc::new(keys)];
    for (place, attribute) in attributes.iter().enumerate() {
        let cells: Vec<Option<Value>> = rows.iter().map(|row| row[place].clone()).collect();
        columns.push(array(attribute.kind, cells));
        if attribute.kind == AttributeType::DateTime {
            columns.push(Arc::new(Int16Array::from(vec![None::<i16>; rows.len()])));
        }
    }
    let file = engine.store().create(&snapshot_path(number)).expect("a file");
    let mut writer = ArrowWriter::try_new(file, schema.clone(), None).expect("a writer");
    writer.write(&RecordBatch::try_new(schema, columns).expect("a batch")).expect("written");
    writer.into_inner().expect("finished").commit().expect("committed");
}

fn array(kind: AttributeType, cells: Vec<Option<Value>>) -> ArrayRef {
    fn each<T>(cells: Vec<Option<Value>>, pick: impl Fn(Value) -> Option<T>) -> Vec<Option<T>> {
        cells.into_iter().map(|cell| cell.map(|value| pick(value).expect("a value of the column's type"))).collect()
    }
    let epoch = date(1970, 1, 1);
    match kind {
        AttributeType::Text => Arc::new(StringArray::from(each(cells, |v| match v {
            Value::Text(text) => Some(text),
            _ => None,
        }))),
        AttributeType::Integer => Arc::new(Int64Array::from(each(cells, |v| match v {
            Value::Integer(number) => Some(number),
            _ => None,
        }))),
        AttributeType::Decimal => {
            let units = each(cells, |v| match v {
                Value::Decimal(units) => Some(units),
                _ => None,
            });
            let array = Decimal128Array::from(units).with_precision_and_scale(38, AttributeType::DECIMAL_SCALE);
            Arc::new(array.expect("a decimal"))
        }
        AttributeType::Boolean => Arc::new(BooleanArray::from(each(cells, |v| match v {
            Value::Boolean(truth) => Some(truth),
            _ => None,
        }))),
        AttributeType::Date => Arc::new(Date32Array::from(each(cells, |v| match v {
            Value::Date(day) => Some(day.since(epoch).expect("days").get_days()),
            _ => None,
        }))),
        AttributeType::Time => Arc::new(Time64MicrosecondArray::from(each(cells, |v| match v {
            Value::Time(time) => Some(time.duration_since(Time::midnight()).as_micros() as i64),
            _ => None,
        }))),
        AttributeType::DateTime => {
            let instants = each(cells, |v| match v {
                Value::DateTime(instant) => Some(instant.as_microsecond()),
                _ => None,
            });
            Arc::new(TimestampMicrosecondArray::from(instants).with_timezone("UTC"))
        }
    }
}

pub(crate) fn attribute(name: &str, kind: AttributeType) -> Attribute {
    Attribute { name: name.to_owned(), kind }
}
