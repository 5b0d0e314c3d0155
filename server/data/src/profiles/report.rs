//! The account of an import: every row that was read is counted as accepted or rejected, and every rejected one is
//! written down with its place and its reason, never with what stood in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Int64Builder, RecordBatch, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::parquet::arrow::ArrowWriter;
use domain::source::{ImportReport, RejectedRow, RowFault};

use super::schema::{file_and_line, sequence};
use super::snapshot::writer_properties;
use crate::error::{DataError, Result};
use crate::store::FileWriter;

/// How many rejected rows the report itself names.
const NAMED: usize = 1000;
/// How many are written at a time.
const BATCH: usize = 8192;

/// Counts, and writes down what is rejected.
pub(crate) struct Account {
    report: ImportReport,
    faults: BTreeMap<RowFault, u64>,
    /// The first rejected rows with their places; up to twice as many as are named.
    first: Vec<(u64, RejectedRow)>,
    /// The names of the files, as the report shows them.
    files: Vec<String>,
    batch: Batch,
    writer: ArrowWriter<FileWriter>,
}

#[derive(Default)]
struct Batch {
    files: StringBuilder,
    lines: Int64Builder,
    faults: StringBuilder,
    attributes: StringBuilder,
    rows: usize,
}

impl Account {
    /// Opens an account that writes to this file. `files` are the names to show, empty for a source of one file.
    pub(crate) fn open(file: FileWriter, files: Vec<String>) -> Result<Self> {
        let writer = ArrowWriter::try_new(file, schema(), Some(writer_properties(None)))?;
        Ok(Self {
            report: ImportReport::default(),
            faults: BTreeMap::new(),
            first: Vec::new(),
            files,
            batch: Batch::default(),
            writer,
        })
    }

    /// A row was read and, so far, accepted. Gives its number, from 1.
    pub(crate) fn accept(&mut self) -> u64 {
        self.report.read += 1;
        self.report.read
    }

    /// A row was read and rejected.
    pub(crate) fn reject(&mut self, file: usize, line: u64, fault: RowFault, attribute: Option<&str>) -> Result<()> {
        self.report.read += 1;
        self.write_down(file, line, fault, attribute)
    }

    /// A row that was accepted before has the key of an earlier one.
    pub(crate) fn reject_repeated(&mut self, place: u64, key_attribute: Option<&str>) -> Result<()> {
        let (file, line) = file_and_line(place);
        self.write_down(file, line, RowFault::KeyRepeated, key_attribute)
    }

    pub(crate) fn blank_lines(&mut self, count: u64) {
        self.report.blank_lines += count;
    }

    /// What was read, all of it.
    pub(crate) fn set_hash(&mut self, sha256: Option<String>) {
        self.report.sha256 = sha256;
    }

    /// Rows read so far.
    pub(crate) fn read(&self) -> u64 {
        self.report.read
    }

    fn write_down(&mut self, file: usize, line: u64, fault: RowFault, attribute: Option<&str>) -> Result<()> {
        self.report.rejected += 1;
        *self.faults.entry(fault).or_default() += 1;
        let name = self.files.get(file).map_or("", String::as_str);
        let row = RejectedRow { line, file: name.to_owned(), fault, attribute: attribute.map(str::to_owned) };
        self.batch.files.append_value(name);
        self.batch.lines.append_value(i64::try_from(line).unwrap_or(i64::MAX));
        self.batch.faults.append_value(fault.as_str());
        self.batch.attributes.append_option(attribute);
        self.batch.rows += 1;
        self.first.push((sequence(file, line), row));
        if self.first.len() >= 2 * NAMED {
            self.keep_first();
        }
        if self.batch.rows >= BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn keep_first(&mut self) {
        self.first.sort_by_key(|(place, _)| *place);
        self.first.truncate(NAMED);
    }

    fn flush(&mut self) -> Result<()> {
        let batch = &mut self.batch;
        let columns: Vec<Arc<dyn Array>> = vec![
            Arc::new(batch.files.finish()),
            Arc::new(batch.lines.finish()),
            Arc::new(batch.faults.finish()),
            Arc::new(batch.attributes.finish()),
        ];
        batch.rows = 0;
        self.writer.write(&RecordBatch::try_new(schema(), columns)?)?;
        Ok(())
    }

    /// The report so far.
    pub(crate) fn report(&mut self) -> ImportReport {
        self.keep_first();
        let mut report = self.report.clone();
        report.accepted = report.read - report.rejected;
        report.faults = self.faults.iter().map(|(fault, count)| (*fault, *count)).collect();
        report.first_rejected = self.first.iter().map(|(_, row)| row.clone()).collect();
        report
    }

    /// The whole report, with the counts alone: cheap enough to give often.
    pub(crate) fn progress(&self) -> ImportReport {
        let mut report = self.report.clone();
        report.accepted = report.read - report.rejected;
        report.faults = self.faults.iter().map(|(fault, count)| (*fault, *count)).collect();
        report
    }

    /// Ends the file of rejected rows; it still has to be committed.
    pub(crate) fn finish(mut self) -> Result<FileWriter> {
        self.flush()?;
        Ok(self.writer.into_inner()?)
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("line", DataType::Int64, false),
        Field::new("fault", DataType::Utf8, false),
        Field::new("attribute", DataType::Utf8, true),
    ]))
}

/// The rejected rows of a batch of such a file.
pub(crate) fn rejected_rows(batch: &RecordBatch) -> Result<Vec<RejectedRow>> {
    let text = |column: usize| batch.column(column).as_string_opt::<i32>();
    let (Some(files), Some(lines), Some(faults), Some(attributes)) =
        (text(0), batch.column(1).as_primitive_opt::<Int64Type>(), text(2), text(3))
    else {
        return Err(DataError::Storage("a file of rejected rows has other columns".to_owned()));
    };
    (0..batch.num_rows())
        .map(|row| {
            Ok(RejectedRow {
                line: lines.value(row).unsigned_abs(),
                file: files.value(row).to_owned(),
                fault: RowFault::parse(faults.value(row))
                    .ok_or_else(|| DataError::Storage("an unknown reason".to_owned()))?,
                attribute: attributes.is_valid(row).then(|| attributes.value(row).to_owned()),
            })
        })
        .collect()
}
