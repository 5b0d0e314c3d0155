//! Parquet files that lie. Each is refused, or read with a report that accounts for every row; nothing breaks off,
//! and none takes more memory than Ferry has.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;

use super::Bench;
use crate::DataError;

fn written(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    bytes
}

/// A good file of a few kinds of columns.
fn good() -> Vec<u8> {
    let words: DictionaryArray<Int32Type> = (0..40).map(|n| (n % 3 > 0).then_some("red")).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(StringArray::from_iter_values((0..40).map(|n| format!("key {n}"))))),
        ("points", Arc::new(Int64Array::from_iter((0..40).map(|n| (n % 5 > 0).then_some(n * 1_000))))),
        ("word", Arc::new(words)),
    ];
    written(columns, WriterProperties::builder().build())
}

/// The length of the footer, which stands before the last four bytes.
fn footer_length(file: &[u8]) -> usize {
    let at = file.len() - 8;
    usize::try_from(u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"))).expect("small")
}

fn with_footer_length(mut file: Vec<u8>, length: u32) -> Vec<u8> {
    let at = file.len() - 8;
    file[at..at + 4].copy_from_slice(&length.to_le_bytes());
    file
}

/// Refused, or accounted for; true when refused.
async fn is_refused(bench: &Bench, what: &str, bytes: &[u8]) -> bool {
    match bench.preview("hostile.parquet", bytes).await {
        Err(DataError::File(_)) => return true,
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => {}
    }
    match bench.import(&[("hostile.parquet", bytes)], |source| source.primary_key = None).await {
        Ok(report) => {
            assert_eq!(report.read, report.accepted + report.rejected, "{what}");
            false
        }
        Err(DataError::File(_)) => true,
        // The name of a column has become another one, or none.
        Err(DataError::UnknownAttribute) => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

#[tokio::test]
async fn r44_a_file_that_is_cut_off_anywhere_is_refused() {
    let bench = Bench::new();
    let whole = good();
    assert!(!is_refused(&bench, "whole", &whole).await);
    for length in 0..whole.len() {
        assert!(is_refused(&bench, "cut", &whole[..length]).await, "{length} of {} bytes", whole.len());
    }
    // A part of the footer is missing, while its end says that all is well: its length, or what is left of it.
    let (footer, tail) = (footer_length(&whole), whole.len() - 8);
    for missing in 1..=footer {
        let cut = [&whole[..tail - missing], &whole[tail..]].concat();
        assert!(is_refused(&bench, "a footer with a hole", &cut).await, "{missing} of {footer}");
        let told = with_footer_length(cut, u32::try_from(footer - missing).expect("small"));
        assert!(is_refused(&bench, "a short footer", &told).await, "{missing} of {footer}");
    }
}

#[tokio::test]
async fn r44_false_lengths_and_flipped_footers_are_refused_or_accounted_for() {
    let bench = Bench::new();
    let whole = good();
    let footer = u32::try_from(footer_length(&whole)).expect("small");
    let (mut lengths, mut refused) = (0, 0);
    let powers = (0..32).flat_map(|power| [(1_u32 << power) - 1, 1 << power, (1 << power) + 1]);
    for length in powers.chain(footer - 64..footer + 64).chain([u32::MAX]).filter(|length| *length != footer) {
        let told = with_footer_length(whole.clone(), length);
        lengths += 1;
        // A few bytes more or less may happen to say the same.
        refused += usize::from(is_refused(&bench, &format!("{length} in place of {footer}"), &told).await);
    }
    println!("of {lengths} false lengths, {refused} are refused");
    assert!(refused * 10 > lengths * 9, "{refused} of {lengths}");
    let begin = whole.len() - 8 - footer_length(&whole);
    refused = 0;
    for (at, value) in (begin..whole.len() - 8).zip([0xff, 0x00, 0x7f, 0x80].into_iter().cycle()) {
        let mut bytes = whole.clone();
        bytes[at] = value;
        refused += usize::from(is_refused(&bench, &format!("{value:#x} at {at}"), &bytes).await);
    }
    println!("of {footer} footers with another byte, {refused} are refused");
    assert!(refused * 3 > footer_length(&whole), "{refused} of {footer}");
}

/// Files that are small and unpack to far more than a process may hold, by the ways that Parquet has for it.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let text = "x".repeat(900_000);
    let packed = |columns, one_page: bool| {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .set_dictionary_enabled(!one_page)
            .set_data_page_size_limit(if one_page { usize::MAX } else { 1 << 20 })
            .set_write_batch_size(if one_page { 1 << 20 } else { 1024 })
            .build();
        written(columns, properties)
    };
    let repeated: DictionaryArray<Int32Type> =
        DictionaryArray::new(Int32Array::from(vec![0; 60]), Arc::new(StringArray::from(vec![text.as_str()])));
    let many: ArrayRef = Arc::new(StringArray::from_iter_values((0..300).map(|n| format!("{n}{text}"))));
    let columns: Vec<(String, ArrayRef)> = (0..40)
        .map(|n| {
            (
                format!("c{n}"),
                Arc::new(StringArray::from_iter_values((0..12).map(|m| format!("{m}{text}")))) as ArrayRef,
            )
        })
        .collect();
    let wide = columns.iter().map(|(name, column)| (name.as_str(), column.clone())).collect();
    vec![
        ("one text, 60 times by a dictionary", packed(vec![("text", Arc::new(repeated) as ArrayRef)], false)),
        ("300 texts in one page", packed(vec![("text", many.clone())], true)),
        ("300 texts in many pages", packed(vec![("text", many)], false)),
        ("40 columns of large pages", packed(wide, true)),
    ]
}

/// What a bomb of several pages would unpack to is refused before it is read; what one text in a dictionary stands for is
/// read row by row. With how much memory, the test of the real `ferry` says.
#[tokio::test]
async fn r44_bombs_are_refused_or_accounted_for() {
    let bench = Bench::new();
    let mut refused = Vec::new();
    for (what, bytes) in bombs() {
        assert!(bytes.len() < 4 << 20, "{what} is small: {} bytes", bytes.len());
        if is_refused(&bench, what, &bytes).await {
            refused.push(what);
        }
    }
    println!("refused: {refused:?}");
    assert!(refused.contains(&"300 texts in one page") && refused.contains(&"40 columns of large pages"));
}
