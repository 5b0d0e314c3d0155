//! The segments of a file.

use std::collections::BTreeSet;

use domain::access;
use domain::id::SegmentId;
use domain::rule::{self, Rule};

use super::{Change, Planner};
use crate::services::segments::tags_to_try;

/// What to do with one segment.
#[derive(Debug)]
pub struct SegmentStep {
    /// Which one, if it is there.
    pub id: Option<SegmentId>,
    /// How it relates to what is there.
    pub change: Change,
    /// Its name.
    pub name: String,
    /// The tag that it has, or will get.
    pub tag: String,
    /// Its rule.
    pub rule: Rule,
    /// Is it to be active?
    pub is_active: bool,
    /// Is it to be a frozen list?
    pub is_static: bool,
}

impl Planner<'_> {
    pub(super) fn segments(&self, has_attributes: bool) -> Vec<SegmentStep> {
        let mut steps: Vec<SegmentStep> = Vec::new();
        for entry in &self.file.segments {
            let (line, entry) = (entry.line, &entry.value);
            if !access::may_edit_data(self.actor.role) {
                self.faults.add(line, format!("{} may not add or change segments", self.actor.email));
            }
            if has_attributes && self.attributes.is_empty() {
                self.faults.add(line, "there are no profiles yet: a segment needs a data source");
            } else if has_attributes {
                for fault in rule::faults(&entry.rule, &self.attributes) {
                    let at = entry.lines.get(&fault.path).copied().unwrap_or(line);
                    self.faults.add(at, format!("the rule of segment `{}`: {}", entry.name.value, fault.fault));
                }
            }
            let existing = self.state.segment(&entry.name.value);
            let name = entry.name.value.trim().to_owned();
            let change = match existing {
                None => Change::Add,
                Some(found)
                    if found.segment.name == name
                        && found.segment.is_active == entry.is_active
                        && found.segment.definition.is_static() == entry.is_static
                        && *found.segment.definition.rule() == entry.rule =>
                {
                    Change::Keep
                }
                Some(_) => Change::Alter,
            };
            let tag = existing.map_or_else(|| self.new_tag(&name, &steps), |found| found.segment.tag.clone());
            steps.push(SegmentStep {
                id: existing.map(|found| found.segment.id),
                change,
                name,
                tag,
                rule: entry.rule.clone(),
                is_active: entry.is_active,
                is_static: entry.is_static,
            });
        }
        steps
    }

    /// The tag that a new segment will get, after those that are there and those of the file before it.
    fn new_tag(&self, name: &str, earlier: &[SegmentStep]) -> String {
        let there = self.state.segments.iter().map(|one| &one.segment.tag);
        let taken: BTreeSet<&String> = there.chain(earlier.iter().map(|step| &step.tag)).collect();
        tags_to_try(name).find(|tag| !taken.contains(tag)).unwrap_or_default()
    }
}
