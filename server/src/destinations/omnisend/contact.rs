//! How a planned contact is written for the service. Pure: no clock, no random value, so that the same plan always
//! gives the same bytes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::destinations::ItemFault;

/// The plan's payload.
#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    targets: Map<String, Value>,
    #[serde(default)]
    properties: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    identifiers: Vec<Identifier<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_code: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    birthdate: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gender: Option<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    custom_properties: Map<String, Value>,
}

/// The service sends a welcome message unless it is told not to with every identifier.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identifier<'a> {
    r#type: &'static str,
    id: &'a str,
    send_welcome_message: bool,
}

/// The item for one contact. Fields without a value are left out: what the service holds there stays.
pub(super) fn item(email: &str, payload: &str) -> Result<String, ItemFault> {
    let Payload { mut targets, properties } =
        serde_json::from_str(payload).map_err(|_| ItemFault("the planned contact cannot be read".to_owned()))?;
    let phone = targets.remove("phone");
    let mut identifiers = vec![Identifier { r#type: "email", id: email, send_welcome_message: false }];
    if let Some(Value::String(phone)) = &phone {
        identifiers.push(Identifier { r#type: "phone", id: phone, send_welcome_message: false });
    }
    let (country, country_code) = country(targets.remove("country"));
    let mut take = |name: &str| targets.remove(name).filter(has_value);
    let item = Item {
        identifiers,
        first_name: take("first_name"),
        last_name: take("last_name"),
        address: take("address"),
        city: take("city"),
        state: take("state"),
        postal_code: take("post_code"),
        country,
        country_code: take("country_code").or(country_code),
        birthdate: take("birthdate"),
        gender: take("gender"),
        custom_properties: properties.into_iter().filter(|(_, value)| has_value(value)).collect(),
    };
    serde_json::to_string(&item).map_err(|_| ItemFault("the contact cannot be written".to_owned()))
}

/// Empty values may mean "remove" to the service, so they are never sent.
fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// Name and code, from `{"code":…,"name":…}` or from a bare name.
fn country(value: Option<Value>) -> (Option<Value>, Option<Value>) {
    match value {
        Some(Value::Object(mut both)) => (both.remove("name").filter(has_value), both.remove("code").filter(has_value)),
        other => (other.filter(has_value), None),
    }
}
