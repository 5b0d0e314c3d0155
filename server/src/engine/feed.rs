//! Cuts the plan into batches: as many contacts as the destination takes in one request, in rows and in bytes. Reads ahead
//! a little, so that the line never waits for the disk. Tags are cut in [`tags`](super::tags).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::run::RowReason;
use ferry_data::plan::{PlanReader, TagOp};
use tokio::sync::mpsc;

use super::EngineError;
use crate::db::batches::{Batch, Kind, RefusedRow};
use crate::destinations::{Destination, Limits, Recipients};

/// What a request carries.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// The items of contacts.
    Items(Arc<Vec<String>>),
    /// Those whose tag changes.
    People(Arc<Vec<Person>>),
}

/// Somebody whose tag changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) email: String,
    /// The destination's own id, where it is known.
    pub(super) id: Option<String>,
}

impl Body {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Items(items) => items.len(),
            Self::People(people) => people.len(),
        }
    }

    /// The first `at` of it, and the rest; people by their addresses alone, in case it was an id that was refused.
    pub(super) fn split(&self, at: usize) -> (Self, Self) {
        match self {
            Self::Items(items) => {
                let (first, second) = items.split_at(at.min(items.len()));
                (Self::Items(Arc::new(first.to_vec())), Self::Items(Arc::new(second.to_vec())))
            }
            Self::People(people) => {
                let (first, second) = people.split_at(at.min(people.len()));
                (Self::by_email(first), Self::by_email(second))
            }
        }
    }

    fn by_email(people: &[Person]) -> Self {
        let people = people.iter().map(|one| Person { email: one.email.clone(), id: None });
        Self::People(Arc::new(people.collect()))
    }

    /// What goes to the destination, of the two kinds of a body.
    pub(super) fn items(&self) -> &[String] {
        if let Self::Items(items) = self { items } else { &[] }
    }

    /// The address of the only person.
    pub(super) fn one(&self) -> &str {
        if let Self::People(people) = self { people.first().map_or("", |one| one.email.as_str()) } else { "" }
    }

    pub(super) fn recipients(&self) -> Recipients {
        let mut recipients = Recipients::default();
        if let Self::People(people) = self {
            for one in people.iter() {
                match &one.id {
                    Some(id) => recipients.ids.push(id.clone()),
                    None => recipients.emails.push(one.email.clone()),
                }
            }
        }
        recipients
    }
}

/// The next contacts that the plan has.
#[derive(Debug)]
pub(super) struct Piece {
    /// Its rows; empty when all were left out.
    pub(super) rows: Vec<u64>,
    pub(super) body: Body,
    /// Rows that cannot be written as items.
    pub(super) faults: Vec<RefusedRow>,
    /// The row at which the next piece begins.
    pub(super) next_row: u64,
}

/// Pieces, in order, until there are no more.
#[derive(Debug)]
pub(super) struct Feed {
    pieces: mpsc::Receiver<Result<Piece, EngineError>>,
    /// Has the plan been read to its end?
    is_whole: Arc<AtomicBool>,
}

impl Feed {
    /// The next piece; none at the end. An end before the plan's is an error: the task that reads it broke off.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, EngineError> {
        let piece = self.pieces.recv().await;
        self.told(piece)
    }

    /// The next piece if there is one already; the outer none when there is not.
    pub(super) fn at_hand(&mut self) -> Option<Result<Option<Piece>, EngineError>> {
        match self.pieces.try_recv() {
            Ok(piece) => Some(self.told(Some(piece))),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => Some(self.told(None)),
        }
    }

    fn told(&self, piece: Option<Result<Piece, EngineError>>) -> Result<Option<Piece>, EngineError> {
        match piece {
            Some(piece) => piece.map(Some),
            None if self.is_whole.load(Ordering::SeqCst) => Ok(None),
            None => Err(EngineError::Task),
        }
    }
}

/// Pieces that are read ahead.
const AHEAD: usize = 16;
/// Rows that are read at once.
const READ: usize = 1000;

/// Items, with the rows that cannot be written as one.
pub(super) struct Items {
    pub(super) rows: Vec<u64>,
    pub(super) items: Vec<String>,
    pub(super) faults: Vec<RefusedRow>,
}

/// Feeds contacts from `first_row` on.
pub(super) fn contacts(plan: PlanReader, destination: Arc<dyn Destination>, first_row: u64) -> Feed {
    let (sender, pieces) = mpsc::channel(AHEAD);
    let is_whole = Arc::new(AtomicBool::new(false));
    let feed = Feed { pieces, is_whole: is_whole.clone() };
    tokio::spawn(async move {
        let limits = destination.limits();
        let mut cutter = Cutter { limits, sender, rows: Vec::new(), items: Vec::new(), faults: Vec::new(), bytes: 0 };
        let (mut row, end) = (first_row, plan.summary().to_send);
        while row < end {
            let read = match plan.contacts(row, READ).await {
                // A plan that holds fewer than it says is damaged.
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
        is_whole.store(true, Ordering::SeqCst);
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
            rows: std::mem::take(&mut self.rows),
            body: Body::Items(Arc::new(std::mem::take(&mut self.items))),
            faults: std::mem::take(&mut self.faults),
            next_row: next,
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
    // One row that breaks the writing of items must not hold up all others, each time anew.
    let written = catch_unwind(AssertUnwindSafe(|| destination.item(email, payload)));
    let item = written.map_err(|_| "the contact could not be written".to_owned())?.map_err(|fault| fault.0)?;
    if item.len() + 1 > room(limits) { Err("the contact is larger than a whole request".to_owned()) } else { Ok(item) }
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

/// Whose tag a batch changes, read anew: by their addresses.
pub(super) async fn people_of(plan: &PlanReader, batch: &Batch) -> Result<Body, EngineError> {
    let (op, tag) = match &batch.kind {
        Kind::AddTag(tag) => (TagOp::Add, tag),
        Kind::RemoveTag(tag) => (TagOp::Remove, tag),
        Kind::Upsert => return Ok(Body::People(Arc::default())),
    };
    let rows = batch.rows();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Body::People(Arc::default())) };
    let span = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    let read = plan.tag_changes(op, tag, *first, span).await?;
    let wanted = read.into_iter().filter(|change| rows.binary_search(&change.number).is_ok());
    Ok(Body::People(Arc::new(wanted.map(|change| Person { email: change.email, id: None }).collect())))
}
