//! The days that a schedule names.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A day of the week; Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// The first day.
    Monday,
    /// The second day.
    Tuesday,
    /// The third day.
    Wednesday,
    /// The fourth day.
    Thursday,
    /// The fifth day.
    Friday,
    /// The sixth day.
    Saturday,
    /// The last day.
    Sunday,
}

impl Weekday {
    /// All days, in their order.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// The name in the database, in files and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }

    /// The day of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.as_str() == name)
    }

    /// The day of the week of a day.
    pub fn of(date: Date) -> Self {
        let place = date.weekday().to_monday_zero_offset();
        Self::ALL.into_iter().nth(usize::from(place.unsigned_abs())).unwrap_or(Self::Monday)
    }
}

/// A day of the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum MonthDay {
    /// The day of this number, in months that have it.
    Number(i8),
    /// The last day, whichever it is.
    Last,
}

impl MonthDay {
    /// Is there such a day in any month?
    pub fn is_possible(self) -> bool {
        match self {
            Self::Number(number) => (1..=31).contains(&number),
            Self::Last => true,
        }
    }

    /// Is it this day?
    pub fn is(self, date: Date) -> bool {
        match self {
            Self::Number(number) => date.day() == number,
            Self::Last => date.day() == date.days_in_month(),
        }
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Last => f.write_str("last"),
        }
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> Self {
        day.to_string()
    }
}

/// No day of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no day of a month")]
pub struct NoMonthDay;

impl FromStr for MonthDay {
    type Err = NoMonthDay;

    fn from_str(text: &str) -> Result<Self, NoMonthDay> {
        if text == "last" {
            return Ok(Self::Last);
        }
        text.parse().map(Self::Number).ok().filter(|day| day.is_possible()).ok_or(NoMonthDay)
    }
}

impl TryFrom<String> for MonthDay {
    type Error = NoMonthDay;

    fn try_from(text: String) -> Result<Self, NoMonthDay> {
        text.parse()
    }
}
