//! All services over one database, as they hang together, and what they do without being asked. The server and the
//! command line make them here, so that both live by the same rules.

use std::path::PathBuf;
use std::sync::Arc;

use app::services::{Answer, Services};
use ferry_data::DataEngine;

use super::accounts::AccountsService;
use super::accounts::passwords::Passwords;
use super::connections::ConnectionsService;
use super::exports::{ExportsService, Wake};
use super::housekeeping::Housekeeping;
use super::segments::SegmentsService;
use super::sources::SourcesService;
use super::sources::files::Places;
use super::system::SystemService;
use crate::clock::SharedClock;
use crate::db::Database;
use crate::destinations::Registry;
use crate::engine::PaceRules;
use crate::secrets::Keyring;

/// What services are made of.
pub struct Parts {
    /// The database.
    pub db: Database,
    /// The data engine, over the data directory.
    pub data: DataEngine,
    /// The clock.
    pub clock: SharedClock,
    /// What seals API keys.
    pub keyring: Arc<Keyring>,
    /// The destinations.
    pub destinations: Registry,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Directories whose files may be named as data sources.
    pub source_directories: Vec<PathBuf>,
    /// Called when there is work for the engine.
    pub wake: Wake,
    /// What an operator has set about the limits of accounts.
    pub pace: PaceRules,
}

/// All services. Cheap to clone.
#[derive(Clone)]
pub struct AllServices {
    /// People and signing in.
    pub accounts: AccountsService,
    /// Data sources and profiles.
    pub sources: SourcesService,
    /// Segments.
    pub segments: SegmentsService,
    /// Connections.
    pub connections: ConnectionsService,
    /// Exports and runs.
    pub exports: ExportsService,
    housekeeping: Housekeeping,
    /// The system refresh.
    pub system: SystemService,
}

impl AllServices {
    /// Makes them. Looks whether the source directories are there, so it blocks on the disk for a moment.
    pub fn new(parts: Parts) -> Self {
        let Parts { db, data, clock, keyring, destinations, data_dir, source_directories, wake, pace } = parts;
        let accounts = AccountsService::new(db.clone(), clock.clone(), Passwords::new());
        let segments = SegmentsService::new(db.clone(), data.clone(), clock.clone());
        let places = Places::new(&data_dir, &source_directories);
        let sources = SourcesService::new(db.clone(), data.clone(), clock.clone(), places, segments.clone());
        let proof = Arc::new(accounts.clone());
        let connections =
            ConnectionsService::new(db.clone(), clock.clone(), keyring, destinations.clone(), proof, pace);
        let housekeeping = Housekeeping::new(db.clone(), data.clone(), clock.clone());
        let system = SystemService::new(db.clone(), clock.clone(), sources.clone(), segments.clone(), wake.clone());
        let exports = ExportsService::new(db, data, clock, destinations, wake, pace);
        Self { accounts, sources, segments, connections, exports, system, housekeeping }
    }

    /// As the screens know them.
    pub fn for_screens(&self) -> Services {
        Services {
            accounts: Arc::new(self.accounts.clone()),
            sources: Arc::new(self.sources.clone()),
            segments: Arc::new(self.segments.clone()),
            connections: Arc::new(self.connections.clone()),
            exports: Arc::new(self.exports.clone()),
            system: Arc::new(self.system.clone()),
        }
    }

    /// Marks refreshes that broke off, and removes what nobody needs any more: uploads that became nothing, set-ups that
    /// were not ended, expired sessions, files that nothing refers to. To be called at the start and every few minutes.
    ///
    /// # Errors
    /// The database is gone; the next call makes up for it.
    pub async fn tidy_up(&self) -> Answer<()> {
        self.sources.tidy_up().await?;
        self.connections.forget_old_drafts().await?;
        self.accounts.tidy_up().await?;
        self.housekeeping.tidy_up().await
    }

    /// Breaks off what runs in the background, at the end of the process.
    pub async fn stop(&self) {
        self.sources.stop_refreshes().await;
    }
}
