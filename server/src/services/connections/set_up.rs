//! Adding a connection: the key is checked with the destination and kept sealed with name, audience and consent in a
//! draft, which is already the row of the connection to be; then somebody adds themselves as export user; then it is
//! saved. A draft is seen by the person who began it, and forgotten a day later.

use app::error::{AppError, FieldFault, FieldFaultKind};
use app::services::{Answer, ConnectDraft};
use domain::access::Actor;
use domain::connection::{Consent, ExportUser};
use domain::id::ConnectionId;

use super::{ConnectionsService, internal, key_of, load};
use crate::db::connections::StoredConnection;
use crate::db::{self, Topic};
use crate::services::form;

/// How long a draft is kept, in microseconds.
pub const KEPT_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// The longest wording that is recorded, in bytes.
const MAX_WORDING: usize = 20_000;

impl ConnectionsService {
    /// *Connect*.
    pub(super) async fn keep_draft(
        &self,
        actor: &Actor,
        id: Option<ConnectionId>,
        draft: ConnectDraft,
    ) -> Answer<ConnectionId> {
        let name = form::name("name", &draft.name)?;
        let faults = consent_faults(&draft);
        if !faults.is_empty() {
            return Err(AppError::Fields(faults));
        }
        let before = match id {
            Some(id) => Some(self.draft(actor, id).await?),
            None => None,
        };
        let key = match &before {
            Some(before) if draft.key.trim().is_empty() => self.open(before)?,
            _ => key_of(&draft.key)?,
        };
        self.name_is_free(&name).await?;
        let brand = self.check_key(&draft.kind, &key).await?;
        let id = id.unwrap_or_else(|| ConnectionId(uuid::Uuid::now_v7()));
        let now = self.clock.now_micros();
        let consent = Consent {
            by: actor.id,
            by_email: actor.email.clone(),
            at: now,
            language: draft.language,
            wording: draft.wording,
        };
        let kept = StoredConnection {
            id,
            is_ready: false,
            name,
            kind: draft.kind,
            audience: draft.audience,
            sealed_key: self.seal(id, &key)?,
            brand,
            consent,
            export_user: None,
            needs_attention: None,
            created_at: before.as_ref().map_or(now, |before| before.created_at),
        };
        self.put_draft(actor, kept, before.is_some()).await.map(|()| id)
    }

    /// A set-up in progress that this person began.
    async fn draft(&self, actor: &Actor, id: ConnectionId) -> Answer<StoredConnection> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, actor, id).await?;
        if found.is_ready { Err(AppError::NotFound) } else { Ok(found) }
    }

    /// The earliest moment to say that a name is taken; *Save* decides.
    async fn name_is_free(&self, name: &str) -> Answer<()> {
        let mut tx = self.db.read().await.map_err(internal)?;
        if db::connections::is_name_in_use(&mut tx, name).await.map_err(internal)? {
            return Err(AppError::field("name", FieldFaultKind::Taken));
        }
        Ok(())
    }

    async fn put_draft(&self, actor: &Actor, mut draft: StoredConnection, is_known: bool) -> Answer<()> {
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        if is_known {
            // It may have been saved or forgotten while the destination was asked.
            let before = load(&mut tx, actor, draft.id).await?;
            if before.is_ready {
                return Err(AppError::NotFound);
            }
            draft.export_user = before.export_user;
        }
        db::connections::put_draft(&mut tx, &draft).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }

    /// Records the actor as export user, who has proved to be at the keyboard or at the server's own command line.
    pub(super) async fn record_export_user(&self, actor: &Actor, id: ConnectionId) -> Answer<()> {
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        load(&mut tx, actor, id).await?;
        let user = ExportUser { id: actor.id, email: actor.email.clone(), at: self.clock.now_micros() };
        db::connections::set_export_user(&mut tx, id, &user).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }
}

fn consent_faults(draft: &ConnectDraft) -> Vec<FieldFault> {
    let mut found = Vec::new();
    let mut fault = |field: &str, fault| found.push(FieldFault { field: field.to_owned(), fault });
    if !draft.agreed {
        fault("agreed", FieldFaultKind::Required);
    }
    if draft.wording.trim().is_empty() || draft.wording.len() > MAX_WORDING || draft.wording.contains('\0') {
        fault("wording", FieldFaultKind::Invalid);
    }
    let is_language = (2..=35).contains(&draft.language.len())
        && draft.language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_language {
        fault("language", FieldFaultKind::Invalid);
    }
    found
}
