//! What people read when something goes wrong outside the pages: a page in their language; programs read a code.

use domain::access::Role;
use reqwest::{Method, Response};

use crate::stage::{Ask, Stage, location};

const SWEDISH: (&str, &str) = ("accept-language", "sv");

async fn page(ask: Ask) -> (u16, String) {
    let response = ask.header(SWEDISH.0, SWEDISH.1).send().await;
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(kind.starts_with("text/html"), "{kind}");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a page");
    assert!(text.starts_with("<!DOCTYPE html>") && text.contains("lang=\"sv\""), "{text}");
    (status, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_too_large_leads_back_to_the_form_with_the_limit() {
    let stage = Stage::start().await;
    stage.person("bo@example.com", Role::Contributor).await;
    let cookie = stage.sign_in("bo@example.com").await;
    let send = async |ask: Ask| -> Response {
        let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
        // More than what may stand around a file: refused by its length alone.
        let body = format!("{head}{}\r\n--x--\r\n", "x".repeat(3 << 20));
        ask.cookie(Some(&cookie)).body("multipart/form-data; boundary=x", body).send().await
    };

    let response = send(stage.ask(Method::POST, "/uploads")).await;
    assert_eq!(response.status(), 303);
    let form = stage.ask(Method::GET, &location(&response)).cookie(Some(&cookie));
    let (status, text) = page(form).await;
    assert_eq!(status, 200);
    assert!(text.contains("Filen är för stor") && text.contains("Upp till 1\u{a0}MB kan laddas upp"), "{text}");

    let response = send(stage.ask(Method::POST, "/uploads").for_data()).await;
    assert_eq!(response.status(), 413);
    let answer: serde_json::Value = response.json().await.expect("a code");
    assert_eq!(answer, serde_json::json!({ "code": "file", "with": "too_large" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_another_site_is_refused_with_a_page() {
    let stage = Stage::start().await;
    let ask = stage.ask(Method::POST, "/api/session/set-theme").site(Some("cross-site"));
    let (status, text) = page(ask.form(&[("theme", "dark")])).await;
    assert_eq!(status, 403);
    assert!(text.contains("En annan webbplats bad om ändringen"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_attempts_is_refused_with_a_page() {
    let stage = Stage::start().await;
    let ask =
        || stage.ask(Method::POST, "/api/session/set-up").form(&[("token", "x"), ("email", ""), ("password", "")]);
    for _ in 0..60 {
        assert_ne!(ask().send().await.status(), 429);
    }
    let (status, text) = page(ask()).await;
    assert_eq!(status, 429);
    assert!(text.contains("För många försök"), "{text}");
}
