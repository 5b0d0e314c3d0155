//! Looking into a plan before it is carried out, or without its ever being carried out: some rows of each kind with what
//! was there before and what would be there after, and the rows that cannot be delivered.
//!
//! A ledger holds hashes, not values. What was there before is found in the plans of earlier runs, by address and hash:
//! the payload that was confirmed, or nothing where its plan is gone.

use std::collections::HashMap;

use domain::id::{ExportId, RunId};
use domain::run::RowReason;

use super::files::{LedgerCursor, bytes_column, note, open, text_column};
use super::rows::{PlanBatch, only, optional_text};
use super::writers::{PlanNote, PlanRow, plan};
use super::{TroubledRow, tags};
use crate::DataEngine;
use crate::error::Result;
use crate::store::{ledger_path, plan_path};

/// What a plan does about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sampled {
    /// Sent for the first time.
    Joiner,
    /// Sent because it changed.
    Changed,
    /// Not sent; only its tags change.
    TagsOnly,
    /// No member any more: loses its tags.
    Leaver,
}

/// A row of a plan, with what is known to be at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What happens.
    pub kind: Sampled,
    /// The profile's key; empty for a leaver.
    pub key: String,
    /// The address.
    pub email: String,
    /// The payload that was confirmed last, where it is still known.
    pub before: Option<String>,
    /// The payload that is sent, where one is.
    pub after: Option<String>,
    /// Tags that are added.
    pub added: Vec<String>,
    /// Tags that are taken away.
    pub removed: Vec<String>,
}

/// What is seen of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Rows of all kinds.
    pub samples: Vec<Sample>,
    /// Rows that cannot be delivered, by reason.
    pub reasons: Vec<(RowReason, u64)>,
    /// Some of those rows, of each reason.
    pub troubled: Vec<TroubledRow>,
}

/// What to look at.
#[derive(Debug, Clone)]
pub struct LookRequest {
    /// The run whose plan it is.
    pub run: RunId,
    /// Its export.
    pub export: ExportId,
    /// The ledger that the plan was made against.
    pub ledger: Option<RunId>,
    /// Earlier runs of the export, newest first, whose plans may hold what was there before.
    pub earlier: Vec<RunId>,
    /// Rows to show.
    pub rows: usize,
}

impl DataEngine {
    /// Looks into a plan. Errors: no such plan or ledger ([`DataError::Missing`](crate::DataError::Missing)).
    pub async fn look_into_plan(&self, request: LookRequest) -> Result<Look> {
        let engine = self.clone();
        self.run_blocking(move || look(&engine, &request)).await
    }
}

/// Of each reason, so many rows are shown.
const TROUBLED: usize = 5;

fn look(engine: &DataEngine, request: &LookRequest) -> Result<Look> {
    let path = plan_path(request.run);
    let mut seen = Look { reasons: reasons(engine, request.run)?, ..Look::default() };
    let file = open(engine.store(), &path)?;
    let names = note::<PlanNote>(&file)?.tags;
    let mut of_kind: HashMap<Sampled, Vec<Sample>> = HashMap::new();
    let mut of_reason: HashMap<RowReason, usize> = HashMap::new();
    for batch in file.build()? {
        let batch = batch?;
        let rows = PlanBatch::new(&batch)?;
        for at in 0..batch.num_rows() {
            let row = rows.row(at)?;
            if let Some(reason) = row.reason {
                let shown = of_reason.entry(reason).or_default();
                if *shown < TROUBLED {
                    *shown += 1;
                    let (key, email) = (row.key.unwrap_or_default().to_owned(), row.email.to_owned());
                    seen.troubled.push(TroubledRow { key, email, reason, detail: String::new() });
                }
                continue;
            }
            let of = of_kind.entry(kind(&row)).or_default();
            if of.len() < request.rows {
                of.push(sample(&row, &names));
            }
        }
        // What every kind has enough of needs no more reading; kinds that do not occur are read for to the end.
        let has_all = of_kind.len() == 4 && of_kind.values().all(|of| of.len() >= request.rows);
        if has_all {
            break;
        }
    }
    seen.samples = fair(of_kind, request.rows);
    find_before(engine, request, &mut seen.samples)?;
    Ok(seen)
}

fn kind(row: &PlanRow<'_>) -> Sampled {
    match (row.is_member, row.row.is_some(), row.in_ledger) {
        (false, ..) => Sampled::Leaver,
        (true, true, false) => Sampled::Joiner,
        (true, true, true) => Sampled::Changed,
        (true, false, _) => Sampled::TagsOnly,
    }
}

fn sample(row: &PlanRow<'_>, names: &[String]) -> Sample {
    let named = |set: &[u8]| tags::places(set).filter_map(|place| names.get(place).cloned()).collect();
    Sample {
        kind: kind(row),
        key: row.key.unwrap_or_default().to_owned(),
        email: row.email.to_owned(),
        before: None,
        after: row.payload.map(str::to_owned),
        added: named(row.add),
        removed: named(row.remove),
    }
}

/// So many rows in all, of each kind as many as of the others while there are some.
fn fair(mut of_kind: HashMap<Sampled, Vec<Sample>>, rows: usize) -> Vec<Sample> {
    const ORDER: [Sampled; 4] = [Sampled::Changed, Sampled::Leaver, Sampled::Joiner, Sampled::TagsOnly];
    let mut room = rows;
    let mut takes = [0_usize; 4];
    while room > 0 {
        let before = room;
        for (take, kind) in takes.iter_mut().zip(ORDER) {
            if room > 0 && of_kind.get(&kind).is_some_and(|of| of.len() > *take) {
                *take += 1;
                room -= 1;
            }
        }
        if room == before {
            break;
        }
    }
    let taken = ORDER.iter().zip(takes).flat_map(|(kind, take)| {
        let mut of = of_kind.remove(kind).unwrap_or_default();
        of.truncate(take);
        of
    });
    taken.collect()
}

fn reasons(engine: &DataEngine, run: RunId) -> Result<Vec<(RowReason, u64)>> {
    let mut counts = std::collections::BTreeMap::new();
    for batch in only(open(engine.store(), &plan_path(run))?, &[plan::REASON]).build()? {
        let batch = batch?;
        let column = text_column(&batch, plan::REASON)?;
        for reason in (0..batch.num_rows()).filter_map(|at| optional_text(column, at)).filter_map(RowReason::parse) {
            *counts.entry(reason).or_default() += 1;
        }
    }
    Ok(counts.into_iter().collect())
}

/// Fills in what was there before, of the rows that the ledger knows.
fn find_before(engine: &DataEngine, request: &LookRequest, samples: &mut [Sample]) -> Result<()> {
    let known = samples.iter().filter(|sample| sample.kind != Sampled::Joiner).map(|sample| sample.email.clone());
    let mut wanted: HashMap<String, Vec<u8>> = HashMap::new();
    let emails: std::collections::HashSet<String> = known.collect();
    if let Some(run) = request.ledger.filter(|_| !emails.is_empty()) {
        let path = ledger_path(request.export, run);
        let names = LedgerCursor::tags_of(engine.store(), Some(&path))?;
        let mut cursor = LedgerCursor::open(engine.store(), Some(&path), &names)?;
        while let Some(email) = cursor.email() {
            if emails.contains(email) {
                wanted.insert(email.to_owned(), cursor.hash().to_vec());
            }
            cursor.advance()?;
        }
    }
    let mut found: HashMap<String, String> = HashMap::new();
    for run in &request.earlier {
        if wanted.is_empty() {
            break;
        }
        payloads(engine, *run, &mut wanted, &mut found)?;
    }
    for sample in samples {
        sample.before = found.remove(&sample.email);
    }
    Ok(())
}

/// Moves what a plan knows from the wanted to the found; a plan that is gone knows nothing.
fn payloads(
    engine: &DataEngine,
    run: RunId,
    wanted: &mut HashMap<String, Vec<u8>>,
    found: &mut HashMap<String, String>,
) -> Result<()> {
    let Ok(file) = open(engine.store(), &plan_path(run)) else { return Ok(()) };
    for batch in only(file, &[plan::EMAIL, plan::PAYLOAD, plan::HASH]).build()? {
        let batch = batch?;
        let (emails, payloads) = (text_column(&batch, plan::EMAIL)?, text_column(&batch, plan::PAYLOAD)?);
        let hashes = bytes_column(&batch, plan::HASH)?;
        for at in 0..batch.num_rows() {
            let Some(payload) = optional_text(payloads, at) else { continue };
            let email = emails.value(at);
            if wanted.get(email).is_some_and(|hash| hash == hashes.value(at)) {
                wanted.remove(email);
                found.insert(email.to_owned(), payload.to_owned());
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    Ok(())
}
