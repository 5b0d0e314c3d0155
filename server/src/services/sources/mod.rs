//! Rules of use for data sources and profiles: who may name which file, what a data source must have, and what removing
//! one leaves. Refreshing is in [`refresh`], the files in [`files`].

use std::path::PathBuf;

use app::error::{AppError, FieldFault, FieldFaultKind};
use app::services::{Answer, ProfilePage, SourceDraft, SourceLine, Sources};
use domain::access::{self, Actor};
use domain::attribute::Attribute;
use domain::id::SourceId;
use domain::paging::{Page, PageRequest};
use domain::source::{FileFault, Format, Location, Preview, Reading, RejectedRow, Source};
use ferry_data::{DataEngine, DataError};

use super::segments::SegmentsService;
use super::{form, internal};
use crate::clock::SharedClock;
use crate::db::{self, Database, Topic, Tx};

pub mod files;
mod refresh;
#[cfg(test)]
mod tests;
mod tidy_up;

pub use refresh::Refreshes;

/// Profiles on the largest page.
const MAX_PAGE: u32 = 200;

/// The data sources, as [`Sources`] says.
#[derive(Clone)]
pub struct SourcesService {
    db: Database,
    data: DataEngine,
    clock: SharedClock,
    places: files::Places,
    segments: SegmentsService,
    refreshes: Refreshes,
}

impl SourcesService {
    /// Over this database and data engine; `segments` are counted anew after a refresh.
    pub fn new(
        db: Database,
        data: DataEngine,
        clock: SharedClock,
        places: files::Places,
        segments: SegmentsService,
    ) -> Self {
        Self { db, data, clock, places, segments, refreshes: Refreshes::default() }
    }
}

#[async_trait::async_trait]
impl Sources for SourcesService {
    async fn list(&self, actor: &Actor) -> Answer<Vec<SourceLine>> {
        may_look_at_sources(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = db::sources::list(&mut tx).await.map_err(internal)?;
        let mut last = db::refreshes::last(&mut tx).await.map_err(internal)?;
        let mut lines = Vec::new();
        for stored in found {
            let id = stored.source.id;
            let heir = heir(&mut tx, &stored.source).await?.map(|(_, name)| name);
            lines.push(SourceLine { last_refresh: last.remove(&id), source: stored.source, heir });
        }
        Ok(lines)
    }

    async fn find(&self, actor: &Actor, id: SourceId) -> Answer<SourceLine> {
        let all = self.list(actor).await?;
        all.into_iter().find(|line| line.source.id == id).ok_or(AppError::NotFound)
    }

    async fn server_directories(&self, actor: &Actor) -> Answer<Vec<String>> {
        may_look_at_sources(actor)?;
        Ok(if access::may_read_server_files(actor.role) { self.places.allowed() } else { Vec::new() })
    }

    async fn preview(&self, actor: &Actor, location: &Location, reading: Option<Reading>) -> Answer<Preview> {
        may_edit(actor)?;
        self.may_name(actor, location).await?;
        if let Some(reading) = &reading {
            let faults = reading_faults(reading);
            if !faults.is_empty() {
                return Err(AppError::Fields(faults));
            }
        }
        let files = self.files(location, reading.as_ref().map(|reading| reading.format)).await?;
        self.data.preview(files, reading).await.map_err(super::data_error)
    }

    async fn save(&self, actor: &Actor, id: Option<SourceId>, draft: SourceDraft) -> Answer<SourceId> {
        may_edit(actor)?;
        self.may_name(actor, &draft.location).await?;
        let name = form::name("name", &draft.name)?;
        let faults = draft_faults(&draft);
        if !faults.is_empty() {
            return Err(AppError::Fields(faults));
        }
        self.files(&draft.location, Some(draft.reading.format)).await?;
        let source = Source {
            id: id.unwrap_or_else(|| SourceId(uuid::Uuid::now_v7())),
            name,
            location: draft.location,
            reading: draft.reading,
            attributes: draft.attributes,
            primary_key: draft.primary_key.filter(|key| !key.is_empty()),
            is_customer_table: false,
        };
        match id {
            None => self.add(source).await,
            Some(_) => self.change(source).await,
        }
    }

    async fn refresh(&self, actor: &Actor, id: SourceId) -> Answer<()> {
        self.start_refresh(actor, id).await.map(|_| ())
    }

    async fn last_refresh(&self, actor: &Actor, id: SourceId) -> Answer<i64> {
        may_look_at_sources(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let number = db::refreshes::last_number(&mut tx, id).await.map_err(internal)?;
        number.ok_or(AppError::NotFound)
    }

    async fn rejected_rows(&self, actor: &Actor, refresh: i64, page: PageRequest) -> Answer<Page<RejectedRow>> {
        may_look_at_sources(actor)?;
        self.data.rejected_rows(refresh, page).await.map_err(|error| match error {
            DataError::Missing => AppError::NotFound,
            other => super::data_error(other),
        })
    }

    async fn make_customer_table(&self, actor: &Actor, id: SourceId) -> Answer<()> {
        self.choose_customer_table(actor, id).await?;
        self.start_refresh(actor, id).await.map(|_| ())
    }

    async fn remove(&self, actor: &Actor, id: SourceId) -> Answer<()> {
        may_edit(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let found = db::sources::find(&mut tx, id).await.map_err(internal)?.ok_or(AppError::NotFound)?;
        let heir = heir(&mut tx, &found.source).await?;
        if heir.is_some() && !access::may_manage_system(actor.role) {
            // As good as choosing another customer table.
            return Err(AppError::Forbidden);
        }
        db::sources::remove(&mut tx, id).await.map_err(internal)?;
        if let Some((next, _)) = heir {
            db::sources::make_customer_table(&mut tx, next).await.map_err(internal)?;
        }
        tx.commit().await.map_err(internal)?;
        self.remove_upload(&found.source.location).await;
        Ok(())
    }

    async fn attributes(&self, actor: &Actor) -> Answer<Vec<Attribute>> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let newest = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        Ok(newest.map(|snapshot| snapshot.attributes).unwrap_or_default())
    }

    async fn profiles(&self, actor: &Actor, search: &str, page: PageRequest) -> Answer<ProfilePage> {
        may_look(actor)?;
        let page = PageRequest { number: page.number.max(1), size: page.size.clamp(1, MAX_PAGE) };
        let mut tx = self.db.read().await.map_err(internal)?;
        let newest = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        drop(tx);
        let Some(snapshot) = newest else {
            return Ok(ProfilePage { attributes: Vec::new(), rows: Vec::new(), page, total: 0, snapshot: None });
        };
        let (rows, total) = self.data.page(snapshot.number, search.trim(), page).await.map_err(super::data_error)?;
        let (attributes, snapshot) = (snapshot.attributes, Some(snapshot.number));
        Ok(ProfilePage { attributes, rows, page, total, snapshot })
    }
}

impl SourcesService {
    /// Makes a data source the customer table: its next refresh makes the profiles.
    pub async fn choose_customer_table(&self, actor: &Actor, id: SourceId) -> Answer<()> {
        if !access::may_manage_system(actor.role) {
            return Err(AppError::Forbidden);
        }
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Snapshots).await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        if !db::sources::make_customer_table(&mut tx, id).await.map_err(internal)? {
            return Err(AppError::NotFound);
        }
        tx.commit().await.map_err(internal)
    }

    /// May this person name this location? Files on the server's disk are left to those who may read them; but a
    /// location that a data source has already is no secret to those who may edit data sources.
    ///
    /// # Errors
    /// They may not.
    pub async fn may_name(&self, actor: &Actor, location: &Location) -> Answer<()> {
        if matches!(location, Location::Upload { .. }) || access::may_read_server_files(actor.role) {
            return Ok(());
        }
        let mut tx = self.db.read().await.map_err(internal)?;
        let known = db::sources::list(&mut tx).await.map_err(internal)?;
        if known.iter().any(|stored| stored.source.location == *location) { Ok(()) } else { Err(AppError::Forbidden) }
    }

    /// The files of a location, looked up on a thread that may wait for the disk.
    ///
    /// # Errors
    /// Nothing is there, or not where it may be read.
    pub async fn files(&self, location: &Location, format: Option<Format>) -> Answer<Vec<PathBuf>> {
        let (places, location) = (self.places.clone(), location.clone());
        let found = tokio::task::spawn_blocking(move || places.files(&location, format)).await;
        found.map_err(internal)?.map_err(AppError::File)
    }

    async fn add(&self, mut source: Source) -> Answer<SourceId> {
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        source.is_customer_table = db::sources::oldest_but(&mut tx, source.id).await.map_err(internal)?.is_none();
        db::sources::insert(&mut tx, &source, self.clock.now_micros()).await.map_err(taken)?;
        tx.commit().await.map_err(internal)?;
        Ok(source.id)
    }

    async fn change(&self, source: Source) -> Answer<SourceId> {
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let before = db::sources::find(&mut tx, source.id).await.map_err(internal)?.ok_or(AppError::NotFound)?;
        db::sources::update(&mut tx, &source).await.map_err(taken)?;
        tx.commit().await.map_err(internal)?;
        if before.source.location != source.location {
            self.remove_upload(&before.source.location).await;
        }
        Ok(source.id)
    }
}

/// The data source that becomes the customer table when this one is removed.
async fn heir(tx: &mut Tx, source: &Source) -> Answer<Option<(SourceId, String)>> {
    if !source.is_customer_table {
        return Ok(None);
    }
    db::sources::oldest_but(tx, source.id).await.map_err(internal)
}

fn may_look(actor: &Actor) -> Answer<()> {
    if access::may_look(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

fn may_look_at_sources(actor: &Actor) -> Answer<()> {
    if access::may_look_at_sources(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

fn may_edit(actor: &Actor) -> Answer<()> {
    if access::may_edit_data(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

fn taken(error: db::DbError) -> AppError {
    if db::sources::is_name_taken(&error) {
        AppError::field("name", FieldFaultKind::Taken)
    } else if db::sources::is_upload_taken(&error) {
        AppError::field("location", FieldFaultKind::Taken)
    } else {
        internal(error)
    }
}

fn draft_faults(draft: &SourceDraft) -> Vec<FieldFault> {
    let mut found = reading_faults(&draft.reading);
    let mut fault = |field: &str, fault| found.push(FieldFault { field: field.to_owned(), fault });
    let names: std::collections::BTreeSet<&str> = draft.attributes.iter().map(|a| a.name.as_str()).collect();
    if draft.attributes.is_empty() {
        fault("attributes", FieldFaultKind::Required);
    } else if names.len() != draft.attributes.len() || names.contains("") {
        fault("attributes", FieldFaultKind::Invalid);
    }
    if draft.primary_key.as_deref().is_some_and(|key| !key.is_empty() && !names.contains(key)) {
        fault("primary_key", FieldFaultKind::Invalid);
    }
    found
}

fn reading_faults(reading: &Reading) -> Vec<FieldFault> {
    let mut found = Vec::new();
    let mut fault = |field: &str| {
        found.push(FieldFault { field: field.to_owned(), fault: FieldFaultKind::Invalid });
    };
    if jiff::tz::TimeZone::get(&reading.time_zone).is_err() {
        fault("time_zone");
    }
    if !reading.delimiter.is_ascii() || matches!(reading.delimiter, '"' | '\r' | '\n' | '\0') {
        fault("delimiter");
    }
    found
}

/// The name of a fault in `refreshes.fault` and in translations.
fn fault_name(fault: FileFault) -> String {
    serde_json::to_value(fault).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
