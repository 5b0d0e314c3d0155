//! Parquet files that are broken, lie about their sizes or unpack to far more than they are: read in a process of their
//! own, which may not have more than 512 MiB.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use domain::source::FileFault;

use super::parquet::all_types;
use super::{Bench, source_of};
use crate::DataError;

/// Says to this program, started again, what it is to do: to hold too much, or to read the corpus in a folder.
const PART: &str = "FERRY_HOSTILE_PART";
const CONTROL: &str = "control";
const LIMIT_MIB: usize = 512;
/// Rows of 900 kB each.
const ROWS: usize = 700;

/// Starts this test again in a process with the limit.
fn in_process_of_its_own(part: &str) -> Output {
    let this = std::env::current_exe().expect("this program");
    // The limit on data counts what can be written to, and not what is only reserved.
    let limited = format!("ulimit -d {} && exec \"$0\" \"$@\"", LIMIT_MIB * 1024);
    Command::new("sh")
        .args(["-c", &limited])
        .arg(this)
        .args(["--exact", "profiles::tests::hostile::hostile_files_are_refused_within_512_mib", "--nocapture"])
        .env(PART, part)
        .output()
        .expect("started")
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test asks what part of it is to run")]
async fn hostile_files_are_refused_within_512_mib() {
    match std::env::var(PART).as_deref() {
        Ok(CONTROL) => assert!(vec![1_u8; LIMIT_MIB << 20].iter().all(|byte| *byte == 1)),
        Ok(folder) => read_corpus(Path::new(folder)).await,
        Err(_) => {
            assert!(!in_process_of_its_own(CONTROL).status.success(), "the limit does not hold");
            // Made here: to make a bomb takes more memory than to look at one.
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(folder.path().join("page"), a_page_that_unpacks_to_too_much()).expect("written");
            std::fs::write(folder.path().join("dictionary"), one_long_text_in_many_rows()).expect("written");
            let output = in_process_of_its_own(folder.path().to_str().expect("a path"));
            let text = String::from_utf8_lossy(&output.stderr);
            let end: Vec<&str> = text.lines().filter(|line| !line.starts_with("thread")).collect();
            assert!(output.status.success(), "{:?}: {:?}", output.status, end.last_chunk::<5>());
        }
    }
}

async fn read_corpus(folder: &Path) {
    broken_files().await;
    lies_about_lengths().await;
    let bench = Bench::new();
    let refused = bench.engine.preview(vec![folder.join("page")], None).await;
    assert!(matches!(refused, Err(DataError::File(FileFault::TooLarge))));
    // A few kilobytes that stand for more than there is memory are read all the same, in any order.
    let path = folder.join("dictionary");
    let mut source = source_of(bench.engine.preview(vec![path.clone()], None).await.expect("a preview"));
    source.primary_key = None;
    let report = bench.engine.refresh(&source, vec![path], 1, |_| {}).await.expect("a report");
    assert_eq!(report.accepted, ROWS as u64);
}

/// What is said of a file: read, or refused.
async fn is_refused(bench: &Bench, what: &str, bytes: &[u8]) -> bool {
    match bench.import(&[("hostile.parquet", bytes)], |source| source.primary_key = None).await {
        // A flipped bit in a value is another value; an import that lost a row would be a lie.
        Ok(report) => {
            assert_eq!(report.read, report.accepted + report.rejected);
            false
        }
        Err(DataError::File(_)) => true,
        // A name of a column may have been hit.
        Err(DataError::UnknownAttribute) => false,
        Err(other) => panic!("{what}: {other}"),
    }
}

async fn broken_files() {
    let bench = Bench::new();
    let whole = all_types();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let mut refused = 0;
    for round in 0..300 {
        let mut bytes = whole.clone();
        match round % 3 {
            0 => bytes.truncate(random(whole.len())),
            1 => {
                let at = random(whole.len());
                bytes[at] ^= 1 << random(8);
            }
            _ => {
                // The footer, where the sizes are.
                let at = whole.len() - 8 - random(1500.min(whole.len() - 16));
                bytes[at] = u8::try_from(random(256)).expect("a byte");
            }
        }
        refused += usize::from(is_refused(&bench, &format!("round {round}"), &bytes).await);
    }
    assert!(refused > 100, "{refused}");
}

/// Numbers in the footer and in the headers of pages, as large as they can be written.
async fn lies_about_lengths() {
    let bench = Bench::new();
    let whole = all_types();
    let end = whole.len();
    for length in [u32::MAX, i32::MAX.unsigned_abs(), u32::try_from(end).expect("small"), 0] {
        let mut bytes = whole.clone();
        bytes[end - 8..end - 4].copy_from_slice(&length.to_le_bytes());
        assert!(is_refused(&bench, "the footer's length", &bytes).await);
    }
    // A number of up to 35 bits in place of whatever stands there.
    for at in (4..end - 16).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at..at + 5].copy_from_slice(&[0xFE, 0xFF, 0xFF, 0xFF, 0x0F]);
        is_refused(&bench, "a number", &bytes).await;
    }
}

/// A file of one column, with the rows of `column` so many times.
fn written(column: ArrayRef, times: usize, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter([("text", column)]).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
    (0..times).for_each(|_| writer.write(&batch).expect("written"));
    writer.close().expect("closed");
    bytes
}

fn a_page_that_unpacks_to_too_much() -> Vec<u8> {
    let row = "x".repeat(900_000);
    let column: ArrayRef = Arc::new(StringArray::from_iter_values((0..90).map(|number| format!("{number}{row}"))));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(usize::MAX)
        .set_write_batch_size(90)
        .set_compression(Compression::ZSTD(Default::default()))
        .build();
    let bytes = written(column, 1, properties);
    assert!(bytes.len() < 1_000_000, "it is a bomb: {}", bytes.len());
    bytes
}

/// A dictionary of one text, which many rows name.
fn one_long_text_in_many_rows() -> Vec<u8> {
    let text = "x".repeat(900_000);
    let column: ArrayRef = Arc::new(StringArray::from_iter_values((0..20).map(|_| text.as_str())));
    let properties = WriterProperties::builder()
        .set_dictionary_page_size_limit(4 << 20)
        .set_compression(Compression::ZSTD(Default::default()))
        .build();
    let bytes = written(column, ROWS / 20, properties);
    assert!(bytes.len() < 100_000, "it is a bomb: {}", bytes.len());
    bytes
}
