//! Files to download: the rows of a run that did not arrive. Streamed page by page, so their number does not matter.

use app::error::AppError;
use app::services::{Answer, Services, TroubledRow};
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use domain::access::Actor;
use domain::id::RunId;
use domain::paging::PageRequest;
use futures::stream;

use super::errors;
use super::visit::SignedIn;
use crate::services::internal;

/// Rows that are read at once.
const PAGE: u32 = 1000;

/// The rejected, held and unconfirmed rows of a run, as CSV (RFC 4180, UTF-8 with a mark that spreadsheets look for).
pub async fn rows(
    SignedIn(actor): SignedIn,
    State(services): State<Services>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = id.parse::<RunId>() else { return errors::answer(&AppError::NotFound, &headers) };
    // The first page is read before anything is answered: its error has a status of its own.
    let first = match page(&services, &actor, id, 1).await {
        Ok(first) => first,
        Err(error) => return errors::answer(&error, &headers),
    };
    let name = format!("attachment; filename=\"ferry-run-{id}-rows.csv\"");
    let kind = "text/csv; charset=utf-8; header=present".to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], body(services, actor, id, first))
        .into_response()
}

fn body(services: Services, actor: Actor, id: RunId, first: (Bytes, bool)) -> Body {
    let head = Bytes::from_static("\u{feff}key,email,reason,detail\r\n".as_bytes());
    let rest = stream::try_unfold((1, Some(first)), move |(number, ready)| {
        let (services, actor) = (services.clone(), actor.clone());
        async move {
            let (bytes, is_last) = match ready {
                Some(ready) => ready,
                None if number == 0 => return Ok(None),
                None => page(&services, &actor, id, number).await?,
            };
            Ok::<_, AppError>(Some((bytes, (if is_last { 0 } else { number + 1 }, None))))
        }
    });
    Body::from_stream(stream::StreamExt::chain(stream::once(async { Ok(head) }), rest))
}

/// One page as CSV, and whether it is the last one.
async fn page(services: &Services, actor: &Actor, id: RunId, number: u32) -> Answer<(Bytes, bool)> {
    let page = services.exports.troubled_rows(actor, id, PageRequest { number, size: PAGE }).await?;
    let is_last = page.items.is_empty() || u64::from(number) >= page.pages();
    Ok((write(&page.items).map_err(internal)?.into(), is_last))
}

fn write(rows: &[TroubledRow]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record([
            &harmless(&row.key),
            &harmless(&row.email),
            row.reason.as_str(),
            &harmless(&row.detail),
        ])?;
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
    use domain::run::RowReason;
    use proptest::prelude::*;

    use super::*;

    fn row(text: &str) -> TroubledRow {
        TroubledRow {
            key: text.to_owned(),
            email: text.to_owned(),
            reason: RowReason::EmailInvalid,
            detail: text.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn every_cell_reads_back_and_none_begins_with_a_formula(
            text in "[ \t\r\n\u{0}=+@\\-a-z\"',;ș漢]{0,12}"
        ) {
            let bytes = write(&[row(&text)]).expect("written");
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
