//! Connections whose destination does not answer: what is known about it outlives the run, the process and a restart, so
//! that a destination that is down is asked by one probe at a time, whoever asks.

use domain::id::ConnectionId;

use super::claims::count;
use super::{DbError, Tx, sql, values};

/// A destination that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circuit {
    /// Rounds of requests that failed without a success between.
    pub rounds: u32,
    /// Since when, in microseconds since 1970, UTC.
    pub opened_at: i64,
    /// Nobody asks before.
    pub probe_at: i64,
}

/// What is known about a connection; `None` while its destination answers.
pub async fn find(tx: &mut Tx, connection: ConnectionId) -> Result<Option<Circuit>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (i64, i64, i64),
        "select rounds, opened_at, probe_at from circuits where connection_id = $1",
        connection.to_string(),
    )?;
    row.map(|(rounds, opened_at, probe_at)| {
        let rounds = u32::try_from(values::unsigned("circuits.rounds", rounds)?).unwrap_or(u32::MAX);
        Ok(Circuit { rounds, opened_at, probe_at })
    })
    .transpose()
}

/// Records that a destination still does not answer. The instant since when stays.
pub async fn open(tx: &mut Tx, connection: ConnectionId, circuit: Circuit) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into circuits (connection_id, rounds, opened_at, probe_at)
         select id, $2, $3, $4 from connections where id = $1
         on conflict (connection_id) do update set rounds = excluded.rounds, probe_at = excluded.probe_at",
        connection.to_string(),
        count(u64::from(circuit.rounds)),
        circuit.opened_at,
        circuit.probe_at,
    )?;
    Ok(())
}

/// The destination has answered.
pub async fn close(tx: &mut Tx, connection: ConnectionId) -> Result<(), DbError> {
    sql::execute!(tx, "delete from circuits where connection_id = $1", connection.to_string())?;
    Ok(())
}
