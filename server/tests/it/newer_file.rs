//! A newer file for a data source that was uploaded: it is looked at as the one before was read, takes its place when that
//! is saved, and changes nothing until then.

use app::services::Sources as _;
use domain::access::Role;
use domain::paging::PageRequest;
use domain::source::Location;
use reqwest::Method;

use crate::stage::{Stage, World, location, stage_with_world};

/// A stage with a world, and a contributor's cookie.
async fn contributor() -> (Stage, World, String) {
    let (stage, world) = stage_with_world().await;
    stage.person("bo@example.com", Role::Contributor).await;
    let cookie = stage.sign_in("bo@example.com").await;
    (stage, world, cookie)
}

/// Uploads a newer file as a browser without script does: where that leads, and the page there.
async fn upload(stage: &Stage, world: &World, cookie: &str, content: &str) -> (String, String) {
    let ask = stage.ask(Method::POST, &format!("/uploads?source={}", world.source)).cookie(Some(cookie));
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"newer.csv\"\r\n\r\n";
    let body = format!("{head}{content}\r\n--x--\r\n");
    let address = location(&ask.body("multipart/form-data; boundary=x", body).send().await);
    let page = stage.get(&address, Some(cookie)).await.text().await.expect("a page");
    (address, page)
}

/// The upload that an address names.
fn upload_in(address: &str) -> String {
    let (_, query) = address.split_once('?').expect("a query");
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.into_iter().find(|(name, _)| name == "upload").expect("an upload").1.into_owned()
}

async fn upload_of(stage: &Stage, world: &World) -> String {
    let line = stage.services().sources.find(&world.admin, world.source).await.expect("the source");
    match line.source.location {
        Location::Upload { upload, .. } => upload,
        Location::Path { path } => panic!("{path}"),
    }
}

/// The form of the preview, with these columns.
fn save_form(world: &World, upload: &str, delimiter: &str, key: &str, columns: &[&str]) -> Vec<(String, String)> {
    let mut form = vec![
        ("form[source]".to_owned(), world.source.to_string()),
        ("form[upload]".to_owned(), upload.to_owned()),
        ("form[file_name]".to_owned(), "newer.csv".to_owned()),
        ("form[format]".to_owned(), "csv".to_owned()),
        ("form[encoding]".to_owned(), "utf8".to_owned()),
        ("form[delimiter]".to_owned(), delimiter.to_owned()),
        ("form[header]".to_owned(), "yes".to_owned()),
        ("form[name]".to_owned(), "People".to_owned()),
        ("form[key]".to_owned(), key.to_owned()),
        ("form[refresh]".to_owned(), "1".to_owned()),
    ];
    for (index, name) in columns.iter().enumerate() {
        form.push((format!("form[columns][{index}]"), (*name).to_owned()));
        form.push((format!("form[types][{index}]"), "text".to_owned()));
    }
    form
}

async fn save(stage: &Stage, cookie: &str, form: &[(String, String)]) -> String {
    let pairs: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let ask = stage.ask(Method::POST, "/api/sources/save").cookie(Some(cookie));
    location(&ask.form(&pairs).send().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_file_takes_the_place_of_the_one_before() {
    let (stage, world, cookie) = contributor().await;
    let before = upload_of(&stage, &world).await;
    let page = format!("/data/sources/{}", world.source);
    let text = stage.get(&page, Some(&cookie)).await.text().await.expect("a page");
    assert!(text.contains(&format!("action=\"/uploads?source={}\"", world.source)), "{text}");

    // Written otherwise, with a column more: still the same customers.
    let (address, text) = upload(&stage, &world, &cookie, "email;id;name;city\ncia@example.com;4;Cia;Lund\n").await;
    assert!(text.contains("value=\"People\"") && text.contains("<option value=\"id\" selected"), "{text}");
    assert!(!text.contains("This file lacks columns"), "{text}");
    assert_eq!(upload_of(&stage, &world).await, before, "nothing is saved yet");
    let newer = upload_in(&address);
    let form = save_form(&world, &newer, "semicolon", "id", &["email", "id", "name", "city"]);
    assert_eq!(save(&stage, &cookie, &form).await, page);

    let sources = &stage.services().sources;
    sources.finish_refreshes().await;
    let profiles = sources.profiles(&world.admin, "", PageRequest::of_50(1)).await.expect("profiles");
    assert_eq!((profiles.total, upload_of(&stage, &world).await), (1, newer));
    assert!(!stage.config.data_dir.join("uploads").join(before).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_file_without_the_key_is_not_saved_before_another_is_chosen() {
    let (stage, world, cookie) = contributor().await;
    let before = upload_of(&stage, &world).await;

    let (address, text) = upload(&stage, &world, &cookie, "email,age\ncia@example.com,40\n").await;

    assert!(text.contains("This file lacks columns that the data source has"), "{text}");
    for missing in ["<bdi>id</bdi>", "<bdi>name</bdi>", "The primary key is one of them", "<option value=\"\" selected"]
    {
        assert!(text.contains(missing), "{missing}: {text}");
    }
    let form = save_form(&world, &upload_in(&address), "comma", "", &["email", "age"]);
    let address = save(&stage, &cookie, &form).await;
    let text = stage.get(&address, Some(&cookie)).await.text().await.expect("a page");
    assert!(text.contains("This must be filled in.") && text.contains("The primary key is one of them"), "{text}");
    assert_eq!(upload_of(&stage, &world).await, before);
    assert!(stage.config.data_dir.join("uploads").join(before).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_file_that_is_not_taken_leads_back_to_its_data_source() {
    let (stage, world, cookie) = contributor().await;
    let (address, text) = upload(&stage, &world, &cookie, &"x".repeat(3 << 20)).await;
    assert!(address.starts_with(&format!("/data/sources/{}?fault=", world.source)), "{address}");
    assert!(text.contains("The file is too large"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_only_look_is_offered_no_upload() {
    let (stage, world) = stage_with_world().await;
    stage.person("eva@example.com", Role::Viewer).await;
    let cookie = stage.sign_in("eva@example.com").await;
    let page = stage.get(&format!("/data/sources/{}", world.source), Some(&cookie)).await;
    assert_eq!(page.status(), 403);
    assert!(!page.text().await.expect("a page").contains("/uploads"));
}
