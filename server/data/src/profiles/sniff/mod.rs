//! Guessing how a file is to be read, from its start and, where it is long, from pieces all over it. A file of any size
//! is never read whole. What is guessed is shown and can be changed; nothing here decides alone.

mod dialect;
mod encoding;
mod key;
mod names;
mod types;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use domain::attribute::{Attribute, AttributeType};
use domain::source::{DateOrder, Encoding, FileFault, Format, Preview, Reading, RowFault};

use self::types::{Form, Guess};
use super::header;
use super::read::chars::decode_piece;
use super::read::csv::CsvReader;
use super::read::json::{Member, members};
use super::read::parquet::ParquetFile;
use super::read::{Cell, RowSink};
use super::text::write_value;
use super::value::{Forms, Value, decimal};
use crate::error::{DataError, Result};

/// Rows that a preview shows.
const SHOWN: usize = 100;
/// Rows that types are guessed from, at most, in the piece at the start.
const LOOKED_AT: usize = 20_000;
/// Values that are looked at, at most, of a source whose rows may be wider than they are long.
const VALUES: usize = 500_000;
/// Bytes of values that are looked at, at most, of a source whose size on disk says little about them.
const TEXT: usize = 16 * 1024 * 1024;
/// The most columns of a file that is read.
const MAX_COLUMNS: usize = 2000;
/// The piece at the start of a file, in bytes.
const HEAD: u64 = 1024 * 1024;
/// Pieces further on, and their length.
const PIECES: u64 = 16;
const PIECE: u64 = 64 * 1024;

/// What was read of a file to guess from.
struct Sample {
    head: Vec<u8>,
    /// Pieces that begin and end in the middle of rows.
    pieces: Vec<Vec<u8>>,
}

/// Looks at the start of the first file, as `reading` says or as it seems.
pub(super) fn preview(files: &[PathBuf], reading: Option<Reading>) -> Result<Preview> {
    let path = files.first().ok_or(FileFault::NotThere)?;
    let sample = sample(path)?;
    if sample.head.is_empty() {
        return Err(FileFault::Empty.into());
    }
    let is_given = reading.is_some();
    let reading = match reading {
        Some(reading) => reading,
        None => guess(&sample)?,
    };
    match reading.format {
        Format::Csv => csv(&sample, reading, is_given),
        Format::Ndjson => ndjson(&sample, reading, is_given),
        Format::Parquet => parquet(path, reading),
    }
}

fn sample(path: &Path) -> Result<Sample> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => FileFault::NotThere.into(),
        _ => DataError::from(error),
    })?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    (&mut file).take(HEAD).read_to_end(&mut head)?;
    let mut pieces = Vec::new();
    let beyond = length.saturating_sub(HEAD);
    for number in 0..PIECES.min(beyond / (2 * PIECE)) {
        // Even places, so that the two bytes of a UTF-16 character stay together.
        let at = (HEAD + beyond / PIECES.min(beyond / (2 * PIECE)) * number) & !1;
        let mut piece = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        (&mut file).take(PIECE).read_to_end(&mut piece)?;
        pieces.push(piece);
    }
    Ok(Sample { head, pieces })
}

/// How the file seems to be written.
fn guess(sample: &Sample) -> Result<Reading> {
    if sample.head.starts_with(b"PAR1") {
        return Ok(Reading { format: Format::Parquet, ..Reading::default() });
    }
    let encoding = encoding::guess(&sample.head, sample.pieces.iter().map(Vec::as_slice));
    let head = decode_piece(&sample.head, encoding);
    if head.trim_start().starts_with('{') && encoding == Encoding::Utf8 {
        let first = head.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if members(first, |_, _| Some(())).is_some() {
            return Ok(Reading { format: Format::Ndjson, ..Reading::default() });
        }
    }
    let delimiter = dialect::delimiter(&head)?;
    let rows = CsvReader::new(head.as_bytes(), Encoding::Utf8, delimiter).sample(LOOKED_AT.min(1000))?;
    let has_header = dialect::has_header(&rows);
    Ok(Reading { format: Format::Csv, encoding, delimiter, has_header, ..Reading::default() })
}

fn csv(sample: &Sample, mut reading: Reading, is_given: bool) -> Result<Preview> {
    let head = decode_piece(&sample.head, reading.encoding);
    let mut reader = CsvReader::new(head.as_bytes(), Encoding::Utf8, reading.delimiter);
    let mut names = None;
    if reading.has_header {
        names = Some(header::repaired(&reader.header()?.ok_or(FileFault::Format)?));
    }
    let mut rows = reader.sample(LOOKED_AT)?;
    if sample.head.len() as u64 == HEAD && rows.len() > 1 {
        // The last row may have been cut in two.
        rows.pop();
    }
    let names = match names {
        Some(names) => names,
        None => header::numbered(dialect::usual_count(&rows).ok_or(FileFault::Empty)?),
    };
    if names.len() > MAX_COLUMNS {
        return Err(FileFault::Format.into());
    }
    let shown = rows.iter().take(SHOWN).map(|row| shown(row, names.len())).collect();
    for piece in &sample.pieces {
        let text = decode_piece(piece, reading.encoding);
        // From the second line on, and without the last.
        let Some((_, text)) = text.split_once('\n') else { continue };
        let Some((text, _)) = text.rsplit_once('\n') else { continue };
        let mut reader = CsvReader::new(text.as_bytes(), Encoding::Utf8, reading.delimiter);
        reader.expect_fields(names.len());
        rows.extend(reader.sample(LOOKED_AT)?);
    }
    rows.retain(|row| row.len() == names.len());
    let forms = Forms::of(&reading);
    let mut guesses: Vec<Guess> = names.iter().map(|name| Guess::new(name, forms.decimal_comma)).collect();
    for row in &rows {
        for (guess, text) in guesses.iter_mut().zip(row) {
            guess.look_at(text, Form::Any);
        }
    }
    if !is_given {
        reading.date_order = types::date_order(&guesses);
    }
    let attributes = attributes(names, &guesses, reading.date_order);
    let primary_key = key::guess(&attributes, |column| rows.iter().map(move |row| row[column].as_str()));
    let has_mark = encoding::marked(&sample.head) == Some(reading.encoding);
    Ok(Preview { reading, has_mark, attributes, primary_key, rows: shown })
}

fn attributes(names: Vec<String>, guesses: &[Guess], order: DateOrder) -> Vec<Attribute> {
    names.into_iter().zip(guesses).map(|(name, guess)| Attribute { name, kind: guess.kind(order) }).collect()
}

/// A row of a preview: as long as the header, whatever the file has.
fn shown(row: &[String], length: usize) -> Vec<Option<String>> {
    (0..length).map(|index| row.get(index).filter(|text| !text.is_empty()).cloned()).collect()
}

fn ndjson(sample: &Sample, mut reading: Reading, is_given: bool) -> Result<Preview> {
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<(String, Form)>> = Vec::new();
    let head = decode_piece(&sample.head, Encoding::Utf8);
    let is_cut = sample.head.len() as u64 == HEAD;
    look_at_objects(&head, is_cut, &mut names, &mut rows);
    let shown_rows = rows.len().min(SHOWN);
    for piece in &sample.pieces {
        let text = decode_piece(piece, Encoding::Utf8);
        if let Some((_, text)) = text.split_once('\n') {
            look_at_objects(text, true, &mut names, &mut rows);
        }
    }
    if names.is_empty() {
        return Err(FileFault::Format.into());
    }
    let mut guesses: Vec<Guess> = names.iter().map(|name| Guess::new(name, false)).collect();
    for row in &rows {
        for (guess, (text, form)) in guesses.iter_mut().zip(row) {
            guess.look_at(text, *form);
        }
    }
    if !is_given {
        reading.date_order = types::date_order(&guesses);
    }
    let shown = rows[..shown_rows]
        .iter()
        .map(|row| shown(&row.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>(), names.len()))
        .collect();
    let attributes = attributes(names, &guesses, reading.date_order);
    let primary_key = key::guess(&attributes, |column| {
        rows.iter().map(move |row| row.get(column).map_or("", |(text, _)| text.as_str()))
    });
    let has_mark = encoding::marked(&sample.head) == Some(reading.encoding);
    Ok(Preview { reading, has_mark, attributes, primary_key, rows: shown })
}

fn look_at_objects(text: &str, is_cut: bool, names: &mut Vec<String>, rows: &mut Vec<Vec<(String, Form)>>) {
    let text = if is_cut { text.rsplit_once('\n').map_or("", |(text, _)| text) } else { text };
    let mut values: usize = rows.iter().map(Vec::len).sum();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if values > VALUES {
            return;
        }
        let mut row: Vec<(String, Form)> = Vec::new();
        let read = members(line, |name, value| {
            let place = match names.iter().position(|known| known == name) {
                Some(place) => place,
                // A name that only a broken line has would do no harm; one with control characters could not be kept.
                None if names.len() < MAX_COLUMNS && !name.trim().is_empty() && !name.chars().any(char::is_control) => {
                    names.push(name.to_owned());
                    names.len() - 1
                }
                None => return Some(()),
            };
            row.resize(row.len().max(place + 1), (String::new(), Form::Any));
            row[place] = match value {
                Member::Null => (String::new(), Form::Any),
                Member::Text(text) => (text.to_owned(), Form::Text),
                Member::Number(text) => (text.to_owned(), Form::Number),
                Member::Other(text) => (text.to_owned(), Form::Any),
            };
            Some(())
        });
        if read.is_some() {
            values += row.len();
            rows.push(row);
        }
    }
}

fn parquet(path: &Path, reading: Reading) -> Result<Preview> {
    let file = ParquetFile::open(File::open(path)?)?;
    let mut attributes = file.attributes();
    if attributes.is_empty() || attributes.len() > MAX_COLUMNS {
        return Err(FileFault::Format.into());
    }
    let floats: Vec<bool> = attributes.iter().map(|attribute| file.is_float(&attribute.name)).collect();
    // The names of columns are the source's own; names that could not be kept are not offered.
    if attributes
        .iter()
        .any(|attribute| attribute.name.trim().is_empty() || attribute.name.chars().any(char::is_control))
    {
        return Err(FileFault::Header.into());
    }
    let forms = Forms::of(&reading);
    let mut rows = Rows { width: attributes.len(), rows: Vec::new(), text: 0 };
    file.read_into(&attributes, &forms, &mut rows)?;
    for (place, attribute) in attributes.iter_mut().enumerate().filter(|(place, _)| floats[*place]) {
        let is_exact = rows.rows.iter().all(|row| row[place].is_empty() || decimal(&row[place], false).is_some());
        attribute.kind = if is_exact { AttributeType::Decimal } else { AttributeType::Text };
    }
    let primary_key = key::guess(&attributes, |column| rows.rows.iter().map(move |row| row[column].as_str()));
    let shown = rows.rows.iter().take(SHOWN).map(|row| shown(row, attributes.len())).collect();
    Ok(Preview { reading, has_mark: false, attributes, primary_key, rows: shown })
}

/// The first rows of a Parquet file as text.
struct Rows {
    width: usize,
    rows: Vec<Vec<String>>,
    /// Bytes of all values.
    text: usize,
}

impl RowSink for Rows {
    fn row<'a>(&mut self, _line: u64, cell: &dyn Fn(usize) -> Cell<'a>) -> Result<()> {
        let text = |place| match cell(place) {
            Cell::Raw(text) => text.to_owned(),
            Cell::Value(Value::Empty) | Cell::Fault(_) => String::new(),
            Cell::Value(value) => {
                let mut text = String::new();
                write_value(value, &mut text);
                text
            }
        };
        let row: Vec<String> = (0..self.width).map(text).collect();
        self.text += row.iter().map(String::len).sum::<usize>();
        self.rows.push(row);
        Ok(())
    }

    fn fault(&mut self, _line: u64, _fault: RowFault) -> Result<()> {
        Ok(())
    }

    fn blank_lines(&mut self, _count: u64) {}

    fn is_full(&self) -> bool {
        self.rows.len() * self.width >= VALUES || self.rows.len() >= LOOKED_AT || self.text >= TEXT
    }
}
