//! Rule 10: pages of contacts behind cursors.

use std::collections::BTreeSet;

use anyhow::Result;
use omnisend_simulator::{Limits, Options};
use serde_json::{Value, json};

use crate::stage::{Stage, person, person_with_status, still};

async fn crowded() -> Result<Stage> {
    let limits = Limits { enabled: false, ..Limits::default() };
    let stage = Stage::with(Options { limits, ..still()? }).await?;
    for n in 0..7 {
        stage.person(&format!("p{n}@x.com")).await?;
        stage.pass(1_000);
    }
    Ok(stage)
}

fn emails(page: &Value) -> Vec<String> {
    let contacts = page["contacts"].as_array().cloned().unwrap_or_default();
    contacts.iter().filter_map(|contact| contact["email"].as_str()).map(str::to_owned).collect()
}

async fn walk(stage: &Stage, query: &str) -> Result<Vec<Vec<String>>> {
    let mut pages = Vec::new();
    let mut page = stage.get(&format!("/contacts?{query}")).await?.json();
    loop {
        pages.push(emails(&page));
        let Some(after) = page["paging"]["cursors"]["after"].as_str() else { break };
        assert_eq!(page["paging"]["hasMore"], true);
        page = stage.get(&format!("/contacts?limit=3&after={after}")).await?.json();
    }
    assert_eq!(page["paging"]["hasMore"], false);
    Ok(pages)
}

#[tokio::test]
async fn pages_cover_everybody_once_newest_first_by_default() -> Result<()> {
    let stage = crowded().await?;
    let pages = walk(&stage, "limit=3").await?;
    assert_eq!(
        pages,
        [vec!["p6@x.com", "p5@x.com", "p4@x.com"], vec!["p3@x.com", "p2@x.com", "p1@x.com"], vec!["p0@x.com"]]
    );
    let oldest_first = walk(&stage, "limit=3&direction=asc").await?;
    assert_eq!(oldest_first.concat(), pages.concat().into_iter().rev().collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn before_leads_back_to_the_page_one_came_from() -> Result<()> {
    let stage = crowded().await?;
    let first = stage.get("/contacts?limit=3").await?.json();
    assert_eq!(first["paging"]["cursors"]["before"], Value::Null);
    let after = first["paging"]["cursors"]["after"].as_str().unwrap_or_default();
    let second = stage.get(&format!("/contacts?limit=3&after={after}")).await?.json();
    let before = second["paging"]["cursors"]["before"].as_str().unwrap_or_default();
    let back = stage.get(&format!("/contacts?limit=3&before={before}")).await?.json();
    assert_eq!(emails(&back), emails(&first));
    Ok(())
}

#[tokio::test]
async fn by_update_the_last_touched_come_first_and_updated_at_from_leaves_out_the_rest() -> Result<()> {
    let stage = crowded().await?;
    stage.person("p2@x.com").await?;
    let pages = walk(&stage, "limit=3&sort=updatedAt").await?.concat();
    assert_eq!(pages.first().map(String::as_str), Some("p2@x.com"));
    assert_eq!(pages.iter().collect::<BTreeSet<_>>().len(), 7);
    let recent = stage.get("/contacts?updatedAtFrom=2026-05-01T00:00:05Z&sort=updatedAt&direction=asc").await?.json();
    assert_eq!(emails(&recent), ["p5@x.com", "p6@x.com", "p2@x.com"]);
    Ok(())
}

#[tokio::test]
async fn filters_find_by_address_status_and_tag() -> Result<()> {
    let stage = crowded().await?;
    stage.post("/contacts", person_with_status("p1@x.com", "unsubscribed", None)).await?;
    let mut tagged = person("p3@x.com");
    tagged["tags"] = json!(["cdp: x"]);
    stage.post("/contacts", tagged).await?;
    for (query, expected) in [
        ("email=p4%40x.com", vec!["p4@x.com"]),
        ("email=nobody%40x.com", vec![]),
        ("status=unsubscribed", vec!["p1@x.com"]),
        ("tag=cdp%3A+x", vec!["p3@x.com"]),
        ("tag=none", vec![]),
    ] {
        assert_eq!(emails(&stage.get(&format!("/contacts?{query}")).await?.json()), expected, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn forbidden_combinations_and_bounds_are_refused() -> Result<()> {
    let stage = crowded().await?;
    let first = stage.get("/contacts?limit=2&status=nonSubscribed").await?.json();
    let after = first["paging"]["cursors"]["after"].as_str().unwrap_or_default().to_owned();
    assert_eq!(stage.get(&format!("/contacts?after={after}&status=nonSubscribed")).await?.status, 200);
    for query in [
        "limit=0".to_owned(),
        "limit=251".to_owned(),
        "tag=a&status=subscribed".to_owned(),
        "updatedAtFrom=2026-05-01T00:00:00Z&tag=a".to_owned(),
        "updatedAtFrom=yesterday".to_owned(),
        "sort=name".to_owned(),
        "direction=up".to_owned(),
        "status=maybe".to_owned(),
        "after=zz".to_owned(),
        format!("after={after}&before={after}"),
        format!("after={after}&status=subscribed"),
        format!("after={after}&tag=a"),
    ] {
        assert_eq!(stage.get(&format!("/contacts?{query}")).await?.status, 400, "{query}");
    }
    Ok(())
}
