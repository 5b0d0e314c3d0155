//! Reading newline-delimited JSON: each line is one object, whose members go to a [`RowSink`] by the attributes' names.
//!
//! Numbers are taken as they are written, digit by digit; a member that is an object or a list is its JSON text; `null`
//! and a missing member are empty values. A name that stands twice in one object makes the line faulty, because either
//! value would be a guess.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;

use domain::source::{Encoding, RowFault};
use serde::de::IgnoredAny;

use super::chars::Chars;
use super::{Cell, MAX_LENGTH, RowSink, records};
use crate::error::Result;

/// Reads one file.
pub(crate) struct JsonReader<R> {
    chars: Chars<R>,
    /// The line, from 1, at the window's start.
    line: u64,
    row: Row,
}

/// The members of one object that are attributes, in buffers that are used again for the next.
struct Row {
    places: HashMap<String, usize>,
    text: String,
    /// Where each attribute's text stands.
    spans: Vec<Option<(usize, usize)>>,
}

impl<R: Read> JsonReader<R> {
    /// A reader of these attributes.
    pub(crate) fn new<'n>(input: R, names: impl Iterator<Item = &'n str>) -> Self {
        let places: HashMap<String, usize> = names.enumerate().map(|(place, name)| (name.to_owned(), place)).collect();
        let spans = vec![None; places.len()];
        Self { chars: Chars::new(input, Encoding::Utf8), line: 1, row: Row { places, text: String::new(), spans } }
    }

    /// Gives all rows to the sink.
    pub(crate) fn read_into(&mut self, sink: &mut impl RowSink) -> Result<()> {
        while !sink.is_full() {
            let text = self.chars.window();
            if text.is_empty() && self.chars.has_ended() {
                break;
            }
            let Some(extent) = records::line(text, self.chars.has_ended()).filter(|_| !text.is_empty()) else {
                if text.len() > MAX_LENGTH {
                    sink.fault(self.line, RowFault::TooLong)?;
                    self.line += 1;
                    self.chars.skip_line()?;
                } else {
                    self.chars.fill()?;
                }
                continue;
            };
            let line = &text[..extent.end];
            if line.iter().all(u8::is_ascii_whitespace) {
                sink.blank_lines(1);
            } else {
                match self.row.read(line) {
                    Ok(()) => sink.row(self.line, &|place| Cell::Raw(self.row.get(place)))?,
                    Err(fault) => sink.fault(self.line, fault)?,
                }
            }
            self.line += 1;
            self.chars.consume(extent.next);
        }
        Ok(())
    }
}

impl Row {
    fn get(&self, place: usize) -> &str {
        match self.spans.get(place) {
            Some(Some((start, end))) => &self.text[*start..*end],
            _ => "",
        }
    }

    fn read(&mut self, line: &[u8]) -> Result<(), RowFault> {
        if line.len() > MAX_LENGTH {
            return Err(RowFault::TooLong);
        }
        if memchr::memchr(0, line).is_some() {
            return Err(RowFault::NulCharacter);
        }
        let line = std::str::from_utf8(line).map_err(|_| RowFault::Encoding)?;
        self.text.clear();
        self.spans.fill(None);
        let (places, text, spans) = (&self.places, &mut self.text, &mut self.spans);
        let mut has_nul = false;
        members(line, |name, value| {
            let Some(place) = places.get(name) else { return Some(()) };
            let start = text.len();
            match value {
                Member::Null => {}
                Member::Text(value) => text.push_str(value),
                Member::Number(value) | Member::Other(value) => text.push_str(value),
            }
            has_nul |= memchr::memchr(0, &text.as_bytes()[start..]).is_some();
            let is_first = spans[*place].is_none();
            spans[*place] = Some((start, text.len()));
            is_first.then_some(())
        })
        .ok_or(RowFault::Json)?;
        if has_nul { Err(RowFault::NulCharacter) } else { Ok(()) }
    }
}

/// The value of a member.
pub(crate) enum Member<'a> {
    Null,
    Text(&'a str),
    /// As it is written.
    Number(&'a str),
    /// `true`, `false`, an object or a list, as it is written.
    Other(&'a str),
}

/// Gives the members of the one object that `line` is, in their order. None when it is no object, or when `take` gives
/// none.
pub(crate) fn members(line: &str, mut take: impl FnMut(&str, Member<'_>) -> Option<()>) -> Option<()> {
    let mut rest = line.trim_ascii().strip_prefix('{')?.trim_ascii_start();
    if let Some(after) = rest.strip_prefix('}') {
        return after.is_empty().then_some(());
    }
    loop {
        let (name, length) = text_at(rest)?;
        rest = rest.get(length..)?.trim_ascii_start().strip_prefix(':')?.trim_ascii_start();
        let length = if rest.starts_with('"') {
            let (value, length) = text_at(rest)?;
            take(&name, Member::Text(&value))?;
            length
        } else {
            // serde_json says where the value ends, and bounds its depth.
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
            values.next()?.ok()?;
            let length = values.byte_offset();
            let value = rest.get(..length)?.trim_ascii();
            let member = match value.as_bytes().first()? {
                b'n' => Member::Null,
                b'-' | b'0'..=b'9' => Member::Number(value),
                _ => Member::Other(value),
            };
            take(&name, member)?;
            length
        };
        rest = rest.get(length..)?.trim_ascii_start();
        if let Some(after) = rest.strip_prefix('}') {
            return after.is_empty().then_some(());
        }
        rest = rest.strip_prefix(',')?.trim_ascii_start();
    }
}

/// The JSON string at the start of `text`, and its length there.
fn text_at(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let inner = text.strip_prefix('"')?;
    let end = memchr::memchr2(b'"', b'\\', inner.as_bytes())?;
    let plain = &inner[..end];
    if inner.as_bytes()[end] == b'"' {
        // Control characters must be escaped.
        return plain.bytes().all(|byte| byte >= 0x20).then_some((Cow::Borrowed(plain), end + 2));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    Some((Cow::Owned(value), values.byte_offset()))
}

#[cfg(test)]
mod tests {
    use super::{Member, members};

    fn all(line: &str) -> Option<Vec<(String, String)>> {
        let mut found = Vec::new();
        members(line, |name, value| {
            let text = match value {
                Member::Null => "null".to_owned(),
                Member::Text(text) => format!("t:{text}"),
                Member::Number(text) => format!("n:{text}"),
                Member::Other(text) => format!("o:{text}"),
            };
            found.push((name.to_owned(), text));
            Some(())
        })?;
        Some(found)
    }

    #[test]
    fn members_come_as_they_are_written() {
        let line = r#" { "a": 12345678901234567890.120, "b":"x\"\u00e9" ,"c":null,"d":[1, {"e":2}],"f" : true} "#;
        let found = all(line).expect("an object");
        let expected = [
            ("a", "n:12345678901234567890.120"),
            ("b", "t:x\"é"),
            ("c", "null"),
            ("d", "o:[1, {\"e\":2}]"),
            ("f", "o:true"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(all("{}"), Some(vec![]));
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        let half = format!("{{\"a\":{}", "[".repeat(100_000));
        for line in [
            "",
            "[]",
            "1",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1",
            "{\"a\":1,}",
            "{\"a\":1}{}",
            "{'a':1}",
            "{\"a\":01}",
            &half,
        ] {
            assert_eq!(all(line), None, "{}", &line[..line.len().min(20)]);
        }
    }
}
