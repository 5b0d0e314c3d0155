//! Connections with their sealed keys, and those that are being set up (drafts).

use std::collections::HashMap;

use domain::access::Audience;
use domain::connection::{Connection, Consent, ExportUser};
use domain::destination::{Brand, DestinationKind};
use domain::id::{ConnectionId, ExportId};

use super::{DbError, Tx, names, parse, sql, values};
use crate::secrets::Place;

/// A connection or a draft, with its sealed key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredConnection {
    pub id: ConnectionId,
    /// False while it is being set up.
    pub is_ready: bool,
    pub name: String,
    pub kind: DestinationKind,
    pub audience: Audience,
    /// The key, sealed for this row.
    pub sealed_key: Vec<u8>,
    pub brand: Brand,
    pub consent: Consent,
    /// None while nobody has added themselves; always there once it is ready.
    pub export_user: Option<ExportUser>,
    /// Why the destination refuses the key.
    pub needs_attention: Option<String>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
}

impl std::fmt::Debug for StoredConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredConnection")
            .field("id", &self.id)
            .field("is_ready", &self.is_ready)
            .finish_non_exhaustive()
    }
}

impl StoredConnection {
    /// What may be shown of it; none while it is being set up.
    pub fn connection(self) -> Option<Connection> {
        if !self.is_ready {
            return None;
        }
        Some(Connection {
            id: self.id,
            name: self.name,
            kind: self.kind,
            audience: self.audience,
            brand: self.brand,
            consent: self.consent,
            export_user: self.export_user?,
            needs_attention: self.needs_attention,
            created_at: self.created_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    state: String,
    name: String,
    kind: String,
    audience: String,
    sealed_key: Vec<u8>,
    brand_id: String,
    brand_name: String,
    brand_website: String,
    consent_by: String,
    consent_by_email: String,
    consent_at: i64,
    consent_language: String,
    consent_wording: String,
    export_user_id: Option<String>,
    export_user_email: Option<String>,
    export_user_at: Option<i64>,
    needs_attention: Option<String>,
    created_at: i64,
}

impl Row {
    fn connection(self) -> Result<StoredConnection, DbError> {
        let export_user = match (self.export_user_id, self.export_user_email, self.export_user_at) {
            (Some(id), Some(email), Some(at)) => {
                Some(ExportUser { id: parse("connections.export_user_id", &id)?, email, at })
            }
            _ => None,
        };
        Ok(StoredConnection {
            id: parse("connections.id", &self.id)?,
            is_ready: self.state == "ready",
            name: self.name,
            kind: DestinationKind(self.kind),
            audience: Audience::parse(&self.audience).ok_or(DbError::Corrupt("connections.audience"))?,
            sealed_key: self.sealed_key,
            brand: Brand { id: self.brand_id, name: self.brand_name, website: self.brand_website },
            consent: Consent {
                by: parse("connections.consent_by", &self.consent_by)?,
                by_email: self.consent_by_email,
                at: self.consent_at,
                language: self.consent_language,
                wording: self.consent_wording,
            },
            export_user,
            needs_attention: self.needs_attention,
            created_at: self.created_at,
        })
    }
}

/// All connections that are ready, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<StoredConnection>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        "select id, state, name, kind, audience, sealed_key, brand_id, brand_name, brand_website,
            consent_by, consent_by_email, consent_at, consent_language, consent_wording,
            export_user_id, export_user_email, export_user_at, needs_attention, created_at
         from connections
         where state = 'ready'
         order by name_key, id",
    )?;
    rows.into_iter().map(Row::connection).collect()
}

/// One connection or draft.
pub async fn find(tx: &mut Tx, id: ConnectionId) -> Result<Option<StoredConnection>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select id, state, name, kind, audience, sealed_key, brand_id, brand_name, brand_website,
            consent_by, consent_by_email, consent_at, consent_language, consent_wording,
            export_user_id, export_user_email, export_user_at, needs_attention, created_at
         from connections
         where id = $1",
        id.to_string(),
    )?;
    row.map(Row::connection).transpose()
}

/// Is there a ready connection with this name?
pub async fn is_name_in_use(tx: &mut Tx, name: &str) -> Result<bool, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String,),
        "select id from connections where state = 'ready' and name_key = $1",
        names::key(name),
    )?;
    Ok(row.is_some())
}

/// Keeps a draft: adds it, or puts it in place of the draft with its id. False when a ready connection has the id.
pub async fn put_draft(tx: &mut Tx, draft: &StoredConnection) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "insert into connections (id, state, name, name_key, kind, audience, sealed_key,
            brand_id, brand_name, brand_website,
            consent_by, consent_by_email, consent_at, consent_language, consent_wording,
            export_user_id, export_user_email, export_user_at, created_at)
         values ($1, 'draft', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict (id) do update set
            name = excluded.name, name_key = excluded.name_key, kind = excluded.kind, audience = excluded.audience,
            sealed_key = excluded.sealed_key, brand_id = excluded.brand_id, brand_name = excluded.brand_name,
            brand_website = excluded.brand_website, consent_by = excluded.consent_by,
            consent_by_email = excluded.consent_by_email, consent_at = excluded.consent_at,
            consent_language = excluded.consent_language, consent_wording = excluded.consent_wording,
            export_user_id = excluded.export_user_id, export_user_email = excluded.export_user_email,
            export_user_at = excluded.export_user_at
         where connections.state = 'draft'",
        draft.id.to_string(),
        &draft.name,
        names::key(&draft.name),
        &draft.kind.0,
        draft.audience.as_str(),
        draft.sealed_key.as_slice(),
        &draft.brand.id,
        &draft.brand.name,
        &draft.brand.website,
        draft.consent.by.to_string(),
        &draft.consent.by_email,
        draft.consent.at,
        &draft.consent.language,
        &draft.consent.wording,
        draft.export_user.as_ref().map(|user| user.id.to_string()),
        draft.export_user.as_ref().map(|user| user.email.as_str()),
        draft.export_user.as_ref().map(|user| user.at),
        draft.created_at,
    )?;
    Ok(changed == 1)
}

/// Records whose rights the exports run with. False when there is no such connection or draft.
pub async fn set_export_user(tx: &mut Tx, id: ConnectionId, user: &ExportUser) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update connections set export_user_id = $2, export_user_email = $3, export_user_at = $4 where id = $1",
        id.to_string(),
        user.id.to_string(),
        &user.email,
        user.at,
    )?;
    Ok(changed == 1)
}

/// Records another consent in place of the one before. False when it is gone.
pub async fn set_consent(tx: &mut Tx, id: ConnectionId, consent: &Consent) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update connections
         set consent_by = $2, consent_by_email = $3, consent_at = $4, consent_language = $5, consent_wording = $6
         where id = $1",
        id.to_string(),
        consent.by.to_string(),
        &consent.by_email,
        consent.at,
        &consent.language,
        &consent.wording,
    )?;
    Ok(changed == 1)
}

/// Makes a connection of a draft that has its export user. [`is_name_taken`] tells that another one has its name.
pub async fn make_ready(tx: &mut Tx, id: ConnectionId) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update connections set state = 'ready'
         where id = $1 and state = 'draft' and export_user_id is not null",
        id.to_string(),
    )?;
    Ok(changed == 1)
}

/// Changes name and audience of a ready connection. False when it is gone.
pub async fn edit(tx: &mut Tx, id: ConnectionId, name: &str, audience: Audience) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update connections set name = $2, name_key = $3, audience = $4 where id = $1 and state = 'ready'",
        id.to_string(),
        name,
        names::key(name),
        audience.as_str(),
    )?;
    Ok(changed == 1)
}

/// Puts another key in place, with the account that it opens, and clears what needed attention.
pub async fn replace_key(tx: &mut Tx, id: ConnectionId, sealed_key: &[u8], brand: &Brand) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update connections
         set sealed_key = $2, brand_id = $3, brand_name = $4, brand_website = $5, needs_attention = null
         where id = $1 and state = 'ready'",
        id.to_string(),
        sealed_key,
        &brand.id,
        &brand.name,
        &brand.website,
    )?;
    Ok(changed == 1)
}

/// Where the key of a connection is sealed for.
pub fn key_place(row: &str) -> Place<'_> {
    Place { table: "connections", column: "sealed_key", row }
}

/// The sealed keys of all connections and drafts.
pub async fn sealed_keys(tx: &mut Tx) -> Result<Vec<(ConnectionId, Vec<u8>)>, DbError> {
    let rows = sql::fetch_all!(tx, (String, Vec<u8>), "select id, sealed_key from connections order by id")?;
    rows.into_iter().map(|(id, sealed)| Ok((parse("connections.id", &id)?, sealed))).collect()
}

/// Puts the same key in another sealing; false when it was replaced meanwhile.
pub async fn seal_anew(tx: &mut Tx, id: ConnectionId, before: &[u8], after: &[u8]) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update connections set sealed_key = $3 where id = $1 and sealed_key = $2",
        id.to_string(),
        before,
        after,
    )?;
    Ok(changed == 1)
}

/// Records that the destination refuses the key, or that it takes it again.
pub async fn set_needs_attention(tx: &mut Tx, id: ConnectionId, reason: Option<&str>) -> Result<bool, DbError> {
    let changed =
        sql::execute!(tx, "update connections set needs_attention = $2 where id = $1", id.to_string(), reason)?;
    Ok(changed == 1)
}

/// Removes a connection or draft and with it its key. [`DbError::Reference`] while an export uses it.
pub async fn remove(tx: &mut Tx, id: ConnectionId) -> Result<bool, DbError> {
    Ok(sql::execute!(tx, "delete from connections where id = $1", id.to_string())? == 1)
}

/// Removes the drafts that were begun before an instant; gives how many.
pub async fn forget_drafts(tx: &mut Tx, before: i64) -> Result<u64, DbError> {
    sql::execute!(tx, "delete from connections where state = 'draft' and created_at < $1", before)
}

/// The exports that use a connection, by name.
pub async fn exports_of(tx: &mut Tx, id: ConnectionId) -> Result<Vec<(ExportId, String)>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, String),
        "select id, name from exports where connection_id = $1 order by name_key, id",
        id.to_string(),
    )?;
    rows.into_iter().map(|(id, name)| Ok((parse("exports.id", &id)?, name))).collect()
}

/// How many exports use each connection; those without one are left out.
pub async fn export_counts(tx: &mut Tx) -> Result<HashMap<ConnectionId, u64>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, i64),
        "select connection_id, count(*) from exports where connection_id is not null group by connection_id",
    )?;
    rows.into_iter()
        .map(|(id, count)| Ok((parse("exports.connection_id", &id)?, values::unsigned("count", count)?)))
        .collect()
}

/// Was it refused because another connection has the name?
pub fn is_name_taken(error: &DbError) -> bool {
    error.is_duplicate("connections_name", "connections.name_key")
}
