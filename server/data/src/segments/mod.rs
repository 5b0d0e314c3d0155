//! Segments: who fulfils a rule. A rule becomes a typed DataFusion expression over a profile snapshot; members are
//! counted, shown and frozen.
//!
//! | file | holds |
//! |---|---|
//! | `compile` | rule → expression |
//! | `operand` | operands → values of the attribute's type |
//! | `local` | days, months, years, weekdays and times of day in a time zone |
//!
//! It knows nothing of segments' names or states, or of exports.

mod compile;
mod local;
mod operand;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionContext};
use domain::attribute::Attribute;
use domain::id::SegmentId;
use domain::rule::Rule;
use futures::StreamExt;
use jiff::Timestamp;
use object_store::path::Path as StorePath;

pub(crate) use compile::{column, predicate};

use crate::DataEngine;
use crate::error::{DataError, Result};
use crate::profiles::schema::{KEY, attributes_of};
use crate::profiles::text::rows_as_text;
use crate::store::{segment_path, snapshot_path};

/// The column of the file of a static segment: the keys of its members, sorted, each once.
pub(crate) const FROZEN_KEY: &str = "key";

/// Whose members are meant.
#[derive(Debug, Clone, Copy)]
pub enum MembersOf<'a> {
    /// Of a rule, as it is at an instant.
    Rule {
        /// The rule.
        rule: &'a Rule,
        /// The instant that "within last" and "year to date" start from.
        now: Timestamp,
    },
    /// Of a static segment: those of its frozen members who are in the snapshot.
    Frozen(SegmentId),
}

/// Members, as a screen shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRows {
    /// The columns.
    pub attributes: Vec<Attribute>,
    /// The members by key, as text, each as long as `attributes`; none is an empty value.
    pub rows: Vec<Vec<Option<String>>>,
}

/// [`MembersOf`] without its borrow.
enum Owned {
    Rule(Rule, Timestamp),
    Frozen(SegmentId),
}

impl From<MembersOf<'_>> for Owned {
    fn from(of: MembersOf<'_>) -> Self {
        match of {
            MembersOf::Rule { rule, now } => Self::Rule(rule.clone(), now),
            MembersOf::Frozen(segment) => Self::Frozen(segment),
        }
    }
}

impl DataEngine {
    /// Counts the members in a profile snapshot. Dropping the future ends the work.
    ///
    /// Errors: a rule that does not fit the snapshot's attributes ([`DataError::Rule`]); no such snapshot or frozen
    /// segment ([`DataError::Missing`]).
    pub async fn count_members(&self, snapshot: i64, of: MembersOf<'_>) -> Result<u64> {
        let (engine, of) = (self.clone(), of.into());
        self.run(async move {
            let members = members(&engine, snapshot, &of).await?;
            Ok(u64::try_from(members.count().await?).unwrap_or_default())
        })
        .await
    }

    /// The first members by key. Errors and dropping as [`DataEngine::count_members`].
    pub async fn first_members(&self, snapshot: i64, of: MembersOf<'_>, limit: usize) -> Result<MemberRows> {
        let (engine, of) = (self.clone(), of.into());
        self.run(async move {
            let members = members(&engine, snapshot, &of).await?;
            let attributes = attributes_of(members.schema().as_arrow());
            let first = members.sort(vec![column(KEY).sort(true, true)])?.limit(0, Some(limit))?;
            let mut rows = Vec::new();
            for batch in first.collect().await? {
                rows.extend(rows_as_text(&batch, &attributes)?);
            }
            Ok(MemberRows { attributes, rows })
        })
        .await
    }

    /// Freezes a rule's members as they are, as the members of a static segment; gives their number. Errors and
    /// dropping as [`DataEngine::count_members`]; nothing is left behind then.
    pub async fn freeze_members(&self, snapshot: i64, rule: &Rule, now: Timestamp, segment: SegmentId) -> Result<u64> {
        let (engine, of) = (self.clone(), Owned::Rule(rule.clone(), now));
        self.run(async move {
            let members = members(&engine, snapshot, &of).await?.select(vec![column(KEY)])?;
            let mut sorted = members.sort(vec![column(KEY).sort(true, true)])?.execute_stream().await?;
            let schema = Arc::new(Schema::new(vec![Field::new(FROZEN_KEY, DataType::Utf8, false)]));
            let file = engine.store().create(&segment_path(segment))?;
            let mut writer = ArrowWriter::try_new(file, schema.clone(), None)?;
            let mut count = 0;
            while let Some(batch) = sorted.next().await {
                let batch = batch?;
                count += u64::try_from(batch.num_rows()).unwrap_or_default();
                let keys = datafusion::arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
                writer.write(&RecordBatch::try_new(schema.clone(), vec![keys])?)?;
            }
            writer.into_inner()?.commit()?;
            Ok(count)
        })
        .await
    }

    /// Removes the frozen members of a segment; none there is no fault.
    pub async fn forget_members(&self, segment: SegmentId) -> Result<()> {
        let engine = self.clone();
        self.run_blocking(move || engine.store().remove(&segment_path(segment))).await
    }

    /// A file of the data directory as a table; [`DataError::Missing`] where it is not there.
    pub(crate) async fn read(&self, session: &SessionContext, path: &StorePath) -> Result<DataFrame> {
        if !self.store().exists(path) {
            return Err(DataError::Missing);
        }
        Ok(session.read_parquet(self.url(path), ParquetReadOptions::default()).await?)
    }
}

async fn members(engine: &DataEngine, snapshot: i64, of: &Owned) -> Result<DataFrame> {
    let session = engine.session();
    let profiles = engine.read(&session, &snapshot_path(snapshot)).await?;
    match of {
        Owned::Rule(rule, now) => {
            let attributes = attributes_of(profiles.schema().as_arrow());
            Ok(profiles.filter(predicate(rule, &attributes, *now)?)?)
        }
        Owned::Frozen(segment) => {
            let frozen = engine.read(&session, &segment_path(*segment)).await?;
            Ok(profiles.join(frozen, datafusion::common::JoinType::LeftSemi, &[KEY], &[FROZEN_KEY], None)?)
        }
    }
}

#[cfg(test)]
mod tests;
