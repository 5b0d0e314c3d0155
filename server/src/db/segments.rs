//! Segments with their last count.

use std::collections::HashMap;

use domain::id::{ExportId, SegmentId};
use domain::rule::Rule;
use domain::segment::{Definition, Segment};

use super::{DbError, Tx, names, parse, sql, values};

/// A segment with its last count. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone)]
pub struct StoredSegment {
    /// The segment.
    pub segment: Segment,
    /// Counts the changes of what decides who is in it.
    pub version: i64,
    /// Members at the last refresh.
    pub members: Option<u64>,
    /// The snapshot they were counted on.
    pub counted_on: Option<i64>,
    /// When they were counted.
    pub refreshed_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    kind: String,
    rule: String,
    is_active: bool,
    tag: String,
    members: Option<i64>,
    counted_on: Option<i64>,
    refreshed_at: Option<i64>,
    version: i64,
}

impl Row {
    fn segment(self) -> Result<StoredSegment, DbError> {
        let rule: Rule = values::from_json("segments.rule", &self.rule)?;
        let definition = match self.kind.as_str() {
            "dynamic" => Definition::Dynamic { rule },
            "static" => Definition::Static { rule },
            _ => return Err(DbError::Corrupt("segments.kind")),
        };
        Ok(StoredSegment {
            segment: Segment {
                id: parse("segments.id", &self.id)?,
                name: self.name,
                definition,
                is_active: self.is_active,
                tag: self.tag,
            },
            version: self.version,
            members: self.members.map(|n| values::unsigned("segments.members", n)).transpose()?,
            counted_on: self.counted_on,
            refreshed_at: self.refreshed_at,
        })
    }
}

fn kind_of(definition: &Definition) -> &'static str {
    if definition.is_static() { "static" } else { "dynamic" }
}

/// All segments, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<StoredSegment>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        "select id, name, kind, rule, is_active, tag, members, counted_on, refreshed_at, version
         from segments
         order by name_key, id",
    )?;
    rows.into_iter().map(Row::segment).collect()
}

/// One segment.
pub async fn find(tx: &mut Tx, id: SegmentId) -> Result<Option<StoredSegment>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select id, name, kind, rule, is_active, tag, members, counted_on, refreshed_at, version
         from segments
         where id = $1",
        id.to_string(),
    )?;
    row.map(Row::segment).transpose()
}

/// Adds a segment. False when another segment has its tag: try again with another one.
/// [`is_name_taken`] tells that one has its name.
pub async fn insert(tx: &mut Tx, segment: &Segment, now: i64) -> Result<bool, DbError> {
    let added = sql::execute!(
        tx,
        "insert into segments (id, name, name_key, kind, rule, is_active, tag, version, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, 1, $8)
         on conflict (tag) do nothing",
        segment.id.to_string(),
        &segment.name,
        names::key(&segment.name),
        kind_of(&segment.definition),
        values::to_json("segments.rule", segment.definition.rule())?,
        segment.is_active,
        &segment.tag,
        now,
    )?;
    Ok(added == 1)
}

/// Changes the name alone. False when it is gone.
pub async fn rename(tx: &mut Tx, id: SegmentId, name: &str) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update segments set name = $2, name_key = $3 where id = $1",
        id.to_string(),
        name,
        names::key(name),
    )?;
    Ok(changed == 1)
}

/// Changes who is in it; the count of before no longer holds. `version` is the one that was read: false when somebody
/// changed it since.
pub async fn redefine(tx: &mut Tx, id: SegmentId, version: i64, definition: &Definition) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update segments
         set kind = $3, rule = $4, version = version + 1, members = null, counted_on = null, refreshed_at = null
         where id = $1 and version = $2",
        id.to_string(),
        version,
        kind_of(definition),
        values::to_json("segments.rule", definition.rule())?,
    )?;
    Ok(changed == 1)
}

/// Activates or deactivates it. False when it is gone.
pub async fn set_active(tx: &mut Tx, id: SegmentId, active: bool) -> Result<bool, DbError> {
    Ok(sql::execute!(tx, "update segments set is_active = $2 where id = $1", id.to_string(), active)? == 1)
}

/// Keeps a count, unless the segment was changed or counted on a newer snapshot meanwhile.
pub async fn keep_count(
    tx: &mut Tx,
    id: SegmentId,
    version: i64,
    (members, snapshot): (u64, i64),
    now: i64,
) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update segments
         set members = $3, counted_on = $4, refreshed_at = $5
         where id = $1 and version = $2 and (counted_on is null or counted_on <= $4)",
        id.to_string(),
        version,
        i64::try_from(members).unwrap_or(i64::MAX),
        snapshot,
        now,
    )?;
    Ok(changed == 1)
}

/// Removes it; the exports that used it keep their other segments. False when it is gone.
pub async fn remove(tx: &mut Tx, id: SegmentId) -> Result<bool, DbError> {
    sql::execute!(
        tx,
        "update exports set version = version + 1
         where id in (select export_id from export_segments where segment_id = $1)",
        id.to_string(),
    )?;
    Ok(sql::execute!(tx, "delete from segments where id = $1", id.to_string())? == 1)
}

/// The exports that use each segment, by name.
pub async fn uses(tx: &mut Tx) -> Result<HashMap<SegmentId, Vec<(ExportId, String)>>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        (String, String, String),
        "select export_segments.segment_id, exports.id, exports.name
         from export_segments
         join exports on exports.id = export_segments.export_id
         order by exports.name_key, exports.id",
    )?;
    let mut found: HashMap<SegmentId, Vec<(ExportId, String)>> = HashMap::new();
    for (segment, export, name) in rows {
        let export = parse("exports.id", &export)?;
        found.entry(parse("export_segments.segment_id", &segment)?).or_default().push((export, name));
    }
    Ok(found)
}

/// Was it refused because another segment has the name?
pub fn is_name_taken(error: &DbError) -> bool {
    error.is_duplicate("segments_name_key_key", "segments.name_key")
}
