//! The plan of a run that asks what became of rows of an earlier one: those rows as they stand in the earlier plan.

use std::ops::Range;

use domain::id::RunId;

use super::close::set_of;
use super::files::{note, open};
use super::marks::are_properties;
use super::rows::PlanBatch;
use super::writers::{PlanNote, PlanRow, PlanWriter};
use super::{PlanSummary, tags};
use crate::DataEngine;
use crate::error::Result;
use crate::store::plan_path;

impl DataEngine {
    /// Makes the plan `run` of some rows of the plan `of`. They keep their numbers, which need not follow each other,
    /// and contacts that were new keep the tags that they were to get. Made again, it has the same bytes.
    ///
    /// Errors: the earlier plan is gone ([`DataError::Missing`](crate::DataError::Missing)).
    pub async fn narrow_plan(&self, run: RunId, of: RunId, rows: Vec<Range<u64>>) -> Result<PlanSummary> {
        let engine = self.clone();
        self.run_blocking(move || narrow(&engine, run, of, rows)).await
    }
}

fn narrow(engine: &DataEngine, run: RunId, of: RunId, wanted: Vec<Range<u64>>) -> Result<PlanSummary> {
    let store = engine.store();
    let file = open(store, &plan_path(of))?;
    let earlier: PlanNote = note(&file)?;
    let wanted = set_of(wanted);
    let mut writer = PlanWriter::create(store, &plan_path(run), earlier.tags.len())?;
    let none = vec![0; tags::width(earlier.tags.len())];
    let mut properties = none.clone();
    for (place, _) in are_properties(&earlier.tags).into_iter().enumerate().filter(|(_, is_one)| *is_one) {
        tags::put(&mut properties, place);
    }
    let (mut add, mut remove) = (none.clone(), none);
    let mut summary = PlanSummary { tags: earlier.summary.tags, ..PlanSummary::default() };
    for batch in file.build()? {
        let batch = batch?;
        let rows = PlanBatch::new(&batch)?;
        for at in 0..batch.num_rows() {
            let row = rows.row(at)?;
            if !row.row.is_some_and(|number| wanted.contains(&number)) {
                continue;
            }
            summary.members += 1;
            summary.to_send += 1;
            summary.new_contacts += u64::from(!row.in_ledger);
            // Whoever stood there already had their tags changed whatever became of the row; properties go with it.
            add.copy_from_slice(row.add);
            remove.copy_from_slice(row.remove);
            if row.in_ledger {
                tags::keep(&mut add, &properties);
            }
            tags::keep(&mut remove, &properties);
            writer.push(PlanRow { add: &add, remove: &remove, ..row })?;
        }
    }
    writer.finish(summary, earlier.tags)
}
