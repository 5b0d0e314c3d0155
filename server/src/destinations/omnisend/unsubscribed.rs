//! Who has unsubscribed: `GET /contacts?status=unsubscribed`, page by page.

use secrecy::SecretString;
use serde::Deserialize;

use super::answer::{self, ContactPaging};
use super::client::Client;
use crate::destinations::{AddressPage, DeliveryError};

/// The most contacts that the service gives at once.
const PAGE: &str = "250";
/// The most that a page may weigh: a contact may have many properties.
const PAGE_CAP: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
struct Contacts {
    #[serde(deserialize_with = "answer::named")]
    contacts: Vec<Contact>,
    #[serde(default)]
    paging: ContactPaging,
}

#[derive(Deserialize)]
struct Contact {
    email: Option<String>,
}

impl Client {
    /// One page; the first where `after` is none.
    pub(super) async fn list_unsubscribed(
        &self,
        key: &SecretString,
        after: Option<&str>,
    ) -> Result<AddressPage, DeliveryError> {
        let mut url = self.url(&["contacts"])?;
        url.query_pairs_mut().append_pair("limit", PAGE);
        match after {
            Some(after) => url.query_pairs_mut().append_pair("after", after),
            None => url.query_pairs_mut().append_pair("status", "unsubscribed"),
        };
        let answer = self.get(key, url, PAGE_CAP).await?;
        let page: Contacts = answer::read(&answer, 200)?;
        Ok(AddressPage {
            emails: page.contacts.into_iter().filter_map(|contact| contact.email).collect(),
            next: page.paging.next(),
        })
    }
}
