//! What the answers change: batches, rows, counters, and whether the line goes on. What fails again and again is in
//! [`stuck`](super::stuck).

use std::sync::Arc;
use std::time::Duration;

use domain::run::{RowReason, RunReason, RunState};

use super::EngineError;
use super::asking::tell_of_trouble;
use super::choose::{lane, lane_of};
use super::feed::{Body, contacts_of};
use super::guard::Key;
use super::line::{FAR, Line, Reading, Ready, Sent};
use super::request::{Landed, Reply, Request};
use super::retry::{self, FEW_TIMES, MOST_RETURNS, Next, micros, wait_before_again};
use super::run::{Ending, until_asked_again};
use super::settle::judge;
use crate::db::batches::{Batch, BatchState, Kind, RefusedRow};
use crate::db::endings;
use crate::db::pace::Lane;
use crate::destinations::{BatchPage, DeliveryError, ItemReport, Stage};

/// Between two looks at the destination's list while contacts are still being sent: tags wait for them, or nothing does.
const POLL_FOR_TAGS: Duration = Duration::from_secs(15);
const POLL_WHILE_SENDING: Duration = Duration::from_secs(60);
/// Between two looks once everything is sent: the first, and the longest.
const FIRST_POLL: Duration = Duration::from_secs(1);
const LONGEST_POLL: Duration = Duration::from_secs(30);
/// The same where no limits are kept.
const HASTY: u32 = 10;

/// A batch that was taken so long ago is surely in the list.
const LISTED: Duration = Duration::from_secs(2);

impl Line {
    /// What one answer changes.
    pub(super) async fn land(&mut self, landed: Landed) -> Result<(), EngineError> {
        let Landed { request, launched_at, key, result } = landed;
        if matches!(&request, Request::Send { batch, .. } if batch.kind == Kind::Upsert) {
            self.contacts_out = self.contacts_out.saturating_sub(1);
        }
        match (request, result) {
            (Request::Send { batch, body }, Ok(reply)) => self.taken(batch, &body, reply).await,
            (Request::List { .. }, Ok(Reply::Page(page))) => {
                self.succeed(Lane::All).await?;
                self.read_page(page);
                Ok(())
            }
            (Request::Items { id }, Ok(Reply::Items(items))) => {
                self.succeed(Lane::All).await?;
                self.read_items(&id, &items).await
            }
            (Request::Contacts { .. }, Ok(Reply::Contacts(page))) => {
                self.succeed(Lane::All).await?;
                self.ids.read(page, self.held.deps.clock.now_micros());
                Ok(())
            }
            (request, Err(error)) => {
                self.failed(request, launched_at, &key, error).await?;
                self.tell_of_trouble().await
            }
            // A destination answers what it was asked.
            (Request::List { .. } | Request::Items { .. } | Request::Contacts { .. }, Ok(_)) => Err(EngineError::Task),
        }
    }

    async fn succeed(&mut self, lane: Lane) -> Result<(), EngineError> {
        self.trouble.success();
        if self.succeeded_at == 0 {
            self.clear_attention().await?;
        }
        self.succeeded_at = self.now();
        self.tell_of_trouble().await?;
        self.pacer.taken(&self.held.deps, lane).await
    }

    /// The destination takes the key.
    async fn clear_attention(&mut self) -> Result<(), EngineError> {
        let mut tx = self.held.deps.db.begin().await?;
        endings::clear_attention(&mut tx, self.held.claim.run).await?;
        Ok(tx.commit().await?)
    }

    async fn taken(&mut self, mut batch: Batch, body: &Body, reply: Reply) -> Result<(), EngineError> {
        self.succeed(lane(&batch.kind)).await?;
        let now = self.now();
        batch.sent_at = Some(now);
        self.point.progress = true;
        if batch.kind != Kind::Upsert {
            (self.tagged_at, self.tags_given_up) = (now, 0);
        }
        match (&batch.kind, reply) {
            (Kind::Upsert, Reply::Taken(id)) => {
                self.has_settled();
                self.taken_at = now;
                self.point.sent += if batch.returns == 0 { batch.row_count } else { 0 };
                batch.state = BatchState::Sent;
                batch.remote_id = Some(id.clone());
                self.write(batch.clone());
                if let Some(earlier) = self.sent.insert(id, Sent::of(batch)) {
                    // The same id for two requests: the other's outcome can no longer be told apart from this one's.
                    self.give_up_on(earlier.batch);
                }
                if self.poll.due_at == FAR && !self.poll.is_out {
                    self.poll.due_at = now + micros(self.poll_while_sending());
                }
            }
            (Kind::AddTag(_), _) => {
                self.point.tags_added += body.len() as u64;
                batch.state = BatchState::Settled;
                self.write(batch);
            }
            (Kind::RemoveTag(_), _) => {
                self.point.tags_removed += body.len() as u64;
                batch.state = BatchState::Settled;
                self.write(batch);
            }
            (Kind::Upsert, _) => return Err(EngineError::Task),
        }
        Ok(())
    }

    /// Lets every run over the connection know whether its destination answers.
    async fn tell_of_trouble(&mut self) -> Result<(), EngineError> {
        tell_of_trouble(&self.held.deps, self.held.connection, &mut self.circuit, &self.trouble).await
    }

    async fn failed(
        &mut self,
        mut request: Request,
        launched_at: i64,
        key: &Arc<Key>,
        error: DeliveryError,
    ) -> Result<(), EngineError> {
        let next = retry::next(error.meaning);
        if matches!(request, Request::Contacts { .. }) && !matches!(next, Next::Slower { .. } | Next::Again { .. }) {
            // Tags can do without ids; what else is wrong is told by the requests that matter.
            self.ids.give_up();
            return Ok(());
        }
        let run = self.held.claim.run;
        tracing::debug!(%run, meaning = ?error.meaning, status = ?error.status, reference = ?error.reference, "no success");
        let deps = self.held.deps.clone();
        let (now, chance) = (self.now(), deps.chance());
        match next {
            Next::Slower { after } => {
                self.pacer.refused(&deps, lane_of(&request), launched_at, after).await?;
                self.send_again(request, now);
            }
            Next::Again { is_untaken, after } => {
                self.trouble.failure(launched_at, now, after, chance);
                if let (Request::Send { batch, .. }, false) = (&mut request, is_untaken) {
                    batch.doubted_at = Some(now);
                }
                let Some(request) = self.divide_what_fails_alone(request, &error) else { return Ok(()) };
                let failures = match &request {
                    Request::Send { batch, .. } => u32::try_from(batch.attempts).unwrap_or(u32::MAX),
                    Request::List { .. } | Request::Items { .. } | Request::Contacts { .. } => self.trouble.rounds(),
                };
                self.send_again(request, now + micros(wait_before_again(failures, after, chance)));
            }
            Next::AgainFewTimes(reason) => {
                self.trouble.failure(launched_at, now, None, chance);
                let is_over = self.trouble.rounds() >= FEW_TIMES;
                self.send_again(request, now);
                if is_over {
                    self.stop_for_person(reason, &error);
                }
            }
            Next::Stop(reason) => {
                self.send_again(request, now);
                // Another key is there already: it has not been asked.
                if Arc::ptr_eq(key, &self.held.guard.key()) {
                    self.stop_for_person(reason, &error);
                }
            }
            Next::Divide => self.divide(request, launched_at, &error),
            Next::Gone => self.gone(request, launched_at, &error),
        }
        Ok(())
    }

    pub(super) fn stop_for_person(&mut self, reason: RunReason, error: &DeliveryError) {
        let run = self.held.claim.run;
        tracing::warn!(%run, reason = reason.as_str(), status = ?error.status, reference = ?error.reference, "the destination refuses");
        let (detail, until) = (error.detail.clone(), until_asked_again(self.now()));
        let refused_key = Some(self.held.guard.key().sealed.clone());
        self.stop.get_or_insert(Ending::Wait { reason, detail, until, failures: 0, refused_key });
    }

    pub(super) fn send_again(&mut self, request: Request, due_at: i64) {
        match request {
            Request::Send { mut batch, body } => {
                batch.state = if batch.doubted_at.is_some() { BatchState::Unknown } else { BatchState::Planned };
                batch.due_at = due_at;
                self.write(batch.clone());
                self.ready.push_front(Ready { batch, body: Some(body) });
            }
            Request::List { .. } => {
                self.poll.is_out = false;
                self.poll.due_at = due_at;
            }
            Request::Items { id } => self.read_again(id, due_at),
            Request::Contacts { .. } => self.ids.rest(due_at),
        }
    }

    fn read_page(&mut self, page: BatchPage) {
        for report in page.batches {
            let Some(sent) = self.sent.get_mut(&report.id) else { continue };
            self.poll.seen.insert(report.id.clone());
            if report.stage == Stage::Working || sent.verdict.is_some() {
                continue;
            }
            self.poll.found = true;
            if report.stage == Stage::Finished && report.errors == 0 {
                if let Some(mut sent) = self.sent.remove(&report.id) {
                    sent.batch.state = BatchState::Settled;
                    self.point.accepted += sent.batch.row_count;
                    self.point.progress = true;
                    self.has_settled();
                    self.write(sent.batch);
                }
            } else {
                sent.verdict = Some((report.stage, report.errors));
                self.to_read.push_back(Reading { id: report.id, due_at: 0 });
            }
        }
        self.poll.is_out = false;
        // What has just been taken may not be listed yet, and stands before this page if it is.
        let is_wanted = |sent: &Sent| sent.batch.sent_at.is_none_or(|at| at <= self.poll.begun_at - micros(LISTED));
        let is_all_seen = self.sent.iter().all(|(id, sent)| !is_wanted(sent) || self.poll.seen.contains(id));
        match page.next {
            Some(from) if !is_all_seen => {
                self.poll.from = from;
                self.poll.due_at = self.now();
            }
            _ => self.end_round(),
        }
    }

    /// All pages of the round are read: the next one comes later the longer nothing is found.
    fn end_round(&mut self) {
        let poll = &mut self.poll;
        poll.from = 0;
        poll.has_looked = true;
        poll.seen.clear();
        let found = std::mem::take(&mut poll.found);
        let wait = if self.state == RunState::Sending && !self.giving_way.is_clearing() {
            self.poll_while_sending()
        } else if found {
            self.first_poll()
        } else {
            self.poll.wait.mul_f64(1.6).clamp(self.first_poll(), LONGEST_POLL)
        };
        self.poll.wait = wait;
        self.poll.due_at = self.now() + micros(wait);
    }

    fn poll_while_sending(&self) -> Duration {
        let usual = if self.tags.has(Lane::AddTag) { POLL_FOR_TAGS } else { POLL_WHILE_SENDING };
        if self.pacer.keeps_limits() { usual } else { POLL_FOR_TAGS / HASTY }
    }

    pub(super) fn first_poll(&self) -> Duration {
        if self.pacer.keeps_limits() { FIRST_POLL } else { FIRST_POLL / HASTY }
    }

    async fn read_items(&mut self, id: &str, items: &[ItemReport]) -> Result<(), EngineError> {
        let Some(Sent { mut batch, verdict, .. }) = self.sent.remove(id) else { return Ok(()) };
        let (stage, errors) = verdict.unwrap_or((Stage::Stopped, 0));
        let rows: Vec<(u64, String)> =
            contacts_of(&self.side, &batch.rows()).await?.into_iter().map(|(row, email, _)| (row, email)).collect();
        let judged = judge(&rows, items, stage, errors);
        self.point.accepted += judged.accepted;
        self.point.progress = true;
        self.has_settled();
        let refused = judged.refused.into_iter();
        self.refuse(refused.map(|(row, detail)| RefusedRow { row, reason: RowReason::Refused, detail }).collect());
        let returns = batch.returns + 1;
        if returns > MOST_RETURNS {
            let given_up = judged.again.into_iter();
            let row = |row| RefusedRow { row, reason: RowReason::NotTaken, detail: String::new() };
            self.refuse(given_up.map(row).collect());
        } else if !judged.again.is_empty() {
            let mut again = self.new_batch(Kind::Upsert, judged.again, returns);
            let failures = u32::try_from(returns).unwrap_or(u32::MAX);
            again.due_at += micros(wait_before_again(failures, None, self.held.deps.chance()));
            self.write(again.clone());
            self.ready.push_back(Ready { batch: again, body: None });
        }
        batch.state = BatchState::Settled;
        self.write(batch);
        Ok(())
    }

    /// Notes rows that will not be taken.
    pub(super) fn refuse(&mut self, rows: Vec<RefusedRow>) {
        self.tags.fail(rows.iter().map(|row| row.row));
        self.point.refused.extend(rows);
    }

    /// Everything that is still being worked through there counts as unconfirmed.
    pub(super) fn give_up_on_sent(&mut self) {
        let run = self.held.claim.run;
        tracing::warn!(%run, batches = self.sent.len(), "the destination did not finish in time");
        self.to_read.clear();
        self.has_settled();
        for (_, sent) in std::mem::take(&mut self.sent) {
            self.give_up_on(sent.batch);
        }
        self.point.progress = true;
    }

    pub(super) fn give_up_on(&mut self, mut batch: Batch) {
        self.tags.fail(batch.rows());
        batch.state = BatchState::Unconfirmed;
        self.write(batch);
    }
}
