//! Rules of use for segments: who may change them, which rules are taken, and when members are counted.
//!
//! Counting and freezing are the data engine's work; no transaction is open meanwhile. What is kept afterwards is kept
//! only if the segment is still the one that was counted.

use std::collections::HashMap;

use app::error::{AppError, FieldFaultKind};
use app::services::{Answer, MembersPreview, SegmentLine, Segments};
use domain::access::{self, Actor};
use domain::id::{ExportId, SegmentId};
use domain::rule::{self, Rule};
use domain::run::RunReason;
use domain::segment::{Definition, Segment, tag_for};
use ferry_data::DataEngine;

use super::{form, internal};
use crate::clock::SharedClock;
use crate::db::refreshes::Snapshot;
use crate::db::segments::StoredSegment;
use crate::db::{self, Database, Topic, Tx};

mod count;
#[cfg(test)]
mod tests;

/// Members that a look shows.
const SHOWN: usize = 100;
/// The longest tag that every destination takes, in characters.
const MAX_TAG: usize = 120;

/// The segments, as [`Segments`] says.
#[derive(Clone)]
pub struct SegmentsService {
    db: Database,
    data: DataEngine,
    clock: SharedClock,
}

impl SegmentsService {
    /// Over this database and data engine.
    pub fn new(db: Database, data: DataEngine, clock: SharedClock) -> Self {
        Self { db, data, clock }
    }
}

#[async_trait::async_trait]
impl Segments for SegmentsService {
    async fn list(&self, actor: &Actor) -> Answer<Vec<SegmentLine>> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = db::segments::list(&mut tx).await.map_err(internal)?;
        let uses = db::segments::uses(&mut tx).await.map_err(internal)?;
        let snapshot = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        Ok(found.into_iter().map(|one| line(one, &uses, snapshot.as_ref())).collect())
    }

    async fn find(&self, actor: &Actor, id: SegmentId) -> Answer<SegmentLine> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, id).await?;
        let uses = db::segments::uses(&mut tx).await.map_err(internal)?;
        let snapshot = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        Ok(line(found, &uses, snapshot.as_ref()))
    }

    async fn try_rule(&self, actor: &Actor, rule: &Rule) -> Answer<MembersPreview> {
        may_edit(actor)?;
        let snapshot = self.snapshot().await?;
        fits(rule, &snapshot)?;
        self.look(snapshot, self.of_rule(rule)).await
    }

    async fn members(&self, actor: &Actor, id: SegmentId) -> Answer<MembersPreview> {
        may_look(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, id).await?;
        drop(tx);
        let snapshot = self.snapshot().await?;
        if !found.segment.definition.is_static() {
            fits(found.segment.definition.rule(), &snapshot)?;
        }
        self.look(snapshot, self.members_of(id, &found.segment.definition)).await
    }

    async fn save(&self, actor: &Actor, id: Option<SegmentId>, name: &str, rule: Rule) -> Answer<SegmentId> {
        may_edit(actor)?;
        let name = form::name("name", name)?;
        match id {
            None => {
                fits(&rule, &self.snapshot().await?)?;
                self.add(name, rule).await
            }
            Some(id) => self.change(id, name, rule).await.map(|()| id),
        }
    }

    async fn refresh(&self, actor: &Actor, id: SegmentId) -> Answer<()> {
        may_edit(actor)?;
        // The screen offers this for active segments only: a stale one was deactivated meanwhile.
        self.count_again(id).await
    }

    async fn make_static(&self, actor: &Actor, id: SegmentId) -> Answer<()> {
        may_edit(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, id).await?;
        drop(tx);
        let Definition::Dynamic { rule } = found.segment.definition.clone() else { return Ok(()) };
        let snapshot = self.snapshot().await?;
        fits(&rule, &snapshot)?;
        self.freeze(snapshot.number, &rule, id).await?;
        self.redefine(&found, Definition::Static { rule }).await
    }

    async fn make_dynamic(&self, actor: &Actor, id: SegmentId) -> Answer<()> {
        may_edit(actor)?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, id).await?;
        drop(tx);
        let Definition::Static { rule } = found.segment.definition.clone() else { return Ok(()) };
        self.redefine(&found, Definition::Dynamic { rule }).await
    }

    async fn set_active(&self, actor: &Actor, id: SegmentId, active: bool) -> Answer<()> {
        may_edit(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let mut found = load(&mut tx, id).await?;
        let snapshot = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        if let (true, false, Some(snapshot)) = (active, found.segment.definition.is_static(), &snapshot) {
            fits(found.segment.definition.rule(), snapshot)?;
        }
        db::segments::set_active(&mut tx, id, active).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        found.segment.is_active = active;
        self.count_after_change(&found).await;
        Ok(())
    }

    async fn remove(&self, actor: &Actor, id: SegmentId) -> Answer<()> {
        may_edit(actor)?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        if !db::segments::remove(&mut tx, id).await.map_err(internal)? {
            return Err(AppError::NotFound);
        }
        // A frozen list stays on disk: a run that began before may still read it.
        tx.commit().await.map_err(internal)
    }
}

impl SegmentsService {
    /// The newest snapshot, which must be there.
    async fn snapshot(&self) -> Answer<Snapshot> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let newest = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        newest.ok_or(AppError::NotReady(RunReason::NoProfiles))
    }

    async fn add(&self, name: String, rule: Rule) -> Answer<SegmentId> {
        let id = SegmentId(uuid::Uuid::now_v7());
        let definition = Definition::Dynamic { rule };
        let mut segment = Segment { id, tag: String::new(), name, definition, is_active: true };
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        for tag in tags_to_try(&segment.name.clone()) {
            segment.tag = tag;
            if db::segments::insert(&mut tx, &segment, self.clock.now_micros()).await.map_err(name_taken)? {
                break;
            }
        }
        tx.commit().await.map_err(internal)?;
        let added = StoredSegment { segment, version: 1, members: None, counted_on: None, refreshed_at: None };
        self.count_after_change(&added).await;
        Ok(id)
    }

    async fn change(&self, id: SegmentId, name: String, rule: Rule) -> Answer<()> {
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let found = load(&mut tx, id).await?;
        db::segments::rename(&mut tx, id, &name).await.map_err(name_taken)?;
        if *found.segment.definition.rule() == rule {
            return tx.commit().await.map_err(internal);
        }
        // The rule of a static segment is history: it says how the people in it were chosen.
        if found.segment.definition.is_static() {
            return Err(AppError::field("rule", FieldFaultKind::Invalid));
        }
        let snapshot = db::refreshes::newest_snapshot(&mut tx).await.map_err(internal)?;
        fits(&rule, &snapshot.ok_or(AppError::NotReady(RunReason::NoProfiles))?)?;
        let definition = Definition::Dynamic { rule };
        if !db::segments::redefine(&mut tx, id, found.version, &definition).await.map_err(internal)? {
            return Err(AppError::Stale);
        }
        tx.commit().await.map_err(internal)?;
        self.count_after_change(&redefined(&found, definition)).await;
        Ok(())
    }

    /// Puts another definition in place of the one that was read, unless somebody changed it since.
    async fn redefine(&self, found: &StoredSegment, definition: Definition) -> Answer<()> {
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Definitions).await.map_err(internal)?;
        let id = found.segment.id;
        if !db::segments::redefine(&mut tx, id, found.version, &definition).await.map_err(internal)? {
            return Err(AppError::Outdated);
        }
        tx.commit().await.map_err(internal)?;
        self.count_after_change(&redefined(found, definition)).await;
        Ok(())
    }
}

fn redefined(found: &StoredSegment, definition: Definition) -> StoredSegment {
    let mut changed = found.clone();
    changed.segment.definition = definition;
    changed.version += 1;
    changed
}

fn may_look(actor: &Actor) -> Answer<()> {
    if access::may_look(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

fn may_edit(actor: &Actor) -> Answer<()> {
    if access::may_edit_data(actor.role) { Ok(()) } else { Err(AppError::Forbidden) }
}

fn fits(rule: &Rule, snapshot: &Snapshot) -> Answer<()> {
    let faults = rule::faults(rule, &snapshot.attributes);
    if faults.is_empty() { Ok(()) } else { Err(AppError::Rule(faults)) }
}

async fn load(tx: &mut Tx, id: SegmentId) -> Answer<StoredSegment> {
    db::segments::find(tx, id).await.map_err(internal)?.ok_or(AppError::NotFound)
}

fn name_taken(error: db::DbError) -> AppError {
    if db::segments::is_name_taken(&error) { AppError::field("name", FieldFaultKind::Taken) } else { internal(error) }
}

/// The tags that a new segment may get, in order: it gets the first that no other segment has.
pub fn tags_to_try(name: &str) -> impl Iterator<Item = String> {
    (1..).map(|number| numbered_tag(name, number))
}

/// The tag to try: the first without a number, unless nothing of the name is left in it.
fn numbered_tag(name: &str, number: u32) -> String {
    let mut tag = tag_for(name);
    let suffix = match (tag.ends_with(':'), number) {
        (true, number) => number.to_string(),
        (false, 1) => String::new(),
        (false, number) => format!("-{number}"),
    };
    tag.truncate(MAX_TAG - suffix.len());
    tag + &suffix
}

fn line(
    found: StoredSegment,
    uses: &HashMap<SegmentId, Vec<(ExportId, String)>>,
    snapshot: Option<&Snapshot>,
) -> SegmentLine {
    let faults = match snapshot {
        Some(snapshot) if !found.segment.definition.is_static() => {
            rule::faults(found.segment.definition.rule(), &snapshot.attributes)
        }
        _ => Vec::new(),
    };
    let used_by = uses.get(&found.segment.id).into_iter().flatten().map(|(_, name)| name.clone()).collect();
    SegmentLine { members: found.members, refreshed_at: found.refreshed_at, segment: found.segment, faults, used_by }
}
