//! A look at a Parquet file before it is read: a file that lies about its sizes, or unpacks to far more than it is, is
//! refused here, because the reader would reserve the memory first and find the lie afterwards.
//!
//! Checked are the footer (every list and text fits into it, the schema is not deep) and the header of every page (it
//! lies in the file, and what its page unpacks to is bounded). What the pages hold is left to the reader, but for
//! [`delta`]-encoded texts.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use datafusion::parquet::file::metadata::ParquetMetaData;
use domain::source::FileFault;

use super::delta;
use super::thrift::Walk;
use crate::error::Result;

const MAGIC: &[u8] = b"PAR1";
/// The longest footer.
const MAX_FOOTER: u64 = 16 * 1024 * 1024;
/// The deepest schema.
const MAX_SCHEMA_DEPTH: usize = 32;
/// The most columns, counted as the leaves of the schema.
const MAX_COLUMNS: usize = 10_000;
/// The most rows.
const MAX_ROWS: i64 = 1_000_000_000;
/// The most that one page may unpack to.
const MAX_PAGE: i64 = 64 * 1024 * 1024;
/// The most that the largest pages of all columns of one row group may unpack to together: they are held at once.
const MAX_PAGES: i64 = 192 * 1024 * 1024;
/// The most values of one page.
const MAX_PAGE_VALUES: i64 = 1 << 24;

/// Encodings, as page headers number them.
const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
const DELTA_BYTE_ARRAY: i64 = 7;

/// Checks the footer. To be called before anything else reads it.
pub(crate) fn check_footer(file: &mut File) -> Result<()> {
    let length = file.metadata()?.len();
    if length < 12 {
        return Err(if length == 0 { FileFault::Empty } else { FileFault::Format }.into());
    }
    let mut ends = [0; 12];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut ends[..4])?;
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut ends[4..])?;
    let footer_length = u64::from(u32::from_le_bytes([ends[4], ends[5], ends[6], ends[7]]));
    if &ends[..4] != MAGIC || &ends[8..] != MAGIC || footer_length + 12 > length {
        return Err(FileFault::Format.into());
    }
    if footer_length > MAX_FOOTER {
        return Err(FileFault::TooLarge.into());
    }
    let mut footer = vec![0; usize::try_from(footer_length).map_err(|_| FileFault::TooLarge)?];
    file.seek(SeekFrom::Start(length - 8 - footer_length))?;
    file.read_exact(&mut footer)?;
    let mut children = Vec::new();
    walk_footer(&footer, &mut children).ok_or(FileFault::Format)?;
    check_schema(&children).ok_or(FileFault::Format)?;
    Ok(())
}

/// Walks over the whole footer and collects how many children each element of the schema has.
fn walk_footer(footer: &[u8], children: &mut Vec<i64>) -> Option<()> {
    const SCHEMA: i64 = 2;
    const NUM_CHILDREN: i64 = 5;
    let mut walk = Walk::new(footer);
    walk.fields(|walk, id, kind| {
        if (id, kind) != (SCHEMA, super::thrift::Kind::List) {
            return Some(false);
        }
        let (count, kind) = walk.list()?;
        if kind != super::thrift::Kind::Struct {
            return None;
        }
        for _ in 0..count {
            let mut of_this = 0;
            walk.fields(|walk, id, kind| {
                if (id, kind) != (NUM_CHILDREN, super::thrift::Kind::Integer) {
                    return Some(false);
                }
                of_this = walk.integer()?;
                Some(true)
            })?;
            children.push(of_this);
        }
        Some(true)
    })
}

/// Is the schema, given depth first, a tree that is neither deep nor wide?
fn check_schema(children: &[i64]) -> Option<()> {
    let mut open: Vec<i64> = Vec::new();
    for (index, count) in children.iter().enumerate() {
        if *count < 0 || (open.is_empty() && index > 0) {
            return None;
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if *count > 0 {
            open.push(*count);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.len() > MAX_SCHEMA_DEPTH {
            return None;
        }
    }
    let leaves = children.iter().filter(|count| **count == 0).count();
    (open.is_empty() && leaves <= MAX_COLUMNS && !children.is_empty()).then_some(())
}

/// Checks the headers of all pages. To be called before any page is read.
pub(crate) fn check_pages(file: &mut File, metadata: &ParquetMetaData) -> Result<()> {
    let length = i64::try_from(file.metadata()?.len()).map_err(|_| FileFault::TooLarge)?;
    let mut rows: i64 = 0;
    for group in metadata.row_groups() {
        rows = rows.checked_add(group.num_rows()).filter(|rows| *rows <= MAX_ROWS).ok_or(FileFault::TooLarge)?;
        if group.num_rows() < 0 {
            return Err(FileFault::Format.into());
        }
        let mut together: i64 = 0;
        for column in group.columns() {
            let start = match column.dictionary_page_offset() {
                // Some writers say 0 where there is no dictionary.
                Some(offset) if offset > 0 => offset,
                _ => column.data_page_offset(),
            };
            let end = start.checked_add(column.compressed_size()).ok_or(FileFault::Format)?;
            if start < 4 || end < start || end > length - 8 {
                return Err(FileFault::Format.into());
            }
            let pages = check_column(file, start, end)?;
            together += pages.held;
            if together > MAX_PAGES {
                return Err(FileFault::TooLarge.into());
            }
            if pages.have_deltas {
                delta::check(file, column, group.num_rows())?;
            }
        }
    }
    if rows != metadata.file_metadata().num_rows() {
        return Err(FileFault::Format.into());
    }
    Ok(())
}

/// What the headers of a column's pages say.
struct Pages {
    /// What a reader holds at once.
    held: i64,
    /// Some hold delta-encoded texts.
    have_deltas: bool,
}

/// Checks the headers of the pages between two places.
fn check_column(file: &mut File, start: i64, end: i64) -> Result<Pages> {
    let mut at = start;
    let (mut dictionary, mut largest) = (0, 0);
    let mut have_deltas = false;
    while at < end {
        let page = page_at(file, at, end)?;
        if page.unpacked > MAX_PAGE || page.values > MAX_PAGE_VALUES {
            return Err(FileFault::TooLarge.into());
        }
        let is_possible = page.packed >= 0 && page.unpacked >= 0 && page.values >= 0 && page.header > 0;
        at += page.header + page.packed;
        if !is_possible || at > end {
            return Err(FileFault::Format.into());
        }
        have_deltas |= page.has_deltas;
        if page.is_dictionary {
            dictionary = dictionary.max(page.unpacked);
        } else {
            largest = largest.max(page.unpacked);
        }
    }
    Ok(Pages { held: dictionary + largest, have_deltas })
}

#[derive(Default)]
struct Page {
    header: i64,
    packed: i64,
    unpacked: i64,
    values: i64,
    is_dictionary: bool,
    has_deltas: bool,
}

/// The header of the page at a place. Nearly all are short; one with long statistics is read a second time.
fn page_at(file: &mut File, at: i64, end: i64) -> Result<Page> {
    for most in [512, 1024 * 1024] {
        let mut header = Vec::with_capacity(512);
        file.seek(SeekFrom::Start(at.unsigned_abs()))?;
        file.take((end - at).unsigned_abs().min(most)).read_to_end(&mut header)?;
        if let Some(page) = walk_page(&header) {
            return Ok(page);
        }
    }
    Err(FileFault::Format.into())
}

/// `PageHeader` of the Parquet format's `parquet.thrift`.
fn walk_page(header: &[u8]) -> Option<Page> {
    use super::thrift::Kind;
    let mut walk = Walk::new(header);
    let mut page = Page::default();
    walk.fields(|walk, id, kind| {
        match (id, kind) {
            (1, Kind::Integer) => page.is_dictionary = walk.integer()? == 2,
            (2, Kind::Integer) => page.unpacked = walk.integer()?,
            (3, Kind::Integer) => page.packed = walk.integer()?,
            // The headers of data, dictionary and second-version data pages begin with the number of values.
            (header @ (5 | 7 | 8), Kind::Struct) => walk.fields(|walk, id, kind| {
                match (header, id, kind) {
                    (_, 1, Kind::Integer) => page.values = walk.integer()?,
                    (5, 2, Kind::Integer) | (8, 4, Kind::Integer) => {
                        page.has_deltas = matches!(walk.integer()?, DELTA_LENGTH_BYTE_ARRAY | DELTA_BYTE_ARRAY);
                    }
                    _ => return Some(false),
                }
                Some(true)
            })?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    page.header = i64::try_from(walk.position()).ok()?;
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::{check_schema, walk_footer};

    #[test]
    fn a_schema_must_be_a_small_tree() {
        assert!(check_schema(&[2, 0, 0]).is_some());
        assert!(check_schema(&[2, 1, 0, 0]).is_some());
        assert!(check_schema(&[2, 0]).is_none());
        assert!(check_schema(&[1, 0, 0]).is_none());
        assert!(check_schema(&[-1]).is_none());
        assert!(check_schema(&[]).is_none());
        assert!(check_schema(&[vec![1; 40], vec![0]].concat()).is_none());
    }

    #[test]
    fn a_list_longer_than_its_footer_is_refused() {
        // Field 2, a list of 2³⁰ structs.
        let mut children = Vec::new();
        assert!(walk_footer(&[0x29, 0xFC, 0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 0x00], &mut children).is_none());
        assert!(walk_footer(&[0x29, 0x1C, 0x00, 0x00], &mut children).is_some());
        assert_eq!(children, [0]);
        // Structs within structs without end.
        assert!(walk_footer(&[0x1C; 100_000], &mut children).is_none());
    }
}
