//! What can go wrong with the database, as far as a caller can decide something by it.

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
            sqlx::Error::Database(refusal) if refusal.code().is_some_and(|code| is_passing(&code)) => {
                return Self::Unavailable(error);
            }
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

/// Does this SQLSTATE of Postgres say that the same may go well later? Connections (08), resources (53), an operator or a
/// restart (57), a transaction that rested too long (25P03), a lock that did not come (55P03), transactions that hindered
/// each other (40). SQLite's codes are plain numbers.
/// See <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_passing(code: &str) -> bool {
    code.len() == 5
        && (["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || ["25P03", "55P03"].contains(&code))
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
    use super::is_passing;

    #[test]
    fn what_passes_is_told_from_what_stays_wrong() {
        for code in ["08006", "25P03", "40001", "40P01", "53300", "55P03", "57P01", "57014"] {
            assert!(is_passing(code), "{code}");
        }
        // A broken rule, a wrong statement, a transaction that only reads; SQLite's own numbers.
        for code in ["23505", "42601", "25006", "5", "2067", "40"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
