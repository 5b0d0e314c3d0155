//! The one HTTP client for all destinations: time-outs, no redirects, bodies up to a size, nothing of a body in errors
//! or logs. Knows nothing of any destination's interface, and never sends a request twice.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode, Url};

use super::{DeliveryError, Meaning};

/// Time to reach the other side.
const CONNECT: Duration = Duration::from_secs(5);
/// Time without a single byte.
const SILENCE: Duration = Duration::from_secs(10);
/// Time for a whole request with its answer.
const TOTAL: Duration = Duration::from_secs(30);

/// Waits between the look-ups of one name: a moment without an answer is no wrong name.
const LOOK_UP_AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1_500)];

/// A client that destinations send with.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    /// Instead of the network.
    carrier: Option<Arc<dyn Carrier>>,
}

/// Carries requests another way than over the network: for simulations that keep their own time.
#[async_trait::async_trait]
pub trait Carrier: fmt::Debug + Send + Sync {
    /// Brings a request to the other side and its answer back.
    async fn carry(&self, request: reqwest::Request) -> Result<Answer, DeliveryError>;
}

/// An answer, whole, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The seconds or the date of `Retry-After`, as far as it is a plain number of seconds.
    pub retry_after: Option<Duration>,
    /// Does it say that it is JSON?
    pub is_json: bool,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer, from what HTTP gives.
    pub fn of(status: u16, headers: &HeaderMap, body: Vec<u8>) -> Self {
        Self { status, retry_after: retry_after(headers), is_json: says_json(headers), body }
    }
}

impl Client {
    /// A client whose requests somebody else carries.
    pub fn carried_by(carrier: Arc<dyn Carrier>) -> Result<Self, reqwest::Error> {
        Ok(Self { carrier: Some(carrier), ..Self::new()? })
    }

    /// A client with the time-outs of this file.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Installed by `main` already; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "this is the place where time-outs and limits are set")]
        let builder = reqwest::Client::builder();
        let inner = builder
            .dns_resolver(Arc::new(Names))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .timeout(TOTAL)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(64)
            .tcp_nodelay(true)
            .user_agent(concat!("Ferry/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { inner, carrier: None })
    }

    /// Begins a request.
    pub fn request(&self, method: reqwest::Method, url: Url) -> RequestBuilder {
        self.inner.request(method, url)
    }

    /// Sends a request and reads the answer, at most `body_cap` bytes of it.
    pub async fn send(&self, request: RequestBuilder, body_cap: usize) -> Result<Answer, DeliveryError> {
        if let Some(carrier) = &self.carrier {
            return carrier.carry(request.build().map_err(|error| not_answered(&error))?).await;
        }
        let mut response = request.send().await.map_err(|error| not_answered(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > body_cap => {
                    return Err(broken(status, "the answer is too long"));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(_) => return Err(broken(status, "the answer broke off")),
            }
        }
        Ok(Answer::of(status.as_u16(), &headers, body.to_vec()))
    }
}

/// The machine's own look-up of names, with an error that can be told from others.
#[derive(Debug)]
struct Names;

/// The name of the server leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the name of the server is not known")]
struct NameUnknown;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            for wait in LOOK_UP_AGAIN.map(Some).into_iter().chain([None]) {
                if let Ok(found) = tokio::net::lookup_host((name.as_str(), 0)).await {
                    let found: Vec<_> = found.collect();
                    if !found.is_empty() {
                        return Ok(Box::new(found.into_iter()) as Addrs);
                    }
                }
                if let Some(wait) = wait {
                    tokio::time::sleep(wait).await;
                }
            }
            Err(Box::new(NameUnknown) as Box<dyn Error + Send + Sync>)
        })
    }
}

/// What a request without an answer means. The error's own text may hold the address with its query, so it is left out.
fn not_answered(error: &reqwest::Error) -> DeliveryError {
    if has_cause::<NameUnknown>(error) {
        DeliveryError::without_answer(Meaning::NameUnknown, "the name of the server is not known")
    } else if error.is_connect() && has_cause::<rustls::Error>(error) {
        // Whoever answers has no certificate that this machine trusts, or speaks no TLS: nothing was sent.
        DeliveryError::without_answer(Meaning::Untrusted, "the server does not prove to be the one that was asked for")
    } else if error.is_connect() {
        let detail = if error.is_timeout() { "no connection in time" } else { "no connection" };
        DeliveryError::without_answer(Meaning::Unreachable, detail)
    } else if error.is_builder() {
        DeliveryError::without_answer(Meaning::Refused, "the request cannot be written")
    } else if error.is_timeout() {
        DeliveryError::without_answer(Meaning::Unknown, "no answer in time")
    } else {
        DeliveryError::without_answer(Meaning::Unknown, "the connection broke before an answer")
    }
}

/// Is there an error of this type among the causes? Errors of input and output hold theirs in a place of its own.
fn has_cause<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let inside = || error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<T>()
        || inside().is_some_and(|inner| has_cause::<T>(inner))
        || error.source().is_some_and(|source| has_cause::<T>(source))
}

/// An answer whose status came but whose body did not. A refusal stays what it is: those do not need the body.
fn broken(status: StatusCode, detail: &str) -> DeliveryError {
    let meaning =
        if status == StatusCode::TOO_MANY_REQUESTS { Meaning::TooFast { after: None } } else { Meaning::Unknown };
    DeliveryError { meaning, status: Some(status.as_u16()), reference: None, detail: detail.to_owned() }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn says_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.contains("json")
}

/// What a destination said, fit to be kept and shown: one line, at most 200 characters, words with `@` blanked, long
/// runs of digits too. A message may quote what was sent.
pub fn fit_to_show(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let word = if word.contains('@') || digits >= 7 { "…" } else { word };
        if shown.chars().count() + word.chars().count() + 1 > 200 {
            shown.push('…');
            break;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.extend(word.chars().filter(|c| !c.is_control()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::fit_to_show;

    #[test]
    fn what_is_shown_has_no_address_no_number_and_one_short_line() {
        assert_eq!(fit_to_show("email ana@x.ro is\n not valid"), "email … is not valid");
        assert_eq!(fit_to_show("phone +40721234567 taken"), "phone … taken");
        assert!(fit_to_show(&"word ".repeat(500)).chars().count() <= 201);
    }
}
