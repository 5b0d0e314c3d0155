//! Malformed CSV files, each with the report that it must give: nothing panics, nothing hangs, and no good row is lost
//! without being named.

use domain::attribute::{Attribute, AttributeType as T};
use domain::source::RowFault::{
    Encoding as BadText, FieldCount, KeyMissing, KeyRepeated, NulCharacter, TooLong, Type, UnclosedQuote,
};
use domain::source::{Encoding, FileFault, Format, Location, Preview, Reading, RowFault, Source};

use super::{Bench, rejected, source_of};
use crate::DataError;

/// A file with the columns `id`, `name` and `amount` (a decimal), what it is, how many rows are accepted, how many lines
/// are blank, and which lines are rejected.
type Case = (&'static str, Vec<u8>, u64, u64, Vec<(u64, RowFault)>);

fn case(name: &'static str, rows: impl AsRef<[u8]>, accepted: u64, faults: &[(u64, RowFault)]) -> Case {
    let bytes = [b"id,name,amount\n", rows.as_ref()].concat();
    (name, bytes, accepted, 0, faults.to_vec())
}

fn blank(mut case: Case, lines: u64) -> Case {
    case.3 = lines;
    case
}

fn whole(name: &'static str, bytes: impl AsRef<[u8]>, accepted: u64, faults: &[(u64, RowFault)]) -> Case {
    (name, bytes.as_ref().to_vec(), accepted, 0, faults.to_vec())
}

fn quotes() -> Vec<Case> {
    vec![
        case("a closed quote", "1,\"a\",2\n", 1, &[]),
        case("a quote that spans lines", "1,\"a\nb\r\nc\",2\n2,d,3\n", 2, &[]),
        case("lines are counted inside quotes", "1,\"a\nb\",2\n2,x,y\n", 1, &[(4, Type)]),
        case("an unclosed quote before good rows", "1,\"a,2\n2,b,3\n3,c,4\n", 2, &[(2, UnclosedQuote)]),
        case("an unclosed quote in the last row", "1,a,2\n2,\"b,3", 1, &[(3, UnclosedQuote)]),
        case("an unclosed quote in the last field", "1,a,\"2\n2,b,3\n", 1, &[(2, UnclosedQuote)]),
        case("an unclosed quote at the start", "\"1,a,2\n2,b,3\n", 1, &[(2, UnclosedQuote)]),
        case("an unclosed quote before quoted rows", "1,\"a,2\n2,\"b\",3\n3,\"c\",4\n", 2, &[(2, UnclosedQuote)]),
        case("an unclosed quote before an empty quoted field", "1,\"a,2\n2,\"\",3\n3,c,4\n", 2, &[(2, UnclosedQuote)]),
        case("two unclosed quotes", "1,\"a,2\n2,\"b,3\n3,c,4\n", 1, &[(2, UnclosedQuote), (3, UnclosedQuote)]),
        case("a quote alone", "\"\n1,a,2\n", 1, &[(2, UnclosedQuote)]),
        case("two quotes alone", "\"\"\n1,a,2\n", 1, &[(2, FieldCount)]),
        case("a doubled quote", "1,\"a\"\"b\",2\n", 1, &[]),
        case("a doubled quote that is not closed", "1,\"a\"\",2\n2,b,3\n", 1, &[(2, UnclosedQuote)]),
        case("text after a closing quote", "1,\"a\"b,2\n2,b,3\n", 1, &[(2, UnclosedQuote)]),
        case("blanks after a closing quote", "1,\"a\" ,2\n", 1, &[]),
        case("a quote inside an unquoted field", "1,5\" pipe,2\n2,b,3\n", 2, &[]),
        case("a blank before a quote", "1, \"a\",2\n2,b,3\n", 2, &[]),
        case("a backslash before a quote", "1,\"a\\\"b\",2\n2,b,3\n", 1, &[(2, UnclosedQuote)]),
        case(
            "a field that spans lines in a row that is too long",
            "1,\"a\nb\",2,x\n2,b,3\n",
            1,
            &[(2, UnclosedQuote), (3, UnclosedQuote)],
        ),
        case("only quotes", "\"\"\"\"\"\"\"\n1,a,2\n", 1, &[(2, UnclosedQuote)]),
        case("an unclosed quote and CR LF", "1,\"a,2\r\n2,b,3\r\n", 1, &[(2, UnclosedQuote)]),
        case("an unclosed quote and CR", "1,\"a,2\r2,b,3\r", 1, &[(2, UnclosedQuote)]),
        case("single quotes are no quotes", "1,'a,2\n2,'b',3\n", 2, &[]),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        case("nothing but good rows", "1,a,2\n2,b,3\n", 2, &[]),
        case("no line end at the end", "1,a,2", 1, &[]),
        case("CR LF", "1,a,2\r\n2,b,3\r\n", 2, &[]),
        case("CR alone", "1,a,2\r2,b,3\r", 2, &[]),
        case("all ends of lines", "1,a,2\n2,b,3\r\n3,c,4\r4,d,5", 4, &[]),
        whole("CR alone from the header on", "id,name,amount\r1,a,2\r2,b,3", 2, &[]),
        case("a row too short", "1,a\n2,b,3\n", 1, &[(2, FieldCount)]),
        case("a row too long", "1,a,2,x\n2,b,3\n", 1, &[(2, FieldCount)]),
        case("a delimiter too many at the end", "1,a,2,\n2,b,3\n", 1, &[(2, FieldCount)]),
        case("a row of one field", "1\n2,b,3\n", 1, &[(2, FieldCount)]),
        case("only delimiters", ",,\n2,b,3\n", 1, &[(2, KeyMissing)]),
        case("a thousand delimiters", format!("{}\n2,b,3\n", ",".repeat(1000)), 1, &[(2, FieldCount)]),
        blank(case("blank lines", "\n1,a,2\n\n\n2,b,3\n\n", 2, &[]), 4),
        blank(case("blank lines of blanks", "   \n1,a,2\n \r\n", 1, &[]), 2),
        blank(case("blank lines in CR LF", "\r\n1,a,2\r\n\r\n", 1, &[]), 2),
        whole("blank lines before the header", "\n\nid,name,amount\n1,a,2\n", 1, &[]),
        case("the header again", "1,a,2\nid,name,amount\n2,b,3\n", 2, &[(3, Type)]),
        case("another delimiter in one row", "1;a;2\n2,b,3\n", 1, &[(2, FieldCount)]),
        case("no key", ",a,2\n2,b,3\n", 1, &[(2, KeyMissing)]),
        case("a key of blanks", "  ,a,2\n2,b,3\n", 1, &[(2, KeyMissing)]),
        case("a key of empty quotes", "\"\",a,2\n2,b,3\n", 1, &[(2, KeyMissing)]),
        case("a key twice", "1,a,2\n1,b,3\n", 1, &[(3, KeyRepeated)]),
        case("a key twice, once with blanks", "1,a,2\n 1 ,b,3\n", 1, &[(3, KeyRepeated)]),
        case("a key three times", "1,a,2\n1,b,3\n2,c,4\n1,d,5\n", 2, &[(3, KeyRepeated), (5, KeyRepeated)]),
        case("keys that differ in case", "a,a,2\nA,b,3\n", 2, &[]),
        case("a rejected row does not take the key", "1,a,x\n1,b,3\n", 1, &[(2, Type)]),
        case("a number that is none", "1,a,two\n2,b,\n", 1, &[(2, Type)]),
        case("a number with blanks", "1,a, 2 \n", 1, &[]),
        case("a number with leading zeros", "1,a,002\n", 0, &[(2, Type)]),
        case("a number with too many digits", "1,a,0.12345678901\n2,b,1\n", 1, &[(2, Type)]),
        case("a number with a comma in quotes", "1,a,\"2,5\"\n2,b,1\n", 1, &[(2, Type)]),
    ]
}

fn texts() -> Vec<Case> {
    let mib = 1024 * 1024;
    let long = |length: usize| "x".repeat(length);
    vec![
        case("a NUL", b"1,a\0b,2\n2,b,3\n", 1, &[(2, NulCharacter)]),
        case("a NUL in quotes", b"1,\"a\0b\",2\n2,b,3\n", 1, &[(2, NulCharacter)]),
        case("a line of NULs", b"\0\0\0\n2,b,3\n", 1, &[(2, NulCharacter)]),
        case("a byte that is not UTF-8", b"1,Jos\xe9,2\n2,b,3\n", 1, &[(2, BadText)]),
        case("half a character", b"1,Jos\xc3,2\n2,b,3\n", 1, &[(2, BadText)]),
        case("a surrogate in UTF-8", b"1,\xed\xa0\x80,2\n2,b,3\n", 1, &[(2, BadText)]),
        case(
            "mixed encodings",
            "1,José,2\n".bytes().chain(*b"2,Jos\xe9,3\n3,c,4\n").collect::<Vec<_>>(),
            2,
            &[(3, BadText)],
        ),
        whole("a byte order mark", "\u{feff}id,name,amount\n1,a,2\n", 1, &[]),
        case("a byte order mark further on", "1,\u{feff}a,2\n", 1, &[]),
        case("control characters", "1,a\u{7}\u{1b}b,2\n", 1, &[]),
        case("letters of all kinds", "1,Łódź 東京 😀 e\u{301},2\n", 1, &[]),
        case("a line separator that is none", "1,a\u{2028}b,2\n2,b,3\n", 2, &[]),
        case("a vertical tab", "1,a\u{b}b,2\n", 1, &[]),
        case("a field of almost a mebibyte", format!("1,{},2\n2,b,3\n", long(mib - 100)), 2, &[]),
        case("a field of more than a mebibyte", format!("1,{},2\n2,b,3\n", long(mib + 1)), 1, &[(2, TooLong)]),
        case("a field of ten mebibytes", format!("1,{},2\n2,b,3\n", long(10 * mib)), 1, &[(2, TooLong)]),
        case("a quoted field of ten mebibytes", format!("1,\"{}\",2\n2,b,3\n", long(10 * mib)), 1, &[(2, TooLong)]),
        case("a last field of ten mebibytes", format!("1,a,2\n2,b,{}", long(10 * mib)), 1, &[(3, TooLong)]),
        case("ten mebibytes and CR LF", format!("1,{}\r\n2,b,3\r\n", long(10 * mib)), 1, &[(2, TooLong)]),
        case("a control character of the file's end", b"1,a,2\n\x1a", 1, &[(3, FieldCount)]),
        case("a formula", "1,=1+1,2\n", 1, &[]),
        case("a tag", "1,<script>,2\n", 1, &[]),
    ]
}

fn source() -> Source {
    let attribute = |name: &str, kind| Attribute { name: name.to_owned(), kind };
    Source {
        attributes: vec![attribute("id", T::Text), attribute("name", T::Text), attribute("amount", T::Decimal)],
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

#[tokio::test]
async fn malformed_files_give_the_report_they_should() {
    let bench = Bench::new();
    let cases: Vec<Case> = [quotes(), shapes(), texts()].concat();
    assert!(cases.len() >= 75);
    for (name, bytes, accepted, blank_lines, faults) in cases {
        let path = bench.file("case.csv", &bytes);
        let _ = bench.engine.preview(vec![path.clone()], None).await;
        let last = std::sync::Arc::new(std::sync::Mutex::new(None));
        let keep = last.clone();
        let progress =
            move |report: &domain::source::ImportReport| *keep.lock().expect("a lock") = Some(report.clone());
        let result = bench.engine.refresh(&source(), vec![path], 1, progress).await;
        match result {
            Ok(_) => assert!(accepted > 0, "{name}"),
            Err(DataError::File(FileFault::Empty | FileFault::AllRejected)) => assert_eq!(accepted, 0, "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
        let report = last.lock().expect("a lock").take().expect("the whole report was shown");
        assert_eq!(rejected(&report), faults, "{name}");
        assert_eq!((report.accepted, report.blank_lines), (accepted, blank_lines), "{name}");
    }
}

#[tokio::test]
async fn empty_files_and_bare_headers_are_refused() {
    let bench = Bench::new();
    for (name, bytes) in
        [("nothing", &b""[..]), ("a byte order mark", b"\xef\xbb\xbf"), ("a header", b"id,name,amount\n")]
    {
        let path = bench.file("case.csv", bytes);
        let _ = bench.engine.preview(vec![path.clone()], None).await;
        let result = bench.engine.refresh(&source(), vec![path], 1, |_| {}).await;
        assert!(matches!(result, Err(DataError::File(FileFault::Empty))), "{name}");
    }
    let missing = bench.engine.preview(vec![std::path::PathBuf::from("/does/not/exist.csv")], None).await;
    assert!(matches!(missing, Err(DataError::File(FileFault::NotThere))));
}

#[tokio::test]
async fn a_header_with_repeated_and_empty_names_loses_no_column() {
    let bench = Bench::new();
    let bytes = b"id,name,,name\n1,a,b,c\n2,d,e,f\n";
    bench.import(&[("case.csv", bytes)], |_| {}).await.expect("a report");
    let attributes = bench.engine.attributes(1).await.expect("attributes");
    let names: Vec<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    assert_eq!(names, ["id", "name", "column_3", "name_2"]);
    assert_eq!(bench.rows().await[1], ["2", "d", "e", "f"].map(|text| Some(text.to_owned())));
}

#[tokio::test]
async fn every_encoding_is_read_to_the_same_profiles() {
    let text = "id;name\n1;José Łódź\n2;Åsa\n";
    let utf16 = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    let le: Vec<u8> = utf16(text).into_iter().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = utf16(&format!("\u{feff}{text}")).into_iter().flat_map(u16::to_be_bytes).collect();
    for (bytes, encoding) in [
        (text.as_bytes().to_vec(), Encoding::Utf8),
        (format!("\u{feff}{text}").into_bytes(), Encoding::Utf8),
        (le, Encoding::Utf16Le),
        (be, Encoding::Utf16Be),
    ] {
        let bench = Bench::new();
        let preview = bench.preview("case.csv", &bytes).await.expect("a preview");
        assert_eq!((preview.reading.encoding, preview.reading.delimiter), (encoding, ';'));
        bench.import(&[("case.csv", &bytes)], |_| {}).await.expect("a report");
        let names: Vec<_> = bench.rows().await.into_iter().map(|row| row[1].clone().expect("a name")).collect();
        assert_eq!(names, ["José Łódź", "Åsa"]);
    }
}

/// Files that would take very long if each broken row were looked for to the end of the file.
#[tokio::test]
async fn hostile_files_take_linear_time() {
    let bench = Bench::new();
    let size = 512 * 1024;
    for line in
        ["\"\n", "1,\"a\"\",2\n", "a\",\"b\",\"\n", "\"\"\"\n", ",\"\"\"\n", "\"a\n\"b\n", "\"\r", "x\"\"\"\",\"\n"]
    {
        let bytes = ["id,name,amount\n1,a,2\n".as_bytes(), line.repeat(size / line.len()).as_bytes()].concat();
        let path = bench.file("case.csv", &bytes);
        let begun = std::time::Instant::now();
        let report = bench.engine.refresh(&source(), vec![path], 1, |_| {}).await.expect("a report");
        assert_eq!(report.read, report.accepted + report.rejected);
        assert!(begun.elapsed().as_secs() < 30, "{line:?} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_location_is_not_what_is_read() {
    // The files to read are given by the caller, who knows which are allowed.
    let bench = Bench::new();
    let path = bench.file("case.csv", b"id,name,amount\n1,a,2\n");
    let source = Source { location: Location::Path { path: "/etc/passwd".to_owned() }, ..source() };
    assert_eq!(source.reading.format, Format::Csv);
    assert_eq!(bench.engine.refresh(&source, vec![path], 1, |_| {}).await.expect("a report").accepted, 1);
}
