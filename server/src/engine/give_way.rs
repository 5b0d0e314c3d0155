//! A big run makes room for small ones of its account. One run of an account is worked on at a time, so the big one ends for
//! that: it sends nothing new, waits until what it has sent is worked through, and leaves a ledger like every run that ends
//! early. Another run, queued in the same transaction, goes on with the rest: its plan is the difference to that ledger, and
//! to whatever the small ones have delivered meanwhile.

use std::time::Duration;

use domain::id::RunId;
use domain::run::Run;

use super::line::Line;
use super::retry::micros;
use super::run::Ending;
use super::{Deps, EngineError};
use crate::db::giving_way::{self, InLine};
use crate::db::runs::NewRun;
use crate::db::{Tx, waits};

/// How often a big run looks who waits behind it.
const LOOK: Duration = Duration::from_secs(1);
/// Where the destination takes longer than this to work through what was sent, the run goes on instead.
const CLEARED_WITHIN: Duration = Duration::from_secs(120);
/// So much later it tries again.
const TRY_AGAIN: Duration = Duration::from_secs(20 * 60);
/// Those who are let through are at most this part of what the run has delivered, and of what it has left: so that making
/// room costs little, and a run gets on however many small ones come.
const PART: u64 = 10;

/// What a line knows of those behind it.
#[derive(Debug, Default)]
pub(super) struct GivingWay {
    /// Not looked before.
    look_at: i64,
    /// Whom it makes room for, and since when.
    room_for: Option<(Vec<RunId>, i64)>,
}

impl GivingWay {
    /// Is nothing new to be sent?
    pub(super) fn is_clearing(&self) -> bool {
        self.room_for.is_some()
    }
}

/// Those in line that a run lets through which has delivered so many contacts and tags, and has so many left.
fn let_through(line: &[InLine], delivered: u64, left: u64) -> Vec<RunId> {
    let most = left.min(delivered) / PART;
    let mut people = 0_u64;
    let fits = |one: &&InLine| {
        let with = one.people.map(|more| people.saturating_add(more)).filter(|with| delivered > 0 && *with <= most);
        people = with.unwrap_or(people);
        with.is_some()
    };
    line.iter().filter(fits).map(|one| one.run).collect()
}

impl Line {
    /// Looks who waits behind the run, begins to make room, and ends the work once there is room.
    pub(super) async fn look_behind(&mut self) -> Result<(), EngineError> {
        let now = self.now();
        if self.stop.is_some() {
            return Ok(());
        }
        if let Some((_, since)) = &self.giving_way.room_for {
            if now - since > micros(CLEARED_WITHIN) {
                self.giving_way = GivingWay { look_at: now + micros(TRY_AGAIN), room_for: None };
            } else if self.is_clear()
                && let Some((first, _)) = self.giving_way.room_for.take()
            {
                self.stop = Some(Ending::GaveWay(first));
            }
            return Ok(());
        }
        let least = self.held.deps.options.gives_way_from;
        if self.held.claim.recheck_of.is_some() || now < self.giving_way.look_at || self.left() < least {
            return Ok(());
        }
        self.giving_way.look_at = now + micros(LOOK);
        let mut tx = self.held.deps.db.read().await?;
        let line = giving_way::in_line(&mut tx, &self.held.brand, now).await?;
        drop(tx);
        let first = let_through(&line, self.delivered(), self.left());
        if !first.is_empty() {
            tracing::info!(run = %self.held.claim.run, runs = first.len(), "makes room for smaller runs of its account");
            self.giving_way.room_for = Some((first, now));
            self.poll.wait = self.first_poll();
            self.poll.due_at = self.poll.due_at.min(now + micros(self.poll.wait));
        }
        Ok(())
    }

    /// Is everything that was sent worked through?
    fn is_clear(&self) -> bool {
        self.flights.is_empty() && self.ready.is_empty() && self.sent.is_empty() && self.to_read.is_empty()
    }

    /// Contacts or tags that are in no request yet, whichever are more.
    fn left(&self) -> u64 {
        self.side.summary().to_send.saturating_sub(self.unsettled.cut_before()).max(self.tags.left())
    }

    /// Contacts and tags that are in requests.
    fn delivered(&self) -> u64 {
        let contacts = self.side.summary().to_send.min(self.unsettled.cut_before());
        contacts + self.side.summary().tag_changes.saturating_sub(self.tags.left())
    }
}

/// Queues the run that goes on with what this one leaves, in the transaction in which it ends.
pub(super) async fn queue_rest(deps: &Deps, tx: &mut Tx, run: &Run, first: &[RunId]) -> Result<(), EngineError> {
    let now = deps.clock.now_micros();
    let rest = NewRun {
        id: RunId(deps.chance.id(now)),
        export: run.export,
        export_name: run.export_name.clone(),
        settings_version: run.settings_version,
        connection: waits::account(tx, run.id).await?,
        trigger: run.trigger,
        started_by: run.started_by.clone(),
        slot_at: None,
        resend_of: run.resend_of,
        recheck_of: None,
        continues: Some(run.id),
    };
    Ok(giving_way::queue_rest(tx, &rest, run.id, first, now).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_are_a_tenth_together_are_let_through() {
        let run = |number: u128| RunId(uuid::Uuid::from_u128(number));
        let line = |sizes: &[Option<u64>]| -> Vec<InLine> {
            (1..).zip(sizes).map(|(number, people)| InLine::of(run(number), *people)).collect()
        };
        let let_through = |sizes: &[Option<u64>], delivered, left| -> Vec<u128> {
            super::let_through(&line(sizes), delivered, left).into_iter().map(|run| run.0.as_u128()).collect()
        };
        let sizes = [Some(1_000), Some(50_000), None, Some(500), Some(600)];
        assert_eq!(let_through(&sizes, 16_000, 984_000), [1, 4], "of what was delivered");
        assert_eq!(let_through(&sizes, 984_000, 16_000), [1, 4], "of what is left");
        assert_eq!(let_through(&sizes, 21_000, 900_000), [1, 4, 5]);
        assert_eq!(let_through(&sizes, 600_000, 600_000), [1, 2, 4, 5]);
        assert_eq!(let_through(&[Some(0)], 0, 1_000_000), [0_u128; 0], "nothing was delivered yet");
        assert_eq!(let_through(&[Some(0)], 1, 1_000_000), [1]);
    }
}
