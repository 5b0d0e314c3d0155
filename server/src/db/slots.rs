//! The slots of schedules that have been dealt with. A slot is a run with `slot_at`: ran, or skipped with its reason;
//! the unique index over export and slot makes sure that there is one at most.

use std::collections::HashMap;

use domain::id::ExportId;

use super::{DbError, Tx, parse, sql};

/// The last slot of each export that has been dealt with.
pub async fn last_slots(tx: &mut Tx) -> Result<HashMap<ExportId, i64>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, i64),
        "select export_id, max(slot_at) from runs where slot_at is not null group by export_id",
    )?;
    rows.into_iter().map(|(id, slot)| Ok((parse("runs.export_id", &id)?, slot))).collect()
}
