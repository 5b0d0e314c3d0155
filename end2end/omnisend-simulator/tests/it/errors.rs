//! Rules 1 to 3: keys, scopes, the version header, and the form of errors.

use anyhow::Result;
use omnisend_simulator::{BrandOptions, KeyOptions, Options};
use serde_json::json;

use crate::stage::{Stage, still};

#[tokio::test]
async fn no_key_and_an_unknown_key_get_the_same_bare_401() -> Result<()> {
    let mut stage = Stage::new().await?;
    stage.key = String::new();
    let none = stage.get("/brands/current").await?;
    stage.key = "5f0000000000000000000001-wrong".to_owned();
    let wrong = stage.get("/brands/current").await?;
    assert_eq!((none.status, &none.text), (401, &wrong.text));
    let expected =
        json!({"type": "https://problems.omnisend.com/unauthorized", "title": "Unauthorized", "status": 401});
    assert_eq!(none.json(), expected);
    assert_eq!(none.content_type, "application/problem+json");
    Ok(())
}

#[tokio::test]
async fn the_key_is_checked_before_the_version_header() -> Result<()> {
    let mut stage = Stage::new().await?;
    stage.version = Some("nonsense".to_owned());
    assert_eq!(stage.get("/contacts").await?.status, 400);
    stage.key = "unknown".to_owned();
    assert_eq!(stage.get("/contacts").await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn a_key_without_the_scope_gets_403_that_names_it() -> Result<()> {
    let key = KeyOptions::with_scopes("5f0000000000000000000001-reader", &["contacts.read"]);
    let brand = BrandOptions::new("5f0000000000000000000001", "Shop", vec![key]);
    let mut stage = Stage::with(Options { brands: vec![brand], ..still()? }).await?;
    stage.key = "5f0000000000000000000001-reader".to_owned();
    assert_eq!(stage.get("/contacts?limit=1").await?.status, 200);
    let refused = stage.get("/brands/current").await?;
    assert_eq!((refused.status, refused.json()["detail"].as_str()), (403, Some("Missing brands.read scope.")));
    assert_eq!(refused.json()["type"], "https://problems.omnisend.com/forbidden");
    let batch = json!({"endpoint": "contacts", "method": "POST", "items": [{}]});
    let refused = stage.post("/batches", batch).await?;
    assert_eq!((refused.status, refused.json()["detail"].as_str()), (403, Some("Missing contacts.write scope.")));
    Ok(())
}

#[tokio::test]
async fn the_version_header_must_be_there_be_a_date_and_not_be_retired() -> Result<()> {
    let mut stage = Stage::new().await?;
    stage.version = None;
    let missing = stage.get("/contacts").await?;
    assert_eq!((missing.status, missing.faults()), (400, vec![("Omnisend-Version".to_owned(), "required".to_owned())]));
    stage.version = Some("2024-06".to_owned());
    let malformed = stage.get("/contacts").await?;
    assert_eq!(
        (malformed.status, malformed.faults()),
        (400, vec![("Omnisend-Version".to_owned(), "invalid_format".to_owned())])
    );
    stage.version = Some("2024-06-01".to_owned());
    assert_eq!(stage.get("/contacts").await?.status, 410);
    stage.version = Some("2026-08-01".to_owned());
    assert_eq!(stage.get("/contacts").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_bad_contact_gets_one_400_with_all_its_faults() -> Result<()> {
    let stage = Stage::new().await?;
    let body = json!({
        "identifiers": [
            {"type": "email", "id": "no address", "channels": {"email": {"status": "maybe"}}},
            {"type": "phone", "id": "0712 345 678"},
            {"type": "pigeon", "id": "x"}
        ],
        "firstName": 7,
        "countryCode": "XX",
        "gender": "x",
        "birthdate": "1990-02-30",
        "tags": vec!["t"; 101],
        "customProperties": {"a-b": 1, "nested": {"x": 1}, "long": "x".repeat(2049)}
    });
    let refused = stage.post("/contacts", body).await?;
    assert_eq!(refused.status, 400);
    let mut fields: Vec<String> = refused.faults().into_iter().map(|(field, _)| field).collect();
    fields.sort();
    let expected = [
        "birthdate",
        "countryCode",
        "customProperties.a-b",
        "customProperties.long",
        "customProperties.nested",
        "firstName",
        "gender",
        "identifiers[0].channels.email.status",
        "identifiers[0].id",
        "identifiers[1].id",
        "identifiers[2].type",
        "tags",
    ];
    assert_eq!(fields, expected);
    let body = refused.json();
    assert_eq!(body["type"], "https://problems.omnisend.com/validation-failed");
    assert!(body["instance"].as_str().is_some_and(|urn| urn.starts_with("urn:omnisend:request:")));
    assert!(body["title"].is_string() && body["detail"].is_string() && body["status"] == 400);
    Ok(())
}

#[tokio::test]
async fn broken_json_a_wrong_type_of_body_and_a_huge_body_are_told_apart() -> Result<()> {
    let stage = Stage::new().await?;
    let url = format!("{}/contacts", stage.running.url());
    let request = |kind: &str, body: String| {
        let request = stage.client.post(&url).header("authorization", format!("Omnisend-API-Key {}", stage.key));
        request.header("omnisend-version", "2026-03-15").header("content-type", kind.to_owned()).body(body).send()
    };
    assert_eq!(request("application/json", "{\"identifiers\":[".to_owned()).await?.status(), 400);
    assert_eq!(request("text/plain", "{}".to_owned()).await?.status(), 415);
    assert_eq!(request("application/json", "x".repeat((1 << 20) + 1)).await?.status(), 413);
    Ok(())
}

#[tokio::test]
async fn unknown_paths_methods_and_query_parameters_are_refused() -> Result<()> {
    let stage = Stage::new().await?;
    assert_eq!(stage.get("/lists").await?.status, 404);
    assert_eq!(stage.send("PUT", "/contacts", json!({})).await?.status, 405);
    for path in ["/contacts?page=2", "/batches?endpoint=contacts&sort=x", "/segments?tag=x", "/brands/current?x=1"] {
        assert_eq!(stage.get(path).await?.status, 400, "{path}");
    }
    Ok(())
}
