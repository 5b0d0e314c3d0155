//! Whatever a table holds and however it is written, the profiles have the same cells; and no bytes make Ferry panic.

use csv::{QuoteStyle, Terminator, WriterBuilder};
use domain::attribute::{Attribute, AttributeType};
use domain::source::{Encoding, Format, Preview, Reading, Source};
use proptest::prelude::*;

use super::{Bench, source_of};
use crate::DataError;

#[derive(Debug, Clone)]
struct Dialect {
    delimiter: char,
    quote: QuoteStyle,
    terminator: Terminator,
    encoding: Encoding,
    has_mark: bool,
}

fn dialects() -> impl Strategy<Value = Dialect> {
    (
        prop::sample::select(vec![',', ';', '\t', '|']),
        prop::sample::select(vec![QuoteStyle::Necessary, QuoteStyle::Always, QuoteStyle::NonNumeric]),
        prop::sample::select(vec![Terminator::CRLF, Terminator::Any(b'\n'), Terminator::Any(b'\r')]),
        prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1252]),
        any::<bool>(),
    )
        .prop_map(|(delimiter, quote, terminator, encoding, has_mark)| Dialect {
            delimiter,
            quote,
            terminator,
            encoding,
            has_mark,
        })
}

/// Cells that provoke: delimiters, quotes, ends of lines, blanks; letters that all encodings have.
fn cells() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zé€ñ]{0,8}",
        3 => "[ab,;|\t\"\n\r ']{0,10}",
        1 => "[0-9.+-]{1,6}",
        1 => Just(String::new()),
    ]
}

fn tables() -> impl Strategy<Value = Vec<Vec<String>>> {
    (0_usize..5).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(cells(), width), 1..30))
}

fn written(table: &[Vec<String>], dialect: &Dialect) -> Vec<u8> {
    let delimiter = u8::try_from(dialect.delimiter).expect("ASCII");
    let mut writer = WriterBuilder::new()
        .delimiter(delimiter)
        .quote_style(dialect.quote)
        .terminator(dialect.terminator)
        .from_writer(Vec::new());
    let width = table[0].len();
    writer.write_record(std::iter::once("id".to_owned()).chain((0..width).map(|n| format!("c{n}")))).expect("written");
    for (number, row) in table.iter().enumerate() {
        writer.write_record(std::iter::once(&format!("k{number:03}")).chain(row)).expect("written");
    }
    let text = String::from_utf8(writer.into_inner().expect("flushed")).expect("UTF-8");
    let text =
        if dialect.has_mark && dialect.encoding != Encoding::Windows1252 { format!("\u{feff}{text}") } else { text };
    match dialect.encoding {
        Encoding::Utf8 => text.into_bytes(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
    }
}

fn source(width: usize, dialect: &Dialect) -> Source {
    let names = std::iter::once("id".to_owned()).chain((0..width).map(|n| format!("c{n}")));
    let reading = Reading { delimiter: dialect.delimiter, encoding: dialect.encoding, ..Reading::default() };
    Source {
        reading: Reading { format: Format::Csv, ..reading },
        attributes: names.map(|name| Attribute { name, kind: AttributeType::Text }).collect(),
        primary_key: Some("id".to_owned()),
        ..source_of(Preview {
            reading: Reading::default(),
            has_mark: false,
            attributes: vec![],
            primary_key: None,
            rows: vec![],
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_comes_back_as_it_was_written(table in tables(), dialect in dialects()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let bench = Bench::new();
        let path = bench.file("table.csv", &written(&table, &dialect));
        let source = source(table[0].len(), &dialect);
        let report = runtime.block_on(bench.engine.refresh(&source, vec![path], 1, |_| {})).expect("a report");
        prop_assert_eq!((report.read, report.rejected, report.blank_lines), (table.len() as u64, 0, 0));
        let rows = runtime.block_on(bench.rows());
        for (number, (found, row)) in rows.iter().zip(&table).enumerate() {
            let expected: Vec<Option<String>> = std::iter::once(format!("k{number:03}"))
                .chain(row.iter().cloned())
                .map(|text| Some(text).filter(|text| !text.is_empty()))
                .collect();
            prop_assert_eq!(found, &expected);
        }
    }

    #[test]
    fn no_bytes_make_an_import_panic(
        start in prop::sample::select(vec![&b""[..], b"id,name\n", b"{\"id\":1}\n", b"PAR1", b"\xff\xfe", b"id\tx\r\n"]),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\",;\n\r\t{}[]:1a ".to_vec())], 0..600),
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let bench = Bench::new();
        let file = [start, &bytes[..]].concat();
        match runtime.block_on(bench.import(&[("random", &file)], |_| {})) {
            Ok(report) => prop_assert_eq!(report.read, report.accepted + report.rejected),
            Err(DataError::File(_)) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
