//! Parquet as a source: its types, and files that are not what they say.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray,
    Float64Array, Int32Array, LargeStringArray, ListArray, RecordBatch, StringArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::{Int32Type, Int64Type};
use datafusion::parquet::arrow::ArrowWriter;
use domain::attribute::AttributeType as T;
use domain::source::{FileFault, Format, RowFault};

use super::{Bench, rejected};
use crate::DataError;

fn file(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    bytes
}

fn all_types() -> Vec<u8> {
    let words: DictionaryArray<Int32Type> = vec![Some("red"), None, Some("red")].into_iter().collect();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(2)]), None, Some(vec![])]);
    let bytes = FixedSizeBinaryArray::try_from_iter([[1_u8, 255], [0, 0], [2, 3]].into_iter()).expect("an array");
    file(vec![
        ("id", Arc::new(LargeStringArray::from(vec!["b", "a", "c"])) as ArrayRef),
        ("whole", Arc::new(Int32Array::from(vec![Some(1), None, Some(-3)])) as ArrayRef),
        ("huge", Arc::new(UInt64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("float", Arc::new(Float64Array::from(vec![Some(0.1), None, Some(1e3)])) as ArrayRef),
        ("third", Arc::new(Float64Array::from(vec![Some(1.0 / 3.0), Some(f64::NAN), None])) as ArrayRef),
        ("money", Arc::new(Decimal128Array::from(vec![1250, 5, -1]).with_precision_and_scale(9, 2).expect("fits"))),
        ("fine", Arc::new(Decimal128Array::from(vec![1, 2, 3]).with_precision_and_scale(20, 12).expect("fits"))),
        ("member", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("born", Arc::new(Date32Array::from(vec![Some(0), None, Some(11_016)]))),
        ("seen", Arc::new(TimestampMillisecondArray::from(vec![0, 1500, 0]).with_timezone("Europe/Madrid"))),
        ("local", Arc::new(TimestampNanosecondArray::from(vec![Some(1_999), None, Some(0)]))),
        ("word", Arc::new(words)),
        ("list", Arc::new(lists)),
        ("bytes", Arc::new(bytes)),
        ("code", Arc::new(StringArray::from(vec!["007", "", "x"]))),
    ])
}

#[tokio::test]
async fn every_type_becomes_an_attribute() {
    let bench = Bench::new();
    let preview = bench.preview("all.parquet", &all_types()).await.expect("a preview");
    assert_eq!((preview.reading.format, preview.primary_key.as_deref()), (Format::Parquet, Some("id")));
    let kinds: Vec<T> = preview.attributes.iter().map(|attribute| attribute.kind).collect();
    let expected = [
        T::Text,
        T::Integer,
        T::Integer,
        T::Decimal,
        T::Text,
        T::Decimal,
        T::Text,
        T::Boolean,
        T::Date,
        T::DateTime,
        T::DateTime,
        T::Text,
        T::Text,
        T::Text,
        T::Text,
    ];
    assert_eq!(kinds, expected);

    let report = bench
        .import(&[("all.parquet", &all_types())], |source| source.reading.time_zone = "Europe/Madrid".to_owned())
        .await
        .expect("a report");
    assert_eq!((report.accepted, rejected(&report)), (3, vec![]));
    let rows = bench.rows().await;
    let row = |index: usize| rows[index].iter().map(|cell| cell.as_deref().unwrap_or("-")).collect::<Vec<_>>();
    let third = (1.0_f64 / 3.0).to_string();
    assert_eq!(
        row(1),
        [
            "b",
            "1",
            "1",
            "0.1",
            third.as_str(),
            "12.5",
            "0.000000000001",
            "true",
            "1970-01-01",
            "1970-01-01T01:00:00+01:00",
            "1969-12-31T23:00:00.000001Z",
            "red",
            "[1, 2]",
            "01ff",
            "007",
        ]
    );
    assert_eq!(row(0)[1..5], ["-", "2", "-", "NaN"]);
    assert_eq!(row(2)[3], "1000");
}

#[tokio::test]
async fn a_value_that_does_not_fit_costs_its_row_only() {
    let bench = Bench::new();
    let bytes = file(vec![
        (
            "id",
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("d"), Some("e"), Some("a\0")]))
                as ArrayRef,
        ),
        ("n", Arc::new(UInt64Array::from(vec![u64::MAX, 1, 1, 1, 1, 1]))),
        ("text", Arc::new(BinaryArray::from(vec![&b"x"[..], b"\xff", b"y", b"z", b"", b"x"]))),
        ("day", Arc::new(Date32Array::from(vec![0, 0, 0, i32::MAX, 0, 0]))),
    ]);
    let report = bench.import(&[("a.parquet", &bytes)], |source| source.primary_key = Some("id".to_owned()));
    let expected = [
        (1, RowFault::Type),
        (2, RowFault::Encoding),
        (3, RowFault::KeyMissing),
        (4, RowFault::Type),
        (6, RowFault::NulCharacter),
    ];
    assert_eq!(rejected(&report.await.expect("a report")), expected);
    assert_eq!(bench.rows().await[0][0].as_deref(), Some("e"));
}

#[tokio::test]
async fn an_attribute_may_have_another_type_than_its_column() {
    let bench = Bench::new();
    let report = bench
        .import(&[("all.parquet", &all_types())], |source| {
            for (name, kind) in [("whole", T::Text), ("huge", T::Decimal), ("seen", T::Text), ("code", T::Integer)] {
                let place = source.attributes.iter().position(|attribute| attribute.name == name).expect("there");
                source.attributes[place].kind = kind;
            }
        })
        .await
        .expect("a report");
    assert_eq!(rejected(&report), [(1, RowFault::Type), (3, RowFault::Type)], "007 and x are no integers");
    let rows = bench.rows().await;
    assert_eq!((rows[0][2].as_deref(), rows[0][9].as_deref()), (Some("2"), Some("1970-01-01T01:00:01.5+01:00")));
}

#[tokio::test]
async fn a_broken_file_is_refused_and_never_panics() {
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
        match bench.import(&[("broken.parquet", &bytes)], |source| source.primary_key = None).await {
            // A flipped bit in a value is another value; an import that lost a row would be a lie.
            Ok(report) => assert_eq!(report.read, report.accepted + report.rejected),
            Err(DataError::File(_)) => refused += 1,
            // A name of a column may have been hit.
            Err(DataError::UnknownAttribute) => {}
            Err(other) => panic!("round {round}: {other}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_page_that_unpacks_to_far_more_than_allowed_is_refused() {
    let bench = Bench::new();
    let row = "x".repeat(900_000);
    let column: ArrayRef = Arc::new(StringArray::from_iter_values((0..90).map(|number| format!("{number}{row}"))));
    let batch = RecordBatch::try_from_iter([("text", column)]).expect("a batch");
    let properties = datafusion::parquet::file::properties::WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(usize::MAX)
        .set_write_batch_size(90)
        .set_compression(datafusion::parquet::basic::Compression::ZSTD(Default::default()))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    assert!(bytes.len() < 1_000_000, "it is a bomb: {}", bytes.len());
    let refused = bench.preview("bomb.parquet", &bytes).await;
    assert!(matches!(refused, Err(DataError::File(FileFault::TooLarge))));
}

#[tokio::test]
async fn delta_encoded_texts_are_read() {
    use datafusion::parquet::basic::Encoding;
    use datafusion::parquet::file::properties::{WriterProperties, WriterVersion};
    let texts: Vec<Option<String>> = (0..3000).map(|n| (n % 7 != 0).then(|| format!("prefix {:05}", n * 37))).collect();
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values((0..3000).map(|n| format!("{n:04}"))));
    let column: ArrayRef = Arc::new(StringArray::from(texts.clone()));
    let batch = RecordBatch::try_from_iter([("id", ids), ("text", column)]).expect("a batch");
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder()
                .set_writer_version(version)
                .set_dictionary_enabled(false)
                .set_encoding(encoding)
                .set_data_page_row_count_limit(500)
                .build();
            let mut bytes = Vec::new();
            let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
            writer.write(&batch).expect("written");
            writer.close().expect("closed");
            let bench = Bench::new();
            let report = bench.import(&[("delta.parquet", &bytes)], |_| {}).await.expect("a report");
            assert_eq!(report.accepted, 3000, "{encoding} {version:?}");
            let found: Vec<Option<String>> = bench.rows().await.into_iter().map(|row| row[1].clone()).collect();
            assert_eq!(found, texts);
        }
    }
}
