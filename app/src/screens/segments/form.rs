//! The editor's form as text, its way to a rule and back, and what a rule gives on the newest snapshot.

use domain::attribute::Attribute;
use domain::id::SegmentId;
use domain::rule::{self, Arity, Condition, Group, Item, Join, Operator, Rule};
use domain::segment::Segment;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::live::live_members::Tried;
use crate::request::{answer, lang, see_other, services, visit};
use crate::services::{Answer, Note};
use crate::texts::text;
use crate::ui::number;
use crate::{request, routes};

/// What the address of the editor carries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The form as it was typed.
    pub form: SegmentForm,
}

/// The form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SegmentForm {
    /// The segment that is being changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentId>,
    /// The display name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `all` or `any`; empty when the form keeps a rule that it cannot show.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub join: String,
    /// The zone of days and times of day.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// The conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionForm>,
    /// The button: `add`, `remove-0`, `update`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub change: String,
}

/// One condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConditionForm {
    /// The attribute.
    pub attribute: String,
    /// The operator by name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator: String,
    /// The first operand.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub first: String,
    /// The second operand.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub second: String,
    /// Operands, one a line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lines: String,
    /// Operands that were ticked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ticked: Vec<String>,
    /// Filled when ticked.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ignore_case: String,
}

/// The operator of that name.
pub fn operator_named(name: &str) -> Option<Operator> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// The name of an operator.
pub fn operator_name(operator: Operator) -> String {
    serde_json::to_value(operator).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Are its operands ticked from a short list?
pub fn is_ticked(operator: Operator) -> bool {
    matches!(operator, Operator::MonthOf | Operator::DayOfWeek)
}

impl ConditionForm {
    /// The form of a condition.
    pub fn of(condition: &Condition) -> Self {
        let values = &condition.values;
        let mut form = Self {
            attribute: condition.attribute.clone(),
            operator: operator_name(condition.operator),
            ignore_case: if condition.ignore_case { "1".to_owned() } else { String::new() },
            ..Self::default()
        };
        match condition.operator.arity() {
            _ if is_ticked(condition.operator) => form.ticked.clone_from(values),
            Arity::Many => form.lines = values.join("\n"),
            _ => {
                form.first = values.first().cloned().unwrap_or_default();
                form.second = values.get(1).cloned().unwrap_or_default();
            }
        }
        form
    }

    /// The operator, or the first that fits the attribute.
    pub fn operator_for(&self, attribute: &Attribute) -> Operator {
        operator_named(&self.operator)
            .filter(|one| one.fits(attribute.kind))
            .unwrap_or_else(|| rule::operators_for(attribute.kind).next().unwrap_or(Operator::IsNotEmpty))
    }

    /// The condition.
    fn condition(&self) -> Condition {
        let operator = operator_named(&self.operator).unwrap_or(Operator::IsNotEmpty);
        let lines = || self.lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let values = match operator.arity() {
            Arity::None => Vec::new(),
            Arity::One => given(&self.first).into_iter().collect(),
            Arity::Two => [given(&self.first), given(&self.second)].into_iter().flatten().collect(),
            Arity::Many if is_ticked(operator) => self.ticked.clone(),
            Arity::Many => lines(),
        };
        Condition { attribute: self.attribute.clone(), operator, values, ignore_case: !self.ignore_case.is_empty() }
    }
}

impl SegmentForm {
    /// The form of a segment; the rule stays out where it has nested groups.
    pub fn of(segment: &Segment) -> Self {
        let rule = segment.definition.rule();
        let shown = rule.root.items.iter().map(|item| match item {
            Item::Condition(condition) => Some(ConditionForm::of(condition)),
            Item::Group(_) => None,
        });
        let flat: Option<Vec<ConditionForm>> = shown.collect();
        let join = match rule.root.join {
            Join::All => "all",
            Join::Any => "any",
        };
        Self {
            segment: Some(segment.id),
            name: segment.name.clone(),
            join: if flat.is_some() { join.to_owned() } else { String::new() },
            time_zone: rule.time_zone.clone(),
            conditions: flat.unwrap_or_default(),
            change: String::new(),
        }
    }

    /// Does the form leave the rule as it is, because it could not show it?
    pub fn keeps_rule(&self) -> bool {
        self.join.is_empty()
    }

    /// The rule that the form describes.
    pub fn rule(&self) -> Rule {
        let items = self.conditions.iter().map(|one| Item::Condition(one.condition())).collect();
        let join = if self.join == "any" { Join::Any } else { Join::All };
        let time_zone = if self.time_zone.is_empty() { "UTC".to_owned() } else { self.time_zone.clone() };
        Rule { time_zone, root: Group { join, items } }
    }

    /// Does what the pressed button says.
    pub fn changed(mut self, attributes: &[Attribute]) -> Self {
        if self.change == "add" {
            let first = attributes.first().map(|a| a.name.clone()).unwrap_or_default();
            self.conditions.push(ConditionForm { attribute: first, ..ConditionForm::default() });
        }
        let removed = self.change.strip_prefix("remove-").and_then(|index| index.parse::<usize>().ok());
        if let Some(index) = removed.filter(|index| *index < self.conditions.len()) {
            self.conditions.remove(index);
        }
        self.change.clear();
        self
    }
}

/// Ends an action on a saved segment: back to its page.
pub async fn back_to(id: SegmentId, result: Answer<()>) -> Answer<()> {
    let result = match result {
        Ok(()) => visit()?.leave_note(Note::Saved).await,
        Err(error) => Err(error),
    };
    if result.is_ok() {
        see_other(&routes::segment(id));
    }
    answer(result, || routes::segment(id))
}

/// The rule of a form as the browser encodes it.
pub fn rule_of(encoded: &str) -> Answer<Rule> {
    let asked: Asked = serde_qs::Config::new(6, false)
        .deserialize_str(encoded)
        .map_err(|_| AppError::Internal("arguments".to_owned()))?;
    Ok(asked.form.rule())
}

/// What a rule gives: a sentence and the first members; neither while something in it is wrong or missing.
pub async fn tried(rule: &Rule) -> Answer<Tried> {
    let language = lang();
    let (actor, services) = (request::actor()?, services()?);
    let attributes = services.sources.attributes(&actor).await?;
    // Without attributes there are no profiles yet.
    if attributes.is_empty() || !rule::faults(rule, &attributes).is_empty() {
        return Ok(Tried { sentence: String::new(), columns: Vec::new(), rows: Vec::new() });
    }
    let found = services.segments.try_rule(&actor, rule).await?;
    let sentence = text!(
        language,
        segments.counted,
        members = number(language, found.members),
        profiles = number(language, found.profiles),
        share = crate::ui::percent(found.members, found.profiles)
    );
    Ok(Tried { sentence, columns: found.attributes.into_iter().map(|a| a.name).collect(), rows: found.rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_rule_comes_back_from_its_form_as_it_was() {
        let condition = |operator, values: &[&str]| {
            Item::Condition(Condition {
                attribute: "City".to_owned(),
                operator,
                values: values.iter().map(|v| (*v).to_owned()).collect(),
                ignore_case: true,
            })
        };
        let items = vec![
            condition(Operator::IsIn, &["Girona", "Vic"]),
            condition(Operator::IsBetween, &["1", "2"]),
            condition(Operator::MonthOf, &["1", "12"]),
            condition(Operator::IsEmpty, &[]),
        ];
        let rule = Rule { time_zone: "Europe/Madrid".to_owned(), root: Group { join: Join::Any, items } };
        let segment = Segment {
            id: SegmentId(uuid::Uuid::nil()),
            name: "Near".to_owned(),
            definition: domain::segment::Definition::Dynamic { rule: rule.clone() },
            is_active: true,
            tag: "ferry:near".to_owned(),
        };
        let form = SegmentForm::of(&segment);
        assert_eq!(form.rule(), rule);
        let query = serde_qs::to_string(&Asked { form: form.clone() }).expect("a query");
        let read: Asked = serde_qs::from_str(&query).expect("the form");
        assert_eq!(read.form, form);
    }

    #[test]
    fn a_rule_with_groups_is_kept_out_of_the_form() {
        let inner = Item::Group(Group { join: Join::Any, items: Vec::new() });
        let rule = Rule { time_zone: "UTC".to_owned(), root: Group { join: Join::All, items: vec![inner] } };
        let segment = Segment {
            id: SegmentId(uuid::Uuid::nil()),
            name: "Deep".to_owned(),
            definition: domain::segment::Definition::Dynamic { rule },
            is_active: true,
            tag: "ferry:deep".to_owned(),
        };
        assert!(SegmentForm::of(&segment).keeps_rule());
    }
}
