//! The control endpoints and the request log.

use anyhow::Result;
use omnisend_simulator::{Options, PRACTICE_KEY};
use serde_json::{Value, json};

use crate::stage::{Stage, person, still, switched};

#[tokio::test]
async fn the_summary_counts_contacts_tags_batches_and_requests() -> Result<()> {
    let stage = Stage::new().await?;
    stage.batch(vec![person("a@x.com"), person("bad")]).await?;
    stage.pass(1_000);
    stage.post("/contacts/tags", json!({"tags": ["t"], "emails": ["a@x.com"]})).await?;
    stage.get("/lists").await?;
    stage.pass(1_000);
    let summary = stage.control("/summary").await?;
    assert_eq!(
        (&summary["contacts"], &summary["tags"], &summary["batches"]),
        (&json!(1), &json!({"t": 1}), &json!({"finished": 1}))
    );
    assert_eq!(
        (&summary["batchItems"], &summary["batchErrors"], &summary["welcomeMessages"]),
        (&json!(2), &json!(1), &json!(0))
    );
    let calls = summary["requestsByCall"].as_array().cloned().unwrap_or_default();
    assert!(calls.contains(&json!({"endpoint": "POST /batches", "status": 201, "count": 1})), "{calls:?}");
    assert!(calls.contains(&json!({"endpoint": "unknown path", "status": 404, "count": 1})), "{calls:?}");
    Ok(())
}

#[tokio::test]
async fn the_log_tells_each_request_without_its_key() -> Result<()> {
    let stage = Stage::new().await?;
    let first = stage.batch(vec![person("a@x.com"), person("b@x.com")]).await?;
    let second = stage.batch(vec![person("a@x.com"), person("b@x.com")]).await?;
    assert_ne!(first, second);
    let log = stage.control("/requests?since=0").await?;
    assert!(!log.to_string().contains(PRACTICE_KEY));
    let requests = log["requests"].as_array().cloned().unwrap_or_default();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (&requests[0]["endpoint"], &requests[0]["status"], &requests[0]["items"]),
        (&json!("POST /batches"), &json!(201), &json!(2))
    );
    assert_eq!(
        (&requests[0]["at"], &requests[0]["brandID"]),
        (&json!("2026-05-01T00:00:00Z"), &json!("5f0000000000000000000001"))
    );
    assert_eq!(requests[0]["bodyHash"], requests[1]["bodyHash"], "the same body again");
    assert_eq!(requests[0].get("body"), None);
    assert_eq!(stage.control("/requests?since=1").await?["requests"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn bodies_are_kept_only_by_switch_and_the_log_is_bounded() -> Result<()> {
    let stage = Stage::with(Options { log_capacity: 3, ..switched(|switches| switches.keep_bodies = true)? }).await?;
    for n in 0..5 {
        stage.person(&format!("p{n}@x.com")).await?;
    }
    let requests = stage.state().requests(0, 100);
    assert_eq!(requests.iter().map(|record| record.number).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(requests[2].body, Some(person("p4@x.com")));
    assert_eq!(stage.state().summary().requests, 5);
    Ok(())
}

#[tokio::test]
async fn contacts_are_seeded_paged_filtered_and_deleted() -> Result<()> {
    let stage = Stage::new().await?;
    let mut contacts: Vec<Value> = (0..5).map(|n| person(&format!("p{n}@x.com"))).collect();
    contacts[1]["identifiers"][0]["channels"] =
        json!({"email": {"status": "unsubscribed", "statusChangedAt": "2026-01-01T00:00:00Z"}});
    contacts[2]["tags"] = json!(["t"]);
    let (status, seeded) = stage.post_control("/contacts", &json!({"contacts": contacts}).to_string()).await?;
    assert_eq!((status.as_u16(), seeded), (200, json!({"seeded": 5})));
    let page = stage.control("/contacts?limit=2&offset=2").await?;
    assert_eq!(
        (&page["contacts"][0]["email"], &page["total"], &page["nextOffset"]),
        (&json!("p2@x.com"), &json!(5), &json!(4))
    );
    assert_eq!(stage.control("/contacts?tag=t").await?["total"], 1);
    assert_eq!(stage.control("/contacts?email=p1@x.com").await?["contacts"][0]["status"], "unsubscribed");
    let (_, deleted) = stage.post_control("/contacts/delete", r#"{"emails":["p2@x.com","nobody@x.com"]}"#).await?;
    assert_eq!(deleted, json!({"deleted": 1}));
    let summary = stage.state().summary();
    assert_eq!((summary.contacts, summary.tags.len()), (4, 0));
    assert_eq!(stage.get("/contacts?email=p2%40x.com").await?.json()["contacts"], json!([]));
    assert_eq!(stage.person("p2@x.com").await?.status, 201, "a deleted contact comes back as a new one");
    let (status, _) = stage.post_control("/contacts", r#"{"contacts":[{"identifiers":[]}]}"#).await?;
    assert_eq!(status.as_u16(), 400);
    Ok(())
}

#[tokio::test]
async fn faults_switches_limits_and_the_clock_change_at_run_time() -> Result<()> {
    let stage = Stage::new().await?;
    let (status, _) = stage.post_control("/faults", "[[rules]]\naction = { do = \"status\", status = 500 }").await?;
    assert_eq!((status.as_u16(), stage.get("/contacts").await?.status), (200, 500));
    assert_eq!(stage.post_control("/faults", "[[rules]]\nname = 1").await?.0.as_u16(), 400);
    stage.post_control("/faults", r#"{"rules":[]}"#).await?;
    let (_, switches) = stage.post_control("/switches", r#"{"channels_required":true}"#).await?;
    assert_eq!((&switches["channels_required"], &switches["batch_delay_ms"]), (&json!(true), &json!(150)));
    assert_eq!(stage.person("a@x.com").await?.status, 400);
    assert_eq!(stage.post_control("/switches", r#"{"no_such_switch":true}"#).await?.0.as_u16(), 400);
    stage.post_control("/limits", r#"{"default":1}"#).await?;
    assert_eq!(stage.get("/contacts").await?.status, 429);
    stage.post_control("/clock", r#"{"advance_ms":60000}"#).await?;
    assert_eq!(stage.get("/contacts").await?.status, 200);
    let (status, _) = stage.post_control("/keys", &json!({"key": PRACTICE_KEY, "status": 401}).to_string()).await?;
    assert_eq!((status.as_u16(), stage.get("/contacts").await?.status), (200, 401));
    stage.post_control("/reset", "").await?;
    assert_eq!(stage.person("a@x.com").await?.status, 201);
    assert_eq!(stage.state().summary().requests, 1);
    Ok(())
}

#[tokio::test]
async fn the_real_clock_cannot_be_moved_and_batches_finish_by_themselves() -> Result<()> {
    let mut options = Options { clock: omnisend_simulator::Clock::real(), ..still()? };
    options.switches.batch_delay_ms = 0;
    let stage = Stage::with(options).await?;
    assert_eq!(stage.post_control("/clock", r#"{"advance_ms":1}"#).await?.0.as_u16(), 400);
    let id = stage.batch(vec![person("a@x.com")]).await?;
    assert_eq!(stage.get(&format!("/batches/{id}")).await?.json()["status"], "finished");
    Ok(())
}

#[tokio::test]
async fn the_consent_log_tells_every_status_that_was_sent() -> Result<()> {
    let stage = Stage::new().await?;
    for (status, date) in [("subscribed", "2026-02-01T00:00:00Z"), ("unsubscribed", "2026-01-01T00:00:00Z")] {
        stage.post("/contacts", crate::stage::person_with_status("a@x.com", status, Some(date))).await?;
    }
    let events = stage.control("/consents").await?["consents"].clone();
    assert_eq!(
        (&events[0]["to"], &events[0]["from"], &events[0]["taken"]),
        (&json!("subscribed"), &Value::Null, &json!(true))
    );
    assert_eq!(
        (&events[1]["to"], &events[1]["from"], &events[1]["taken"]),
        (&json!("unsubscribed"), &json!("subscribed"), &json!(false))
    );
    Ok(())
}
