//! Refreshing: the files of a data source become one snapshot. One thread reads and decodes, the engine's threads sort
//! by key (spilling to disk) where the files are not in that order, and a third writes; what lies between them is
//! bounded, so memory does not grow with the files.
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
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use super::read::csv::CsvReader;
use super::read::hash::{self, Hashed};
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

/// Repeated keys that are noted while files are read in their own order; with more, everything is sorted.
const MOST_REPEATED: usize = 100_000;

/// Makes the snapshot of that number. The snapshot appears last: while it is not there, nothing is.
///
/// Files often come from a table in the order of its key. So they are first read as if they did, and nothing is sorted;
/// at the first row that is out of order, reading begins again, and everything is.
pub(super) async fn refresh(
    engine: DataEngine,
    source: Source,
    files: Vec<PathBuf>,
    number: i64,
    progress: Progress,
) -> Result<ImportReport> {
    check_attributes(&source)?;
    let job = Job { engine, source, files, number, progress };
    let made = match job.make(Order::OfFiles).await? {
        Some(made) => made,
        None => {
            job.make(Order::Sorted).await?.ok_or_else(|| DataError::Internal("sorted rows lack order".to_owned()))?
        }
    };
    let (mut account, snapshot) = made;
    let report = account.report();
    (job.progress)(&report);
    if report.read == 0 {
        return Err(FileFault::Empty.into());
    }
    let has_profiles = report.accepted > 0;
    let kept = tokio::task::spawn_blocking(move || {
        account.finish()?.commit()?;
        // Without a profile there is no snapshot, but why is worth keeping.
        if has_profiles { snapshot.commit() } else { Err(FileFault::AllRejected.into()) }
    });
    kept.await.map_err(|_| panicked())??;
    Ok(report)
}

/// The order in which rows come to the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As the files have them.
    OfFiles,
    /// By key.
    Sorted,
}

/// A refresh.
struct Job {
    engine: DataEngine,
    source: Source,
    files: Vec<PathBuf>,
    number: i64,
    progress: Progress,
}

impl Job {
    /// Reads all rows and writes the snapshot, which still has to be committed; none when a row is out of order.
    async fn make(&self, order: Order) -> Result<Option<(Account, FileWriter)>> {
        let (source, store) = (self.source.clone(), self.engine.store().clone());
        let (sender, receiver) = mpsc::channel(WAITING);
        let sender = Sender { sender, progress: self.progress.clone() };
        let (files, number) = (self.files.clone(), self.number);
        let reading = tokio::task::spawn_blocking(move || read(&source, &files, &store, number, sender));
        let schema = batch_schema(&self.source.attributes);
        let (mut rows, mut account, mut reading) = match order {
            Order::OfFiles => (as_they_come(receiver).boxed(), None, Some(reading)),
            Order::Sorted => {
                let mut sorted = sort(&self.engine, schema, receiver).await?;
                // The first sorted batch comes after the last unsorted one: reading has ended then, well or badly.
                let first = sorted.next().await;
                let account = reading.await.map_err(|_| panicked())??;
                (stream::iter(first).chain(sorted).boxed(), Some(account), None)
            }
        };
        let (to_writer, batches) = mpsc::channel(WAITING);
        let writing = {
            let schema = snapshot_schema(&self.source.attributes);
            let file = self.engine.store().create(&snapshot_path(self.number))?;
            tokio::task::spawn_blocking(move || write(file, schema, batches))
        };
        let mut first_of_key = FirstOfKey::default();
        let mut noted: Vec<u64> = Vec::new();
        while let Some(batch) = rows.next().await {
            let Some((kept, repeated)) = first_of_key.split(&batch?)? else { return Ok(None) };
            match &mut account {
                Some(account) => self.reject(account, &repeated)?,
                None => noted.extend(repeated),
            }
            if noted.len() > MOST_REPEATED {
                return Ok(None);
            }
            if to_writer.send(kept).await.is_err() {
                // The writer has given up; its error says why.
                break;
            }
        }
        drop((to_writer, rows));
        let snapshot = writing.await.map_err(|_| panicked())?;
        if let Some(reading) = reading.take() {
            let mut read = reading.await.map_err(|_| panicked())??;
            self.reject(&mut read, &noted)?;
            account = Some(read);
        }
        Ok(account.zip(Some(snapshot?)))
    }

    fn reject(&self, account: &mut Account, repeated: &[u64]) -> Result<()> {
        repeated.iter().try_for_each(|place| account.reject_repeated(*place, self.source.primary_key.as_deref()))
    }
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
    let mut hashes = Vec::with_capacity(files.len());
    for (index, path) in files.iter().enumerate() {
        rows.begin_file(index);
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => FileFault::NotThere.into(),
            _ => DataError::from(error),
        })?;
        let hash = read_file(source, file, &forms, &mut rows)?;
        hashes.push((shown_name(path), hash));
    }
    rows.account.set_hash(hash::of_all(&hashes));
    rows.finish()
}

/// Reads a file; gives the hash of the bytes that were read.
fn read_file(source: &Source, mut file: File, forms: &Forms, rows: &mut RowBuilder<'_, Sender>) -> Result<String> {
    match source.reading.format {
        Format::Csv => {
            let mut file = Hashed::new(file);
            let mut reader = CsvReader::new(&mut file, source.reading.encoding, source.reading.delimiter);
            if let Some(places) = header::places(&mut reader, source)? {
                reader.read_into(&places, rows)?;
            }
            Ok(file.finish()?)
        }
        Format::Ndjson => {
            let names = source.attributes.iter().map(|attribute| attribute.name.as_str());
            let mut file = Hashed::new(file);
            JsonReader::new(&mut file, names).read_into(rows)?;
            Ok(file.finish()?)
        }
        Format::Parquet => {
            let hash = hash::of_file(&mut file)?;
            ParquetFile::open(file)?.read_into(&source.attributes, forms, rows)?;
            Ok(hash)
        }
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
    rows: Mutex<Option<BoxStream<'static, datafusion::error::Result<RecordBatch>>>>,
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
        // They come once; a second execution, which nobody asks for, would find no rows.
        let rows = self.rows.lock().ok().and_then(|mut rows| rows.take());
        let rows = rows.unwrap_or_else(|| stream::empty().boxed());
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows))
    }
}

/// What is received, as it comes.
fn as_they_come(receiver: mpsc::Receiver<RecordBatch>) -> impl Stream<Item = datafusion::error::Result<RecordBatch>> {
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|batch| (Ok(batch), receiver)) })
}

/// Sorts what is received by key and place.
async fn sort(
    engine: &DataEngine,
    schema: SchemaRef,
    mut receiver: mpsc::Receiver<RecordBatch>,
) -> Result<SendableRecordBatchStream> {
    let by = |name| -> Result<PhysicalSortExpr> {
        Ok(PhysicalSortExpr::new(expressions::col(name, &schema)?, SortOptions::default()))
    };
    let ordering = LexOrdering::new([by(KEY)?, by(SEQUENCE)?]).ok_or(DataError::UnknownAttribute)?;
    let first = receiver.recv().await;
    // Long rows come few in a batch, and must leave the sort so: it holds a batch of each part that it merges.
    let rows_at_once = first.as_ref().map_or(rows::ROWS, RecordBatch::num_rows).max(16);
    let received = stream::iter(first.map(Ok)).chain(as_they_come(receiver)).boxed();
    let unsorted = Unsorted { schema: schema.clone(), rows: Mutex::new(Some(received)) };
    let input = StreamingTableExec::try_new(schema.clone(), vec![Arc::new(unsorted)], None, [], false, None)?;
    let session = engine.session_with(|config| config.with_target_partitions(1).with_batch_size(rows_at_once));
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
