//! Forms: what they offer, and what they show again when they could not be taken, so that the next try can succeed.

use app::services::{Exports as _, Segments as _, System as _};
use reqwest::Method;

use crate::stage::{Stage, World, location, stage_with_world};

const STALE: &str = "Somebody else saved this in the meantime";

/// A stage with a world, and its administrator's cookie.
async fn signed_in() -> (Stage, World, String) {
    let (stage, world) = stage_with_world().await;
    let cookie = stage.sign_in("root@example.com").await;
    (stage, world, cookie)
}

/// Sends a form, and opens the page that the answer leads to: its address and its text.
async fn send(stage: &Stage, cookie: &str, path: &str, form: &[(&str, &str)]) -> (String, String) {
    let answer = stage.ask(Method::POST, path).cookie(Some(cookie)).form(form).send().await;
    let address = location(&answer);
    let page = stage.get(&address, Some(cookie)).await.text().await.expect("a page");
    (address, page)
}

/// The value of a field that a page shows.
fn value_of(page: &str, field: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{field}\"")).expect("the field");
    let (_, rest) = rest.split_once("value=\"").expect("its value");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// The editor's form of an export without a connection, which cannot run.
fn export_form<'a>(id: &'a str, segment: &'a str, name: &'a str, version: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("id", id),
        ("form[name]", name),
        ("form[connection]", ""),
        ("form[rows][0][target]", "email"),
        ("form[rows][0][attribute]", "email"),
        ("form[segments][0]", segment),
        ("form[schedule][kind]", "off"),
        ("form[version]", version),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_was_saved_but_cannot_start_is_saved_again_from_its_page() {
    let (stage, world, cookie) = signed_in().await;
    let segment = world.segment.to_string();
    let save_and_run = async |id: &str, name: &str, version: &str| {
        let mut form = export_form(id, &segment, name, version);
        form.push(("then", "run"));
        send(&stage, &cookie, "/api/exports/save", &form).await
    };

    let (address, page) = save_and_run("", "Brand new", "0").await;
    assert!(page.contains("The export has no connection") && !page.contains("data-guard=\"changed\""), "{page}");
    let id = value_of(&page, "id");
    assert!(address.starts_with(&format!("/data/exports/{id}")), "{address}");
    let version = value_of(&page, "form[version]");
    let (_, page) = save_and_run(&id, "Renamed", &version).await;
    assert!(!page.contains(STALE), "{page}");
    let (_, page) = save_and_run(&id, "Renamed again", &value_of(&page, "form[version]")).await;
    assert!(!page.contains(STALE) && value_of(&page, "form[name]") == "Renamed again", "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_somebody_else_saved_is_saved_after_that_was_said() {
    let (stage, world, cookie) = signed_in().await;
    let (id, segment) = (world.closed_export.to_string(), world.segment.to_string());
    let exports = &stage.services().exports;
    let before = exports.find(&world.admin, world.closed_export).await.expect("the export").export;
    exports.edit(&world.admin, before.id, before.version, before.settings).await.expect("saved by somebody else");
    let save = async |version: &str| {
        let form = export_form(&id, &segment, "Mine", version);
        send(&stage, &cookie, "/api/exports/save", &form).await
    };

    let (_, page) = save(&before.version.to_string()).await;
    assert!(page.contains(STALE) && value_of(&page, "form[name]") == "Mine", "{page}");
    let (address, _) = save(&value_of(&page, "form[version]")).await;

    assert_eq!(address, "/data/exports");
    let after = exports.find(&world.admin, before.id).await.expect("the export").export;
    assert_eq!(after.settings.name, "Mine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_somebody_else_saved_is_saved_after_that_was_said() {
    let (stage, world, cookie) = signed_in().await;
    let system = &stage.services().system;
    let before = system.settings(&world.admin).await.expect("the settings");
    system.save_settings(&world.admin, before.clone()).await.expect("saved by somebody else");
    let save = async |version: &str| {
        let kind = ("form[schedule][kind]", "off");
        let form = [kind, ("form[catch_up_hours]", "7"), ("form[when_active]", "skip"), ("form[version]", version)];
        send(&stage, &cookie, "/api/system/save", &form).await
    };

    let (_, page) = save(&before.version.to_string()).await;
    assert!(page.contains(STALE) && value_of(&page, "form[catch_up_hours]") == "7", "{page}");
    let (address, _) = save(&value_of(&page, "form[version]")).await;

    assert!(!address.contains("fault"), "{address}");
    assert_eq!(system.settings(&world.admin).await.expect("the settings").catch_up_hours, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_active_segment_offers_its_refresh() {
    let (stage, world, cookie) = signed_in().await;
    let path = format!("/segments/{}", world.segment);
    for is_active in [true, false] {
        stage.services().segments.set_active(&world.admin, world.segment, is_active).await.expect("set");
        let page = stage.get(&path, Some(&cookie)).await.text().await.expect("a page");
        assert!(page.contains("/api/segments/set-active"), "{page}");
        assert_eq!(page.contains("/api/segments/refresh"), is_active, "{page}");
    }
}
