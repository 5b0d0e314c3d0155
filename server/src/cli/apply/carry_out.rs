//! Carries a plan out, in the order in which things build on each other: data source, segments, connections, exports,
//! the system refresh.
//! Every step goes through the services that the screens use. One that fails leaves the earlier ones done; applying the
//! file again goes on from there.

use std::path::Path;

use anyhow::{Context as _, bail};
use app::services::{Exports as _, RefreshState, Segments as _, Sources as _, System as _};
use domain::access::Actor;
use domain::export::ExportSettings;
use domain::id::{ConnectionId, SegmentId, SourceId};
use domain::source::Location;

use super::plan::{Change, ConnectionStep, ExportStep, Plan, SegmentStep, SourceStep, SystemStep, same_name};
use crate::cli::desk::Desk;
use crate::cli::words;
use crate::db;

/// One line of the account: what, its name, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The kind of thing.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// What was done.
    pub done: String,
    /// Was anything changed?
    pub is_changed: bool,
}

/// Does all of it; `show` gets each line as soon as it is done.
pub async fn carry_out(desk: &Desk, actor: &Actor, plan: Plan, mut show: impl FnMut(Done)) -> anyhow::Result<()> {
    if let Some(step) = plan.source {
        let name = step.draft.name.clone();
        let done = source(desk, actor, step).await.with_context(|| format!("data source `{name}`"))?;
        show(done);
    }
    for step in plan.segments {
        let name = step.name.clone();
        let done = segment(desk, actor, step).await.with_context(|| format!("segment `{name}`"))?;
        show(done);
    }
    for step in plan.connections {
        let name = step.wanted.name.clone();
        let done = connection(desk, actor, step).await.with_context(|| format!("connection `{name}`"))?;
        show(done);
    }
    for step in plan.exports {
        let name = step.name.clone();
        let done = export(desk, actor, step).await.with_context(|| format!("export `{name}`"))?;
        show(done);
    }
    if let Some(step) = plan.system {
        show(system(desk, actor, step).await.context("system refresh")?);
    }
    Ok(())
}

fn verb(change: Change) -> &'static str {
    match change {
        Change::Add => "added",
        Change::Alter => "changed",
        Change::Keep => "unchanged",
    }
}

async fn source(desk: &Desk, actor: &Actor, mut step: SourceStep) -> anyhow::Result<Done> {
    let name = step.draft.name.clone();
    if let Some(bytes) = step.new_bytes {
        let upload = copy_in(desk, &bytes.path).await?;
        step.draft.location = Location::Upload { upload, file_name: bytes.file_name };
    }
    let id = match (step.change, step.id) {
        (Change::Keep, Some(id)) => id,
        (_, id) => desk.sources.save(actor, id, step.draft).await.map_err(words::error)?,
    };
    let mut done = verb(step.change).to_owned();
    if step.is_stale {
        if !step.is_table {
            // The one data source of the file is the customer table.
            desk.sources.choose_customer_table(actor, id).await.map_err(words::error)?;
        }
        done = format!("{done}, {}", refresh(desk, actor, id).await?);
    }
    Ok(Done { what: "data source", name, done, is_changed: step.change != Change::Keep || step.is_stale })
}

/// Refreshes a data source and says in a few words how it went.
async fn refresh(desk: &Desk, actor: &Actor, id: SourceId) -> anyhow::Result<String> {
    let number = desk.sources.start_refresh(actor, id).await.map_err(words::error)?;
    let refresh = desk.sources.wait_for_refresh(number, |_| {}).await.map_err(words::error)?;
    desk.sources.finish_refreshes().await;
    if refresh.state != RefreshState::Successful {
        bail!("the refresh failed: {}", words::refresh_fault(refresh.fault.as_deref()));
    }
    Ok(format!("refreshed: {} profiles, {} rows rejected", refresh.report.accepted, refresh.report.rejected))
}

/// Copies a file into the data directory under a name of Ferry's making. It appears there whole or not at all.
pub async fn copy_in(desk: &Desk, path: &Path) -> anyhow::Result<String> {
    let upload = uuid::Uuid::now_v7().to_string();
    let target = desk.places.upload(&upload).map_err(|fault| anyhow::anyhow!("{fault:?}"))?;
    let source = path.to_owned();
    let copied = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        let partial = target.with_extension("partial");
        let outcome = std::fs::copy(&source, &partial)
            .and_then(|_| std::fs::File::open(&partial)?.sync_all())
            .and_then(|()| std::fs::rename(&partial, &target));
        if outcome.is_err() {
            // What is left of it is worth nothing; that it cannot be removed either is no news.
            drop(std::fs::remove_file(&partial));
        }
        outcome
    });
    copied.await?.with_context(|| format!("`{}` could not be copied into the data directory", path.display()))?;
    Ok(upload)
}

async fn segment(desk: &Desk, actor: &Actor, step: SegmentStep) -> anyhow::Result<Done> {
    let is_changed = step.change != Change::Keep;
    let id = match (step.change, step.id) {
        (Change::Keep, Some(id)) => id,
        (_, id) => change_segment(desk, actor, id, &step).await?,
    };
    let line = desk.segments.find(actor, id).await.map_err(words::error)?;
    let members = line.members.map(|members| format!(", {members} members")).unwrap_or_default();
    Ok(Done { what: "segment", name: step.name, done: format!("{}{members}", verb(step.change)), is_changed })
}

async fn change_segment(
    desk: &Desk,
    actor: &Actor,
    id: Option<SegmentId>,
    step: &SegmentStep,
) -> anyhow::Result<SegmentId> {
    let service = &desk.segments;
    if let Some(id) = id {
        let line = service.find(actor, id).await.map_err(words::error)?;
        let definition = &line.segment.definition;
        // A frozen list with another rule is thawed, changed, and frozen anew.
        if definition.is_static() && (!step.is_static || *definition.rule() != step.rule) {
            service.make_dynamic(actor, id).await.map_err(words::error)?;
        }
    }
    let id = service.save(actor, id, &step.name, step.rule.clone()).await.map_err(words::error)?;
    if step.is_static {
        service.make_static(actor, id).await.map_err(words::error)?;
    }
    let line = service.find(actor, id).await.map_err(words::error)?;
    if line.segment.is_active != step.is_active {
        service.set_active(actor, id, step.is_active).await.map_err(words::error)?;
    }
    Ok(id)
}

async fn connection(desk: &Desk, actor: &Actor, step: ConnectionStep) -> anyhow::Result<Done> {
    let (name, change) = (step.wanted.name.clone(), step.change);
    if change != Change::Keep {
        desk.connections.put_by_operator(actor, step.wanted).await.map_err(words::error)?;
    }
    Ok(Done { what: "connection", name, done: verb(change).to_owned(), is_changed: change != Change::Keep })
}

async fn export(desk: &Desk, actor: &Actor, step: ExportStep) -> anyhow::Result<Done> {
    let (name, change) = (step.name.clone(), step.change);
    if change != Change::Keep {
        let settings = settings(desk, &step).await?;
        match step.existing {
            None => desk.exports.add(actor, settings).await.map(|_| ()),
            Some((id, version)) => desk.exports.edit(actor, id, version, settings).await,
        }
        .map_err(words::error)?;
    }
    Ok(Done { what: "export", name, done: verb(change).to_owned(), is_changed: change != Change::Keep })
}

async fn system(desk: &Desk, actor: &Actor, step: SystemStep) -> anyhow::Result<Done> {
    let is_changed = step.change != Change::Keep;
    if is_changed {
        desk.system.save_settings(actor, step.wanted).await.map_err(words::error)?;
    }
    Ok(Done { what: "system", name: "refresh".to_owned(), done: verb(step.change).to_owned(), is_changed })
}

/// The settings with the ids of what the file names: all of it is there by now.
async fn settings(desk: &Desk, step: &ExportStep) -> anyhow::Result<ExportSettings> {
    let mut tx = desk.db.read().await?;
    let connections = db::connections::list(&mut tx).await?;
    let segments = db::segments::list(&mut tx).await?;
    let connection = |name: &String| -> anyhow::Result<ConnectionId> {
        let found = connections.iter().find(|one| same_name(&one.name, name));
        found.map(|one| one.id).with_context(|| format!("connection `{name}` is gone"))
    };
    let segment = |name: &String| -> anyhow::Result<SegmentId> {
        let found = segments.iter().find(|one| same_name(&one.segment.name, name));
        found.map(|one| one.segment.id).with_context(|| format!("segment `{name}` is gone"))
    };
    Ok(ExportSettings {
        name: step.name.clone(),
        connection: step.connection.as_ref().map(connection).transpose()?,
        mapping: step.mapping.clone(),
        segments: step.segments.iter().map(segment).collect::<Result<_, _>>()?,
        schedule: step.schedule.clone(),
        safety: step.safety.clone(),
        marking: step.marking,
    })
}
