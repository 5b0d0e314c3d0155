//! Uploads and downloads: what arrives whole is kept under a name of the server's, everything else leaves nothing.

use app::services::{SourceDraft, Sources as _};
use domain::access::Role;
use domain::attribute::AttributeType;
use domain::source::Location;
use reqwest::{Method, Response};

use crate::stage::{Stage, location, stage_with_world};

fn form(file_name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\r\n");
    [head.as_bytes(), content, b"\r\n--x--\r\n"].concat()
}

async fn upload(stage: &Stage, cookie: &str, body: Vec<u8>) -> Response {
    let ask = stage.ask(Method::POST, "/uploads").for_data().cookie(Some(cookie));
    ask.body("multipart/form-data; boundary=x", body).send().await
}

fn kept(stage: &Stage) -> Vec<String> {
    let entries = std::fs::read_dir(stage.config.data_dir.join("uploads")).expect("the folder");
    let mut names: Vec<String> = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into()).collect();
    names.sort();
    names
}

async fn contributor() -> (Stage, String) {
    let stage = Stage::start().await;
    stage.person("bo@example.com", Role::Contributor).await;
    let cookie = stage.sign_in("bo@example.com").await;
    (stage, cookie)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_kept_byte_for_byte_under_a_name_of_the_servers() {
    use sha2::Digest as _;
    let (stage, cookie) = contributor().await;
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();

    let response = upload(&stage, &cookie, form("../../kunder ș.csv", &content)).await;

    assert_eq!(response.status(), 200);
    let answer: serde_json::Value = response.json().await.expect("an answer");
    let name = answer["upload"].as_str().expect("a name");
    assert_eq!(kept(&stage), [name]);
    assert_eq!(std::fs::read(stage.config.data_dir.join("uploads").join(name)).expect("kept"), content);
    assert_eq!(answer["file_name"], "kunder ș.csv");
    assert_eq!(answer["bytes"], 800_000);
    let digest: String = sha2::Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(answer["sha256"], digest);
    let next = answer["next"].as_str().expect("a page");
    assert!(next.starts_with(&format!("/data/sources/preview?upload={name}")), "{next}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_script_is_led_to_the_preview() {
    let (stage, cookie) = contributor().await;
    let ask = stage.ask(Method::POST, "/uploads").cookie(Some(&cookie));
    let response = ask.body("multipart/form-data; boundary=x", form("a.csv", b"id\n1\n")).send().await;
    assert_eq!(response.status(), 303);
    assert!(location(&response).starts_with("/data/sources/preview?upload="));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_holds_to_the_byte_and_what_is_over_it_leaves_nothing() {
    let (stage, cookie) = contributor().await;
    let limit = usize::try_from(stage.config.upload_limit).expect("small");

    assert_eq!(upload(&stage, &cookie, form("a.csv", &vec![b'x'; limit])).await.status(), 200);
    let whole = kept(&stage);
    assert_eq!(whole.len(), 1);
    assert_eq!(upload(&stage, &cookie, form("a.csv", &vec![b'x'; limit + 1])).await.status(), 413);
    assert_eq!(kept(&stage), whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let (stage, cookie) = contributor().await;
    let whole = form("a.csv", &[b'x'; 10_000]);
    let response = upload(&stage, &cookie, whole[..5000].to_vec()).await;
    assert_eq!(response.status(), 400);
    for broken in [&b"--x--\r\n"[..], b"", b"no multipart at all"] {
        assert_eq!(upload(&stage, &cookie, broken.to_vec()).await.status(), 400);
    }
    assert_eq!(kept(&stage), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leftovers_of_an_earlier_process_are_removed_at_the_start() {
    let stage = Stage::start_with(|config| {
        let folder = config.data_dir.join("uploads");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("01890000-0000-7000-8000-000000000001.part"), "x").expect("written");
    })
    .await;
    assert_eq!(kept(&stage), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_that_did_not_arrive_are_a_file_without_formulas() {
    let (stage, world) = stage_with_world().await;
    stage.person("eva@example.com", Role::Viewer).await;
    let cookie = stage.sign_in("eva@example.com").await;

    let response = stage.get(&format!("/runs/{}/rows.csv", world.shared_run), Some(&cookie)).await;

    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    assert!(header("content-type").starts_with("text/csv"));
    assert!(header("content-disposition").starts_with("attachment; filename=\"ferry-run-"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    let text = response.text().await.expect("a text");
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split_terminator("\r\n").collect();
    assert_eq!(lines[0], "key,email,reason,detail");
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].starts_with("3,") && lines[1].contains("email_invalid"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_rows_are_a_file_even_where_no_row_became_a_profile() {
    let (stage, cookie) = contributor().await;
    let admin = stage.person("root@example.com", Role::Administrator).await;
    let answer = upload(&stage, &cookie, form("a.csv", b"id,=SUM(A1)\n1,x\n,5\n")).await;
    let answer: serde_json::Value = answer.json().await.expect("an answer");
    let upload = answer["upload"].as_str().expect("a name").to_owned();
    let location = Location::Upload { upload, file_name: "a.csv".to_owned() };
    let sources = &stage.services().sources;
    let preview = sources.preview(&admin, &location, None).await.expect("a preview");
    let mut attributes = preview.attributes;
    attributes[1].kind = AttributeType::Integer;
    let (name, primary_key) = ("A".to_owned(), Some("id".to_owned()));
    let draft = SourceDraft { name, location, reading: preview.reading, attributes, primary_key };
    let id = sources.save(&admin, None, draft).await.expect("saved");
    let path = format!("/data/sources/{id}/rejected.csv");
    assert_eq!(stage.get(&path, Some(&cookie)).await.status(), 404, "there was no refresh");

    let number = sources.start_refresh(&admin, id).await.expect("started");
    let refresh = sources.wait_for_refresh(number, |_| {}).await.expect("ended");

    assert_eq!(refresh.fault.as_deref(), Some("all_rejected"));
    let text = stage.get(&path, Some(&cookie)).await.text().await.expect("a text");
    assert_eq!(text, "\u{feff}file,line,reason,attribute\r\n,2,type,'=SUM(A1)\r\n,3,key_missing,id\r\n");
    let page = stage.get(&format!("/data/sources/{id}"), Some(&cookie)).await.text().await.expect("a page");
    assert!(page.contains("Every row was rejected") && page.contains(&path), "{page}");
}
