//! What segments ask of the data engine: counts, looks and frozen lists.

use app::error::AppError;
use app::services::{Answer, MembersPreview};
use domain::id::SegmentId;
use domain::rule::Rule;
use domain::segment::Definition;
use ferry_data::segments::MembersOf;

use super::{SHOWN, SegmentsService, fits, load};
use crate::db;
use crate::db::refreshes::Snapshot;
use crate::db::segments::StoredSegment;
use crate::services::{data_error, internal};

impl SegmentsService {
    /// Counts the members of a rule, or of the frozen list of a segment, and shows the first of them. Dropping the
    /// future stops the work.
    pub(super) async fn look(&self, snapshot: Snapshot, of: MembersOf<'_>) -> Answer<MembersPreview> {
        let count = self.data.count_members(snapshot.number, of);
        let first = self.data.first_members(snapshot.number, of, SHOWN);
        let (members, first) = tokio::try_join!(count, first).map_err(data_error)?;
        Ok(MembersPreview { members, profiles: snapshot.profiles, attributes: first.attributes, rows: first.rows })
    }

    /// Whose members a segment has.
    pub(super) fn members_of<'a>(&self, id: SegmentId, definition: &'a Definition) -> MembersOf<'a> {
        match definition {
            Definition::Dynamic { rule } => self.of_rule(rule),
            Definition::Static { .. } => MembersOf::Frozen(id),
        }
    }

    /// Those of a rule, now.
    pub(super) fn of_rule<'a>(&self, rule: &'a Rule) -> MembersOf<'a> {
        MembersOf::Rule { rule, now: self.clock.now() }
    }

    /// Freezes the members of a rule as those of a segment.
    pub(super) async fn freeze(&self, snapshot: i64, rule: &Rule, id: SegmentId) -> Answer<()> {
        self.data.freeze_members(snapshot, rule, self.clock.now(), id).await.map_err(data_error)?;
        Ok(())
    }

    /// Counts a segment on a snapshot and keeps the count.
    pub(super) async fn count_anew(&self, found: &StoredSegment, snapshot: i64) -> Answer<()> {
        let id = found.segment.id;
        let of = self.members_of(id, &found.segment.definition);
        let members = self.data.count_members(snapshot, of).await.map_err(data_error)?;
        let now = self.clock.now_micros();
        let mut tx = self.db.begin().await.map_err(internal)?;
        // Nothing is kept, and nothing is wrong, when somebody changed the segment meanwhile: that change counts anew.
        db::segments::keep_count(&mut tx, id, found.version, (members, snapshot), now).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }

    /// Counts after a change that is kept already: what goes wrong here is logged, and shown as a missing count.
    pub(super) async fn count_after_change(&self, found: &StoredSegment) {
        if !found.segment.is_active {
            return;
        }
        let Ok(snapshot) = self.snapshot().await else { return };
        if let Err(error) = self.count_anew(found, snapshot.number).await {
            tracing::warn!(segment = %found.segment.id, %error, "a segment could not be counted");
        }
    }

    /// Counts a dynamic segment anew, without anybody asking for it.
    ///
    /// # Errors
    /// [`AppError::Outdated`] while it is inactive; its rule does not fit the attributes, or there are none.
    pub async fn count_again(&self, id: SegmentId) -> Answer<()> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let found = load(&mut tx, id).await?;
        drop(tx);
        if !found.segment.is_active {
            return Err(AppError::Outdated);
        }
        let snapshot = self.snapshot().await?;
        if !found.segment.definition.is_static() {
            fits(found.segment.definition.rule(), &snapshot)?;
        }
        self.count_anew(&found, snapshot.number).await
    }

    /// Counts all active segments anew, after a refresh. People may have gone from static ones, too.
    pub async fn count_all(&self) -> Answer<()> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let all = db::segments::list(&mut tx).await.map_err(internal)?;
        drop(tx);
        for found in &all {
            self.count_after_change(found).await;
        }
        Ok(())
    }
}
