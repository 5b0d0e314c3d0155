//! Cuts the plan into batches: as many contacts as the destination takes in one request, in rows and in bytes; then as
//! many addresses as it takes for one tag. Reads ahead a little, so that the line never waits for the disk.

use std::sync::Arc;

use domain::run::RowReason;
use ferry_data::plan::{PlanReader, TagOp};
use tokio::sync::mpsc;

use super::EngineError;
use crate::db::batches::{Batch, Kind, RefusedRow};
use crate::destinations::{Destination, Limits};

/// What a request carries: the items of contacts, or addresses.
pub(super) type Body = Arc<Vec<String>>;

/// The next batch that the plan has.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// Its rows; empty when all were left out.
    pub(super) rows: Vec<u64>,
    pub(super) body: Body,
    /// Rows that cannot be written as items.
    pub(super) faults: Vec<RefusedRow>,
    /// Where the next piece begins: a row, or a list of tag changes and a number in it.
    pub(super) next: Cursor,
}

/// A place in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// The next row to send.
    Row(u64),
    /// The next list of tag changes, and the next change in it.
    Tag(u64, u64),
}

/// Pieces, in order, until there are no more.
pub(super) type Feed = mpsc::Receiver<Result<Piece, EngineError>>;

/// Pieces that are read ahead.
const AHEAD: usize = 16;
/// Rows that are read at once.
const READ: usize = 1000;

/// Rows that were not accepted: their contacts may not be there to be tagged.
#[derive(Debug, Default)]
pub(super) struct FailedRows(Vec<u64>);

impl FailedRows {
    pub(super) fn new(mut rows: Vec<u64>) -> Self {
        rows.sort_unstable();
        Self(rows)
    }

    fn contains(&self, row: u64) -> bool {
        self.0.binary_search(&row).is_ok()
    }
}

/// Items, with the rows that cannot be written as one.
pub(super) struct Items {
    pub(super) rows: Vec<u64>,
    pub(super) items: Vec<String>,
    pub(super) faults: Vec<RefusedRow>,
}

/// Feeds contacts from `first_row` on.
pub(super) fn contacts(plan: PlanReader, destination: Arc<dyn Destination>, first_row: u64) -> Feed {
    let (sender, feed) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let limits = destination.limits();
        let mut cutter = Cutter { limits, sender, rows: Vec::new(), items: Vec::new(), faults: Vec::new(), bytes: 0 };
        let (mut row, end) = (first_row, plan.summary().to_send);
        while row < end {
            let read = match plan.contacts(row, READ).await {
                Ok(read) if read.is_empty() => return,
                Ok(read) => read,
                Err(error) => return cutter.fail(error.into()).await,
            };
            for contact in read {
                row = contact.row + 1;
                let item = item(destination.as_ref(), limits, &contact.email, &contact.payload);
                if !cutter.take(contact.row, item).await {
                    return;
                }
            }
        }
        cutter.cut(end).await;
    });
    feed
}

struct Cutter {
    limits: Limits,
    sender: mpsc::Sender<Result<Piece, EngineError>>,
    rows: Vec<u64>,
    items: Vec<String>,
    faults: Vec<RefusedRow>,
    bytes: usize,
}

impl Cutter {
    /// False when nobody wants more.
    async fn take(&mut self, row: u64, item: Result<String, String>) -> bool {
        match item {
            Err(detail) => self.faults.push(RefusedRow { row, reason: RowReason::Refused, detail }),
            Ok(item) => {
                let is_full =
                    self.rows.len() >= self.limits.rows_per_batch || self.bytes + item.len() + 1 > room(self.limits);
                if is_full && !self.cut(row).await {
                    return false;
                }
                self.bytes += item.len() + 1;
                self.rows.push(row);
                self.items.push(item);
            }
        }
        true
    }

    async fn cut(&mut self, next: u64) -> bool {
        if self.rows.is_empty() && self.faults.is_empty() {
            return true;
        }
        self.bytes = 0;
        let piece = Piece {
            kind: Kind::Upsert,
            rows: std::mem::take(&mut self.rows),
            body: Arc::new(std::mem::take(&mut self.items)),
            faults: std::mem::take(&mut self.faults),
            next: Cursor::Row(next),
        };
        self.sender.send(Ok(piece)).await.is_ok()
    }

    async fn fail(self, error: EngineError) {
        // Nobody listens any more, or somebody does: both are fine.
        let _ = self.sender.send(Err(error)).await;
    }
}

/// Bytes for items; the rest of the body is a frame of less than this.
fn room(limits: Limits) -> usize {
    limits.bytes_per_batch.saturating_sub(256)
}

fn item(destination: &dyn Destination, limits: Limits, email: &str, payload: &str) -> Result<String, String> {
    let item = destination.item(email, payload).map_err(|fault| fault.0)?;
    if item.len() + 1 > room(limits) { Err("the contact is larger than a whole request".to_owned()) } else { Ok(item) }
}

/// Feeds tag changes from a change of a list on, without those whose contact did not arrive.
pub(super) fn tags(plan: PlanReader, limits: Limits, from: (u64, u64), failed: Arc<FailedRows>) -> Feed {
    let (sender, feed) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let lists = plan.tag_counts().to_vec();
        let (first_list, mut number) = from;
        for (index, list) in (0_u64..).zip(lists).skip(usize::try_from(first_list).unwrap_or(usize::MAX)) {
            while number < list.changes {
                let read = plan.tag_changes(list.op, &list.tag, number, limits.emails_per_tag_request).await;
                let read = match read {
                    Ok(read) if read.is_empty() => break,
                    Ok(read) => read,
                    Err(error) => {
                        let _ = sender.send(Err(error.into())).await;
                        return;
                    }
                };
                number = read.last().map_or(list.changes, |last| last.number + 1);
                let wanted =
                    read.into_iter().filter(|change| !change.needs_row.is_some_and(|row| failed.contains(row)));
                let (rows, emails) = wanted.map(|change| (change.number, change.email)).unzip();
                let next = Cursor::Tag(index, number);
                let kind = kind(list.op, &list.tag);
                let piece = Piece { kind, rows, body: Arc::new(emails), faults: Vec::new(), next };
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            number = 0;
        }
    });
    feed
}

fn kind(op: TagOp, tag: &str) -> Kind {
    match op {
        TagOp::Add => Kind::AddTag(tag.to_owned()),
        TagOp::Remove => Kind::RemoveTag(tag.to_owned()),
    }
}

/// What the request of a batch carries, read anew: after a restart, or for some of its rows.
pub(super) async fn items_of(
    plan: &PlanReader,
    destination: &dyn Destination,
    batch: &Batch,
) -> Result<Items, EngineError> {
    let wanted = batch.rows();
    let mut found = Items { rows: Vec::new(), items: Vec::new(), faults: Vec::new() };
    for (row, email, payload) in contacts_of(plan, &wanted).await? {
        match item(destination, destination.limits(), &email, &payload) {
            Ok(item) => {
                found.rows.push(row);
                found.items.push(item);
            }
            Err(detail) => found.faults.push(RefusedRow { row, reason: RowReason::Refused, detail }),
        }
    }
    Ok(found)
}

/// Row, address and payload of some rows that lie near each other.
pub(super) async fn contacts_of(plan: &PlanReader, rows: &[u64]) -> Result<Vec<(u64, String, String)>, EngineError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let span = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    let read = plan.contacts(*first, span).await?;
    let wanted = read.into_iter().filter(|contact| rows.binary_search(&contact.row).is_ok());
    Ok(wanted.map(|contact| (contact.row, contact.email, contact.payload)).collect())
}

/// The addresses of a tag batch, read anew.
pub(super) async fn emails_of(plan: &PlanReader, batch: &Batch) -> Result<Vec<String>, EngineError> {
    let (op, tag) = match &batch.kind {
        Kind::AddTag(tag) => (TagOp::Add, tag),
        Kind::RemoveTag(tag) => (TagOp::Remove, tag),
        Kind::Upsert => return Ok(Vec::new()),
    };
    let rows = batch.rows();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let span = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    let read = plan.tag_changes(op, tag, *first, span).await?;
    Ok(read
        .into_iter()
        .filter(|change| rows.binary_search(&change.number).is_ok())
        .map(|change| change.email)
        .collect())
}
