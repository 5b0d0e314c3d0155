//! The request budget of each account, shared by all connections and processes: one row per account and lane, changed by
//! single statements, so that two who ask at once get two different instants.

use super::{DbError, Tx, sql};

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Every request.
    All,
    /// Requests that add tags.
    AddTag,
    /// Requests that remove tags.
    RemoveTag,
}

impl Lane {
    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::AddTag => "add_tag",
            Self::RemoveTag => "remove_tag",
        }
    }
}

/// Who comes a little late still gets the instants that have passed: else the time that asking takes would be lost of
/// the budget. It bounds what comes at once to the requests of one second.
const LATE: i64 = 1_000_000;
/// A row further in the future than this was written under a clock that has since been set back.
const FARTHEST_SLOT: i64 = 60_000_000;
const FARTHEST_PAUSE: i64 = 16 * 60_000_000;

/// Takes the next free instant of an account's lane, and leaves the one after it `spacing` later. All in microseconds.
pub async fn reserve(tx: &mut Tx, brand: &str, lane: Lane, spacing: i64, now: i64) -> Result<i64, DbError> {
    let (next,) = sql::fetch_one!(
        tx,
        (i64,),
        "insert into brand_budgets (brand_id, lane, next_at, paused_until, refused_at, refusals)
         values ($1, $2, $3 + $4, 0, 0, 0)
         on conflict (brand_id, lane) do update
         set next_at = $4 + case
            when brand_budgets.paused_until > $3 and brand_budgets.paused_until <= $3 + $6
                and brand_budgets.paused_until > brand_budgets.next_at then brand_budgets.paused_until
            when brand_budgets.next_at > $3 - $7
                and (brand_budgets.next_at <= $3 + $5
                    or brand_budgets.paused_until > $3 and brand_budgets.next_at <= $3 + $5 + $6)
                then brand_budgets.next_at
            else $3 end
         returning next_at",
        brand,
        lane.as_str(),
        now,
        spacing,
        FARTHEST_SLOT,
        FARTHEST_PAUSE,
        LATE,
    )?;
    Ok(next - spacing)
}

/// How often in a row the account has been told to slow down, and when it last was; zeroes if never.
pub async fn refusals(tx: &mut Tx, brand: &str, lane: Lane) -> Result<(i64, i64), DbError> {
    let row = sql::fetch_optional!(
        tx,
        (i64, i64),
        "select refusals, refused_at from brand_budgets where brand_id = $1 and lane = $2",
        brand,
        lane.as_str(),
    )?;
    Ok(row.unwrap_or_default())
}

/// Nobody sends in this lane before `until`.
pub async fn pause(tx: &mut Tx, brand: &str, lane: Lane, until: i64, refusals: i64, now: i64) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into brand_budgets (brand_id, lane, next_at, paused_until, refused_at, refusals)
         values ($1, $2, $3, $3, $4, $5)
         on conflict (brand_id, lane) do update
         set paused_until = excluded.paused_until, refused_at = excluded.refused_at, refusals = excluded.refusals",
        brand,
        lane.as_str(),
        until,
        now,
        refusals,
    )?;
    Ok(())
}

/// A request was taken: the account is within its limit again.
pub async fn calm(tx: &mut Tx, brand: &str, lane: Lane) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "update brand_budgets set refusals = 0 where brand_id = $1 and lane = $2 and refusals > 0",
        brand,
        lane.as_str(),
    )?;
    Ok(())
}
