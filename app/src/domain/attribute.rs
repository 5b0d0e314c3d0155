//! Attributes: the typed columns of a profile.

use serde::{Deserialize, Serialize};

/// The type of an attribute. Each maps to exactly one Arrow type in a profile snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    /// Text. Post codes, phone numbers and other numbers that are not amounts are text: leading zeros stay.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// An exact decimal number: up to 38 digits, 10 of them after the point.
    Decimal,
    /// True or false.
    Boolean,
    /// A calendar day without a time.
    Date,
    /// A time of day without a date.
    Time,
    /// An instant, in microseconds. The offset that the source wrote is kept beside it.
    DateTime,
}

impl AttributeType {
    /// All types, in the order in which screens offer them.
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Integer, Self::Decimal, Self::Boolean, Self::Date, Self::Time, Self::DateTime];

    /// Digits after the point that a [`AttributeType::Decimal`] holds.
    pub const DECIMAL_SCALE: i8 = 10;

    /// The name in the database and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "date_time",
        }
    }

    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One column of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The name: the header of the source, trimmed and made unique.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: AttributeType,
}
