//! Instants that were written under a clock that has been set back since: nobody should wait for them.

use super::{DbError, Tx, sql};

/// The latest instants that anything may be put off to.
#[derive(Debug, Clone, Copy)]
pub struct Farthest {
    /// Now.
    pub now: i64,
    /// The end of a lease.
    pub lease: i64,
    /// The end of a wait, but for that of a person.
    pub wait: i64,
}

/// Brings what lies further ahead than anything is ever put off back to where it would lie at most. Doing it again changes
/// nothing.
pub async fn was_set_back(tx: &mut Tx, farthest: Farthest) -> Result<(), DbError> {
    let Farthest { now, lease, wait } = farthest;
    sql::execute!(
        tx,
        "update runs set due_at = $1 where finished_at is null and state <> 'waiting' and due_at > $1",
        now,
    )?;
    sql::execute!(
        tx,
        "update runs
         set due_at = $1, waiting_until = $1
         where finished_at is null and state = 'waiting' and reason <> 'approval' and due_at > $1",
        wait,
    )?;
    sql::execute!(
        tx,
        "update batches
         set due_at = $2
         where due_at > $1 and state in ('planned', 'unknown')
            and run_id in (select id from runs where finished_at is null)",
        wait,
        now,
    )?;
    sql::execute!(tx, "update circuits set probe_at = $1 where probe_at > $1", wait)?;
    sql::execute!(tx, "update runs set lease_until = $1 where finished_at is null and lease_until > $1", lease)?;
    sql::execute!(
        tx,
        "update refresh_jobs set lease_until = $1 where finished_at is null and lease_until > $1",
        lease
    )?;
    sql::execute!(tx, "update refreshes set lease_until = $1 where state = 'refreshing' and lease_until > $1", lease,)?;
    Ok(())
}
