//! Ferry's own code breaks off: a panic anywhere in the work on a run costs that run a while, and nobody else anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::destination::{Brand, DestinationCard};
use domain::run::RunState;
use futures::FutureExt as _;
use jiff::civil::Date;
use secrecy::SecretString;

use super::stage::{Setting, Stage, emails, people};
use crate::db::Database;
use crate::destinations::{
    AddressPage, BatchPage, ContactPage, DeliveryError, Destination, ItemFault, ItemReport, Limits, Recipients,
    Registry, TagChange,
};
use crate::engine::Engine;

/// The database, with a panic in the place of the `nth` transaction; 0 for none.
fn breaks_at(db: &Database, nth: u64) -> Database {
    let count = AtomicU64::new(0);
    let pause = move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) + 1 != nth, "a test's own panic");
        std::future::ready(()).boxed()
    };
    db.in_steps(Some(Arc::new(pause)))
}

impl Stage {
    /// An engine with another database and other destinations.
    fn engine_with(&self, db: Database, destinations: Option<Registry>) -> Engine {
        let mut deps = (*self.engine().deps).clone();
        deps.db = db;
        deps.destinations = destinations.unwrap_or(deps.destinations);
        Engine::new(deps)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r06_a_panic_anywhere_costs_its_run_a_while_and_nobody_else_anything() {
    // The lease is half a minute: at this speed a break-off costs a third of a second.
    let stage = Stage::with(Setting { factor: 100, ..Setting::default() }).await;
    let everybody = people(0..1_500, "a");
    stage.refresh(&everybody).await;
    for place in 1..=20 {
        let run = stage.queue().await;

        let running = stage.engine_with(breaks_at(&stage.db, place * 3), None).start();
        let ended = stage.until(run, |run| run.finished_at.is_some()).await;
        running.stop().await;

        assert_eq!(ended.state, RunState::Successful, "place {place}");
        assert_eq!(ended.counts.accepted + ended.counts.unchanged, 1_500, "place {place}");
    }
    assert_eq!(stage.arrived(), emails(&everybody));
    assert_eq!(stage.tagged("a"), emails(&everybody));
}

/// The destination, whose code cannot cope with some addresses.
struct Fragile(Arc<dyn Destination>, fn(&str) -> bool);

#[async_trait::async_trait]
impl Destination for Fragile {
    fn card(&self) -> DestinationCard {
        self.0.card()
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }

    async fn check(&self, key: &SecretString) -> Result<Brand, DeliveryError> {
        self.0.check(key).await
    }

    fn item(&self, email: &str, payload: &str) -> Result<String, ItemFault> {
        assert!(!self.1(email), "a test's own panic");
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

impl Stage {
    fn fragile(&self, is_poison: fn(&str) -> bool) -> Registry {
        let kind = domain::destination::DestinationKind("omnisend".to_owned());
        let whole = self.engine().deps.destinations.find(&kind).expect("a destination");
        Registry::of([Arc::new(Fragile(whole, is_poison)) as Arc<dyn Destination>])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r48_a_row_that_breaks_the_code_is_rejected_alone_and_all_others_arrive() {
    let stage = Stage::new().await;
    let everybody = people(0..3_000, "a");
    stage.refresh(&everybody).await;
    let run = stage.queue().await;
    let engine = stage.engine_with(stage.db.db.clone(), Some(stage.fragile(|email| email == "p001234@example.com")));

    assert!(engine.step().await.expect("worked"));

    let ended = stage.find(run).await;
    assert_eq!((ended.state, ended.counts.rejected), (RunState::CompletedWithErrors, 1));
    assert_eq!(ended.counts.accepted, 2_999);
    let rejected = stage.data.troubled_examples(run, 2).await.expect("read");
    assert_eq!(rejected.iter().map(|row| row.email.as_str()).collect::<Vec<_>>(), ["p001234@example.com"]);
    assert_eq!(stage.arrived().len(), 2_999);
}
