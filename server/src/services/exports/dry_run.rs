//! Dry runs: what the next run of an export would do, in the words of the screens. The plan is made by the engine.

use std::collections::BTreeMap;

use app::error::AppError;
use app::services::{Answer, DryKind, DryRow, DryRun, FieldChange};
use domain::access::Actor;
use domain::id::ExportId;
use domain::marking::{self, property_of};
use ferry_data::plan::{Sample, Sampled};
use serde_json::Value;

use super::{ExportsService, editable, may_build};
use crate::engine::dry_run::{self, Dry};
use crate::services::{data_error, internal};

impl ExportsService {
    /// What the next run of an export would do. Sends nothing, and leaves nothing behind.
    pub(super) async fn try_run(&self, actor: &Actor, id: ExportId) -> Answer<DryRun> {
        may_build(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        editable(&mut tx, actor, id).await?;
        drop(tx);
        let _one_at_a_time = self.dry_runs.lock().await;
        let tools = dry_run::Tools {
            db: self.db.clone(),
            data: self.data.clone(),
            destinations: self.destinations.clone(),
            clock: self.clock.clone(),
            pace: self.pace,
        };
        // A task of its own: somebody who does not wait for the answer leaves no files behind.
        let made = tokio::spawn(async move { dry_run::make(&tools, id).await }).await.map_err(internal)?;
        match made {
            Ok(Ok(dry)) => Ok(in_words(dry)),
            Ok(Err(reason)) => Err(AppError::NotReady(reason)),
            Err(dry_run::DryRunError::Data(error)) => Err(data_error(error)),
            Err(error) => Err(internal(error)),
        }
    }
}

fn in_words(dry: Dry) -> DryRun {
    let summary = dry.summary;
    DryRun {
        snapshot: dry.snapshot,
        lost_ledger: dry.lost_ledger,
        members: summary.members,
        joiners: summary.new_contacts.saturating_sub(summary.returned),
        returned: summary.returned,
        changed: summary.to_send.saturating_sub(summary.new_contacts),
        statuses: summary.statuses,
        unchanged: summary.unchanged,
        leavers: summary.leavers,
        rejected: summary.rejected,
        held: summary.held,
        left_out: summary.left_out_values,
        tags_added: summary.tags_to_add,
        tags_removed: summary.tags_to_remove,
        estimate: dry.estimate,
        surprises: dry.surprises,
        rows: dry.look.samples.into_iter().map(row).collect(),
        reasons: dry.look.reasons,
        troubled: dry.look.troubled.into_iter().map(super::runs::row).collect(),
    }
}

fn row(sample: Sample) -> DryRow {
    let kind = match sample.kind {
        Sampled::Joiner => DryKind::Joiner,
        Sampled::Changed => DryKind::Changed,
        Sampled::TagsOnly => DryKind::TagsOnly,
        Sampled::Leaver => DryKind::Leaver,
    };
    let changes = match &sample.after {
        Some(after) => changes(&fields(sample.before.as_deref()), &fields(Some(after))),
        None => Vec::new(),
    };
    // What goes with the contact stands among its fields.
    let is_sent = sample.after.is_some();
    let shown = |marks: Vec<String>, is_given: bool| -> Vec<String> {
        let alone = marks.iter().filter(|mark| !is_sent || property_of(mark).is_none());
        alone.map(|mark| marking::in_words(mark, is_given)).collect()
    };
    let Sample { key, email, added, removed, .. } = sample;
    let (tags_added, tags_removed) = (shown(added, true), shown(removed, false));
    DryRow { kind, key, email, changes, tags_added, tags_removed }
}

/// The fields that differ, by name.
fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<FieldChange> {
    let text = |of: &BTreeMap<String, String>, name: &str| of.get(name).cloned().unwrap_or_default();
    // A field without a value is not sent: what stands at the destination stays.
    let differing = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    differing
        .map(|(name, value)| FieldChange { field: name.clone(), before: text(before, name), after: value.clone() })
        .collect()
}

/// Targets and properties of a payload by name, as text.
fn fields(payload: Option<&str>) -> BTreeMap<String, String> {
    let payload: Value = payload.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut all = BTreeMap::new();
    for part in ["targets", "properties"] {
        for (name, value) in payload.get(part).and_then(Value::as_object).into_iter().flatten() {
            let text = match value {
                Value::String(text) => text.clone(),
                // A country: its name says it.
                Value::Object(both) => both.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
                other => other.to_string(),
            };
            all.insert(name.clone(), text);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let before = r#"{"properties":{"points":7},"targets":{"city":"Vic","country":{"code":"ES","name":"Spain"}}}"#;
        let after = r#"{"properties":{"points":8},"targets":{"country":{"code":"ES","name":"Spain"},"phone":"+34"}}"#;
        let found = changes(&fields(Some(before)), &fields(Some(after)));
        let change = |field: &str, before: &str, after: &str| FieldChange {
            field: field.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        assert_eq!(found, [change("phone", "", "+34"), change("points", "7", "8")]);
    }

    #[test]
    fn a_new_contact_has_all_its_fields() {
        let after = r#"{"properties":{},"targets":{"city":"Vic","first_name":"Ana"}}"#;
        assert_eq!(changes(&fields(None), &fields(Some(after))).len(), 2);
    }
}
