//! What can go wrong with the database, as far as a caller can decide something by it.

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

/// Why the database did not do it. Its messages hold no values from rows.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Another row has this already; [`DbError::is_duplicate`] tells which rule it was.
    #[error("the database has such a row already")]
    Duplicate {
        /// The index or the columns, as the database names them.
        rule: String,
        /// What sqlx said.
        #[source]
        cause: sqlx::Error,
    },
    /// It refers to a row that is not there, or a row that others refer to would go.
    #[error("the database misses a row that is referred to")]
    Reference(#[source] sqlx::Error),
    /// A CHECK of the table does not allow it.
    #[error("the database does not allow such a row")]
    Check(#[source] sqlx::Error),
    /// A row that must be there is not.
    #[error("the database misses a row")]
    Missing(#[source] sqlx::Error),
    /// No connection came free in time, it is broken, or the database refuses just now.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A column holds what Ferry never writes.
    #[error("the database holds an unreadable value in {0}")]
    Corrupt(&'static str),
    /// Ferry is ending.
    #[error("the database is closing")]
    Stopped,
    /// The address is neither Postgres nor SQLite.
    #[error("the database address must begin with postgres:// or sqlite:")]
    Location,
    /// The file cannot be made.
    #[error("the database file cannot be made")]
    File(#[from] std::io::Error),
    /// The tables cannot be brought up to date.
    #[error("the tables cannot be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// There are tables that this Ferry does not know.
    #[error("the database was written by a newer Ferry (its migration {0} is not known here): start that version")]
    Newer(i64),
    /// Something else.
    #[error("the database failed")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// Did the unique index `index` refuse it? SQLite names the columns instead where the index has no expression:
    /// give both, such as `("users_email_key", "users.email_key")`.
    pub fn is_duplicate(&self, index: &str, columns: &str) -> bool {
        match self {
            Self::Duplicate { rule, .. } => rule == index || rule == columns || *rule == format!("index '{index}'"),
            _ => false,
        }
    }
}

impl From<sqlx::migrate::MigrateError> for DbError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::VersionMissing(version) => Self::Newer(version),
            other => Self::Migrate(other),
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        let kind = match &error {
            sqlx::Error::RowNotFound => return Self::Missing(error),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
                return Self::Unavailable(error);
            }
            sqlx::Error::Database(refusal) if is_passing(refusal.as_ref()) => return Self::Unavailable(error),
            sqlx::Error::Database(refusal) => refusal.kind(),
            _ => return Self::Other(error),
        };
        match kind {
            ErrorKind::UniqueViolation => Self::Duplicate { rule: rule_of(&error), cause: error },
            ErrorKind::ForeignKeyViolation => Self::Reference(error),
            ErrorKind::CheckViolation => Self::Check(error),
            _ => Self::Other(error),
        }
    }
}

/// Does it say that the same may go well later?
fn is_passing(refusal: &(dyn DatabaseError + 'static)) -> bool {
    let Some(code) = refusal.code() else { return false };
    if refusal.try_downcast_ref::<SqliteError>().is_some() {
        passes_on_sqlite(&code)
    } else {
        passes_on_postgres(&code)
    }
}

/// The SQLSTATE of Postgres: connections (08), resources (53), an operator or a restart (57), a transaction that rested
/// too long (25P03), a lock that did not come (55P03), transactions that hindered each other (40).
/// See <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn passes_on_postgres(code: &str) -> bool {
    ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || ["25P03", "55P03"].contains(&code)
}

/// SQLite's number, whose lowest byte is the kind: locked by others (5, 6), a disk that fails (10) or is full (13), files
/// that cannot be opened (14), such as those beside the database when there is no room for them.
/// See <https://www.sqlite.org/rescode.html>.
fn passes_on_sqlite(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| [5, 6, 10, 13, 14].contains(&(code & 0xff)))
}

/// The broken rule: Postgres tells its name, SQLite writes it after the colon.
fn rule_of(error: &sqlx::Error) -> String {
    let Some(refusal) = error.as_database_error() else { return String::new() };
    match (refusal.constraint(), refusal.message().split_once("failed: ")) {
        (Some(name), _) => name.to_owned(),
        (None, Some((_, rule))) => rule.to_owned(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{passes_on_postgres, passes_on_sqlite};

    #[test]
    fn what_passes_is_told_from_what_stays_wrong() {
        for code in ["08006", "25P03", "40001", "40P01", "53300", "55P03", "57P01", "57014"] {
            assert!(passes_on_postgres(code), "{code}");
        }
        // A broken rule, a wrong statement, a transaction that only reads.
        for code in ["23505", "42601", "25006"] {
            assert!(!passes_on_postgres(code), "{code}");
        }
        // Busy, busy with a recovery, locked; a write, a sync and a growing that failed; full; not to be opened.
        for code in ["5", "261", "6", "778", "1034", "4874", "13", "14"] {
            assert!(passes_on_sqlite(code), "{code}");
        }
        // A wrong statement, only to be read, damaged, a broken rule, no database.
        for code in ["1", "8", "11", "267", "19", "2067", "787", "26", "", "x"] {
            assert!(!passes_on_sqlite(code), "{code}");
        }
    }
}
