//! A contact as the API shows it, with the empty values that the live service was seen to send.

use serde_json::{Map, Value, json};

use crate::clock::to_text;
use crate::contacts::record::{Channel, Contact, FIELDS, Status, StatusAt};
use crate::contacts::validate::Dictionary;
use crate::options::Switches;
use crate::packed::FIRST_PROPERTY;

/// The whole contact. `segments` are the ids of the segments that it is in.
pub fn contact(
    id: &str,
    contact: &Contact,
    segments: Vec<String>,
    dictionary: &Dictionary,
    switches: &Switches,
) -> Value {
    let quirks = switches.null_quirks;
    let mut view = Map::new();
    view.insert("id".to_owned(), id.into());
    view.insert("email".to_owned(), contact.email.as_deref().unwrap_or_default().into());
    let phones = contact.phone.iter().map(|phone| Value::from(phone.as_ref())).collect();
    view.insert("phone".to_owned(), list(phones, quirks));
    view.insert("identifiers".to_owned(), identifiers(contact));
    for (name, key) in FIELDS.iter().zip(1_u32..) {
        match contact.fields.get(key) {
            Some(text) => drop(view.insert((*name).to_owned(), text.into())),
            None if quirks => drop(view.insert((*name).to_owned(), "".into())),
            None => {}
        }
    }
    view.insert("status".to_owned(), contact.email_status.status.text().into());
    let history = history(contact);
    let opt_ins = history.iter().filter(|(_, status, _)| *status == Status::Subscribed);
    let opt_ins = opt_ins.map(|(channel, _, at)| json!({"channel": channel.text(), "optInAt": to_text(*at)})).collect();
    let statuses = history
        .iter()
        .map(|(channel, status, at)| json!({"channel": channel.text(), "status": status.text(), "statusChangedAt": to_text(*at)}));
    view.insert("statuses".to_owned(), Value::Array(statuses.collect()));
    view.insert("optIns".to_owned(), list(opt_ins, quirks));
    view.insert("consents".to_owned(), list(consents(contact), quirks));
    let tags = contact.tags.iter().map(|tag| Value::from(dictionary.tags.name(*tag).as_ref())).collect();
    view.insert("tags".to_owned(), list(tags, quirks));
    view.insert("segments".to_owned(), list(segments.into_iter().map(Value::from).collect(), quirks));
    let properties = properties(contact, dictionary);
    let empty = properties.is_empty() && quirks;
    view.insert("customProperties".to_owned(), if empty { Value::Null } else { Value::Object(properties) });
    view.insert("createdAt".to_owned(), to_text(contact.created).into());
    view.insert("updatedAt".to_owned(), to_text(contact.updated).into());
    Value::Object(view)
}

/// `null` instead of an empty list where the live service sends that.
fn list(items: Vec<Value>, quirks: bool) -> Value {
    if items.is_empty() && quirks { Value::Null } else { Value::Array(items) }
}

fn identifiers(contact: &Contact) -> Value {
    let one = |id: &str, kind: &str, channel: Channel, state: StatusAt| {
        let at = to_text(state.at.unwrap_or(contact.created));
        json!({"id": id, "type": kind, "channels": {channel.text(): {"status": state.status.text(), "statusChangedAt": at}}})
    };
    let mut all = Vec::new();
    if let Some(email) = &contact.email {
        all.push(one(email, "email", Channel::Email, contact.email_status));
    }
    if let Some(phone) = &contact.phone {
        all.push(one(phone, "phone", Channel::Sms, contact.channel(Channel::Sms)));
    }
    Value::Array(all)
}

/// Every status that was taken; a contact without any shows the one it was born with.
fn history(contact: &Contact) -> Vec<(Channel, Status, i64)> {
    let known = contact.more.as_ref().map(|more| more.statuses.clone()).unwrap_or_default();
    if !known.is_empty() || contact.email.is_none() {
        return known;
    }
    vec![(Channel::Email, contact.email_status.status, contact.created)]
}

fn consents(contact: &Contact) -> Vec<Value> {
    let Some(more) = &contact.more else { return Vec::new() };
    let view = |consent: &crate::contacts::record::Consent| {
        json!({
            "channel": consent.channel.text(),
            "source": consent.source,
            "createdAt": to_text(consent.created.unwrap_or(contact.created)),
            "ip": consent.ip,
            "userAgent": consent.user_agent,
        })
    };
    more.consents.iter().map(view).collect()
}

/// Custom properties by name.
pub fn properties(contact: &Contact, dictionary: &Dictionary) -> Map<String, Value> {
    let entries = contact.fields.iter().filter(|(key, _)| *key >= FIRST_PROPERTY);
    let entries = entries.map(|(key, text)| {
        let value = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        (dictionary.properties.name(key - FIRST_PROPERTY).to_string(), value)
    });
    entries.collect()
}
