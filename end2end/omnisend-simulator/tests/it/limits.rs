//! Rule 4: limits for each brand over all its keys, in a window that slides.

use std::sync::Arc;

use anyhow::Result;
use omnisend_simulator::{Action, BrandOptions, KeyOptions, Limits, Options, PRACTICE_KEY, Rule, Script};
use serde_json::json;
use tokio::task::JoinSet;

use crate::stage::{Stage, still};

const FEW: Limits = Limits { enabled: true, default: 6, tags: 2, segment_reads: 2, segment_writes: 1 };

#[tokio::test]
async fn all_keys_of_a_brand_share_one_sliding_window() -> Result<()> {
    let brand = "5f0000000000000000000001";
    let second = format!("{brand}-second");
    let brands = vec![
        BrandOptions::new(brand, "Shop", vec![KeyOptions::full(PRACTICE_KEY), KeyOptions::full(&second)]),
        BrandOptions::new("5f0000000000000000000002", "Other", vec![KeyOptions::full("5f0000000000000000000002-k")]),
    ];
    let mut stage = Stage::with(Options { brands, limits: FEW, ..still()? }).await?;
    for _ in 0..3 {
        assert_eq!(stage.get("/contacts").await?.status, 200);
    }
    stage.pass(40_000);
    stage.key = second;
    for _ in 0..3 {
        assert_eq!(stage.get("/contacts").await?.status, 200);
    }
    let refused = stage.get("/contacts").await?;
    assert_eq!((refused.status, refused.json()["retryAfter"].as_i64()), (429, Some(20)));
    assert_eq!(refused.json()["type"], "https://problems.omnisend.com/rate-limit-exceeded");
    stage.key = "5f0000000000000000000002-k".to_owned();
    assert_eq!(stage.get("/contacts").await?.status, 200, "another brand has its own budget");
    stage.key = PRACTICE_KEY.to_owned();
    stage.pass(20_000);
    let after: Vec<u16> = [
        stage.get("/contacts").await?,
        stage.get("/contacts").await?,
        stage.get("/contacts").await?,
        stage.get("/contacts").await?,
    ]
    .iter()
    .map(|reply| reply.status)
    .collect();
    assert_eq!(after, [200, 200, 200, 429], "only what was asked 60 s ago is forgiven");
    Ok(())
}

#[tokio::test]
async fn tags_and_segments_have_limits_of_their_own() -> Result<()> {
    let stage = Stage::with(Options { limits: FEW, ..still()? }).await?;
    let tag = || json!({"tags": ["t"], "emails": ["a@b.co"]});
    let segment = json!({"name": "s", "conditionGroups": []});
    assert_eq!(stage.post("/contacts/tags", tag()).await?.status, 202);
    assert_eq!(stage.post("/contacts/tags", tag()).await?.status, 202);
    assert_eq!(stage.post("/contacts/tags", tag()).await?.status, 429);
    assert_eq!(stage.send("DELETE", "/contacts/tags", tag()).await?.status, 202);
    assert_eq!(stage.post("/segments", segment.clone()).await?.status, 201);
    assert_eq!(stage.post("/segments", segment).await?.status, 429);
    Ok(())
}

#[tokio::test]
async fn by_switch_every_endpoint_has_its_own_default_limit() -> Result<()> {
    let mut options = Options { limits: FEW, ..still()? };
    options.switches.shared_limit = false;
    let stage = Stage::with(options).await?;
    for _ in 0..6 {
        assert_eq!(stage.get("/contacts").await?.status, 200);
    }
    assert_eq!(stage.get("/contacts").await?.status, 429);
    assert_eq!(stage.get("/batches?endpoint=contacts").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn the_traffic_of_others_eats_part_of_the_budget() -> Result<()> {
    let faults = Script::one(Rule::always(Action::OtherTraffic { per_minute: 4 }));
    let stage = Stage::with(Options { limits: FEW, faults, ..still()? }).await?;
    assert_eq!(stage.get("/contacts").await?.status, 200);
    assert_eq!(stage.get("/contacts").await?.status, 200);
    assert_eq!(stage.get("/contacts").await?.status, 429);
    Ok(())
}

#[tokio::test]
async fn without_limits_nothing_is_refused() -> Result<()> {
    let stage = Stage::with(Options { limits: Limits { enabled: false, ..FEW }, ..still()? }).await?;
    for _ in 0..20 {
        assert_eq!(stage.get("/contacts").await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn a_crowd_at_once_gets_exactly_the_budget_and_the_log_agrees() -> Result<()> {
    let limits = Limits { default: 50, ..Limits::default() };
    let stage = Arc::new(Stage::with(Options { limits, ..still()? }).await?);
    let mut crowd = JoinSet::new();
    for _ in 0..120 {
        let stage = Arc::clone(&stage);
        crowd.spawn(async move { stage.get("/contacts").await.map(|reply| reply.status) });
    }
    let statuses: Vec<u16> = crowd.join_all().await.into_iter().collect::<Result<_>>()?;
    let count = |status: u16| statuses.iter().filter(|seen| **seen == status).count();
    assert_eq!((count(200), count(429)), (50, 70));
    let log = stage.state().requests(0, 1_000);
    assert_eq!(log.iter().filter(|record| record.status == 200).count(), 50);
    assert_eq!(log.len(), 120);
    Ok(())
}
