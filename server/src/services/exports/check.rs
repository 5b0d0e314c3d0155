//! What an export's settings must have before they are saved. The same rules hold for the screen and for a
//! configuration file.

use std::collections::BTreeSet;

use app::error::{AppError, FieldFault, FieldFaultKind};
use app::services::Answer;
use app::ui::schedule::schedule_faults;
use domain::access::{self, Actor};
use domain::brake::Brake;
use domain::destination::DestinationCard;
use domain::export::ExportSettings;

use super::ExportsService;
use crate::db::{self, Tx};
use crate::services::{form, internal};

impl ExportsService {
    /// The settings as they are saved.
    ///
    /// # Errors
    /// What has to be changed. A connection that this person may not use is as good as one that is not there.
    pub(super) async fn check(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        mut settings: ExportSettings,
    ) -> Answer<ExportSettings> {
        settings.name = form::name("name", &settings.name)?;
        settings.schedule = settings.schedule.in_order();
        settings.mapping.matches.retain(|one| !one.attribute.is_empty());
        let cards = self.cards_for(tx, actor, &settings).await?;
        let mut faults = schedule_faults(&settings.schedule.faults());
        faults.extend(brake_faults(&settings.safety.brake));
        faults.extend(segment_faults(tx, &settings).await?);
        faults.extend(marking_faults(tx, &settings, &cards).await?);
        if !faults.is_empty() {
            return Err(AppError::Fields(faults));
        }
        let snapshot = db::refreshes::newest_snapshot(tx).await.map_err(internal)?;
        let attributes = snapshot.map(|one| one.attributes).unwrap_or_default();
        if let Some(rule) = &settings.safety.status
            && !rule.fits(&attributes)
        {
            return Err(AppError::field("opt_in", FieldFaultKind::Invalid));
        }
        let faults = settings.mapping.fewest_faults(&cards, &attributes);
        if faults.is_empty() { Ok(settings) } else { Err(AppError::Mapping(faults)) }
    }

    /// The card of the connection's destination, if the person may use the connection; without a connection, those of
    /// all destinations.
    async fn cards_for(&self, tx: &mut Tx, actor: &Actor, settings: &ExportSettings) -> Answer<Vec<DestinationCard>> {
        let Some(id) = settings.connection else {
            // Only those who may have exports without one may save one without.
            return if access::may_edit_export(actor.role, None) {
                Ok(self.destinations.cards())
            } else {
                Err(AppError::field("connection", FieldFaultKind::Required))
            };
        };
        let invalid = || AppError::field("connection", FieldFaultKind::Invalid);
        let found = db::connections::find(tx, id).await.map_err(internal)?.filter(|one| one.is_ready);
        let usable = found.filter(|one| access::may_use_connection(actor.role, one.audience)).ok_or_else(invalid)?;
        Ok(vec![self.destinations.find(&usable.kind).ok_or_else(invalid)?.card()])
    }
}

fn brake_faults(brake: &Brake) -> Vec<FieldFault> {
    let wrong = brake.wrong_fields().into_iter();
    wrong.map(|field| FieldFault { field: field.to_owned(), fault: FieldFaultKind::Invalid }).collect()
}

/// Custom properties have to tell the segments apart, and leave alone what the data matching sends.
async fn marking_faults(tx: &mut Tx, settings: &ExportSettings, cards: &[DestinationCard]) -> Answer<Vec<FieldFault>> {
    let mut tags = Vec::new();
    for id in &settings.segments {
        tags.extend(db::segments::find(tx, *id).await.map_err(internal)?.map(|found| found.segment.tag));
    }
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let fault = match (settings.marking.is_taken_by(cards), settings.marking.is_clear(&tags, &settings.mapping)) {
        (true, true) => return Ok(Vec::new()),
        (true, false) => FieldFaultKind::Taken,
        (false, _) => FieldFaultKind::Invalid,
    };
    Ok(vec![FieldFault { field: "marking".to_owned(), fault }])
}

async fn segment_faults(tx: &mut Tx, settings: &ExportSettings) -> Answer<Vec<FieldFault>> {
    let fault = |fault| Ok(vec![FieldFault { field: "segments".to_owned(), fault }]);
    if settings.segments.is_empty() {
        return fault(FieldFaultKind::Required);
    }
    let mut seen = BTreeSet::new();
    for id in &settings.segments {
        let is_there = db::segments::find(tx, *id).await.map_err(internal)?.is_some();
        if !is_there || !seen.insert(*id) {
            return fault(FieldFaultKind::Invalid);
        }
    }
    Ok(Vec::new())
}
