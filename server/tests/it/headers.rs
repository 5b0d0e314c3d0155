//! The security headers are on every kind of answer, and nothing of the inside is.

use domain::access::Role;
use reqwest::{Method, Response};

use crate::stage::Stage;

const ALWAYS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn nonce_of(response: &Response) -> String {
    let policy = header(response, "content-security-policy");
    let nonce = policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\'')).expect("a nonce").0;
    nonce.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_the_security_headers() {
    let stage = Stage::start().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("ana@example.com").await;
    let long = format!("/{}", "x".repeat(2000));
    for (method, path, status) in [
        (Method::GET, "/sign-in", 302),
        (Method::GET, "/data/exports", 200),
        (Method::GET, "/", 302),
        (Method::GET, "/no/such/page", 404),
        (Method::GET, long.as_str(), 404),
        (Method::GET, "/pkg/no-such-file.js", 404),
        (Method::GET, "/healthz", 200),
        (Method::GET, "/readyz", 200),
        (Method::DELETE, "/healthz", 405),
        (Method::PUT, "/data/exports", 405),
        (Method::POST, "/no/such/page", 404),
        (Method::POST, "/api/no/such", 404),
        (Method::POST, "/uploads", 400),
        (Method::GET, "/runs/not-an-id/rows.csv", 404),
        (Method::GET, "/runs/01890000-0000-7000-8000-00000000ffff/rows.csv", 404),
    ] {
        let response = stage.ask(method.clone(), path).cookie(Some(&cookie)).send().await;
        assert_eq!(response.status(), status, "{method} {path}");
        for (name, value) in ALWAYS {
            assert_eq!(header(&response, name), value, "{method} {path}");
        }
        assert!(header(&response, "permissions-policy").contains("camera=()"), "{method} {path}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{method} {path}");
        assert!(header(&response, "x-request-id").len() == 32, "{method} {path}");
        let policy = header(&response, "content-security-policy").to_owned();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{method} {path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert_eq!(header(&response, "server"), "");
        let text = response.text().await.expect("a text");
        for inside in ["sqlx", "axum", "panicked", "/src/", "select ", env!("CARGO_PKG_VERSION")] {
            let is_page = text.starts_with("<!DOCTYPE html>");
            assert!(is_page || !text.contains(inside), "{method} {path} shows {inside}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_carries_the_nonce_of_its_own_header_and_the_next_one_another() {
    let stage = Stage::start().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let response = stage.get("/sign-in", None).await;
        let nonce = nonce_of(&response);
        assert!(nonce.len() >= 22);
        let text = response.text().await.expect("a text");
        for script in text.split("<script").skip(1) {
            let tag = script.split_once('>').expect("a tag").0;
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{tag}");
        }
        assert!(!text.contains(" style=\"") && !text.contains("<style"), "inline styles are not allowed");
        assert!(!seen.contains(&nonce));
        seen.push(nonce);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_is_remembered_where_people_come_over_it() {
    let url = "https://ferry.example.com".parse().expect("an address");
    let secure = Stage::start_with(|config| config.public_url = Some(url)).await;
    let plain = Stage::start().await;
    let name = "strict-transport-security";
    assert!(header(&secure.get("/sign-in", None).await, name).starts_with("max-age=31536000"));
    assert_eq!(header(&plain.get("/sign-in", None).await, name), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_too_large_is_refused_and_others_are_answered_meanwhile() {
    let stage = Stage::start().await;
    let body = "email=".to_owned() + &"x".repeat(2 << 20);
    let ask = stage.ask(Method::POST, "/api/session/sign-in").for_data().header("connection", "close");
    // The connection may be cut before all of it is sent.
    if let Ok(response) = ask.body("application/x-www-form-urlencoded", body).try_send().await {
        assert_eq!(response.status(), 413);
    }
    assert_eq!(stage.get("/healthz", None).await.status(), 200);
}
