//! Making a plan: the one pass over wanted and ledger.

use std::collections::BTreeSet;

use domain::id::RunId;
use futures::StreamExt;

use super::chosen::Chosen;
use super::diff::Differ;
use super::files::{LedgerCursor, damaged, note, open};
use super::left::Left;
use super::marks::Marks;
use super::others::Others;
use super::wanted::{WantedBatch, wanted};
use super::writers::{PlanNote, PlanWriter};
use super::{PlanRequest, PlanSummary, tags};
use crate::DataEngine;
use crate::error::Result;
use crate::store::{ledger_path, left_path, plan_path};

impl DataEngine {
    /// Makes the plan of a run and writes it to disk. Made again from the same inputs, it has the same bytes.
    ///
    /// Members are the profiles in any active segment. Each row to send has a payload
    /// `{"properties":{…},"targets":{…}}`, with sorted names, without the e-mail address, and without what is empty:
    /// texts as strings, a country as `{"code":"SE","name":"Sweden"}` (only the name where it is not recognised), a
    /// phone number in E.164, a day as `YYYY-MM-DD`, a gender as `"m"` or `"f"`; properties as numbers, truth values or
    /// strings, by the attribute's type, instants as RFC 3339 in UTC. Where segments are marked by properties, each of
    /// them is there, true or false.
    ///
    /// Errors: a rule that does not fit ([`DataError::Rule`](crate::DataError::Rule)), a mapping that names what is not
    /// there ([`DataError::UnknownAttribute`](crate::DataError::UnknownAttribute)), a snapshot, frozen segment or ledger
    /// that is not there ([`DataError::Missing`](crate::DataError::Missing)). Dropping the future cancels; nothing is
    /// left behind then.
    pub async fn make_plan(&self, request: PlanRequest) -> Result<PlanSummary> {
        let engine = self.clone();
        self.run(async move {
            let _turn = engine.turn().await?;
            make(&engine, &request).await
        })
        .await
    }

    /// The summary of a plan that is on disk; [`DataError::Missing`](crate::DataError::Missing) where there is none.
    pub async fn plan_summary(&self, run: RunId) -> Result<PlanSummary> {
        let engine = self.clone();
        self.run_blocking(move || Ok(note::<PlanNote>(&open(engine.store(), &plan_path(run))?)?.summary)).await
    }
}

async fn make(engine: &DataEngine, request: &PlanRequest) -> Result<PlanSummary> {
    let store = engine.store();
    let ledger = request.ledger.map(|run| ledger_path(request.export, run));
    let mut all_tags: BTreeSet<String> = LedgerCursor::tags_of(store, ledger.as_ref())?.into_iter().collect();
    all_tags.extend(request.segments.iter().map(|segment| segment.tag.clone()));
    let all_tags: Vec<String> = all_tags.into_iter().collect();
    let mut names: Vec<String> = Vec::new();
    for segment in request.segments.iter().filter(|segment| segment.is_active) {
        if !names.contains(&segment.tag) {
            names.push(segment.tag.clone());
        }
    }
    let mut frozen = vec![0; tags::width(all_tags.len())];
    for segment in request.segments.iter().filter(|s| !s.is_active && !names.contains(&s.tag)) {
        if let Some(place) = all_tags.iter().position(|tag| *tag == segment.tag) {
            tags::put(&mut frozen, place);
        }
    }
    let mut wanted = wanted(engine, request, &all_tags).await?;
    let cursor = LedgerCursor::open(store, ledger.as_ref(), &all_tags)?;
    let writer = PlanWriter::create(store, &plan_path(request.run), all_tags.len())?;
    let chosen = Chosen::new(store, request.only_of)?;
    let others = Others::open(store, request, &all_tags)?;
    let marks = Marks::new(&all_tags, &names);
    let left = Left::read(store, request.ledger.map(|run| left_path(request.export, run)).as_ref())?;
    let mut differ = Differ::new(cursor, writer, all_tags, frozen, chosen, others, marks, left);
    while let Some(batch) = wanted.next().await {
        let batch = batch?;
        let rows = WantedBatch::new(&batch).ok_or_else(|| damaged("a column"))?;
        for row in 0..batch.num_rows() {
            differ.push(rows.row(row))?;
        }
    }
    differ.finish(names)
}
