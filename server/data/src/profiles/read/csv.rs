//! Reading delimited text: rows become fields, which go to a [`RowSink`] by the attributes' places.

use std::io::Read;

use csv_core::ReadRecordResult;
use domain::source::{Encoding, RowFault};
use memchr::memchr;

use super::chars::Chars;
use super::records::{self, Found, Records};
use super::{Cell, RowSink};
use crate::error::Result;

/// Reads one file.
pub(crate) struct CsvReader<R> {
    chars: Chars<R>,
    records: Records,
    /// The line, from 1, at the window's start.
    line: u64,
    /// Up to this place in the text, a line with a stray quote may be the rest of a broken row.
    suspicious_until: u64,
    fields: Fields,
}

impl<R: Read> CsvReader<R> {
    pub(crate) fn new(input: R, encoding: Encoding, delimiter: char) -> Self {
        // Only ASCII delimiters are offered; another one would never be found.
        let delimiter = u8::try_from(delimiter).unwrap_or(b',');
        Self {
            chars: Chars::new(input, encoding),
            records: Records { delimiter, fields: None },
            line: 1,
            suspicious_until: 0,
            fields: Fields::new(delimiter),
        }
    }

    /// The fields of the first row that is not blank; none when there is no such row or it is broken.
    pub(crate) fn header(&mut self) -> Result<Option<Vec<String>>> {
        let mut header = None;
        while header.is_none() {
            match self.next()? {
                Step::End => return Ok(None),
                Step::Blank => {}
                Step::Fault { .. } => return Ok(None),
                Step::Row { .. } => {
                    let count = self.fields.count();
                    header = Some((0..count).map(|index| self.fields.get(index).to_owned()).collect::<Vec<_>>());
                    self.records.fields = Some(count);
                }
            }
        }
        Ok(header)
    }

    /// Sets the number of fields that a row must have.
    pub(crate) fn expect_fields(&mut self, count: usize) {
        self.records.fields = Some(count);
    }

    /// Gives all rows to the sink. `places` says for each attribute in which field it stands.
    pub(crate) fn read_into(&mut self, places: &[usize], sink: &mut impl RowSink) -> Result<()> {
        while !sink.is_full() {
            match self.next()? {
                Step::End => break,
                Step::Blank => sink.blank_lines(1),
                Step::Fault { line, fault } => sink.fault(line, fault)?,
                Step::Row { line } => {
                    let fields = &self.fields;
                    sink.row(line, &|attribute| Cell::Raw(fields.get(places[attribute])))?;
                }
            }
        }
        Ok(())
    }

    /// The fields of the next rows, right or not; for looking at a file before anything is known about it.
    pub(crate) fn sample(&mut self, most: usize) -> Result<Vec<Vec<String>>> {
        let mut rows = Vec::new();
        while rows.len() < most {
            match self.next()? {
                Step::End => break,
                Step::Row { .. } => {
                    rows.push((0..self.fields.count()).map(|index| self.fields.get(index).to_owned()).collect());
                }
                Step::Blank | Step::Fault { .. } => {}
            }
        }
        Ok(rows)
    }

    fn next(&mut self) -> Result<Step> {
        loop {
            if self.chars.window().is_empty() {
                if self.chars.has_ended() {
                    return Ok(Step::End);
                }
                self.chars.fill()?;
                continue;
            }
            let line = self.line;
            match self.records.first(self.chars.window(), self.chars.has_ended()) {
                Found::Unfinished => self.chars.fill()?,
                Found::Row(extent) => {
                    let step = self.take(extent);
                    self.line += extent.lines;
                    self.chars.consume(extent.next);
                    return Ok(step);
                }
                Found::Broken { line: extent, reach } => {
                    let reach = self.chars.position() + reach as u64;
                    self.suspicious_until = self.suspicious_until.max(reach);
                    self.line += 1;
                    self.chars.consume(extent.next);
                    return Ok(Step::Fault { line, fault: RowFault::UnclosedQuote });
                }
                Found::TooLong => {
                    self.line += 1;
                    self.chars.skip_line()?;
                    return Ok(Step::Fault { line, fault: RowFault::TooLong });
                }
            }
        }
    }

    /// What the row at the window's start is.
    fn take(&mut self, extent: records::Extent) -> Step {
        let line = self.line;
        let row = &self.chars.window()[..extent.end];
        let fault = |fault| Step::Fault { line, fault };
        if row.iter().all(|byte| *byte == b' ') {
            return Step::Blank;
        }
        if memchr(0, row).is_some() {
            return fault(RowFault::NulCharacter);
        }
        let Ok(text) = std::str::from_utf8(row) else { return fault(RowFault::Encoding) };
        if extent.quoted_fields.is_some() {
            self.fields.split_quoted(text);
            let is_suspicious = self.chars.position() < self.suspicious_until;
            if is_suspicious && extent.lines == 1 && has_stray_quote(text, self.records.delimiter) {
                return fault(RowFault::UnclosedQuote);
            }
        } else {
            self.fields.split_plain(text);
        }
        match self.records.fields {
            Some(expected) if expected != self.fields.count() => fault(RowFault::FieldCount),
            _ => Step::Row { line },
        }
    }
}

enum Step {
    End,
    Blank,
    /// The fields are in [`CsvReader::fields`].
    Row {
        line: u64,
    },
    Fault {
        line: u64,
        fault: RowFault,
    },
}

/// Does a quote stand in the middle of an unquoted field?
fn has_stray_quote(text: &str, delimiter: u8) -> bool {
    let mut inside = false;
    let mut before = delimiter;
    for byte in text.bytes() {
        if byte == b'"' {
            if !inside && before != delimiter && before != b'"' {
                return true;
            }
            inside = !inside;
        }
        before = byte;
    }
    false
}

/// The fields of one row, in buffers that are used again for the next.
struct Fields {
    text: String,
    /// Where each field ends in `text`, and where the next one starts.
    ends: Vec<(usize, usize)>,
    parser: csv_core::Reader,
    delimiter: u8,
    bytes: Vec<u8>,
    byte_ends: Vec<usize>,
}

impl Fields {
    fn new(delimiter: u8) -> Self {
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { text: String::new(), ends: Vec::new(), parser, delimiter, bytes: vec![0; 1024], byte_ends: vec![0; 64] }
    }

    fn count(&self) -> usize {
        self.ends.len()
    }

    /// A field; a place beyond the last is empty.
    fn get(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1).map_or(self.text.len(), |(_, next)| *next) };
        let end = self.ends.get(index).map_or(self.text.len(), |(end, _)| *end);
        self.text.get(start..end).unwrap_or_default()
    }

    /// A row without quotes.
    fn split_plain(&mut self, row: &str) {
        self.text.clear();
        self.text.push_str(row);
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(self.delimiter, row.as_bytes()).map(|at| (at, at + 1)));
        self.ends.push((row.len(), row.len()));
    }

    /// A row with quotes, which ends at its end.
    fn split_quoted(&mut self, row: &str) {
        self.parser.reset();
        self.bytes.resize(self.bytes.len().max(row.len() + 1), 0);
        let (mut read, mut written, mut ended) = (0, 0, 0);
        loop {
            let (result, taken, given, fields) = self.parser.read_record(
                &row.as_bytes()[read..],
                &mut self.bytes[written..],
                &mut self.byte_ends[ended..],
            );
            read += taken;
            written += given;
            ended += fields;
            match result {
                // Nothing more comes: an empty input ends the row.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.byte_ends.resize(self.byte_ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        self.text.clear();
        // Fields of valid UTF-8 are valid; only quotes are taken out.
        self.text.push_str(std::str::from_utf8(&self.bytes[..written]).unwrap_or_default());
        self.ends.clear();
        self.ends.extend(self.byte_ends[..ended].iter().map(|end| (*end, *end)));
    }
}
