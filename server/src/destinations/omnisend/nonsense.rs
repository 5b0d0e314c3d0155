//! hundreds of answers that are no answers of the interface, to each call: cut off, of other types, in other
//! encodings, from somebody in between. None of them is taken for a success, and none that is half right says more than the
//! right one did.

use std::sync::{Arc, Mutex};

use jiff::civil::date;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{LIMITS, Omnisend};
use crate::destinations::http::{Answer, Carrier, Client};
use crate::destinations::{DeliveryError, Destination as _, ItemOutcome, Meaning, Stage};

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

#[derive(Debug, Clone, Copy)]
enum Call {
    Brand,
    Send,
    List,
    Items,
    Unsubscribed,
    Contacts,
    Clear,
}

const CALLS: [Call; 7] =
    [Call::Brand, Call::Send, Call::List, Call::Items, Call::Unsubscribed, Call::Contacts, Call::Clear];

impl Call {
    fn status(self) -> u16 {
        if matches!(self, Self::Send) { 201 } else { 200 }
    }

    /// What the interface answers.
    fn right(self) -> Value {
        let contacts = json!([{"id": "c1", "email": "a@example.com"}, {"id": "c2", "email": "b@example.com"}]);
        let paging = json!({"hasMore": true, "cursors": {"after": "there", "before": null}});
        let item = |n: u16, code: u16| {
            let request = json!({"identifiers": [{"type": "email", "id": format!("p{n}@example.com")}]});
            json!({"itemID": n.to_string(), "request": request, "responseCode": code, "response": {"error": "no"}})
        };
        match self {
            // The brand, and one page of contacts, which is asked for next.
            Self::Brand => json!({"brandID": "5f", "name": "Shop", "website": "shop.example", "contacts": []}),
            Self::Send => json!({"batchID": "5f01"}),
            Self::List => json!({
                "batches": [
                    {"batchID": "b1", "status": "finished", "finishedCount": 100, "errorsCount": 1, "totalCount": 100},
                    {"batchID": "b2", "status": "stopped", "finishedCount": 3, "errorsCount": 0, "totalCount": 100},
                ],
                "paging": {"limit": 250, "offset": 0, "next": "more", "previous": null},
            }),
            Self::Items => {
                json!({"batchID": "b1", "errors": [item(1, 400)], "responses": [item(2, 200), item(3, 201)]})
            }
            Self::Unsubscribed | Self::Contacts => json!({"contacts": contacts, "paging": paging}),
            Self::Clear => json!({"id": "c1", "email": "a@example.com"}),
        }
    }

    /// Makes the call; gives what counts as known after it.
    async fn make(self, to: &Omnisend) -> Result<Vec<String>, DeliveryError> {
        let key = SecretString::from("5f92cbf10cf217478ba93561-secret".to_owned());
        Ok(match self {
            Self::Brand => vec![to.check(&key).await?.id],
            Self::Send => vec![to.send_batch(&key, &["{}".to_owned()]).await?],
            Self::List => {
                let batches = to.list_batches(&key, date(2026, 3, 2), 0).await?.batches;
                let over = batches.iter().filter(|one| one.stage != Stage::Working);
                over.map(|one| format!("{} {:?}", one.id, one.stage)).collect()
            }
            Self::Items => {
                let items = to.batch_items(&key, "b1").await?;
                items
                    .iter()
                    .filter(|one| one.outcome == ItemOutcome::Taken)
                    .map(|one| format!("{:?}", one.email))
                    .collect()
            }
            Self::Unsubscribed => to.list_unsubscribed(&key, None).await?.emails,
            Self::Contacts => {
                let contacts = to.list_contacts(&key, None).await?.contacts;
                contacts.into_iter().map(|one| format!("{} {}", one.id, one.email)).collect()
            }
            Self::Clear => to.clear_property(&key, "points", "a@example.com").await.map(|()| Vec::new())?,
        })
    }
}

/// What is no JSON, or none that answers anything.
fn never_an_answer() -> Vec<Vec<u8>> {
    let deep = |open: &str, close: &str| [open.repeat(20_000), close.repeat(20_000)].concat();
    let texts = [
        "",
        " ",
        "\0",
        "null",
        "true",
        "7",
        "-0.0",
        "1e999",
        "\"\"",
        "\"finished\"",
        "[]",
        "[{}]",
        "[null]",
        "[\"x\"]",
        "[[],{}]",
        "{}",
        "{\"\":\"\"}",
        "{\"status\":\"ok\"}",
        "{\"error\":\"try again\"}",
        "{\"data\":{\"batches\":[],\"contacts\":[]}}",
        "{\"Contacts\":[],\"BATCHES\":[]}",
        "{,}",
        "{'batchID':'x'}",
        "{\"batchID\":NaN}",
        "{\"batchID\":\"\"}",
        "{\"batchID\":[\"x\"]}",
        "{\"batchID\":\"\\ud800\"}",
        "undefined",
        "<html><body>Sign in to the hotel's network</body></html>",
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
        "OK",
        "HTTP/1.1 200 OK\r\n\r\n{}",
        "data: {\"batchID\":\"x\"}\n\n",
        ")]}',\n{}",
    ];
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.extend([deep("[", "]"), deep("{\"a\":", "}"), "[".repeat(100_000)].map(String::into_bytes));
    all.extend([vec![0xff; 64], vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], vec![0; 1024]]);
    all
}

/// The right answer, cut off or written in a way that is no JSON.
fn spoilt(right: &str) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..right.len()).map(|length| right.as_bytes()[..length].to_vec()).collect();
    let utf16 = right.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xef\xbb\xbf", right.as_bytes()].concat();
    all.extend([utf16, marked, format!("{right}{right}").into_bytes(), format!("{right},").into_bytes()]);
    all.extend([format!("[{right}]"), right.replace(':', "="), right.replace('"', "'")].map(String::into_bytes));
    all
}

/// The right answer with one of its values at a time gone, or something else.
fn changed(right: &Value) -> Vec<Value> {
    let others = || [json!(null), json!(true), json!(7), json!(-1.5), json!("x"), json!(""), json!([]), json!({})];
    let mut all: Vec<Value> = others().into();
    match right {
        Value::Object(fields) => {
            for (name, value) in fields {
                let mut without = fields.clone();
                without.remove(name);
                all.push(Value::Object(without));
                for other in changed(value) {
                    let mut with = fields.clone();
                    with.insert(name.clone(), other);
                    all.push(Value::Object(with));
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                for other in changed(value) {
                    let mut with = items.clone();
                    with[index] = other;
                    all.push(Value::Array(with));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

#[tokio::test]
async fn r17_no_answer_that_is_none_is_taken_for_a_success() {
    let says = Arc::new(Says::default());
    let to = Omnisend::through(Client::carried_by(says.clone()).expect("a client"), LIMITS).expect("a destination");
    let say = |status: u16, body: Vec<u8>| *says.0.lock().expect("no panic") = (status, body);
    let (mut wrong, mut half_right) = (0, 0);
    for call in CALLS {
        let right = call.right();
        let text = right.to_string();
        say(call.status(), text.clone().into_bytes());
        let known = call.make(&to).await.expect("the right answer");

        for body in never_an_answer().into_iter().chain(spoilt(&text)) {
            say(call.status(), body.clone());
            let error = call.make(&to).await.err();
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!(error.map(|error| error.meaning), Some(Meaning::Unknown), "{call:?}: {shown}");
            wrong += 1;
        }
        for status in [200, 201, 202, 203, 204, 206, 207, 226].into_iter().filter(|status| *status != call.status()) {
            say(status, text.clone().into_bytes());
            assert_eq!(
                call.make(&to).await.err().map(|error| error.meaning),
                Some(Meaning::Unknown),
                "{call:?}: {status}"
            );
            wrong += 1;
        }
        for other in changed(&right) {
            say(call.status(), other.to_string().into_bytes());
            match call.make(&to).await {
                Err(error) => assert_eq!(error.meaning, Meaning::Unknown, "{call:?}: {other}"),
                Ok(now) => {
                    let more: Vec<_> = now.iter().filter(|one| !known.contains(one) && !is_renamed(one)).collect();
                    assert!(more.is_empty(), "{call:?}: {other} says {more:?}");
                    half_right += 1;
                }
            }
            wrong += 1;
        }
    }
    println!("{wrong} answers, {half_right} of them with a part that does not matter");
    assert!(wrong > 2_000, "{wrong}");
}

/// Where a name itself was put in the place of another, or none, what is known is of that name.
fn is_renamed(one: &str) -> bool {
    one.starts_with(['x', ' '])
        || one.ends_with(['x', ' '])
        || matches!(one, "" | "None" | "Some(\"\")" | "Some(\"x\")")
}
