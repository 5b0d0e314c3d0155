//! The secret key over a whole start, the database and its log: API keys are nowhere to be read, and a Ferry with the
//! wrong key does not start.

use std::path::{Path, PathBuf};

use domain::access::Role;
use secrecy::SecretString;

use crate::stage::{PASSWORD, config, stage_with_world};

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_holds_an_api_key_a_password_or_a_usable_session() {
    let (stage, _) = stage_with_world().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("ana@example.com").await;
    let session = cookie.split_once('=').expect("a value").1;

    let files = files_below(&stage.config.data_dir);

    assert!(files.iter().any(|path| path.ends_with("ferry.db-wal")), "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).expect("readable");
        for secret in [omnisend_simulator::PRACTICE_KEY, PASSWORD, session] {
            assert!(!holds(&bytes, secret), "{} holds a secret", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_takes_the_same_key_and_refuses_any_other() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().expect("a folder");
    let config = config(&dir.path().join("data"));
    let first = server::start(config.clone()).await.expect("started");
    assert!(first.set_up_link.as_ref().is_some_and(|link| link.contains("/set-up/")));
    first.stop().await;
    server::start(config.clone()).await.expect("started again").stop().await;

    let other = server::secrets::Keyring::generate();
    for key in [other, SecretString::from("changeme"), SecretString::from("")] {
        let config = server::config::Config { secret_key: Some(key), ..config.clone() };
        let refused = server::start(config).await.err().expect("refused");
        assert!(format!("{refused:#}").contains("secret key"), "{refused:#}");
    }
    std::fs::remove_file(config.data_dir.join("secret.key")).expect("removed");
    assert!(server::start(config.clone()).await.is_err());
    assert!(!config.data_dir.join("secret.key").exists(), "no new key over existing secrets");
}
