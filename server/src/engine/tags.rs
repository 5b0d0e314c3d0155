//! Which tag changes may go out, cut into requests. A change goes as soon as the row that it needs has its outcome, while
//! other contacts are still being sent: adding and removing tags have limits of their own. A change whose row is still
//! open is passed over and looked at again; it holds nobody else back.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use ferry_data::plan::{PlanReader, TagChange, TagCount, TagOp};

use super::EngineError;
use super::choose::lane;
use super::feed::Person;
use super::ids::Ids;
use super::unsettled::Unsettled;
use crate::db::batches::{Kind, TagRows};
use crate::db::pace::Lane;
use crate::destinations::Limits;

/// Changes of one list that are looked at together.
const WINDOW: usize = 20_000;
/// Changes that are read at once.
const READ: usize = 2000;
/// Lists of one kind that are open at once: each holds its place in the plan's file.
const OPEN_LISTS: usize = 3;

/// The next request's changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) kind: Kind,
    pub(super) numbers: Vec<u64>,
    pub(super) people: Vec<Person>,
}

/// The tag changes of a run that are in no batch yet.
pub(super) struct Tags {
    plan: PlanReader,
    limits: Limits,
    open: Vec<List>,
    later: VecDeque<List>,
    /// Rows whose contacts may not be there.
    failed: BTreeSet<u64>,
}

/// The changes of one tag in one direction.
struct List {
    op: TagOp,
    tag: String,
    /// Numbers that are still to be read.
    unread: VecDeque<Range<u64>>,
    waiting: VecDeque<TagChange>,
    /// What was known when nothing could be cut: it is not looked at again before that changes.
    in_vain: Option<(u64, usize)>,
}

impl Tags {
    /// The changes that no batch of the run holds.
    pub(super) fn new(plan: PlanReader, limits: Limits, taken: &TagRows, failed: Vec<u64>) -> Self {
        let lists = plan.tag_counts().iter().map(|list| {
            let unread = untaken(taken, list);
            List { op: list.op, tag: list.tag.clone(), unread, waiting: VecDeque::new(), in_vain: None }
        });
        let later = lists.filter(|list| !list.unread.is_empty()).collect();
        Self { plan, limits, open: Vec::new(), later, failed: failed.into_iter().collect() }
    }

    /// These rows were not accepted.
    pub(super) fn fail(&mut self, rows: impl IntoIterator<Item = u64>) {
        self.failed.extend(rows);
    }

    /// Is nothing left to cut?
    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty() && self.later.is_empty()
    }

    /// How many changes are left to cut.
    pub(super) fn left(&self) -> u64 {
        let of_list = |list: &List| {
            let unread: u64 = list.unread.iter().map(|range| range.end - range.start).sum();
            unread + list.waiting.len() as u64
        };
        self.open.iter().chain(&self.later).map(of_list).sum()
    }

    /// Is something left to cut in this lane?
    pub(super) fn has(&self, lane: Lane) -> bool {
        self.open.iter().chain(&self.later).any(|list| list.lane() == lane)
    }

    /// The changes of the next request in a lane. Less than a whole request only where the list has no more, or where
    /// what is held is late.
    pub(super) async fn cut(
        &mut self,
        lane: Lane,
        rows: &Unsettled,
        ids: &mut Ids,
        is_late: bool,
    ) -> Result<Option<Cut>, EngineError> {
        self.begin(lane);
        let turns = self.open.iter().filter(|list| list.lane() == lane).count();
        for _ in 0..turns {
            let Some(at) = self.open.iter().position(|list| list.lane() == lane) else { break };
            // Behind the others: each tag has its turn.
            let mut list = self.open.remove(at);
            let cut = loop {
                list.fill(&self.plan).await?;
                let known = (rows.version(), list.waiting.len());
                let cut = if list.in_vain == Some(known) && !is_late {
                    None
                } else {
                    list.cut(list.limits(self.limits), rows, &self.failed, ids, is_late)
                };
                list.in_vain = cut.is_none().then_some((rows.version(), list.waiting.len()));
                if cut.is_some() || list.unread.is_empty() || list.waiting.len() >= READ {
                    break cut;
                }
            };
            if !list.waiting.is_empty() || !list.unread.is_empty() {
                self.open.push(list);
            }
            if cut.is_some() {
                return Ok(cut);
            }
        }
        Ok(None)
    }

    /// Changes that could go out by their contacts' ids or addresses: those with a known id, and those without.
    pub(super) fn known_and_unknown(&self, rows: &Unsettled, ids: &Ids) -> (usize, usize) {
        let lists = self.open.iter().filter(|list| list.op == TagOp::Add);
        let free = lists.flat_map(|list| &list.waiting).filter(|change| !is_held(change, rows));
        let (mut known, mut unknown) = (0, 0);
        for change in free {
            if ids.knows(&change.email) { known += 1 } else { unknown += 1 }
        }
        (known, unknown)
    }

    fn begin(&mut self, lane: Lane) {
        while self.open.iter().filter(|list| list.lane() == lane).count() < OPEN_LISTS {
            let Some(at) = self.later.iter().position(|list| list.lane() == lane) else { return };
            self.open.extend(self.later.remove(at));
        }
    }
}

impl List {
    fn lane(&self) -> Lane {
        lane(&kind(self.op, &self.tag))
    }

    /// What one of its requests takes: a property is taken from one contact at a time.
    fn limits(&self, limits: Limits) -> Limits {
        if self.lane() == Lane::All {
            Limits { emails_per_tag_request: 1, ids_per_tag_request: 0, ..limits }
        } else {
            limits
        }
    }

    async fn fill(&mut self, plan: &PlanReader) -> Result<(), EngineError> {
        // Some at a time: the line has other work meanwhile.
        if self.waiting.len() + READ <= WINDOW
            && let Some(range) = self.unread.front_mut()
        {
            let most = usize::try_from(range.end - range.start).unwrap_or(READ).min(READ);
            let read = plan.tag_changes(self.op, &self.tag, range.start, most).await?;
            range.start = read.last().map_or(range.end, |last| last.number + 1);
            if range.is_empty() {
                self.unread.pop_front();
            }
            self.waiting.extend(read);
        }
        Ok(())
    }

    fn cut(
        &mut self,
        limits: Limits,
        rows: &Unsettled,
        failed: &BTreeSet<u64>,
        ids: &mut Ids,
        is_late: bool,
    ) -> Option<Cut> {
        if !failed.is_empty() {
            self.waiting.retain(|change| change.needs_row.is_none_or(|row| !failed.contains(&row)));
        }
        let (mut by_email, mut by_id, mut are_held) = (0, 0, false);
        let mut chosen = Vec::new();
        for (at, change) in self.waiting.iter().enumerate() {
            if by_email == limits.emails_per_tag_request && by_id == limits.ids_per_tag_request {
                break;
            }
            if is_held(change, rows) {
                are_held = true;
            } else if by_id < limits.ids_per_tag_request && ids.knows(&change.email) {
                by_id += 1;
                chosen.push(at);
            } else if by_email < limits.emails_per_tag_request {
                by_email += 1;
                chosen.push(at);
            }
        }
        let has_more = are_held && !is_late || !self.unread.is_empty();
        if chosen.is_empty() || has_more && chosen.len() < limits.emails_per_tag_request {
            return None;
        }
        let mut cut = Cut { kind: kind(self.op, &self.tag), numbers: Vec::new(), people: Vec::new() };
        let mut left = limits.ids_per_tag_request;
        let until = chosen.last().map_or(0, |last| last + 1);
        let mut chosen = chosen.into_iter().peekable();
        let mut kept = Vec::new();
        for (at, change) in self.waiting.drain(..until).enumerate() {
            if chosen.next_if_eq(&at).is_none() {
                kept.push(change);
                continue;
            }
            let id = if left > 0 { ids.take(&change.email) } else { None };
            left -= usize::from(id.is_some());
            cut.numbers.push(change.number);
            cut.people.push(Person { email: change.email, id });
        }
        for change in kept.into_iter().rev() {
            self.waiting.push_front(change);
        }
        Some(cut)
    }
}

fn is_held(change: &TagChange, rows: &Unsettled) -> bool {
    change.needs_row.is_some_and(|row| rows.holds(row))
}

pub(super) fn kind(op: TagOp, tag: &str) -> Kind {
    match op {
        TagOp::Add => Kind::AddTag(tag.to_owned()),
        TagOp::Remove => Kind::RemoveTag(tag.to_owned()),
    }
}

/// The numbers of the list's changes that are in no batch.
pub(super) fn untaken(taken: &TagRows, list: &TagCount) -> VecDeque<Range<u64>> {
    let all = 0..list.changes;
    match taken.get(&kind(list.op, &list.tag)) {
        Some(taken) if !all.is_empty() => taken.gaps(&all).collect(),
        _ => [all].into_iter().filter(|range| !range.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_batch_holds_is_left() {
        let left = |changes, taken: &[Range<u64>]| {
            let list = TagCount { op: TagOp::Add, tag: "t".to_owned(), changes };
            let of_another = (kind(TagOp::Remove, "t"), std::iter::once(0..10).collect());
            let of_this = (kind(TagOp::Add, "t"), taken.iter().cloned().collect());
            untaken(&TagRows::from([of_another, of_this]), &list)
        };
        assert_eq!(left(10, &[]), vec![0..10; 1]);
        assert_eq!(left(10, &[4..6, 0..2]), [2..4, 6..10]);
        assert!(left(10, &[0..7, 3..10]).is_empty() && left(0, &[]).is_empty());
        assert_eq!(
            untaken(&TagRows::new(), &TagCount { op: TagOp::Add, tag: "t".to_owned(), changes: 3 }),
            vec![0..3; 1]
        );
    }

    const LIMITS: Limits = Limits {
        rows_per_batch: 100,
        bytes_per_batch: 1000,
        emails_per_tag_request: 2,
        ids_per_tag_request: 2,
        requests_per_minute: 400,
        tag_requests_per_minute: 60,
    };

    fn list(rows: std::ops::Range<u64>) -> List {
        let change = |row: u64| TagChange { number: row, email: format!("{row}@x.com"), needs_row: Some(row) };
        List {
            op: TagOp::Add,
            tag: "t".to_owned(),
            unread: VecDeque::new(),
            waiting: rows.map(change).collect(),
            in_vain: None,
        }
    }

    #[test]
    fn addresses_and_ids_of_other_contacts_go_in_one_request() {
        let (mut list, mut ids, rows) = (list(0..6), Ids::new(true), Unsettled::new(6));
        ids.learn([("1@x.com".to_owned(), "one".to_owned()), ("4@x.com".to_owned(), "four".to_owned())]);
        let cut = list.cut(LIMITS, &rows, &BTreeSet::new(), &mut ids, false).expect("a request");
        assert_eq!(cut.numbers, [0, 1, 2, 4]);
        let by_id: Vec<_> = cut.people.iter().filter_map(|one| one.id.as_deref()).collect();
        assert_eq!(by_id, ["one", "four"]);
        // What is left is less than a whole request, and the last of the list.
        assert_eq!(list.cut(LIMITS, &rows, &BTreeSet::new(), &mut ids, false).expect("the rest").numbers, [3, 5]);
    }

    #[test]
    fn a_row_without_an_outcome_holds_only_itself_back() {
        let (mut list, mut ids) = (list(0..5), Ids::new(true));
        let mut rows = Unsettled::new(5);
        let open = crate::db::batches::Batch::of(0, Kind::Upsert, vec![0], 0, 0);
        rows.note(&open);
        let failed = BTreeSet::from([2]);
        assert_eq!(list.cut(LIMITS, &rows, &failed, &mut ids, false).expect("a request").numbers, [1, 3]);
        // Less than a request: it waits for the one that is held.
        assert!(list.cut(LIMITS, &rows, &failed, &mut ids, false).is_none());
        assert_eq!(list.cut(LIMITS, &rows, &failed, &mut ids, true).expect("what is free").numbers, [4]);
        assert!(list.cut(LIMITS, &rows, &failed, &mut ids, true).is_none());
        rows.note(&crate::db::batches::Batch { state: crate::db::batches::BatchState::Settled, ..open });
        assert_eq!(list.cut(LIMITS, &rows, &failed, &mut ids, false).expect("the rest").numbers, [0]);
    }
}
