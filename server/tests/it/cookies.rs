//! Sessions and their cookies: new at sign-in, ended on the server, of no use to whoever reads the database.

use domain::access::Role;
use reqwest::{Method, Response};

use crate::stage::{PASSWORD, Stage, location, session_cookie};

fn set_cookies(response: &Response) -> Vec<String> {
    let values = response.headers().get_all("set-cookie").iter();
    values.map(|value| value.to_str().expect("text").to_owned()).collect()
}

async fn is_in(stage: &Stage, cookie: &str) -> bool {
    let response = stage.get("/data/exports", Some(cookie)).await;
    match response.status().as_u16() {
        200 => true,
        302 | 303 if location(&response).starts_with("/sign-in") => false,
        other => panic!("unexpected {other}"),
    }
}

async fn sign_in_with(stage: &Stage, cookie: Option<&str>) -> Response {
    let form = [("email", "ana@example.com"), ("password", PASSWORD)];
    stage.ask(Method::POST, "/api/session/sign-in").cookie(cookie).form(&form).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_gives_a_new_session_whatever_cookie_was_there() {
    let stage = Stage::start().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let planted = "ferry=AAAAAAAAAAAAAAAAAAAAAA";

    let first = sign_in_with(&stage, Some(planted)).await;
    let first = session_cookie(&first).expect("a session");
    assert_ne!(first, planted);
    assert!(is_in(&stage, &first).await && !is_in(&stage, planted).await);

    let second = sign_in_with(&stage, Some(&first)).await;
    let second = session_cookie(&second).expect("a session");
    assert_ne!(first, second);
    assert!(is_in(&stage, &second).await && !is_in(&stage, &first).await, "the older session of this browser ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_on_the_server_at_sign_out() {
    let stage = Stage::start().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("ana@example.com").await;
    let other = stage.sign_in("ana@example.com").await;
    assert!(is_in(&stage, &cookie).await);

    let response = stage.ask(Method::POST, "/api/session/sign-out").cookie(Some(&cookie)).form(&[]).send().await;

    assert_eq!(location(&response), "/sign-in");
    assert!(!is_in(&stage, &cookie).await, "replayed");
    assert!(is_in(&stage, &other).await, "another browser stays signed in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_all_sessions() {
    let stage = Stage::start().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("ana@example.com").await;

    let accounts = &stage.services().accounts;
    let changed = accounts.add_from_command_line("ana@example.com", Role::Administrator, Some("green harbour tide"));
    changed.await.expect("changed");

    assert!(!is_in(&stage, &cookie).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_are_strict_and_over_https_bound_to_the_host() {
    for (public_url, name) in [(None, "ferry"), (Some("https://ferry.example.com"), "__Host-ferry")] {
        let url = public_url.map(|url| url.parse().expect("an address"));
        let stage = Stage::start_with(|config| config.public_url = url).await;
        stage.person("ana@example.com", Role::Administrator).await;
        let signed_in = sign_in_with(&stage, None).await;
        let cookie = session_cookie(&signed_in).expect("a session");
        let language = stage.ask(Method::POST, "/api/session/set-language").form(&[("language", "sv")]).send().await;
        let theme = stage.ask(Method::POST, "/api/session/set-theme").form(&[("theme", "dark")]).send().await;
        let signed_out = stage.ask(Method::POST, "/api/session/sign-out").cookie(Some(&cookie)).form(&[]).send().await;

        let lines: Vec<String> = [signed_in, language, theme, signed_out].iter().flat_map(set_cookies).collect();
        assert!(lines.len() >= 4, "{lines:?}");
        for line in lines {
            let mut parts = line.split(';').map(|part| part.trim().to_ascii_lowercase());
            let pair = parts.next().expect("a pair");
            let parts: Vec<String> = parts.collect();
            let has = |part: &str| parts.iter().any(|one| one == part);
            assert!(line.len() <= 4096);
            assert_eq!(has("secure"), public_url.is_some(), "{line}");
            assert_eq!(pair.starts_with("__host-"), public_url.is_some(), "{line}");
            assert!(has("path=/") && !parts.iter().any(|part| part.starts_with("domain")), "{line}");
            let takes_away = parts.iter().any(|part| part == "max-age=0");
            if pair.starts_with(&format!("{}=", name.to_ascii_lowercase())) && !takes_away {
                assert!(has("httponly") && has("samesite=lax"), "{line}");
                let id = pair.split_once('=').expect("a value").1;
                assert_eq!(id.len(), 22, "128 bits");
            }
        }
        assert!(cookie.starts_with(&format!("{name}=")), "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_https_a_cookie_that_another_host_of_the_domain_can_set_is_not_read() {
    for (public_url, read) in [(None, ["sv", "sv"]), (Some("https://ferry.example.com"), ["en", "sv"])] {
        let url = public_url.map(|url| url.parse().expect("an address"));
        let stage = Stage::start_with(|config| config.public_url = url).await;
        for (cookie, language) in ["ferry_language=sv", "__Host-ferry_language=sv"].into_iter().zip(read) {
            let page = stage.get("/sign-in", Some(cookie)).await.text().await.expect("a page");
            assert!(page.contains(&format!("<html lang=\"{language}\"")), "{public_url:?} {cookie}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_after_sign_in_is_one_of_ours() {
    let stage = Stage::start().await;
    stage.person("ana@example.com", Role::Administrator).await;
    for (next, expected) in [
        ("/segments", "/segments"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ] {
        let form = [("email", "ana@example.com"), ("password", PASSWORD), ("next", next)];
        let response = stage.ask(Method::POST, "/api/session/sign-in").form(&form).send().await;
        assert_eq!(location(&response), expected, "{next}");
    }
}
