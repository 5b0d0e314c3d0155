//! Runs one SQL text on whichever database a transaction belongs to. See the module doc of [`crate::db`] for the use.
//!
//! Not a query builder: the texts are constants. A list whose order or filter varies has one constant for each.

/// The highest `$n` of an SQL text.
pub(in crate::db) const fn placeholders(sql: &str) -> usize {
    let bytes = sql.as_bytes();
    let (mut at, mut highest) = (0, 0);
    while at < bytes.len() {
        if bytes[at] == b'$' {
            let mut number = 0;
            while at + 1 < bytes.len() && bytes[at + 1].is_ascii_digit() {
                at += 1;
                number = number * 10 + (bytes[at] - b'0') as usize;
            }
            if number > highest {
                highest = number;
            }
        }
        at += 1;
    }
    highest
}

/// Fails the build when an SQL text has another number of placeholders than there are values: SQLite would silently
/// take a missing one for NULL.
macro_rules! check_values {
    ($sql:expr $(, $value:expr)*) => {
        const {
            assert!(
                $crate::db::sql::placeholders($sql) == <[&str]>::len(&[$(stringify!($value)),*]),
                "the SQL text has another number of placeholders than there are values"
            );
        }
    };
}

/// Picks the database's text and runs it with the method that is named. The other macros say it shorter.
macro_rules! run {
    ($tx:expr, $make:ident::<$($row:ty)?>, $fetch:ident $(=> $count:ident)?, $sqlite:expr, $postgres:expr $(, $value:expr)*) => {{
        $crate::db::sql::check_values!($sqlite $(, $value)*);
        $crate::db::sql::check_values!($postgres $(, $value)*);
        let tx: &mut $crate::db::Tx = &mut *$tx;
        let in_steps = tx.2.is_on();
        match &mut tx.0 {
            $crate::db::Inner::Sqlite(tx) => {
                $crate::db::steps::answer(
                    in_steps,
                    sqlx::$make::<sqlx::Sqlite $(, $row)?>($sqlite)$(.bind($value))*.$fetch(&mut **tx),
                )
                .await$(.map(|result| result.$count()))?
            }
            $crate::db::Inner::Postgres(tx) => {
                sqlx::$make::<sqlx::Postgres $(, $row)?>($postgres)$(.bind($value))*
                    .$fetch(&mut **tx).await$(.map(|result| result.$count()))?
            }
        }
        .map_err($crate::db::DbError::from)
    }};
}

/// Runs a change; gives the number of rows that it touched.
macro_rules! execute {
    ($tx:expr, sqlite: $sqlite:expr, postgres: $postgres:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query::<>, execute => rows_affected, $sqlite, $postgres $(, $value)*)
    };
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query::<>, execute => rows_affected, $sql, $sql $(, $value)*)
    };
}

/// Reads all rows.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, sqlite: $sqlite:expr, postgres: $postgres:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query_as::<$row>, fetch_all, $sqlite, $postgres $(, $value)*)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query_as::<$row>, fetch_all, $sql, $sql $(, $value)*)
    };
}

/// Reads the row that must be there.
macro_rules! fetch_one {
    ($tx:expr, $row:ty, sqlite: $sqlite:expr, postgres: $postgres:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query_as::<$row>, fetch_one, $sqlite, $postgres $(, $value)*)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query_as::<$row>, fetch_one, $sql, $sql $(, $value)*)
    };
}

/// Reads the row that may be there.
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, sqlite: $sqlite:expr, postgres: $postgres:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query_as::<$row>, fetch_optional, $sqlite, $postgres $(, $value)*)
    };
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::sql::run!($tx, query_as::<$row>, fetch_optional, $sql, $sql $(, $value)*)
    };
}

pub(in crate::db) use {check_values, execute, fetch_all, fetch_one, fetch_optional, run};
