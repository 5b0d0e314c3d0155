//! Destinations: the receivers that Ferry knows, behind one trait. A kind is a folder here and one line in
//! [`Registry::new`]; nothing else names it.
//!
//! A destination turns a planned contact into what its interface takes, sends one request when asked to, and says what
//! the answer means. It does not retry, wait, count or remember: that is the engine's work. It never logs what it
//! sends, and its errors carry no address and no key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::destination::{Brand, DestinationCard, DestinationKind};
use jiff::civil::Date;
use secrecy::SecretString;

#[cfg(test)]
mod contract;
pub mod http;
pub mod omnisend;
#[cfg(test)]
pub(crate) mod strangers;

/// What an account at the destination takes, as far as the destination tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Contacts in one batch.
    pub rows_per_batch: usize,
    /// Bytes in the body of one batch.
    pub bytes_per_batch: usize,
    /// Addresses in one tag request.
    pub emails_per_tag_request: usize,
    /// The destination's own ids that the same request takes beside them; none where it takes addresses only.
    pub ids_per_tag_request: usize,
    /// Requests of any kind in any 60 seconds, over all keys of the account.
    pub requests_per_minute: u32,
    /// Requests that add tags in any 60 seconds; the same again for those that remove tags.
    pub tag_requests_per_minute: u32,
}

/// What an answer means for the request that was sent: the engine decides by this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Not taken: the account's limit is reached. Not a failure of the request.
    TooFast {
        /// How long the destination asks to wait.
        after: Option<Duration>,
    },
    /// Not taken: the destination cannot work at the moment.
    Unavailable {
        /// How long the destination asks to wait.
        after: Option<Duration>,
    },
    /// Not sent: nothing answers at the address.
    Unreachable,
    /// Not sent: the name in the address is not known.
    NameUnknown,
    /// Not sent: whoever answers at the address does not prove to be the destination. Nothing is sent without a proof.
    Untrusted,
    /// Sent, but no answer came that says what became of it: it may have been taken.
    Unknown,
    /// The key is not known.
    KeyRefused,
    /// The key may not do this.
    PermissionMissing,
    /// The account's plan is used up.
    PlanExceeded,
    /// The destination no longer speaks our version of its interface.
    Retired,
    /// Something answers at the address, but not the interface of the destination.
    NotTheDestination,
    /// This request will never be taken as it is.
    Refused,
    /// What was asked for is not there (any more).
    Gone,
}

/// Why a request did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{meaning:?}, status {status:?}, reference {reference:?}: {detail}")]
pub struct DeliveryError {
    /// What it means for the request.
    pub meaning: Meaning,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// The number under which the destination's support finds the request.
    pub reference: Option<String>,
    /// What the destination said: short, without addresses and without what was sent.
    pub detail: String,
}

impl DeliveryError {
    /// An error without an answer from the destination.
    pub fn without_answer(meaning: Meaning, detail: &str) -> Self {
        Self { meaning, status: None, reference: None, detail: detail.to_owned() }
    }
}

/// How far a batch is at the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Not finished yet.
    Working,
    /// Every item has its outcome.
    Finished,
    /// Given up before every item had its outcome.
    Stopped,
}

/// What the destination says about one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReport {
    /// Its id at the destination.
    pub id: String,
    /// How far it is.
    pub stage: Stage,
    /// Items that have an outcome, good or bad.
    pub finished: u64,
    /// Items with a bad outcome.
    pub errors: u64,
}

/// One page of the destination's list of batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchPage {
    /// The batches, ours and those of others.
    pub batches: Vec<BatchReport>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<u64>,
}

/// What became of one item of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReport {
    /// The address it carried; `None` where the destination does not repeat what it was sent.
    pub email: Option<String>,
    /// Its outcome.
    pub outcome: ItemOutcome,
}

/// The outcome of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Taken.
    Taken,
    /// Not taken this time; the same item may be taken later.
    Later,
    /// Refused for what it is, with what the destination said, without addresses.
    Refused(String),
}

/// One page of addresses, as the destination writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPage {
    /// The addresses.
    pub emails: Vec<String>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

/// A contact as the destination knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRef {
    /// Its id at the destination.
    pub id: String,
    /// Its address, as it stands there.
    pub email: String,
}

/// One page of the destination's contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactPage {
    /// The contacts that have an address, ours and those of others.
    pub contacts: Vec<ContactRef>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

/// Whose tag changes: contacts by their addresses, and others by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Addresses.
    pub emails: Vec<String>,
    /// The destination's own ids.
    pub ids: Vec<String>,
}

/// Whether a tag is given or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagChange {
    /// Given to contacts that do not have it; those that do keep it.
    Add,
    /// Taken from contacts that have it.
    Remove,
}

/// The contact cannot be written as one item: says why, without its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ItemFault(pub String);

/// A kind of receiver. Every call but [`Destination::check`] is at most one request.
#[async_trait::async_trait]
pub trait Destination: Send + Sync {
    /// What it is and takes.
    fn card(&self) -> DestinationCard;

    /// What an account takes.
    fn limits(&self) -> Limits;

    /// Does the key open an account with the rights that an export needs, and which? Writes nothing.
    async fn check(&self, key: &SecretString) -> Result<Brand, DeliveryError>;

    /// The item for one planned contact: a pure function, so that sending it twice has one effect.
    ///
    /// `payload` is the plan's: a JSON object `{"targets":{…},"properties":{…}}`.
    fn item(&self, email: &str, payload: &str) -> Result<String, ItemFault>;

    /// Sends items as one batch and gives its id. They are worked through later.
    async fn send_batch(&self, key: &SecretString, items: &[String]) -> Result<String, DeliveryError>;

    /// One page of the batches made on or after a day, UTC.
    async fn list_batches(&self, key: &SecretString, since: Date, from: u64) -> Result<BatchPage, DeliveryError>;

    /// What became of the items of a batch.
    async fn batch_items(&self, key: &SecretString, batch: &str) -> Result<Vec<ItemReport>, DeliveryError>;

    /// One page of those who have unsubscribed: they must never get a status. `after` is where the page before it ended.
    async fn list_unsubscribed(&self, key: &SecretString, after: Option<&str>) -> Result<AddressPage, DeliveryError>;

    /// One page of the account's contacts, those that were made last first. `after` is where the page before it ended.
    async fn list_contacts(&self, key: &SecretString, after: Option<&str>) -> Result<ContactPage, DeliveryError>;

    /// Sets a custom property of one contact to false. A contact that is not there (any more) is not made, and that is
    /// no failure.
    async fn clear_property(&self, key: &SecretString, name: &str, email: &str) -> Result<(), DeliveryError>;

    /// Gives or takes one tag. Addresses that the destination does not know are passed over.
    async fn change_tag(
        &self,
        key: &SecretString,
        change: TagChange,
        tag: &str,
        recipients: &Recipients,
    ) -> Result<(), DeliveryError>;
}

/// Where the destinations are, when not where they usually are.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// The base of each kind's interface, by kind.
    pub of_kind: BTreeMap<String, String>,
}

/// The address of a destination is not one that can be called.
#[derive(Debug, thiserror::Error)]
#[error("the address of {kind} is not usable: {reason}")]
pub struct BadAddress {
    /// Which destination.
    pub kind: String,
    /// What is wrong.
    pub reason: String,
}

/// All kinds of destination.
#[derive(Clone)]
pub struct Registry {
    kinds: BTreeMap<DestinationKind, Arc<dyn Destination>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}

impl Registry {
    /// The destinations that this Ferry offers: one line per kind.
    pub fn new(addresses: &Addresses) -> Result<Self, BadAddress> {
        let address = |kind: &str| addresses.of_kind.get(kind).map(String::as_str);
        Ok(Self::of([Arc::new(omnisend::Omnisend::new(address(omnisend::KIND))?) as Arc<dyn Destination>]))
    }

    /// A registry of these destinations.
    pub fn of(destinations: impl IntoIterator<Item = Arc<dyn Destination>>) -> Self {
        Self { kinds: destinations.into_iter().map(|one| (one.card().kind, one)).collect() }
    }

    /// The destination of a kind.
    pub fn find(&self, kind: &DestinationKind) -> Option<Arc<dyn Destination>> {
        self.kinds.get(kind).cloned()
    }

    /// The cards of all, by kind.
    pub fn cards(&self) -> Vec<DestinationCard> {
        self.kinds.values().map(|one| one.card()).collect()
    }
}
