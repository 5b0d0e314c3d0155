//! Changes that another site asks for are refused, whatever they are and however they are sent.

use domain::access::Role;
use reqwest::Method;

use crate::stage::{Ask, Stage};

const OURS: &str = "ours";
const SIGN_OUT: &str = "/api/session/sign-out";

/// `Sec-Fetch-Site`, `Origin`, and whether the change is made.
const CASES: &[(Option<&str>, Option<&str>, bool)] = &[
    (Some("same-origin"), None, true),
    (Some("same-origin"), Some(OURS), true),
    (Some("none"), None, true),
    (Some("cross-site"), None, false),
    (Some("cross-site"), Some(OURS), false),
    (Some("cross-site"), Some("https://evil.example"), false),
    (Some("same-site"), Some("https://other.example.com"), false),
    (None, Some(OURS), true),
    (None, Some("https://evil.example"), false),
    (None, Some("null"), false),
    (None, None, false),
    (Some(""), Some(""), false),
];

fn with(ask: Ask, base: &str, site: Option<&str>, origin: Option<&str>) -> Ask {
    let ask = ask.site(site);
    match origin {
        Some(OURS) => ask.header("origin", base),
        Some(origin) => ask.header("origin", origin),
        None => ask,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_taken_from_our_own_pages_only() {
    let stage = Stage::start().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("ana@example.com").await;
    let functions = leptos::server_fn::axum::server_fn_paths().filter(|(_, method)| *method == Method::POST);
    let paths = functions.map(|(path, _)| path.to_owned()).chain(["/uploads".to_owned()]);
    let mut paths: Vec<String> = paths.collect();
    // Last: where it is taken, the session is over.
    paths.sort_by_key(|path| path == SIGN_OUT);
    assert!(paths.len() > 25 && paths.last().is_some_and(|path| path == SIGN_OUT));

    for path in &paths {
        for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
            for (site, origin, is_taken) in CASES {
                let ask = stage.ask(Method::POST, path).for_data().cookie(Some(&cookie)).body(kind, "");
                let response = with(ask, &stage.base, *site, *origin).send().await;
                let status = response.status().as_u16();
                let text = response.text().await.expect("a text");
                let is_refused = status == 403 && text.contains("another site");
                assert_eq!(is_refused, !is_taken, "{path} {kind} {site:?} {origin:?}: {status} {text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_signed_out_from_another_site() {
    let stage = Stage::start().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("ana@example.com").await;
    for (site, origin, _) in CASES.iter().filter(|(_, _, is_taken)| !is_taken) {
        let ask = stage.ask(Method::POST, SIGN_OUT).cookie(Some(&cookie)).form(&[]);
        let response = with(ask, &stage.base, *site, *origin).send().await;
        assert_eq!(response.status(), 403, "{site:?} {origin:?}");
        assert_eq!(stage.get("/admin/users", Some(&cookie)).await.status(), 200, "{site:?} {origin:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_say_where_it_comes_from_is_refused_without_a_cookie_too() {
    let stage = Stage::start().await;
    let ask = |site| stage.ask(Method::POST, "/api/session/set-language").site(site).form(&[("language", "sv")]);
    assert_eq!(ask(None).send().await.status(), 403);
    assert_eq!(ask(Some("same-origin")).send().await.status(), 302);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_the_address_that_people_type_is_ours() {
    let url = "https://ferry.example.com".parse().expect("an address");
    let stage = Stage::start_with(|config| config.public_url = Some(url)).await;
    for (origin, status) in [("https://ferry.example.com", 302), ("https://evil.example", 403)] {
        let ask = stage.ask(Method::POST, "/api/session/set-language").site(None).header("origin", origin);
        let response = ask.cookie(Some("__Host-ferry=x")).form(&[("language", "sv")]).send().await;
        assert_eq!(response.status(), status, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_never_needs_it() {
    let stage = Stage::start().await;
    for site in [Some("cross-site"), Some("same-site"), None] {
        assert_eq!(stage.ask(Method::GET, "/sign-in").site(site).send().await.status(), 200);
    }
}
