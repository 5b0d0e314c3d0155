//! The requests of the line, and what they give.

use std::sync::Arc;

use domain::marking::property_of;
use jiff::civil::Date;
use secrecy::SecretString;

use super::feed::Body;
use super::guard::Key;
use crate::db::batches::{Batch, Kind};
use crate::destinations::{BatchPage, ContactPage, DeliveryError, Destination, ItemReport, TagChange};

/// A request of the line.
#[derive(Debug)]
pub(super) enum Request {
    /// Sends a batch, of contacts or of one tag.
    Send { batch: Batch, body: Body },
    /// Asks for a page of the destination's batches.
    List { since: Date, from: u64 },
    /// Asks what became of a batch's items.
    Items { id: String },
    /// Asks for the ids of contacts that were just made.
    Contacts { after: Option<String> },
}

/// What a request gave.
#[derive(Debug)]
pub(super) enum Reply {
    Taken(String),
    Tagged,
    Page(BatchPage),
    Items(Vec<ItemReport>),
    Contacts(ContactPage),
}

/// A request that is over.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) request: Request,
    pub(super) launched_at: i64,
    /// The key that it was sent with.
    pub(super) key: Arc<Key>,
    pub(super) result: Result<Reply, DeliveryError>,
}

impl Request {
    /// Sends it.
    pub(super) async fn ask(&self, to: &dyn Destination, key: &SecretString) -> Result<Reply, DeliveryError> {
        match self {
            Request::Send { batch, body } => match &batch.kind {
                Kind::Upsert => to.send_batch(key, body.items()).await.map(Reply::Taken),
                Kind::AddTag(tag) => {
                    to.change_tag(key, TagChange::Add, tag, &body.recipients()).await.map(|()| Reply::Tagged)
                }
                Kind::RemoveTag(mark) => match property_of(mark) {
                    Some(name) => to.clear_property(key, name, body.one()).await.map(|()| Reply::Tagged),
                    None => {
                        to.change_tag(key, TagChange::Remove, mark, &body.recipients()).await.map(|()| Reply::Tagged)
                    }
                },
            },
            Request::List { since, from } => to.list_batches(key, *since, *from).await.map(Reply::Page),
            Request::Items { id } => to.batch_items(key, id).await.map(Reply::Items),
            Request::Contacts { after } => to.list_contacts(key, after.as_deref()).await.map(Reply::Contacts),
        }
    }
}
