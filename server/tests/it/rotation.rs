//! Another secret key, with the real `ferry`: broken off wherever it is, a rotation goes on where it was.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use domain::access::Audience;
use domain::connection::Consent;
use domain::destination::{Brand, DestinationKind};
use domain::id::{ConnectionId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use server::db::connections::{self, StoredConnection, key_place};
use server::db::{Database, DatabaseLocation};
use server::secrets::Keyring;
use tokio::process::Command;
use uuid::Uuid;

const CONNECTIONS: usize = 1_000;
const KILLS: u64 = 20;

fn ferry(data_dir: &Path, keys: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
    command.args(arguments).env_clear().env("FERRY_DATA_DIR", data_dir).env("FERRY_SECRET_KEY", keys);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn run(data_dir: &Path, keys: &str, arguments: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = ferry(data_dir, keys, arguments).output().await.expect("it ran");
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

async fn open(data_dir: &Path) -> Database {
    Database::open(&DatabaseLocation::Sqlite(data_dir.join("ferry.db"))).await.expect("a database")
}

async fn fill(db: &Database, keyring: &Keyring) {
    let mut tx = db.begin().await.expect("begun");
    for number in 1..=CONNECTIONS as u128 {
        let id = ConnectionId(Uuid::from_u128(number));
        let row = id.to_string();
        let secret = SecretString::from(format!("omn-{number}"));
        let consent = Consent {
            by: UserId(Uuid::from_u128(1)),
            by_email: "ana@example.com".to_owned(),
            at: 1,
            language: "en".to_owned(),
            wording: "I agree".to_owned(),
        };
        let stored = StoredConnection {
            id,
            is_ready: false,
            name: format!("Shop {number}"),
            kind: DestinationKind("omnisend".to_owned()),
            audience: Audience::Administrators,
            sealed_key: keyring.seal(key_place(&row), &secret).expect("sealed"),
            brand: Brand { id: "b1".to_owned(), name: String::new(), website: String::new() },
            consent,
            export_user: None,
            needs_attention: None,
            created_at: 1,
        };
        assert!(connections::put_draft(&mut tx, &stored).await.expect("kept"));
    }
    tx.commit().await.expect("committed");
}

/// How many of the API keys are sealed with the first key of the ring.
async fn renewed(db: &Database, keyring: &Keyring) -> usize {
    let mut tx = db.read().await.expect("begun");
    let all = connections::sealed_keys(&mut tx).await.expect("read");
    all.iter().filter(|(_, sealed)| keyring.is_sealed_with_newest(sealed)).count()
}

/// How many of the API keys are what they were.
async fn whole(db: &Database, keyring: &Keyring) -> usize {
    let mut tx = db.read().await.expect("begun");
    let all = connections::sealed_keys(&mut tx).await.expect("read");
    let is_whole = |(id, sealed): &&(ConnectionId, Vec<u8>)| {
        let row = id.to_string();
        let secret = keyring.open(key_place(&row), sealed);
        secret.is_ok_and(|secret| secret.expose_secret() == format!("omn-{}", id.0.as_u128()))
    };
    all.iter().filter(is_whole).count()
}

#[tokio::test]
async fn r39_a_rotation_that_is_killed_again_and_again_loses_nothing_and_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let (old, new) = (Keyring::generate(), Keyring::generate());
    let old_text = old.expose_secret();
    let both_text = format!("{},{old_text}", new.expose_secret());
    let both = Keyring::parse(&SecretString::from(both_text.as_str())).expect("keys");
    let db = open(dir.path()).await;
    let (is_well, said) = run(dir.path(), old_text, &["keys", "rotate"]).await;
    assert!(is_well && said.starts_with("0 of 0"), "the database is bound to the key: {said}");
    fill(&db, &Keyring::parse(&old).expect("a key")).await;

    for kill in 1..=KILLS {
        let before = renewed(&db, &both).await;
        let mut child = ferry(dir.path(), &both_text, &["keys", "rotate"]).spawn().expect("it starts");
        let begun = Instant::now();
        while renewed(&db, &both).await == before {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not begin");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.kill().await.expect("killed");
        assert_eq!(whole(&db, &both).await, CONNECTIONS);
        assert!(renewed(&db, &both).await < CONNECTIONS, "kill {kill} came when all was done");
        let (is_started, said) = run(dir.path(), new.expose_secret(), &["keys", "rotate"]).await;
        assert!(!is_started && said.contains("is not the one that sealed"), "the old key is needed: {said}");
    }

    let (is_done, said) = run(dir.path(), &both_text, &["keys", "rotate"]).await;
    assert!(is_done && said.contains("of 1000 API keys"), "{said}");
    let alone = Keyring::parse(&new).expect("a key");
    assert_eq!((whole(&db, &alone).await, renewed(&db, &alone).await), (CONNECTIONS, CONNECTIONS));
    let (is_started, said) = run(dir.path(), new.expose_secret(), &["keys", "rotate"]).await;
    assert!(is_started && said.starts_with("0 of 1000"), "{said}");
    let (is_started, said) = run(dir.path(), old_text, &["keys", "rotate"]).await;
    assert!(!is_started, "the old key opens nothing any more: {said}");
}
