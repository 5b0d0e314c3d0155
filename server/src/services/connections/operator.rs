//! Connections that the operator of the server sets up from the command line: who has the master key and the database
//! proves no password. What a connection must have stays the same: a key that works, consent, an export user.

use app::error::{AppError, FieldFaultKind};
use app::services::Answer;
use domain::access::{Actor, Audience};
use domain::connection::{Consent, ExportUser, MOST_RESERVED};
use domain::destination::{Brand, DestinationKind};
use domain::id::ConnectionId;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::{ConnectionsService, internal, may_manage, name_taken, ready};
use crate::db::connections::StoredConnection;
use crate::db::{self, Topic, Tx};
use crate::services::form;

/// Who agrees to the data leaving, and to which wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorConsent {
    /// Who agrees.
    pub by: Actor,
    /// The language of the wording.
    pub language: String,
    /// The wording, whole.
    pub wording: String,
}

/// A connection as the operator wants it. What is not given stays as it is; a new connection needs all of it.
#[derive(Debug, Clone)]
pub struct OperatorConnection {
    /// Which one; none adds one.
    pub id: Option<ConnectionId>,
    /// Its name.
    pub name: String,
    /// Its destination; cannot be changed later.
    pub kind: DestinationKind,
    /// Who may use it.
    pub audience: Audience,
    /// A new key, and the account that it opens as [`ConnectionsService::check_key`] told.
    pub key: Option<(SecretString, Brand)>,
    /// A consent to record.
    pub consent: Option<OperatorConsent>,
    /// A new export user.
    pub export_user: Option<Actor>,
    /// Per cent of the account's limit that are left to other programs.
    pub reserve_percent: Option<u8>,
}

impl ConnectionsService {
    /// Adds or changes a connection.
    pub async fn put_by_operator(&self, actor: &Actor, wanted: OperatorConnection) -> Answer<ConnectionId> {
        may_manage(actor)?;
        let name = form::name("name", &wanted.name)?;
        let reserve = wanted.reserve_percent;
        if reserve.is_some_and(|percent| percent > MOST_RESERVED) {
            return Err(AppError::field("reserve", FieldFaultKind::Invalid));
        }
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let id = match wanted.id {
            None => self.add_by_operator(&mut tx, name, wanted).await?,
            Some(id) => {
                ready(&mut tx, id).await?;
                db::connections::edit(&mut tx, id, &name, wanted.audience).await.map_err(name_taken)?;
                self.change_by_operator(&mut tx, id, wanted).await?;
                id
            }
        };
        if let Some(percent) = reserve {
            db::pace::set_reserve(&mut tx, id, percent).await.map_err(internal)?;
        }
        tx.commit().await.map_err(internal)?;
        Ok(id)
    }

    /// Does the connection have this key?
    pub fn has_key(&self, stored: &StoredConnection, key: &SecretString) -> Answer<bool> {
        let kept = self.open(stored)?;
        Ok(kept.expose_secret().as_bytes().ct_eq(key.expose_secret().as_bytes()).into())
    }

    async fn add_by_operator(&self, tx: &mut Tx, name: String, wanted: OperatorConnection) -> Answer<ConnectionId> {
        let missing = |field: &str| AppError::field(field, FieldFaultKind::Required);
        let (key, brand) = wanted.key.ok_or_else(|| missing("key"))?;
        let consent = wanted.consent.ok_or_else(|| missing("consent"))?;
        let user = wanted.export_user.ok_or_else(|| missing("export_user"))?;
        let id = ConnectionId(uuid::Uuid::now_v7());
        let now = self.clock.now_micros();
        let added = StoredConnection {
            id,
            is_ready: false,
            name,
            kind: wanted.kind,
            audience: wanted.audience,
            sealed_key: self.seal(id, &key)?,
            brand,
            consent: record(consent, now),
            export_user: Some(ExportUser { id: user.id, email: user.email, at: now }),
            needs_attention: None,
            created_at: now,
        };
        db::connections::put_draft(tx, &added).await.map_err(internal)?;
        db::connections::make_ready(tx, id).await.map_err(name_taken)?;
        Ok(id)
    }

    async fn change_by_operator(&self, tx: &mut Tx, id: ConnectionId, wanted: OperatorConnection) -> Answer<()> {
        let now = self.clock.now_micros();
        if let Some((key, brand)) = wanted.key {
            let sealed = self.seal(id, &key)?;
            db::connections::replace_key(tx, id, &sealed, &brand).await.map_err(internal)?;
            db::runs::go_on_with(tx, id, now).await.map_err(internal)?;
        }
        if let Some(consent) = wanted.consent {
            db::connections::set_consent(tx, id, &record(consent, now)).await.map_err(internal)?;
        }
        if let Some(user) = wanted.export_user {
            let user = ExportUser { id: user.id, email: user.email, at: now };
            db::connections::set_export_user(tx, id, &user).await.map_err(internal)?;
        }
        Ok(())
    }
}

fn record(consent: OperatorConsent, at: i64) -> Consent {
    let OperatorConsent { by, language, wording } = consent;
    Consent { by: by.id, by_email: by.email, at, language, wording }
}
