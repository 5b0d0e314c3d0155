//! Sessions of browsers, kept under the SHA-256 of their id: whoever reads the database cannot use one.
//!
//! Saving never brings back a session that was ended meanwhile. What a session means is the business of `web`.

use std::time::Duration;

use domain::id::UserId;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::{Database, DbError, Tx, sql};
use crate::clock::SharedClock;

/// The key of a session's data under which `web` keeps who is signed in.
pub const USER: &str = "user";

/// How long a page waits until a visit is written down.
const PATIENCE: Duration = Duration::from_secs(1);

/// The store that tower-sessions works with.
#[derive(Clone)]
pub struct Sessions {
    db: Database,
    clock: SharedClock,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// Over this database.
    pub fn new(db: Database, clock: SharedClock) -> Self {
        Self { db, clock }
    }

    async fn try_create(&self, record: &Record) -> Result<bool> {
        let mut tx = self.db.begin().await.map_err(backend)?;
        let inserted = sql::execute!(
            &mut tx,
            "insert into sessions (id_hash, user_id, data, created_at, expires_at) values ($1, $2, $3, $4, $5)
             on conflict (id_hash) do nothing",
            hash(&record.id),
            user_of(record),
            data_of(record)?,
            self.clock.now_micros(),
            micros(record.expiry_date),
        );
        let inserted = inserted.map_err(backend)?;
        tx.commit().await.map_err(backend)?;
        Ok(inserted == 1)
    }

    async fn try_save(&self, record: &Record) -> Result<()> {
        let mut tx = self.db.begin().await.map_err(backend)?;
        let saved = sql::execute!(
            &mut tx,
            "update sessions set user_id = $2, data = $3, expires_at = $4 where id_hash = $1",
            hash(&record.id),
            user_of(record),
            data_of(record)?,
            micros(record.expiry_date),
        );
        saved.map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // Ids have 128 random bits: that two are equal does not happen, but must not join two people's sessions.
        for _ in 0..3 {
            if self.try_create(record).await? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id".to_owned()))
    }

    /// Who is signed in is created or deleted. What is left to save, a message that has been shown and the last visit, keeps
    /// no page waiting for a database that somebody else has locked.
    async fn save(&self, record: &Record) -> Result<()> {
        match tokio::time::timeout(PATIENCE, self.try_save(record)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a visit was not written down"),
            Err(_) => tracing::warn!("a visit was not written down in time"),
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let mut tx = self.db.read().await.map_err(backend)?;
        let row = sql::fetch_optional!(
            &mut tx,
            (String, i64),
            "select data, expires_at from sessions where id_hash = $1 and expires_at > $2",
            hash(id),
            self.clock.now_micros(),
        );
        let Some((data, expires_at)) = row.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(expires_at) * 1000)
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let mut tx = self.db.begin().await.map_err(backend)?;
        sql::execute!(&mut tx, "delete from sessions where id_hash = $1", hash(id)).map_err(backend)?;
        tx.commit().await.map_err(backend)
    }
}

/// Ends all sessions of a person.
pub async fn end_all_of(tx: &mut Tx, user: UserId) -> std::result::Result<(), DbError> {
    sql::execute!(tx, "delete from sessions where user_id = $1", user.to_string()).map(|_| ())
}

/// Drops the sessions that have expired.
pub async fn tidy_up(tx: &mut Tx, now: i64) -> std::result::Result<(), DbError> {
    sql::execute!(tx, "delete from sessions where expires_at <= $1", now).map(|_| ())
}

fn hash(id: &Id) -> Vec<u8> {
    Sha256::digest(id.0.to_le_bytes()).to_vec()
}

fn user_of(record: &Record) -> Option<String> {
    record.data.get(USER).and_then(|user| user.as_str()).map(str::to_owned)
}

fn data_of(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The cause is logged here: tower-sessions passes on only a text.
fn backend(error: DbError) -> Error {
    tracing::error!(error = &error as &dyn std::error::Error, "a session could not be read or kept");
    Error::Backend("the session store is not available".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock as _, TestClock};
    use crate::db::testing::databases;

    fn record(clock: &TestClock, seconds: i64) -> Record {
        let at = i128::from(clock.now_micros() + seconds * 1_000_000) * 1000;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(at).expect("a near time");
        Record { id: Id::default(), data: [("note".to_owned(), "saved".into())].into(), expiry_date }
    }

    #[tokio::test]
    async fn a_session_is_found_until_it_expires_and_then_dropped() {
        for db in databases().await {
            let clock = TestClock::shared();
            let store = Sessions::new(db.db.clone(), clock.clone());
            let mut session = record(&clock, 60);
            store.create(&mut session).await.expect("created");
            assert_eq!(store.load(&session.id).await.expect("read"), Some(session.clone()));

            clock.advance(Duration::from_secs(60));
            assert_eq!(store.load(&session.id).await.expect("read"), None);
            let mut tx = db.begin().await.expect("begun");
            tidy_up(&mut tx, clock.now_micros()).await.expect("tidied");
            let left = sql::fetch_one!(&mut tx, (i64,), "select count(*) from sessions").expect("counted");
            assert_eq!(left.0, 0);
        }
    }

    #[tokio::test]
    async fn an_ended_session_is_not_brought_back_by_a_late_save() {
        for db in databases().await {
            let clock = TestClock::shared();
            let store = Sessions::new(db.db.clone(), clock.clone());
            let mut session = record(&clock, 60);
            store.create(&mut session).await.expect("created");
            store.delete(&session.id).await.expect("deleted");

            store.save(&session).await.expect("saved nowhere");
            assert_eq!(store.load(&session.id).await.expect("read"), None);
        }
    }

    #[tokio::test]
    async fn two_sessions_never_share_an_id_and_the_database_holds_no_usable_one() {
        for db in databases().await {
            let clock = TestClock::shared();
            let store = Sessions::new(db.db.clone(), clock.clone());
            let mut first = record(&clock, 60);
            store.create(&mut first).await.expect("created");
            let mut second = Record { id: first.id, ..record(&clock, 60) };
            store.create(&mut second).await.expect("created");
            assert_ne!(first.id, second.id);

            let mut tx = db.read().await.expect("begun");
            let rows = sql::fetch_all!(&mut tx, (Vec<u8>, String), "select id_hash, data from sessions").expect("read");
            assert_eq!(rows.len(), 2);
            for (hash, data) in rows {
                for id in [first.id, second.id] {
                    assert_ne!(hash, id.0.to_le_bytes());
                    assert!(!data.contains(&id.to_string()));
                }
            }
        }
    }
}
