//! Values that columns hold in another form: JSON as text, the same in both databases, and counts as BIGINT.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::DbError;

/// Reads a value back.
pub fn from_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|_| DbError::Corrupt(column))
}

/// Writes a value. Only a type that JSON cannot hold fails, such as a map whose keys are no texts.
pub fn to_json<T: Serialize + ?Sized>(column: &'static str, value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|_| DbError::Corrupt(column))
}

/// Reads a count.
pub fn unsigned(column: &'static str, number: i64) -> Result<u64, DbError> {
    u64::try_from(number).map_err(|_| DbError::Corrupt(column))
}
