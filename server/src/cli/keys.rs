//! `ferry keys rotate`: seals the API keys anew after another secret key was put before the old one. Works beside a running
//! server.

use std::process::ExitCode;

use anyhow::Context as _;

use super::print::say;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::db::Database;
use crate::keys::{self, WhenMissing};

/// What can be done with the secret keys.
#[derive(Debug, clap::Subcommand)]
pub enum KeysCommand {
    /// Seal every API key with the first secret key, whichever sealed it before.
    ///
    /// Give Ferry the new key before the old one (both in FERRY_SECRET_KEY or its file), start every server again, and run
    /// this. It can be broken off and repeated; runs go on. Once it has ended well, the old key can be left out.
    Rotate,
}

/// Runs the command.
pub async fn rotate(config: &Config) -> anyhow::Result<ExitCode> {
    let db = Database::open(&config.database).await.context("the database cannot be opened")?;
    let rotated = async {
        let keyring = keys::load(config, &db, &*SystemClock::shared(), WhenMissing::Refuse).await?;
        keys::rotate(&db, &keyring).await
    };
    let rotated = rotated.await;
    db.close().await;
    let rotated = rotated?;
    say!("{} of {} API keys sealed anew: all are sealed with the first secret key", rotated.renewed, rotated.all);
    say!("Older secret keys can be left out now, where every server has been started with the new one.");
    Ok(ExitCode::SUCCESS)
}
