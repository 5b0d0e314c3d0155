//! Rules of use for connections: administrators alone see and change them, keys stay sealed, and nobody connects an
//! account without having agreed. How one is added is in [`set_up`].

use std::sync::Arc;

use app::error::{AppError, DestinationFault, FieldFaultKind};
use app::services::{Answer, ConnectDraft, ConnectionLine, ConnectionPace, Connections, Leftover, SetUp};
use domain::access::{self, Actor, Audience};
use domain::connection::{Connection, ConnectionName, MOST_RESERVED};
use domain::destination::{Brand, DestinationCard, DestinationKind};
use domain::id::{ConnectionId, ExportId};
use secrecy::SecretString;

use super::accounts::AccountsService;
use super::{form, internal};
use crate::clock::SharedClock;
use crate::db::connections::{StoredConnection, key_place};
use crate::db::{self, Database, Topic, Tx};
use crate::destinations::{DeliveryError, Meaning, Registry};
use crate::engine::PaceRules;
use crate::secrets::Keyring;

mod operator;
mod set_up;
#[cfg(test)]
mod tests;

pub use operator::{OperatorConnection, OperatorConsent};

/// The longest key, in bytes.
const MAX_KEY: usize = 1_000;

/// Proves that the person at the keyboard is the actor.
#[async_trait::async_trait]
pub trait PasswordProof: Send + Sync {
    /// Checks the actor's own password; slows down repeated failures.
    ///
    /// # Errors
    /// [`AppError::WrongCredentials`], or [`AppError::TooMany`].
    async fn prove_password(&self, actor: &Actor, password: &str) -> Answer<()>;
}

#[async_trait::async_trait]
impl PasswordProof for AccountsService {
    async fn prove_password(&self, actor: &Actor, password: &str) -> Answer<()> {
        self.prove(actor, password).await
    }
}

/// The connections, as [`Connections`] says.
#[derive(Clone)]
pub struct ConnectionsService {
    db: Database,
    clock: SharedClock,
    keyring: Arc<Keyring>,
    destinations: Registry,
    passwords: Arc<dyn PasswordProof>,
    pace: PaceRules,
}

impl ConnectionsService {
    /// Over this database, with keys sealed by `keyring`.
    pub fn new(
        db: Database,
        clock: SharedClock,
        keyring: Arc<Keyring>,
        destinations: Registry,
        passwords: Arc<dyn PasswordProof>,
        pace: PaceRules,
    ) -> Self {
        Self { db, clock, keyring, destinations, passwords, pace }
    }
}

#[async_trait::async_trait]
impl Connections for ConnectionsService {
    fn cards(&self) -> Vec<DestinationCard> {
        self.destinations.cards()
    }

    fn card(&self, kind: &DestinationKind) -> Option<DestinationCard> {
        self.destinations.find(kind).map(|destination| destination.card())
    }

    async fn list(&self, actor: &Actor) -> Answer<Vec<ConnectionLine>> {
        may_manage(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = db::connections::list(&mut tx).await.map_err(internal)?;
        let counts = db::connections::export_counts(&mut tx).await.map_err(internal)?;
        let line = |stored: StoredConnection| {
            let exports = counts.get(&stored.id).map_or(0, |count| u32::try_from(*count).unwrap_or(u32::MAX));
            Some(ConnectionLine { connection: stored.connection()?, exports })
        };
        Ok(found.into_iter().filter_map(line).collect())
    }

    async fn usable(&self, actor: &Actor) -> Answer<Vec<ConnectionName>> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = db::connections::list(&mut tx).await.map_err(internal)?;
        let usable = found.into_iter().filter(|one| access::may_use_connection(actor.role, one.audience));
        Ok(usable.map(|one| ConnectionName { id: one.id, name: one.name, kind: one.kind }).collect())
    }

    async fn find(&self, actor: &Actor, id: ConnectionId) -> Answer<Connection> {
        may_manage(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = db::connections::find(&mut tx, id).await.map_err(internal)?;
        found.and_then(StoredConnection::connection).ok_or(AppError::NotFound)
    }

    async fn set_up(&self, actor: &Actor, id: ConnectionId) -> Answer<SetUp> {
        may_manage(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, actor, id).await?;
        Ok(SetUp {
            id,
            kind: found.kind,
            name: found.name,
            audience: found.audience,
            brand: found.brand,
            export_user: found.export_user.map(|user| user.email),
        })
    }

    async fn connect(&self, actor: &Actor, id: Option<ConnectionId>, draft: ConnectDraft) -> Answer<ConnectionId> {
        may_manage(actor)?;
        self.keep_draft(actor, id, draft).await
    }

    async fn add_export_user(&self, actor: &Actor, id: ConnectionId, password: &str) -> Answer<()> {
        may_manage(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        load(&mut tx, actor, id).await?;
        // Hashing a password takes long: no transaction waits for it.
        drop(tx);
        self.passwords.prove_password(actor, password).await?;
        self.record_export_user(actor, id).await
    }

    async fn save(&self, actor: &Actor, id: ConnectionId) -> Answer<()> {
        may_manage(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let found = load(&mut tx, actor, id).await?;
        if found.is_ready {
            return Ok(());
        }
        if found.export_user.is_none() {
            return Err(AppError::field("export_user", FieldFaultKind::Required));
        }
        db::connections::make_ready(&mut tx, id).await.map_err(name_taken)?;
        tx.commit().await.map_err(internal)
    }

    async fn edit(&self, actor: &Actor, id: ConnectionId, name: &str, audience: Audience) -> Answer<()> {
        may_manage(actor)?;
        let name = form::name("name", name)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        if !db::connections::edit(&mut tx, id, &name, audience).await.map_err(name_taken)? {
            return Err(AppError::NotFound);
        }
        tx.commit().await.map_err(internal)
    }

    async fn replace_key(&self, actor: &Actor, id: ConnectionId, key: &str) -> Answer<()> {
        may_manage(actor)?;
        let kind = Connections::find(self, actor, id).await?.kind;
        let key = key_of(key)?;
        let brand = self.check_key(&kind, &key).await?;
        let sealed = self.seal(id, &key)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        if !db::connections::replace_key(&mut tx, id, &sealed, &brand).await.map_err(internal)? {
            return Err(AppError::NotFound);
        }
        db::runs::go_on_with(&mut tx, id, self.clock.now_micros()).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }

    async fn pace(&self, actor: &Actor, id: ConnectionId) -> Answer<ConnectionPace> {
        may_manage(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = ready(&mut tx, id).await?;
        let reserve = db::pace::reserve_of(&mut tx, id).await.map_err(internal)?;
        let destination = self.destinations.find(&found.kind).ok_or(AppError::NotFound)?;
        let (account, now) = ((id, found.brand.id.as_str()), self.clock.now_micros());
        let account = super::pace::of_account(&mut tx, self.pace, destination.limits(), account, now).await;
        let account = account.map_err(internal)?;
        Ok(ConnectionPace { reserve_percent: u8::try_from(reserve).unwrap_or(MOST_RESERVED), account })
    }

    async fn set_reserve(&self, actor: &Actor, id: ConnectionId, percent: u8) -> Answer<()> {
        may_manage(actor)?;
        if percent > MOST_RESERVED {
            return Err(AppError::field("reserve", FieldFaultKind::Invalid));
        }
        let mut tx = self.db.begin().await.map_err(internal)?;
        if !db::pace::set_reserve(&mut tx, id, percent).await.map_err(internal)? {
            return Err(AppError::NotFound);
        }
        tx.commit().await.map_err(internal)
    }

    async fn used_by(&self, actor: &Actor, id: ConnectionId) -> Answer<Vec<(ExportId, String)>> {
        may_manage(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        ready(&mut tx, id).await?;
        db::connections::exports_of(&mut tx, id).await.map_err(internal)
    }

    async fn remove(&self, actor: &Actor, id: ConnectionId, exports: Vec<(ExportId, Leftover)>) -> Answer<()> {
        may_manage(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        ready(&mut tx, id).await?;
        let used_by = db::connections::exports_of(&mut tx, id).await.map_err(internal)?;
        let fate = |export: &ExportId| exports.iter().find(|(named, _)| named == export).map(|(_, fate)| *fate);
        let open: Vec<_> = used_by.iter().filter(|(id, _)| fate(id).is_none()).map(|(_, name)| name.clone()).collect();
        if !open.is_empty() {
            return Err(AppError::InUse(open));
        }
        for (export, _) in &used_by {
            super::exports::stop_runs(&mut tx, *export, self.clock.now_micros()).await?;
            match fate(export) {
                Some(Leftover::Remove) => db::exports::remove(&mut tx, *export).await.map_err(internal)?,
                Some(Leftover::Detach) | None => db::exports::detach(&mut tx, *export).await.map_err(internal)?,
            };
        }
        db::connections::remove(&mut tx, id).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }
}

impl ConnectionsService {
    /// Asks the destination what the key opens.
    pub async fn check_key(&self, kind: &DestinationKind, key: &SecretString) -> Answer<Brand> {
        let unknown = || AppError::field("kind", FieldFaultKind::Invalid);
        let destination = self.destinations.find(kind).ok_or_else(unknown)?;
        destination.check(key).await.map_err(|error| {
            tracing::info!(%kind, %error, "a destination did not accept a key");
            AppError::Destination(fault_of(&error))
        })
    }

    fn seal(&self, id: ConnectionId, key: &SecretString) -> Answer<Vec<u8>> {
        let row = id.to_string();
        self.keyring.seal(key_place(&row), key).map_err(internal)
    }

    /// The key of a connection or draft.
    fn open(&self, stored: &StoredConnection) -> Answer<SecretString> {
        let row = stored.id.to_string();
        self.keyring.open(key_place(&row), &stored.sealed_key).map_err(internal)
    }

    /// Removes set-ups that nobody has ended within a day.
    pub async fn forget_old_drafts(&self) -> Answer<()> {
        let before = self.clock.now_micros() - set_up::KEPT_MICROS;
        let mut tx = self.db.begin().await.map_err(internal)?;
        db::connections::forget_drafts(&mut tx, before).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }
}

fn may_manage(actor: &Actor) -> Answer<()> {
    if access::may_manage_connections(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

/// A connection, or a draft that this person began.
async fn load(tx: &mut Tx, actor: &Actor, id: ConnectionId) -> Answer<StoredConnection> {
    let found = db::connections::find(tx, id).await.map_err(internal)?;
    found.filter(|one| one.is_ready || one.consent.by == actor.id).ok_or(AppError::NotFound)
}

async fn ready(tx: &mut Tx, id: ConnectionId) -> Answer<StoredConnection> {
    let found = db::connections::find(tx, id).await.map_err(internal)?;
    found.filter(|one| one.is_ready).ok_or(AppError::NotFound)
}

fn key_of(text: &str) -> Answer<SecretString> {
    let key = text.trim();
    if key.is_empty() {
        return Err(AppError::field("key", FieldFaultKind::Required));
    }
    if key.len() > MAX_KEY {
        return Err(AppError::field("key", FieldFaultKind::TooLong));
    }
    // A key travels in a header.
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(AppError::field("key", FieldFaultKind::Invalid));
    }
    Ok(SecretString::from(key))
}

fn name_taken(error: db::DbError) -> AppError {
    if db::connections::is_name_taken(&error) {
        AppError::field("name", FieldFaultKind::Taken)
    } else {
        internal(error)
    }
}

fn fault_of(error: &DeliveryError) -> DestinationFault {
    match error.meaning {
        Meaning::KeyRefused => DestinationFault::KeyRefused,
        Meaning::PermissionMissing => DestinationFault::PermissionMissing,
        Meaning::PlanExceeded => DestinationFault::PlanExceeded,
        Meaning::TooFast { .. } => DestinationFault::RateLimited,
        // A success that cannot be read: something answers, but not what should.
        Meaning::Unknown if matches!(error.status, Some(200..=299)) => DestinationFault::Unexpected,
        Meaning::Unavailable { .. } | Meaning::Unreachable | Meaning::Unknown | Meaning::NameUnknown => {
            DestinationFault::Unreachable
        }
        Meaning::Retired | Meaning::NotTheDestination | Meaning::Untrusted | Meaning::Refused | Meaning::Gone => {
            DestinationFault::Unexpected
        }
    }
}
