//! How the limits of an account are used, in the words of the screens: read from what the engine keeps in the database.

use app::services::{AccountPace, LanePace};
use domain::id::ConnectionId;

use crate::db::pace::{self, Lane, Usage};
use crate::db::{DbError, Tx, circuits};
use crate::destinations::Limits;
use crate::engine::PaceRules;

/// How the account of a connection is used at an instant.
///
/// # Errors
/// The database.
pub(super) async fn of_account(
    tx: &mut Tx,
    rules: PaceRules,
    limits: Limits,
    (connection, brand): (ConnectionId, &str),
    now: i64,
) -> Result<AccountPace, DbError> {
    let budget = rules.budget(tx, brand, limits).await?;
    let all = pace::usage(tx, brand, Lane::All, now).await?;
    let added = pace::usage(tx, brand, Lane::AddTag, now).await?;
    let removed = pace::usage(tx, brand, Lane::RemoveTag, now).await?;
    let tags = if removed.per_minute > added.per_minute { removed } else { added };
    let paused_until = all.paused_until.max(tags.paused_until);
    // What a person has to repair is said in other words than silence.
    let is_refused = circuits::refusal(tx, connection).await?.is_some();
    let circuit = circuits::find(tx, connection).await?.filter(|_| !is_refused);
    Ok(AccountPace {
        requests: budget.map(|budget| lane(all, budget.requests)),
        tags: budget.map(|budget| lane(tags, budget.tag_requests)),
        paused_until: (paused_until > now).then_some(paused_until),
        silent: circuit.map(|circuit| (circuit.opened_at, circuit.probe_at)),
    })
}

fn lane(usage: Usage, allowed: u64) -> LanePace {
    let share_percent = u64::try_from(usage.share / 10).unwrap_or_default();
    LanePace { used: usage.per_minute.min(allowed), allowed, share_percent }
}
