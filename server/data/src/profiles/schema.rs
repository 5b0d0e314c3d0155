//! What a profile snapshot looks like inside: one Arrow type for each attribute type, and Ferry's own columns.
//!
//! A snapshot is one Parquet file. Its columns are, in this order: the profile's key, then the attributes in the order of
//! the source, each date-time followed by the offset that the source wrote. Rows are sorted by the key, byte by byte,
//! and no key stands twice.
//!
//! Names of Ferry's own columns begin with a control character, which the names of attributes never contain.

use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use domain::attribute::{Attribute, AttributeType};

/// The column of the profile's key: the text of the primary key, or `row_1`, `row_2`, … where there is none. Never null.
pub const KEY: &str = "\u{1f}key";

/// While a snapshot is being made: the place of a row in its source, see [`sequence`].
pub(crate) const SEQUENCE: &str = "\u{1f}row";

/// The place of a row in a source, which orders rows as the files, by name, and their lines do.
pub(crate) fn sequence(file: usize, line: u64) -> u64 {
    ((file as u64) << FILE_SHIFT) | line
}

/// The file and the line of a place.
pub(crate) fn file_and_line(sequence: u64) -> (usize, u64) {
    ((sequence >> FILE_SHIFT) as usize, sequence & ((1 << FILE_SHIFT) - 1))
}

/// 2⁴⁴ lines in a file, and a million files.
const FILE_SHIFT: u32 = 44;

/// The mark that ends the name of a column of offsets.
const OFFSET: &str = "\u{1f}offset";

/// The column that keeps, for an attribute of type [`AttributeType::DateTime`], the offset from UTC that the source
/// wrote, in minutes (`Int16`); null where the value is null or was written without an offset.
pub fn offset_column(attribute: &str) -> String {
    format!("{attribute}{OFFSET}")
}

/// Is this a column of Ferry's own, which people do not see?
pub fn is_hidden(column: &str) -> bool {
    column.contains('\u{1f}')
}

/// The Arrow type of an attribute type.
pub fn arrow_type(kind: AttributeType) -> DataType {
    match kind {
        AttributeType::Text => DataType::Utf8,
        AttributeType::Integer => DataType::Int64,
        AttributeType::Decimal => DataType::Decimal128(38, AttributeType::DECIMAL_SCALE),
        AttributeType::Boolean => DataType::Boolean,
        AttributeType::Date => DataType::Date32,
        AttributeType::Time => DataType::Time64(TimeUnit::Microsecond),
        AttributeType::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// The attribute type that an Arrow type stands for in a snapshot; none for a type that no snapshot has.
pub fn attribute_type(kind: &DataType) -> Option<AttributeType> {
    match kind {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => Some(AttributeType::Text),
        other => AttributeType::ALL.into_iter().find(|candidate| arrow_type(*candidate) == *other),
    }
}

/// The columns of a snapshot of these attributes.
pub fn snapshot_schema(attributes: &[Attribute]) -> Schema {
    let mut fields = vec![Field::new(KEY, DataType::Utf8, false)];
    for attribute in attributes {
        fields.push(Field::new(&attribute.name, arrow_type(attribute.kind), true));
        if attribute.kind == AttributeType::DateTime {
            fields.push(Field::new(offset_column(&attribute.name), DataType::Int16, true));
        }
    }
    Schema::new(fields)
}

/// The attributes of a snapshot with these columns.
pub fn attributes_of(schema: &Schema) -> Vec<Attribute> {
    schema
        .fields()
        .iter()
        .filter(|field| !is_hidden(field.name()))
        .filter_map(|field| {
            let kind = attribute_type(field.data_type())?;
            Some(Attribute { name: field.name().clone(), kind })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::attribute::{Attribute, AttributeType};

    use super::{attributes_of, snapshot_schema};

    #[test]
    fn a_snapshot_gives_back_the_attributes_it_was_made_of() {
        let attributes: Vec<Attribute> =
            AttributeType::ALL.into_iter().map(|kind| Attribute { name: kind.as_str().to_owned(), kind }).collect();
        let schema = snapshot_schema(&attributes);
        assert_eq!(schema.fields().len(), 9);
        assert_eq!(attributes_of(&schema), attributes);
    }
}
