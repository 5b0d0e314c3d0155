//! How a planned contact is written for the service. Pure: no clock, no random value, so that the same plan always
//! gives the same bytes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::destinations::ItemFault;

/// Where a consent was given, as far as the service needs to know.
const SOURCE: &str = "Customer data, sent by Ferry";

/// The plan's payload.
#[derive(Deserialize)]
struct Payload {
    /// When the person opted in; only where an administrator chose that statuses leave.
    opt_in: Option<String>,
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
    /// Left out: the status that the service holds stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Channels<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<Consent<'a>>,
}

#[derive(Serialize)]
struct Channels<'a> {
    email: Channel<'a>,
}

/// The newest date wins at the service: it must be the true one, so that a later unsubscribe stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Channel<'a> {
    status: &'static str,
    status_changed_at: &'a str,
}

/// Never empty: the service takes an empty one as consent given now.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Consent<'a> {
    source: &'static str,
    created_at: &'a str,
}

impl<'a> Identifier<'a> {
    fn new(r#type: &'static str, id: &'a str) -> Self {
        Self { r#type, id, send_welcome_message: false, channels: None, consent: None }
    }
}

/// The item for one contact. Fields without a value are left out: what the service holds there stays.
pub(super) fn item(email: &str, payload: &str) -> Result<String, ItemFault> {
    let Payload { opt_in, mut targets, properties } =
        serde_json::from_str(payload).map_err(|_| ItemFault("the planned contact cannot be read".to_owned()))?;
    let phone = targets.remove("phone");
    let mut address = Identifier::new("email", email);
    if let Some(at) = &opt_in {
        address.channels = Some(Channels { email: Channel { status: "subscribed", status_changed_at: at } });
        address.consent = Some(Consent { source: SOURCE, created_at: at });
    }
    let mut identifiers = vec![address];
    if let Some(Value::String(phone)) = &phone {
        identifiers.push(Identifier::new("phone", phone));
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
