//! What is kept of a contact, and what a checked request wants to change. Plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::packed::Packed;

/// The string fields of a contact in the order of the API's answers; the key in [`Packed`] is the
/// position plus one.
pub const FIELDS: [&str; 10] = [
    "firstName",
    "lastName",
    "address",
    "city",
    "state",
    "postalCode",
    "birthdate",
    "gender",
    "country",
    "countryCode",
];

/// The key in [`Packed`] of a field in [`FIELDS`].
pub fn field_key(name: &str) -> Option<u32> {
    FIELDS.iter().position(|known| *known == name).and_then(|place| u32::try_from(place + 1).ok())
}

/// Consent state of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Subscribed,
    NonSubscribed,
    Unsubscribed,
}

impl Status {
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "subscribed" => Some(Self::Subscribed),
            "nonSubscribed" => Some(Self::NonSubscribed),
            "unsubscribed" => Some(Self::Unsubscribed),
            _ => None,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Subscribed => "subscribed",
            Self::NonSubscribed => "nonSubscribed",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// Where a status applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Email,
    Sms,
}

impl Channel {
    pub fn text(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// A status and the date it counts from; `None` while nobody has ever given a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusAt {
    pub status: Status,
    pub at: Option<i64>,
}

impl StatusAt {
    /// What a contact has for whom no status was ever sent.
    pub const UNSET: Self = Self { status: Status::NonSubscribed, at: None };
}

/// A record of consent, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub channel: Channel,
    pub source: String,
    pub created: Option<i64>,
    pub ip: String,
    pub user_agent: String,
    /// The object was there and held nothing: the live service takes that as consent given now.
    pub empty: bool,
}

/// One stored contact.
#[derive(Debug, Clone)]
pub struct Contact {
    pub email: Option<Arc<str>>,
    pub phone: Option<Arc<str>>,
    pub fields: Packed,
    pub tags: Box<[u32]>,
    pub created: i64,
    pub updated: i64,
    /// Grows with every change in the whole brand; the order of `sort=updatedAt`.
    pub version: u64,
    pub email_status: StatusAt,
    pub more: Option<Box<More>>,
    /// Somebody deleted the contact by hand, as only the vendor's own screens can.
    pub deleted: bool,
}

/// What few contacts have.
#[derive(Debug, Clone, Default)]
pub struct More {
    pub sms: Option<StatusAt>,
    /// Every status that was taken, oldest first.
    pub statuses: Vec<(Channel, Status, i64)>,
    pub consents: Vec<Consent>,
}

impl Contact {
    pub fn channel(&self, channel: Channel) -> StatusAt {
        match channel {
            Channel::Email => self.email_status,
            Channel::Sms => self.more.as_ref().and_then(|more| more.sms).unwrap_or(StatusAt::UNSET),
        }
    }

    pub fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_with(Box::default)
    }

    pub fn has_tag(&self, tag: u32) -> bool {
        self.tags.contains(&tag)
    }
}

/// A status that a request sends for one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelWrite {
    pub channel: Channel,
    pub status: Status,
    /// The date that was sent; now when it was left out.
    pub at: Option<i64>,
    pub welcome: bool,
}

/// A checked request: what one upsert or patch changes.
#[derive(Debug, Clone, Default)]
pub struct ContactWrite {
    pub email: Option<Box<str>>,
    pub phone: Option<Box<str>>,
    pub fields: Packed,
    /// `None` leaves the tags alone.
    pub tags: Option<Box<[u32]>>,
    pub statuses: Vec<ChannelWrite>,
    pub consents: Vec<Consent>,
}
