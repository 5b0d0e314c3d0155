//! Data sources as they are set. Their refreshes are in [`super::refreshes`].

use domain::id::SourceId;
use domain::source::{Location, Source};

use super::{DbError, Tx, names, parse, sql, values};

/// A data source with the number of its saves.
#[derive(Debug, Clone)]
pub struct StoredSource {
    /// The data source.
    pub source: Source,
    /// Counts the saves.
    pub version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    location: String,
    reading: String,
    attributes: String,
    primary_key: Option<String>,
    is_customer_table: bool,
    version: i64,
}

impl Row {
    fn source(self) -> Result<StoredSource, DbError> {
        let source = Source {
            id: parse("sources.id", &self.id)?,
            name: self.name,
            location: values::from_json("sources.location", &self.location)?,
            reading: values::from_json("sources.reading", &self.reading)?,
            attributes: values::from_json("sources.attributes", &self.attributes)?,
            primary_key: self.primary_key,
            is_customer_table: self.is_customer_table,
        };
        Ok(StoredSource { source, version: self.version })
    }
}

fn upload_of(location: &Location) -> Option<&str> {
    match location {
        Location::Upload { upload, .. } => Some(upload),
        Location::Path { .. } => None,
    }
}

/// All data sources, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<StoredSource>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        "select id, name, location, reading, attributes, primary_key, is_customer_table, version
         from sources
         order by name_key, id",
    )?;
    rows.into_iter().map(Row::source).collect()
}

/// One data source.
pub async fn find(tx: &mut Tx, id: SourceId) -> Result<Option<StoredSource>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select id, name, location, reading, attributes, primary_key, is_customer_table, version
         from sources
         where id = $1",
        id.to_string(),
    )?;
    row.map(Row::source).transpose()
}

/// Adds a data source. [`is_name_taken`] and [`is_upload_taken`] tell why not.
pub async fn insert(tx: &mut Tx, source: &Source, now: i64) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into sources (id, name, name_key, location, upload, reading, attributes, primary_key,
            is_customer_table, version, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)",
        source.id.to_string(),
        &source.name,
        names::key(&source.name),
        values::to_json("sources.location", &source.location)?,
        upload_of(&source.location),
        values::to_json("sources.reading", &source.reading)?,
        values::to_json("sources.attributes", &source.attributes)?,
        source.primary_key.as_deref(),
        source.is_customer_table,
        now,
    )?;
    Ok(())
}

/// Changes a data source, but not whether it is the customer table. False when it is gone.
pub async fn update(tx: &mut Tx, source: &Source) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update sources
         set name = $2, name_key = $3, location = $4, upload = $5, reading = $6, attributes = $7, primary_key = $8,
            version = version + 1
         where id = $1",
        source.id.to_string(),
        &source.name,
        names::key(&source.name),
        values::to_json("sources.location", &source.location)?,
        upload_of(&source.location),
        values::to_json("sources.reading", &source.reading)?,
        values::to_json("sources.attributes", &source.attributes)?,
        source.primary_key.as_deref(),
    )?;
    Ok(changed == 1)
}

/// Makes this one the customer table, and no other. False, and nothing is changed, when it is gone.
pub async fn make_customer_table(tx: &mut Tx, id: SourceId) -> Result<bool, DbError> {
    sql::execute!(
        tx,
        "update sources set is_customer_table = false
         where is_customer_table and id <> $1 and exists (select 1 from sources as other where other.id = $1)",
        id.to_string(),
    )?;
    let changed = sql::execute!(tx, "update sources set is_customer_table = true where id = $1", id.to_string())?;
    Ok(changed == 1)
}

/// The data source that was added first, but for one: the customer table where that one is removed. With its name.
pub async fn oldest_but(tx: &mut Tx, one: SourceId) -> Result<Option<(SourceId, String)>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String, String),
        "select id, name from sources where id <> $1 order by created_at, id limit 1",
        one.to_string(),
    )?;
    row.map(|(id, name)| Ok((parse("sources.id", &id)?, name))).transpose()
}

/// Removes a data source. Its refreshes stay. False when it is gone.
pub async fn remove(tx: &mut Tx, id: SourceId) -> Result<bool, DbError> {
    Ok(sql::execute!(tx, "delete from sources where id = $1", id.to_string())? == 1)
}

/// Was it refused because another data source has the name?
pub fn is_name_taken(error: &DbError) -> bool {
    error.is_duplicate("sources_name_key_key", "sources.name_key")
}

/// Was it refused because another data source has the uploaded file?
pub fn is_upload_taken(error: &DbError) -> bool {
    error.is_duplicate("sources_upload_key", "sources.upload")
}
