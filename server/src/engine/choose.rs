//! What the line sends next: reads of items first, then polls, then what comes back, then what the plan has. What is
//! chosen stands in the checkpoint before it is sent.

use std::sync::Arc;

use domain::run::RunReason;
use jiff::Timestamp;
use jiff::civil::Date;

use super::EngineError;
use super::feed::{self, Cursor, Piece};
use super::line::{FAR, Line, Ready, Request};
use super::pace::Permit;
use super::retry::{GIVE_UP_AFTER, LONG, micros};
use super::run::Ending;
use crate::db::batches::{Batch, BatchState, Kind};
use crate::db::pace::Lane;

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
        let room = if self.trouble.must_probe() { 1 } else { self.held.deps.options.in_flight.max(1) };
        while self.flights.len() + launches.len() < room {
            let Some((lane, request)) = self.candidate(now).await? else { break };
            match self.pacer.permit(&self.held.deps, lane).await? {
                Permit::Now => launches.push(self.note(request)),
                Permit::At(at) => {
                    self.put_back(request);
                    self.wake(at);
                    if launches.is_empty() {
                        self.stop_if_far(at, RunReason::RateLimit);
                    }
                    break;
                }
            }
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
        let failures = self.trouble.rounds();
        self.stop = Some(if failures > 0 && now - self.progress_at > micros(GIVE_UP_AFTER) {
            Ending::failed(reason)
        } else {
            Ending::Wait { reason, detail: String::new(), until, failures }
        });
    }

    /// The next thing to send, taken out of where it was.
    async fn candidate(&mut self, now: i64) -> Result<Option<(Lane, Request)>, EngineError> {
        if let Some(id) = self.to_read.pop_front() {
            return Ok(Some((Lane::All, Request::Items { id })));
        }
        if self.sent.is_empty() {
            self.poll.due_at = FAR;
        } else if self.poll.is_out {
            // One page at a time.
        } else if self.poll.due_at <= now {
            let (since, from) = (self.oldest_sent(), self.poll.from);
            self.poll.due_at = FAR;
            self.poll.is_out = true;
            return Ok(Some((Lane::All, Request::List { since, from })));
        } else {
            self.wake(self.poll.due_at);
        }
        if let Some(index) = self.ready.iter().position(|ready| ready.batch.due_at <= now) {
            return self.take_ready(index).await;
        }
        if let Some(next) = self.ready.iter().map(|ready| ready.batch.due_at).min() {
            self.wake(next);
        }
        // What comes back is sent before more is begun.
        if self.ready.len() < 4 * self.held.deps.options.in_flight.max(1) {
            return self.take_piece();
        }
        Ok(None)
    }

    async fn take_ready(&mut self, index: usize) -> Result<Option<(Lane, Request)>, EngineError> {
        let Some(Ready { mut batch, body }) = self.ready.remove(index) else { return Ok(None) };
        let lane = lane(&batch.kind);
        let body = match body {
            Some(body) => body,
            None if batch.kind == Kind::Upsert => {
                let found = feed::items_of(&self.side, self.held.destination.as_ref(), &batch).await?;
                self.refuse(found.faults);
                if found.rows.is_empty() {
                    batch.state = BatchState::Settled;
                    self.point.changed.push(batch);
                    return Ok(None);
                }
                Arc::new(found.items)
            }
            None => Arc::new(feed::emails_of(&self.side, &batch).await?),
        };
        Ok(Some((lane, Request::Send { batch, body })))
    }

    fn take_piece(&mut self) -> Result<Option<(Lane, Request)>, EngineError> {
        while let Some(piece) = self.next_piece()? {
            self.refuse(piece.faults);
            match piece.next {
                Cursor::Row(row) => self.point.next_row = Some(row),
                Cursor::Tag(list, number) => self.point.next_tag = Some((list, number)),
            }
            if piece.rows.is_empty() {
                continue;
            }
            let lane = lane(&piece.kind);
            let batch = self.new_batch(piece.kind, piece.rows, 0);
            return Ok(Some((lane, Request::Send { batch, body: piece.body })));
        }
        Ok(None)
    }

    fn next_piece(&mut self) -> Result<Option<Piece>, EngineError> {
        if let Some(piece) = self.piece.take() {
            return Ok(Some(piece));
        }
        let Some(feed) = &mut self.feed else { return Ok(None) };
        match feed.try_recv() {
            Ok(piece) => piece.map(Some),
            Err(tokio::sync::mpsc::error::TryRecvError::Empty) => Ok(None),
            Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => {
                self.feed = None;
                Ok(None)
            }
        }
    }

    /// A batch that the database does not know yet.
    pub(super) fn new_batch(&mut self, kind: Kind, rows: Vec<u64>, returns: u64) -> Batch {
        let seq = self.next_seq;
        self.next_seq += 1;
        Batch::of(seq, kind, rows, returns, self.now())
    }

    /// A request that has to wait for the budget goes back to where it came from. The place in the plan has moved on
    /// behind a new batch, so the batch is written with it.
    fn put_back(&mut self, request: Request) {
        match request {
            Request::Items { id } => self.to_read.push_front(id),
            Request::List { .. } => {
                self.poll.due_at = self.now();
                self.poll.is_out = false;
            }
            Request::Send { batch, body } => {
                if batch.is_new {
                    self.write(batch.clone());
                }
                self.ready.push_front(Ready { batch, body: Some(body) });
            }
        }
    }

    /// Notes the intent: after the commit the request may be on its way.
    fn note(&mut self, request: Request) -> Request {
        self.point.requests += 1;
        let Request::Send { mut batch, body } = request else { return request };
        self.point.retries += u64::from(batch.attempts > 0 || batch.returns > 0);
        batch.attempts += 1;
        batch.state = BatchState::Sending;
        self.write(batch.clone());
        Request::Send { batch, body }
    }

    /// Writes a batch with the next checkpoint, as new if the database does not know it.
    pub(super) fn write(&mut self, batch: Batch) {
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
        let at = Timestamp::from_microsecond(oldest).unwrap_or(Timestamp::UNIX_EPOCH);
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        day.yesterday().unwrap_or(day)
    }
}

pub(super) fn lane(kind: &Kind) -> Lane {
    match kind {
        Kind::Upsert => Lane::All,
        Kind::AddTag(_) => Lane::AddTag,
        Kind::RemoveTag(_) => Lane::RemoveTag,
    }
}
