//! The requests, one function each. Nothing is repeated here, and nothing that is sent or received is logged.

use domain::destination::Brand;
use jiff::civil::Date;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::answer::{self, Changed, Contacts, Created, Id, Items, Listed};
use crate::destinations::http::{self, Answer};
use crate::destinations::{BatchPage, ContactPage, DeliveryError, ItemReport, Meaning, Recipients, TagChange};

/// The version of the interface that this client speaks.
const VERSION: &str = "2026-03-15";
/// Batches on one page of the list: the most that the service gives.
const PAGE: u64 = 250;
/// Bytes of an answer. Items repeat what was sent, and the list has up to 250 batches.
const BODY_CAP: usize = 1 << 20;
const ITEMS_BODY_CAP: usize = 8 << 20;

/// The service at one address.
#[derive(Debug)]
pub(super) struct Client {
    http: http::Client,
    base: Url,
}

impl Client {
    /// The client for a base address such as `https://api.omnisend.com/api`. Plain HTTP is taken only where the
    /// operator names such an address.
    pub(super) fn new(base: &str) -> Result<Self, String> {
        Self::with(base, http::Client::new().map_err(|error| error.to_string())?)
    }

    /// The same, with a client that is there already.
    pub(super) fn with(base: &str, http: http::Client) -> Result<Self, String> {
        let base = Url::parse(base.trim_end_matches('/')).map_err(|error| error.to_string())?;
        if !matches!(base.scheme(), "https" | "http") || base.cannot_be_a_base() {
            return Err("it is neither https nor http".to_owned());
        }
        Ok(Self { http, base })
    }

    pub(super) fn url(&self, path: &[&str]) -> Result<Url, DeliveryError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| DeliveryError::without_answer(Meaning::NotTheDestination, "no address"))?
            .extend(path);
        Ok(url)
    }

    fn request(&self, key: &SecretString, method: Method, url: Url) -> Result<RequestBuilder, DeliveryError> {
        let bad_key = |_| DeliveryError::without_answer(Meaning::KeyRefused, "the key has characters that no key has");
        let mut authorization =
            HeaderValue::try_from(format!("Omnisend-API-Key {}", key.expose_secret())).map_err(bad_key)?;
        authorization.set_sensitive(true);
        Ok(self
            .http
            .request(method, url)
            .header("Omnisend-Version", VERSION)
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json"))
    }

    pub(super) async fn get(&self, key: &SecretString, url: Url, cap: usize) -> Result<Answer, DeliveryError> {
        self.http.send(self.request(key, Method::GET, url)?, cap).await
    }

    async fn send_json(
        &self,
        key: &SecretString,
        method: Method,
        path: &[&str],
        body: String,
    ) -> Result<Answer, DeliveryError> {
        let request = self.request(key, method, self.url(path)?)?.header(CONTENT_TYPE, "application/json").body(body);
        self.http.send(request, BODY_CAP).await
    }

    /// `GET /brands/current`.
    pub(super) async fn brand(&self, key: &SecretString) -> Result<Brand, DeliveryError> {
        #[derive(Deserialize)]
        struct Current {
            #[serde(rename = "brandID")]
            brand_id: Id,
            name: Option<String>,
            website: Option<String>,
        }
        let answer = self.get(key, self.url(&["brands", "current"])?, BODY_CAP).await?;
        let current: Current = answer::read(&answer, 200)?;
        Ok(Brand {
            id: current.brand_id.0,
            name: current.name.unwrap_or_default(),
            website: current.website.unwrap_or_default(),
        })
    }

    /// `GET /contacts?limit=1`: proves the right to read contacts.
    pub(super) async fn read_one_contact(&self, key: &SecretString) -> Result<(), DeliveryError> {
        let mut url = self.url(&["contacts"])?;
        url.query_pairs_mut().append_pair("limit", "1");
        let answer = self.get(key, url, BODY_CAP).await?;
        answer::read::<Contacts>(&answer, 200).map(|_| ())
    }

    /// `POST /batches`.
    pub(super) async fn send_batch(&self, key: &SecretString, items: &[String]) -> Result<String, DeliveryError> {
        let length = items.iter().map(|item| item.len() + 1).sum::<usize>() + 64;
        let mut body = String::with_capacity(length);
        body.push_str(r#"{"method":"POST","endpoint":"contacts","items":["#);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(item);
        }
        body.push_str("]}");
        let answer = self.send_json(key, Method::POST, &["batches"], body).await?;
        answer::read::<Created>(&answer, 201).map(|created| created.batch_id.0)
    }

    /// `GET /batches`, one page.
    pub(super) async fn list_batches(
        &self,
        key: &SecretString,
        since: Date,
        from: u64,
    ) -> Result<BatchPage, DeliveryError> {
        let mut url = self.url(&["batches"])?;
        url.query_pairs_mut()
            .append_pair("endpoint", "contacts")
            .append_pair("dateFrom", &since.to_string())
            .append_pair("offset", &from.to_string())
            .append_pair("limit", &PAGE.to_string());
        let answer = self.get(key, url, BODY_CAP).await?;
        answer::read::<Listed>(&answer, 200).map(|listed| listed.into_page(from))
    }

    /// `GET /batches/{id}/items`.
    pub(super) async fn batch_items(&self, key: &SecretString, batch: &str) -> Result<Vec<ItemReport>, DeliveryError> {
        let answer = self.get(key, self.url(&["batches", batch, "items"])?, ITEMS_BODY_CAP).await?;
        answer::read::<Items>(&answer, 200).map(Items::into_reports)
    }

    /// `GET /contacts`, one page, those that were made last first. A cursor carries the order with it.
    pub(super) async fn list_contacts(
        &self,
        key: &SecretString,
        after: Option<&str>,
    ) -> Result<ContactPage, DeliveryError> {
        let mut url = self.url(&["contacts"])?;
        url.query_pairs_mut().append_pair("limit", &PAGE.to_string());
        match after {
            Some(after) => url.query_pairs_mut().append_pair("after", after),
            None => url.query_pairs_mut().append_pair("sort", "createdAt").append_pair("direction", "desc"),
        };
        let answer = self.get(key, url, ITEMS_BODY_CAP).await?;
        answer::read::<Contacts>(&answer, 200).map(Contacts::into_page)
    }

    /// `PATCH /contacts?email=…`: one custom property, of a contact that is there.
    pub(super) async fn set_property(
        &self,
        key: &SecretString,
        name: &str,
        value: bool,
        email: &str,
    ) -> Result<(), DeliveryError> {
        let mut url = self.url(&["contacts"])?;
        url.query_pairs_mut().append_pair("email", email);
        let body = serde_json::json!({ "customProperties": { name: value } }).to_string();
        let request = self.request(key, Method::PATCH, url)?.header(CONTENT_TYPE, "application/json").body(body);
        let answer = self.http.send(request, BODY_CAP).await?;
        answer::read::<Changed>(&answer, 200).map(|_| ())
    }

    /// `POST` or `DELETE /contacts/tags`.
    pub(super) async fn change_tag(
        &self,
        key: &SecretString,
        change: TagChange,
        tag: &str,
        recipients: &Recipients,
    ) -> Result<(), DeliveryError> {
        let method = match change {
            TagChange::Add => Method::POST,
            TagChange::Remove => Method::DELETE,
        };
        #[derive(Serialize)]
        struct Change<'a> {
            tags: [&'a str; 1],
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            emails: &'a [String],
            #[serde(rename = "contactIDs", skip_serializing_if = "<[String]>::is_empty")]
            contact_ids: &'a [String],
        }
        let body = Change { tags: [tag], emails: &recipients.emails, contact_ids: &recipients.ids };
        let unwritable = |_| DeliveryError::without_answer(Meaning::Refused, "the request cannot be written");
        let body = serde_json::to_string(&body).map_err(unwritable)?;
        let answer = self.send_json(key, method, &["contacts", "tags"], body).await?;
        answer::read_empty(&answer, 202)
    }
}
