//! R-43, systematically: every way to break a row, in every encoding, with every end of lines, at every place of a file.
//! Exactly the broken row is lost, under its line and its reason, and none of it takes long.

use std::time::{Duration, Instant};

use domain::attribute::{Attribute, AttributeType as T};
use domain::source::RowFault::{
    Encoding as BadText, FieldCount, KeyMissing, KeyRepeated, NulCharacter, TooLong, Type, UnclosedQuote,
};
use domain::source::{Encoding, Preview, Reading, RowFault, Source};

use super::{Bench, rejected, source_of};

/// Stands for what is no character in an encoding.
const NO_CHARACTER: char = '\u{e000}';
/// Rows of a file.
const ROWS: usize = 7;

/// A way to break the row with a number; what of it stands in the report.
type Break = (&'static str, fn(usize) -> String, RowFault);

const BREAKS: [Break; 11] = [
    ("a quote that is not closed", |n| format!("{n},\"ä,1"), UnclosedQuote),
    ("a quote alone", |_| "\"".to_owned(), UnclosedQuote),
    ("text after a closing quote", |n| format!("{n},\"ä\"b,1"), UnclosedQuote),
    ("a NUL", |n| format!("{n},ä\0b,1"), NulCharacter),
    ("a field too few", |n| format!("{n},ä"), FieldCount),
    ("a field too many", |n| format!("{n},ä,1,x"), FieldCount),
    ("no key", |_| ",ä,1".to_owned(), KeyMissing),
    ("the key of the first row", |_| "1,ä,1".to_owned(), KeyRepeated),
    ("a number that is none", |n| format!("{n},ä,two"), Type),
    ("what is no character", |n| format!("{n},ä{NO_CHARACTER},1"), BadText),
    ("a field that is too long", |n| format!("{n},{},1", "ä".repeat(600_000)), TooLong),
];

/// An encoding, with or without its mark at the start.
const ENCODINGS: [(Encoding, bool); 6] = [
    (Encoding::Utf8, false),
    (Encoding::Utf8, true),
    (Encoding::Utf16Le, true),
    (Encoding::Utf16Be, true),
    (Encoding::Utf16Le, false),
    (Encoding::Windows1252, false),
];

fn encoded(text: &str, (encoding, has_mark): (Encoding, bool)) -> Vec<u8> {
    let mark = if has_mark { "\u{feff}" } else { "" };
    let units =
        || mark.encode_utf16().chain(text.encode_utf16()).map(|unit| if unit == 0xe000 { 0xd800 } else { unit });
    match encoding {
        Encoding::Utf8 => {
            let mut bytes = mark.as_bytes().to_vec();
            for letter in text.chars() {
                match letter {
                    NO_CHARACTER => bytes.push(0xff),
                    letter => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
            bytes
        }
        Encoding::Utf16Le => units().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => units().flat_map(u16::to_be_bytes).collect(),
        Encoding::Windows1252 => text.chars().map(|letter| u8::try_from(u32::from(letter)).expect("Latin")).collect(),
    }
}

fn source(encoding: Encoding) -> Source {
    let attribute = |name: &str, kind| Attribute { name: name.to_owned(), kind };
    let reading = Reading { encoding, ..Reading::default() };
    let preview = Preview { reading, has_mark: false, attributes: vec![], primary_key: None, rows: vec![] };
    Source {
        attributes: vec![attribute("id", T::Text), attribute("name", T::Text), attribute("amount", T::Decimal)],
        primary_key: Some("id".to_owned()),
        ..source_of(preview)
    }
}

fn file(broken: Option<(usize, String)>, line_end: &str, has_end: bool) -> String {
    let row = |n: usize| match &broken {
        Some((at, row)) if *at == n => row.clone(),
        _ => format!("{n},Zoë,{n}.5"),
    };
    let lines = std::iter::once("id,name,amount".to_owned()).chain((1..=ROWS).map(row));
    let mut text = lines.collect::<Vec<_>>().join(line_end);
    if has_end {
        text.push_str(line_end);
    }
    text
}

#[tokio::test]
async fn r43_of_hundreds_of_malformed_files_exactly_the_broken_row_is_lost() {
    let bench = Bench::new();
    let mut files = 0;
    for encoding in ENCODINGS {
        for (name, line_end) in [("LF", "\n"), ("CR LF", "\r\n"), ("CR", "\r")] {
            let clean = bench.file("case.csv", &encoded(&file(None, line_end, true), encoding));
            let report = bench.engine.refresh(&source(encoding.0), vec![clean], 1, |_| {}).await.expect("a report");
            assert_eq!((report.accepted, rejected(&report)), (7, vec![]), "{encoding:?} {name}");
            for (what, row, fault) in BREAKS {
                if (fault, encoding.0) == (BadText, Encoding::Windows1252) {
                    // Every byte is a character there.
                    continue;
                }
                let places = if fault == TooLong { 4..=4 } else { 1..=ROWS };
                for (at, has_end) in places.step_by(3).flat_map(|at| [(at, true), (at, false)]) {
                    if (at < ROWS && !has_end) || (fault == KeyRepeated && at == 1) {
                        continue;
                    }
                    let text = file(Some((at, row(at))), line_end, has_end);
                    let path = bench.file("case.csv", &encoded(&text, encoding));
                    let report =
                        bench.engine.refresh(&source(encoding.0), vec![path], 1, |_| {}).await.expect("a report");
                    let line = at as u64 + 1;
                    assert_eq!(rejected(&report), [(line, fault)], "{what}, {encoding:?}, {name}, row {at}, {has_end}");
                    assert_eq!(report.accepted, 6, "{what}, {encoding:?}, {name}, row {at}");
                    files += 1;
                }
            }
        }
    }
    println!("{files} malformed files");
    assert!(files >= 300, "{files}");
}

/// How long a refresh takes; the best of two, because a busy machine makes none of them shorter.
async fn took(bench: &Bench, text: &str) -> Duration {
    let path = bench.file("case.csv", text.as_bytes());
    let mut best = Duration::MAX;
    for _ in 0..2 {
        let begun = Instant::now();
        let report = bench.engine.refresh(&source(Encoding::Utf8), vec![path.clone()], 1, |_| {}).await;
        best = best.min(begun.elapsed());
        let report = report.expect("a report");
        assert_eq!(report.read, report.accepted + report.rejected);
    }
    best
}

#[tokio::test]
async fn r43_a_malformed_file_takes_at_most_twice_as_long_as_a_clean_one_of_its_size() {
    const SIZE: usize = 512 * 1024;
    let bench = Bench::new();
    let good = |n: usize| format!("{n:06},Zoë Ångström,12.5\n");
    let of_size = |row: &dyn Fn(usize) -> String| {
        let mut text = "id,name,amount\n".to_owned();
        for n in 1.. {
            text.push_str(&row(n));
            if text.len() >= SIZE {
                break;
            }
        }
        text
    };
    let in_order = of_size(&good);
    // A repeated key is never in order, which costs a clean file a sort, too.
    let out_of_order = of_size(&|n| good(999_999 - n));
    let mut slow = Vec::new();
    for (what, row, fault) in BREAKS {
        if matches!(fault, TooLong | BadText) {
            continue;
        }
        for every in [1, 50] {
            let padded = |n: usize| {
                let broken = row(n);
                let pad = good(n).len().saturating_sub(broken.len() + 1);
                // As long as a good row, so that there are as many of them.
                format!("{broken}{}\n", " ".repeat(pad))
            };
            let broken = of_size(&|n| if n > 1 && n % every == 0 { padded(n) } else { good(n) });
            let clean = if fault == KeyRepeated { &out_of_order } else { &in_order };
            let (mut best, mut best_clean) = (Duration::MAX, Duration::MAX);
            // Other work on the machine strikes now and then, a slow way each time.
            for _ in 0..5 {
                best_clean = best_clean.min(took(&bench, clean).await);
                best = best.min(took(&bench, &broken).await);
                if best <= best_clean * 2 {
                    break;
                }
            }
            println!("{best:>12?} for {best_clean:>12?}: {what}, every {every}");
            if best > best_clean * 2 {
                slow.push(format!("{what}, every {every}: {best:?} for {best_clean:?}"));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}
