//! Omnisend, API version 2026-03-15: its card, its limits, and which call does what. How a contact is written is in
//! [`contact`]; what an answer means is in [`answer`]; the requests are in [`client`].
//!
//! What is sent never carries `tags` (an upsert may replace the tags of others) or a welcome message. It carries
//! `channels` (a status with a newer date wins, even over an unsubscribe) only where an administrator chose so, with the
//! true time of the opt-in.
//!
//! Contacts without a subscription are billed too, and only unsubscribed ones are not (support.omnisend.com, articles
//! 2283169 and 4222802): the editor of a new export says so with care, because plans change.

use domain::destination::{Brand, DestinationCard, DestinationKind, Target, TargetKind};
use jiff::civil::Date;
use secrecy::SecretString;

use super::{
    AddressPage, BadAddress, BatchPage, ContactPage, DeliveryError, Destination, ItemFault, ItemReport, Limits,
    Meaning, Recipients, TagChange,
};

mod answer;
mod client;
mod contact;
#[cfg(test)]
mod nonsense;
mod suggestions;
#[cfg(test)]
mod tests;
mod unsubscribed;

use client::Client;

/// The kind, as it stands in the database.
pub const KIND: &str = "omnisend";

/// Where the service is.
const ADDRESS: &str = "https://api.omnisend.com/api";

/// Where an administrator makes a key.
const KEY_PAGE: &str = "https://app.omnisend.com/integrations/api-keys";

/// What a brand is allowed over all its keys and programs.
pub const LIMITS: Limits = Limits {
    rows_per_batch: 100,
    bytes_per_batch: 1_000_000,
    emails_per_tag_request: 250,
    ids_per_tag_request: 250,
    requests_per_minute: 400,
    tag_requests_per_minute: 60,
};

/// The destination.
#[derive(Debug)]
pub struct Omnisend {
    client: Client,
    limits: Limits,
}

impl Omnisend {
    /// The service, or what stands at another address.
    pub fn new(address: Option<&str>) -> Result<Self, BadAddress> {
        let client =
            Client::new(address.unwrap_or(ADDRESS)).map_err(|reason| BadAddress { kind: KIND.to_owned(), reason })?;
        Ok(Self { client, limits: LIMITS })
    }

    /// The service at its own address, reached by a client that is there already, with requests of a size that a simulation
    /// chooses.
    pub fn through(http: super::http::Client, limits: Limits) -> Result<Self, BadAddress> {
        let client = Client::with(ADDRESS, http).map_err(|reason| BadAddress { kind: KIND.to_owned(), reason })?;
        Ok(Self { client, limits })
    }
}

#[async_trait::async_trait]
impl Destination for Omnisend {
    fn card(&self) -> DestinationCard {
        DestinationCard {
            kind: DestinationKind(KIND.to_owned()),
            name: "Omnisend".to_owned(),
            targets: targets(),
            takes_custom_properties: true,
            key_help_url: KEY_PAGE.to_owned(),
        }
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn check(&self, key: &SecretString) -> Result<Brand, DeliveryError> {
        // A key without the right to read the brand still works; it only has no name to show.
        let brand = match self.client.brand(key).await {
            Ok(brand) => brand,
            Err(error) if error.meaning == Meaning::PermissionMissing => brand_from_key(key),
            Err(error) => return Err(error),
        };
        self.client.read_one_contact(key).await?;
        Ok(brand)
    }

    fn item(&self, email: &str, payload: &str) -> Result<String, ItemFault> {
        contact::item(email, payload)
    }

    async fn send_batch(&self, key: &SecretString, items: &[String]) -> Result<String, DeliveryError> {
        self.client.send_batch(key, items).await
    }

    async fn list_batches(&self, key: &SecretString, since: Date, from: u64) -> Result<BatchPage, DeliveryError> {
        self.client.list_batches(key, since, from).await
    }

    async fn batch_items(&self, key: &SecretString, batch: &str) -> Result<Vec<ItemReport>, DeliveryError> {
        self.client.batch_items(key, batch).await
    }

    async fn list_unsubscribed(&self, key: &SecretString, after: Option<&str>) -> Result<AddressPage, DeliveryError> {
        self.client.list_unsubscribed(key, after).await
    }

    async fn list_contacts(&self, key: &SecretString, after: Option<&str>) -> Result<ContactPage, DeliveryError> {
        self.client.list_contacts(key, after).await
    }

    async fn clear_property(&self, key: &SecretString, name: &str, email: &str) -> Result<(), DeliveryError> {
        match self.client.set_property(key, name, false, email).await {
            // Somebody has deleted the contact there: an upsert would make it again, this does not.
            Err(error) if error.meaning == Meaning::Gone => Ok(()),
            other => other,
        }
    }

    async fn change_tag(
        &self,
        key: &SecretString,
        change: TagChange,
        tag: &str,
        recipients: &Recipients,
    ) -> Result<(), DeliveryError> {
        self.client.change_tag(key, change, tag, recipients).await
    }
}

/// A key reads `{brand id}-{secret}`; where it does not, a digest of it stands for the account, so that at least the
/// same key always shares one budget.
fn brand_from_key(key: &SecretString) -> Brand {
    use secrecy::ExposeSecret as _;
    use sha2::Digest as _;

    let text = key.expose_secret();
    let id = match text.split_once('-') {
        Some((id, secret)) if id.len() == 24 && !secret.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit()) => {
            id.to_owned()
        }
        _ => {
            let digest = sha2::Sha256::digest(text.as_bytes());
            let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            format!("key-{hex}")
        }
    };
    Brand { id, name: String::new(), website: String::new() }
}

fn targets() -> Vec<Target> {
    suggestions::OF_TARGET
        .iter()
        .map(|(name, names)| Target {
            name: (*name).to_owned(),
            required: *name == "email",
            kind: match *name {
                "email" => TargetKind::Email,
                "country" => TargetKind::Country,
                "phone" => TargetKind::Phone,
                "birthdate" => TargetKind::Date,
                "gender" => TargetKind::Gender,
                _ => TargetKind::Text,
            },
            suggestions: names.iter().map(|name| (*name).to_owned()).collect(),
        })
        .collect()
}
