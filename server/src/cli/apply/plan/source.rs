//! The data source of a file: which bytes, how they are read, and whether it is to be refreshed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use app::error::AppError;
use app::services::{SourceDraft, SourceLine, Sources as _};
use domain::access::{self, Actor};
use domain::attribute::Attribute;
use domain::id::SourceId;
use domain::source::{Location, Preview, Reading};

use super::{Change, Planner, same_name};
use crate::cli::apply::file::{Bytes, SourceEntry};
use crate::cli::apply::reader::At;

/// What to do with the data source.
#[derive(Debug)]
pub struct SourceStep {
    /// Which one, if it is there.
    pub id: Option<SourceId>,
    /// How it relates to what is there.
    pub change: Change,
    /// How it is to be; the location of new bytes is only known once they are copied.
    pub draft: SourceDraft,
    /// A file to copy into the data directory first.
    pub new_bytes: Option<NewBytes>,
    /// Are its profiles older than what it says?
    pub is_stale: bool,
    /// Is it the customer table, or will it be as the first data source? Another one has to be chosen as such.
    pub is_table: bool,
}

/// A file that is copied into the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBytes {
    /// Where it is.
    pub path: PathBuf,
    /// Its name.
    pub file_name: String,
}

impl Planner<'_> {
    /// What to do with the data source; none if the file has none or it has faults.
    pub(super) async fn source(&self) -> anyhow::Result<Option<SourceStep>> {
        let Some(At { line, value: entry }) = &self.file.source else { return Ok(None) };
        let Actor { role, email, .. } = self.actor;
        if !access::may_edit_data(*role) {
            self.faults.add(*line, format!("{email} may not add or change data sources"));
            return Ok(None);
        }
        let lines = self.desk.sources.list(self.actor).await?;
        let is_first = lines.is_empty();
        let existing = lines.into_iter().find(|line| same_name(&line.source.name, &entry.name.value));
        let is_table = existing.as_ref().map_or(is_first, |line| line.source.is_customer_table);
        if !is_table && !access::may_manage_system(*role) {
            self.faults.add(*line, format!("{email} may not make another data source the customer table"));
        }
        let Some((location, new_bytes, files)) = self.bytes(entry, existing.as_ref()).await? else { return Ok(None) };
        let Some(preview) = self.look(entry, existing.as_ref(), &files).await else { return Ok(None) };
        let before = self.faults.count();
        let attributes = self.attributes_of(entry, existing.as_ref(), &preview);
        let primary_key = self.primary_key(entry, existing.as_ref(), &preview);
        if self.faults.count() > before {
            return Ok(None);
        }
        let name = entry.name.value.trim().to_owned();
        let draft = SourceDraft { name, location, reading: preview.reading, attributes, primary_key };
        let change = match &existing {
            None => Change::Add,
            Some(line) if new_bytes.is_none() && is_same(&draft, line) => Change::Keep,
            Some(_) => Change::Alter,
        };
        let is_stale = change != Change::Keep || existing.as_ref().is_none_or(|line| is_stale(line, &files));
        let id = existing.map(|line| line.source.id);
        Ok(Some(SourceStep { id, change, draft, new_bytes, is_stale, is_table }))
    }

    /// The location, a file to be copied, and the files to look at.
    async fn bytes(
        &self,
        entry: &SourceEntry,
        existing: Option<&SourceLine>,
    ) -> anyhow::Result<Option<(Location, Option<NewBytes>, Vec<PathBuf>)>> {
        let line = entry.bytes.line;
        match &entry.bytes.value {
            Bytes::Path(path) => {
                let location = Location::Path { path: path.clone() };
                match self.desk.sources.may_name(self.actor, &location).await {
                    Err(AppError::Forbidden) => {
                        self.faults.add(line, format!("{} may not have `{path}` read", self.actor.email));
                        return Ok(None);
                    }
                    other => other?,
                }
                match self.desk.sources.files(&location, entry.format).await {
                    Ok(files) => Ok(Some((location, None, files))),
                    Err(_) => {
                        self.faults.add(
                            line,
                            format!(
                                "there is nothing to read at `{path}`, or not below a directory of \
                                     FERRY_SOURCE_DIRECTORIES"
                            ),
                        );
                        Ok(None)
                    }
                }
            }
            Bytes::File(file) => {
                let path = self.desk.beside.join(file);
                if !path.is_file() {
                    self.faults.add(line, format!("there is no file `{}`", path.display()));
                    return Ok(None);
                }
                let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if let Some(Location::Upload { upload, .. }) = existing.map(|line| &line.source.location) {
                    let kept = self.desk.places.upload(upload).map_err(AppError::File)?;
                    if have_same_bytes(kept.clone(), path.clone()).await? {
                        let location = Location::Upload { upload: upload.clone(), file_name };
                        return Ok(Some((location, None, vec![kept])));
                    }
                }
                let location = Location::Upload { upload: String::new(), file_name: file_name.clone() };
                Ok(Some((location, Some(NewBytes { path: path.clone(), file_name }), vec![path])))
            }
        }
    }

    /// Looks at the start of the bytes: as the file says, else as it is read now, else as it looks.
    async fn look(&self, entry: &SourceEntry, existing: Option<&SourceLine>, files: &[PathBuf]) -> Option<Preview> {
        let guess = match existing {
            Some(line) => Ok(line.source.reading.clone()),
            None => self.desk.data.preview(files.to_vec(), None).await.map(|preview| preview.reading),
        };
        let preview = match guess {
            Ok(guess) => self.desk.data.preview(files.to_vec(), Some(reading(entry, guess))).await,
            Err(error) => Err(error),
        };
        match preview {
            Ok(preview) => Some(preview),
            Err(error) => {
                self.faults.add(entry.bytes.line, format!("the data cannot be read: {error}"));
                None
            }
        }
    }

    /// The attributes: as the file says, else as they are set now, else as they look.
    fn attributes_of(&self, entry: &SourceEntry, existing: Option<&SourceLine>, preview: &Preview) -> Vec<Attribute> {
        let mut attributes = preview.attributes.clone();
        for attribute in &mut attributes {
            let set = existing.and_then(|line| line.source.attributes.iter().find(|one| one.name == attribute.name));
            if let Some(set) = set {
                attribute.kind = set.kind;
            }
        }
        for (name, kind) in &entry.types {
            match attributes.iter_mut().find(|attribute| attribute.name == name.value) {
                Some(attribute) => attribute.kind = *kind,
                None => self.faults.add(name.line, format!("the data has no attribute `{}`", name.value)),
            }
        }
        attributes
    }

    fn primary_key(&self, entry: &SourceEntry, existing: Option<&SourceLine>, preview: &Preview) -> Option<String> {
        match (&entry.primary_key, existing) {
            (Some(key), _) if key.value.is_empty() => None,
            (Some(key), _) => {
                if !preview.attributes.iter().any(|attribute| attribute.name == key.value) {
                    self.faults.add(key.line, format!("the data has no attribute `{}`", key.value));
                }
                Some(key.value.clone())
            }
            (None, Some(line)) => line.source.primary_key.clone(),
            (None, None) => preview.primary_key.clone(),
        }
    }
}

fn reading(entry: &SourceEntry, guess: Reading) -> Reading {
    Reading {
        format: entry.format.unwrap_or(guess.format),
        encoding: entry.encoding.unwrap_or(guess.encoding),
        delimiter: entry.delimiter.unwrap_or(guess.delimiter),
        has_header: entry.has_header.unwrap_or(guess.has_header),
        time_zone: entry.time_zone.as_ref().map_or(guess.time_zone, |zone| zone.value.clone()),
        date_order: entry.date_order.unwrap_or(guess.date_order),
    }
}

fn is_same(draft: &SourceDraft, line: &SourceLine) -> bool {
    let source = &line.source;
    draft.name == source.name
        && draft.location == source.location
        && draft.reading == source.reading
        && draft.attributes == source.attributes
        && draft.primary_key == source.primary_key
}

/// Is the newest snapshot another one's, or were the files written to since?
fn is_stale(line: &SourceLine, files: &[PathBuf]) -> bool {
    let Some(refresh) = line.last_refresh.as_ref().filter(|one| one.snapshot.is_some()) else { return true };
    let is_newer = |file: &PathBuf| {
        let changed = file.metadata().and_then(|found| found.modified()).ok();
        let changed = changed.and_then(|at| jiff::Timestamp::try_from(at).ok());
        changed.is_none_or(|at| at.as_microsecond() > refresh.started_at)
    };
    let is_in_place = matches!(line.source.location, Location::Path { .. });
    !line.source.is_customer_table || (is_in_place && files.iter().any(is_newer))
}

/// Compares two files byte by byte.
async fn have_same_bytes(one: PathBuf, other: PathBuf) -> anyhow::Result<bool> {
    fn compare(one: &Path, other: &Path) -> std::io::Result<bool> {
        use std::io::Read as _;
        let (mut one, mut other) = (std::fs::File::open(one)?, std::fs::File::open(other)?);
        if one.metadata()?.len() != other.metadata()?.len() {
            return Ok(false);
        }
        let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            let length = one.read(&mut left)?;
            if length == 0 {
                return Ok(true);
            }
            other.read_exact(&mut right[..length])?;
            if left[..length] != right[..length] {
                return Ok(false);
            }
        }
    }
    let compared = tokio::task::spawn_blocking(move || compare(&one, &other)).await?;
    compared.context("the file could not be compared with the one that Ferry has")
}
