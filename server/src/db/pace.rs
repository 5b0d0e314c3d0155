//! The request budget of each account, shared by all connections and processes: one row per account and lane, changed by
//! single statements, so that two who ask at once get two different instants.

use domain::id::ConnectionId;

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

/// What an account's lane may use at the moment, in thousandths of its budget: what was learned last, and what has come
/// back since. `$3` is now, `$8` the microseconds in which a thousandth comes back.
macro_rules! share_now {
    () => {
        "case
            when $3 <= brand_budgets.share_at then brand_budgets.share
            when brand_budgets.share + ($3 - brand_budgets.share_at) / $8 >= 1000 then 1000
            else brand_budgets.share + ($3 - brand_budgets.share_at) / $8 end"
    };
}

/// The share comes back by 40 thousandths a minute: slowly enough that most of what others use is not asked for again
/// and again, quickly enough that a whole budget is back after a coffee.
const RECOVERY: i64 = 1_500_000;

/// Requests are counted in windows of a minute: the first begins with the first request after a rest, and each other one
/// where the one before ended. `$3` is now, `$9` a minute.
macro_rules! count_one {
    () => {
        "minute_at = case
            when $3 >= brand_budgets.minute_at + 2 * $9 or $3 < brand_budgets.minute_at then $3
            when $3 >= brand_budgets.minute_at + $9 then brand_budgets.minute_at + $9
            else brand_budgets.minute_at end,
         minute_before = case
            when $3 >= brand_budgets.minute_at + 2 * $9 or $3 < brand_budgets.minute_at then 0
            when $3 >= brand_budgets.minute_at + $9 then brand_budgets.minute_used
            else brand_budgets.minute_before end,
         minute_used = case
            when $3 >= brand_budgets.minute_at + $9 or $3 < brand_budgets.minute_at then 1
            else brand_budgets.minute_used + 1 end"
    };
}

const MINUTE: i64 = 60_000_000;

/// Takes the next free instant of an account's lane, and leaves the one after it `spacing` later, or more where the
/// account may use less than its budget. All in microseconds.
pub async fn reserve(tx: &mut Tx, brand: &str, lane: Lane, spacing: i64, now: i64) -> Result<i64, DbError> {
    let (at,) = sql::fetch_one!(
        tx,
        (i64,),
        concat!(
            "insert into brand_budgets (brand_id, lane, next_at, paused_until, refused_at, refusals, share, share_at,
                minute_at, minute_used, minute_before)
             values ($1, $2, $3 + $4, 0, 0, 0, 1000, 0, $3, 1, 0)
             on conflict (brand_id, lane) do update
             set ",
            count_one!(),
            ", next_at = $4 * 1000 / (",
            share_now!(),
            ") + case
                when brand_budgets.paused_until > $3 and brand_budgets.paused_until <= $3 + $6
                    and brand_budgets.paused_until > brand_budgets.next_at then brand_budgets.paused_until
                when brand_budgets.next_at > $3 - $7
                    and (brand_budgets.next_at <= $3 + $5
                        or brand_budgets.paused_until > $3 and brand_budgets.next_at <= $3 + $5 + $6)
                    then brand_budgets.next_at
                else $3 end
             returning next_at - $4 * 1000 / (",
            share_now!(),
            ")"
        ),
        brand,
        lane.as_str(),
        now,
        spacing,
        FARTHEST_SLOT,
        FARTHEST_PAUSE,
        LATE,
        RECOVERY,
        MINUTE,
    )?;
    Ok(at)
}

/// What is known about an account's lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// How often in a row the account has been told to slow down.
    pub refusals: i64,
    /// When it last was.
    pub refused_at: i64,
    /// What it may use now, in thousandths of its budget.
    pub share: i64,
    /// Nobody sends before.
    pub paused_until: i64,
}

/// What is known about an account's lane at an instant.
pub async fn known(tx: &mut Tx, brand: &str, lane: Lane, now: i64) -> Result<Known, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (i64, i64, i64, i64, i64),
        "select refusals, refused_at, share, share_at, paused_until from brand_budgets where brand_id = $1 and lane = $2",
        brand,
        lane.as_str(),
    )?;
    Ok(match row {
        None => Known { share: 1000, ..Known::default() },
        Some((refusals, refused_at, share, share_at, paused_until)) => {
            let share = (share + (now - share_at).max(0) / RECOVERY).min(1000);
            Known { refusals, refused_at, share, paused_until }
        }
    })
}

/// How an account's lane is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests a minute, as they went lately.
    pub per_minute: u64,
    /// What it may use now, in thousandths of its budget.
    pub share: i64,
    /// Nobody sends before.
    pub paused_until: i64,
}

/// How an account's lane is used at an instant.
pub async fn usage(tx: &mut Tx, brand: &str, lane: Lane, now: i64) -> Result<Usage, DbError> {
    let Known { share, paused_until, .. } = known(tx, brand, lane, now).await?;
    let row = sql::fetch_optional!(
        tx,
        (i64, i64, i64),
        "select minute_at, minute_used, minute_before from brand_budgets where brand_id = $1 and lane = $2",
        brand,
        lane.as_str(),
    )?;
    let per_minute = row.map_or(0, |(begun, used, before)| per_minute(begun, used, before, now));
    Ok(Usage { per_minute, share, paused_until })
}

/// Requests a minute at an instant: the window that goes on, and the part of the one before that is not a minute old. A
/// first window that is younger than a minute counts as if it went on like this.
pub(super) fn per_minute(begun: i64, used: i64, before: i64, now: i64) -> u64 {
    let age = now - begun;
    let left = |count: i64, age: i64| count * (MINUTE - age).clamp(0, MINUTE) / MINUTE;
    let found = match age {
        ..0 => 0,
        MINUTE.. => left(used, age - MINUTE),
        _ if before > 0 => used + left(before, age),
        // Of a few seconds nothing can be told yet.
        _ => used * MINUTE / age.max(MINUTE / 6),
    };
    u64::try_from(found).unwrap_or_default()
}

/// Nobody sends in this lane before `until`, and then at most this share of the budget, in thousandths.
pub async fn pause(tx: &mut Tx, brand: &str, lane: Lane, until: i64, known: Known) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into brand_budgets (brand_id, lane, next_at, paused_until, refused_at, refusals, share, share_at)
         values ($1, $2, $3, $3, $4, $5, $6, $4)
         on conflict (brand_id, lane) do update
         set paused_until = excluded.paused_until, refused_at = excluded.refused_at, refusals = excluded.refusals,
            share = excluded.share, share_at = excluded.share_at",
        brand,
        lane.as_str(),
        until,
        known.refused_at,
        known.refusals,
        known.share,
    )?;
    Ok(())
}

/// Per cent of an account's limit that is left to its other programs: what the most careful of its connections says.
pub async fn reserve_percent(tx: &mut Tx, brand: &str) -> Result<Option<i64>, DbError> {
    let row = sql::fetch_one!(
        tx,
        (Option<i64>,),
        "select max(reserve_percent) from connections where brand_id = $1 and state = 'ready'",
        brand,
    )?;
    Ok(row.0)
}

/// Per cent of the account's limit that a connection leaves to other programs.
pub async fn reserve_of(tx: &mut Tx, connection: ConnectionId) -> Result<i64, DbError> {
    let row =
        sql::fetch_one!(tx, (i64,), "select reserve_percent from connections where id = $1", connection.to_string(),)?;
    Ok(row.0)
}

/// Changes it. False when the connection is gone.
pub async fn set_reserve(tx: &mut Tx, connection: ConnectionId, percent: u8) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update connections set reserve_percent = $2 where id = $1 and state = 'ready'",
        connection.to_string(),
        i64::from(percent),
    )?;
    Ok(changed == 1)
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
