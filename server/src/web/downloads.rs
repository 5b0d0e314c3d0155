//! Files to download: the rows of a run that did not arrive, and those of a file that did not become profiles. Streamed
//! page by page, so their number does not matter. Who asks is looked up anew for each page: a file that takes minutes
//! breaks off where its reader has lost the right to it (ASVS 7.4.2).

use app::error::AppError;
use app::services::Answer;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use domain::id::{RunId, SourceId};
use domain::paging::{Page, PageRequest};
use futures::stream;

use super::visit::{SignedIn, anew};
use super::{WebState, errors};
use crate::services::internal;

/// Rows that are read at once.
const PAGE: u32 = 1000;

/// The rejected, held and unconfirmed rows of a run.
pub async fn rows(
    SignedIn(actor): SignedIn,
    State(state): State<WebState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = id.parse::<RunId>() else { return errors::answer(&AppError::NotFound, &headers) };
    let read = move |page| {
        let (state, actor) = (state.clone(), actor.clone());
        async move {
            let actor = anew(&state, &actor).await?;
            let found = state.services.exports.troubled_rows(&actor, id, page).await?;
            written(found, |row| [row.key, row.email, row.reason.as_str().to_owned(), row.detail])
        }
    };
    csv_file(&format!("ferry-run-{id}-rows"), "key,email,reason,detail", read, &headers).await
}

/// The rows that the last refresh of a data source rejected.
pub async fn rejected(
    SignedIn(actor): SignedIn,
    State(state): State<WebState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = id.parse::<SourceId>() else { return errors::answer(&AppError::NotFound, &headers) };
    // Chosen once: a refresh that ends in the middle of the file does not mix its rows into it.
    let refresh = match state.services.sources.last_refresh(&actor, id).await {
        Ok(refresh) => refresh,
        Err(error) => return errors::answer(&error, &headers),
    };
    let read = move |page| {
        let (state, actor) = (state.clone(), actor.clone());
        async move {
            let actor = anew(&state, &actor).await?;
            let found = state.services.sources.rejected_rows(&actor, refresh, page).await?;
            written(found, |row| {
                [row.file, row.line.to_string(), row.fault.as_str().to_owned(), row.attribute.unwrap_or_default()]
            })
        }
    };
    csv_file(&format!("ferry-refresh-{refresh}-rejected"), "file,line,reason,attribute", read, &headers).await
}

/// A CSV file (RFC 4180, UTF-8 with a mark that spreadsheets look for) of what `read` gives for each page: its rows, and
/// whether it is the last one.
async fn csv_file<R, F>(name: &str, head: &str, read: R, headers: &HeaderMap) -> Response
where
    R: Fn(PageRequest) -> F + Send + 'static,
    F: Future<Output = Answer<(Bytes, bool)>> + Send + 'static,
{
    // The first page is read before anything is answered: its error has a status of its own.
    let first = match read(PageRequest { number: 1, size: PAGE }).await {
        Ok(first) => first,
        Err(error) => return errors::answer(&error, headers),
    };
    let head = Bytes::from(format!("\u{feff}{head}\r\n"));
    let rest = stream::try_unfold((1, Some(first)), move |(number, ready)| {
        let next = (ready.is_none() && number > 0).then(|| read(PageRequest { number, size: PAGE }));
        async move {
            let (bytes, is_last) = match (ready, next) {
                (Some(ready), _) => ready,
                (None, Some(next)) => next.await?,
                (None, None) => return Ok(None),
            };
            Ok::<_, AppError>(Some((bytes, (if is_last { 0 } else { number + 1 }, None))))
        }
    });
    let body = Body::from_stream(stream::StreamExt::chain(stream::once(async { Ok(head) }), rest));
    let place = format!("attachment; filename=\"{name}.csv\"");
    let kind = "text/csv; charset=utf-8; header=present".to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, place)], body).into_response()
}

/// One page as CSV, and whether it is the last one.
fn written<T>(page: Page<T>, cells: impl Fn(T) -> [String; 4]) -> Answer<(Bytes, bool)> {
    let is_last = page.items.is_empty() || u64::from(page.page.number) >= page.pages();
    Ok((write(page.items.into_iter().map(cells)).map_err(internal)?.into(), is_last))
}

fn write(rows: impl Iterator<Item = [String; 4]>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.map(|cell| harmless(&cell)))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A text that a spreadsheet does not take for a formula: one that would begin with a trigger gets an apostrophe.
/// Characters that are not printed are looked through, because spreadsheets do so too. NUL has no place in a text.
fn harmless(text: &str) -> String {
    let text = text.replace('\0', "");
    let visible =
        text.trim_start_matches(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '\u{feff}');
    let first = text.chars().next();
    let is_trigger = visible.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || first.is_some_and(|letter| matches!(letter, '\t' | '\r' | '\n'));
    if is_trigger { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_cell_reads_back_and_none_begins_with_a_formula(
            text in "[ \t\r\n\u{0}=+@\\-a-z\"',;ș漢]{0,12}"
        ) {
            let row = [text.clone(), text.clone(), "email_invalid".to_owned(), text.clone()];
            let bytes = write([row].into_iter()).expect("written");
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
            let record = reader.records().next().expect("a row").expect("well formed");
            prop_assert_eq!(record.len(), 4);
            let cell = &record[0];
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{:?}", cell);
            let plain = text.replace('\0', "");
            prop_assert_eq!(cell.strip_prefix('\'').filter(|rest| *rest == plain).unwrap_or(cell), plain);
        }
    }

    #[test]
    fn formulas_are_made_harmless_and_other_texts_stay() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+34 600", "'+34 600"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            (" =1", "' =1"),
            ("\0=1", "'=1"),
            ("maria@example.ro", "maria@example.ro"),
            ("5-3", "5-3"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }
}
