//! What commands work with: the same database, data directory and services as the server, and somebody to act as. Not a
//! server: it listens to nobody.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use domain::access::Actor;
use ferry_data::{DataEngine, DataOptions};

use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::db::accounts::User;
use crate::db::{self, Database};
use crate::destinations::Registry;
use crate::engine::{Chance, Deps, Engine, Options, Running};
use crate::keys::{self, WhenMissing};
use crate::services::connections::ConnectionsService;
use crate::services::exports::ExportsService;
use crate::services::segments::SegmentsService;
use crate::services::sources::SourcesService;
use crate::services::sources::files::Places;
use crate::services::system::SystemService;
use crate::services::{AllServices, Parts};

/// The desk at which a command works.
pub struct Desk {
    pub db: Database,
    pub data: DataEngine,
    pub clock: SharedClock,
    pub destinations: Registry,
    pub places: Places,
    pub sources: SourcesService,
    pub segments: SegmentsService,
    pub connections: ConnectionsService,
    pub exports: ExportsService,
    pub system: SystemService,
    /// An engine for `ferry run`, not started.
    engine: Engine,
    /// Where relative paths of a configuration file begin.
    pub beside: PathBuf,
    /// Where the data engine of this command spills to; its own, because the server has one too.
    spill_dir: PathBuf,
}

impl Desk {
    /// Opens database, data directory and keys.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let clock = SystemClock::shared();
        for folder in ["uploads", "tmp"] {
            let path = config.data_dir.join(folder);
            tokio::fs::create_dir_all(&path).await.with_context(|| format!("`{}` cannot be made", path.display()))?;
        }
        let db = Database::open(&config.database).await.context("the database cannot be opened")?;
        let keyring = keys::load(config, &db, &*clock, WhenMissing::Refuse).await?;
        let destinations = Registry::new(&config.addresses())?;
        let spill_dir = config.data_dir.join("tmp").join(format!("command-{}", uuid::Uuid::now_v7()));
        let options = DataOptions { spill_dir: Some(spill_dir.clone()), ..DataOptions::new(&config.data_dir) };
        let data = DataEngine::new(options).context("the data directory cannot be used")?;
        let places = Places::new(&config.data_dir, &config.source_directories);
        let keyring = Arc::new(keyring);
        let engine = Engine::new(Deps {
            db: db.clone(),
            data: data.clone(),
            destinations: destinations.clone(),
            keyring: keyring.clone(),
            clock: clock.clone(),
            chance: Chance::default(),
            // One run, now: slots and the runs of other exports are the server's business.
            options: Options { workers: 1, runs_schedules: false, ..config.engine_options() },
        });
        let woken = engine.clone();
        let services = AllServices::new(Parts {
            db: db.clone(),
            data: data.clone(),
            clock: clock.clone(),
            keyring,
            destinations: destinations.clone(),
            data_dir: config.data_dir.clone(),
            source_directories: config.source_directories.clone(),
            wake: Arc::new(move || woken.wake()),
            pace: config.engine_options().pace_rules(),
        });
        let AllServices { sources, segments, connections, exports, system, .. } = services;
        let beside = PathBuf::new();
        Ok(Self {
            db,
            data,
            clock,
            destinations,
            places,
            sources,
            segments,
            connections,
            exports,
            system,
            engine,
            beside,
            spill_dir,
        })
    }

    /// Starts an engine in this process. A server that runs on the same database takes up runs as well: the lease in the
    /// database decides who has which.
    pub fn start_engine(&self) -> Running {
        self.engine.start()
    }

    /// Closes everything.
    pub async fn close(self) {
        self.sources.stop_refreshes().await;
        self.db.close().await;
        // Whatever is left in it belongs to nobody.
        drop(tokio::fs::remove_dir_all(&self.spill_dir).await);
    }

    /// Whom a command acts as: the person given with `--as`, or the first administrator.
    ///
    /// # Errors
    /// There is no such person, or they are disabled.
    pub async fn actor(&self, email: Option<&str>) -> anyhow::Result<Actor> {
        if let Some(email) = email {
            let found = self.person(email).await?;
            return found.with_context(|| format!("nobody enabled signs in with `{email}`"));
        }
        let mut tx = self.db.read().await?;
        match db::accounts::first_administrator(&mut tx).await? {
            Some(user) => Ok(actor_of(user)),
            None => bail!("there is no administrator yet: add one with `ferry user add`"),
        }
    }

    /// An enabled person.
    pub async fn person(&self, email: &str) -> anyhow::Result<Option<Actor>> {
        let mut tx = self.db.read().await?;
        let found = db::accounts::find_by_email(&mut tx, email).await?;
        Ok(found.filter(|user| user.is_enabled).map(actor_of))
    }
}

#[cfg(test)]
impl Desk {
    /// A desk over what the tests of the services stand on.
    pub fn over(stage: &crate::services::testing::Stage, beside: PathBuf) -> Self {
        let engine = Engine::new(Deps {
            db: stage.db.db.clone(),
            data: stage.data.clone(),
            destinations: stage.destinations.clone(),
            keyring: stage.keyring.clone(),
            clock: stage.clock.clone(),
            chance: Chance::default(),
            options: Options::new(stage.dir.path()),
        });
        Self {
            db: stage.db.db.clone(),
            data: stage.data.clone(),
            clock: stage.clock.clone(),
            destinations: stage.destinations.clone(),
            places: stage.places.clone(),
            sources: stage.sources.clone(),
            segments: stage.segments.clone(),
            connections: stage.connections.clone(),
            exports: stage.exports.clone(),
            system: SystemService::new(
                stage.db.db.clone(),
                stage.clock.clone(),
                stage.sources.clone(),
                stage.segments.clone(),
                Arc::new(|| {}),
            ),
            engine,
            beside,
            spill_dir: stage.dir.path().join("spill"),
        }
    }
}

fn actor_of(user: User) -> Actor {
    Actor { id: user.id, email: user.email, role: user.role }
}
