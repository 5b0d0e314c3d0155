//! Closing a run: plan, outcomes and old ledger, side by side, become the new ledger and the report of troubled rows.
//! Only what is confirmed moves the ledger.

use std::collections::HashMap;
use std::ops::Range;

use domain::run::RowReason;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path as StorePath;
use rangemap::RangeSet;

use super::files::{BATCH_ROWS, LedgerCursor, ledger, note, open};
use super::left::Left;
use super::marks::are_properties;
use super::rows::PlanBatch;
use super::writers::{LedgerWriter, PlanNote, PlanRow, TroubledWriter};
use super::{CloseRequest, Closed, FailedTags, Outcome, RefusedRow, TagOp, TroubledRow, tags};
use crate::DataEngine;
use crate::error::{DataError, Result};
use crate::store::{DataStore, ledger_path, left_path, plan_path, troubled_path};

impl DataEngine {
    /// Ends a run: writes the ledger `ledgers/<export>/<run>` and the report of troubled rows, and counts. Repeating it
    /// with the same request writes the same files.
    ///
    /// In the new ledger stands each contact as it was last confirmed: with the payload's hash of this plan where its
    /// row was accepted, with none where its row was not, and else with that of the old ledger; with the tags whose addition was
    /// confirmed and without those whose removal was. A tag whose change was sent and not confirmed is in doubt: the next
    /// plan takes it for missing where it is wanted, and for present where it is not. A leaver without a tag is no longer in
    /// the ledger, and is remembered beside it by a hash, until they come back.
    ///
    /// Errors: no plan or ledger ([`DataError::Missing`](crate::DataError::Missing)), an error of `refused`
    /// ([`DataError::Storage`](crate::DataError::Storage)). Nothing is left behind then.
    pub async fn close_run(&self, request: CloseRequest) -> Result<Closed> {
        let engine = self.clone();
        self.run(async move { close(&engine, request).await }).await
    }
}

async fn close(engine: &DataEngine, request: CloseRequest) -> Result<Closed> {
    let store = engine.store();
    let file = open(store, &plan_path(request.run))?;
    let plan: PlanNote = note(&file)?;
    let old = request.ledger.map(|run| ledger_path(request.export, run));
    let new = ledger_path(request.export, request.run);
    let mut closing = Closing {
        old: LedgerCursor::open(store, old.as_ref(), &plan.tags)?,
        new: LedgerWriter::create(store, &new, plan.tags.clone())?,
        troubled: TroubledWriter::create(store, &troubled_path(request.run))?,
        verdicts: Verdicts::new(request.refused, request.unconfirmed, request.held, request.held_reason),
        doubted: set_of(request.doubted),
        changes: TagChanges::new(&plan, &request.failed_tags),
        tags: vec![0; tags::width(plan.tags.len())],
        in_doubt: vec![0; tags::width(plan.tags.len())],
        left: Left::read(store, request.ledger.map(|run| left_path(request.export, run)).as_ref())?,
        left_path: left_path(request.export, request.run),
        store: store.clone(),
        counts: Outcome { members: plan.summary.members, unchanged: plan.summary.unchanged, ..Outcome::default() },
    };
    for batch in file.build()? {
        let batch = batch?;
        let rows = PlanBatch::new(&batch)?;
        for at in 0..batch.num_rows() {
            closing.push(rows.row(at)?).await?;
        }
        tokio::task::yield_now().await;
    }
    closing.finish().await
}

struct Closing {
    old: LedgerCursor,
    new: LedgerWriter,
    troubled: TroubledWriter,
    verdicts: Verdicts,
    doubted: RangeSet<u64>,
    changes: TagChanges,
    /// Of the contact at hand: the tags that it has, and those that it may have.
    tags: Vec<u8>,
    in_doubt: Vec<u8>,
    left: Left,
    left_path: StorePath,
    store: DataStore,
    counts: Outcome,
}

impl Closing {
    async fn push(&mut self, row: PlanRow<'_>) -> Result<()> {
        if let Some(reason) = row.reason {
            return self.trouble(row, reason, String::new());
        }
        let verdict = match row.row {
            Some(number) => Some(self.verdicts.of(number).await?),
            None => None,
        };
        let was_sent = match &verdict {
            Some(Verdict::Accepted) => Change::Made,
            Some(Verdict::Troubled(RowReason::NoAnswer | RowReason::NotTaken, _)) => Change::InDoubt,
            Some(Verdict::Troubled(..)) if self.is_doubted(row) => Change::InDoubt,
            Some(Verdict::Troubled(..)) | None => Change::NotMade,
        };
        match verdict {
            Some(Verdict::Accepted) => self.counts.accepted += 1,
            Some(Verdict::Troubled(reason, detail)) => self.trouble(row, reason, detail)?,
            None => {}
        }
        while self.old.email().is_some_and(|email| email < row.email) {
            self.keep()?;
        }
        let stands = self.old.email() == Some(row.email);
        if stands {
            self.tags.copy_from_slice(self.old.tags());
            self.in_doubt.copy_from_slice(self.old.in_doubt());
        } else {
            self.tags.fill(0);
            self.in_doubt.fill(0);
        }
        for tag in tags::places(row.add) {
            let change = if self.changes.is_property(tag) {
                was_sent
            } else {
                let change = self.changes.next(TagOp::Add, tag);
                if row.in_ledger || was_sent == Change::Made { change } else { Change::NotMade }
            };
            self.change(TagOp::Add, tag, change);
        }
        // What was sent may have arrived though nobody said so: neither the old payload is sure any more, nor the new one.
        let mut is_stale = row.row.is_some();
        for tag in tags::places(row.remove) {
            let is_property = self.changes.is_property(tag);
            let goes_along = is_property && row.row.is_some();
            let change = if goes_along { was_sent } else { self.changes.next(TagOp::Remove, tag) };
            // The payload of somebody who left still says that they are in the segment.
            is_stale |= is_property && !row.is_member && change != Change::NotMade;
            self.change(TagOp::Remove, tag, change);
        }
        let has_tags = !tags::is_empty(&self.tags) || !tags::is_empty(&self.in_doubt);
        match row.hash {
            Some(hash) if was_sent == Change::Made => {
                self.left.take(row.email);
                self.new.push(row.email, hash, &self.tags, &self.in_doubt)?;
            }
            _ if has_tags || stands && row.is_member => {
                let hash = if is_stale { &ledger::UNKNOWN } else { self.old.hash() };
                self.new.push(row.email, hash, &self.tags, &self.in_doubt)?;
            }
            _ if stands => self.left.put(row.email),
            _ => {}
        }
        if stands { self.old.advance() } else { Ok(()) }
    }

    /// May the destination have taken a row though it refused it another time, or was not asked again?
    fn is_doubted(&self, row: PlanRow<'_>) -> bool {
        row.row.is_some_and(|number| self.doubted.contains(&number))
    }

    /// What became of one change of a tag of the contact at hand.
    fn change(&mut self, op: TagOp, tag: usize, change: Change) {
        if change == Change::NotMade {
            return;
        }
        tags::take(&mut self.tags, tag);
        tags::take(&mut self.in_doubt, tag);
        match (change, op) {
            (Change::InDoubt, _) => tags::put(&mut self.in_doubt, tag),
            (_, TagOp::Add) => {
                tags::put(&mut self.tags, tag);
                self.counts.tags_added += 1;
            }
            (_, TagOp::Remove) => self.counts.tags_removed += 1,
        }
    }

    /// Takes over what the plan does not touch.
    fn keep(&mut self) -> Result<()> {
        let old = &self.old;
        self.new.push(old.email().unwrap_or_default(), old.hash(), old.tags(), old.in_doubt())?;
        self.old.advance()
    }

    fn trouble(&mut self, row: PlanRow<'_>, reason: RowReason, detail: String) -> Result<()> {
        match reason {
            RowReason::EmailMissing | RowReason::EmailInvalid | RowReason::Refused | RowReason::NotTaken => {
                self.counts.rejected += 1;
            }
            RowReason::EmailRepeated | RowReason::Canceled | RowReason::RunFailed | RowReason::GoesOn => {
                self.counts.held += 1
            }
            RowReason::NoAnswer => self.counts.unconfirmed += 1,
        }
        let (key, email) = (row.key.unwrap_or_default().to_owned(), row.email.to_owned());
        self.troubled.push(&TroubledRow { key, email, reason, detail })
    }

    async fn finish(mut self) -> Result<Closed> {
        let mut kept = 0;
        while self.old.email().is_some() {
            self.keep()?;
            kept += 1;
            if kept % BATCH_ROWS == 0 {
                tokio::task::yield_now().await;
            }
        }
        let reasons = self.troubled.finish()?;
        self.left.write(&self.store, &self.left_path)?;
        // Last: where the new ledger is, everything is.
        self.new.finish()?;
        Ok(Closed { counts: self.counts, reasons })
    }
}

enum Verdict {
    Accepted,
    Troubled(RowReason, String),
}

/// What became of each row, asked for in ascending order.
struct Verdicts {
    refused: BoxStream<'static, std::io::Result<RefusedRow>>,
    next_refused: Option<RefusedRow>,
    has_begun: bool,
    unconfirmed: RangeSet<u64>,
    held: RangeSet<u64>,
    held_reason: RowReason,
}

impl Verdicts {
    fn new(
        refused: BoxStream<'static, std::io::Result<RefusedRow>>,
        unconfirmed: Vec<Range<u64>>,
        held: Vec<Range<u64>>,
        held_reason: RowReason,
    ) -> Self {
        let (unconfirmed, held) = (set_of(unconfirmed), set_of(held));
        Self { refused, next_refused: None, has_begun: false, unconfirmed, held, held_reason }
    }

    async fn of(&mut self, row: u64) -> Result<Verdict> {
        while !self.has_begun || self.next_refused.as_ref().is_some_and(|refused| refused.row < row) {
            self.has_begun = true;
            self.next_refused = self.refused.next().await.transpose().map_err(refused_failed)?;
        }
        if let Some(refused) = self.next_refused.take_if(|refused| refused.row == row) {
            self.has_begun = false;
            return Ok(Verdict::Troubled(refused.reason, refused.detail));
        }
        Ok(if self.unconfirmed.contains(&row) {
            Verdict::Troubled(RowReason::NoAnswer, String::new())
        } else if self.held.contains(&row) {
            Verdict::Troubled(self.held_reason, String::new())
        } else {
            Verdict::Accepted
        })
    }
}

/// The text of the caller's error is the caller's to log.
fn refused_failed(_: std::io::Error) -> DataError {
    DataError::Storage("the refused rows could not be read".to_owned())
}

/// The numbers in any of the ranges.
pub(super) fn set_of(ranges: Vec<Range<u64>>) -> RangeSet<u64> {
    ranges.into_iter().filter(|range| !range.is_empty()).collect()
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Made,
    NotMade,
    InDoubt,
}

/// Which tag changes were made: the changes of each tag are numbered in the order of the plan.
struct TagChanges {
    /// Those that were not made, and those that may not have been.
    failed: HashMap<(TagOp, usize, bool), RangeSet<u64>>,
    numbers: HashMap<(TagOp, usize), u64>,
    properties: Vec<bool>,
}

impl TagChanges {
    fn new(plan: &PlanNote, failed: &[FailedTags]) -> Self {
        let mut ranges: HashMap<(TagOp, usize, bool), Vec<Range<u64>>> = HashMap::new();
        for one in failed {
            if let Some(tag) = plan.tags.iter().position(|tag| *tag == one.tag) {
                ranges.entry((one.op, tag, one.is_in_doubt)).or_default().push(one.changes.clone());
            }
        }
        let failed = ranges.into_iter().map(|(change, ranges)| (change, set_of(ranges))).collect();
        Self { failed, numbers: HashMap::new(), properties: are_properties(&plan.tags) }
    }

    /// Is the mark a property, which goes along with a contact that is sent?
    fn is_property(&self, tag: usize) -> bool {
        self.properties.get(tag).copied().unwrap_or_default()
    }

    fn next(&mut self, op: TagOp, tag: usize) -> Change {
        let number = self.numbers.entry((op, tag)).or_default();
        let is = |in_doubt| self.failed.get(&(op, tag, in_doubt)).is_some_and(|numbers| numbers.contains(number));
        let change = if is(true) {
            Change::InDoubt
        } else if is(false) {
            Change::NotMade
        } else {
            Change::Made
        };
        *number += 1;
        change
    }
}
