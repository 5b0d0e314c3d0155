//! The columns of plans, ledgers and reports of troubled rows, and how they are written and read row by row. It does not
//! know why a row is there.
//!
//! All three are Parquet, in the order of the addresses, byte by byte. What belongs to a whole file (a plan's summary,
//! the names of the tags that its bits stand for) lies in the file's own metadata.

use std::fs::File;
use std::sync::Arc;

use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::{FixedSizeBinaryArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::metadata::KeyValue;
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use object_store::path::Path as StorePath;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::payload::HASH_BYTES;
use super::tags;
use crate::error::{DataError, Result};
use crate::profiles::snapshot::GROUP_BYTES;
use crate::store::{DataStore, FileWriter};

/// Rows that are decoded or written at once.
pub(super) const BATCH_ROWS: usize = 4096;
/// Rows of a row group: what a writer holds in memory, and what a reader that begins in the middle skips at least.
const GROUP_ROWS: usize = 65_536;
/// Under which name a file keeps what belongs to the whole of it.
const NOTE: &str = "ferry";

pub(super) fn hash_type() -> DataType {
    DataType::FixedSizeBinary(HASH_BYTES as i32)
}

pub(super) fn tags_type(tag_count: usize) -> DataType {
    DataType::FixedSizeBinary(tags::width(tag_count) as i32)
}

/// A Parquet file that is being written, with small row groups, in this thread.
pub(super) struct TableWriter {
    writer: ArrowWriter<FileWriter>,
}

impl TableWriter {
    /// Begins a file. Statistics are kept for `indexed` columns only: those that a reader begins in the middle by.
    pub(super) fn create(store: &DataStore, path: &StorePath, schema: SchemaRef, indexed: &[&str]) -> Result<Self> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES));
        for column in indexed {
            properties = properties.set_column_statistics_enabled((*column).into(), EnabledStatistics::Chunk);
        }
        let writer = ArrowWriter::try_new(store.create(path)?, schema, Some(properties.build()))?;
        Ok(Self { writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.writer.write(batch)?)
    }

    /// Adds what belongs to the whole file, syncs it and gives it its name.
    pub(super) fn finish(mut self, note: &impl Serialize) -> Result<()> {
        let note = serde_json::to_string(note).map_err(|error| DataError::Internal(error.to_string()))?;
        self.writer.append_key_value_metadata(KeyValue::new(NOTE.to_owned(), note));
        self.writer.into_inner()?.commit()
    }
}

/// A file of ours, opened for reading.
pub(super) fn open(store: &DataStore, path: &StorePath) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = match File::open(store.local(path)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(DataError::Missing),
        other => other?,
    };
    Ok(ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS))
}

/// What belongs to the whole of a file.
pub(super) fn note<T: DeserializeOwned>(file: &ParquetRecordBatchReaderBuilder<File>) -> Result<T> {
    let entries = file.metadata().file_metadata().key_value_metadata();
    let note = entries.into_iter().flatten().find(|entry| entry.key == NOTE).and_then(|entry| entry.value.as_deref());
    let note = note.ok_or_else(|| damaged("its note"))?;
    serde_json::from_str(note).map_err(|_| damaged("its note"))
}

/// A file of ours that is not as we write it.
pub(super) fn damaged(what: &str) -> DataError {
    DataError::Storage(format!("a file of the data directory lacks {what}"))
}

/// A column of text of one of our files.
pub(super) fn text_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt()).ok_or_else(|| damaged(name))
}

/// A column of hashes or sets of tags of one of our files.
pub(super) fn bytes_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a FixedSizeBinaryArray> {
    let column = batch.column_by_name(name).and_then(|column| column.as_fixed_size_binary_opt());
    column.ok_or_else(|| damaged(name))
}

/// The columns of a ledger.
pub(super) mod ledger {
    use super::{DataType, Field, HASH_BYTES, Schema, hash_type, tags_type};

    pub(in super::super) const EMAIL: &str = "email";
    pub(in super::super) const HASH: &str = "payload_hash";
    pub(in super::super) const TAGS: &str = "tags";
    /// Tags that the contact may have or not: a request about them went out, and nobody said what became of it.
    pub(in super::super) const IN_DOUBT: &str = "tags_in_doubt";
    /// In the place of a payload's hash where nobody knows what the destination holds: no payload has it.
    pub(in super::super) const UNKNOWN: [u8; HASH_BYTES] = [0; HASH_BYTES];

    pub(in super::super) fn schema(tag_count: usize) -> Schema {
        Schema::new(vec![
            Field::new(EMAIL, DataType::Utf8, false),
            Field::new(HASH, hash_type(), false),
            Field::new(TAGS, tags_type(tag_count), false),
            Field::new(IN_DOUBT, tags_type(tag_count), false),
        ])
    }
}

/// What belongs to the whole of a ledger.
#[derive(Debug, Clone, Default, Serialize, serde::Deserialize)]
pub(super) struct LedgerNote {
    /// What the bits of a set of tags stand for.
    pub(super) tags: Vec<String>,
}

/// A ledger that is read from its first address to its last. Without a file it is an empty ledger.
pub(super) struct LedgerCursor {
    reader: Option<ParquetRecordBatchReader>,
    batch: Option<(RecordBatch, usize)>,
    /// Where each of the file's tags stands in the list that the reader wants.
    places: Vec<usize>,
    tags: Vec<u8>,
    in_doubt: Vec<u8>,
}

impl LedgerCursor {
    /// The tags of a ledger.
    pub(super) fn tags_of(store: &DataStore, path: Option<&StorePath>) -> Result<Vec<String>> {
        Ok(match path {
            Some(path) => note::<LedgerNote>(&open(store, path)?)?.tags,
            None => Vec::new(),
        })
    }

    /// Opens a ledger; its sets of tags come out as places in `wanted`, which must hold all of its tags.
    pub(super) fn open(store: &DataStore, path: Option<&StorePath>, wanted: &[String]) -> Result<Self> {
        Self::open_with(store, path, wanted, |place| place.ok_or_else(|| damaged("a tag")))
    }

    /// Opens a ledger of which only the tags in `wanted` matter.
    pub(super) fn open_part(store: &DataStore, path: &StorePath, wanted: &[String]) -> Result<Self> {
        // A place behind every set is put nowhere.
        Self::open_with(store, Some(path), wanted, |place| Ok(place.unwrap_or(usize::MAX)))
    }

    fn open_with(
        store: &DataStore,
        path: Option<&StorePath>,
        wanted: &[String],
        place_of: impl Fn(Option<usize>) -> Result<usize>,
    ) -> Result<Self> {
        let (mut reader, mut places) = (None, Vec::new());
        if let Some(path) = path {
            let file = open(store, path)?;
            for tag in note::<LedgerNote>(&file)?.tags {
                places.push(place_of(wanted.iter().position(|one| *one == tag))?);
            }
            reader = Some(file.build()?);
        }
        let none = vec![0; tags::width(wanted.len())];
        let mut cursor = Self { reader, batch: None, places, tags: none.clone(), in_doubt: none };
        cursor.load(0)?;
        Ok(cursor)
    }

    /// The address at the cursor; none at the end.
    pub(super) fn email(&self) -> Option<&str> {
        let (batch, row) = self.batch.as_ref()?;
        Some(batch.column(0).as_string::<i32>().value(*row))
    }

    /// The hash at the cursor.
    pub(super) fn hash(&self) -> &[u8] {
        match &self.batch {
            Some((batch, row)) => batch.column(1).as_fixed_size_binary().value(*row),
            None => &[],
        }
    }

    /// The tags that the contact at the cursor has.
    pub(super) fn tags(&self) -> &[u8] {
        &self.tags
    }

    /// The tags that it may have or not; none of them is in [`tags`](Self::tags).
    pub(super) fn in_doubt(&self) -> &[u8] {
        &self.in_doubt
    }

    /// Is it the destination's own secret whether there is such a contact? It was sent, was never confirmed, and stands
    /// here for what it may carry.
    pub(super) fn may_be_missing(&self) -> bool {
        self.hash() == ledger::UNKNOWN && tags::is_empty(&self.tags)
    }

    /// Moves to the next address.
    pub(super) fn advance(&mut self) -> Result<()> {
        let next = self.batch.as_ref().map_or(0, |(_, row)| row + 1);
        self.load(next)
    }

    fn load(&mut self, row: usize) -> Result<()> {
        match &mut self.batch {
            Some((batch, at)) if row < batch.num_rows() => *at = row,
            _ => self.batch = self.next_batch()?.map(|batch| (batch, 0)),
        }
        if let Some((batch, row)) = &self.batch {
            for (column, found) in [(2, &mut self.tags), (3, &mut self.in_doubt)] {
                found.fill(0);
                for tag in tags::places(batch.column(column).as_fixed_size_binary().value(*row)) {
                    tags::put(found, self.places.get(tag).copied().ok_or_else(|| damaged("a tag"))?);
                }
            }
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        for batch in reader {
            let batch = batch?;
            text_column(&batch, ledger::EMAIL)?;
            bytes_column(&batch, ledger::HASH)?;
            bytes_column(&batch, ledger::TAGS)?;
            bytes_column(&batch, ledger::IN_DOUBT)?;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

/// The schema as writers want it.
pub(super) fn shared(schema: Schema) -> SchemaRef {
    Arc::new(schema)
}
