//! Rules 3, 11: the fields of each answer, held against the published schemas and recorded answers
//! (facts written down here, not copies of those files).

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};

use crate::stage::{Stage, person, switched};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
}

const CONTACT: [&str; 23] = [
    "address",
    "birthdate",
    "city",
    "consents",
    "country",
    "countryCode",
    "createdAt",
    "customProperties",
    "email",
    "firstName",
    "gender",
    "id",
    "identifiers",
    "lastName",
    "optIns",
    "phone",
    "postalCode",
    "segments",
    "state",
    "status",
    "statuses",
    "tags",
    "updatedAt",
];

const BATCH: [&str; 12] = [
    "batchID",
    "createdAt",
    "endedAt",
    "endpoint",
    "errorsCount",
    "eventID",
    "finishedCount",
    "method",
    "origin",
    "startedAt",
    "status",
    "totalCount",
];

#[tokio::test]
async fn a_contact_has_the_published_fields() -> Result<()> {
    let stage = Stage::new().await?;
    let body = json!({
        "identifiers": [
            {"type": "email", "id": "john@example.com", "sendWelcomeMessage": false, "consent": {"source": "form", "ip": "192.0.2.1"},
             "channels": {"email": {"status": "subscribed", "statusChangedAt": "2024-05-09T16:25:02.332Z"}}},
            {"type": "phone", "id": "+37060000000"}
        ],
        "birthdate": "1990-01-01", "gender": "m", "tags": ["tag1"], "createdAt": "2024-05-09T16:25:02Z"
    });
    let contact = stage.post("/contacts", body).await?.json();
    assert_eq!(keys(&contact), CONTACT.into_iter().collect());
    assert_eq!(contact["phone"], json!(["+37060000000"]));
    assert_eq!(
        contact["statuses"],
        json!([{"channel": "email", "status": "subscribed", "statusChangedAt": "2024-05-09T16:25:02.332Z"}])
    );
    assert_eq!(contact["optIns"], json!([{"channel": "email", "optInAt": "2024-05-09T16:25:02.332Z"}]));
    assert_eq!(keys(&contact["consents"][0]), ["channel", "createdAt", "ip", "source", "userAgent"].into());
    assert_eq!(contact["customProperties"], json!({"externalCreated": "2024-05-09T16:25:02Z"}));
    let id = contact["id"].as_str().unwrap_or_default();
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(keys(&contact["identifiers"][1]), ["channels", "id", "type"].into());
    Ok(())
}

#[tokio::test]
async fn empty_values_are_null_or_empty_text_as_seen_live_unless_switched_off() -> Result<()> {
    let stage = Stage::new().await?;
    stage.person("a@x.com").await?;
    let contact = stage.get("/contacts").await?.json()["contacts"][0].clone();
    for name in ["phone", "consents", "customProperties", "segments", "tags"] {
        assert_eq!(contact[name], Value::Null, "{name}");
    }
    assert_eq!(contact["gender"], "");
    let plain = Stage::with(switched(|switches| switches.null_quirks = false)?).await?;
    plain.person("a@x.com").await?;
    let contact = plain.get("/contacts").await?.json()["contacts"][0].clone();
    assert_eq!(
        (&contact["phone"], &contact["customProperties"], contact.get("gender")),
        (&json!([]), &json!({}), None)
    );
    Ok(())
}

#[tokio::test]
async fn the_contact_list_has_the_published_paging() -> Result<()> {
    let stage = Stage::new().await?;
    let list = stage.get("/contacts").await?.json();
    assert_eq!(
        list,
        json!({"contacts": [], "paging": {"limit": 100, "hasMore": false, "cursors": {"after": null, "before": null}}})
    );
    Ok(())
}

#[tokio::test]
async fn a_batch_and_its_items_have_the_published_fields() -> Result<()> {
    let stage = Stage::new().await?;
    let id = stage.batch(vec![person("a@x.com"), person("bad")]).await?;
    stage.pass(1_000);
    assert_eq!(keys(&stage.get(&format!("/batches/{id}")).await?.json()), BATCH.into_iter().collect());
    let items = stage.get(&format!("/batches/{id}/items")).await?.json();
    assert_eq!(keys(&items), BATCH.into_iter().chain(["errors", "responses"]).collect());
    for item in [&items["errors"][0], &items["responses"][0]] {
        assert_eq!(keys(item), ["itemID", "request", "response", "responseCode", "status"].into());
    }
    let list = stage.get("/batches?endpoint=contacts").await?.json();
    assert_eq!(keys(&list), ["batches", "paging"].into());
    assert_eq!(keys(&list["paging"]), ["limit", "next", "offset", "previous"].into());
    Ok(())
}

#[tokio::test]
async fn a_brand_and_a_segment_have_the_published_fields() -> Result<()> {
    let stage = Stage::new().await?;
    let brand = stage.get("/brands/current").await?;
    assert_eq!(
        keys(&brand.json()),
        ["brandID", "connected", "currency", "name", "platform", "timezone", "version", "website"].into()
    );
    assert_eq!(
        (brand.json()["brandID"].as_str(), brand.content_type.as_str()),
        (Some("5f0000000000000000000001"), "application/json")
    );
    let segment = stage.post("/segments", json!({"name": "s", "conditionGroups": []})).await?.json();
    let expected =
        ["archivedAt", "conditionGroups", "createdAt", "isStarred", "name", "segmentID", "status", "updatedAt"];
    assert_eq!(keys(&segment), expected.into());
    Ok(())
}
