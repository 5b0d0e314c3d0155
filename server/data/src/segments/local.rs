//! The calendar parts of days and instants, as functions that DataFusion can call. It knows arrays and time zones, and
//! nothing of rules.
//!
//! DataFusion's own `date_part` takes no zone that changes from rule to rule, and its weekdays begin on Sunday. Here
//! the zone is part of the function; jiff's bundled IANA data decides what an instant is called there, summer time
//! included.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::{Array, ArrayRef, Int64Array};
use datafusion::arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;

/// A part of a calendar day or of a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// The day of the month, from 1.
    Day,
    /// The month, from 1.
    Month,
    /// The year.
    Year,
    /// The day of the week, from 1 (Monday).
    Weekday,
    /// The time of day in microseconds since midnight, as the clock on the wall shows it.
    TimeOfDay,
}

impl Part {
    fn of(self, moment: DateTime) -> i64 {
        match self {
            Self::Day => i64::from(moment.day()),
            Self::Month => i64::from(moment.month()),
            Self::Year => i64::from(moment.year()),
            Self::Weekday => i64::from(moment.weekday().to_monday_one_offset()),
            Self::TimeOfDay => micros_of(moment.time()),
        }
    }
}

/// Microseconds since midnight.
pub(super) fn micros_of(time: jiff::civil::Time) -> i64 {
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1_000
}

/// The first day that Arrow counts from.
const EPOCH: Date = date(1970, 1, 1);

/// The number of a day, counted from 1970-01-01.
pub(super) fn day_number(day: Date) -> i32 {
    // The years −9999 to 9999 have some seven million days.
    (day.duration_since(EPOCH).as_hours() / 24) as i32
}

fn day_of(number: i32) -> Option<Date> {
    EPOCH.checked_add(jiff::Span::new().try_days(number).ok()?).ok()
}

/// An expression for a part of a day (`Date32`) or of an instant (`Timestamp` in microseconds) in a zone, as `Int64`;
/// null where the value is null or outside the years −9999 to 9999.
pub(super) fn part_of(part: Part, value: Expr, zone: &TimeZone, zone_name: &str) -> Expr {
    ScalarUDF::from(LocalPart {
        part,
        zone: zone.clone(),
        // Functions of different zones must not be taken for one another when a plan is simplified.
        name: format!("local_{part:?}@{zone_name}").to_lowercase(),
        signature: Signature::any(1, Volatility::Immutable),
    })
    .call(vec![value])
}

#[derive(Debug)]
struct LocalPart {
    part: Part,
    zone: TimeZone,
    name: String,
    signature: Signature,
}

impl PartialEq for LocalPart {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for LocalPart {}

impl Hash for LocalPart {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for LocalPart {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [values] = arrays.as_slice() else { return exec_err!("{} takes one value", self.name) };
        let parts: Int64Array = match values.data_type() {
            DataType::Date32 => values
                .as_primitive::<Date32Type>()
                .iter()
                .map(|day| Some(self.part.of(day_of(day?)?.to_datetime(jiff::civil::Time::midnight()))))
                .collect(),
            DataType::Timestamp(_, _) => values
                .as_primitive_opt::<TimestampMicrosecondType>()
                .map(|instants| {
                    instants
                        .iter()
                        .map(|instant| {
                            let instant = Timestamp::from_microsecond(instant?).ok()?;
                            Some(self.part.of(self.zone.to_datetime(instant)))
                        })
                        .collect()
                })
                .unwrap_or_else(|| Int64Array::new_null(values.len())),
            other => return exec_err!("{} does not take {other}", self.name),
        };
        Ok(ColumnarValue::Array(Arc::new(parts) as ArrayRef))
    }
}
