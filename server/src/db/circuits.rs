//! Connections whose destination does not answer: what is known about it outlives the run, the process and a restart, so
//! that a destination that is down is asked by one probe at a time, whoever asks.

use domain::id::ConnectionId;
use domain::run::RunReason;

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

/// What a person has to repair before a destination takes anything over a connection, and when somebody asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What is to be repaired.
    pub reason: RunReason,
    /// Nobody asks before.
    pub probe_at: i64,
}

/// What a person has to repair, if anything.
pub async fn refusal(tx: &mut Tx, connection: ConnectionId) -> Result<Option<Refusal>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String, i64),
        "select connections.needs_attention, circuits.probe_at
         from circuits
         join connections on connections.id = circuits.connection_id
         where circuits.connection_id = $1 and connections.needs_attention is not null",
        connection.to_string(),
    )?;
    row.map(|(reason, probe_at)| {
        let reason = RunReason::parse(&reason).ok_or(DbError::Corrupt("connections.needs_attention"))?;
        Ok(Refusal { reason, probe_at })
    })
    .transpose()
}

/// Records at `now` that a person has to repair something, unless the key that was refused has been replaced meanwhile.
pub async fn refuse(
    tx: &mut Tx,
    connection: ConnectionId,
    sealed_key: &[u8],
    refusal: Refusal,
    rounds: u32,
    now: i64,
) -> Result<(), DbError> {
    let changed = sql::execute!(
        tx,
        "update connections set needs_attention = $3 where id = $1 and sealed_key = $2",
        connection.to_string(),
        sealed_key,
        refusal.reason.as_str(),
    )?;
    if changed == 0 {
        return Ok(());
    }
    // It answers: what is counted from here on is no outage.
    close(tx, connection).await?;
    open(tx, connection, Circuit { rounds, opened_at: now, probe_at: refusal.probe_at }).await
}

/// The destination has answered.
pub async fn close(tx: &mut Tx, connection: ConnectionId) -> Result<(), DbError> {
    sql::execute!(tx, "delete from circuits where connection_id = $1", connection.to_string())?;
    Ok(())
}
