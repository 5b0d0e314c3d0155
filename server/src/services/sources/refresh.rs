//! Refreshing a data source: in the background, with a lease in the database that this process prolongs, so that a
//! refresh that broke off with its process can be told from one that runs.
//!
//! Uploaded files never change. A file on the server's disk may be written to while it is read: then the refresh fails
//! rather than keep a mixture.

use std::path::PathBuf;
use std::time::Duration;

use app::error::AppError;
use app::services::{Answer, Refresh, RefreshState};
use domain::access::Actor;
use domain::id::SourceId;
use domain::source::{FileFault, ImportReport, Source};
use ferry_data::DataError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::files::{self, Fingerprint};
use super::{SourcesService, fault_name, may_edit};
use crate::db::{self, Topic};
use crate::services::internal;

/// How long a refresh is believed to run without a sign of life.
const LEASE: Duration = Duration::from_secs(30);
/// How often it gives one.
const BEAT: Duration = Duration::from_secs(2);
/// How often somebody who waits for a refresh looks at it, and how often they look whether its process is gone.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS_PER_TIDY_UP: u64 = 50;
/// The fault of a refresh that failed for another reason than its files.
const STORAGE: &str = "storage";

/// The refreshes that this process runs.
#[derive(Debug, Clone, Default)]
pub struct Refreshes {
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why a refresh came to nothing.
enum Failure {
    /// It has this fault, and had done so much.
    Fault(String, Box<ImportReport>),
    /// Somebody else has recorded its end already.
    GivenUp,
}

impl From<FileFault> for Failure {
    fn from(fault: FileFault) -> Self {
        Self::Fault(fault_name(fault), Box::default())
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::File(fault) => fault.into(),
            other => {
                tracing::error!(error = %other, "a refresh failed");
                Self::storage()
            }
        }
    }
}

impl Failure {
    fn storage() -> Self {
        Self::Fault(STORAGE.to_owned(), Box::default())
    }

    /// The same, with what became of the rows.
    fn with(self, report: ImportReport) -> Self {
        match self {
            Self::Fault(fault, _) => Self::Fault(fault, Box::new(report)),
            Self::GivenUp => Self::GivenUp,
        }
    }
}

impl SourcesService {
    /// Starts a refresh in the background and gives the number of the snapshot that it makes; the number of the one
    /// that runs, where one runs already.
    pub async fn start_refresh(&self, actor: &Actor, id: SourceId) -> Answer<i64> {
        may_edit(actor)?;
        self.begin_refresh(id, true).await
    }

    /// The same for what is refreshed by itself. `then_counts`: are the segments counted anew afterwards?
    pub async fn begin_refresh(&self, id: SourceId, then_counts: bool) -> Answer<i64> {
        let now = self.clock.now_micros();
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Snapshots).await.map_err(internal)?;
        let found = db::sources::find(&mut tx, id).await.map_err(internal)?.ok_or(AppError::NotFound)?;
        db::refreshes::fail_abandoned(&mut tx, now).await.map_err(internal)?;
        if let Some(number) = db::refreshes::running(&mut tx, id).await.map_err(internal)? {
            tx.commit().await.map_err(internal)?;
            return Ok(number);
        }
        let number = db::refreshes::next_number(&mut tx).await.map_err(internal)?;
        db::refreshes::begin(&mut tx, number, id, now, now + micros(LEASE)).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        let service = self.clone();
        self.refreshes.tasks.spawn(async move { service.run_refresh(&found.source, number, then_counts).await });
        Ok(number)
    }

    /// Waits until a refresh has ended, whichever process runs it; shows on the way how far it is.
    pub async fn wait_for_refresh(&self, number: i64, mut show: impl FnMut(&ImportReport)) -> Answer<Refresh> {
        for look in 1_u64.. {
            let mut tx = self.db.read().await.map_err(internal)?;
            let found = db::refreshes::find(&mut tx, number).await.map_err(internal)?.ok_or(AppError::NotFound)?;
            drop(tx);
            if found.state != RefreshState::Refreshing {
                return Ok(found);
            }
            show(&found.report);
            if look % LOOKS_PER_TIDY_UP == 0 {
                self.tidy_up().await?;
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(AppError::NotFound)
    }

    /// Breaks off the refreshes that this process runs, and records that. For the end of the process.
    pub async fn stop_refreshes(&self) {
        self.refreshes.stop.cancel();
        self.refreshes.tasks.close();
        self.refreshes.tasks.wait().await;
    }

    /// Waits until this process refreshes nothing, including the counts of segments that follow.
    pub async fn finish_refreshes(&self) {
        self.refreshes.tasks.close();
        self.refreshes.tasks.wait().await;
        self.refreshes.tasks.reopen();
    }

    async fn run_refresh(&self, source: &Source, number: i64, then_counts: bool) {
        let ended = match self.read(source, number).await {
            Ok(report) => self.keep(source, number, &report).await,
            Err(failure) => Err(failure),
        };
        match ended {
            Ok(()) if !then_counts => {}
            Ok(()) => {
                if let Err(error) = self.segments.count_all().await {
                    tracing::error!(%error, "the segments could not be counted after a refresh");
                }
            }
            Err(Failure::GivenUp) => tracing::warn!(number, "a refresh took too long between two signs of life"),
            Err(Failure::Fault(fault, report)) => self.record_failure(number, &fault, &report).await,
        }
    }

    /// Reads the files into the snapshot.
    async fn read(&self, source: &Source, number: i64) -> Result<ImportReport, Failure> {
        let files = match self.files(&source.location, Some(source.reading.format)).await {
            Ok(files) => files,
            Err(AppError::File(fault)) => return Err(fault.into()),
            Err(_) => return Err(Failure::storage()),
        };
        let before = fingerprint(files.clone()).await?;
        let (sender, progress) = watch::channel(ImportReport::default());
        let show = move |report: &ImportReport| {
            sender.send_replace(report.clone());
        };
        let work = self.data.refresh(source, files.clone(), number, show);
        tokio::pin!(work);
        let report = loop {
            tokio::select! {
                ended = &mut work => break ended.map_err(|error| Failure::from(error).with(progress.borrow().clone()))?,
                () = self.clock.sleep(BEAT) => {
                    let report = progress.borrow().clone();
                    self.beat(number, &report).await?;
                }
                () = self.refreshes.stop.cancelled() => return Err(Failure::storage().with(progress.borrow().clone())),
            }
        };
        if fingerprint(files).await.ok() != Some(before) {
            return Err(Failure::from(FileFault::Changed).with(report));
        }
        Ok(report)
    }

    /// A sign of life. A database that does not answer now may do so for the next one.
    async fn beat(&self, number: i64, report: &ImportReport) -> Result<(), Failure> {
        let lease_until = self.clock.now_micros() + micros(LEASE);
        let kept = async {
            let mut tx = self.db.begin().await?;
            let kept = db::refreshes::progress(&mut tx, number, report, lease_until).await?;
            tx.commit().await.map(|()| kept)
        };
        match kept.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::GivenUp),
            Err(error) => {
                tracing::warn!(%error, number, "the progress of a refresh could not be kept");
                Ok(())
            }
        }
    }

    /// Makes the snapshot the newest one of its data source, and so of the profiles if that is the customer table. One
    /// that was removed meanwhile makes nothing.
    async fn keep(&self, source: &Source, number: i64, report: &ImportReport) -> Result<(), Failure> {
        let attributes = self.data.attributes(number).await?;
        let now = self.clock.now_micros();
        let kept = async {
            let mut tx = self.db.begin().await?;
            tx.lock(Topic::Snapshots).await?;
            if db::sources::find(&mut tx, source.id).await?.is_none() {
                return Ok(Err(FileFault::NotThere.into()));
            }
            if !db::refreshes::succeed(&mut tx, number, report, &attributes, now).await? {
                return Ok(Err(Failure::GivenUp));
            }
            tx.commit().await.map(Ok)
        };
        match kept.await {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(%error, number, "the end of a refresh could not be kept");
                Err(Failure::storage().with(report.clone()))
            }
        }
    }

    async fn record_failure(&self, number: i64, fault: &str, report: &ImportReport) {
        let now = self.clock.now_micros();
        let kept = async {
            let mut tx = self.db.begin().await?;
            if report.read > 0 {
                db::refreshes::progress(&mut tx, number, report, now).await?;
            }
            db::refreshes::fail(&mut tx, number, fault, now).await?;
            tx.commit().await
        };
        if let Err(error) = kept.await {
            // Its lease will pass, and then it is marked as failed all the same.
            tracing::error!(%error, number, "the failure of a refresh could not be kept");
        }
    }
}

async fn fingerprint(files: Vec<PathBuf>) -> Result<Fingerprint, Failure> {
    match tokio::task::spawn_blocking(move || files::fingerprint(&files)).await {
        Ok(found) => Ok(found?),
        Err(_) => Err(Failure::storage()),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
