//! What fault scripts do to requests, connections and keys; and rule 13, HTML from the proxy.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use omnisend_simulator::{Action, Options, Rule, Script};
use serde_json::json;

use crate::stage::{Stage, person, person_with_status, read, still};

async fn scripted(script: &str) -> Result<Stage> {
    let faults = Script::parse(script).map_err(anyhow::Error::msg)?;
    Stage::with(Options { faults, ..still()? }).await
}

#[tokio::test]
async fn the_proxy_in_front_answers_502_503_and_524_in_html() -> Result<()> {
    for status in [502, 503, 524] {
        let script = format!("[[rules]]\nnth = [1]\naction = {{ do = \"status\", status = {status}, html = true }}");
        let stage = scripted(&script).await?;
        let broken = stage.get("/contacts").await?;
        assert_eq!((broken.status, broken.content_type.as_str()), (status, "text/html; charset=UTF-8"));
        assert!(broken.text.contains("<html>"));
        assert_eq!(stage.get("/contacts").await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn a_scripted_429_says_when_to_come_back_in_the_body_the_header_or_absurdly() -> Result<()> {
    let script = r#"
        [[rules]]
        nth = [1]
        action = { do = "status", status = 429, retry_after = 7 }
        [[rules]]
        nth = [2]
        action = { do = "status", status = 429, retry_after = 7, retry_in = "header" }
        [[rules]]
        nth = [3]
        action = { do = "status", status = 429 }
        [[rules]]
        nth = [4]
        action = { do = "status", status = 429, retry_after = "soon", retry_in = "both" }
        [[rules]]
        nth = [5]
        action = { do = "status", status = 429, retry_after = -1 }
    "#;
    let stage = scripted(script).await?;
    let mut seen = Vec::new();
    for _ in 0..5 {
        let reply = stage.get("/contacts").await?;
        ensure!(reply.status == 429 && reply.json()["type"] == "https://problems.omnisend.com/rate-limit-exceeded");
        seen.push((reply.json().get("retryAfter").cloned(), reply.retry_after));
    }
    let header = |text: &str| Some(text.to_owned());
    let expected = [
        (Some(json!(7)), None),
        (None, header("7")),
        (None, None),
        (Some(json!("soon")), header("soon")),
        (Some(json!(-1)), None),
    ];
    assert_eq!(seen, expected);
    Ok(())
}

#[tokio::test]
async fn a_reset_before_acceptance_leaves_nothing_and_one_after_it_loses_only_the_answer() -> Result<()> {
    for (action, contacts) in [("reset_before", 0), ("reset_after", 1)] {
        let stage = scripted(&format!("[[rules]]\nnth = [1]\naction = {{ do = \"{action}\" }}")).await?;
        let lost = stage.raw("POST", "/contacts", Some(&person("a@x.com"))).await;
        assert!(lost.is_err(), "{action}");
        assert_eq!(stage.state().summary().contacts, contacts, "{action}");
        let record = &stage.state().requests(0, 10)[0];
        assert_eq!((record.served, record.answered), (contacts == 1, false));
        assert_eq!(stage.person("a@x.com").await?.status, if contacts == 1 { 200 } else { 201 });
    }
    Ok(())
}

#[tokio::test]
async fn a_reset_can_come_at_any_byte_of_the_answer() -> Result<()> {
    for at_byte in [1, 9, 40, 112, 113, 150] {
        let action = Action::ResetAfter { at_byte };
        let faults = Script::one(Rule { nth: vec![1], ..Rule::on("POST", "/batches", action) });
        let stage = Stage::with(Options { faults, ..still()? }).await?;
        let batch = json!({"endpoint": "contacts", "method": "POST", "items": [person("a@x.com")]});
        let lost = match stage.raw("POST", "/batches", Some(&batch)).await {
            Ok(response) => read(response).await.is_err(),
            Err(_) => true,
        };
        assert!(lost, "{at_byte}");
        stage.pass(1_000);
        assert_eq!(stage.state().summary().contacts, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_body_can_be_cut_half_way_behind_a_good_head() -> Result<()> {
    let stage = scripted("[[rules]]\nnth = [1]\naction = { do = \"cut_body\" }").await?;
    let cut = stage.raw("GET", "/brands/current", None).await?;
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err());
    assert_eq!(stage.get("/brands/current").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn answers_can_drip_or_come_late() -> Result<()> {
    let script = r#"
        [[rules]]
        nth = [1]
        action = { do = "slow_body", bytes = 20, every_ms = 20 }
        [[rules]]
        nth = [2]
        action = { do = "delay", ms = 150, after = true }
    "#;
    let stage = scripted(script).await?;
    for _ in 0..2 {
        let begin = Instant::now();
        assert_eq!(stage.get("/brands/current").await?.json()["connected"], true);
        assert!(begin.elapsed() >= Duration::from_millis(100), "{:?}", begin.elapsed());
    }
    let begin = Instant::now();
    stage.get("/brands/current").await?;
    assert!(begin.elapsed() < Duration::from_millis(100), "the next answer on the connection is whole at once");
    Ok(())
}

#[tokio::test]
async fn a_request_can_hang_until_the_client_gives_up_and_the_simulator_still_stops() -> Result<()> {
    let stage = scripted("[[rules]]\nnth = [1]\naction = { do = \"hang\" }").await?;
    let waited = tokio::time::timeout(Duration::from_millis(100), stage.get("/contacts")).await;
    assert!(waited.is_err());
    let begin = Instant::now();
    stage.running.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(5));
    Ok(())
}

#[tokio::test]
async fn a_request_whose_client_gave_up_is_in_the_log_and_had_no_effect() -> Result<()> {
    let stage = scripted("[[rules]]\nnth = [1]\naction = { do = \"delay\", ms = 60000 }").await?;
    let waited = tokio::time::timeout(Duration::from_millis(100), stage.person("a@x.com")).await;
    assert!(waited.is_err());
    let begin = Instant::now();
    while stage.state().requests(0, 10).is_empty() {
        ensure!(begin.elapsed() < Duration::from_secs(5), "not in the log");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let record = &stage.state().requests(0, 10)[0];
    assert_eq!((record.status, record.served, record.answered), (0, false, false));
    assert_eq!(stage.state().summary().contacts, 0);
    Ok(())
}

#[tokio::test]
async fn any_bytes_can_stand_in_for_an_answer() -> Result<()> {
    let script =
        r#"{"rules":[{"action":{"do":"body","content_type":"text/html","body":"<p>hello</p>","repeat":1000}}]}"#;
    let reply = scripted(script).await?.get("/contacts").await?;
    assert_eq!((reply.status, reply.content_type.as_str(), reply.text.len()), (200, "text/html", 12_000));
    Ok(())
}

#[tokio::test]
async fn a_key_can_be_revoked_in_mid_run_and_taken_back() -> Result<()> {
    for status in [401, 403] {
        let stage =
            scripted(&format!("[[rules]]\nnth = [3]\naction = {{ do = \"revoke_key\", status = {status} }}")).await?;
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(stage.get("/contacts").await?.status);
        }
        assert_eq!(seen, [200, 200, status, status]);
        assert!(stage.state().refuse_key(&stage.key, None));
        assert_eq!(stage.get("/contacts").await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn people_can_unsubscribe_at_a_scripted_moment() -> Result<()> {
    let script = "[[rules]]\npath = \"/brands/*\"\naction = { do = \"unsubscribe\", email = \"a*\", count = 1 }";
    let stage = scripted(script).await?;
    for email in ["a1@x.com", "a2@x.com", "b@x.com"] {
        stage.post("/contacts", person_with_status(email, "subscribed", Some("2026-01-01T00:00:00Z"))).await?;
    }
    stage.get("/brands/current").await?;
    assert_eq!(stage.state().summary().statuses.get("unsubscribed"), Some(&1));
    Ok(())
}

#[tokio::test]
async fn rules_choose_by_count_share_time_and_number_of_contacts() -> Result<()> {
    let script = r#"
        [[rules]]
        name = "every third"
        every = 3
        times = 2
        action = { do = "status", status = 500 }
        [[rules]]
        name = "full"
        contacts_at_least = 1
        method = "POST"
        path = "/contacts"
        action = { do = "status", status = 402 }
        [[rules]]
        name = "later"
        after_ms = 60000
        until_ms = 120000
        action = { do = "status", status = 503 }
    "#;
    let stage = scripted(script).await?;
    let mut seen = Vec::new();
    for _ in 0..9 {
        seen.push(stage.get("/contacts").await?.status);
    }
    assert_eq!(seen, [200, 200, 500, 200, 200, 500, 200, 200, 200]);
    assert_eq!(stage.person("a@x.com").await?.status, 201);
    assert_eq!(stage.person("b@x.com").await?.status, 402);
    stage.pass(60_000);
    assert_eq!(stage.get("/contacts").await?.status, 503);
    stage.pass(60_000);
    assert_eq!(stage.get("/contacts").await?.status, 200);
    let report = stage.state().fault_report();
    assert_eq!((&report[0]["hit"], &report[1]["hit"]), (&json!(2), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn seeded_chance_hits_the_same_requests_each_time() -> Result<()> {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let rule = Rule {
            probability: Some(0.3),
            ..Rule::always(Action::Status { status: 500, retry_after: None, retry_in: Default::default(), html: false })
        };
        let stage = Stage::with(Options { faults: Script::one(rule), seed, ..still()? }).await?;
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(stage.get("/contacts").await?.status);
        }
        runs.push(seen);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!((4..=22).contains(&runs[0].iter().filter(|status| **status == 500).count()));
    Ok(())
}
