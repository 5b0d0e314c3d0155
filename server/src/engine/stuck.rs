//! What the destination refuses, or fails to answer again and again: it is divided until the row to blame stands alone, or
//! given up on, so that one row costs one row and one batch no run.

use domain::run::{RowReason, RunReason};

use super::feed::Body;
use super::line::{Line, Reading, Ready};
use super::request::Request;
use super::retry::{
    FEW_TIMES, LATELY, MOST_FAILURES, MOST_FAILURES_WITHOUT_OTHERS, MOST_READS, micros, wait_before_again,
};
use super::run::Ending;
use crate::db::batches::{Batch, BatchState, Kind, RefusedRow};
use crate::destinations::DeliveryError;

/// Where the tags of so many people, each alone, are not taken, nobody's are.
const WHOSE_TAG_IS_TRIED: u32 = 2;

impl Line {
    /// The items of a batch could not be read. If that is so again and again while the destination answers everything
    /// else, nobody will ever know.
    pub(super) fn read_again(&mut self, id: String, due_at: i64) {
        let (now, succeeded_at) = (self.now(), self.succeeded_at);
        let Some(sent) = self.sent.get_mut(&id) else { return };
        let (times, last) = sent.unread;
        sent.unread = (times + u32::from(succeeded_at >= last), now);
        if sent.unread.0 < MOST_READS {
            return self.to_read.push_back(Reading { id, due_at });
        }
        if let Some(sent) = self.sent.remove(&id) {
            self.give_up_on(sent.batch);
            self.point.progress = true;
        }
    }

    /// A batch that fails again and again while the destination takes others has a row in it that it cannot cope with: it
    /// is divided, and a single row given up on. Gives back what is to be sent again as it is.
    ///
    /// Of a tag whose request failed nobody knows whether it is there: such a change is in doubt until a later run.
    pub(super) fn divide_what_fails_alone(&mut self, request: Request, error: &DeliveryError) -> Option<Request> {
        let Request::Send { mut batch, body } = request else { return Some(request) };
        let is_answered = error.status.is_some_and(|status| !(300..500).contains(&status));
        if !is_answered || !self.fails_alone(&batch) {
            return Some(Request::Send { batch, body });
        }
        let is_tag = batch.kind != Kind::Upsert;
        if batch.row_count > 1 && !(is_tag && self.tags_given_up >= WHOSE_TAG_IS_TRIED) {
            // Where no tag is taken at all, somebody alone shows that soonest.
            let is_anybody_tagged = self.is_lately(self.tagged_at);
            let first = if is_tag && !is_anybody_tagged { 1 } else { batch.rows().len() / 2 };
            self.divide_after(batch, &body, first, MOST_FAILURES_WITHOUT_OTHERS - 2);
            return None;
        }
        if is_tag {
            self.tags_given_up += u32::from(batch.row_count == 1);
            self.point.progress = true;
            batch.state = BatchState::Unconfirmed;
            self.write(batch);
            return None;
        }
        self.trouble.refused(true);
        batch.state = BatchState::Refused;
        self.point.sent += u64::from(batch.returns == 0);
        self.point.progress = true;
        let (row, detail) = (batch.first_row, error.detail.clone());
        self.refuse(vec![RefusedRow { row, reason: RowReason::NotTaken, detail }]);
        self.write(batch);
        None
    }

    fn fails_alone(&self, batch: &Batch) -> bool {
        let taken_at = if batch.kind == Kind::Upsert { self.taken_at } else { self.tagged_at };
        batch.attempts >= MOST_FAILURES && self.is_lately(taken_at)
            || batch.attempts >= MOST_FAILURES_WITHOUT_OTHERS && self.is_lately(self.succeeded_at)
    }

    fn is_lately(&self, at: i64) -> bool {
        self.now() - at <= micros(LATELY)
    }

    /// Has a batch failed so often that a question should tell whether it is this batch or everything?
    pub(super) fn is_in_question(&self, batch: &Batch) -> bool {
        batch.attempts >= MOST_FAILURES_WITHOUT_OTHERS && !self.is_lately(self.succeeded_at) && !self.poll.is_out
    }

    /// A refused batch becomes two halves, until the guilty row stands alone.
    pub(super) fn divide(&mut self, request: Request, launched_at: i64, error: &DeliveryError) {
        let now = self.now();
        let Request::Send { mut batch, body } = request else {
            // A question cannot be divided; it may be answered another time.
            self.trouble.failure(launched_at, now, None, self.held.deps.chance());
            let due_at = now + micros(wait_before_again(self.trouble.rounds(), None, 0.5));
            return self.send_again(request, due_at);
        };
        self.trouble.refused(batch.row_count == 1);
        if self.trouble.refuses_everything() {
            let (reason, detail) = (RunReason::RequestRefused, error.detail.clone());
            self.stop.get_or_insert(Ending::Failed { reason, detail });
        } else if batch.row_count == 1 && self.trouble.wants_other_rows() {
            self.tries_other_rows = true;
        }
        if batch.row_count == 1 {
            batch.state = BatchState::Refused;
            if batch.kind == Kind::Upsert {
                self.point.sent += u64::from(batch.returns == 0);
                let (row, detail) = (batch.first_row, error.detail.clone());
                self.refuse(vec![RefusedRow { row, reason: RowReason::Refused, detail }]);
            }
            self.point.progress = true;
            return self.write(batch);
        }
        self.halve(batch, &body);
    }

    /// Two batches take the place of one, and go before others: what is to blame should be found before more is sent.
    pub(super) fn halve(&mut self, batch: Batch, body: &Body) {
        let half = batch.rows().len() / 2;
        self.divide_after(batch, body, half, 0);
    }

    /// The same for parts, the first of so many rows, that have failed so often with the whole.
    fn divide_after(&mut self, mut batch: Batch, body: &Body, rows: usize, attempts: u64) {
        let mut first = batch.rows();
        let second = first.split_off(rows);
        let (first_body, second_body) = body.split(rows);
        for (rows, body) in [(second, second_body), (first, first_body)] {
            let part = self.new_batch(batch.kind.clone(), rows, batch.returns);
            // After a break-off what was on its way is in doubt as well.
            let is_in_doubt =
                batch.doubted_at.is_some() || matches!(batch.state, BatchState::Sending | BatchState::Unknown);
            let state = if is_in_doubt { BatchState::Unknown } else { part.state };
            let part = Batch { attempts, state, doubted_at: batch.doubted_at, ..part };
            self.write(part.clone());
            self.ready.push_front(Ready { batch: part, body: Some(body) });
        }
        batch.state = BatchState::Split;
        self.write(batch);
    }

    /// The destination does not know what we ask for.
    pub(super) fn gone(&mut self, request: Request, launched_at: i64, error: &DeliveryError) {
        match request {
            // It keeps batches for some days only: nobody will ever know.
            Request::Items { id } => {
                if let Some(sent) = self.sent.remove(&id) {
                    self.give_up_on(sent.batch);
                }
            }
            request => {
                let (now, chance) = (self.now(), self.held.deps.chance());
                self.trouble.failure(launched_at, now, None, chance);
                let is_over = self.trouble.rounds() >= FEW_TIMES;
                self.send_again(request, now + micros(wait_before_again(1, None, chance)));
                if is_over {
                    self.stop_for_person(RunReason::NotTheDestination, error);
                }
            }
        }
    }
}
