//! What the steps are compared with: the least that any program has to do with the same files on the same machine.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Reads a CSV file with nothing but the parser. Seconds.
pub fn parse_csv(path: &Path) -> Result<f64> {
    let started = Instant::now();
    let mut reader = csv::ReaderBuilder::new().from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let mut bytes = 0;
    while reader.read_byte_record(&mut record)? {
        bytes += record.as_slice().len();
    }
    ensure!(bytes > 0, "the CSV file is empty");
    Ok(started.elapsed().as_secs_f64())
}

/// Decodes a Parquet file; where `copy` is given, encodes every value into it again. Seconds.
pub fn decode_parquet(path: &Path, copy: Option<&Path>) -> Result<f64> {
    let started = Instant::now();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let mut writer = match copy {
        Some(copy) => Some(ArrowWriter::try_new(File::create(copy)?, reader.schema().clone(), None)?),
        None => None,
    };
    let mut rows = 0;
    for batch in reader.build()? {
        let batch = batch?;
        rows += batch.num_rows();
        if let Some(writer) = &mut writer {
            writer.write(&batch)?;
        }
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    ensure!(rows > 0, "the Parquet file is empty");
    Ok(started.elapsed().as_secs_f64())
}
