//! The editor's form as a value. It travels in the address while rows are added and removed, so that the editor needs
//! no script, and in the body when it is saved.

use domain::attribute::Attribute;
use domain::destination::DestinationCard;
use domain::export::ExportSettings;
use domain::mapping::{self, Field, Mapping, Match};
use domain::marking::Marking;
use domain::schedule::Schedule;
use serde::{Deserialize, Serialize};

use super::safety::SafetyForm;
use crate::error::AppError;
use crate::ui::schedule::ScheduleForm;

/// What people enter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportForm {
    /// The name.
    pub name: String,
    /// The connection's id; empty is none.
    pub connection: String,
    /// The data matching, row by row.
    pub rows: Vec<MatchRow>,
    /// The ids of the chosen segments.
    pub segments: Vec<String>,
    /// When it runs by itself.
    pub schedule: ScheduleForm,
    /// What keeps it from doing harm.
    pub safety: SafetyForm,
    /// How members are marked; empty means by tags.
    pub marking: String,
    /// The version that the form was opened with.
    pub version: i64,
}

/// One row of the data matching.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MatchRow {
    /// A target's name; empty for a custom property.
    pub target: String,
    /// The custom property's name.
    pub property: String,
    /// The attribute that feeds it; empty while none is chosen.
    pub attribute: String,
}

impl MatchRow {
    /// A row for a target, or for a custom property when the name is empty.
    pub fn for_target(target: &str) -> Self {
        Self { target: target.to_owned(), ..Self::default() }
    }
}

impl ExportForm {
    /// The form of saved settings.
    pub fn of(settings: &ExportSettings, version: i64) -> Self {
        let rows = settings.mapping.matches.iter().map(|one| {
            let (target, property) = match &one.field {
                Field::Target(name) => (name.clone(), String::new()),
                Field::Property(name) => (String::new(), name.clone()),
            };
            MatchRow { target, property, attribute: one.attribute.clone() }
        });
        Self {
            name: settings.name.clone(),
            connection: settings.connection.map(|id| id.to_string()).unwrap_or_default(),
            rows: rows.collect(),
            segments: settings.segments.iter().map(ToString::to_string).collect(),
            schedule: ScheduleForm::of(&settings.schedule),
            safety: SafetyForm::of(&settings.safety),
            marking: settings.marking.as_str().to_owned(),
            version,
        }
    }

    /// The settings that the form means. Only what cannot be expressed is refused here; the services judge the rest.
    pub fn settings(&self) -> Result<ExportSettings, AppError> {
        let mut faults = Vec::new();
        let schedule = self.schedule.schedule().unwrap_or_else(|wrong| {
            faults.extend(wrong);
            Schedule::Off
        });
        let safety = self.safety.settings(&mut faults);
        let segments = self.segments.iter().filter_map(|id| id.parse().ok()).collect();
        let matches = self.rows.iter().map(|row| {
            let field = if row.target.is_empty() {
                Field::Property(row.property.trim().to_owned())
            } else {
                Field::Target(row.target.clone())
            };
            Match { field, attribute: row.attribute.clone() }
        });
        let settings = ExportSettings {
            name: self.name.trim().to_owned(),
            connection: self.connection.parse().ok(),
            mapping: Mapping { matches: matches.collect() },
            segments,
            schedule,
            safety,
            marking: Marking::parse(&self.marking).unwrap_or_default(),
        };
        if faults.is_empty() { Ok(settings) } else { Err(AppError::Fields(faults)) }
    }

    /// Adds a row for a target, with the attribute that suggests itself where no other row has it; for a custom property
    /// when the name is empty.
    pub fn add_row(&mut self, target: &str, card: &DestinationCard, attributes: &[Attribute]) {
        let attributes: Vec<Attribute> =
            attributes.iter().filter(|one| !self.rows.iter().any(|row| row.attribute == one.name)).cloned().collect();
        let suggested = mapping::suggest(card, &attributes).attribute_of(target).unwrap_or_default().to_owned();
        self.rows.push(MatchRow { attribute: suggested, ..MatchRow::for_target(target) });
    }

    /// Takes out the row at a place, where there is one.
    pub fn remove_row(&mut self, index: usize) {
        if index < self.rows.len() {
            self.rows.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::attribute::AttributeType;
    use domain::destination::{DestinationKind, Target, TargetKind};
    use domain::safety::Safety;

    use super::*;
    use crate::error::{FieldFault, FieldFaultKind};

    fn filled() -> ExportForm {
        ExportForm {
            name: "Spring & summer".to_owned(),
            connection: "018f2f3c-7d1a-7000-8000-000000000001".to_owned(),
            rows: vec![
                MatchRow { target: "email".to_owned(), property: String::new(), attribute: "E-mail".to_owned() },
                MatchRow { target: String::new(), property: "points".to_owned(), attribute: "Points".to_owned() },
            ],
            segments: vec!["018f2f3c-7d1a-7000-8000-000000000002".to_owned()],
            schedule: ScheduleForm::of(&Schedule::daily(jiff::civil::time(6, 30, 0, 0), "Europe/Bucharest".to_owned())),
            safety: SafetyForm {
                brake: "on".to_owned(),
                leave_percent: "25".to_owned(),
                join_percent: "80".to_owned(),
                status: "subscribed".to_owned(),
                opt_in: "Opted in".to_owned(),
            },
            marking: "properties".to_owned(),
            version: 3,
        }
    }

    #[test]
    fn a_form_comes_back_from_the_settings_that_it_means() {
        let settings = filled().settings().expect("a complete form");
        assert_eq!(ExportForm::of(&settings, 3), filled());
    }

    #[test]
    fn a_form_survives_the_address() {
        let text = serde_qs::to_string(&filled()).expect("a query");
        let back: ExportForm = serde_qs::Config::new(6, false).deserialize_str(&text).expect("the form");
        assert_eq!(back, filled());
    }

    #[test]
    fn a_browser_s_encoding_of_the_brackets_is_understood() {
        let text =
            "name=A&segments%5B%5D=x&segments%5B%5D=y&rows%5B2%5D%5Btarget%5D=email&rows%5B2%5D%5Battribute%5D=mail";
        let back: ExportForm = serde_qs::Config::new(6, false).deserialize_str(text).expect("the form");
        assert_eq!(back.segments, ["x", "y"]);
        assert_eq!(back.rows.len(), 1);
        assert_eq!(back.rows[0].attribute, "mail");
    }

    #[test]
    fn what_is_not_said_about_safety_is_as_it_is_by_default() {
        let form = ExportForm { safety: SafetyForm::default(), ..filled() };
        assert_eq!(form.settings().expect("a complete form").safety, Safety::default());
    }

    #[test]
    fn an_added_row_has_the_attribute_that_suggests_itself_and_feeds_no_other() {
        let target = |name: &str, suggestions: &[&str]| Target {
            name: name.to_owned(),
            required: false,
            kind: TargetKind::Text,
            suggestions: suggestions.iter().map(|one| (*one).to_owned()).collect(),
        };
        let card = DestinationCard {
            kind: DestinationKind("post".to_owned()),
            name: "Post".to_owned(),
            targets: vec![target("city", &["city", "town"]), target("first_name", &["firstname"])],
            takes_custom_properties: true,
            key_help_url: String::new(),
        };
        let attributes =
            ["City", "Town", "Points"].map(|name| Attribute { name: name.to_owned(), kind: AttributeType::Text });
        let mut form = ExportForm::default();
        for target in ["city", "city", "city", "first_name", ""] {
            form.add_row(target, &card, &attributes);
        }
        let added: Vec<&str> = form.rows.iter().map(|row| row.attribute.as_str()).collect();
        assert_eq!(added, ["City", "Town", "", "", ""]);
    }

    #[test]
    fn a_threshold_is_a_number() {
        let safety = SafetyForm { leave_percent: "a third".to_owned(), ..SafetyForm::default() };
        let fault = FieldFault { field: "leave_percent".to_owned(), fault: FieldFaultKind::Invalid };
        assert_eq!(ExportForm { safety, ..filled() }.settings(), Err(AppError::Fields(vec![fault])));
    }
}
