//! A running simulator with a client that sends good headers unless told otherwise.

use std::time::Duration;

use anyhow::{Context, Result};
use omnisend_simulator::{Clock, Options, PRACTICE_KEY, Running, Simulator, State, Switches};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// 2026-05-01T00:00:00Z.
const START: &str = "2026-05-01T00:00:00Z";

pub struct Stage {
    pub running: Running,
    pub client: Client,
    pub key: String,
    pub version: Option<String>,
}

/// An answer whose body was read.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    pub text: String,
    pub retry_after: Option<String>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// (field, code) of every fault of a 400.
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|fault| (text(fault, "field"), text(fault, "code"))).collect()
    }
}

/// Options with a clock that stands still.
pub fn still() -> Result<Options> {
    Ok(Options { clock: Clock::virtual_at(START.parse()?), ..Options::default() })
}

/// The same with some switches turned.
pub fn switched(turn: impl FnOnce(&mut Switches)) -> Result<Options> {
    let mut options = still()?;
    turn(&mut options.switches);
    Ok(options)
}

impl Stage {
    pub async fn new() -> Result<Self> {
        Self::with(still()?).await
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own client, with a time-out")]
    pub async fn with(options: Options) -> Result<Self> {
        // Already there when another test of this process came first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(20)).build()?;
        let running = Simulator::start(options).await?;
        Ok(Self { running, client, key: PRACTICE_KEY.to_owned(), version: Some("2026-03-15".to_owned()) })
    }

    pub fn state(&self) -> State {
        self.running.state()
    }

    pub async fn raw(&self, method: &str, path: &str, body: Option<&Value>) -> reqwest::Result<Response> {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut request = self.client.request(method, format!("{}{path}", self.running.url()));
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Omnisend-API-Key {}", self.key));
        }
        if let Some(version) = &self.version {
            request = request.header("omnisend-version", version);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply> {
        read(self.raw(method, path, body).await?).await
    }

    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.ask("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Result<Reply> {
        self.ask("POST", path, Some(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Result<Reply> {
        self.ask("PATCH", path, Some(&body)).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Result<Reply> {
        self.ask(method, path, Some(&body)).await
    }

    /// Upserts somebody with only an address.
    pub async fn person(&self, email: &str) -> Result<Reply> {
        self.post("/contacts", person(email)).await
    }

    /// Sends a batch of contacts and gives its id.
    pub async fn batch(&self, items: Vec<Value>) -> Result<String> {
        let reply = self.post("/batches", json!({"endpoint": "contacts", "method": "POST", "items": items})).await?;
        anyhow::ensure!(reply.status == 201, "{reply:?}");
        Ok(reply.json()["batchID"].as_str().context("no batchID")?.to_owned())
    }

    /// Moves the clock.
    pub fn pass(&self, milliseconds: u64) {
        assert!(self.state().advance(Duration::from_millis(milliseconds)));
    }

    pub async fn control(&self, path: &str) -> Result<Value> {
        Ok(self.client.get(format!("{}{path}", self.running.control_url())).send().await?.json().await?)
    }

    pub async fn post_control(&self, path: &str, body: &str) -> Result<(StatusCode, Value)> {
        let request = self.client.post(format!("{}{path}", self.running.control_url()));
        let reply = request.header("content-type", "application/json").body(body.to_owned()).send().await?;
        Ok((reply.status(), reply.json().await?))
    }
}

pub async fn read(response: Response) -> Result<Reply> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (content_type, retry_after) = (header("content-type").unwrap_or_default(), header("retry-after"));
    Ok(Reply { status: response.status().as_u16(), content_type, retry_after, text: response.text().await? })
}

/// A contact with only an address.
pub fn person(email: &str) -> Value {
    json!({"identifiers": [{"type": "email", "id": email, "sendWelcomeMessage": false}]})
}

/// A contact with a status, and a date for it.
pub fn person_with_status(email: &str, status: &str, date: Option<&str>) -> Value {
    let mut channel = json!({"status": status});
    if let Some(date) = date {
        channel["statusChangedAt"] = date.into();
    }
    json!({"identifiers": [{"type": "email", "id": email, "sendWelcomeMessage": false, "channels": {"email": channel}}]})
}
