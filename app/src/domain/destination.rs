//! Destinations: kinds of receivers, described by a card from which the forms are drawn. No vendor is named here.

use serde::{Deserialize, Serialize};

/// The kind of a destination: the lower-case name of its folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DestinationKind(pub String);

impl std::fmt::Display for DestinationKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a destination is and takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationCard {
    /// The kind.
    pub kind: DestinationKind,
    /// The proper name, the same in all languages.
    pub name: String,
    /// The fields that data matching offers, in order; the first ones are offered first.
    pub targets: Vec<Target>,
    /// May data matching add properties of any name beside the targets?
    pub takes_custom_properties: bool,
    /// Where a person makes a key: the page of the destination.
    pub key_help_url: String,
}

/// One field of a contact at the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The stable name, for example `email`, `first_name`, `post_code`; screens translate it.
    pub name: String,
    /// Must it be matched?
    pub required: bool,
    /// What the destination takes there.
    pub kind: TargetKind,
    /// Attribute names (lower case, without spaces and punctuation) that suggest themselves for it.
    pub suggestions: Vec<String>,
}

/// What a target takes. Mapping turns attribute values into it or rejects or leaves out, as each says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// An e-mail address; a row without a valid one is rejected.
    Email,
    /// Text of any length.
    Text,
    /// A country, as a name or an ISO 3166 code.
    Country,
    /// A phone number; sent as E.164, otherwise left out and counted.
    Phone,
    /// A calendar day; otherwise left out and counted.
    Date,
    /// One of the two genders that the destination knows; otherwise left out.
    Gender,
}

/// The account that a key opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand {
    /// The account's id at the destination; the rate budget is kept for it.
    pub id: String,
    /// Its name, as the destination shows it; empty where the key may not read it.
    pub name: String,
    /// Its web site, where the destination tells.
    pub website: String,
}
