//! Connections: one account at a destination.

use serde::{Deserialize, Serialize};

use crate::access::Audience;
use crate::destination::{Brand, DestinationKind};
use crate::id::{ConnectionId, UserId};

/// The most of an account's limit that is left to its other programs, in per cent.
pub const MOST_RESERVED: u8 = 90;

/// A connection without its key: the key never leaves the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The name that people see; unique without regard to case.
    pub name: String,
    /// Which destination.
    pub kind: DestinationKind,
    /// Who may build exports over it.
    pub audience: Audience,
    /// The account that the key opened when it was last checked.
    pub brand: Brand,
    /// The consent under which data goes there.
    pub consent: Consent,
    /// Whose rights the exports run with.
    pub export_user: ExportUser,
    /// Why the destination refused the key, since when it did; `None` while it works.
    pub needs_attention: Option<String>,
    /// When it was added: microseconds since 1970, UTC.
    pub created_at: i64,
}

/// Who agreed to the data leaving, when, and to which wording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Who agreed.
    pub by: UserId,
    /// Their address at that time.
    pub by_email: String,
    /// When: microseconds since 1970, UTC.
    pub at: i64,
    /// The language of the wording they saw.
    pub language: String,
    /// The wording, whole.
    pub wording: String,
}

/// The person whose rights the exports run with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportUser {
    /// Who.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// When they proved their password for it: microseconds since 1970, UTC.
    pub at: i64,
}

/// What a contributor may know of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionName {
    /// Its id.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// Which destination.
    pub kind: DestinationKind,
}
