//! Rule 9: the life of a batch, its items, and its list.

use anyhow::Result;
use omnisend_simulator::{Action, Options, Rule, Script};
use serde_json::{Value, json};

use crate::stage::{Stage, person, still, switched};

async fn status(stage: &Stage, id: &str) -> Result<Value> {
    Ok(stage.get(&format!("/batches/{id}")).await?.json())
}

#[tokio::test]
async fn a_batch_is_pending_then_in_progress_then_finished() -> Result<()> {
    let stage = Stage::with(switched(|switches| switches.batch_delay_ms = 9_000)?).await?;
    let accepted = stage
        .post(
            "/batches",
            json!({"endpoint": "contacts", "method": "POST", "items": [person("a@x.com"), person("b@x.com")]}),
        )
        .await?;
    assert_eq!((accepted.status, &accepted.json()["totalCount"]), (201, &json!(2)));
    let id = accepted.json()["batchID"].as_str().unwrap_or_default().to_owned();
    let pending = status(&stage, &id).await?;
    assert_eq!(
        (&pending["status"], &pending["finishedCount"], &pending["endedAt"]),
        (&json!("pending"), &json!(0), &Value::Null)
    );
    stage.pass(3_000);
    assert_eq!(status(&stage, &id).await?["status"], "inProgress");
    assert_eq!(stage.state().summary().contacts, 0);
    stage.pass(6_000);
    let finished = status(&stage, &id).await?;
    assert_eq!(
        (&finished["status"], &finished["finishedCount"], &finished["errorsCount"]),
        (&json!("finished"), &json!(2), &json!(0))
    );
    assert_eq!(finished["endedAt"], "2026-05-01T00:00:09Z");
    assert_eq!(stage.state().summary().contacts, 2);
    Ok(())
}

#[tokio::test]
async fn a_bad_item_fails_alone_and_is_echoed_with_its_faults() -> Result<()> {
    let stage = Stage::new().await?;
    let bad = json!({"identifiers": [{"type": "email", "id": "not an address"}], "gender": "?"});
    let id = stage.batch(vec![person("a@x.com"), bad.clone(), json!(5), person("b@x.com")]).await?;
    stage.pass(1_000);
    let items = stage.get(&format!("/batches/{id}/items")).await?.json();
    assert_eq!(
        (&items["totalCount"], &items["finishedCount"], &items["errorsCount"]),
        (&json!(4), &json!(4), &json!(2))
    );
    let error = &items["errors"][0];
    assert_eq!((&error["itemID"], &error["responseCode"], &error["request"]), (&json!("2"), &json!(400), &bad));
    assert_eq!(error["response"]["errors"].as_array().map(Vec::len), Some(2));
    let good = &items["responses"][1];
    assert_eq!(
        (&good["responseCode"], &good["response"]["email"], &good["request"]),
        (&json!(201), &json!("b@x.com"), &person("b@x.com"))
    );
    assert_eq!(stage.state().summary().contacts, 2);
    Ok(())
}

#[tokio::test]
async fn by_switch_one_bad_item_refuses_the_whole_batch() -> Result<()> {
    let stage = Stage::with(switched(|switches| switches.strict_batches = true)?).await?;
    let items = [person("a@x.com"), person("bad")];
    let refused = stage.post("/batches", json!({"endpoint": "contacts", "method": "POST", "items": items})).await?;
    assert_eq!(
        (refused.status, refused.faults()),
        (400, vec![("items[1].identifiers[0].id".to_owned(), "invalid_format".to_owned())])
    );
    Ok(())
}

#[tokio::test]
async fn the_envelope_of_a_batch_is_checked() -> Result<()> {
    let stage = Stage::new().await?;
    let many: Vec<Value> = (0..101).map(|n| person(&format!("p{n}@x.com"))).collect();
    for (body, fields) in [
        (json!({}), vec!["endpoint", "method", "items"]),
        (json!({"endpoint": "contacts", "method": "POST", "items": []}), vec!["items"]),
        (json!({"endpoint": "contacts", "method": "POST", "items": many}), vec!["items"]),
        (json!({"endpoint": "people", "method": "PATCH", "items": [1]}), vec!["endpoint", "method"]),
    ] {
        let refused = stage.post("/batches", body).await?;
        let named: Vec<String> = refused.faults().into_iter().map(|(field, _)| field).collect();
        assert_eq!((refused.status, named), (400, fields.into_iter().map(str::to_owned).collect()));
    }
    for endpoint in ["products", "categories", "events"] {
        assert_eq!(
            stage.post("/batches", json!({"endpoint": endpoint, "method": "PUT", "items": [{}]})).await?.status,
            201
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_list_needs_an_endpoint_and_pages_by_offset_newest_first() -> Result<()> {
    let stage = Stage::new().await?;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(stage.batch(vec![person(&format!("p{n}@x.com"))]).await?);
        stage.pass(1);
    }
    assert_eq!(stage.get("/batches").await?.faults(), vec![("endpoint".to_owned(), "required".to_owned())]);
    let first = stage.get("/batches?endpoint=contacts&limit=2&offset=0").await?.json();
    assert_eq!((&first["batches"][0]["batchID"], &first["batches"][1]["batchID"]), (&json!(ids[4]), &json!(ids[3])));
    assert_eq!(
        (&first["paging"]["limit"], &first["paging"]["offset"], &first["paging"]["previous"]),
        (&json!(2), &json!(0), &Value::Null)
    );
    assert!(first["paging"]["next"].as_str().is_some_and(|next| next.contains("offset=2")));
    let last = stage.get("/batches?endpoint=contacts&limit=2&offset=4").await?.json();
    assert_eq!((last["batches"].as_array().map(Vec::len), &last["paging"]["next"]), (Some(1), &Value::Null));
    stage.pass(1_000);
    let finished = stage.get("/batches?endpoint=contacts&status=finished").await?.json();
    assert_eq!(finished["batches"].as_array().map(Vec::len), Some(5));
    assert_eq!(stage.get("/batches?endpoint=contacts&status=pending").await?.json()["batches"], json!([]));
    assert_eq!(stage.get("/batches?endpoint=products").await?.json()["batches"], json!([]));
    assert_eq!(stage.get("/batches?endpoint=contacts&dateFrom=2026-05-02").await?.json()["batches"], json!([]));
    assert_eq!(stage.get("/batches?endpoint=contacts&limit=251").await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn a_batch_is_forgotten_after_seven_days() -> Result<()> {
    let stage = Stage::new().await?;
    let id = stage.batch(vec![person("a@x.com")]).await?;
    stage.pass(7 * 86_400_000);
    assert_eq!(stage.get(&format!("/batches/{id}")).await?.status, 200);
    stage.pass(1);
    assert_eq!(stage.get(&format!("/batches/{id}")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn batches_may_finish_out_of_order() -> Result<()> {
    let stage = Stage::with(switched(|switches| {
        switches.batches_out_of_order = true;
        switches.batch_delay_ms = 1_000;
    })?)
    .await?;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(stage.batch(vec![person(&format!("p{n}@x.com"))]).await?);
    }
    stage.pass(2_000);
    let mut done = Vec::new();
    for id in &ids {
        done.push(status(&stage, id).await?["status"] == "finished");
    }
    let first_open = done.iter().position(|done| !done);
    assert!(first_open.is_some_and(|at| done[at..].contains(&true)), "{done:?}");
    stage.pass(1_000);
    assert_eq!(stage.state().summary().contacts, 20);
    Ok(())
}

#[tokio::test]
async fn a_slow_service_works_batches_off_one_after_the_other() -> Result<()> {
    let stage = Stage::with(switched(|switches| {
        switches.batch_contacts_per_second = 2;
        switches.batch_delay_ms = 0;
    })?)
    .await?;
    for n in 0..4 {
        stage.batch(vec![person(&format!("p{n}@x.com"))]).await?;
    }
    stage.pass(1_000);
    assert_eq!(stage.state().summary().contacts, 2);
    stage.pass(1_000);
    assert_eq!(stage.state().summary().contacts, 4);
    Ok(())
}

#[tokio::test]
async fn a_batch_with_too_many_errors_stops_by_switch() -> Result<()> {
    let stage = Stage::with(switched(|switches| switches.batch_stops_after_errors = 2)?).await?;
    let id = stage.batch(vec![person("a@x.com"), person("x"), person("y"), person("b@x.com")]).await?;
    stage.pass(1_000);
    let stopped = status(&stage, &id).await?;
    assert_eq!((&stopped["status"], &stopped["finishedCount"]), (&json!("stopped"), &json!(3)));
    assert_eq!(stage.state().summary().contacts, 1);
    Ok(())
}

#[tokio::test]
async fn scripts_hold_stop_repeat_and_spoil_batches() -> Result<()> {
    let rule = |nth: u64, action: &str| -> Result<Rule> {
        let action: Action = serde_json::from_str(action)?;
        Ok(Rule { nth: vec![nth], ..Rule::on("POST", "/batches", action) })
    };
    let faults = Script {
        rules: vec![
            rule(1, r#"{"do":"batch_held","status":"pending"}"#)?,
            rule(2, r#"{"do":"batch_stopped","after":0.5}"#)?,
            rule(3, r#"{"do":"batch_twice","after_ms":5000}"#)?,
            rule(4, r#"{"do":"item_errors","mask":"01","email":"c@*","status":503}"#)?,
            rule(5, r#"{"do":"item_errors","items":[0],"whole_batch":true}"#)?,
        ],
    };
    let stage = Stage::with(Options { faults, ..still()? }).await?;
    let held = stage.batch(vec![person("held@x.com")]).await?;
    let stopped = stage.batch(vec![person("1@x.com"), person("2@x.com"), person("3@x.com"), person("4@x.com")]).await?;
    stage.batch(vec![person("twice@x.com")]).await?;
    let spoilt = stage.batch(vec![person("a@x.com"), person("b@x.com"), person("c@x.com")]).await?;
    assert!(stage.batch(vec![person("a@x.com")]).await.is_err());
    stage.pass(60_000);
    assert_eq!(status(&stage, &held).await?["status"], "pending");
    let view = status(&stage, &stopped).await?;
    assert_eq!((&view["status"], &view["finishedCount"]), (&json!("stopped"), &json!(2)));
    let items = stage.get(&format!("/batches/{spoilt}/items")).await?.json();
    let failed: Vec<&Value> =
        items["errors"].as_array().into_iter().flatten().map(|error| &error["responseCode"]).collect();
    assert_eq!(failed, [503, 503]);
    assert_eq!(stage.state().summary().contacts, 2 + 1 + 1);
    assert_eq!(stage.state().release_batches(), 1);
    assert_eq!(status(&stage, &held).await?["status"], "finished");
    Ok(())
}
