//! Reading a plan back, batch by batch: the rows to send, and the changes of each tag. Readers stay open between calls,
//! so that reading forward touches each row once; going back, or starting in the middle, begins anew at a row group.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use datafusion::parquet::file::statistics::Statistics;
use domain::id::RunId;
use domain::marking::property_of;
use object_store::path::Path as StorePath;

use super::files::{bytes_column, damaged, note, open, text_column};
use super::rows::{flags_column, only, rows_column};
use super::writers::{PlanNote, plan};
use super::{PlanSummary, PlannedContact, TagChange, TagCount, TagOp, tags};
use crate::DataEngine;
use crate::error::Result;
use crate::store::{DataStore, plan_path};

impl DataEngine {
    /// Opens the plan of a run; [`DataError::Missing`](crate::DataError::Missing) where there is none.
    pub async fn open_plan(&self, run: RunId) -> Result<PlanReader> {
        let engine = self.clone();
        self.run_blocking(move || {
            let path = plan_path(run);
            let note = note(&open(engine.store(), &path)?)?;
            Ok(PlanReader {
                inner: Arc::new(Inner { engine, path, note, contacts: Mutex::default(), tags: Mutex::default() }),
            })
        })
        .await
    }
}

/// A plan that is being worked off. Clones share their place.
#[derive(Clone)]
pub struct PlanReader {
    inner: Arc<Inner>,
}

struct Inner {
    engine: DataEngine,
    path: StorePath,
    note: PlanNote,
    contacts: Mutex<Option<ContactCursor>>,
    tags: Mutex<HashMap<(TagOp, usize), TagCursor>>,
}

impl std::fmt::Debug for PlanReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlanReader").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl PlanReader {
    /// What the plan does.
    pub fn summary(&self) -> &PlanSummary {
        &self.inner.note.summary
    }

    /// How often each tag is added or removed, in the order in which to work them off; no zeros.
    pub fn tag_counts(&self) -> &[TagCount] {
        &self.inner.note.tag_counts
    }

    /// The rows to send from number `first_row` on, at most `limit`; fewer only at the end.
    pub async fn contacts(&self, first_row: u64, limit: usize) -> Result<Vec<PlannedContact>> {
        let inner = self.inner.clone();
        self.inner
            .engine
            .run_blocking(move || {
                let mut place = inner.contacts.lock().unwrap_or_else(PoisonError::into_inner);
                // Whatever goes wrong, the next call begins anew.
                let mut cursor = match place.take() {
                    Some(cursor) if cursor.can_reach(first_row) => cursor,
                    _ => ContactCursor::open(inner.engine.store(), &inner.path, first_row)?,
                };
                let contacts = cursor.take(first_row, limit)?;
                *place = Some(cursor);
                Ok(contacts)
            })
            .await
    }

    /// The changes of one tag from number `first` on, at most `limit`; fewer only at the end.
    pub async fn tag_changes(&self, op: TagOp, tag: &str, first: u64, limit: usize) -> Result<Vec<TagChange>> {
        let only_alone = property_of(tag).is_some();
        let Some(tag) = self.inner.note.tags.iter().position(|one| one == tag) else { return Ok(Vec::new()) };
        let inner = self.inner.clone();
        self.inner
            .engine
            .run_blocking(move || {
                let mut places = inner.tags.lock().unwrap_or_else(PoisonError::into_inner);
                let mut cursor = match places.remove(&(op, tag)) {
                    Some(cursor) if cursor.next <= first => cursor,
                    _ => TagCursor::open(inner.engine.store(), &inner.path, op, tag, only_alone)?,
                };
                let changes = cursor.take(first, limit)?;
                if changes.len() == limit {
                    places.insert((op, tag), cursor);
                }
                Ok(changes)
            })
            .await
    }
}

/// A place among the rows to send.
struct ContactCursor {
    reader: ParquetRecordBatchReader,
    batch: Option<(RecordBatch, usize)>,
    /// The number of the next row; none before the first is seen.
    next: u64,
}

/// How far a cursor reads on rather than open the file again.
const NEAR: u64 = 50_000;

impl ContactCursor {
    /// Opens the plan at the row group in which the row lies.
    fn open(store: &DataStore, path: &StorePath, first_row: u64) -> Result<Self> {
        let file = only(open(store, path)?, &[plan::EMAIL, plan::KEY, plan::ROW, plan::PAYLOAD]);
        let column = file.schema().index_of(plan::ROW).map_err(|_| damaged(plan::ROW))?;
        let groups = file.metadata().row_groups().iter().enumerate().filter(|(_, group)| {
            // Groups without a row to send have no greatest row.
            match group.column(column).statistics() {
                Some(Statistics::Int64(rows)) => rows.max_opt().is_some_and(|last| *last as u64 >= first_row),
                _ => true,
            }
        });
        let groups: Vec<usize> = groups.map(|(index, _)| index).collect();
        Ok(Self { reader: file.with_row_groups(groups).build()?, batch: None, next: 0 })
    }

    fn can_reach(&self, row: u64) -> bool {
        self.next <= row && row - self.next < NEAR
    }

    fn take(&mut self, first_row: u64, limit: usize) -> Result<Vec<PlannedContact>> {
        let mut taken = Vec::with_capacity(limit.min(4096));
        while taken.len() < limit {
            let Some((batch, at)) = &mut self.batch else {
                match self.reader.next() {
                    Some(batch) => self.batch = Some((batch?, 0)),
                    None => break,
                }
                continue;
            };
            let rows = rows_column(batch)?;
            let (email, key) = (text_column(batch, plan::EMAIL)?, text_column(batch, plan::KEY)?);
            let payload = text_column(batch, plan::PAYLOAD)?;
            while *at < batch.num_rows() && taken.len() < limit {
                if rows.is_valid(*at) && rows.value(*at) >= first_row {
                    taken.push(PlannedContact {
                        row: rows.value(*at),
                        key: key.value(*at).to_owned(),
                        email: email.value(*at).to_owned(),
                        payload: payload.value(*at).to_owned(),
                    });
                }
                *at += 1;
            }
            if *at == batch.num_rows() {
                self.batch = None;
            }
        }
        self.next = taken.last().map_or(first_row, |last| last.row + 1);
        Ok(taken)
    }
}

/// A place among the changes of one tag.
struct TagCursor {
    reader: ParquetRecordBatchReader,
    batch: Option<(RecordBatch, usize)>,
    column: &'static str,
    tag: usize,
    /// Contacts that are sent take this change with them.
    only_alone: bool,
    next: u64,
}

impl TagCursor {
    fn open(store: &DataStore, path: &StorePath, op: TagOp, tag: usize, only_alone: bool) -> Result<Self> {
        let column = match op {
            TagOp::Add => plan::ADD,
            TagOp::Remove => plan::REMOVE,
        };
        let file = only(open(store, path)?, &[plan::EMAIL, plan::ROW, plan::IN_LEDGER, column]);
        Ok(Self { reader: file.build()?, batch: None, column, tag, only_alone, next: 0 })
    }

    fn take(&mut self, first: u64, limit: usize) -> Result<Vec<TagChange>> {
        let mut taken = Vec::with_capacity(limit.min(4096));
        while taken.len() < limit {
            let Some((batch, at)) = &mut self.batch else {
                match self.reader.next() {
                    Some(batch) => self.batch = Some((batch?, 0)),
                    None => break,
                }
                continue;
            };
            let rows = rows_column(batch)?;
            let (email, sets) = (text_column(batch, plan::EMAIL)?, bytes_column(batch, self.column)?);
            let in_ledger = flags_column(batch, plan::IN_LEDGER)?;
            while *at < batch.num_rows() && taken.len() < limit {
                if tags::has(sets.value(*at), self.tag) && !(self.only_alone && rows.is_valid(*at)) {
                    if self.next >= first {
                        taken.push(TagChange {
                            number: self.next,
                            email: email.value(*at).to_owned(),
                            needs_row: (!in_ledger.value(*at) && rows.is_valid(*at)).then(|| rows.value(*at)),
                        });
                    }
                    self.next += 1;
                }
                *at += 1;
            }
            if *at == batch.num_rows() {
                self.batch = None;
            }
        }
        Ok(taken)
    }
}
