//! Rules against the real engine: a table of single conditions, random rules beside a second, plain evaluator, and the
//! calls of the engine.

mod calls;
mod oracle;
mod random;
mod table;

use domain::rule::{Condition, Group, Item, Join, Operator, Rule};

use crate::testing::{Value, attribute, engine, write_snapshot};

fn condition(attribute: &str, operator: Operator, values: &[&str]) -> Condition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Condition { attribute: attribute.to_owned(), operator, values, ignore_case: false }
}

fn rule_of(time_zone: &str, join: Join, items: Vec<Item>) -> Rule {
    Rule { time_zone: time_zone.to_owned(), root: Group { join, items } }
}
