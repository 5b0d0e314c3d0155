//! Writing and opening snapshots: how the Parquet files are laid out, and how parts of them are read.

use std::cmp::Ordering;
use std::fs::File;

use datafusion::arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::UInt64Type;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::metadata::SortingColumn;
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::schema::types::ColumnPath;
use object_store::path::Path as StorePath;

use super::schema::{KEY, SEQUENCE};
use crate::error::{DataError, Result};
use crate::store::DataStore;

/// Rows of a row group: small enough that a page of profiles and a searched key touch little, and that a writer holds
/// little; large enough that a scan does not notice.
const GROUP_ROWS: usize = 64 * 1024;
/// Bytes of a row group, which a writer holds in memory: fewer rows, where they are long.
pub(crate) const GROUP_BYTES: usize = 32 * 1024 * 1024;

/// How Ferry's Parquet files are laid out. `key` is a column of unique texts by which the rows are sorted.
pub(crate) fn writer_properties(key: Option<&str>) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by("ferry".to_owned())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_compression(Compression::LZ4_RAW)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    if let Some(key) = key {
        let path = ColumnPath::new(vec![key.to_owned()]);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path, EnabledStatistics::Page)
            .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]));
    }
    properties.build()
}

/// Takes the rows of a snapshot, sorted by key and place, apart into those to keep and the places of the others: of the
/// rows with one key, the first of the source stays.
#[derive(Default)]
pub(crate) struct FirstOfKey {
    last: Option<String>,
}

impl FirstOfKey {
    /// The rows of the next batch to keep, as a snapshot has them, and the places of the others. None where a key is
    /// smaller than the one before it.
    pub(crate) fn split(&mut self, batch: &RecordBatch) -> Result<Option<(RecordBatch, Vec<u64>)>> {
        let column = |name| batch.column_by_name(name).ok_or(DataError::UnknownAttribute);
        let keys = column(KEY)?.as_string::<i32>();
        let places = column(SEQUENCE)?.as_primitive::<UInt64Type>();
        let mut repeated = Vec::new();
        let mut is_first = Vec::with_capacity(batch.num_rows());
        let mut last = self.last.as_deref();
        for row in 0..batch.num_rows() {
            let key = Some(keys.value(row));
            match key.cmp(&last) {
                Ordering::Less => return Ok(None),
                Ordering::Equal => repeated.push(places.value(row)),
                Ordering::Greater => {}
            }
            is_first.push(key != last);
            last = key;
        }
        let last = last.map(str::to_owned);
        self.last = last;
        let columns: Vec<usize> = (0..batch.num_columns() - 1).collect();
        let kept = batch.project(&columns)?;
        let kept = if repeated.is_empty() { kept } else { filter_record_batch(&kept, &BooleanArray::from(is_first))? };
        Ok(Some((kept, repeated)))
    }
}

/// An open file of the data directory: reading is up to the caller.
pub(crate) fn open(store: &DataStore, path: &StorePath) -> Result<(File, ArrowReaderMetadata)> {
    let file = File::open(store.local(path)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => DataError::Missing,
        _ => error.into(),
    })?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    Ok((file, metadata))
}

/// The bounds of a text column in a row group, where the file says them: every value lies between.
pub(crate) fn bounds(metadata: &ArrowReaderMetadata, group: usize, column: usize) -> Option<(String, String)> {
    let statistics = metadata.metadata().row_group(group).column(column).statistics()?;
    let text = |bytes: Option<&[u8]>| std::str::from_utf8(bytes?).ok().map(str::to_owned);
    Some((text(statistics.min_bytes_opt())?, text(statistics.max_bytes_opt())?))
}

/// The number of rows.
pub(crate) fn row_count(metadata: &ArrowReaderMetadata) -> u64 {
    metadata.metadata().file_metadata().num_rows().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};

    use super::super::schema::{KEY, SEQUENCE};
    use super::FirstOfKey;

    #[test]
    fn of_the_rows_with_one_key_the_first_stays_also_across_batches() {
        let batch = |keys: Vec<&str>, places: Vec<u64>| {
            RecordBatch::try_from_iter([
                (KEY, Arc::new(StringArray::from(keys)) as ArrayRef),
                (SEQUENCE, Arc::new(UInt64Array::from(places)) as ArrayRef),
            ])
            .expect("a batch")
        };
        let mut first = FirstOfKey::default();
        let mut split = |batch| first.split(&batch).expect("split");
        let (kept, repeated) = split(batch(vec!["a", "b", "b"], vec![3, 1, 4])).expect("in order");
        assert_eq!((kept.num_rows(), kept.num_columns(), repeated), (2, 1, vec![4]));
        let (kept, repeated) = split(batch(vec!["b", "c"], vec![5, 2])).expect("in order");
        assert_eq!((kept.num_rows(), repeated), (1, vec![5]));
        assert!(split(batch(vec!["c", "b"], vec![6, 7])).is_none(), "a smaller key in a batch");
    }
}
