//! The wanted side of a plan: the members of the segments with address, payload and tags, in the order of their
//! addresses. DataFusion reads the snapshot, evaluates the rules and sorts, on all threads and spilling to disk; the
//! values of a row are matched to fields in between.

use std::sync::Arc;

use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeBinaryBuilder, RecordBatch, StringArray, StringBuilder, UInt8Array,
    UInt8Builder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::JoinType;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, lit};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::{DataFrame, SessionContext};
use domain::attribute::{Attribute, AttributeType};
use domain::segment::Definition;
use futures::StreamExt;

use super::addresses::AddressSet;
use super::diff::{Fault, Wanted};
use super::fields::email::Address;
use super::files::{damaged, hash_type, tags_type};
use super::payload::{HASH_BYTES, Matcher, Matching, hash};
use super::{PlanRequest, tags};
use crate::DataEngine;
use crate::error::{DataError, Result};
use crate::profiles::schema::{KEY, attributes_of, offset_column};
use crate::profiles::text::Column;
use crate::segments::{FROZEN_KEY, column, predicate};
use crate::store::{segment_path, snapshot_path};

/// The address and the key in one text, parted by a character that neither holds: sorting by one column of text is
/// much cheaper than by two.
const ADDRESS: &str = "address";
const PART: char = '\u{0}';
const FAULT: &str = "fault";
const TAGS: &str = "tags";
const HASH: &str = "payload_hash";
const LEFT_OUT: &str = "left_out";
const PAYLOAD: &str = "payload";

/// Above so many frozen members, static segments are joined by sorting, which can spill; below, by hashing.
const MOST_HASHED: usize = 400_000;

/// Rows that are matched and sorted at once: few enough that even payloads of several kilobytes make a small batch,
/// of which the memory limit holds many.
const ROWS_AT_ONCE: usize = 2048;

/// Bytes of payloads that are sorted at once, whatever the number of rows.
const BYTES_AT_ONCE: usize = 1024 * 1024;

/// Begins to read the members. `all_tags` is the list that the sets of tags stand for.
pub(super) async fn wanted(
    engine: &DataEngine,
    request: &PlanRequest,
    all_tags: &[String],
) -> Result<SendableRecordBatchStream> {
    let frozen = frozen_members(engine, request)?;
    let session = engine.session_with(|mut config| {
        config.options_mut().optimizer.prefer_hash_join = frozen <= MOST_HASHED;
        config.with_target_partitions(engine.threads()).with_batch_size(ROWS_AT_ONCE)
    });
    let profiles = engine.read(&session, &snapshot_path(request.snapshot)).await?;
    let attributes = attributes_of(profiles.schema().as_arrow());
    let matcher = Matcher::new(&request.mapping, &request.card, &attributes)?;
    let matcher = match &request.statuses {
        Some(statuses) => matcher.with_opt_in(&statuses.opt_in, &attributes)?,
        None => matcher,
    };
    let (members, marks) = members(engine, &session, profiles, request, &attributes, all_tags).await?;
    let columns = columns_of(&matcher.attributes, members.schema().as_arrow());
    let mut outputs: Vec<Expr> = std::iter::once(KEY.to_owned()).chain(columns).map(|name| column(&name)).collect();
    for (place, (_, mark)) in marks.iter().enumerate() {
        outputs.push(mark.clone().alias(mark_column(place)));
    }
    let source = members.select(outputs)?.create_physical_plan().await?;
    let job = Arc::new(Job {
        schema: schema(all_tags.len()),
        width: tags::width(all_tags.len()),
        tags: marks.into_iter().map(|(tag, _)| tag).collect(),
        matcher,
        unsubscribed: request.statuses.as_ref().map(|statuses| statuses.unsubscribed.clone()),
        now: request.now,
    });
    let parts = (0..source.output_partitioning().partition_count())
        .map(|part| Arc::new(Part { job: job.clone(), source: source.clone(), part }) as Arc<dyn PartitionStream>)
        .collect();
    let table = StreamingTable::try_new(job.schema.clone(), parts)?;
    let sorted = session.read_table(Arc::new(table))?.sort(vec![column(ADDRESS).sort(true, true)])?;
    Ok(sorted.execute_stream().await?)
}

/// The profiles that are in any segment, and for each segment the place of its tag and the test of membership.
async fn members(
    engine: &DataEngine,
    session: &SessionContext,
    mut profiles: DataFrame,
    request: &PlanRequest,
    attributes: &[Attribute],
    all_tags: &[String],
) -> Result<(DataFrame, Vec<(usize, Expr)>)> {
    let mut marks: Vec<(usize, Expr)> = Vec::new();
    for (number, segment) in request.segments.iter().enumerate().filter(|(_, segment)| segment.is_active) {
        let place = all_tags.iter().position(|tag| *tag == segment.tag);
        let place = place.ok_or_else(|| DataError::Internal("a tag is not in the list of tags".to_owned()))?;
        let mark = match &segment.definition {
            Definition::Dynamic { rule } => predicate(rule, attributes, request.now)?,
            Definition::Static { .. } => {
                let name = format!("\u{1f}frozen{number}");
                let frozen = engine.read(session, &segment_path(segment.id)).await?;
                let frozen = frozen.select(vec![column(FROZEN_KEY).alias(&name)])?;
                profiles = profiles.join(frozen, JoinType::Left, &[KEY], &[name.as_str()], None)?;
                column(&name).is_not_null()
            }
        };
        marks.push((place, mark));
    }
    let any = marks.iter().map(|(_, mark)| mark.clone()).reduce(Expr::or).unwrap_or_else(|| lit(false));
    let members = profiles.filter(any)?;
    if let [(_, only)] = marks.as_mut_slice() {
        // Everybody who passed the filter is in it.
        *only = lit(true);
    }
    Ok((members, marks))
}

fn frozen_members(engine: &DataEngine, request: &PlanRequest) -> Result<usize> {
    let mut members = 0;
    for segment in request.segments.iter().filter(|s| s.is_active && s.definition.is_static()) {
        let file = super::files::open(engine.store(), &segment_path(segment.id))?;
        members += usize::try_from(file.metadata().file_metadata().num_rows()).unwrap_or(usize::MAX);
    }
    Ok(members)
}

/// The columns to read for these attributes, in their order; a date-time is followed by its offsets.
fn columns_of(attributes: &[Attribute], schema: &Schema) -> Vec<String> {
    let mut names = Vec::new();
    for attribute in attributes {
        names.push(attribute.name.clone());
        let offsets = offset_column(&attribute.name);
        if attribute.kind == AttributeType::DateTime && schema.field_with_name(&offsets).is_ok() {
            names.push(offsets);
        }
    }
    names
}

fn mark_column(place: usize) -> String {
    format!("\u{1f}mark{place}")
}

fn schema(tag_count: usize) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(ADDRESS, DataType::Utf8, false),
        Field::new(FAULT, DataType::UInt8, false),
        Field::new(TAGS, tags_type(tag_count), false),
        Field::new(HASH, hash_type(), false),
        Field::new(LEFT_OUT, DataType::UInt8, false),
        Field::new(PAYLOAD, DataType::Utf8, false),
    ]))
}

/// What turns profiles into wanted contacts.
#[derive(Debug)]
struct Job {
    schema: SchemaRef,
    width: usize,
    /// The place of each mark's tag.
    tags: Vec<usize>,
    matcher: Matcher,
    /// Those who get no status; none where nobody gets one.
    unsubscribed: Option<Arc<AddressSet>>,
    now: jiff::Timestamp,
}

/// One part of the profiles, matched while it is read.
#[derive(Debug)]
struct Part {
    job: Arc<Job>,
    source: Arc<dyn ExecutionPlan>,
    part: usize,
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.job.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let job = self.job.clone();
        let rows = match self.source.execute(self.part, context) {
            Ok(rows) => rows,
            Err(error) => {
                let failed = futures::stream::once(async move { Err(error) });
                return Box::pin(RecordBatchStreamAdapter::new(job.schema.clone(), failed));
            }
        };
        let schema = job.schema.clone();
        let matched = rows.flat_map(move |batch| {
            let matched =
                batch.and_then(|batch| job.matched(&batch).map_err(|error| DataFusionError::External(Box::new(error))));
            let batches = match matched {
                Ok(batches) => batches.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            futures::stream::iter(batches)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, matched))
    }
}

impl Job {
    /// Matches the rows of a batch, into one batch or, where payloads are large, several.
    fn matched(&self, batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
        let keys = Column::new(batch.column_by_name(KEY).ok_or_else(|| damaged("keys"))?, None)?;
        let cells = self.cells(batch)?;
        let marks = self.marks(batch)?;
        let mut matching = Matching::new(&self.matcher);
        let mut rows = Rows::new(batch.num_rows(), self.width);
        let mut batches = Vec::with_capacity(1);
        let mut set = vec![0; self.width];
        for row in 0..batch.num_rows() {
            set.fill(0);
            for (mark, tag) in marks.iter().zip(&self.tags) {
                if mark.is_valid(row) && mark.value(row) {
                    tags::put(&mut set, *tag);
                }
            }
            let key = keys.text(row).unwrap_or_default();
            match matching.address(&cells, row) {
                (Address::Valid(email), _) => {
                    let may_have_status = self.unsubscribed.as_ref().is_some_and(|set| !set.has(&email));
                    let opt_in = if may_have_status { matching.opt_in(&cells, row, self.now) } else { None };
                    let (payload, left_out) = matching.payload(&cells, row, opt_in)?;
                    let hash = hash(payload);
                    rows.push(Wanted { email: &email, key, fault: None, tags: &set, hash: &hash, left_out, payload })?;
                }
                (other, raw) => {
                    let fault = Some(if other == Address::Missing { Fault::Missing } else { Fault::Invalid });
                    let hash = &[0; HASH_BYTES];
                    rows.push(Wanted { email: "", key, fault, tags: &set, hash, left_out: 0, payload: &raw })?;
                }
            }
            if rows.payload.values_slice().len() >= BYTES_AT_ONCE {
                batches.push(rows.finish(&self.schema)?);
            }
        }
        batches.push(rows.finish(&self.schema)?);
        Ok(batches)
    }

    fn cells(&self, batch: &RecordBatch) -> Result<Vec<Column>> {
        let cells = self.matcher.attributes.iter().map(|attribute| {
            let values = batch.column_by_name(&attribute.name).ok_or_else(|| damaged("an attribute"))?;
            Column::new(values, batch.column_by_name(&offset_column(&attribute.name)))
        });
        cells.collect()
    }

    fn marks<'a>(&self, batch: &'a RecordBatch) -> Result<Vec<&'a datafusion::arrow::array::BooleanArray>> {
        let marks = (0..self.tags.len()).map(|place| batch.column_by_name(&mark_column(place))?.as_boolean_opt());
        marks.collect::<Option<Vec<_>>>().ok_or_else(|| damaged("a mark"))
    }
}

/// A batch that is being filled.
struct Rows {
    address: StringBuilder,
    fault: UInt8Builder,
    tags: FixedSizeBinaryBuilder,
    hash: FixedSizeBinaryBuilder,
    left_out: UInt8Builder,
    payload: StringBuilder,
}

impl Rows {
    fn new(rows: usize, width: usize) -> Self {
        Self {
            address: StringBuilder::with_capacity(rows, rows * 48),
            fault: UInt8Builder::with_capacity(rows),
            tags: FixedSizeBinaryBuilder::with_capacity(rows, width as i32),
            hash: FixedSizeBinaryBuilder::with_capacity(rows, HASH_BYTES as i32),
            left_out: UInt8Builder::with_capacity(rows),
            payload: StringBuilder::with_capacity(rows, rows * 256),
        }
    }

    fn push(&mut self, row: Wanted<'_>) -> Result<()> {
        use std::fmt::Write;
        // Written piece by piece: no text is put together only to be copied. Writing into memory cannot fail.
        let _ = self.address.write_str(row.email).and_then(|()| self.address.write_char(PART));
        self.address.append_value(row.key);
        self.fault.append_value(match row.fault {
            None => 0,
            Some(Fault::Missing) => 1,
            Some(Fault::Invalid) => 2,
        });
        self.tags.append_value(row.tags)?;
        self.hash.append_value(row.hash)?;
        self.left_out.append_value(row.left_out);
        self.payload.append_value(row.payload);
        Ok(())
    }

    fn finish(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.address.finish()),
            Arc::new(self.fault.finish()),
            Arc::new(self.tags.finish()),
            Arc::new(self.hash.finish()),
            Arc::new(self.left_out.finish()),
            Arc::new(self.payload.finish()),
        ];
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }
}

/// A batch of the sorted stream, to be read row by row.
pub(super) struct WantedBatch<'a> {
    address: &'a StringArray,
    fault: &'a UInt8Array,
    tags: &'a FixedSizeBinaryArray,
    hash: &'a FixedSizeBinaryArray,
    left_out: &'a UInt8Array,
    payload: &'a StringArray,
}

impl<'a> WantedBatch<'a> {
    pub(super) fn new(batch: &'a RecordBatch) -> Option<Self> {
        Some(Self {
            address: batch.column_by_name(ADDRESS)?.as_string_opt()?,
            fault: batch.column_by_name(FAULT)?.as_primitive_opt::<UInt8Type>()?,
            tags: batch.column_by_name(TAGS)?.as_fixed_size_binary_opt()?,
            hash: batch.column_by_name(HASH)?.as_fixed_size_binary_opt()?,
            left_out: batch.column_by_name(LEFT_OUT)?.as_primitive_opt::<UInt8Type>()?,
            payload: batch.column_by_name(PAYLOAD)?.as_string_opt()?,
        })
    }

    pub(super) fn row(&self, row: usize) -> Wanted<'a> {
        let (email, key) = self.address.value(row).split_once(PART).unwrap_or_default();
        let fault = match self.fault.value(row) {
            0 => None,
            1 => Some(Fault::Missing),
            _ => Some(Fault::Invalid),
        };
        let (tags, hash, payload) = (self.tags.value(row), self.hash.value(row), self.payload.value(row));
        Wanted { email, key, fault, tags, hash, left_out: self.left_out.value(row), payload }
    }
}
