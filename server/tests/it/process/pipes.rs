//! Readers who go away: what a command prints is for them, what it does is not.

use std::process::Stdio;

use super::codes::Shop;
use super::{ended, ferry, serve, terminate};

/// An output whose reader has gone away already.
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_reader_goes_away_does_its_work_and_says_nothing_of_it() {
    let shop = Shop::open().await;
    shop.apply(&["1,ana@shop.example,ES", "2,bo@shop.example,ES", "3,no address,SE"]).await;
    let file = shop.file("people.csv", "id,email\n1,ana@shop.example\n,nobody@shop.example\n");
    let toml = shop.dir.path().join("ferry.toml");
    let (file, toml) = (file.to_str().expect("a path"), toml.to_str().expect("a path"));
    let commands: [(&[&str], i32); 8] = [
        (&["check"], 0),
        (&["apply", toml], 0),
        (&["apply", toml, "--check"], 0),
        (&["run", "Letter", "--dry-run"], 0),
        (&["run", "Letter"], 0),
        (&["run", "Nothing"], 1),
        (&["import", file, "--name", "People"], 0),
        (&["keys", "rotate"], 0),
    ];
    for (arguments, expected) in commands {
        let child = shop.command(arguments).stdout(nobody()).spawn().expect("it starts");
        let (code, _, errors) = ended(child).await;
        assert_eq!(code, Some(expected), "{arguments:?}: {errors}");
        assert!(!errors.contains("panicked") && !errors.contains("pipe"), "{arguments:?}: {errors}");
        let child = shop.command(arguments).env("FERRY_LOG", "debug").stdout(nobody()).stderr(nobody()).spawn();
        assert_eq!(ended(child.expect("it starts")).await.0, Some(expected), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_log_nobody_reads_any_more_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut server, base) = serve(dir.path(), &[("FERRY_LOG", "debug")]).await;
    drop(server.stderr.take());
    for _ in 0..20 {
        assert_eq!(reqwest::get(format!("{base}/readyz")).await.expect("an answer").status(), 200);
    }
    terminate(&server).await;
    assert_eq!(ended(server).await.0, Some(0));
    let help = ferry(dir.path(), &["--help"]).stdout(nobody()).spawn().expect("it starts");
    assert!(!ended(help).await.2.contains("panicked"));
}
