//! How far a run is, how fast it gets on, and how long it will take.

use domain::id::RunId;
use domain::run::RunState;

use super::{DbError, Tx, sql, values};

const MINUTE: i64 = 60_000_000;

/// How far an active run is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Contacts that the plan sends.
    pub to_send: u64,
    /// Contacts sent so far.
    pub sent: u64,
    /// Tag changes that the plan makes.
    pub tags_to_change: u64,
    /// Tag changes made so far.
    pub tags_changed: u64,
    /// Contacts a second over the last minute; tag changes once all contacts are sent.
    pub rate: f64,
    /// Seconds left, where they can be told.
    pub seconds_left: Option<u64>,
}

#[derive(sqlx::FromRow)]
struct Numbers {
    to_send: i64,
    sent: i64,
    tags_to_change: i64,
    tags_changed: i64,
    state: String,
}

#[derive(sqlx::FromRow)]
struct Lately {
    contacts: i64,
    contacts_since: Option<i64>,
    tags: i64,
    tags_since: Option<i64>,
}

/// How far a run is. The rate is that of the last minute before `now`.
pub async fn of(tx: &mut Tx, run: RunId, now: i64) -> Result<Option<Progress>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Numbers,
        "select to_send, sent, tags_to_change, tags_changed, state from runs where id = $1",
        run.to_string(),
    )?;
    let Some(row) = row else { return Ok(None) };
    let lately = sql::fetch_one!(
        tx,
        Lately,
        "select cast(coalesce(sum(case when kind = 'upsert' then row_count else 0 end), 0) as bigint) as contacts,
            min(case when kind = 'upsert' then sent_at end) as contacts_since,
            cast(coalesce(sum(case when kind = 'upsert' then 0 else row_count end), 0) as bigint) as tags,
            min(case when kind = 'upsert' then null else sent_at end) as tags_since
         from batches
         where run_id = $1 and sent_at > $2",
        run.to_string(),
        now - MINUTE,
    )?;
    let number = |number: i64| values::unsigned("runs.progress", number);
    let mut progress = Progress {
        to_send: number(row.to_send)?,
        sent: number(row.sent)?,
        tags_to_change: number(row.tags_to_change)?,
        tags_changed: number(row.tags_changed)?,
        ..Progress::default()
    };
    let contacts = rate(lately.contacts, lately.contacts_since, now);
    let tags = rate(lately.tags, lately.tags_since, now);
    let tags_left = seconds_left(progress.tags_to_change.saturating_sub(progress.tags_changed), tags);
    match RunState::parse(&row.state) {
        Some(RunState::Sending) => {
            // Both go on at once, and what takes longer decides.
            let contacts_left = seconds_left(progress.to_send.saturating_sub(progress.sent), contacts);
            progress.seconds_left = contacts_left.map(|left| left.max(tags_left.unwrap_or_default()));
            progress.rate = contacts;
        }
        Some(RunState::Settling | RunState::Tagging) => {
            progress.seconds_left = tags_left.filter(|_| progress.tags_to_change > progress.tags_changed);
            progress.rate = tags;
        }
        _ => {}
    }
    Ok(Some(progress))
}

/// Rows a second between the first of the last minute and now.
#[expect(clippy::cast_precision_loss, reason = "shown to people with two digits")]
fn rate(rows: i64, since: Option<i64>, now: i64) -> f64 {
    match since {
        Some(since) if now > since => rows as f64 * 1e6 / ((now - since).max(1_000_000)) as f64,
        _ => 0.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown to people with two digits")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded, positive number of seconds")]
fn seconds_left(rows: u64, rate: f64) -> Option<u64> {
    (rate > 0.0).then(|| (rows as f64 / rate).ceil() as u64)
}
