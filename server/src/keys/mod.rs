//! Which secret key this Ferry works with. Decided once at start, and closed when in doubt: over secrets that another
//! key sealed, nothing starts, and no new key is ever made.

mod rotation;

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Database, DbError, accounts};
use crate::secrets::{Keyring, Place, SecretError};

pub use rotation::{Rotated, rotate};

/// The file in the data directory that `ferry serve` makes when no key is given.
const KEY_FILE: &str = "secret.key";
/// A known value; sealed in the database, it tells whether a key is the right one.
const CANARY: &str = "ferry";
const CANARY_PLACE: Place<'static> = Place { table: "secrets_canary", column: "sealed", row: "canary" };

/// Why Ferry does not start with this key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There are secrets, and no key.
    #[error(
        "no secret key is given, and the database holds secrets that one sealed: set FERRY_SECRET_KEY or \
         FERRY_SECRET_KEY_FILE to the key that was used before, or put it back as secret.key in the data directory"
    )]
    Missing,
    /// There is no key yet, and this command does not make one.
    #[error(
        "no secret key is given: set FERRY_SECRET_KEY or FERRY_SECRET_KEY_FILE, or run `ferry serve` once, which makes one"
    )]
    None,
    /// The key is not one.
    #[error("the secret key is not usable")]
    Malformed(#[source] SecretError),
    /// The key is another one than was used before.
    #[error("the secret key is not the one that sealed this database's secrets")]
    Wrong(#[source] SecretError),
    /// Secrets without the value that tells whether the key is right.
    #[error(
        "the database holds secrets but not the value that tells whether the key is right: restore the database from a backup"
    )]
    NoCanary,
    /// No key opens one of the secrets.
    #[error(
        "the API key of connection {0} is sealed with none of the secret keys: give the one that sealed it, or replace the \
         API key on the connection's page"
    )]
    Closed(String, #[source] SecretError),
    /// The file can be read by others.
    #[error("`{0}` can be read by other people of this machine: chmod 600 it")]
    FileIsOpen(PathBuf),
    /// The file cannot be read or made.
    #[error("`{0}` cannot be read or made")]
    File(PathBuf, #[source] std::io::Error),
    /// The database failed.
    #[error("the secret key could not be checked")]
    Database(#[from] DbError),
}

/// May a key be made?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenMissing {
    /// Yes, in a data directory without secrets: `ferry serve`.
    Make,
    /// No: all other commands.
    Refuse,
    /// No, and nothing else is written either: `ferry check`.
    Look,
}

/// The keys of this start, checked against the database.
///
/// # Errors
/// No key, a malformed one, or not the one that sealed what is there.
pub async fn load(
    config: &Config,
    db: &Database,
    clock: &dyn Clock,
    when_missing: WhenMissing,
) -> Result<Keyring, KeyError> {
    let mut tx = if when_missing == WhenMissing::Look { db.read().await? } else { db.begin().await? };
    let canary = accounts::canary(&mut tx).await?;
    let has_secrets = canary.is_some() || accounts::count_secrets(&mut tx).await? > 0;
    let path = config.data_dir.join(KEY_FILE);
    let (text, made) = match (&config.secret_key, read_key_file(&path)?) {
        (Some(given), _) => (given.clone(), false),
        (None, Some(found)) => (found, false),
        (None, None) if has_secrets => return Err(KeyError::Missing),
        (None, None) if when_missing != WhenMissing::Make => return Err(KeyError::None),
        (None, None) => (make_key_file(&path)?, true),
    };
    let keyring = Keyring::parse(&text).map_err(KeyError::Malformed)?;
    match canary {
        Some(sealed) => check_canary(&keyring, &sealed)?,
        None if has_secrets => return Err(KeyError::NoCanary),
        // Nothing is sealed yet, so this key is as good as any.
        None if when_missing == WhenMissing::Look => {}
        None => {
            let sealed = keyring.seal(CANARY_PLACE, &SecretString::from(CANARY)).map_err(KeyError::Malformed)?;
            accounts::insert_canary(&mut tx, &sealed, clock.now_micros()).await?;
            tx.commit().await?;
        }
    }
    if made {
        tracing::warn!(
            file = %path.display(),
            "made a new secret key: back it up apart from the data, for without it the API keys cannot be read again"
        );
    }
    Ok(keyring)
}

fn check_canary(keyring: &Keyring, sealed: &[u8]) -> Result<(), KeyError> {
    let opened = keyring.open(CANARY_PLACE, sealed).map_err(KeyError::Wrong)?;
    if opened.expose_secret() == CANARY { Ok(()) } else { Err(KeyError::Wrong(SecretError::DoesNotOpen)) }
}

fn read_key_file(path: &Path) -> Result<Option<SecretString>, KeyError> {
    let failed = |error| KeyError::File(path.to_owned(), error);
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::FileIsOpen(path.to_owned()));
    }
    std::fs::read_to_string(path).map(|text| Some(SecretString::from(text.trim()))).map_err(failed)
}

/// Makes the file, never over one that is there, and sees to it that it is on the disk before anything is sealed.
fn make_key_file(path: &Path) -> Result<SecretString, KeyError> {
    let key = Keyring::generate();
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{}", key.expose_secret())?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
    };
    write().map_err(|error| KeyError::File(path.to_owned(), error))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use crate::db::testing::{TestDatabase, databases};

    struct Stage {
        db: TestDatabase,
        config: Config,
        _dir: tempfile::TempDir,
    }

    async fn stages() -> Vec<Stage> {
        let stage = |db: TestDatabase| {
            let dir = tempfile::tempdir().expect("a folder");
            let config = Config {
                listen: ([127, 0, 0, 1], 0).into(),
                data_dir: dir.path().to_owned(),
                database: crate::db::DatabaseLocation::Sqlite(dir.path().join("unused.db")),
                secret_key: None,
                public_url: None,
                trusted_proxies: Vec::new(),
                omnisend_url: None,
                pace: crate::config::Pace::default(),
                source_directories: Vec::new(),
                upload_limit: 1,
            };
            Stage { db, config, _dir: dir }
        };
        databases().await.into_iter().map(stage).collect()
    }

    impl Stage {
        async fn start(&self, key: Option<&str>) -> Result<Keyring, KeyError> {
            let config = Config { secret_key: key.map(SecretString::from), ..self.config.clone() };
            load(&config, &self.db, &*TestClock::shared(), WhenMissing::Make).await
        }

        fn key_file(&self) -> PathBuf {
            self.config.data_dir.join(KEY_FILE)
        }
    }

    #[tokio::test]
    async fn a_new_data_directory_gets_a_key_and_keeps_it() {
        for stage in stages().await {
            let first = stage.start(None).await.expect("started");
            let mode = std::fs::metadata(stage.key_file()).expect("made").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let place = Place { table: "t", column: "c", row: "r" };
            let sealed = first.seal(place, &"omn-key".into()).expect("sealed");

            let second = stage.start(None).await.expect("started again");

            assert_eq!(second.open(place, &sealed).expect("the same key").expose_secret(), "omn-key");
        }
    }

    #[tokio::test]
    async fn a_missing_key_over_existing_secrets_refuses_to_start_and_makes_none() {
        for stage in stages().await {
            stage.start(None).await.expect("started");
            std::fs::remove_file(stage.key_file()).expect("removed");

            assert!(matches!(stage.start(None).await, Err(KeyError::Missing)));
            assert!(!stage.key_file().exists());
        }
    }

    #[tokio::test]
    async fn a_wrong_short_default_or_empty_key_refuses_to_start() {
        for stage in stages().await {
            let right = Keyring::generate();
            stage.start(Some(right.expose_secret())).await.expect("started");
            assert!(stage.start(Some(right.expose_secret())).await.is_ok());

            let wrong = Keyring::generate();
            assert!(matches!(stage.start(Some(wrong.expose_secret())).await, Err(KeyError::Wrong(_))));
            for malformed in ["c2hvcnQ=", "changeme", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ""] {
                assert!(matches!(stage.start(Some(malformed)).await, Err(KeyError::Malformed(_))), "{malformed}");
            }
            assert!(stage.start(Some(right.expose_secret())).await.is_ok(), "the refusals changed nothing");
            assert!(!stage.key_file().exists());
        }
    }

    #[tokio::test]
    async fn a_malformed_key_seals_nothing_in_a_new_database() {
        for stage in stages().await {
            assert!(matches!(stage.start(Some("changeme")).await, Err(KeyError::Malformed(_))));
            let mut tx = stage.db.read().await.expect("begun");
            assert_eq!(accounts::canary(&mut tx).await.expect("read"), None);
        }
    }

    #[tokio::test]
    async fn a_new_key_before_the_old_one_opens_what_the_old_one_sealed() {
        for stage in stages().await {
            let (old, new) = (Keyring::generate(), Keyring::generate());
            stage.start(Some(old.expose_secret())).await.expect("started");
            let both = format!("{},{}", new.expose_secret(), old.expose_secret());
            assert!(stage.start(Some(&both)).await.is_ok());
            assert!(matches!(stage.start(Some(new.expose_secret())).await, Err(KeyError::Wrong(_))));
        }
    }

    #[tokio::test]
    async fn whoever_only_looks_binds_the_database_to_no_key() {
        for stage in stages().await {
            let look = async |key: &SecretString| {
                let config = Config { secret_key: Some(key.clone()), ..stage.config.clone() };
                load(&config, &stage.db, &*TestClock::shared(), WhenMissing::Look).await
            };
            let (one, other) = (Keyring::generate(), Keyring::generate());
            assert!(look(&one).await.is_ok() && look(&other).await.is_ok());

            stage.start(Some(other.expose_secret())).await.expect("started");

            assert!(look(&other).await.is_ok());
            assert!(matches!(look(&one).await, Err(KeyError::Wrong(_))));
        }
    }

    #[tokio::test]
    async fn a_key_file_that_others_can_read_and_other_commands_without_a_key_are_refused() {
        for stage in stages().await {
            let clock = TestClock::shared();
            let refused = load(&stage.config, &stage.db, &*clock, WhenMissing::Refuse).await;
            assert!(matches!(refused, Err(KeyError::None)));
            assert!(!stage.key_file().exists());

            stage.start(None).await.expect("started");
            std::fs::set_permissions(stage.key_file(), std::fs::Permissions::from_mode(0o644)).expect("opened");
            assert!(matches!(stage.start(None).await, Err(KeyError::FileIsOpen(_))));
        }
    }
}
