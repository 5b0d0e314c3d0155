//! The rows of a run that did not arrive, read page by page or as a stream; and removing the files of runs.

use std::fs::File;

use datafusion::arrow::array::RecordBatch;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use domain::id::{ExportId, RunId};
use domain::paging::{Page, PageRequest};
use domain::run::RowReason;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path as StorePath;
use tokio::sync::mpsc;

use super::TroubledRow;
use super::files::{damaged, note, open, text_column};
use super::writers::{TroubledNote, troubled};
use crate::DataEngine;
use crate::error::{DataError, Result};
use crate::store::{DataStore, ledger_path, left_path, snapshot_path, troubled_path};

impl DataEngine {
    /// One page of the rows of a run that did not arrive; empty before the run is closed.
    pub async fn troubled_page(&self, run: RunId, page: PageRequest) -> Result<Page<TroubledRow>> {
        let engine = self.clone();
        self.run_blocking(move || {
            let Some(file) = report(engine.store(), run)? else {
                return Ok(Page { items: Vec::new(), page, total: 0 });
            };
            let total = u64::try_from(file.metadata().file_metadata().num_rows()).unwrap_or_default();
            let offset = usize::try_from(page.offset().min(total)).unwrap_or(usize::MAX);
            let size = usize::try_from(page.size).unwrap_or(usize::MAX);
            let mut items = Vec::new();
            for batch in file.with_offset(offset).with_limit(size).build()? {
                items.extend(rows_of(&batch?)?);
            }
            Ok(Page { items, page, total })
        })
        .await
    }

    /// The rows of a run that did not arrive, by reason; empty before the run is closed.
    pub async fn troubled_counts(&self, run: RunId) -> Result<Vec<(RowReason, u64)>> {
        let engine = self.clone();
        self.run_blocking(move || match report(engine.store(), run)? {
            Some(file) => Ok(note::<TroubledNote>(&file)?.reasons),
            None => Ok(Vec::new()),
        })
        .await
    }

    /// Some rows of a run that did not arrive: of each reason at most so many; none before the run is closed.
    pub async fn troubled_examples(&self, run: RunId, of_each: usize) -> Result<Vec<TroubledRow>> {
        let engine = self.clone();
        self.run_blocking(move || {
            let Some(file) = report(engine.store(), run)? else { return Ok(Vec::new()) };
            let counts = note::<TroubledNote>(&file)?.reasons;
            let of_each_reason =
                |(_, count): &(RowReason, u64)| usize::try_from(*count).map_or(of_each, |n| n.min(of_each));
            let wanted: usize = counts.iter().map(of_each_reason).sum();
            let mut examples: Vec<TroubledRow> = Vec::with_capacity(wanted);
            for batch in file.build()? {
                for row in rows_of(&batch?)? {
                    if examples.iter().filter(|one| one.reason == row.reason).count() < of_each {
                        examples.push(row);
                    }
                }
                if examples.len() >= wanted {
                    break;
                }
            }
            Ok(examples)
        })
        .await
    }

    /// All rows of a run that did not arrive, for a download; empty before the run is closed. Rows are read as they are
    /// taken; dropping the stream ends the reading.
    pub async fn troubled_stream(&self, run: RunId) -> Result<BoxStream<'static, Result<TroubledRow>>> {
        let engine = self.clone();
        let Some(file) = self.run_blocking(move || report(engine.store(), run)).await? else {
            return Ok(futures::stream::empty().boxed());
        };
        let (sender, mut receiver) = mpsc::channel(2);
        let engine = self.clone();
        tokio::spawn(async move {
            let done = engine.run_blocking(move || {
                let end = send_all(file, &sender);
                // A download that breaks off must not look like a whole one.
                if let Err(error) = end {
                    let _ = sender.blocking_send(Err(error));
                }
                Ok(())
            });
            if let Err(error) = done.await {
                tracing::warn!(%error, "a report of troubled rows was not read to its end");
            }
        });
        let batches = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
        let rows = batches.flat_map(|rows| {
            let rows = match rows {
                Ok(rows) => rows.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            futures::stream::iter(rows)
        });
        Ok(rows.boxed())
    }

    /// Are the profiles of this snapshot there?
    pub fn has_snapshot(&self, number: i64) -> bool {
        self.store().exists(&snapshot_path(number))
    }

    /// Is the ledger there that a run of an export left?
    pub fn has_ledger(&self, export: ExportId, run: RunId) -> bool {
        self.store().exists(&ledger_path(export, run))
    }

    /// Removes the ledger that a run of an export left; one that is not there is no fault.
    pub async fn remove_ledger(&self, export: ExportId, run: RunId) -> Result<()> {
        let engine = self.clone();
        self.run_blocking(move || {
            engine.store().remove(&left_path(export, run))?;
            engine.store().remove(&ledger_path(export, run))
        })
        .await
    }

    /// Removes plan and report of a run.
    pub async fn remove_run_files(&self, run: RunId) -> Result<()> {
        self.remove_folder(StorePath::from(format!("runs/{run}"))).await
    }

    /// Removes all ledgers of an export. Its next run would send everybody again.
    pub async fn remove_export_files(&self, export: ExportId) -> Result<()> {
        self.remove_folder(StorePath::from(format!("ledgers/{export}"))).await
    }

    async fn remove_folder(&self, folder: StorePath) -> Result<()> {
        let engine = self.clone();
        self.run_blocking(move || match std::fs::remove_dir_all(engine.store().local(&folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        })
        .await
    }
}

/// Sends the rows of a report until they end or nobody takes them any more.
fn send_all(
    file: ParquetRecordBatchReaderBuilder<File>,
    sender: &mpsc::Sender<Result<Vec<TroubledRow>>>,
) -> Result<()> {
    for batch in file.build()? {
        if sender.blocking_send(Ok(rows_of(&batch?)?)).is_err() {
            break;
        }
    }
    Ok(())
}

fn report(store: &DataStore, run: RunId) -> Result<Option<ParquetRecordBatchReaderBuilder<File>>> {
    match open(store, &troubled_path(run)) {
        Ok(file) => Ok(Some(file)),
        Err(DataError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

fn rows_of(batch: &RecordBatch) -> Result<Vec<TroubledRow>> {
    let (keys, emails) = (text_column(batch, troubled::KEY)?, text_column(batch, troubled::EMAIL)?);
    let (reasons, details) = (text_column(batch, troubled::REASON)?, text_column(batch, troubled::DETAIL)?);
    (0..batch.num_rows())
        .map(|row| {
            Ok(TroubledRow {
                key: keys.value(row).to_owned(),
                email: emails.value(row).to_owned(),
                reason: RowReason::parse(reasons.value(row)).ok_or_else(|| damaged("a reason"))?,
                detail: details.value(row).to_owned(),
            })
        })
        .collect()
}
