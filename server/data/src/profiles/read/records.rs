//! Where the rows of a CSV file end, and how to go on after one that is broken. Taking a row's fields apart is left to
//! `csv-core`; what the fields mean, to others.
//!
//! The rules of RFC 4180, with lines that end in LF, CR LF or CR alone, and one thing of our own: **a quote that is never
//! closed must not swallow the rows after it.** A quoted field is believed only if a delimiter or the end of a line
//! follows its closing quote and, where it spans lines, if the row comes out with as many fields as the header. Otherwise
//! its first line alone is rejected, and reading goes on with the next line. Until the place where the broken row would
//! have ended, a line with a quote in the middle of a field is rejected too: it may be the rest of the broken one.
//!
//! The time is linear in the length of the file: a row is given up as soon as it has too many fields or is too long,
//! and inside an open quote no other quote can open.

use memchr::{memchr, memchr2, memchr3};

use super::MAX_LENGTH;

/// What stands at the start of the given text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// More text is needed to tell.
    Unfinished,
    /// A row.
    Row(Extent),
    /// A line that is no row: a quote is not closed, or closed in the middle of a field. `reach` is where the row would
    /// have ended, had the quote been believed.
    Broken { line: Extent, reach: usize },
    /// The line is longer than a row may be; it may go on beyond the text.
    TooLong,
}

/// The place of a row in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extent {
    /// Where its content ends.
    pub end: usize,
    /// Where the next one starts.
    pub next: usize,
    /// The lines that it spans.
    pub lines: u64,
    /// Its fields, if it has a quote anywhere; a row without one is not taken apart here.
    pub quoted_fields: Option<usize>,
}

/// Finds the ends of rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Records {
    pub delimiter: u8,
    /// The number of fields in the header; none while it is not known.
    pub fields: Option<usize>,
}

impl Records {
    /// What stands at the start of `text`, which goes on unless `is_last`. `text` is not empty.
    pub(crate) fn first(&self, text: &[u8], is_last: bool) -> Found {
        let Some(line) = line(text, is_last) else {
            return if text.len() > MAX_LENGTH { Found::TooLong } else { Found::Unfinished };
        };
        if memchr(b'"', &text[..line.end]).is_none() {
            return if line.end > MAX_LENGTH { Found::TooLong } else { Found::Row(line) };
        }
        match self.quoted(text, is_last) {
            Quoted::Unfinished if text.len() <= MAX_LENGTH => Found::Unfinished,
            Quoted::Row(row) if row.end <= MAX_LENGTH => {
                let is_believed = row.lines == 1 || self.fields.is_none() || row.quoted_fields == self.fields;
                if is_believed { Found::Row(row) } else { Found::Broken { line, reach: row.next } }
            }
            _ if line.end > MAX_LENGTH => Found::TooLong,
            Quoted::Unfinished => Found::Broken { line, reach: text.len() },
            Quoted::Row(row) => Found::Broken { line, reach: row.next },
            Quoted::Broken(at) => Found::Broken { line, reach: at },
        }
    }

    /// Follows the quotes from the start of `text` to the end of the row.
    fn quoted(&self, text: &[u8], is_last: bool) -> Quoted {
        let mut at = 0;
        let mut fields = 1;
        let mut lines = 1;
        let row = |end: usize, next: usize, fields, lines| {
            Quoted::Row(Extent { end, next, lines, quoted_fields: Some(fields) })
        };
        loop {
            if text.get(at) == Some(&b'"') {
                match self.closing(text, at + 1, is_last, &mut lines) {
                    Closing::At(next) => at = next,
                    Closing::Unfinished => return Quoted::Unfinished,
                    Closing::Broken(place) => return Quoted::Broken(place),
                }
            } else {
                match memchr3(self.delimiter, b'\n', b'\r', &text[at..]) {
                    Some(length) => at += length,
                    None if is_last => at = text.len(),
                    None => return Quoted::Unfinished,
                }
            }
            if at == text.len() {
                return if is_last { row(at, at, fields, lines) } else { Quoted::Unfinished };
            }
            if text[at] == self.delimiter {
                at += 1;
                fields += 1;
                if lines > 1 && self.fields.is_some_and(|expected| fields > expected) {
                    return Quoted::Broken(at);
                }
            } else {
                return match end_of_line(text, at, is_last) {
                    Some(next) => row(at, next, fields, lines),
                    None => Quoted::Unfinished,
                };
            }
        }
    }

    /// The place after the closing quote of a field whose content starts at `at`, and after blanks behind it.
    fn closing(&self, text: &[u8], mut at: usize, is_last: bool, lines: &mut u64) -> Closing {
        loop {
            let Some(length) = memchr3(b'"', b'\n', b'\r', &text[at..]) else {
                return if is_last { Closing::Broken(text.len()) } else { Closing::Unfinished };
            };
            at += length;
            if text[at] != b'"' {
                let Some(next) = end_of_line(text, at, is_last) else { return Closing::Unfinished };
                at = next;
                *lines += 1;
            } else if text.get(at + 1) == Some(&b'"') {
                at += 2;
            } else {
                at += 1;
                break;
            }
        }
        while text.get(at) == Some(&b' ') && self.delimiter != b' ' {
            at += 1;
        }
        match text.get(at) {
            None if is_last => Closing::At(at),
            None => Closing::Unfinished,
            Some(byte) if *byte == self.delimiter || matches!(byte, b'\n' | b'\r') => Closing::At(at),
            Some(_) => Closing::Broken(at),
        }
    }
}

enum Quoted {
    Unfinished,
    Row(Extent),
    Broken(usize),
}

enum Closing {
    At(usize),
    Unfinished,
    Broken(usize),
}

/// The first line of the text; none when it goes on beyond it.
pub(crate) fn line(text: &[u8], is_last: bool) -> Option<Extent> {
    match memchr2(b'\n', b'\r', text) {
        Some(end) => {
            let next = end_of_line(text, end, is_last)?;
            Some(Extent { end, next, lines: 1, quoted_fields: None })
        }
        None if is_last => Some(Extent { end: text.len(), next: text.len(), lines: 1, quoted_fields: None }),
        None => None,
    }
}

/// The place after the LF, CR LF or CR at `at`; none when the text ends before that is clear.
fn end_of_line(text: &[u8], at: usize, is_last: bool) -> Option<usize> {
    match (text[at], text.get(at + 1)) {
        (b'\r', Some(b'\n')) => Some(at + 2),
        (b'\r', None) if !is_last => None,
        _ => Some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, Found, Records};

    const TWO: Records = Records { delimiter: b',', fields: Some(2) };

    fn row(end: usize, next: usize, lines: u64, quoted_fields: Option<usize>) -> Found {
        Found::Row(Extent { end, next, lines, quoted_fields })
    }

    #[test]
    fn a_row_ends_with_its_line_unless_quoted() {
        assert_eq!(TWO.first(b"a,b\nc", false), row(3, 4, 1, None));
        assert_eq!(TWO.first(b"a,b\r\nc", false), row(3, 5, 1, None));
        assert_eq!(TWO.first(b"a,b\rc", false), row(3, 4, 1, None));
        assert_eq!(TWO.first(b"a,b\r", false), Found::Unfinished);
        assert_eq!(TWO.first(b"a,b\r", true), row(3, 4, 1, None));
        assert_eq!(TWO.first(b"a,b", true), row(3, 3, 1, None));
        assert_eq!(TWO.first(b"a,\"b\r\nc\"\nd", false), row(8, 9, 2, Some(2)));
        assert_eq!(TWO.first(b"\"a\"\"\" ,b\n", false), row(8, 9, 1, Some(2)));
        assert_eq!(TWO.first(b"a,5\" pipe\n", false), row(9, 10, 1, Some(2)));
    }

    #[test]
    fn an_open_quote_costs_one_line() {
        let Found::Broken { line, .. } = TWO.first(b"1,\"Anna\n2,\"Bob\"\n3,Carl\n", true) else { panic!("broken") };
        assert_eq!(line.next, 8);
        let Found::Broken { line, reach } = TWO.first(b"1,\"Anna\n2,Bob\n", true) else { panic!("broken") };
        assert_eq!((line.next, reach), (8, 14));
        // Closed by chance, but with too many fields.
        let Found::Broken { line, .. } = TWO.first(b"1,\"Anna\n2,\",x\n", true) else { panic!("broken") };
        assert_eq!(line.next, 8);
    }
}
