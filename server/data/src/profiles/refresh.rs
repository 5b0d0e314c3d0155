//! Refreshing: the files of a data source become one snapshot. One thread reads and decodes, the engine's threads sort
//! by key (spilling to disk), and a third writes; what lies between them is bounded, so memory does not grow with the
//! files.
//!
//! Rows are sorted whole rather than collected by key because everything after a refresh gains: a page of profiles is a
//! range of rows, a key is found by the bounds of row groups, joins with plans and ledgers can merge, and rows with one
//! key stand side by side, so that finding them needs no table of all keys.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, expressions};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use domain::source::{FileFault, Format, ImportReport, Source};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use super::read::csv::CsvReader;
use super::read::json::JsonReader;
use super::read::parquet::ParquetFile;
use super::report::Account;
use super::rows::{Receiver, RowBuilder, batch_schema};
use super::schema::{KEY, SEQUENCE, is_hidden, snapshot_schema};
use super::snapshot::{FirstOfKey, writer_properties};
use super::value::Forms;
use super::{header, rows};
use crate::engine::DataEngine;
use crate::error::{DataError, Result};
use crate::store::{DataStore, FileWriter, rejected_path, snapshot_path};

/// Batches that may wait between two threads.
const WAITING: usize = 2;

type Progress = Arc<dyn Fn(&ImportReport) + Send + Sync>;

/// Makes the snapshot of that number. The snapshot appears last: while it is not there, nothing is.
pub(super) async fn refresh(
    engine: DataEngine,
    source: Source,
    files: Vec<PathBuf>,
    number: i64,
    progress: Progress,
) -> Result<ImportReport> {
    check_attributes(&source)?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let reading = {
        let (source, progress, store) = (source.clone(), progress.clone(), engine.store().clone());
        tokio::task::spawn_blocking(move || read(&source, &files, &store, number, Sender { sender, progress }))
    };
    let mut sorted = sort(&engine, batch_schema(&source.attributes), receiver)?;
    // The first sorted batch comes after the last unsorted one: reading has ended then, well or badly.
    let first = sorted.next().await.transpose()?;
    let mut account = reading.await.map_err(|_| panicked())??;

    let (to_writer, batches) = mpsc::channel(WAITING);
    let writing = {
        let (schema, file) = (snapshot_schema(&source.attributes), engine.store().create(&snapshot_path(number))?);
        tokio::task::spawn_blocking(move || write(file, schema, batches))
    };
    let mut first_of_key = FirstOfKey::default();
    let mut rest = stream::iter(first.map(Ok)).chain(sorted);
    while let Some(batch) = rest.next().await {
        let (kept, repeated) = first_of_key.split(&batch?)?;
        for place in repeated {
            account.reject_repeated(place, source.primary_key.as_deref())?;
        }
        if to_writer.send(kept).await.is_err() {
            // The writer has given up; its error says why.
            break;
        }
    }
    drop(to_writer);
    let snapshot = writing.await.map_err(|_| panicked())??;
    let report = account.report();
    progress(&report);
    if report.accepted == 0 {
        return Err(FileFault::Empty.into());
    }
    let kept = tokio::task::spawn_blocking(move || {
        account.finish()?.commit()?;
        snapshot.commit()
    });
    kept.await.map_err(|_| panicked())??;
    Ok(report)
}

/// A data source must not ask for the impossible; the services let none through that does.
fn check_attributes(source: &Source) -> Result<()> {
    let mut names: Vec<&str> = source.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    names.sort_unstable();
    let is_sound = !names.is_empty()
        && names.windows(2).all(|pair| pair[0] != pair[1])
        && names.iter().all(|name| !is_hidden(name) && !name.is_empty())
        && source.primary_key.as_deref().is_none_or(|key| names.binary_search(&key).is_ok());
    if is_sound { Ok(()) } else { Err(DataError::UnknownAttribute) }
}

/// Reads all files, one after the other.
fn read(source: &Source, files: &[PathBuf], store: &DataStore, number: i64, sender: Sender) -> Result<Account> {
    let forms = Forms::of(&source.reading);
    let names = if files.len() > 1 { files.iter().map(|file| shown_name(file)).collect() } else { Vec::new() };
    let account = Account::open(store.create(&rejected_path(number))?, names)?;
    let key = match &source.primary_key {
        Some(name) => source.attributes.iter().position(|attribute| attribute.name == *name),
        None => None,
    };
    let mut rows = rows::RowBuilder::new(&source.attributes, key, &forms, account, sender);
    for (index, path) in files.iter().enumerate() {
        rows.begin_file(index);
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => FileFault::NotThere.into(),
            _ => DataError::from(error),
        })?;
        read_file(source, file, &forms, &mut rows)?;
    }
    rows.finish()
}

fn read_file(source: &Source, file: File, forms: &Forms, rows: &mut RowBuilder<'_, Sender>) -> Result<()> {
    match source.reading.format {
        Format::Csv => {
            let mut reader = CsvReader::new(file, source.reading.encoding, source.reading.delimiter);
            let Some(places) = header::places(&mut reader, source)? else { return Ok(()) };
            reader.read_into(&places, rows)
        }
        Format::Ndjson => {
            let names = source.attributes.iter().map(|attribute| attribute.name.as_str());
            JsonReader::new(file, names).read_into(rows)
        }
        Format::Parquet => ParquetFile::open(file)?.read_into(&source.attributes, forms, rows),
    }
}

fn shown_name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn panicked() -> DataError {
    DataError::Internal("a thread of a refresh panicked".to_owned())
}

/// The way from the reading thread to the sort.
struct Sender {
    sender: mpsc::Sender<RecordBatch>,
    progress: Progress,
}

impl Receiver for Sender {
    fn batch(&mut self, batch: RecordBatch) -> Result<()> {
        self.sender.blocking_send(batch).map_err(|_| DataError::Canceled)
    }

    fn progress(&mut self, report: ImportReport) -> Result<()> {
        if self.sender.is_closed() {
            return Err(DataError::Canceled);
        }
        (self.progress)(&report);
        Ok(())
    }
}

/// The way into the sort.
struct Unsorted {
    schema: SchemaRef,
    receiver: Mutex<Option<mpsc::Receiver<RecordBatch>>>,
}

impl std::fmt::Debug for Unsorted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unsorted")
    }
}

impl PartitionStream for Unsorted {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        // There is one receiver; a second execution, which nobody asks for, would find no rows.
        let receiver = self.receiver.lock().ok().and_then(|mut receiver| receiver.take());
        let batches = stream::unfold(receiver, |receiver| async move {
            let mut receiver = receiver?;
            let batch = receiver.recv().await?;
            Some((Ok(batch), Some(receiver)))
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

/// Sorts what is received by key and place.
fn sort(
    engine: &DataEngine,
    schema: SchemaRef,
    receiver: mpsc::Receiver<RecordBatch>,
) -> Result<SendableRecordBatchStream> {
    let by = |name| -> Result<PhysicalSortExpr> {
        Ok(PhysicalSortExpr::new(expressions::col(name, &schema)?, SortOptions::default()))
    };
    let ordering = LexOrdering::new([by(KEY)?, by(SEQUENCE)?]).ok_or(DataError::UnknownAttribute)?;
    let unsorted = Unsorted { schema: schema.clone(), receiver: Mutex::new(Some(receiver)) };
    let input = StreamingTableExec::try_new(schema.clone(), vec![Arc::new(unsorted)], None, [], false, None)?;
    let session = engine.session_with(|config| config.with_target_partitions(1));
    Ok(SortExec::new(ordering, Arc::new(input)).execute(0, session.task_ctx())?)
}

/// Writes the snapshot; it still has to be committed.
fn write(file: FileWriter, schema: Schema, mut batches: mpsc::Receiver<RecordBatch>) -> Result<FileWriter> {
    let mut writer = ArrowWriter::try_new(file, Arc::new(schema), Some(writer_properties(Some(KEY))))?;
    while let Some(batch) = batches.blocking_recv() {
        writer.write(&batch)?;
    }
    Ok(writer.into_inner()?)
}
