//! `ferry check`: looks at the settings, the data directory, the database and the keys, one line each, and says what to
//! do about what is wrong. Changes nothing: a server of another version may be running on the same database.

use std::path::Path;
use std::process::ExitCode;

use super::print::say;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::db::{self, Database, DatabaseLocation, DbError, Tables};
use crate::keys::{self, WhenMissing};
use crate::secrets::Keyring;

/// Check the settings, the data directory, the database and the keys.
///
/// One line for each, with what to do where something is wrong. Exit codes: 0 all is well, 1 something is wrong.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {}

/// One finding.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    is_good: bool,
    what: &'static str,
    text: String,
}

fn good(what: &'static str, text: impl Into<String>) -> Finding {
    Finding { is_good: true, what, text: text.into() }
}

fn bad(what: &'static str, text: impl Into<String>) -> Finding {
    Finding { is_good: false, what, text: text.into() }
}

/// Runs the command.
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let findings = look(config).await;
    for finding in &findings {
        let mark = if finding.is_good { "ok  " } else { "FAIL" };
        say!("{mark}  {:<18} {}", finding.what, finding.text);
    }
    Ok(if findings.iter().all(|finding| finding.is_good) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![data_directory(&config.data_dir)];
    for directory in &config.source_directories {
        findings.push(source_directory(directory));
    }
    match open(config).await {
        Ok(Some((db, tables))) => {
            findings.extend(tables_and_keys(config, &db, tables).await);
            db.close().await;
        }
        Ok(None) => {
            findings.push(good("database", "not made yet; `ferry serve` makes it"));
            findings.extend(given_key(config));
        }
        Err(error @ DbError::Newer(_)) => findings.push(bad("database", error.to_string())),
        Err(error) => {
            let text = chain(&error);
            let text = format!("{text}: check FERRY_DATABASE_URL, and that the server runs and lets this machine in");
            findings.push(bad("database", text));
        }
    }
    findings
}

async fn tables_and_keys(config: &Config, db: &Database, tables: Tables) -> Vec<Finding> {
    let answers = format!("{} answers", db.kind());
    if tables == Tables::Older {
        // What is in them cannot be read before.
        let found = good("database", format!("{answers}; its tables are older: `ferry serve` brings them up to date"));
        return std::iter::once(found).chain(given_key(config)).collect();
    }
    let mut findings =
        vec![good("database", format!("{answers}, its tables are up to date")), administrators(db).await];
    match keys::load(config, db, &*SystemClock::shared(), WhenMissing::Look).await {
        Ok(keyring) => {
            findings.push(good("secret key", "opens what the database holds"));
            findings.push(sealed_keys(db, &keyring).await);
        }
        Err(error) => findings.push(bad("secret key", chain(&error))),
    }
    findings
}

/// Without a database, a key that is given can only be looked at.
fn given_key(config: &Config) -> Option<Finding> {
    let what = "secret key";
    Some(match Keyring::parse(config.secret_key.as_ref()?) {
        Ok(_) => good(what, "can be used"),
        Err(error) => bad(what, format!("{}: make one with `openssl rand -base64 32`", chain(&error))),
    })
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    text
}

fn data_directory(directory: &Path) -> Finding {
    let what = "data directory";
    let shown = directory.display();
    if !directory.exists() {
        return good(what, format!("`{shown}` is not there yet; `ferry serve` makes it"));
    }
    // Permissions, mounts and full disks: only writing tells.
    let probe = directory.join(format!(".check-{}", uuid::Uuid::now_v7()));
    let written = std::fs::write(&probe, b"ferry").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => good(what, format!("`{shown}` can be written to")),
        Err(error) => {
            bad(what, format!("`{shown}` cannot be written to ({error}): give it to the user that runs Ferry"))
        }
    }
}

fn source_directory(directory: &Path) -> Finding {
    let what = "source directory";
    match directory.read_dir() {
        Ok(_) => good(what, format!("`{}` can be read", directory.display())),
        Err(error) => {
            bad(what, format!("`{}` cannot be read ({error}): correct FERRY_SOURCE_DIRECTORIES", directory.display()))
        }
    }
}

/// The database; none while its file is not there, which looking must not make.
async fn open(config: &Config) -> Result<Option<(Database, Tables)>, DbError> {
    if let DatabaseLocation::Sqlite(path) = &config.database
        && !path.exists()
    {
        return Ok(None);
    }
    Database::look(&config.database).await.map(Some)
}

async fn administrators(db: &Database) -> Finding {
    let what = "administrators";
    let count = async {
        let mut tx = db.read().await?;
        db::accounts::count_working_administrators(&mut tx).await
    };
    match count.await {
        Ok(0) => bad(
            what,
            "nobody can administrate Ferry: open the set-up link that `ferry serve` prints, or use \
                            `ferry user add`",
        ),
        Ok(count) => good(what, format!("{count} can sign in")),
        Err(error) => bad(what, error.to_string()),
    }
}

/// Does the secret key open every API key?
async fn sealed_keys(db: &Database, keyring: &Keyring) -> Finding {
    let what = "API keys";
    let connections = async {
        let mut tx = db.read().await?;
        db::connections::list(&mut tx).await
    };
    let connections = match connections.await {
        Ok(connections) => connections,
        Err(error) => return bad(what, error.to_string()),
    };
    let is_closed = |one: &&db::connections::StoredConnection| {
        let row = one.id.to_string();
        keyring.open(db::connections::key_place(&row), &one.sealed_key).is_err()
    };
    let closed: Vec<_> = connections.iter().filter(is_closed).map(|one| format!("`{}`", one.name)).collect();
    let old = connections.iter().filter(|one| !keyring.is_sealed_with_newest(&one.sealed_key)).count();
    if closed.is_empty() {
        let more = if old == 0 { String::new() } else { format!("; an older key sealed {old}: `ferry keys rotate`") };
        return good(what, format!("{} can be opened{more}", connections.len()));
    }
    bad(what, format!("the secret key does not open those of {}: give the key that sealed them", closed.join(", ")))
}
