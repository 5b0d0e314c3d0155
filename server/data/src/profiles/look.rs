//! Looking at a snapshot: its attributes, and pages of its profiles, all or those that a search finds.
//!
//! Rows are sorted by key, so a page is a range of rows, and the keys with some start are one too: it is found by the
//! bounds of row groups, reading at most the keys of the two groups in which it begins and ends. E-mail addresses stand
//! in no order: their columns, and only those, are read whole.

use std::fs::File;

use datafusion::arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::DataType;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use domain::attribute::{Attribute, AttributeType};
use domain::names;
use domain::paging::PageRequest;

use super::schema::attributes_of;
use super::snapshot;
use super::text::rows_as_text;
use crate::error::{DataError, Result};
use crate::store::DataStore;

/// Rows as text, each as long as the snapshot's attributes.
pub type TextRows = Vec<Vec<Option<String>>>;

/// A snapshot that is open for looking.
pub(super) struct Snapshot {
    file: File,
    metadata: ArrowReaderMetadata,
    attributes: Vec<Attribute>,
}

impl Snapshot {
    pub(super) fn open(store: &DataStore, number: i64) -> Result<Self> {
        let (file, metadata) = snapshot::open(store, &crate::store::snapshot_path(number))?;
        let attributes = attributes_of(metadata.schema());
        Ok(Self { file, metadata, attributes })
    }

    pub(super) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    pub(super) fn row_count(&self) -> u64 {
        snapshot::row_count(&self.metadata)
    }

    /// A page of the profiles that a search finds, and how many there are in all. An empty search finds all.
    pub(super) fn page(&self, search: &str, page: PageRequest) -> Result<(TextRows, u64)> {
        let search = search.trim();
        let (first, size) = (page.offset(), u64::from(page.size));
        if search.is_empty() {
            let total = self.row_count();
            let last = first.saturating_add(size).min(total);
            return Ok((self.texts(&(first..last).collect::<Vec<_>>())?, total));
        }
        let (rows, total) = self.find(search, first, size)?;
        Ok((self.texts(&rows)?, total))
    }

    /// The rows that a search finds, from the `first`, at most `size`, and how many it finds in all.
    fn find(&self, search: &str, first: u64, size: u64) -> Result<(Vec<u64>, u64)> {
        let mut found = Found { first, size, rows: Vec::new(), total: 0 };
        let emails = self.email_columns();
        let lower = search.to_lowercase();
        let mut group_start = 0;
        for group in 0..self.metadata.metadata().num_row_groups() {
            let rows = self.metadata.metadata().row_group(group).num_rows().unsigned_abs();
            let keys = self.keys_in(group, rows, search)?;
            if emails.is_empty() {
                found.range(group_start + keys.start, group_start + keys.end);
            } else {
                let mut row = 0;
                for batch in self.columns(group, &emails)? {
                    let batch = batch?;
                    let columns = batch
                        .columns()
                        .iter()
                        .map(|array| cast(array, &DataType::Utf8View))
                        .collect::<Result<Vec<_>, _>>()?;
                    let columns: Vec<&StringViewArray> = columns.iter().map(|array| array.as_string_view()).collect();
                    for index in 0..batch.num_rows() {
                        let is_found = keys.contains(&row) || columns.iter().any(|texts| starts(texts, index, &lower));
                        if is_found {
                            found.range(group_start + row, group_start + row + 1);
                        }
                        row += 1;
                    }
                }
            }
            group_start += rows;
        }
        Ok((found.rows, found.total))
    }

    /// The rows of a group whose keys start with `start`: they stand together.
    fn keys_in(&self, group: usize, rows: u64, start: &str) -> Result<std::ops::Range<u64>> {
        if let Some((least, greatest)) = snapshot::bounds(&self.metadata, group, 0) {
            let is_before = greatest.as_str() < start;
            let is_after = least.as_str() > start && !least.starts_with(start);
            if is_before || is_after {
                return Ok(0..0);
            }
            if least.starts_with(start) && greatest.starts_with(start) {
                return Ok(0..rows);
            }
        }
        let mut range: Option<std::ops::Range<u64>> = None;
        let mut row = 0;
        for batch in self.columns(group, &[0])? {
            let batch = batch?;
            let keys = batch.column(0).as_string_opt::<i32>().ok_or(DataError::UnknownAttribute)?;
            for index in 0..keys.len() {
                if keys.value(index).starts_with(start) {
                    range.get_or_insert(row..row).end = row + 1;
                }
                row += 1;
            }
        }
        Ok(range.unwrap_or(0..0))
    }

    /// Some columns of a group.
    fn columns(
        &self,
        group: usize,
        columns: &[usize],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, datafusion::arrow::error::ArrowError>>> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.try_clone()?, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(8192)
            .build()?)
    }

    /// The columns that hold e-mail addresses, by their names.
    fn email_columns(&self) -> Vec<usize> {
        self.attributes
            .iter()
            .filter(|attribute| attribute.kind == AttributeType::Text && names::is_email(&attribute.name))
            .filter_map(|attribute| self.metadata.schema().index_of(&attribute.name).ok())
            .collect()
    }

    /// The rows with these numbers, which ascend, as text.
    fn texts(&self, rows: &[u64]) -> Result<TextRows> {
        let (Some(_), Some(_)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
        let (groups, selection) = self.selection(rows);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.try_clone()?, self.metadata.clone())
            .with_row_groups(groups)
            .with_row_selection(selection)
            .with_batch_size(rows.len())
            .build()?;
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        rows_as_text(&concat_batches(self.metadata.schema(), &batches)?, &self.attributes)
    }

    /// The groups in which these rows stand, and the rows among those of these groups.
    fn selection(&self, rows: &[u64]) -> (Vec<usize>, RowSelection) {
        let mut groups = Vec::new();
        let mut selectors = Vec::new();
        let mut start = 0;
        let mut rest = rows;
        for (group, metadata) in self.metadata.metadata().row_groups().iter().enumerate() {
            let end = start + metadata.num_rows().unsigned_abs();
            let here = rest.partition_point(|row| *row < end);
            if here > 0 {
                groups.push(group);
                let mut at = start;
                for row in &rest[..here] {
                    selectors.push(RowSelector::skip(usize::try_from(row - at).unwrap_or(usize::MAX)));
                    selectors.push(RowSelector::select(1));
                    at = row + 1;
                }
                selectors.push(RowSelector::skip(usize::try_from(end - at).unwrap_or(usize::MAX)));
                rest = &rest[here..];
            }
            start = end;
        }
        // Makes neighbours one and drops what is empty.
        (groups, RowSelection::from_iter(selectors))
    }
}

/// Does the address begin so? Without regard to case and to blanks before it.
fn starts(texts: &StringViewArray, row: usize, lower: &str) -> bool {
    if texts.is_null(row) {
        return false;
    }
    let text = texts.value(row).trim_start();
    match text.get(..lower.len()) {
        Some(start) if start.is_ascii() => start.eq_ignore_ascii_case(lower),
        _ => text.to_lowercase().starts_with(lower),
    }
}

/// Counts what a search finds and keeps the rows of one page.
struct Found {
    first: u64,
    size: u64,
    rows: Vec<u64>,
    total: u64,
}

impl Found {
    /// These rows are found too; they follow those before.
    fn range(&mut self, start: u64, end: u64) {
        let skip = self.first.saturating_sub(self.total);
        self.total += end - start;
        let left = self.size - self.rows.len() as u64;
        self.rows.extend(
            (start..end).skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(usize::try_from(left).unwrap_or(0)),
        );
    }
}

/// A page of the rejected rows of a snapshot: those that could not be read in their order, then those with the key of
/// an earlier row.
pub(super) fn rejected(
    store: &DataStore,
    number: i64,
    page: PageRequest,
) -> Result<domain::paging::Page<domain::source::RejectedRow>> {
    let (file, metadata) = snapshot::open(store, &crate::store::rejected_path(number))?;
    let total = snapshot::row_count(&metadata);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
        .with_offset(usize::try_from(page.offset()).unwrap_or(usize::MAX))
        .with_limit(page.size as usize)
        .build()?;
    let mut items = Vec::new();
    for batch in reader {
        items.extend(super::report::rejected_rows(&batch?)?);
    }
    Ok(domain::paging::Page { items, page, total })
}
