//! Removes files of the data directory that nothing refers to any more: old profile snapshots, frozen members of segments
//! that were removed, plans, reports and ledgers of exports that were removed, and plans of runs that ended long ago. Runs
//! that ended much longer ago leave the history.
//!
//! Every replica does it for itself, now and then; two at once do no harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use app::services::Answer;
use ferry_data::DataEngine;

use super::internal;
use crate::clock::SharedClock;
use crate::db::{self, Database, batches};

/// How often it looks.
const EVERY: i64 = 60 * 60 * 1_000_000;
/// How long a file stays that nothing refers to: it may be about to be referred to, by another process too.
const UNUSED_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a run stays in the history after its end, in microseconds: 400 days.
const RUNS_KEPT: i64 = 400 * 24 * 60 * 60 * 1_000_000;
/// Runs that are forgotten in one transaction: others wait for it.
const RUNS_AT_ONCE: u16 = 500;

/// What removes them.
#[derive(Clone)]
pub struct Housekeeping {
    db: Database,
    data: DataEngine,
    clock: SharedClock,
    next_at: Arc<AtomicI64>,
}

impl Housekeeping {
    /// Over this database and data directory.
    pub fn new(db: Database, data: DataEngine, clock: SharedClock) -> Self {
        Self { db, data, clock, next_at: Arc::default() }
    }

    /// Looks and removes, at most once an hour.
    ///
    /// # Errors
    /// The database or the disk is gone; the next call makes up for it.
    pub async fn tidy_up(&self) -> Answer<()> {
        let now = self.clock.now();
        if self.next_at.load(Ordering::Relaxed) > now.as_microsecond() {
            return Ok(());
        }
        self.forget_runs(now.as_microsecond() - RUNS_KEPT).await?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let plans_from = now.as_microsecond() - batches::KEPT_AFTER_END;
        let in_use = db::housekeeping::in_use(&mut tx, plans_from).await.map_err(internal)?;
        drop(tx);
        if let Some(in_use) = in_use {
            let before = SystemTime::from(now) - UNUSED_KEPT;
            let swept = self.data.sweep(in_use, before).await.map_err(internal)?;
            if swept.files > 0 {
                tracing::info!(files = swept.files, bytes = swept.bytes, "files that were not used were removed");
            }
        }
        self.next_at.store(now.as_microsecond() + EVERY, Ordering::Relaxed);
        Ok(())
    }

    async fn forget_runs(&self, before: i64) -> Answer<()> {
        loop {
            let mut tx = self.db.begin().await.map_err(internal)?;
            let limit = i64::from(RUNS_AT_ONCE);
            let forgotten = db::housekeeping::forget_runs(&mut tx, before, limit).await.map_err(internal)?;
            tx.commit().await.map_err(internal)?;
            if forgotten < u64::from(RUNS_AT_ONCE) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use app::services::{Exports as _, RefreshState, Segments as _, Sources as _};
    use domain::access::Audience;
    use domain::id::RunId;
    use domain::source::Location;

    use super::Housekeeping;
    use crate::clock::Clock as _;
    use crate::services::testing::{CUSTOMERS, Stage, stages};

    /// Makes all files of a folder as old as if written to two days before the clock's time.
    fn age(stage: &Stage, folder: &Path) {
        let at = SystemTime::from(stage.clock.now()) - Duration::from_secs(2 * 24 * 3600);
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                age(stage, &path);
            }
            std::fs::File::open(path).and_then(|file| file.set_modified(at)).expect("aged");
        }
    }

    fn put(path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, "x").expect("written");
    }

    #[tokio::test]
    async fn what_nothing_refers_to_goes_and_the_rest_stays() {
        for stage in stages().await {
            let (admin, root) = (&stage.administrator, stage.dir.path().to_owned());
            let source = stage.import("Customers", CUSTOMERS).await;
            let segments = [stage.segment("One").await, stage.segment("Two").await];
            for segment in segments {
                stage.segments.make_static(admin, segment).await.expect("frozen");
            }
            let connection = stage.connection("Shop", Audience::Administrators).await;
            let exports = [
                stage.export("Stays", Some(connection), segments[0]).await,
                stage.export("Goes", Some(connection), segments[0]).await,
            ];
            let mut runs = Vec::new();
            for export in exports {
                runs.push(stage.exports.start_run(admin, export).await.expect("queued"));
            }
            for _ in 0..4 {
                stage.refresh(source).await;
            }
            let plan = |run: RunId| root.join(format!("runs/{run}/plan.parquet"));
            let ledger = |place: usize| root.join(format!("ledgers/{}/{}.parquet", exports[place], runs[place]));
            for place in [0, 1] {
                put(&plan(runs[place]));
                put(&ledger(place));
            }
            stage.exports.remove(admin, exports[1]).await.expect("removed");
            stage.segments.remove(admin, segments[1]).await.expect("removed");
            age(&stage, &root);
            put(&root.join("snapshots/0.parquet"));

            let housekeeping = Housekeeping::new(stage.db.db.clone(), stage.data.clone(), stage.clock.clone());
            housekeeping.tidy_up().await.expect("tidied up");

            let there = |name: String| root.join(name).exists();
            let snapshots: Vec<bool> = (0..=5).map(|number| there(format!("snapshots/{number}.parquet"))).collect();
            assert_eq!(snapshots, [true, false, false, true, true, true], "the last three, and what is young");
            assert!(!there("snapshots/1.rejected.parquet".to_owned()));
            assert!(there(format!("segments/{}.parquet", segments[0])));
            assert!(!there(format!("segments/{}.parquet", segments[1])));
            assert!(plan(runs[0]).exists() && ledger(0).exists());
            assert!(!plan(runs[1]).exists() && !ledger(1).exists());

            // Not again within the hour.
            age(&stage, &root);
            housekeeping.tidy_up().await.expect("tidied up");
            assert!(there("snapshots/0.parquet".to_owned()));
            stage.clock.advance(Duration::from_secs(3601));
            housekeeping.tidy_up().await.expect("tidied up");
            assert!(!there("snapshots/0.parquet".to_owned()));
            assert_eq!(
                stage.sources.profiles(admin, "", domain::paging::PageRequest::of_50(1)).await.expect("read").total,
                3
            );
        }
    }

    #[tokio::test]
    async fn the_snapshot_of_the_profiles_stays_whatever_else_is_refreshed() {
        for stage in stages().await {
            let (admin, root) = (&stage.administrator, stage.dir.path().to_owned());
            let customers = stage.import("Customers", CUSTOMERS).await;
            let found = stage.sources.find(admin, customers).await.expect("there").source;
            let Location::Upload { upload, .. } = found.location else { panic!("an upload") };
            std::fs::remove_file(root.join("uploads").join(upload)).expect("removed");
            let failed = stage.sources.start_refresh(admin, customers).await.expect("started");
            let failed = stage.sources.wait_for_refresh(failed, |_| {}).await.expect("ended");
            assert_eq!(failed.state, RefreshState::Failed);
            let mut others = Vec::new();
            for name in ["First", "Second", "Third"] {
                others.push(stage.import(name, CUSTOMERS).await);
            }
            stage.refresh(others[0]).await;
            let housekeeping = Housekeeping::new(stage.db.db.clone(), stage.data.clone(), stage.clock.clone());
            let kept = async || {
                age(&stage, &root);
                housekeeping.tidy_up().await.expect("tidied up");
                stage.clock.advance(Duration::from_secs(3601));
                let is_there = |number: &i64| root.join(format!("snapshots/{number}.parquet")).exists();
                (1..=6).filter(is_there).collect::<Vec<i64>>()
            };

            assert_eq!(kept().await, [1, 4, 5, 6], "3 was made again as 6");

            stage.sources.remove(admin, customers).await.expect("removed");
            assert_eq!(kept().await, [1, 4, 5, 6]);
            let page = domain::paging::PageRequest::of_50(1);
            assert_eq!(stage.sources.profiles(admin, "", page).await.expect("read").total, 3);
        }
    }

    #[tokio::test]
    async fn a_database_that_knows_nothing_removes_nothing() {
        for stage in stages().await {
            let file = stage.dir.path().join("snapshots/7.parquet");
            put(&file);
            age(&stage, stage.dir.path());
            Housekeeping::new(stage.db.db.clone(), stage.data.clone(), stage.clock.clone())
                .tidy_up()
                .await
                .expect("tidied up");
            assert!(file.exists());
        }
    }
}
