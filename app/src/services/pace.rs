//! How an account's limits are used, as screens show it.

use domain::id::RunId;
use serde::{Deserialize, Serialize};

/// How much of what Ferry may use of a limit it uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanePace {
    /// Requests a minute, as they went lately; never more than allowed.
    pub used: u64,
    /// Requests a minute that Ferry may use.
    pub allowed: u64,
    /// The share of those that it uses at the moment, in per cent: less than 100 after the destination has said that it is
    /// too much, because others use the account as well.
    pub share_percent: u64,
}

/// How an account's limits are used. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPace {
    /// Requests of any kind; none where no limits are kept.
    pub requests: Option<LanePace>,
    /// Tag requests: those that add or those that remove tags, whichever are more.
    pub tags: Option<LanePace>,
    /// The destination has asked to slow down: nothing goes before.
    pub paused_until: Option<i64>,
    /// Since when the destination has not answered, and when it is asked again.
    pub silent: Option<(i64, i64)>,
}

/// What a run that goes on may use, and what it waits for besides what stands in the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPace {
    /// Its account, once it has one.
    pub account: Option<AccountPace>,
    /// The run of the same account that goes first, while this one is queued: with the name of its export.
    pub ahead: Option<(RunId, String)>,
}
