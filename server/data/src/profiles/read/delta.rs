//! The counts inside Parquet pages of delta-encoded texts. The reader reserves memory for as many lengths as a page says
//! it has before it reads one, so a page that lies about them is found here.
//!
//! The encodings are described in `Encodings.md` of the Parquet format: `DELTA_LENGTH_BYTE_ARRAY` begins with one row of
//! delta-packed lengths, `DELTA_BYTE_ARRAY` with two.

use std::fs::File;
use std::sync::Arc;

use datafusion::parquet::basic::Encoding;
use datafusion::parquet::column::page::{Page, PageReader};
use datafusion::parquet::file::metadata::ColumnChunkMetaData;
use datafusion::parquet::file::serialized_reader::SerializedPageReader;
use domain::source::FileFault;

use crate::error::Result;

/// Checks the pages of a column whose page headers have been checked already.
pub(super) fn check(file: &File, column: &ColumnChunkMetaData, rows: i64) -> Result<()> {
    let rows = usize::try_from(rows).map_err(|_| FileFault::Format)?;
    let broken = |_| FileFault::Format;
    let mut pages = SerializedPageReader::new(Arc::new(file.try_clone()?), column, rows, None).map_err(broken)?;
    let descriptor = column.column_descr();
    let levels = [descriptor.max_rep_level(), descriptor.max_def_level()];
    while let Some(page) = pages.get_next_page().map_err(broken)? {
        check_page(&page, levels).ok_or(FileFault::Format)?;
    }
    Ok(())
}

fn check_page(page: &Page, levels: [i16; 2]) -> Option<()> {
    let (values, encoding, count) = match page {
        Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, .. } => {
            let mut at = 0;
            for (level, encoding) in levels.into_iter().zip([rep_level_encoding, def_level_encoding]) {
                if level > 0 {
                    if *encoding != Encoding::RLE {
                        return None;
                    }
                    let length = buf.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)?;
                    at = at.checked_add(4 + length as usize)?;
                }
            }
            (buf.get(at..)?, encoding, num_values)
        }
        Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let at = def_levels_byte_len.checked_add(*rep_levels_byte_len)?;
            (buf.get(at as usize..)?, encoding, num_values)
        }
        Page::DictionaryPage { .. } => return Some(()),
    };
    let rows_of_lengths = match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
        Encoding::DELTA_BYTE_ARRAY => 2,
        _ => return Some(()),
    };
    let mut packed = Packed { bytes: values, at: 0 };
    for _ in 0..rows_of_lengths {
        packed.pass(u64::from(*count))?;
    }
    Some(())
}

/// Delta-packed numbers.
struct Packed<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Packed<'_> {
    /// Passes over one row of numbers, if there are at most so many and they fit into the page.
    fn pass(&mut self, most: u64) -> Option<()> {
        let block = self.varint()?;
        let parts = self.varint()?;
        let count = self.varint()?;
        self.varint()?;
        if count > most || parts == 0 || parts > 1024 || block % parts != 0 {
            return None;
        }
        let part = block / parts;
        let mut left = count.saturating_sub(1);
        while left > 0 {
            self.varint()?;
            let widths = self.at;
            self.skip(parts)?;
            for index in 0..usize::try_from(parts).ok()? {
                if left == 0 {
                    break;
                }
                let width = u64::from(self.bytes[widths + index]);
                if part == 0 || width > 64 {
                    return None;
                }
                self.skip(part.checked_mul(width)? / 8)?;
                left = left.saturating_sub(part);
            }
        }
        Some(())
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let at = self.at.checked_add(usize::try_from(count).ok()?)?;
        (at <= self.bytes.len()).then(|| self.at = at)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Packed;

    #[test]
    fn more_numbers_than_values_are_a_lie() {
        // Blocks of 128 in 4 parts, 3 numbers, the first 0; then a block of no delta, each part without bits.
        let three = [0x80, 0x01, 4, 3, 0, 0, 0, 0, 0, 0];
        assert!(Packed { bytes: &three, at: 0 }.pass(3).is_some());
        assert!(Packed { bytes: &three, at: 0 }.pass(2).is_none());
        assert!(Packed { bytes: &three[..8], at: 0 }.pass(3).is_none());
        let trillions = [0x80, 0x01, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0];
        assert!(Packed { bytes: &trillions, at: 0 }.pass(1000).is_none());
    }
}
