//! What a simulator can be started with: brands and keys, limits, and one switch for everything that
//! is not known about the real service. It decides nothing itself.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::faults::Script;

/// The brand that exists when nothing else is asked for.
pub const PRACTICE_BRAND: &str = "5f0000000000000000000001";
/// A key of [`PRACTICE_BRAND`] with every scope.
pub const PRACTICE_KEY: &str = "5f0000000000000000000001-practice";

/// Every scope that a key can carry.
pub const ALL_SCOPES: &[&str] = &[
    "contacts.read",
    "contacts.write",
    "segments.read",
    "segments.write",
    "brands.read",
    "products.read",
    "products.write",
    "events.read",
    "events.write",
];

/// How a simulator starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The accounts and their keys.
    pub brands: Vec<BrandOptions>,
    /// Requests a minute.
    pub limits: Limits,
    /// What is not known about the real service.
    pub switches: Switches,
    /// Decides every random choice (faults, order of batches).
    pub seed: u64,
    /// What goes wrong, and when.
    pub faults: Script,
    /// The machine's clock, or one that tests move.
    pub clock: Clock,
    /// How many requests the log remembers.
    pub log_capacity: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            brands: vec![BrandOptions::default()],
            limits: Limits::default(),
            switches: Switches::default(),
            seed: 1,
            faults: Script::default(),
            clock: Clock::real(),
            log_capacity: 1_000_000,
        }
    }
}

/// One account at the vendor.
#[derive(Debug, Clone)]
pub struct BrandOptions {
    /// 24 hexadecimal characters.
    pub id: String,
    /// Shown by `GET /brands/current`.
    pub name: String,
    /// Shown by `GET /brands/current`.
    pub website: String,
    /// The keys that open it.
    pub keys: Vec<KeyOptions>,
}

impl Default for BrandOptions {
    fn default() -> Self {
        Self::new(PRACTICE_BRAND, "Practice shop", vec![KeyOptions::full(PRACTICE_KEY)])
    }
}

impl BrandOptions {
    /// A brand with the given keys.
    pub fn new(id: &str, name: &str, keys: Vec<KeyOptions>) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), website: "https://shop.example".to_owned(), keys }
    }
}

/// One API key and what it may do.
#[derive(Debug, Clone)]
pub struct KeyOptions {
    pub key: String,
    /// Names from [`ALL_SCOPES`].
    pub scopes: Vec<String>,
}

impl KeyOptions {
    /// A key that may do everything.
    pub fn full(key: &str) -> Self {
        Self::with_scopes(key, ALL_SCOPES)
    }

    /// A key that may do only what is named.
    pub fn with_scopes(key: &str, scopes: &[&str]) -> Self {
        Self { key: key.to_owned(), scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect() }
    }
}

/// Requests a minute for each brand (documented values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Off for benchmarks and the demo.
    pub enabled: bool,
    /// Everything.
    pub default: u32,
    /// `/contacts/tags`, for each of POST and DELETE.
    pub tags: u32,
    /// Reading and deleting segments.
    pub segment_reads: u32,
    /// Creating and changing segments.
    pub segment_writes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { enabled: true, default: 400, tags: 60, segment_reads: 100, segment_writes: 15 }
    }
}

/// What `tags` in an upsert does to the tags that are there (not known of the real service).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagsInUpserts {
    Append,
    Replace,
}

/// One switch for each thing that the vendor's documents leave open, and the simulator's own speeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    pub tags_in_upserts: TagsInUpserts,
    /// An identifier without `channels` is refused.
    pub channels_required: bool,
    /// `nonSubscribed` with a newer date takes `subscribed` away.
    pub non_subscribed_overwrites: bool,
    /// `A@x.com` and `a@x.com` are two people.
    pub email_case_sensitive: bool,
    /// One default limit for the whole brand; otherwise one for each endpoint.
    pub shared_limit: bool,
    /// One bad item refuses the whole batch with 400.
    pub strict_batches: bool,
    /// Empty values are read as the live service shows them (`null`, `""`).
    pub null_quirks: bool,
    /// Milliseconds until a write shows in GET.
    pub visibility_delay_ms: u64,
    /// Milliseconds from a batch's acceptance to its end.
    pub batch_delay_ms: u64,
    /// Contacts a second that batches are worked off with; 0 is no limit.
    pub batch_contacts_per_second: u64,
    /// Batches finish in a seeded, shuffled order (up to three times the delay).
    pub batches_out_of_order: bool,
    /// A batch stops after this many failed items; 0 is never.
    pub batch_stops_after_errors: u32,
    /// Items that a batch may hold.
    pub batch_items_max: usize,
    /// Milliseconds from a tag request's acceptance to its effect.
    pub tag_delay_ms: u64,
    /// Milliseconds that a segment is `building`.
    pub segment_build_ms: u64,
    /// The request log keeps bodies (the newest 10,000).
    pub keep_bodies: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            tags_in_upserts: TagsInUpserts::Append,
            channels_required: false,
            non_subscribed_overwrites: true,
            email_case_sensitive: true,
            shared_limit: true,
            strict_batches: false,
            null_quirks: true,
            visibility_delay_ms: 0,
            batch_delay_ms: 150,
            batch_contacts_per_second: 0,
            batches_out_of_order: false,
            batch_stops_after_errors: 0,
            batch_items_max: 100,
            tag_delay_ms: 20,
            segment_build_ms: 0,
            keep_bodies: false,
        }
    }
}
