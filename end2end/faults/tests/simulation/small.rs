//! The destination as the worlds of the simulation have it: on a way that is the test's, and with small requests.

use std::sync::Arc;

use domain::destination::{Brand, DestinationCard};
use ferry_faults::simulated::Wire;
use jiff::civil::Date;
use secrecy::SecretString;
use server::destinations::http::Client;
use server::destinations::omnisend::Omnisend;
use server::destinations::{
    AddressPage, BatchPage, ContactPage, DeliveryError, Destination, ItemFault, ItemReport, Limits, Recipients,
    Registry, TagChange,
};

/// The destination as Ferry has it, with small requests: few people make many batches.
struct Small(Omnisend);

/// The destinations of one process, with its way out.
pub(crate) fn registry() -> (Registry, Arc<Wire>) {
    let wire = Arc::new(Wire::default());
    let client = Client::carried_by(wire.clone()).expect("a client");
    let small: Arc<dyn Destination> = Arc::new(Small(Omnisend::through(client).expect("a destination")));
    (Registry::of([small]), wire)
}

#[async_trait::async_trait]
impl Destination for Small {
    fn card(&self) -> DestinationCard {
        self.0.card()
    }

    fn limits(&self) -> Limits {
        Limits { rows_per_batch: 7, emails_per_tag_request: 11, ids_per_tag_request: 11, ..self.0.limits() }
    }

    async fn check(&self, key: &SecretString) -> Result<Brand, DeliveryError> {
        self.0.check(key).await
    }

    fn item(&self, email: &str, payload: &str) -> Result<String, ItemFault> {
        self.0.item(email, payload)
    }

    async fn send_batch(&self, key: &SecretString, items: &[String]) -> Result<String, DeliveryError> {
        self.0.send_batch(key, items).await
    }

    async fn list_batches(&self, key: &SecretString, since: Date, from: u64) -> Result<BatchPage, DeliveryError> {
        self.0.list_batches(key, since, from).await
    }

    async fn batch_items(&self, key: &SecretString, batch: &str) -> Result<Vec<ItemReport>, DeliveryError> {
        self.0.batch_items(key, batch).await
    }

    async fn list_unsubscribed(&self, key: &SecretString, after: Option<&str>) -> Result<AddressPage, DeliveryError> {
        self.0.list_unsubscribed(key, after).await
    }

    async fn list_contacts(&self, key: &SecretString, after: Option<&str>) -> Result<ContactPage, DeliveryError> {
        self.0.list_contacts(key, after).await
    }

    async fn clear_property(&self, key: &SecretString, name: &str, email: &str) -> Result<(), DeliveryError> {
        self.0.clear_property(key, name, email).await
    }

    async fn change_tag(
        &self,
        key: &SecretString,
        change: TagChange,
        tag: &str,
        recipients: &Recipients,
    ) -> Result<(), DeliveryError> {
        self.0.change_tag(key, change, tag, recipients).await
    }
}
