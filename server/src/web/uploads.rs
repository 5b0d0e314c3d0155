//! Files from the browser, streamed to the disk: `uploads/<id>.part` while they come, `uploads/<id>` when they are whole.
//! Memory does not grow with the file. The name is the server's; what the browser calls the file is only shown.
//!
//! What is in a file is not looked at here: the preview does that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use app::error::{AppError, FileFault};
use app::request::{with_fault, with_query};
use app::routes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::access::{Actor, may_edit_data};
use domain::id::SourceId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::visit::{SignedIn, anew};
use super::{WebState, errors};
use crate::services::internal;

/// Longest silence of the browser while a file comes.
const SILENCE: Duration = Duration::from_secs(60);
/// While a file comes, it is looked up so often whether its sender may still bring it.
const LOOK: Duration = Duration::from_secs(3);
/// What has to stay free on the disk, for the database and the runner.
const KEEP_FREE: u64 = 512 << 20;
/// The free space is asked for again after so many bytes.
const ASK_AFTER: u64 = 64 << 20;
/// What a multipart body has beside the file, at most.
const AROUND: u64 = 1 << 20;
/// What is gathered of one file before it goes to the disk: many may come at once.
const GATHERED: usize = 64 << 10;
/// The longest file name that is shown, in characters.
const LONGEST_NAME: usize = 200;

/// What the form's address may say.
#[derive(Debug, Deserialize)]
pub struct UploadQuery {
    /// The data source whose file it replaces; none for a new one.
    source: Option<SourceId>,
}

/// What became of a file, for callers that ask for JSON.
#[derive(Debug, Serialize)]
struct Uploaded {
    upload: String,
    file_name: String,
    bytes: u64,
    sha256: String,
    /// The page that goes on from here.
    next: String,
}

#[derive(Debug, Serialize)]
struct PreviewQuery<'a> {
    upload: &'a str,
    file_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceId>,
}

/// Why a file was not taken.
#[derive(Debug)]
enum Refusal {
    TooLarge,
    NoSpace,
    Broken,
    Service(AppError),
}

/// `POST /uploads`: takes the field `file` of a multipart form. Contributors and administrators only.
pub async fn upload(
    SignedIn(actor): SignedIn,
    State(state): State<WebState>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Response {
    if !may_edit_data(actor.role) {
        return errors::answer(&AppError::Forbidden, &headers);
    }
    match take(&state, &actor, &headers, &mut form).await {
        Ok((upload, file_name, bytes, sha256)) => {
            tracing::info!(bytes, upload, "a file was uploaded");
            let preview = PreviewQuery { upload: &upload, file_name: &file_name, source: query.source };
            let next = with_query(routes::SOURCE_PREVIEW, &preview);
            if errors::wants_page(&headers) {
                return Redirect::to(&next).into_response();
            }
            axum::Json(Uploaded { upload, file_name, bytes, sha256, next }).into_response()
        }
        Err(refusal) => {
            let page = query.source.map_or_else(|| routes::NEW_SOURCE.to_owned(), routes::source);
            refuse(refusal, &page, form, &headers).await
        }
    }
}

/// A person is led back to the page of the form, which says why; a script or program is told.
async fn refuse(refusal: Refusal, page: &str, form: Multipart, headers: &HeaderMap) -> Response {
    let (status, fault) = match refusal {
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, FileFault::TooLarge),
        Refusal::NoSpace => (StatusCode::INSUFFICIENT_STORAGE, FileFault::NoSpace),
        Refusal::Broken => (StatusCode::BAD_REQUEST, FileFault::Incomplete),
        Refusal::Service(AppError::File(fault)) => (StatusCode::UNPROCESSABLE_ENTITY, fault),
        Refusal::Service(error) => return errors::answer(&error, headers),
    };
    let error = AppError::File(fault);
    // A browser that is still sending would not look at the answer, with script or without.
    leave(form).await;
    if !errors::wants_page(headers) {
        return (status, axum::Json(error)).into_response();
    }
    Redirect::to(&with_fault(page, &error)).into_response()
}

/// Reads what is left of a form, and keeps nothing of it.
async fn leave(mut form: Multipart) {
    while let Ok(Some(mut field)) = patiently(form.next_field()).await {
        while let Ok(Some(_)) = patiently(field.chunk()).await {}
    }
}

async fn take(
    state: &WebState,
    actor: &Actor,
    headers: &HeaderMap,
    form: &mut Multipart,
) -> Result<(String, String, u64, String), Refusal> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > state.config.upload_limit.saturating_add(AROUND)) {
        return Err(Refusal::TooLarge);
    }
    let folder = folder(&state.config.data_dir);
    check_space(&folder, length.unwrap_or(0))?;
    while let Some(field) = patiently(form.next_field()).await? {
        if field.name() != Some("file") {
            continue;
        }
        let file_name = shown_name(field.file_name().unwrap_or_default());
        let mut part = Part::begin(&folder).await?;
        let (bytes, sha256) = receive(state, actor, field, &mut part).await?;
        if bytes == 0 && file_name.is_empty() {
            return Err(Refusal::Service(AppError::File(FileFault::Empty)));
        }
        let upload = part.finish(&folder).await?;
        return Ok((upload, file_name, bytes, sha256));
    }
    Err(Refusal::Broken)
}

/// Writes the field to the part, up to the very byte of the limit.
async fn receive(
    state: &WebState,
    actor: &Actor,
    mut field: Field<'_>,
    part: &mut Part,
) -> Result<(u64, String), Refusal> {
    let (folder, limit) = (folder(&state.config.data_dir), state.config.upload_limit);
    let (mut bytes, mut asked_at) = (0_u64, 0_u64);
    let mut looked_at = state.clock.monotonic();
    let mut hash = Sha256::new();
    while let Some(chunk) = patiently(field.chunk()).await? {
        bytes += chunk.len() as u64;
        if bytes > limit {
            return Err(Refusal::TooLarge);
        }
        if bytes - asked_at >= ASK_AFTER {
            asked_at = bytes;
            check_space(&folder, ASK_AFTER)?;
        }
        let now = state.clock.monotonic();
        if now.saturating_sub(looked_at) >= LOOK {
            looked_at = now;
            let actor = anew(state, actor).await.map_err(Refusal::Service)?;
            if !may_edit_data(actor.role) {
                return Err(Refusal::Service(AppError::Forbidden));
            }
        }
        hash.update(&chunk);
        part.file.write_all(&chunk).await.map_err(failed)?;
    }
    let digest = hash.finalize();
    Ok((bytes, digest.iter().map(|byte| format!("{byte:02x}")).collect()))
}

async fn patiently<T>(next: impl Future<Output = Result<T, MultipartError>>) -> Result<T, Refusal> {
    match tokio::time::timeout(SILENCE, next).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) | Err(_) => Err(Refusal::Broken),
    }
}

/// A file that is still coming. Dropped before it is whole, it goes away: also when the browser does.
struct Part {
    file: File,
    path: PathBuf,
    id: String,
    is_whole: bool,
}

impl Part {
    async fn begin(folder: &Path) -> Result<Self, Refusal> {
        let id = uuid::Uuid::now_v7().to_string();
        let path = folder.join(format!("{id}.part"));
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).await.map_err(failed)?;
        file.set_max_buf_size(GATHERED);
        Ok(Self { file, path, id, is_whole: false })
    }

    /// Puts it under its name, once every byte is on the disk.
    async fn finish(mut self, folder: &Path) -> Result<String, Refusal> {
        self.file.flush().await.map_err(failed)?;
        self.file.sync_all().await.map_err(failed)?;
        tokio::fs::rename(&self.path, folder.join(&self.id)).await.map_err(failed)?;
        self.is_whole = true;
        File::open(folder).await.map_err(failed)?.sync_all().await.map_err(failed)?;
        Ok(self.id.clone())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_whole
            && let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the rest of an upload could not be removed");
        }
    }
}

/// Where uploaded files are.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("uploads")
}

/// Removes what uploads left when the process ended in the middle of them.
///
/// # Errors
/// The folder cannot be read.
pub fn remove_leftovers(data_dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder(data_dir))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "part") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn check_space(folder: &Path, needed: u64) -> Result<(), Refusal> {
    let found = rustix::fs::statvfs(folder).map_err(|error| failed(error.into()))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free < needed.saturating_add(KEEP_FREE) { Err(Refusal::NoSpace) } else { Ok(()) }
}

fn failed(error: std::io::Error) -> Refusal {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        // The last: no file may grow as large here, whatever Ferry's own limit says.
        StorageFull | QuotaExceeded | FileTooLarge => Refusal::NoSpace,
        _ => Refusal::Service(internal(error)),
    }
}

/// The browser's name for the file, fit to be shown: no folders, nothing invisible, not endless.
fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_shown = |letter: &char| {
        !letter.is_control()
            && !('\u{202a}'..='\u{202e}').contains(letter)
            && !('\u{2066}'..='\u{2069}').contains(letter)
    };
    last.chars().filter(is_shown).take(LONGEST_NAME).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_fit_to_be_shown() {
        for (name, expected) in [
            ("kunder.csv", "kunder.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\clients.csv", "clients.csv"),
            ("a\0b\u{202e}vsc.exe\n", "abvsc.exe"),
            ("", ""),
        ] {
            assert_eq!(shown_name(name), expected);
        }
        assert_eq!(shown_name(&"ș".repeat(4096)).chars().count(), LONGEST_NAME);
    }

    #[test]
    fn leftovers_are_removed_and_whole_files_stay() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder(dir.path())).expect("made");
        for name in ["one.part", "two"] {
            std::fs::write(folder(dir.path()).join(name), "x").expect("written");
        }
        remove_leftovers(dir.path()).expect("removed");
        assert!(!folder(dir.path()).join("one.part").exists());
        assert!(folder(dir.path()).join("two").exists());
    }
}
