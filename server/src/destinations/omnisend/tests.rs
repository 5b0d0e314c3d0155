//! What is sent and what answers mean, as tables. The requests themselves are tested over HTTP in `contract.rs` and with
//! the simulator.

use std::time::Duration;

use super::answer::{Created, Items, Listed, meaning_of, read};
use super::contact::item;
use super::*;
use crate::destinations::http::Answer;
use crate::destinations::{ItemOutcome, Stage};

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, retry_after: None, is_json: true, body: body.as_bytes().to_vec() }
}

#[test]
fn a_contact_is_written_with_its_fields_and_nothing_else() {
    let payload = r#"{"properties":{"points":12,"tier":"gold"},"targets":{"address":"Str. Unirii 1","birthdate":"1990-05-17",
        "city":"Cluj","country":{"code":"RO","name":"Romania"},"first_name":"Ștefan","gender":"m","last_name":"O'Brien",
        "phone":"+40721234567","post_code":"00123","state":"Cluj"}}"#;

    let written: serde_json::Value =
        serde_json::from_str(&item("stefan@example.ro", payload).expect("an item")).expect("JSON");

    let expected = serde_json::json!({
        "identifiers": [
            { "type": "email", "id": "stefan@example.ro", "sendWelcomeMessage": false },
            { "type": "phone", "id": "+40721234567", "sendWelcomeMessage": false },
        ],
        "firstName": "Ștefan", "lastName": "O'Brien", "address": "Str. Unirii 1", "city": "Cluj", "state": "Cluj",
        "postalCode": "00123", "country": "Romania", "countryCode": "RO", "birthdate": "1990-05-17", "gender": "m",
        "customProperties": { "points": 12, "tier": "gold" },
    });
    assert_eq!(written, expected);
}

#[test]
fn empty_fields_are_left_out_so_that_nothing_is_removed_by_accident() {
    let written =
        item("a@example.com", r#"{"targets":{"city":"","state":null,"country":""},"properties":{"x":"","y":null}}"#);

    let expected = r#"{"identifiers":[{"type":"email","id":"a@example.com","sendWelcomeMessage":false}]}"#;
    assert_eq!(written.expect("an item"), expected);
}

#[test]
fn a_country_may_be_a_bare_name() {
    let written = item("a@example.com", r#"{"targets":{"country":"Spain"}}"#).expect("an item");
    assert!(written.contains(r#""country":"Spain""#) && !written.contains("countryCode"));
}

#[test]
fn every_status_has_one_meaning() {
    let problem = r#"{"type":"https://problems.omnisend.com/x","title":"X","status":0}"#;
    let html = "<html>Bad gateway</html>";
    let table = [
        (429, problem, Meaning::TooFast { after: None }),
        (503, html, Meaning::Unavailable { after: None }),
        (401, problem, Meaning::KeyRefused),
        (402, problem, Meaning::PlanExceeded),
        (403, problem, Meaning::PermissionMissing),
        (404, problem, Meaning::Gone),
        (404, html, Meaning::NotTheDestination),
        (301, html, Meaning::NotTheDestination),
        (410, problem, Meaning::Retired),
        (400, problem, Meaning::Refused),
        (413, html, Meaning::Refused),
        (422, problem, Meaning::Refused),
        (408, problem, Meaning::Unknown),
        (500, problem, Meaning::Unknown),
        (502, html, Meaning::Unknown),
        (524, html, Meaning::Unknown),
        (200, html, Meaning::Unknown),
    ];
    for (status, body, expected) in table {
        assert_eq!(meaning_of(&answer(status, body)).meaning, expected, "status {status}, {body}");
    }
}

#[test]
fn the_wait_is_read_from_the_body_then_the_header_and_nonsense_is_none() {
    let seconds = |n| Some(Duration::from_secs(n));
    let table = [
        (r#"{"retryAfter":7}"#, None, seconds(7)),
        (r#"{"retryAfter":"7"}"#, None, seconds(7)),
        (r#"{"retryAfter":7}"#, seconds(3), seconds(7)),
        ("{}", seconds(3), seconds(3)),
        ("not JSON", seconds(3), seconds(3)),
        (r#"{"retryAfter":-1}"#, None, None),
        (r#"{"retryAfter":0}"#, None, None),
        (r#"{"retryAfter":"soon"}"#, None, None),
        (r#"{"retryAfter":null}"#, seconds(2), seconds(2)),
        (r#"{"retryAfter":1e300}"#, None, None),
        (r#"{"retryAfter":1000000000}"#, None, seconds(1_000_000_000)),
        ("{}", None, None),
    ];
    for (body, header, expected) in table {
        let given = Answer { retry_after: header, ..answer(429, body) };
        assert_eq!(meaning_of(&given).meaning, Meaning::TooFast { after: expected }, "{body}");
    }
}

#[test]
fn a_success_is_only_the_expected_status_with_the_expected_json() {
    let id =
        |given: &Answer| read::<Created>(given, 201).map(|created| created.batch_id.0).map_err(|error| error.meaning);
    assert_eq!(id(&answer(201, r#"{"batchID":"5f92","totalCount":1}"#)), Ok("5f92".to_owned()));
    for bad in [r#"{"batchID":"5f"#, "", "<html></html>", "[]", r#"{"batchID":7}"#] {
        assert_eq!(id(&answer(201, bad)), Err(Meaning::Unknown), "{bad}");
    }
    assert_eq!(id(&answer(200, r#"{"batchID":"5f92"}"#)), Err(Meaning::Unknown));
}

#[test]
fn the_reference_for_support_is_kept_and_addresses_are_not() {
    let body = r#"{"title":"Bad","detail":"ana@example.com is wrong","instance":"urn:omnisend:request:0-1",
        "errors":[{"field":"items[0]","code":"required","message":"missing"}]}"#;
    let error = meaning_of(&answer(400, body));
    assert_eq!(error.reference.as_deref(), Some("urn:omnisend:request:0-1"));
    assert_eq!(error.detail, "… is wrong; items[0]: missing");
}

#[test]
fn a_page_of_batches_tells_where_the_next_begins() {
    let body = r#"{"batches":[{"batchID":"a","status":"finished","totalCount":2,"finishedCount":2,"errorsCount":1},
        {"batchID":"b","status":"inProgress"},{"batchID":"c","status":"stopped","finishedCount":1}],
        "paging":{"limit":3,"offset":6,"next":"https://api.omnisend.com/api/batches?offset=9","previous":null}}"#;
    let page = read::<Listed>(&answer(200, body), 200).expect("a page").into_page(6);
    assert_eq!(page.next, Some(9));
    let stages: Vec<_> = page.batches.iter().map(|one| (one.stage, one.errors)).collect();
    assert_eq!(stages, [(Stage::Finished, 1), (Stage::Working, 0), (Stage::Stopped, 0)]);

    let last = r#"{"batches":null,"paging":{"next":null}}"#;
    assert_eq!(read::<Listed>(&answer(200, last), 200).expect("a page").into_page(0), BatchPage::default());
}

#[test]
fn items_tell_apart_what_was_taken_what_may_be_later_and_what_is_refused() {
    let one = |email: &str, code: u16, response: &str| {
        format!(
            r#"{{"itemID":"1","request":{{"identifiers":[{{"type":"email","id":"{email}"}}]}},"responseCode":{code},"response":{response}}}"#
        )
    };
    let body = format!(
        r#"{{"errors":[{},{},{}],"responses":[{},{}]}}"#,
        one("bad", 400, r#"{"error":"1 error(s) found.","fields":{"0":["identifiers[0].id: bad@x not valid"]}}"#),
        one("busy", 429, "null"),
        one("slow", 503, r#"{"title":"later"}"#),
        one("good", 201, r#"{"id":"1"}"#),
        one("bad", 400, "null"),
    );
    let reports = read::<Items>(&answer(200, &body), 200).expect("items").into_reports();
    let expected = [
        ("bad", ItemOutcome::Refused("1 error(s) found.; identifiers[0].id: … not valid".to_owned())),
        ("busy", ItemOutcome::Later),
        ("slow", ItemOutcome::Later),
        ("good", ItemOutcome::Taken),
    ];
    let found: Vec<_> = reports.iter().map(|r| (r.email.as_deref().unwrap_or(""), r.outcome.clone())).collect();
    assert_eq!(found, expected);
}

#[test]
fn columns_of_a_dynamics_export_suggest_themselves() {
    use domain::attribute::{Attribute, AttributeType};
    let names = [
        "Full Name",
        "First Name",
        "Last Name",
        "Email",
        "Business Phone",
        "Gender",
        "Address 1: Street 1",
        "Address 1: Street 2",
        "Address 1: City",
        "Address 1: County",
        "Address 1: ZIP/Postal Code",
        "Address 1: Country/Region",
    ];
    let attributes: Vec<Attribute> =
        names.iter().map(|name| Attribute { name: (*name).to_owned(), kind: AttributeType::Text }).collect();
    let card = Omnisend::new(None).expect("the usual address").card();

    let mapping = domain::mapping::suggest(&card, &attributes);

    let found = |target: &str| mapping.attribute_of(target);
    assert_eq!(found("email"), Some("Email"));
    assert_eq!(found("first_name"), Some("First Name"));
    assert_eq!(found("address"), Some("Address 1: Street 1"));
    assert_eq!(found("state"), Some("Address 1: County"));
    assert_eq!(found("post_code"), Some("Address 1: ZIP/Postal Code"));
    assert_eq!(found("country"), Some("Address 1: Country/Region"));
    assert_eq!(found("phone"), Some("Business Phone"));
    assert_eq!(found("gender"), Some("Gender"));
    assert_eq!(mapping.faults(&card, &attributes), []);
}

#[test]
fn a_key_that_may_not_read_the_brand_still_names_one_account() {
    let id = |key: &str| brand_from_key(&key.to_owned().into()).id;
    assert_eq!(id("5f92cbf10cf217478ba93561-s3cr3t"), "5f92cbf10cf217478ba93561");
    assert!(id("other").starts_with("key-") && id("other") == id("other") && id("other") != id("else"));
}
