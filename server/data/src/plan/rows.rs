//! Reading a plan row by row, whole or only some of its columns. It does not know what the rows are read for.

use std::fs::File;

use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::{Array, BooleanArray, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::datatypes::UInt64Type;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use domain::run::RowReason;

use super::files::{bytes_column, damaged, text_column};
use super::writers::{PlanRow, plan};
use crate::error::Result;

/// Only these columns of a file.
pub(super) fn only(
    file: ParquetRecordBatchReaderBuilder<File>,
    columns: &[&str],
) -> ParquetRecordBatchReaderBuilder<File> {
    let mask = ProjectionMask::columns(file.parquet_schema(), columns.iter().copied());
    file.with_projection(mask)
}

/// A batch of a plan with all its columns.
pub(super) struct PlanBatch<'a> {
    email: &'a StringArray,
    key: &'a StringArray,
    row: &'a UInt64Array,
    payload: &'a StringArray,
    hash: &'a FixedSizeBinaryArray,
    in_ledger: &'a BooleanArray,
    is_member: &'a BooleanArray,
    add: &'a FixedSizeBinaryArray,
    remove: &'a FixedSizeBinaryArray,
    reason: &'a StringArray,
}

impl<'a> PlanBatch<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Result<Self> {
        Ok(Self {
            email: text_column(batch, plan::EMAIL)?,
            key: text_column(batch, plan::KEY)?,
            row: rows_column(batch)?,
            payload: text_column(batch, plan::PAYLOAD)?,
            hash: bytes_column(batch, plan::HASH)?,
            in_ledger: flags_column(batch, plan::IN_LEDGER)?,
            is_member: flags_column(batch, plan::IS_MEMBER)?,
            add: bytes_column(batch, plan::ADD)?,
            remove: bytes_column(batch, plan::REMOVE)?,
            reason: text_column(batch, plan::REASON)?,
        })
    }

    pub(super) fn row(&self, at: usize) -> Result<PlanRow<'a>> {
        let reason =
            optional_text(self.reason, at).map(|name| RowReason::parse(name).ok_or_else(|| damaged("a reason")));
        Ok(PlanRow {
            email: self.email.value(at),
            key: optional_text(self.key, at),
            row: self.row.is_valid(at).then(|| self.row.value(at)),
            payload: optional_text(self.payload, at),
            hash: self.hash.is_valid(at).then(|| self.hash.value(at)),
            in_ledger: self.in_ledger.value(at),
            is_member: self.is_member.value(at),
            add: self.add.value(at),
            remove: self.remove.value(at),
            reason: reason.transpose()?,
        })
    }
}

/// The numbers of the rows to send.
pub(super) fn rows_column(batch: &RecordBatch) -> Result<&UInt64Array> {
    let column = batch.column_by_name(plan::ROW).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    column.ok_or_else(|| damaged(plan::ROW))
}

/// A column of truth values.
pub(super) fn flags_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BooleanArray> {
    batch.column_by_name(name).and_then(|column| column.as_boolean_opt()).ok_or_else(|| damaged(name))
}

/// A text; none where it is null.
pub(super) fn optional_text(column: &StringArray, at: usize) -> Option<&str> {
    column.is_valid(at).then(|| column.value(at))
}
