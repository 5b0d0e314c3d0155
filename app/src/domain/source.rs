//! Data sources: where customer rows come from, how a file is read, and the report of a refresh.

use serde::{Deserialize, Serialize};

use crate::attribute::Attribute;
use crate::id::SourceId;

/// The file formats that Ferry reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// The name in the database and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
        }
    }

    /// The format of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Csv, Self::Parquet, Self::Ndjson].into_iter().find(|f| f.as_str() == name)
    }
}

/// How the bytes of a text file become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8; a byte order mark at the start is left out.
    Utf8,
    /// UTF-16, little end first; a byte order mark is left out.
    Utf16Le,
    /// UTF-16, big end first; a byte order mark is left out.
    Utf16Be,
    /// Windows-1252 (Western European).
    Windows1252,
}

/// Which part comes first in days that are written like `03/04/2026`. Days like `2026-04-03` are always understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// The day, as in most of the world.
    #[default]
    DayFirst,
    /// The month, as in the United States.
    MonthFirst,
}

/// How a file is read. Guessed, shown, and changeable before the first refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The file format.
    pub format: Format,
    /// The encoding; UTF-8 for Parquet and NDJSON.
    pub encoding: Encoding,
    /// The field delimiter of a CSV file, one ASCII character: comma, semicolon, tab or pipe as a rule.
    pub delimiter: char,
    /// Does the first line of a CSV file hold the names? Without, names are `column_1`, `column_2`, …
    pub has_header: bool,
    /// The IANA time zone in which date-times without an offset are meant.
    pub time_zone: String,
    /// How days that do not begin with the year are written.
    #[serde(default)]
    pub date_order: DateOrder,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            format: Format::Csv,
            encoding: Encoding::Utf8,
            delimiter: ',',
            has_header: true,
            time_zone: "UTC".to_owned(),
            date_order: DateOrder::default(),
        }
    }
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Location {
    /// A file that somebody uploaded; `upload` is the server-made name.
    Upload {
        /// The server-made name below the data directory.
        upload: String,
        /// The name that the browser gave; only ever shown.
        file_name: String,
    },
    /// A file or folder on the server's disk, under a directory that the operator allowed.
    Path {
        /// The absolute path.
        path: String,
    },
}

/// A data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// The name that people see; unique.
    pub name: String,
    /// Where the bytes are.
    pub location: Location,
    /// How they are read.
    pub reading: Reading,
    /// The columns with their types, in the order of the file.
    pub attributes: Vec<Attribute>,
    /// The attribute that names a profile; `None` numbers the rows (`row_1`, …).
    pub primary_key: Option<String>,
    /// Is this the customer table? Exactly one data source is.
    pub is_customer_table: bool,
}

/// A look at the start of a file: the guesses, and at most 100 rows as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// How the file was read for this preview.
    pub reading: Reading,
    /// Does it begin with the byte order mark of this encoding?
    pub has_mark: bool,
    /// The columns with proposed types.
    pub attributes: Vec<Attribute>,
    /// The proposed primary key: the first column that looks like a key and has nearly no empty or repeated values.
    pub primary_key: Option<String>,
    /// The rows, each as long as `attributes`; `None` is an empty value.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFault {
    /// Nothing is there, or not where the operator allows files to be read.
    NotThere,
    /// It is empty, or has no rows.
    Empty,
    /// It has rows, and every one of them was rejected.
    AllRejected,
    /// It is not of the format it should be.
    Format,
    /// The header lacks an attribute of the data source.
    Header,
    /// It is larger than allowed.
    TooLarge,
    /// The disk is full.
    NoSpace,
    /// It changed while it was read.
    Changed,
    /// It did not arrive whole.
    Incomplete,
}

/// Why a row did not become a profile. Codes are stable; screens translate them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFault {
    /// More or fewer fields than the header has.
    FieldCount,
    /// Bytes that are not of the file's encoding.
    Encoding,
    /// A quote that is never closed.
    UnclosedQuote,
    /// A NUL character inside the row.
    NulCharacter,
    /// A field or a row longer than 1 MiB.
    TooLong,
    /// A value that is not of the attribute's type.
    Type,
    /// The primary key is empty.
    KeyMissing,
    /// The primary key stands in an earlier row too.
    KeyRepeated,
    /// A line of an NDJSON file that is not one JSON object.
    Json,
}

impl RowFault {
    /// The name in reports and translations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::Encoding => "encoding",
            Self::UnclosedQuote => "unclosed_quote",
            Self::NulCharacter => "nul_character",
            Self::TooLong => "too_long",
            Self::Type => "type",
            Self::KeyMissing => "key_missing",
            Self::KeyRepeated => "key_repeated",
            Self::Json => "json",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::FieldCount,
            Self::Encoding,
            Self::UnclosedQuote,
            Self::NulCharacter,
            Self::TooLong,
            Self::Type,
            Self::KeyMissing,
            Self::KeyRepeated,
            Self::Json,
        ]
        .into_iter()
        .find(|fault| fault.as_str() == name)
    }
}

/// One rejected row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The first line of the row in the file, from 1; the row's number, from 1, in a Parquet file.
    pub line: u64,
    /// Which file, where the source is a folder; otherwise empty.
    pub file: String,
    /// Why.
    pub fault: RowFault,
    /// The attribute at fault, where there is one.
    pub attribute: Option<String>,
}

/// What a refresh did with every row. `read == accepted + rejected`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Rows of data in the file, without the header.
    pub read: u64,
    /// Rows that became profiles.
    pub accepted: u64,
    /// Rows that did not.
    pub rejected: u64,
    /// Blank lines, which are no rows.
    pub blank_lines: u64,
    /// Rejected rows by reason.
    pub faults: Vec<(RowFault, u64)>,
    /// The first 1,000 rejected rows; the others are counted above.
    pub first_rejected: Vec<RejectedRow>,
    /// The SHA-256 of the file as it was read, in hexadecimal; of a folder, that of the list that `sha256sum` prints of its
    /// files. None before everything has been read, and of a refresh by an older Ferry.
    #[serde(default)]
    pub sha256: Option<String>,
}
