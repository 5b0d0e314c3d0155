//! What every destination of the registry must hold, whatever it is: its card, its items, and how it takes a hostile
//! network. The other side here is a socket that answers the same bytes to everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::mapping::is_property_name;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::strangers::Stranger;
use super::{Addresses, DeliveryError, Destination, Meaning, Recipients, Registry, TagChange};

const PAYLOAD: &str = r#"{"properties":{"points":1},"targets":{"first_name":"Zoë","phone":"+40721234567"}}"#;

/// All destinations, each at the same address.
fn at(address: &str) -> Vec<Arc<dyn Destination>> {
    let usual = Registry::new(&Addresses::default()).expect("the usual addresses");
    let of_kind: BTreeMap<String, String> =
        usual.cards().into_iter().map(|card| (card.kind.0, address.to_owned())).collect();
    let moved = Registry::new(&Addresses { of_kind }).expect("an address");
    moved.cards().iter().filter_map(|card| moved.find(&card.kind)).collect()
}

/// Answers these bytes to every request and hangs up.
async fn server(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/api", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut sink = [0; 8192];
                let _ = stream.read(&mut sink).await;
                let _ = stream.write_all(bytes).await;
                let _ = stream.shutdown().await;
                // Until the other side has read it: closing with unread bytes would reset the connection.
                while matches!(stream.read(&mut sink).await, Ok(n) if n > 0) {}
            });
        }
    });
    address
}

/// What each call of a destination gives when everything is answered the same.
async fn all_calls(one: &dyn Destination) -> Vec<(&'static str, Option<DeliveryError>)> {
    let key = SecretString::from("5f92cbf10cf217478ba93561-secret".to_owned());
    let item = one.item("canary@example.com", PAYLOAD).expect("an item");
    let day = jiff::civil::date(2026, 3, 2);
    let recipients = Recipients { emails: vec!["canary@example.com".to_owned()], ids: vec!["5f92".to_owned()] };
    vec![
        ("check", one.check(&key).await.err()),
        ("send", one.send_batch(&key, &[item]).await.err()),
        ("list", one.list_batches(&key, day, 0).await.err()),
        ("contacts", one.list_contacts(&key, None).await.err()),
        ("items", one.batch_items(&key, "5f92").await.err()),
        ("clear", one.clear_property(&key, "points", "canary@example.com").await.err()),
        ("add", one.change_tag(&key, TagChange::Add, "t", &recipients).await.err()),
        ("remove", one.change_tag(&key, TagChange::Remove, "t", &recipients).await.err()),
    ]
}

#[track_caller]
fn no_secret(error: &DeliveryError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("canary") && !shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_never_a_success() {
    let answers: [&[u8]; 6] = [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 27\r\n\r\n<html>canary secret</html>\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{\"batchID\":\"5f",
        b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull",
        b"",
        b"rubbish\r\n\r\n",
    ];
    for bytes in answers {
        for one in at(&server(bytes).await) {
            for (call, error) in all_calls(one.as_ref()).await {
                let error = error.unwrap_or_else(|| panic!("{call} took {bytes:?} for a success"));
                assert_eq!(error.meaning, Meaning::Unknown, "{call}, {bytes:?}");
                no_secret(&error);
            }
        }
    }
}

#[tokio::test]
async fn every_call_tells_the_refusals_apart() {
    let table: [(&[u8], Meaning); 5] = [
        (b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}", Meaning::KeyRefused),
        (b"HTTP/1.1 410 Gone\r\ncontent-length: 2\r\n\r\n{}", Meaning::Retired),
        (b"HTTP/1.1 402 Payment Required\r\ncontent-length: 2\r\n\r\n{}", Meaning::PlanExceeded),
        (
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n",
            Meaning::TooFast { after: Some(Duration::from_secs(9)) },
        ),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
            Meaning::NotTheDestination,
        ),
    ];
    for (bytes, expected) in table {
        for one in at(&server(bytes).await) {
            for (call, error) in all_calls(one.as_ref()).await {
                assert_eq!(error.map(|error| error.meaning), Some(expected), "{call}");
            }
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut sink = [0; 8192];
                let _ = stream.read(&mut sink).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[").await;
                while stream.write_all(&[b' '; 65536]).await.is_ok() {}
            });
        }
    });
    for one in at(&address) {
        for (call, error) in all_calls(one.as_ref()).await {
            assert_eq!(error.map(|error| error.meaning), Some(Meaning::Unknown), "{call}");
        }
    }
}

#[tokio::test]
async fn nobody_there_means_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    for one in at(&address) {
        for (call, error) in all_calls(one.as_ref()).await {
            assert_eq!(error.map(|error| error.meaning), Some(Meaning::Unreachable), "{call}");
        }
    }
}

/// R-23. Nothing is told to whoever does not prove to be the destination, and nothing is asked without a proof instead.
#[tokio::test]
async fn r23_a_server_without_a_trusted_certificate_is_told_nothing() {
    for (stranger, greets_with) in [(Stranger::without_tls(), Some(0x16)), (Stranger::self_signed(), None)] {
        for one in at(&stranger.url) {
            for (call, error) in all_calls(one.as_ref()).await {
                let error = error.expect("no success");
                assert_eq!(error.meaning, Meaning::Untrusted, "{call}: {error}");
                no_secret(&error);
            }
        }
        let told = stranger.told();
        assert!(!told.is_empty(), "it was asked");
        assert!(told.iter().all(|told| told.first().copied() == greets_with), "TLS, or nothing");
    }
}

#[tokio::test]
async fn r23_a_name_that_leads_nowhere_is_told_apart_from_silence() {
    let key = SecretString::from("5f92cbf10cf217478ba93561-secret".to_owned());
    for one in at("https://nobody.invalid/api") {
        let error = one.check(&key).await.expect_err("nobody");
        assert_eq!(error.meaning, Meaning::NameUnknown, "{error}");
        no_secret(&error);
    }
}

#[test]
fn the_card_can_be_drawn_and_matched() {
    for one in at("http://127.0.0.1:1") {
        let card = one.card();
        assert!(card.targets.iter().any(|target| target.name == "email" && target.required));
        for target in &card.targets {
            assert!(is_property_name(&target.name), "{}", target.name);
            for name in &target.suggestions {
                let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
                assert_eq!(*name, plain, "suggestions are compared without case and punctuation");
            }
        }
        let limits = one.limits();
        assert!(limits.rows_per_batch > 0 && limits.bytes_per_batch > 10_000 && limits.requests_per_minute > 0);
    }
}

#[test]
fn an_item_is_the_same_each_time_and_touches_no_consent_and_no_tag() {
    for one in at("http://127.0.0.1:1") {
        let item = one.item("canary@example.com", PAYLOAD).expect("an item");
        assert_eq!(one.item("canary@example.com", PAYLOAD).as_ref(), Ok(&item));
        for never in ["\"tags\"", "\"channels\"", "\"status\"", "\"consent\"", "\"createdAt\""] {
            assert!(!item.contains(never), "{never}");
        }
        assert!(item.contains("Zoë") && item.contains("canary@example.com"));
        assert!(one.item("canary@example.com", "not JSON").is_err_and(|fault| !fault.0.contains("canary")));
    }
}
