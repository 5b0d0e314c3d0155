//! Writing plans, ledgers and reports row by row. It does not decide what is written.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeBinaryBuilder, RecordBatch, StringBuilder, UInt64Builder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use domain::marking::property_of;
use domain::run::RowReason;
use object_store::path::Path as StorePath;
use serde::{Deserialize, Serialize};

use super::files::{BATCH_ROWS, LedgerNote, TableWriter, hash_type, ledger, shared, tags_type};
use super::payload::HASH_BYTES;
use super::{PlanSummary, TagCount, TagOp, TroubledRow, tags};
use crate::error::Result;
use crate::store::DataStore;

/// The columns of a plan.
pub(super) mod plan {
    pub(in super::super) const EMAIL: &str = "email";
    /// The profile's key; null for an address that is in the ledger only.
    pub(in super::super) const KEY: &str = "key";
    /// The number among the rows to send; null for a row that is not sent.
    pub(in super::super) const ROW: &str = "row";
    pub(in super::super) const PAYLOAD: &str = "payload";
    pub(in super::super) const HASH: &str = "payload_hash";
    pub(in super::super) const IN_LEDGER: &str = "in_ledger";
    pub(in super::super) const IS_MEMBER: &str = "is_member";
    pub(in super::super) const ADD: &str = "add_tags";
    pub(in super::super) const REMOVE: &str = "remove_tags";
    /// Why the row is troubled already; null for the others.
    pub(in super::super) const REASON: &str = "reason";
}

/// What belongs to the whole of a plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanNote {
    pub(super) summary: PlanSummary,
    /// What the bits of a set of tags stand for.
    pub(super) tags: Vec<String>,
    /// How often each tag is added or removed, in the order in which they are worked off; no zeros.
    pub(super) tag_counts: Vec<TagCount>,
}

/// A row of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanRow<'a> {
    pub(super) email: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) row: Option<u64>,
    pub(super) payload: Option<&'a str>,
    pub(super) hash: Option<&'a [u8]>,
    pub(super) in_ledger: bool,
    pub(super) is_member: bool,
    pub(super) add: &'a [u8],
    pub(super) remove: &'a [u8],
    pub(super) reason: Option<RowReason>,
}

/// A plan that is being written.
pub(super) struct PlanWriter {
    table: TableWriter,
    schema: SchemaRef,
    rows: usize,
    email: StringBuilder,
    key: StringBuilder,
    row: UInt64Builder,
    payload: StringBuilder,
    hash: FixedSizeBinaryBuilder,
    in_ledger: BooleanBuilder,
    is_member: BooleanBuilder,
    add: FixedSizeBinaryBuilder,
    remove: FixedSizeBinaryBuilder,
    reason: StringBuilder,
    /// Additions and removals of each tag so far.
    added: Vec<u64>,
    removed: Vec<u64>,
    /// Removals from contacts that are not sent.
    removed_alone: Vec<u64>,
}

impl PlanWriter {
    pub(super) fn create(store: &DataStore, path: &StorePath, tag_count: usize) -> Result<Self> {
        let width = tags::width(tag_count) as i32;
        let schema = shared(Schema::new(vec![
            Field::new(plan::EMAIL, DataType::Utf8, false),
            Field::new(plan::KEY, DataType::Utf8, true),
            Field::new(plan::ROW, DataType::UInt64, true),
            Field::new(plan::PAYLOAD, DataType::Utf8, true),
            Field::new(plan::HASH, hash_type(), true),
            Field::new(plan::IN_LEDGER, DataType::Boolean, false),
            Field::new(plan::IS_MEMBER, DataType::Boolean, false),
            Field::new(plan::ADD, tags_type(tag_count), false),
            Field::new(plan::REMOVE, tags_type(tag_count), false),
            Field::new(plan::REASON, DataType::Utf8, true),
        ]));
        Ok(Self {
            table: TableWriter::create(store, path, schema.clone(), &[plan::ROW])?,
            schema,
            rows: 0,
            email: StringBuilder::new(),
            key: StringBuilder::new(),
            row: UInt64Builder::new(),
            payload: StringBuilder::new(),
            hash: FixedSizeBinaryBuilder::new(HASH_BYTES as i32),
            in_ledger: BooleanBuilder::new(),
            is_member: BooleanBuilder::new(),
            add: FixedSizeBinaryBuilder::new(width),
            remove: FixedSizeBinaryBuilder::new(width),
            reason: StringBuilder::new(),
            added: vec![0; tag_count],
            removed: vec![0; tag_count],
            removed_alone: vec![0; tag_count],
        })
    }

    pub(super) fn push(&mut self, row: PlanRow<'_>) -> Result<()> {
        self.email.append_value(row.email);
        self.key.append_option(row.key);
        self.row.append_option(row.row);
        self.payload.append_option(row.payload);
        match row.hash {
            Some(hash) => self.hash.append_value(hash)?,
            None => self.hash.append_null(),
        }
        self.in_ledger.append_value(row.in_ledger);
        self.is_member.append_value(row.is_member);
        self.add.append_value(row.add)?;
        self.remove.append_value(row.remove)?;
        self.reason.append_option(row.reason.map(RowReason::as_str));
        let alone = if row.row.is_none() { row.remove } else { &[] };
        let sets = [(row.add, &mut self.added), (row.remove, &mut self.removed), (alone, &mut self.removed_alone)];
        for (set, counts) in sets {
            for tag in tags::places(set) {
                if let Some(count) = counts.get_mut(tag) {
                    *count += 1;
                }
            }
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.email.finish()),
            Arc::new(self.key.finish()),
            Arc::new(self.row.finish()),
            Arc::new(self.payload.finish()),
            Arc::new(self.hash.finish()),
            Arc::new(self.in_ledger.finish()),
            Arc::new(self.is_member.finish()),
            Arc::new(self.add.finish()),
            Arc::new(self.remove.finish()),
            Arc::new(self.reason.finish()),
        ];
        self.rows = 0;
        self.table.write(&RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    /// Ends the plan. The numbers of tag changes are filled into the summary.
    pub(super) fn finish(mut self, mut summary: PlanSummary, tags: Vec<String>) -> Result<PlanSummary> {
        self.flush()?;
        summary.tags_to_add = self.added.iter().sum();
        summary.tags_to_remove = self.removed.iter().sum();
        // Marks of the other kind go because the marking has changed, not because people leave.
        let is_property = |mark: &String| property_of(mark).is_some();
        let own = summary.tags.first().map(is_property);
        let of_own_kind =
            tags.iter().zip(&self.removed).filter(|(mark, _)| own.is_none_or(|own| own == is_property(mark)));
        summary.most_removed = of_own_kind.map(|(_, removed)| *removed).max().unwrap_or_default();
        // A property goes with the contact that is sent; only who is not sent takes a request.
        let none = vec![0; tags.len()];
        let counts = |op, of_tags: &[u64], of_properties: &[u64]| -> Vec<TagCount> {
            let named = tags.iter().zip(of_tags.iter().zip(of_properties)).map(|(tag, (of_tag, of_property))| {
                let changes = if property_of(tag).is_some() { *of_property } else { *of_tag };
                TagCount { op, tag: tag.clone(), changes }
            });
            named.filter(|count| count.changes > 0).collect()
        };
        let mut tag_counts = counts(TagOp::Add, &self.added, &none);
        tag_counts.extend(counts(TagOp::Remove, &self.removed, &self.removed_alone));
        summary.tag_changes = tag_counts.iter().map(|count| count.changes).sum();
        self.table.finish(&PlanNote { summary: summary.clone(), tags, tag_counts })?;
        Ok(summary)
    }
}

/// A ledger that is being written.
pub(super) struct LedgerWriter {
    table: TableWriter,
    schema: SchemaRef,
    rows: usize,
    email: StringBuilder,
    hash: FixedSizeBinaryBuilder,
    tags: FixedSizeBinaryBuilder,
    in_doubt: FixedSizeBinaryBuilder,
    names: Vec<String>,
}

impl LedgerWriter {
    pub(super) fn create(store: &DataStore, path: &StorePath, names: Vec<String>) -> Result<Self> {
        let schema = shared(ledger::schema(names.len()));
        let width = tags::width(names.len()) as i32;
        Ok(Self {
            table: TableWriter::create(store, path, schema.clone(), &[])?,
            schema,
            rows: 0,
            email: StringBuilder::new(),
            hash: FixedSizeBinaryBuilder::new(HASH_BYTES as i32),
            tags: FixedSizeBinaryBuilder::new(width),
            in_doubt: FixedSizeBinaryBuilder::new(width),
            names,
        })
    }

    pub(super) fn push(&mut self, email: &str, hash: &[u8], tags: &[u8], in_doubt: &[u8]) -> Result<()> {
        self.email.append_value(email);
        self.hash.append_value(hash)?;
        self.tags.append_value(tags)?;
        self.in_doubt.append_value(in_doubt)?;
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.email.finish()),
            Arc::new(self.hash.finish()),
            Arc::new(self.tags.finish()),
            Arc::new(self.in_doubt.finish()),
        ];
        self.rows = 0;
        self.table.write(&RecordBatch::try_new(self.schema.clone(), columns)?)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.table.finish(&LedgerNote { tags: self.names })
    }
}

/// The columns of a report of troubled rows.
pub(super) mod troubled {
    pub(in super::super) const KEY: &str = "key";
    pub(in super::super) const EMAIL: &str = "email";
    pub(in super::super) const REASON: &str = "reason";
    pub(in super::super) const DETAIL: &str = "detail";
}

/// What belongs to the whole of a report: rows by reason.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct TroubledNote {
    pub(super) reasons: Vec<(RowReason, u64)>,
}

/// A report of troubled rows that is being written.
pub(super) struct TroubledWriter {
    table: TableWriter,
    schema: SchemaRef,
    rows: usize,
    columns: [StringBuilder; 4],
    pub(super) reasons: std::collections::BTreeMap<RowReason, u64>,
}

impl TroubledWriter {
    pub(super) fn create(store: &DataStore, path: &StorePath) -> Result<Self> {
        let names = [troubled::KEY, troubled::EMAIL, troubled::REASON, troubled::DETAIL];
        let schema = shared(Schema::new(names.map(|name| Field::new(name, DataType::Utf8, false)).to_vec()));
        Ok(Self {
            table: TableWriter::create(store, path, schema.clone(), &[])?,
            schema,
            rows: 0,
            columns: std::array::from_fn(|_| StringBuilder::new()),
            reasons: std::collections::BTreeMap::new(),
        })
    }

    pub(super) fn push(&mut self, row: &TroubledRow) -> Result<()> {
        let values = [row.key.as_str(), row.email.as_str(), row.reason.as_str(), row.detail.as_str()];
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.append_value(value);
        }
        *self.reasons.entry(row.reason).or_default() += 1;
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let columns = self.columns.each_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        self.rows = 0;
        self.table.write(&RecordBatch::try_new(self.schema.clone(), columns.to_vec())?)
    }

    /// Ends the report; gives the rows by reason.
    pub(super) fn finish(mut self) -> Result<Vec<(RowReason, u64)>> {
        self.flush()?;
        let reasons: Vec<(RowReason, u64)> = self.reasons.into_iter().collect();
        self.table.finish(&TroubledNote { reasons: reasons.clone() })?;
        Ok(reasons)
    }
}
