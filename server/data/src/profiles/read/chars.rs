//! The bytes of a text file as UTF-8, piece by piece, whatever its encoding. Where lines and rows end, others decide.
//!
//! What cannot be decoded becomes a byte that is not UTF-8, so that the row it stands in can be told from the others.

use std::io::{self, Read};

use domain::source::Encoding;
use encoding_rs::{CoderResult, Decoder, DecoderResult};

use super::records;

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// Stands for what cannot be decoded.
const BROKEN: u8 = 0xFF;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A window over the characters of a file. It grows at its end with [`Chars::fill`] and shrinks at its start with
/// [`Chars::consume`].
pub(crate) struct Chars<R> {
    input: R,
    /// None for UTF-8, which is left as it is.
    decoder: Option<Decoder>,
    /// Bytes as read, before decoding.
    raw: Vec<u8>,
    window: Vec<u8>,
    start: usize,
    ended: bool,
    /// The byte order mark has been looked for.
    begun: bool,
    consumed: u64,
}

impl<R: Read> Chars<R> {
    pub(crate) fn new(input: R, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => None,
            Encoding::Utf16Le => Some(encoding_rs::UTF_16LE),
            Encoding::Utf16Be => Some(encoding_rs::UTF_16BE),
            Encoding::Windows1252 => Some(encoding_rs::WINDOWS_1252),
        };
        Self {
            input,
            decoder: decoder.map(encoding_rs::Encoding::new_decoder_without_bom_handling),
            raw: Vec::new(),
            window: Vec::new(),
            start: 0,
            ended: false,
            begun: false,
            consumed: 0,
        }
    }

    /// What has been read and not consumed.
    pub(crate) fn window(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// Is the window's end the file's end?
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Bytes of text before the window.
    pub(crate) fn position(&self) -> u64 {
        self.consumed
    }

    /// Moves the window's start on.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        self.consumed += count as u64;
    }

    /// Reads more, until the window has grown or the file has ended.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        self.window.drain(..self.start);
        self.start = 0;
        let before = self.window.len();
        while !self.ended && self.window.len() == before {
            if self.decoder.is_some() {
                self.fill_decoded()?;
            } else {
                let read = (&mut self.input).take(CHUNK as u64).read_to_end(&mut self.window)?;
                self.ended = read == 0;
            }
            if !self.begun && (self.ended || self.window.len() >= BYTE_ORDER_MARK.len()) {
                self.begun = true;
                if self.window.starts_with(BYTE_ORDER_MARK) {
                    self.window.drain(..BYTE_ORDER_MARK.len());
                }
            }
        }
        Ok(())
    }

    /// Passes over the rest of a line of any length, however little of it fits into the window.
    pub(crate) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(extent) = records::line(self.window(), self.ended) {
                self.consume(extent.next);
                return Ok(());
            }
            // A CR at the end may be the first half of a line's end.
            let keep = usize::from(self.window().last() == Some(&b'\r'));
            self.consume(self.window().len() - keep);
            self.fill()?;
        }
    }

    fn fill_decoded(&mut self) -> io::Result<()> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        self.raw.clear();
        let read = (&mut self.input).take(CHUNK as u64).read_to_end(&mut self.raw)?;
        self.ended = read == 0;
        let mut rest = self.raw.as_slice();
        loop {
            let old = self.window.len();
            let room = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(CHUNK).max(64);
            self.window.resize(old + room, 0);
            let (result, taken, given) =
                decoder.decode_to_utf8_without_replacement(rest, &mut self.window[old..], self.ended);
            self.window.truncate(old + given);
            rest = &rest[taken..];
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.window.push(BROKEN),
            }
        }
    }
}

/// Decodes a piece of a file whole; what cannot be decoded becomes U+FFFD.
pub(crate) fn decode_piece(bytes: &[u8], encoding: Encoding) -> String {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut decoder = match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::Utf16Le => encoding_rs::UTF_16LE,
        Encoding::Utf16Be => encoding_rs::UTF_16BE,
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
    }
    .new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(0));
    let (result, _, _) = decoder.decode_to_string(bytes, &mut text, false);
    debug_assert!(matches!(result, CoderResult::InputEmpty));
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use domain::source::Encoding;

    use super::Chars;

    fn all(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
        let mut chars = Chars::new(bytes, encoding);
        while !chars.has_ended() {
            chars.fill().expect("read");
        }
        chars.window().to_vec()
    }

    #[test]
    fn every_encoding_becomes_utf_8_without_byte_order_mark() {
        let utf16 = |text: &str| -> Vec<u16> { text.encode_utf16().collect() };
        let le: Vec<u8> = utf16("\u{feff}né😀").iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let be: Vec<u8> = utf16("né😀").iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(all(&le, Encoding::Utf16Le), "né😀".as_bytes());
        assert_eq!(all(&be, Encoding::Utf16Be), "né😀".as_bytes());
        assert_eq!(all(b"n\xe9\x80", Encoding::Windows1252), "né€".as_bytes());
        assert_eq!(all("\u{feff}né".as_bytes(), Encoding::Utf8), "né".as_bytes());
        assert_eq!(all(b"", Encoding::Utf8), b"");
    }

    #[test]
    fn half_a_character_leaves_its_mark() {
        // A lone surrogate, and a byte too few at the end.
        assert_eq!(all(b"a\0\0\xd8b\0", Encoding::Utf16Le), b"a\xffb");
        assert_eq!(all(b"a\0b", Encoding::Utf16Le), b"a\xff");
    }
}
