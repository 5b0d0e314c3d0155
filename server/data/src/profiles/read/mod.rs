//! Reading source files row by row. Each format has its reader; all give their rows to the same [`RowSink`].

pub(crate) mod chars;
pub(crate) mod csv;
mod delta;
pub(crate) mod guard;
pub(crate) mod hash;
pub(crate) mod json;
pub(crate) mod parquet;
pub(crate) mod records;
mod thrift;

use domain::source::RowFault;

use super::value::Value;
use crate::error::Result;

/// The longest row, and the longest value, in bytes.
pub(crate) const MAX_LENGTH: usize = 1024 * 1024;

/// What a row holds for one attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// As the source writes it; an empty text is an empty value.
    Raw(&'a str),
    /// A value that the source has typed.
    Value(Value),
    /// Nothing that could be read.
    Fault(RowFault),
}

/// Takes the rows of a source, in their order.
pub(crate) trait RowSink {
    /// A row that begins in this line. `cell` gives what it holds for an attribute by the attribute's place in the data
    /// source; it is asked at most three times for each.
    fn row<'a>(&mut self, line: u64, cell: &dyn Fn(usize) -> Cell<'a>) -> Result<()>;

    /// A row that is none.
    fn fault(&mut self, line: u64, fault: RowFault) -> Result<()>;

    /// Blank lines.
    fn blank_lines(&mut self, count: u64);

    /// Has enough been read? A preview has.
    fn is_full(&self) -> bool;
}
