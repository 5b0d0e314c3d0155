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
        "update runs
         set due_at = $1
         where finished_at is null and due_at > $1
            and (state <> 'waiting' or cancel_requested_at is not null
                or reason = 'approval' and approved_at is not null)",
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
         where due_at > $1 and state in ('planned', 'sending', 'unknown')
            and run_id in (select id from runs where finished_at is null)",
        wait,
        now,
    )?;
    // What was sent then was sent by now, of ended runs at the latest at their end: nobody waits a day for its outcome.
    sql::execute!(
        tx,
        "update batches
         set sent_at = $1
         where state in ('sending', 'unknown', 'sent', 'unconfirmed')
            and (sent_at > $1 and run_id in (
                    select id from runs where finished_at is null
                    union all select id from runs where finished_at > $1)
                or sent_at is null and run_id in (select id from runs where finished_at > $1))",
        now,
    )?;
    sql::execute!(
        tx,
        "update batches
         set doubted_at = $1
         where doubted_at > $1 and run_id in (
            select id from runs where finished_at is null
            union all select id from runs where finished_at > $1)",
        now,
    )?;
    sql::execute!(tx, "update circuits set probe_at = $1 where probe_at > $1", wait)?;
    sql::execute!(tx, "update runs set lease_until = $1 where finished_at is null and lease_until > $1", lease)?;
    sql::execute!(
        tx,
        "update refresh_jobs set lease_until = $1 where finished_at is null and lease_until > $1",
        lease
    )?;
    // Nothing ran for what was skipped before it came: it comes yet.
    sql::execute!(
        tx,
        "delete from runs
         where slot_at > $1 and state = 'skipped' and export_id in (select id from exports)",
        now,
    )?;
    sql::execute!(tx, "delete from refresh_jobs where slot_at > $1 and state = 'skipped'", now)?;
    sql::execute!(tx, "update exports set schedule_since = $1 where schedule_since > $1", now)?;
    sql::execute!(tx, "update system_schedule set schedule_since = $1 where schedule_since > $1", now)?;
    sql::execute!(tx, "update refreshes set lease_until = $1 where state = 'refreshing' and lease_until > $1", lease,)?;
    Ok(())
}
