//! S-10: what goes on for longer than a moment, a file up or down, ends soon after its person has been disabled. The
//! progress of a run is no stream: the page asks every two seconds, and the next question is refused.

use std::time::{Duration, Instant};

use app::services::{Accounts as _, SourceDraft, Sources as _};
use domain::access::{Actor, Role};
use domain::attribute::AttributeType;
use domain::id::SourceId;
use domain::source::Location;
use futures::stream;
use reqwest::{Body, Method};

use crate::stage::Stage;

/// An administrator, and a contributor with their cookie.
async fn people(stage: &Stage) -> (Actor, Actor, String) {
    let admin = stage.person("root@example.com", Role::Administrator).await;
    let other = stage.person("bo@example.com", Role::Contributor).await;
    (admin, other, stage.sign_in("bo@example.com").await)
}

/// A data source of which every row was rejected: 60,000 of them, each with a long word in the file that says so.
async fn rejected(stage: &Stage, admin: &Actor) -> SourceId {
    let upload = "01890000-0000-7000-8000-000000000001".to_owned();
    let text = format!("id,{}\n", "long".repeat(50)) + &"1,x\n".repeat(60_000);
    std::fs::write(stage.config.data_dir.join("uploads").join(&upload), text).expect("written");
    let location = Location::Upload { upload, file_name: "a.csv".to_owned() };
    let sources = &stage.services().sources;
    let preview = sources.preview(admin, &location, None).await.expect("a preview");
    let mut attributes = preview.attributes;
    attributes[1].kind = AttributeType::Integer;
    let (name, reading) = ("A".to_owned(), preview.reading);
    let draft = SourceDraft { name, location, reading, attributes, primary_key: None };
    let id = sources.save(admin, None, draft).await.expect("saved");
    let number = sources.start_refresh(admin, id).await.expect("started");
    sources.wait_for_refresh(number, |_| {}).await.expect("ended");
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_breaks_off_when_its_reader_is_disabled() {
    let stage = Stage::start().await;
    let (admin, other, cookie) = people(&stage).await;
    let path = format!("/data/sources/{}/rejected.csv", rejected(&stage, &admin).await);
    let whole = stage.get(&path, Some(&cookie)).await.bytes().await.expect("a file").len();
    assert!(whole > 12_000_000, "more than the buffers on the way hold: {whole}");

    let mut response = stage.get(&path, Some(&cookie)).await;
    let mut read = response.chunk().await.expect("a piece").expect("a piece").len();
    stage.services().accounts.set_enabled(&admin, other.id, false).await.expect("disabled");
    let broken = loop {
        match response.chunk().await {
            Ok(Some(piece)) => read += piece.len(),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };

    assert!(broken, "the file must not look whole");
    assert!(read < whole, "{read} of {whole}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_ends_when_its_sender_is_disabled() {
    let stage = Stage::start().await;
    let (admin, other, cookie) = people(&stage).await;
    let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
    // A row each fifth of a second, for as long as somebody takes them.
    let body = stream::unfold(0_u32, move |n| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let piece = if n == 0 { head.to_owned() } else { format!("{n}\n") };
        (n < 300).then_some((Ok::<_, std::io::Error>(piece), n + 1))
    });
    let ask = stage.ask(Method::POST, "/uploads").for_data().cookie(Some(&cookie));
    let upload = ask.body("multipart/form-data; boundary=x", Body::wrap_stream(body)).try_send();
    let upload = tokio::spawn(upload);
    let uploads = stage.config.data_dir.join("uploads");
    let parts = || std::fs::read_dir(&uploads).expect("the folder").count();
    while parts() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    stage.services().accounts.set_enabled(&admin, other.id, false).await.expect("disabled");
    let since = Instant::now();
    // The client may see its body refused before it sees the answer.
    let answer = upload.await.expect("no panic");

    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 401));
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert_eq!(parts(), 0, "nothing of it stays");
}
