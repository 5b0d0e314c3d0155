//! The exports of a file. They name connections and segments that the file adds, or that are there already.

use domain::access::{self, Actor};
use domain::destination::{DestinationCard, DestinationKind};
use domain::id::{ExportId, SegmentId};
use domain::mapping::{Field, Mapping, MappingFault};
use domain::marking::Marking;
use domain::safety::Safety;
use domain::schedule::Schedule;

use super::{Change, Planner, SegmentStep, same_name};
use crate::cli::apply::file::ExportEntry;
use crate::db::exports::StoredExport;

/// What to do with one export.
#[derive(Debug)]
pub struct ExportStep {
    /// Which one, if it is there, with the version that was compared.
    pub existing: Option<(ExportId, i64)>,
    /// What keeps it from doing harm.
    pub safety: Safety,
    /// How it relates to what is there.
    pub change: Change,
    /// Its name.
    pub name: String,
    /// The name of its connection.
    pub connection: Option<String>,
    /// The names of its segments.
    pub segments: Vec<String>,
    /// Its data matching.
    pub mapping: Mapping,
    /// Its schedule.
    pub schedule: Schedule,
    /// How members are marked; as it is where the file does not speak of it.
    pub marking: Marking,
}

impl Planner<'_> {
    pub(super) fn exports(&self, has_attributes: bool, segments: &[SegmentStep]) -> Vec<ExportStep> {
        let mut steps = Vec::new();
        for entry in &self.file.exports {
            let (line, entry) = (entry.line, &entry.value);
            let existing =
                self.state.exports.iter().find(|one| same_name(&one.export.settings.name, &entry.name.value));
            self.export_rights(line, entry, existing);
            let cards = self.cards(line, entry);
            if let (Some(cards), true) = (&cards, has_attributes) {
                self.matching(line, entry, cards);
            }
            self.segments_of(line, entry);
            self.status(entry, has_attributes);
            let marking = entry.marking.as_ref().map(|marking| marking.value);
            let step = ExportStep {
                existing: existing.map(|one| (one.export.id, one.export.version)),
                change: Change::Add,
                name: entry.name.value.trim().to_owned(),
                connection: entry.connection.as_ref().map(|name| name.value.clone()),
                segments: entry.segments.iter().map(|name| name.value.clone()).collect(),
                mapping: entry.mapping.clone(),
                schedule: entry.schedule.clone(),
                safety: entry.safety.over(&existing.map(|one| one.export.settings.safety.clone()).unwrap_or_default()),
                marking: marking.or(existing.map(|one| one.export.settings.marking)).unwrap_or_default(),
            };
            if let Some(cards) = &cards {
                self.marking(line, entry, &step, cards, segments);
            }
            let change = match existing {
                None => Change::Add,
                Some(found) if self.is_same(&step, found) => Change::Keep,
                Some(_) => Change::Alter,
            };
            steps.push(ExportStep { change, ..step });
        }
        steps
    }

    /// May this person add the export, or change the one that is there?
    fn export_rights(&self, line: usize, entry: &ExportEntry, existing: Option<&StoredExport>) {
        let role = self.actor.role;
        let may = match existing {
            None => access::may_add_export(role),
            Some(found) => {
                let connection = found.export.settings.connection;
                let connection = self.state.connections.iter().find(|one| Some(one.id) == connection);
                access::may_edit_export(role, connection.map(|one| one.audience))
            }
        };
        if !may {
            let what = format!("{} may not add or change export `{}`", self.actor.email, entry.name.value);
            self.faults.add(line, what);
        }
    }

    /// The card of the destination of the export's connection, and those of all destinations while it has none. None
    /// where there is no such connection for this person.
    fn cards(&self, line: usize, entry: &ExportEntry) -> Option<Vec<DestinationCard>> {
        let Actor { role, email, .. } = self.actor;
        let Some(name) = &entry.connection else {
            if !access::may_edit_export(*role, None) {
                self.faults.add(line, format!("{email} may not have an export without a `connection`"));
            }
            return Some(self.desk.destinations.cards());
        };
        let in_file = self.file.connections.iter().find(|one| same_name(&one.value.name.value, &name.value));
        let found = match (in_file, self.state.connection(&name.value)) {
            (Some(one), _) => Some((DestinationKind(one.value.kind.value.clone()), one.value.audience)),
            (None, found) => found.map(|one| (one.kind.clone(), one.audience)),
        };
        let usable = found.filter(|(_, audience)| access::may_use_connection(*role, *audience));
        let Some((kind, _)) = usable else {
            self.faults.add(name.line, format!("there is no connection `{}` that {email} may use", name.value));
            return None;
        };
        Some(vec![self.desk.destinations.find(&kind)?.card()])
    }

    fn matching(&self, line: usize, entry: &ExportEntry, cards: &[DestinationCard]) {
        for fault in entry.mapping.fewest_faults(cards, &self.attributes) {
            let is_at_fault = |field: &Field, attribute: &str| match &fault {
                MappingFault::Required(_) => false,
                MappingFault::UnknownAttribute(name) => attribute == name,
                MappingFault::Twice(name) | MappingFault::UnknownField(name) | MappingFault::PropertyName(name) => {
                    matches!(field, Field::Target(own) | Field::Property(own) if own == name)
                }
            };
            let mut pairs = entry.mapping.matches.iter().zip(&entry.mapping_lines);
            // Of two that are the same, the second is the one too many.
            let own = pairs.rfind(|(pair, _)| is_at_fault(&pair.field, &pair.attribute));
            self.faults.add(
                own.map_or(line, |(_, line)| *line),
                format!("the data matching of export `{}`: {fault}", entry.name.value),
            );
        }
    }

    fn status(&self, entry: &ExportEntry, has_attributes: bool) {
        let Some(status) = &entry.safety.status else { return };
        if !access::may_choose_status(self.actor.role) {
            self.faults.add(status.line, format!("{} may not choose a subscription status", self.actor.email));
        }
        if let Some(rule) = &status.value
            && has_attributes
            && !rule.fits(&self.attributes)
        {
            let what =
                format!("`{}` is no attribute that may hold the time of an opt-in: text, date or time", rule.opt_in);
            self.faults.add(status.line, what);
        }
    }

    fn segments_of(&self, line: usize, entry: &ExportEntry) {
        if entry.segments.is_empty() {
            self.faults.add(line, format!("export `{}` needs `segments`, at least one", entry.name.value));
        }
        for (index, name) in entry.segments.iter().enumerate() {
            let in_file = self.file.segments.iter().any(|one| same_name(&one.value.name.value, &name.value));
            if !in_file && self.state.segment(&name.value).is_none() {
                self.faults.add(name.line, format!("there is no segment `{}`", name.value));
            }
            if entry.segments.iter().take(index).any(|earlier| same_name(&earlier.value, &name.value)) {
                self.faults.add(name.line, format!("segment `{}` is named twice", name.value));
            }
        }
    }

    /// Custom properties have to tell the segments apart, and leave alone what the data matching sends.
    fn marking(
        &self,
        line: usize,
        entry: &ExportEntry,
        step: &ExportStep,
        cards: &[DestinationCard],
        segments: &[SegmentStep],
    ) {
        let line = entry.marking.as_ref().map_or(line, |marking| marking.line);
        if !step.marking.is_taken_by(cards) {
            self.faults.add(line, format!("the destination of export `{}` takes no custom properties", step.name));
        }
        let tag_of = |name: &String| {
            let in_file = segments.iter().find(|one| same_name(&one.name, name)).map(|one| one.tag.as_str());
            in_file.or_else(|| self.state.segment(name).map(|one| one.segment.tag.as_str()))
        };
        let tags: Vec<&str> = step.segments.iter().filter_map(tag_of).collect();
        if !step.marking.is_clear(&tags, &step.mapping) {
            let what = "two of its segments give the same custom property, or one that its data matching sends";
            self.faults.add(line, format!("the marking of export `{}`: {what}", step.name));
        }
    }

    fn is_same(&self, step: &ExportStep, found: &StoredExport) -> bool {
        let settings = &found.export.settings;
        let connection = step.connection.as_ref().map(|name| self.state.connection(name).map(|one| one.id));
        let segments: Option<Vec<SegmentId>> =
            step.segments.iter().map(|name| self.state.segment(name).map(|one| one.segment.id)).collect();
        settings.name == step.name
            && connection == settings.connection.map(Some)
            && segments.as_ref() == Some(&settings.segments)
            && settings.mapping == step.mapping
            && settings.schedule == step.schedule
            && settings.safety == step.safety
            && settings.marking == step.marking
    }
}
