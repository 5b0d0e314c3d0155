//! What became of the rows of a batch, from what the destination says of its items. Pure.

use std::collections::HashMap;

use crate::destinations::{ItemOutcome, ItemReport, Stage};

/// The rows of a batch by their outcome.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Rows that were taken.
    pub(super) accepted: u64,
    /// Rows that were refused, with what was said.
    pub(super) refused: Vec<(u64, String)>,
    /// Rows that are to be sent again.
    pub(super) again: Vec<u64>,
}

/// Judges the rows of a batch.
///
/// A row without a report was taken if the batch is finished and every error that was counted is accounted for by
/// another row; otherwise nobody knows, and it is sent again, which is harmless.
pub(super) fn judge(rows: &[(u64, String)], reports: &[ItemReport], stage: Stage, errors: u64) -> Judged {
    let mut by_email: HashMap<String, &ItemOutcome> = HashMap::with_capacity(reports.len());
    for report in reports {
        if let Some(email) = &report.email {
            by_email.entry(email.to_lowercase()).or_insert(&report.outcome);
        }
    }
    let explained = rows
        .iter()
        .filter(|(_, email)| by_email.get(&email.to_lowercase()).is_some_and(|outcome| **outcome != ItemOutcome::Taken))
        .count();
    let is_complete = stage == Stage::Finished && explained as u64 >= errors;
    let mut judged = Judged::default();
    for (row, email) in rows {
        match by_email.get(&email.to_lowercase()) {
            Some(ItemOutcome::Taken) => judged.accepted += 1,
            Some(ItemOutcome::Later) => judged.again.push(*row),
            Some(ItemOutcome::Refused(detail)) => judged.refused.push((*row, detail.clone())),
            None if is_complete => judged.accepted += 1,
            None => judged.again.push(*row),
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(email: &str, outcome: ItemOutcome) -> ItemReport {
        ItemReport { email: (!email.is_empty()).then(|| email.to_owned()), outcome }
    }

    fn rows() -> Vec<(u64, String)> {
        ["a", "b", "c", "d"].iter().zip(10..).map(|(email, row)| (row, (*email).to_owned())).collect()
    }

    #[test]
    fn one_bad_row_costs_one_row() {
        let reports = [report("B", ItemOutcome::Refused("no".to_owned())), report("c", ItemOutcome::Later)];
        let judged = judge(&rows(), &reports, Stage::Finished, 2);
        assert_eq!(judged, Judged { accepted: 2, refused: vec![(11, "no".to_owned())], again: vec![12] });
    }

    #[test]
    fn what_a_stopped_batch_did_not_reach_is_sent_again() {
        let reports = [report("a", ItemOutcome::Taken), report("b", ItemOutcome::Refused("no".to_owned()))];
        let judged = judge(&rows(), &reports, Stage::Stopped, 1);
        assert_eq!((judged.accepted, judged.refused.len(), judged.again), (1, 1, vec![12, 13]));
    }

    #[test]
    fn errors_that_name_nobody_leave_every_silent_row_open() {
        let reports = [report("", ItemOutcome::Refused("who".to_owned())), report("a", ItemOutcome::Taken)];
        let judged = judge(&rows(), &reports, Stage::Finished, 1);
        assert_eq!((judged.accepted, judged.refused.len(), judged.again), (1, 0, vec![11, 12, 13]));
    }
}
