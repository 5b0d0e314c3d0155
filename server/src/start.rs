//! Puts the parts together and starts them: what `ferry serve` and the tests call.
//!
//! The order matters twice. At the start nothing listens before keys and tables are right; at the end the runner writes
//! its checkpoints before the connections to the database close.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use app::routes;
use ferry_data::{DataEngine, DataOptions};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::db::{Database, DbError, runs};
use crate::destinations::Registry;
use crate::engine::{self, Chance, Deps, Engine};
use crate::keys::{self, WhenMissing};
use crate::services::system::Runner;
use crate::services::{AllServices, Parts};
use crate::web::{self, WebState};

/// How often expired sessions and the like are removed.
const TIDY: Duration = Duration::from_secs(5 * 60);

/// A Ferry that runs in this process.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The address of the page for the first administrator, while there is nobody.
    pub set_up_link: Option<String>,
    services: AllServices,
    db: Database,
    engine: engine::Running,
    end: CancellationToken,
    web: JoinHandle<std::io::Result<()>>,
    tidy: JoinHandle<()>,
    system: JoinHandle<()>,
}

/// Starts everything.
///
/// # Errors
/// A setting, the data directory, the database, the secret key or the port cannot be used: nothing is left running.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    make_data_dir(&config.data_dir)?;
    let clock = SystemClock::shared();
    let db = Database::open(&config.database).await.context("the database cannot be opened")?;
    let keyring = Arc::new(keys::load(&config, &db, &*clock, WhenMissing::Make).await?);
    web::uploads::remove_leftovers(&config.data_dir).context("the data directory cannot be read")?;
    let destinations = Registry::new(&config.addresses())?;
    let data = DataEngine::new(DataOptions::new(&config.data_dir)).context("the data directory cannot be used")?;
    // Bound before the runner starts: a port that is taken must not leave a runner behind.
    let listener = TcpListener::bind(config.listen).await.with_context(|| format!("{} is taken", config.listen))?;
    let address = listener.local_addr()?;
    let engine = Engine::new(Deps {
        db: db.clone(),
        data: data.clone(),
        destinations: destinations.clone(),
        keyring: keyring.clone(),
        clock: clock.clone(),
        chance: Chance::default(),
        options: config.engine_options(),
    });
    let wake = engine.clone();
    let services = AllServices::new(Parts {
        db: db.clone(),
        data,
        clock: clock.clone(),
        keyring,
        destinations,
        data_dir: config.data_dir.clone(),
        source_directories: config.source_directories.clone(),
        wake: Arc::new(move || wake.wake()),
        pace: config.engine_options().pace_rules(),
    });
    services.tidy_up().await.context("the database cannot be tidied up")?;
    ask_at_the_address(&db, &clock).await.context("the database cannot be written to")?;
    let token = services.accounts.make_set_up_link().await?;
    let public = config.public_address(address);
    let set_up_link = token.map(|token| format!("{public}{}", routes::set_up(&token)));
    let end = CancellationToken::new();
    let state = WebState {
        services: services.for_screens(),
        accounts: services.accounts.clone(),
        db: db.clone(),
        clock: clock.clone(),
        config: Arc::new(config),
        crowd: web::crowd::Crowd::default(),
    };
    let web = tokio::spawn(web::serve(listener, state, end.clone()));
    let tidy = tokio::spawn(tidy_up(services.clone(), clock));
    let system = tokio::spawn(Runner::new(services.system.clone()).run(end.clone()));
    tracing::info!(%address, public, database = db.kind(), "ready");
    Ok(Running { address, set_up_link, services, db, engine: engine.start(), end, web, tidy, system })
}

impl Running {
    /// Ends: takes no more requests, lets open ones and batches on their way come to their end, and closes the database.
    pub async fn stop(self) {
        self.end.cancel();
        self.tidy.abort();
        let (_, drained) = tokio::join!(self.engine.stop(), tokio::time::timeout(web::DRAIN, self.web));
        if drained.is_err() {
            tracing::warn!("some requests were broken off");
        }
        // It lets go of its job, which goes on with the next process.
        drop(self.system.await);
        self.services.stop().await;
        self.db.close().await;
        tracing::info!("ended");
    }

    /// The services, for tests that prepare something.
    pub fn services(&self) -> &AllServices {
        &self.services
    }
}

/// What waits for the address of its destination to be put right asks there now: the settings may be other ones.
async fn ask_at_the_address(db: &Database, clock: &SharedClock) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let count = runs::go_on_at_the_address(&mut tx, clock.now_micros()).await?;
    tx.commit().await?;
    if count > 0 {
        tracing::info!(count, "runs that waited for an address ask there again");
    }
    Ok(())
}

async fn tidy_up(services: AllServices, clock: SharedClock) {
    loop {
        clock.sleep(TIDY).await;
        // The error is logged where it happens; the next round makes up for it.
        drop(services.tidy_up().await);
    }
}

/// Makes the data directory, which only its owner may look into, and what has to be in it.
///
/// # Errors
/// It cannot be made or written to.
pub fn make_data_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let make = |folder: PathBuf| {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("the folder `{}` cannot be made", folder.display()))
    };
    make(path.to_owned())?;
    make(web::uploads::folder(path))?;
    make(path.join("tmp"))
}
