//! From a contact's JSON to a checked write, or to all of its faults at once. Needs no stored state.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::clock;
use crate::contacts::record::{Channel, ChannelWrite, Consent, ContactWrite, FIELDS, Status, field_key};
use crate::countries;
use crate::json::Json;
use crate::names::Names;
use crate::options::Switches;
use crate::packed::{FIRST_PROPERTY, Packed};
use crate::problem::FieldFault;

const TAGS_MAX: usize = 100;
const PROPERTY_NAME_MAX: usize = 128;
const PROPERTY_TEXT_MAX: usize = 2_048;

/// The number spaces that a write's names go into.
#[derive(Debug, Default)]
pub struct Dictionary {
    pub properties: Names,
    pub tags: Names,
}

/// What the check needs to know besides the JSON.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub switches: &'a Switches,
    pub dictionary: &'a Dictionary,
    /// An upsert needs an identifier, a patch does not.
    pub identifiers_required: bool,
}

/// Checks one contact, for an upsert, a patch or a batch item.
pub fn contact(json: &Json<'_>, rules: Rules<'_>) -> Result<ContactWrite, Vec<FieldFault>> {
    let mut reader =
        Reader { rules, faults: Vec::new(), write: ContactWrite::default(), entries: Vec::with_capacity(12) };
    if matches!(json, Json::Object(_)) {
        reader.identifiers(json);
        reader.fields(json);
        reader.tags(json);
        reader.properties(json);
    } else {
        reader.faults.push(FieldFault::format("", "A contact is a JSON object."));
    }
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    reader.write.fields = Packed::from_entries(reader.entries);
    Ok(reader.write)
}

struct Reader<'r, 'j> {
    rules: Rules<'r>,
    faults: Vec<FieldFault>,
    write: ContactWrite,
    entries: Vec<(u32, Option<Cow<'j, str>>)>,
}

impl<'j> Reader<'_, 'j> {
    fn fault(&mut self, field: impl Into<String>, message: &str) {
        self.faults.push(FieldFault::format(field, message));
    }

    fn identifiers(&mut self, json: &Json<'_>) {
        let identifiers = match json.get("identifiers") {
            None | Some(Json::Null) => {
                if self.rules.identifiers_required {
                    self.faults.push(FieldFault::required("identifiers"));
                }
                return;
            }
            Some(Json::List(items)) => items,
            Some(_) => return self.fault("identifiers", "Must be a list."),
        };
        if identifiers.is_empty() && self.rules.identifiers_required {
            self.faults.push(FieldFault::required("identifiers"));
        }
        for (place, identifier) in identifiers.iter().enumerate() {
            self.identifier(place, identifier);
        }
    }

    fn identifier(&mut self, place: usize, identifier: &Json<'_>) {
        let path = |name: &str| format!("identifiers[{place}].{name}");
        let channel = match identifier.get("type").map(Json::as_text) {
            Some(Some("email")) => Channel::Email,
            Some(Some("phone")) => Channel::Sms,
            Some(_) => return self.fault(path("type"), "Must be email or phone."),
            None => return self.faults.push(FieldFault::required(path("type"))),
        };
        let id = match identifier.get("id").map(Json::as_text) {
            Some(Some(id)) => id,
            Some(None) => return self.fault(path("id"), "Must be a string."),
            None => return self.faults.push(FieldFault::required(path("id"))),
        };
        let (slot, fits, message) = match channel {
            Channel::Email => (&mut self.write.email, is_email(id), "Must be an e-mail address."),
            Channel::Sms => (&mut self.write.phone, is_e164(id), "Must be a phone number in E.164 format."),
        };
        if !fits {
            self.fault(path("id"), message);
        } else if slot.is_some() {
            self.fault(path("type"), "One identifier of each type.");
        } else {
            *slot = Some(id.into());
        }
        let welcome = match identifier.get("sendWelcomeMessage") {
            None | Some(Json::Null) => true,
            Some(Json::Bool(wanted)) => *wanted,
            Some(_) => return self.fault(path("sendWelcomeMessage"), "Must be a boolean."),
        };
        self.channels(place, identifier.get("channels"), channel, welcome);
        self.consent(place, identifier.get("consent"), channel);
    }

    fn channels(&mut self, place: usize, channels: Option<&Json<'_>>, own: Channel, welcome: bool) {
        let path = || format!("identifiers[{place}].channels");
        let entries = match channels {
            None | Some(Json::Null) => {
                if self.rules.switches.channels_required {
                    self.faults.push(FieldFault::required(path()));
                }
                return;
            }
            Some(Json::Object(entries)) => entries,
            Some(_) => return self.fault(path(), "Must be an object."),
        };
        for (name, value) in entries {
            let path = format!("{}.{name}", path());
            if name != own.text() {
                self.fault(path, "This channel does not belong to this type of identifier.");
                continue;
            }
            let status = match value.get("status") {
                None => {
                    self.faults.push(FieldFault::required(format!("{path}.status")));
                    continue;
                }
                Some(status) => status.as_text().and_then(Status::from_text),
            };
            let at = match value.get("statusChangedAt") {
                None | Some(Json::Null) => Ok(None),
                Some(at) => at.as_text().and_then(clock::from_text).map(Some).ok_or(()),
            };
            match (status, at) {
                (Some(status), Ok(at)) => self.write.statuses.push(ChannelWrite { channel: own, status, at, welcome }),
                (None, _) => self.fault(format!("{path}.status"), "Must be subscribed, nonSubscribed or unsubscribed."),
                (_, Err(())) => self.fault(format!("{path}.statusChangedAt"), "Must be an RFC 3339 date and time."),
            }
        }
    }

    fn consent(&mut self, place: usize, consent: Option<&Json<'_>>, channel: Channel) {
        let path = || format!("identifiers[{place}].consent");
        let entries = match consent {
            None | Some(Json::Null) => return,
            Some(Json::Object(entries)) => entries,
            Some(_) => return self.fault(path(), "Must be an object."),
        };
        let text = |name: &str| {
            let found = entries.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_text());
            found.unwrap_or_default().to_owned()
        };
        let created = match text("createdAt") {
            none if none.is_empty() => None,
            given => {
                let at = clock::from_text(&given);
                if at.is_none() {
                    self.fault(format!("{}.createdAt", path()), "Must be an RFC 3339 date and time.");
                }
                at
            }
        };
        self.write.consents.push(Consent {
            channel,
            source: text("source"),
            created,
            ip: text("ip"),
            user_agent: text("userAgent"),
            empty: entries.is_empty(),
        });
    }

    fn fields(&mut self, json: &'j Json<'_>) {
        for name in FIELDS {
            let Some(key) = field_key(name) else { continue };
            let text = match json.get(name) {
                None => continue,
                Some(Json::Null) => {
                    self.entries.push((key, None));
                    continue;
                }
                Some(Json::Text(text)) => text.as_ref(),
                Some(_) => {
                    self.fault(name, "Must be a string.");
                    continue;
                }
            };
            if let Some(message) = field_fault(name, text) {
                self.fault(name, message);
                continue;
            }
            let value = (!text.is_empty()).then_some(Cow::Borrowed(text));
            if name == "country" && json.get("countryCode").is_none() {
                let code = countries::code_of(text).map(Cow::Borrowed);
                self.entries.push((key + 1, code));
            }
            self.entries.push((key, value));
        }
    }

    fn tags(&mut self, json: &Json<'_>) {
        let Some(value) = json.get("tags").filter(|value| **value != Json::Null) else { return };
        match texts(value) {
            None => self.fault("tags", "Must be a list of strings."),
            Some(tags) if tags.len() > TAGS_MAX => self.fault("tags", "At most 100 tags."),
            Some(tags) if tags.iter().any(|tag| tag.is_empty()) => self.fault("tags", "A tag is not empty."),
            Some(tags) => {
                self.write.tags = Some(tags.iter().map(|tag| self.rules.dictionary.tags.number(tag)).collect());
            }
        }
    }

    fn properties(&mut self, json: &Json<'_>) {
        match json.get("createdAt") {
            None | Some(Json::Null) => {}
            Some(Json::Text(at)) if clock::from_text(at).is_some() => {
                let number = self.rules.dictionary.properties.number("externalCreated");
                self.entries.push((FIRST_PROPERTY + number, Some(Cow::Owned(format!("\"{at}\"")))));
            }
            Some(_) => self.fault("createdAt", "Must be an RFC 3339 date and time."),
        }
        let entries = match json.get("customProperties") {
            None | Some(Json::Null) => return,
            Some(Json::Object(entries)) => entries,
            Some(_) => return self.fault("customProperties", "Must be an object."),
        };
        for (name, value) in entries {
            if !is_property_name(name) {
                self.fault(format!("customProperties.{name}"), "A name has 1 to 128 letters, digits or underscores.");
                continue;
            }
            match property_text(value) {
                Ok(text) => {
                    let number = self.rules.dictionary.properties.number(name);
                    self.entries.push((FIRST_PROPERTY + number, text.map(Cow::Owned)));
                }
                Err(message) => self.fault(format!("customProperties.{name}"), message),
            }
        }
    }
}

/// The value as JSON text; `None` removes the property.
fn property_text(value: &Json<'_>) -> Result<Option<String>, &'static str> {
    match value {
        Json::Null => Ok(None),
        Json::Text(text) if text.is_empty() => Ok(None),
        // A text has at most as many characters as bytes: most need no counting.
        Json::Text(text) if text.len() > PROPERTY_TEXT_MAX && text.chars().count() > PROPERTY_TEXT_MAX => {
            Err("At most 2,048 characters.")
        }
        Json::Text(text) => Ok(serde_json::to_string(text.as_ref()).ok()),
        Json::Bool(yes) => Ok(Some(yes.to_string())),
        Json::Number(number) => Ok(Some(number.to_string())),
        Json::List(items) if items.iter().all(|item| matches!(item, Json::Text(_))) => {
            Ok(Some(value.to_value().to_string()))
        }
        _ => Err("Must be a number, a boolean, a string, a date or a list of strings."),
    }
}

fn field_fault(name: &str, text: &str) -> Option<&'static str> {
    let bad = match name {
        _ if text.is_empty() => false,
        "birthdate" => text.len() != 10 || text.parse::<Date>().is_err(),
        "gender" => !matches!(text, "m" | "f"),
        "countryCode" => !countries::is_code(text),
        _ => false,
    };
    match name {
        _ if !bad => None,
        "birthdate" => Some("Must be a date as YYYY-MM-DD."),
        "gender" => Some("Must be m or f."),
        _ => Some("Must be an ISO 3166-1 alpha-2 code."),
    }
}

/// The strings of a list; `None` when it is not a list of strings.
pub fn texts<'v>(value: &'v Json<'_>) -> Option<Vec<&'v str>> {
    value.as_list()?.iter().map(Json::as_text).collect()
}

fn is_property_name(name: &str) -> bool {
    (1..=PROPERTY_NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// One `@`, a local part without spaces, a domain of at least two labels. Invisible format characters
/// pass, as they do at the live service.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_fits = (1..=64).contains(&local.chars().count())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.chars().any(|c| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]@".contains(c));
    let label_fits = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    local_fits && text.len() <= 254 && domain.contains('.') && domain.split('.').all(label_fits)
}

/// A plus sign and 7 to 15 digits, the first not 0 (ITU E.164).
pub fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_phones_are_told_from_what_only_looks_like_them() {
        for good in ["a@b.co", "josé.d'arc+x@exämple.cat", "x_1@sub.domain.pt"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["", "a", "a@b", "a@@b.co", "a b@c.de", ".a@b.co", "a..b@c.de", "a@-b.co", "a@b..co", "a@b.co,c@d.ee"]
        {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(is_e164("+40712345678") && !is_e164("0712345678") && !is_e164("+0712345678") && !is_e164("+40 712"));
    }
}
