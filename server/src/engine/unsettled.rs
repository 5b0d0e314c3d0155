//! Which rows of a plan have no outcome yet: a contact may be tagged as soon as its row is none of them.

use std::collections::BTreeMap;

use crate::db::batches::{Batch, BatchState, Kind};

/// The rows that are not sent yet, and those of batches without an outcome.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    /// The first row that is in no batch.
    next_row: u64,
    /// Batches of rows that follow each other: they never overlap. First row → last row, number of the batch.
    whole: BTreeMap<u64, (u64, u64)>,
    /// Batches of picked rows, few: number → first and last row.
    picked: BTreeMap<u64, (u64, u64)>,
    /// Grows whenever a batch gets its outcome.
    settled: u64,
}

impl Unsettled {
    pub(super) fn new(next_row: u64) -> Self {
        Self { next_row, ..Self::default() }
    }

    /// The rows before this one are in batches now.
    pub(super) fn cut_until(&mut self, next_row: u64) {
        self.next_row = next_row;
    }

    /// The first row that is in no batch.
    pub(super) fn cut_before(&self) -> u64 {
        self.next_row
    }

    /// Notes how a batch stands.
    pub(super) fn note(&mut self, batch: &Batch) {
        if batch.kind != Kind::Upsert || batch.row_count == 0 {
            return;
        }
        let is_open = match batch.state {
            BatchState::Planned | BatchState::Sending | BatchState::Unknown | BatchState::Sent => true,
            // The halves of a split batch are noted before it.
            BatchState::Settled | BatchState::Refused | BatchState::Split | BatchState::Unconfirmed => false,
        };
        let last = match &batch.picked {
            Some(picked) => picked.last().copied().unwrap_or(batch.first_row),
            None => batch.first_row + batch.row_count - 1,
        };
        if is_open {
            let rows = (batch.first_row, last);
            match &batch.picked {
                Some(_) => self.picked.insert(batch.seq, rows),
                None => self.whole.insert(batch.first_row, (last, batch.seq)),
            };
            return;
        }
        self.settled += 1;
        self.picked.remove(&batch.seq);
        // The first half of a split batch begins with the same row.
        if self.whole.get(&batch.first_row).is_some_and(|(_, seq)| *seq == batch.seq) {
            self.whole.remove(&batch.first_row);
        }
    }

    /// Has the row no outcome yet? May say so of one that has, next to picked rows; never the other way round.
    pub(super) fn holds(&self, row: u64) -> bool {
        row >= self.next_row
            || self.whole.range(..=row).next_back().is_some_and(|(_, (last, _))| row <= *last)
            || self.picked.values().any(|(first, last)| (*first..=*last).contains(&row))
    }

    /// Changes whenever a batch has got its outcome.
    pub(super) fn version(&self) -> u64 {
        self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(seq: u64, rows: Vec<u64>, state: BatchState) -> Batch {
        let mut batch = Batch::of(seq, Kind::Upsert, rows, 0, 0);
        batch.state = state;
        batch
    }

    #[test]
    fn a_row_is_open_until_every_batch_that_holds_it_has_an_outcome() {
        let mut open = Unsettled::new(0);
        assert!(open.holds(0));
        open.cut_until(200);
        open.note(&batch(0, (0..100).collect(), BatchState::Sending));
        open.note(&batch(1, (100..200).collect(), BatchState::Sent));
        assert!(open.holds(0) && open.holds(99) && open.holds(150) && open.holds(200));

        open.note(&batch(0, (0..100).collect(), BatchState::Settled));
        assert!(!open.holds(0) && !open.holds(99) && open.holds(100));
        open.note(&batch(2, vec![101, 105], BatchState::Planned));
        open.note(&batch(1, (100..200).collect(), BatchState::Settled));
        assert!(!open.holds(100) && open.holds(101) && open.holds(105) && !open.holds(106));
        open.note(&batch(2, vec![101, 105], BatchState::Settled));
        assert!(!open.holds(101) && open.version() == 3);
    }

    #[test]
    fn the_halves_of_a_batch_stay_open_when_the_whole_is_split() {
        let mut open = Unsettled::new(100);
        open.note(&batch(0, (0..100).collect(), BatchState::Sending));
        open.note(&batch(1, (0..50).collect(), BatchState::Planned));
        open.note(&batch(2, (50..100).collect(), BatchState::Planned));
        open.note(&batch(0, (0..100).collect(), BatchState::Split));
        assert!(open.holds(0) && open.holds(75));
        open.note(&batch(1, (0..50).collect(), BatchState::Settled));
        assert!(!open.holds(0) && open.holds(75));
    }
}
