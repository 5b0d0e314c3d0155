//! Takes up the job that is queued, or that another process left behind, and works through its tasks. The lease is
//! renewed beside the work; who loses it changes nothing any more.

use std::time::Duration;

use app::services::Answer;
use tokio_util::sync::CancellationToken;

use super::{SystemService, late};
use crate::db::DbError;
use crate::db::refresh_jobs::{self, JobClaim};
use crate::services::internal;

/// How long a job is somebody's without being renewed.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often it looks for a job: another process, or the schedule, may have queued one.
const LOOK: Duration = Duration::from_secs(2);

/// Works on jobs, in the background.
pub struct Runner {
    service: SystemService,
    owner: String,
    late: late::Watch,
}

impl Runner {
    /// One that has not begun.
    pub fn new(service: SystemService) -> Self {
        Self { service, owner: uuid::Uuid::now_v7().to_string(), late: late::Watch::default() }
    }

    /// Works until `end`.
    pub async fn run(mut self, end: CancellationToken) {
        let queued = self.service.queued.clone();
        loop {
            self.late.look(&self.service).await;
            if let Err(error) = self.step(&end).await {
                tracing::error!(%error, "the system refresh could not go on");
            }
            tokio::select! {
                () = queued.notified() => {}
                () = self.service.clock.sleep(LOOK) => {}
                () = end.cancelled() => break,
            }
        }
    }

    /// Works on the job that is there to be taken up, to its end; false if there is none.
    ///
    /// # Errors
    /// The database is not there. The job goes on when its lease has passed.
    pub async fn step(&mut self, end: &CancellationToken) -> Answer<bool> {
        let Some(claim) = self.claim().await.map_err(internal)? else { return Ok(false) };
        tokio::select! {
            done = self.service.work_through(claim) => done?,
            () = self.keep(claim) => tracing::warn!(job = %claim.id, "a system refresh was taken over by another process"),
            () = end.cancelled() => self.release(claim).await.map_err(internal)?,
        }
        Ok(true)
    }

    pub(super) async fn claim(&self) -> Result<Option<JobClaim>, DbError> {
        let mut tx = self.service.db.read().await?;
        let is_active = refresh_jobs::active(&mut tx).await?.is_some();
        drop(tx);
        if !is_active {
            return Ok(None);
        }
        let now = self.service.clock.now_micros();
        let mut tx = self.service.db.begin().await?;
        let claim = refresh_jobs::claim(&mut tx, &self.owner, now, now + lease()).await?;
        tx.commit().await?;
        Ok(claim)
    }

    /// Renews the lease until it is lost. A database that does not answer now may do so the next time.
    async fn keep(&self, claim: JobClaim) {
        loop {
            self.service.clock.sleep(HEARTBEAT).await;
            let renewed = async {
                let mut tx = self.service.db.begin().await?;
                let kept = refresh_jobs::renew(&mut tx, claim, self.service.clock.now_micros() + lease()).await?;
                tx.commit().await.map(|()| kept)
            };
            match renewed.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, job = %claim.id, "a lease could not be renewed"),
            }
        }
    }

    async fn release(&self, claim: JobClaim) -> Result<(), DbError> {
        let mut tx = self.service.db.begin().await?;
        refresh_jobs::release(&mut tx, claim).await?;
        tx.commit().await
    }
}

/// A lease in the database's measure.
pub(super) fn lease() -> i64 {
    i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX)
}
