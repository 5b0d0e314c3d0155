//! What the line sends next: reads of items first, then polls, then what comes back, then tags, then what the plan has.
//! What is chosen stands in the checkpoint before it is sent.

use std::collections::HashSet;
use std::time::Duration;

use domain::marking::property_of;
use domain::run::{RunReason, RunState};
use jiff::Timestamp;
use jiff::civil::Date;

use super::EngineError;
use super::feed::{self, Body, Piece};
use super::line::{FAR, Line, Ready};
use super::request::Request;
use super::retry::{GIVE_UP_AFTER, LONG, micros};
use super::run::Ending;
use crate::db::batches::{Batch, BatchState, Kind};
use crate::db::pace::Lane;

/// Without an outcome for so long, contacts count as late.
const LATE: Duration = Duration::from_secs(60);

/// Asking for the destination's batches, page by page.
#[derive(Debug)]
pub(super) struct Poll {
    /// When the next page is asked for; far away while one is on its way.
    pub(super) due_at: i64,
    /// Where it begins.
    pub(super) from: u64,
    /// When the first page of this round was asked for.
    pub(super) begun_at: i64,
    /// Ours on the pages of this round.
    pub(super) seen: HashSet<String>,
    /// The wait after this round.
    pub(super) wait: Duration,
    /// Did this round find something finished?
    pub(super) found: bool,
    /// Is a page on its way?
    pub(super) is_out: bool,
    /// Is a whole round over?
    pub(super) has_looked: bool,
}

impl Poll {
    /// The first page is asked for now.
    pub(super) fn beginning(now: i64) -> Self {
        let (seen, wait) = (HashSet::new(), Duration::ZERO);
        Self { due_at: now, from: 0, begun_at: now, seen, wait, found: false, is_out: false, has_looked: false }
    }
}

impl Line {
    /// Chooses what is sent next, as far as there is room on the line and in the budget, and notes it in the checkpoint.
    pub(super) async fn pick(&mut self) -> Result<Vec<Request>, EngineError> {
        let mut launches = Vec::new();
        self.wake_at = FAR;
        if self.stop.is_some() {
            return Ok(launches);
        }
        let now = self.now();
        if self.trouble.paused_until() > now {
            self.wake(self.trouble.paused_until());
            self.stop_if_far(self.trouble.paused_until(), RunReason::DestinationUnavailable);
            return Ok(launches);
        }
        let deps = self.held.deps.clone();
        let room = if self.trouble.must_probe() { 1 } else { deps.options.in_flight.max(1) };
        while self.flights.len() + launches.len() < room {
            let at = self.pacer.opens_at(&deps, Lane::All).await?;
            if at > now {
                self.wake(at);
                if launches.is_empty() {
                    self.stop_if_far(at, RunReason::RateLimit);
                }
                break;
            }
            let Some(request) = self.candidate(now).await? else { break };
            self.pacer.go(lane_of(&request));
            launches.push(self.note(request));
        }
        Ok(launches)
    }

    pub(super) fn wake(&mut self, at: i64) {
        self.wake_at = self.wake_at.min(at);
    }

    /// Lets go of the run rather than waiting long, once nothing is on its way any more.
    fn stop_if_far(&mut self, until: i64, reason: RunReason) {
        let now = self.now();
        if until - now <= micros(LONG) {
            return;
        }
        let is_over = self.trouble.since().is_some_and(|since| now - since > micros(GIVE_UP_AFTER));
        self.stop = Some(if is_over {
            Ending::failed(reason)
        } else {
            // How often it has failed is known of the connection, not of the run.
            Ending::Wait { reason, detail: String::new(), until, failures: 0, refused_key: None }
        });
    }

    /// The next thing to send, taken out of where it was.
    async fn candidate(&mut self, now: i64) -> Result<Option<Request>, EngineError> {
        if let Some(request) = self.other_rows()? {
            return Ok(Some(request));
        }
        if let Some(at) = self.to_read.iter().position(|reading| reading.due_at <= now) {
            return Ok(self.to_read.remove(at).map(|reading| Request::Items { id: reading.id }));
        }
        if let Some(due) = self.to_read.iter().map(|reading| reading.due_at).min() {
            self.wake(due);
        }
        if self.sent.is_empty() {
            self.poll.due_at = FAR;
        } else if self.poll.is_out {
            // One page at a time.
        } else if self.poll.due_at <= now {
            return Ok(Some(self.question()));
        } else {
            self.wake(self.poll.due_at);
        }
        let open = self.open_lanes(now).await?;
        let is_open = |batch: &Batch| lane(&batch.kind) == Lane::All || open.contains(&lane(&batch.kind));
        while let Some(at) = self.ready.iter().position(|ready| ready.batch.due_at <= now && is_open(&ready.batch)) {
            if self.ready.get(at).is_some_and(|ready| self.is_in_question(&ready.batch)) {
                return Ok(Some(self.question()));
            }
            if let Some(request) = self.take_ready(at).await? {
                return Ok(Some(request));
            }
        }
        if let Some(next) = self.ready.iter().map(|ready| ready.batch.due_at).filter(|due| *due > now).min() {
            self.wake(next);
        }
        if self.giving_way.is_clearing() {
            return Ok(None);
        }
        // A batch that hangs holds its own contacts back, nobody else.
        let is_late = self.state == RunState::Settling && now - self.settled_at > micros(LATE);
        for lane in open {
            if let Some(cut) = self.tags.cut(lane, &self.unsettled, &mut self.ids, is_late).await? {
                let batch = self.new_batch(cut.kind, cut.numbers, 0);
                return Ok(Some(Request::Send { batch, body: Body::People(cut.people.into()) }));
            }
        }
        if let Some(request) = self.ask_for_ids(now) {
            return Ok(Some(request));
        }
        // What comes back is sent before more is begun.
        if self.ready.len() >= 4 * self.held.deps.options.in_flight.max(1) {
            return Ok(None);
        }
        match self.take_piece()? {
            Some(request) => Ok(Some(request)),
            // Last, because each of these is about one person only.
            None => self.take_property().await,
        }
    }

    /// Contacts far from those that were refused.
    fn other_rows(&mut self) -> Result<Option<Request>, EngineError> {
        if !std::mem::take(&mut self.tries_other_rows) {
            return Ok(None);
        }
        let fresh = if self.giving_way.is_clearing() { None } else { self.take_piece()? };
        if fresh.is_none() && !self.ready.is_empty() {
            // Halves go to the front: what is farthest away stands at the back.
            self.ready.rotate_right(1);
        }
        Ok(fresh)
    }

    fn question(&mut self) -> Request {
        if self.poll.from == 0 {
            self.poll.begun_at = self.now();
        }
        self.poll.due_at = FAR;
        self.poll.is_out = true;
        Request::List { since: self.oldest_sent(), from: self.poll.from }
    }

    /// The lanes of tags in which something may go now; wakes the line when another one opens.
    async fn open_lanes(&mut self, now: i64) -> Result<Vec<Lane>, EngineError> {
        let mut open = Vec::new();
        let deps = self.held.deps.clone();
        for tags in [Lane::AddTag, Lane::RemoveTag] {
            if !self.tags.has(tags) && !self.ready.iter().any(|ready| lane(&ready.batch.kind) == tags) {
                continue;
            }
            let at = self.pacer.opens_at(&deps, tags).await?;
            if at <= now {
                open.push(tags);
                continue;
            }
            self.wake(at);
            if self.state == RunState::Tagging && self.flights.is_empty() {
                self.stop_if_far(at, RunReason::RateLimit);
            }
        }
        Ok(open)
    }

    /// Ids of contacts that wait for their tags, while they are worth a request.
    fn ask_for_ids(&mut self, now: i64) -> Option<Request> {
        if !self.ids.may_ask(now) {
            return None;
        }
        let (known, unknown) = self.tags.known_and_unknown(&self.unsettled, &self.ids);
        self.ids.wants(known, unknown, now).then(|| {
            self.ids.asked();
            Request::Contacts { after: self.ids.after.clone() }
        })
    }

    async fn take_ready(&mut self, index: usize) -> Result<Option<Request>, EngineError> {
        let Some(Ready { mut batch, body }) = self.ready.remove(index) else { return Ok(None) };
        let body = match body {
            Some(body) => body,
            None if batch.kind == Kind::Upsert => {
                let found = feed::items_of(&self.side, self.held.destination.as_ref(), &batch).await?;
                self.refuse(found.faults);
                if found.rows.is_empty() {
                    batch.state = BatchState::Settled;
                    self.write(batch);
                    return Ok(None);
                }
                Body::Items(found.items.into())
            }
            None => {
                let body = feed::people_of(&self.side, &batch).await?;
                if body.len() > self.held.destination.limits().emails_per_tag_request {
                    // It had ids, which are not known any more.
                    self.halve(batch, &body);
                    return Ok(None);
                }
                body
            }
        };
        Ok(Some(Request::Send { batch, body }))
    }

    fn take_piece(&mut self) -> Result<Option<Request>, EngineError> {
        while let Some(piece) = self.next_piece()? {
            self.refuse(piece.faults);
            self.point.next_row = Some(piece.next_row);
            self.unsettled.cut_until(piece.next_row);
            if piece.rows.is_empty() {
                continue;
            }
            let batch = self.new_batch(Kind::Upsert, piece.rows, 0);
            return Ok(Some(Request::Send { batch, body: piece.body }));
        }
        Ok(None)
    }

    /// A property that is taken from somebody who is not sent any more.
    async fn take_property(&mut self) -> Result<Option<Request>, EngineError> {
        let Some(cut) = self.tags.cut(Lane::All, &self.unsettled, &mut self.ids, false).await? else { return Ok(None) };
        let batch = self.new_batch(cut.kind, cut.numbers, 0);
        Ok(Some(Request::Send { batch, body: Body::People(cut.people.into()) }))
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, EngineError> {
        if let Some(piece) = self.piece.take() {
            return Ok(Some(piece));
        }
        let Some(feed) = &mut self.feed else { return Ok(None) };
        let Some(piece) = feed.at_hand() else { return Ok(None) };
        let piece = piece?;
        if piece.is_none() {
            self.feed = None;
            // Nothing else tells a line on which nothing is on its way that it can go on with the next state.
            self.wake(self.now());
        }
        Ok(piece)
    }

    /// A batch that the database does not know yet.
    pub(super) fn new_batch(&mut self, kind: Kind, rows: Vec<u64>, returns: u64) -> Batch {
        let seq = self.next_seq;
        self.next_seq += 1;
        Batch::of(seq, kind, rows, returns, self.now())
    }

    /// Notes the intent: after the commit the request may be on its way.
    fn note(&mut self, request: Request) -> Request {
        self.point.requests += 1;
        let Request::Send { mut batch, body } = request else { return request };
        self.point.retries += u64::from(batch.attempts > 0 || batch.returns > 0);
        batch.attempts += 1;
        // A break-off left it like this, who knows when.
        if batch.state == BatchState::Sending {
            batch.doubted_at = Some(self.now());
        }
        batch.state = BatchState::Sending;
        self.write(batch.clone());
        Request::Send { batch, body }
    }

    /// Writes a batch with the next checkpoint, as new if the database does not know it.
    pub(super) fn write(&mut self, batch: Batch) {
        self.unsettled.note(&batch);
        if batch.is_new {
            self.point.new.retain(|known| known.seq != batch.seq);
            self.point.new.push(batch);
        } else {
            self.point.changed.retain(|known| known.seq != batch.seq);
            self.point.changed.push(batch);
        }
    }

    /// The day since which our batches stand in the destination's list. A day earlier than by our clock: the other side
    /// may count days in another zone.
    fn oldest_sent(&self) -> Date {
        let oldest = self.sent.values().filter_map(|sent| sent.batch.sent_at).min().unwrap_or_else(|| self.now());
        listed_since(oldest)
    }
}

/// The day from which on the list of batches surely holds one that was sent at an instant.
pub(super) fn listed_since(sent_at: i64) -> Date {
    let at = Timestamp::from_microsecond(sent_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    day.yesterday().unwrap_or(day)
}

pub(super) fn lane(kind: &Kind) -> Lane {
    match kind {
        Kind::Upsert => Lane::All,
        Kind::AddTag(_) => Lane::AddTag,
        // It goes to the address of the one contact, like any other request.
        Kind::RemoveTag(mark) if property_of(mark).is_some() => Lane::All,
        Kind::RemoveTag(_) => Lane::RemoveTag,
    }
}

pub(super) fn lane_of(request: &Request) -> Lane {
    match request {
        Request::Send { batch, .. } => lane(&batch.kind),
        Request::List { .. } | Request::Items { .. } | Request::Contacts { .. } => Lane::All,
    }
}
