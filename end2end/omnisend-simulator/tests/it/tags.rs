//! Rule 8: many contacts tagged at once.

use anyhow::Result;
use omnisend_simulator::Options;
use serde_json::{Value, json};

use crate::stage::{Stage, person, still, switched};

#[tokio::test]
async fn selectors_are_a_union_unknown_people_are_ignored_and_the_effect_comes_later() -> Result<()> {
    let stage = Stage::with(switched(|switches| switches.tag_delay_ms = 1_000)?).await?;
    let id = stage.person("a@x.com").await?.json()["id"].clone();
    stage.person("b@x.com").await?;
    stage.post("/contacts", json!({"identifiers": [{"type": "phone", "id": "+40712345678"}]})).await?;
    let body = json!({"tags": ["cdp: x"], "contactIDs": [id, "000000000000000000000000"],
        "emails": ["a@x.com", "b@x.com", "nobody@x.com"], "phones": ["+40712345678"]});
    let accepted = stage.post("/contacts/tags", body).await?;
    assert_eq!((accepted.status, accepted.text.as_str()), (202, ""));
    assert!(stage.state().summary().tags.is_empty());
    stage.pass(1_000);
    assert_eq!(stage.state().summary().tags.get("cdp: x"), Some(&3));
    Ok(())
}

#[tokio::test]
async fn people_unknown_when_the_request_is_accepted_are_not_tagged_even_if_a_batch_brings_them() -> Result<()> {
    let stage = Stage::with(switched(|switches| switches.tag_delay_ms = 60_000)?).await?;
    stage.batch(vec![person("a@x.com")]).await?;
    stage.post("/contacts/tags", json!({"tags": ["t"], "emails": ["a@x.com"]})).await?;
    stage.pass(120_000);
    let summary = stage.state().summary();
    assert_eq!((summary.contacts, summary.tags.len()), (1, 0));
    Ok(())
}

#[tokio::test]
async fn tags_are_added_to_the_others_and_removed_from_among_them() -> Result<()> {
    let stage = Stage::with(Options { ..still()? }).await?;
    let mut body = person("a@x.com");
    body["tags"] = json!(["keep", "go"]);
    stage.post("/contacts", body).await?;
    stage.post("/contacts/tags", json!({"tags": ["new"], "emails": ["a@x.com"]})).await?;
    let gone = stage.send("DELETE", "/contacts/tags", json!({"tags": ["go", "never"], "emails": ["a@x.com"]})).await?;
    assert_eq!(gone.status, 202);
    stage.pass(1_000);
    assert_eq!(stage.state().contact("a@x.com").map(|contact| contact["tags"].clone()), Some(json!(["keep", "new"])));
    assert_eq!(stage.get("/contacts?tag=new").await?.json()["contacts"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn the_bounds_of_tags_and_selectors_are_enforced() -> Result<()> {
    let stage = Stage::new().await?;
    let emails = |count: usize| (0..count).map(|n| format!("p{n}@x.com")).collect::<Vec<_>>();
    let bad: [(Value, &str); 7] = [
        (json!({"emails": ["a@x.com"]}), "tags"),
        (json!({"tags": [], "emails": ["a@x.com"]}), "tags"),
        (json!({"tags": vec!["t"; 101], "emails": ["a@x.com"]}), "tags"),
        (json!({"tags": ["t"]}), ""),
        (json!({"tags": ["t"], "contactID": "000000000000000000000000"}), ""),
        (json!({"tags": ["t"], "emails": emails(251)}), "emails"),
        (json!({"tags": ["t"], "phones": ["0712"]}), "phones[0]"),
    ];
    for (body, field) in bad {
        let refused = stage.post("/contacts/tags", body.clone()).await?;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.faults().first().map(|(name, _)| name.clone()), Some(field.to_owned()), "{body}");
    }
    assert_eq!(stage.post("/contacts/tags", json!({"tags": ["t"], "emails": emails(250)})).await?.status, 202);
    Ok(())
}

#[tokio::test]
async fn a_segment_selects_its_members_and_counts_them() -> Result<()> {
    let stage = Stage::new().await?;
    for (email, tags) in [("a@x.com", json!(["vip"])), ("b@x.com", json!(["vip", "new"])), ("c@x.com", json!([]))] {
        let mut body = person(email);
        body["tags"] = tags;
        stage.post("/contacts", body).await?;
    }
    let filter = json!({"property": "tags", "operator": "anyOf", "value": ["vip"]});
    let groups = json!([{"conditions": [{"entity": "contact", "junction": "and", "filters": [filter]}]}]);
    let created = stage.post("/segments", json!({"name": "Vips", "conditionGroups": groups})).await?;
    assert_eq!((created.status, created.json()["status"].as_str()), (201, Some("ready")));
    let id = created.json()["segmentID"].as_str().unwrap_or_default().to_owned();
    assert_eq!(stage.get(&format!("/segments/{id}/statistics")).await?.json(), json!({"contactsCount": 2}));
    stage.post("/contacts/tags", json!({"tags": ["seen"], "segmentID": id})).await?;
    stage.pass(1_000);
    assert_eq!(stage.state().emails_with_tag("seen"), ["a@x.com", "b@x.com"]);
    assert_eq!(stage.get("/segments").await?.json()["segments"].as_array().map(Vec::len), Some(1));
    assert_eq!(stage.get("/segments?limit=51").await?.status, 400);
    assert_eq!(stage.send("DELETE", &format!("/segments/{id}"), json!({})).await?.status, 204);
    assert_eq!(stage.get(&format!("/segments/{id}")).await?.status, 404);
    Ok(())
}
