//! an answer to one of the calls, as its first two bytes say, is understood or refused; what is no JSON is no success.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};

use jiff::civil::date;
use libfuzzer_sys::fuzz_target;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use server::destinations::http::{Answer, Carrier, Client};
use server::destinations::omnisend::{LIMITS, Omnisend};
use server::destinations::{DeliveryError, Destination as _, Recipients, TagChange};

const STATUSES: [u16; 16] = [200, 201, 202, 200, 201, 200, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503];

/// What the interface answers: the call, the status, and the body.
const ANSWERS: [&str; 6] = [
    "\x00\x00{\"brandID\":\"5f\",\"name\":\"Shop\",\"website\":\"shop.example\",\"contacts\":[]}",
    "\x01\x01{\"batchID\":\"5f01\"}",
    "\x02\x00{\"batches\":[{\"batchID\":\"b\",\"status\":\"finished\",\"finishedCount\":2,\"errorsCount\":1}],\"paging\":{\"next\":\"x\"}}",
    "\x03\x00{\"errors\":[{\"request\":{\"identifiers\":[{\"type\":\"email\",\"id\":\"a@example.com\"}]},\"responseCode\":400,\"response\":{\"error\":\"no\",\"errors\":[{\"field\":\"f\",\"message\":\"m\"}],\"fields\":{\"0\":[\"x\"]}}}],\"responses\":null}",
    "\x04\x00{\"contacts\":[{\"id\":\"c\",\"email\":\"a@example.com\"}],\"paging\":{\"hasMore\":true,\"cursors\":{\"after\":\"x\"}}}",
    "\x05\x0d{\"type\":\"t\",\"title\":\"Slow\",\"detail\":\"d\",\"retryAfter\":\"3\",\"instance\":\"urn:omnisend:request:1\",\"errors\":[{\"field\":\"f\",\"message\":\"m\"}]}",
];

/// Says the same to everything.
#[derive(Debug, Default)]
struct Says(Mutex<(u16, Vec<u8>)>);

#[async_trait::async_trait]
impl Carrier for Says {
    async fn carry(&self, _: reqwest::Request) -> Result<Answer, DeliveryError> {
        let (status, body) = self.0.lock().expect("no panic").clone();
        Ok(Answer::of(status, &HeaderMap::new(), body))
    }
}

static SAYS: LazyLock<Arc<Says>> = LazyLock::new(Arc::default);
static OMNISEND: LazyLock<Omnisend> = LazyLock::new(|| {
    let client = Client::carried_by(SAYS.clone()).expect("a client");
    Omnisend::through(client, LIMITS).expect("a destination")
});

async fn call(which: u8) -> Result<(), DeliveryError> {
    let key = SecretString::from("5f92cbf10cf217478ba93561-secret".to_owned());
    let recipients = Recipients { emails: vec!["a@example.com".to_owned()], ids: Vec::new() };
    let to = &*OMNISEND;
    match which % 8 {
        0 => to.check(&key).await.map(drop),
        1 => to.send_batch(&key, &["{}".to_owned()]).await.map(|id| assert!(!id.is_empty(), "a batch without a name")),
        2 => to.list_batches(&key, date(2026, 3, 2), 0).await.map(drop),
        3 => to.batch_items(&key, "b1").await.map(drop),
        4 => to.list_unsubscribed(&key, None).await.map(drop),
        5 => to.list_contacts(&key, None).await.map(drop),
        6 => to.clear_property(&key, "points", "a@example.com").await,
        // The body of its answer says nothing.
        _ => to.change_tag(&key, TagChange::Add, "t", &recipients).await,
    }
}

fuzz_target!(init: ferry_fuzz::begin_with(&ANSWERS.map(|text| text.as_bytes().to_vec())), |bytes: &[u8]| {
    let [which, status, body @ ..] = bytes else { return };
    let status = STATUSES[usize::from(status % 16)];
    *SAYS.0.lock().expect("no panic") = (status, body.to_vec());
    let answer = ferry_fuzz::RUNTIME.block_on(call(*which));
    // What nobody reads may be anything, as long as it ends.
    let is_json = body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok();
    // A contact that is gone needs no property taken away.
    assert!(answer.is_err() || is_json || matches!(which % 8, 6 | 7), "{status}: a success without an answer");
    if let Err(error) = answer {
        assert!(!format!("{error} {error:?}").contains("secret"), "the key is shown");
    }
});
