//! Exports as they are set. Their runs are in [`super::runs`].

use std::collections::HashMap;

use domain::export::{Export, ExportSettings};
use domain::id::{ExportId, SegmentId};
use domain::marking::Marking;
use domain::safety::Safety;

use super::{DbError, Tx, names, parse, sql, values};

/// An export with the instant from which its schedule counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredExport {
    /// The export.
    pub export: Export,
    /// Since when the schedule is as it is: microseconds since 1970, UTC. Earlier slots are none of its business.
    pub schedule_since: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    connection_id: Option<String>,
    mapping: String,
    schedule: String,
    schedule_since: i64,
    safety: Option<String>,
    marking: String,
    version: i64,
}

impl Row {
    fn export(self, segments: Vec<SegmentId>) -> Result<StoredExport, DbError> {
        let settings = ExportSettings {
            name: self.name,
            connection: self.connection_id.map(|id| parse("exports.connection_id", &id)).transpose()?,
            mapping: values::from_json("exports.mapping", &self.mapping)?,
            segments,
            schedule: values::from_json("exports.schedule", &self.schedule)?,
            safety: match &self.safety {
                Some(safety) => values::from_json("exports.safety", safety)?,
                None => Safety::default(),
            },
            marking: Marking::parse(&self.marking).ok_or(DbError::Corrupt("exports.marking"))?,
        };
        let export = Export { id: parse("exports.id", &self.id)?, settings, version: self.version };
        Ok(StoredExport { export, schedule_since: self.schedule_since })
    }
}

/// All exports, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<StoredExport>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        "select id, name, connection_id, mapping, schedule, schedule_since, safety, marking, version
         from exports
         order by name_key, id",
    )?;
    let pairs = sql::fetch_all!(
        tx,
        (String, String),
        "select export_id, segment_id from export_segments order by export_id, position",
    )?;
    let mut segments: HashMap<String, Vec<SegmentId>> = HashMap::new();
    for (export, segment) in pairs {
        segments.entry(export).or_default().push(parse("export_segments.segment_id", &segment)?);
    }
    rows.into_iter()
        .map(|row| {
            let own = segments.remove(&row.id).unwrap_or_default();
            row.export(own)
        })
        .collect()
}

/// One export.
pub async fn find(tx: &mut Tx, id: ExportId) -> Result<Option<StoredExport>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select id, name, connection_id, mapping, schedule, schedule_since, safety, marking, version
         from exports
         where id = $1",
        id.to_string(),
    )?;
    let Some(row) = row else { return Ok(None) };
    let pairs = sql::fetch_all!(
        tx,
        (String,),
        "select segment_id from export_segments where export_id = $1 order by position",
        id.to_string(),
    )?;
    let segments = pairs.into_iter().map(|(id,)| parse("export_segments.segment_id", &id)).collect::<Result<_, _>>()?;
    row.export(segments).map(Some)
}

/// Adds an export. [`is_name_taken`] tells that another one has its name; [`DbError::Reference`] that its connection or
/// a segment is gone.
pub async fn insert(tx: &mut Tx, id: ExportId, settings: &ExportSettings, now: i64) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into exports (id, name, name_key, connection_id, mapping, schedule, schedule_since, safety, marking,
            version, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $7)",
        id.to_string(),
        &settings.name,
        names::key(&settings.name),
        settings.connection.map(|id| id.to_string()),
        values::to_json("exports.mapping", &settings.mapping)?,
        values::to_json("exports.schedule", &settings.schedule)?,
        now,
        values::to_json("exports.safety", &settings.safety)?,
        settings.marking.as_str(),
    )?;
    insert_segments(tx, id, &settings.segments).await
}

/// Changes an export. `version` is the one that was shown: false when somebody saved since, or it is gone.
pub async fn update(
    tx: &mut Tx,
    id: ExportId,
    version: i64,
    settings: &ExportSettings,
    now: i64,
) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update exports
         set name = $3, name_key = $4, connection_id = $5, mapping = $6,
            schedule_since = case when schedule = $7 then schedule_since else $8 end,
            schedule = $7, safety = $9, marking = $10, version = version + 1
         where id = $1 and version = $2",
        id.to_string(),
        version,
        &settings.name,
        names::key(&settings.name),
        settings.connection.map(|id| id.to_string()),
        values::to_json("exports.mapping", &settings.mapping)?,
        values::to_json("exports.schedule", &settings.schedule)?,
        now,
        values::to_json("exports.safety", &settings.safety)?,
        settings.marking.as_str(),
    )?;
    if changed == 0 {
        return Ok(false);
    }
    sql::execute!(tx, "delete from export_segments where export_id = $1", id.to_string())?;
    insert_segments(tx, id, &settings.segments).await?;
    Ok(true)
}

async fn insert_segments(tx: &mut Tx, id: ExportId, segments: &[SegmentId]) -> Result<(), DbError> {
    for (position, segment) in (0_i64..).zip(segments) {
        sql::execute!(
            tx,
            "insert into export_segments (export_id, segment_id, position) values ($1, $2, $3)",
            id.to_string(),
            segment.to_string(),
            position,
        )?;
    }
    Ok(())
}

/// Takes the connection away. False when it has none, or is gone.
pub async fn detach(tx: &mut Tx, id: ExportId) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update exports set connection_id = null, version = version + 1 where id = $1 and connection_id is not null",
        id.to_string(),
    )?;
    Ok(changed == 1)
}

/// Removes an export with its history. False when it is gone.
pub async fn remove(tx: &mut Tx, id: ExportId) -> Result<bool, DbError> {
    Ok(sql::execute!(tx, "delete from exports where id = $1", id.to_string())? == 1)
}

/// Was it refused because another export has the name?
pub fn is_name_taken(error: &DbError) -> bool {
    error.is_duplicate("exports_name_key_key", "exports.name_key")
}
