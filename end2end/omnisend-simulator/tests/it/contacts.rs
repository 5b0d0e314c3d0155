//! Rules 5 to 7, 11 and 12: identity, statuses, tags in upserts, what reads look like, case.

use anyhow::Result;
use omnisend_simulator::TagsInUpserts;
use serde_json::{Value, json};

use crate::stage::{Stage, person, person_with_status, switched};

#[tokio::test]
async fn an_upsert_creates_with_201_and_then_updates_with_200() -> Result<()> {
    let stage = Stage::new().await?;
    let mut body = person("ana@example.com");
    body["firstName"] = "Ana".into();
    body["customProperties"] = json!({"points": 7, "vip": true});
    let created = stage.post("/contacts", body).await?;
    let mut body = person("ana@example.com");
    body["city"] = "Cluj".into();
    body["customProperties"] = json!({"vip": null, "size": "M"});
    let updated = stage.post("/contacts", body).await?;
    assert_eq!((created.status, updated.status), (201, 200));
    let contact = updated.json();
    assert_eq!(contact["id"], created.json()["id"]);
    assert_eq!(
        (contact["firstName"].as_str(), contact["city"].as_str()),
        (Some("Ana"), Some("Cluj")),
        "absent fields stay"
    );
    assert_eq!(contact["customProperties"], json!({"points": 7, "size": "M"}));
    Ok(())
}

#[tokio::test]
async fn a_taken_identifier_is_dropped_without_a_word() -> Result<()> {
    let stage = Stage::new().await?;
    let with_phone =
        |email: &str| json!({"identifiers": [{"type": "email", "id": email}, {"type": "phone", "id": "+40712345678"}]});
    assert_eq!(stage.post("/contacts", with_phone("a@x.com")).await?.status, 201);
    let second = stage.post("/contacts", with_phone("b@x.com")).await?;
    assert_eq!((second.status, &second.json()["phone"]), (201, &Value::Null));
    let only_phone = stage.post("/contacts", json!({"identifiers": [{"type": "phone", "id": "+40712345678"}]})).await?;
    assert_eq!(only_phone.json(), json!({}));
    let summary = stage.state().summary();
    assert_eq!((summary.contacts, summary.dropped_identifiers), (2, 2));
    Ok(())
}

#[tokio::test]
async fn a_patch_with_a_taken_identifier_is_409_and_of_nobody_404() -> Result<()> {
    let stage = Stage::new().await?;
    let first = stage.person("a@x.com").await?.json();
    stage.person("b@x.com").await?;
    let id = first["id"].as_str().unwrap_or_default();
    assert_eq!(stage.patch(&format!("/contacts/{id}"), person("b@x.com")).await?.status, 409);
    assert_eq!(stage.patch("/contacts?email=a%40x.com", json!({"city": "Lleida"})).await?.status, 200);
    assert_eq!(stage.patch("/contacts?email=nobody%40x.com", json!({"city": "Lleida"})).await?.status, 404);
    assert_eq!(stage.patch("/contacts/60a6170920d91c215e949b5c", json!({})).await?.status, 404);
    assert_eq!(stage.patch("/contacts", json!({})).await?.status, 400);
    assert_eq!(stage.get(&format!("/contacts/{id}")).await?.json()["city"], "Lleida");
    Ok(())
}

#[tokio::test]
async fn a_plus_sign_in_the_query_must_be_escaped() -> Result<()> {
    let stage = Stage::new().await?;
    stage.person("a+b@x.com").await?;
    assert_eq!(stage.patch("/contacts?email=a+b@x.com", json!({})).await?.status, 404);
    assert_eq!(stage.patch("/contacts?email=a%2Bb@x.com", json!({})).await?.status, 200);
    Ok(())
}

async fn status_after(stage: &Stage, email: &str, sent: &[(&str, Option<&str>)]) -> Result<Value> {
    let mut last = Value::Null;
    for (status, date) in sent {
        last = stage.post("/contacts", person_with_status(email, status, *date)).await?.json();
    }
    Ok(last)
}

#[tokio::test]
async fn the_newest_status_date_wins_even_over_an_unsubscribe() -> Result<()> {
    let stage = Stage::new().await?;
    let older = [("unsubscribed", Some("2026-02-01T00:00:00Z")), ("subscribed", Some("2026-01-01T00:00:00Z"))];
    assert_eq!(status_after(&stage, "a@x.com", &older).await?["status"], "unsubscribed");
    assert_eq!(stage.state().summary().consent.resubscribed, 0);
    let newer = status_after(&stage, "a@x.com", &[("subscribed", Some("2026-03-01T00:00:00Z"))]).await?;
    assert_eq!(newer["status"], "subscribed");
    assert_eq!(newer["identifiers"][0]["channels"]["email"]["statusChangedAt"], "2026-03-01T00:00:00Z");
    assert_eq!(newer["statuses"].as_array().map(Vec::len), Some(2), "each status that was taken adds an entry");
    let without_date = status_after(&stage, "a@x.com", &[("unsubscribed", None)]).await?;
    assert_eq!(without_date["status"], "unsubscribed", "no date means now");
    let counters = stage.state().summary().consent;
    assert_eq!((counters.resubscribed, counters.older_statuses_ignored), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_contact_without_channels_is_non_subscribed_and_a_true_opt_in_date_counts_later() -> Result<()> {
    let stage = Stage::new().await?;
    assert_eq!(stage.person("a@x.com").await?.json()["status"], "nonSubscribed");
    let later = status_after(&stage, "a@x.com", &[("subscribed", Some("2020-01-01T00:00:00Z"))]).await?;
    assert_eq!(later["status"], "subscribed");
    Ok(())
}

#[tokio::test]
async fn switches_decide_about_channels_and_non_subscribed() -> Result<()> {
    let strict = Stage::with(switched(|switches| switches.channels_required = true)?).await?;
    let refused = strict.person("a@x.com").await?;
    assert_eq!(
        (refused.status, refused.faults()),
        (400, vec![("identifiers[0].channels".to_owned(), "required".to_owned())])
    );
    let sent = [("subscribed", Some("2026-01-01T00:00:00Z")), ("nonSubscribed", Some("2026-02-01T00:00:00Z"))];
    for (overwrites, expected) in [(true, "nonSubscribed"), (false, "subscribed")] {
        let stage = Stage::with(switched(|switches| switches.non_subscribed_overwrites = overwrites)?).await?;
        assert_eq!(status_after(&stage, "a@x.com", &sent).await?["status"], expected);
    }
    Ok(())
}

#[tokio::test]
async fn welcome_messages_go_out_unless_the_request_says_no() -> Result<()> {
    let stage = Stage::new().await?;
    let subscribe = |email: &str, welcome: Option<bool>| {
        let mut body = person_with_status(email, "subscribed", Some("2026-01-01T00:00:00Z"));
        let identifier = &mut body["identifiers"][0];
        match welcome {
            Some(wanted) => identifier["sendWelcomeMessage"] = wanted.into(),
            None => drop(identifier.as_object_mut().map(|fields| fields.remove("sendWelcomeMessage"))),
        }
        body
    };
    for (email, welcome, sum) in
        [("a@x.com", Some(false), 0), ("b@x.com", None, 1), ("c@x.com", Some(true), 2), ("b@x.com", None, 2)]
    {
        stage.post("/contacts", subscribe(email, welcome)).await?;
        assert_eq!(stage.state().summary().consent.welcome_messages, sum, "{email}");
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_consent_object_is_counted_as_consent_given_now() -> Result<()> {
    let stage = Stage::new().await?;
    let mut body = person("a@x.com");
    body["identifiers"][0]["consent"] = json!({});
    let contact = stage.post("/contacts", body).await?.json();
    assert_eq!(contact["consents"][0]["createdAt"], "2026-05-01T00:00:00Z");
    assert_eq!(stage.state().summary().consent.empty_consents, 1);
    Ok(())
}

#[tokio::test]
async fn tags_in_an_upsert_append_or_replace_by_switch() -> Result<()> {
    let tagged = |tags: &[&str]| {
        let mut body = person("a@x.com");
        body["tags"] = json!(tags);
        body
    };
    for (switch, expected) in [(TagsInUpserts::Append, json!(["a", "b"])), (TagsInUpserts::Replace, json!(["b"]))] {
        let stage = Stage::with(switched(|switches| switches.tags_in_upserts = switch)?).await?;
        stage.post("/contacts", tagged(&["a"])).await?;
        assert_eq!(stage.post("/contacts", tagged(&["b"])).await?.json()["tags"], expected);
        assert_eq!(stage.person("a@x.com").await?.json()["tags"], expected, "no tags, no change");
    }
    Ok(())
}

#[tokio::test]
async fn addresses_differ_by_case_unless_the_switch_says_otherwise() -> Result<()> {
    for (sensitive, expected) in [(true, 2), (false, 1)] {
        let stage = Stage::with(switched(|switches| switches.email_case_sensitive = sensitive)?).await?;
        stage.person("MiXed@x.com").await?;
        stage.person("mixed@x.com").await?;
        assert_eq!(stage.state().summary().contacts, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_contact_stays_known_when_one_that_differs_in_case_goes_or_moves() -> Result<()> {
    let stage = Stage::new().await?;
    let path = |email: &'static str| format!("/contacts?email={}", email.replace('@', "%40"));
    for upper in ["A@x.com", "B@x.com"] {
        stage.person(upper).await?;
        stage.person(&upper.to_lowercase()).await?;
    }
    assert_eq!(stage.state().delete_contacts(&["A@x.com".to_owned()]), 1);
    assert_eq!(stage.patch(&path("B@x.com"), person("c@x.com")).await?.status, 200);

    for (email, status) in [("A@x.com", 404), ("a@x.com", 200), ("B@x.com", 404), ("b@x.com", 200), ("c@x.com", 200)] {
        assert_eq!(stage.patch(&path(email), json!({"city": "Vic"})).await?.status, status, "{email}");
    }
    assert_eq!((stage.person("a@x.com").await?.status, stage.state().summary().contacts), (200, 3));
    Ok(())
}

#[tokio::test]
async fn a_write_shows_in_reads_only_after_the_visibility_delay() -> Result<()> {
    let stage = Stage::with(switched(|switches| switches.visibility_delay_ms = 5_000)?).await?;
    let id = stage.person("a@x.com").await?.json()["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(stage.get(&format!("/contacts/{id}")).await?.status, 404);
    stage.pass(5_000);
    assert_eq!(stage.get(&format!("/contacts/{id}")).await?.status, 200);
    stage.patch(&format!("/contacts/{id}"), json!({"city": "Gävle"})).await?;
    assert_eq!(stage.get("/contacts").await?.json()["contacts"][0]["city"], "");
    stage.pass(5_000);
    assert_eq!(stage.get("/contacts").await?.json()["contacts"][0]["city"], "Gävle");
    Ok(())
}

#[tokio::test]
async fn a_country_name_gives_the_code_and_the_code_wins() -> Result<()> {
    let stage = Stage::new().await?;
    let mut body = person("a@x.com");
    body["country"] = "Lithuania".into();
    assert_eq!(stage.post("/contacts", body.clone()).await?.json()["countryCode"], "LT");
    body["countryCode"] = "RO".into();
    assert_eq!(stage.post("/contacts", body).await?.json()["countryCode"], "RO");
    Ok(())
}
