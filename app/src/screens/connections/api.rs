//! The changes of Admin > Connections. A key never travels in an address, in an error or in a log.

use domain::access::Audience;
use domain::id::{ConnectionId, ExportId};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::services::Leftover;

/// What becomes of one export when its connection is removed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dependent {
    /// The export.
    pub id: ExportId,
    /// What becomes of it.
    pub then: Leftover,
}

/// *Connect*: checks the key with the destination. The consent wording is the one of `language`, made here again, so
/// that what is recorded is what was shown.
#[server(prefix = "/api/connections", endpoint = "connect")]
pub async fn connect(
    kind: String,
    #[server(default)] id: String,
    name: String,
    audience: Audience,
    #[server(default)] key: String,
    #[server(default)] agreed: bool,
    language: String,
) -> Result<(), AppError> {
    use super::add::ConnectQuery;
    use crate::request::{actor, answer, lang, see_other, services, with_query};
    use crate::services::ConnectDraft;
    use crate::{routes, texts};
    use domain::destination::DestinationKind;

    let id: Option<ConnectionId> = id.parse().ok();
    let tried = async {
        let services = services()?;
        let of_kind = DestinationKind(kind.clone());
        let card = services.connections.card(&of_kind).ok_or(AppError::NotFound)?;
        let shown = texts::parse(&language).unwrap_or_else(lang);
        let draft = ConnectDraft {
            kind: of_kind,
            name: name.clone(),
            audience,
            key: key.trim().to_owned(),
            agreed,
            language: texts::code(shown).to_owned(),
            wording: super::wording(shown, &card.name),
        };
        let id = services.connections.connect(&actor()?, id, draft).await?;
        see_other(&routes::set_up_connection(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || {
        with_query(routes::NEW_CONNECTION, &ConnectQuery { kind, id, name, audience: Some(audience), agreed })
    })
}

/// *Add yourself as export user*. Goes back to the page that the connection is at.
#[server(prefix = "/api/connections", endpoint = "add-export-user")]
pub async fn add_export_user(id: ConnectionId, password: String) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services};
    use crate::routes;

    let mut page = routes::set_up_connection(id);
    let tried = async {
        let (services, actor) = (services()?, actor()?);
        // A saved connection has its own page; one that is being added has none yet.
        if services.connections.find(&actor, id).await.is_ok() {
            page = routes::connection(id);
        }
        services.connections.add_export_user(&actor, id, &password).await?;
        see_other(&page);
        Ok(())
    };
    let result = tried.await;
    answer(result, || page)
}

/// *Save*: ends the set-up.
#[server(prefix = "/api/connections", endpoint = "save")]
pub async fn save_connection(id: ConnectionId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.connections.save(&actor()?, id).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(routes::CONNECTIONS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::set_up_connection(id))
}

/// Changes name and audience.
#[server(prefix = "/api/connections", endpoint = "edit")]
pub async fn edit_connection(id: ConnectionId, name: String, audience: Audience) -> Result<(), AppError> {
    use super::edit::EditQuery;
    use crate::request::{actor, answer, see_other, services, visit, with_query};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.connections.edit(&actor()?, id, &name, audience).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(routes::CONNECTIONS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || with_query(&routes::connection(id), &EditQuery { name: Some(name), audience: Some(audience) }))
}

/// Shares a connection with contributors, or takes it back.
#[server(prefix = "/api/connections", endpoint = "share")]
pub async fn share_connection(id: ConnectionId, audience: Audience) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        let (services, actor) = (services()?, actor()?);
        let one = services.connections.find(&actor, id).await?;
        services.connections.edit(&actor, id, &one.name, audience).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(routes::CONNECTIONS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::CONNECTIONS.to_owned())
}

/// Leaves a part of the account's limit to its other programs.
#[server(prefix = "/api/connections", endpoint = "set-reserve")]
pub async fn set_reserve(id: ConnectionId, reserve: String) -> Result<(), AppError> {
    use crate::error::FieldFaultKind;
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        let percent: u8 = reserve.trim().parse().map_err(|_| AppError::field("reserve", FieldFaultKind::Invalid))?;
        services()?.connections.set_reserve(&actor()?, id, percent).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(&routes::connection(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::connection(id))
}

/// Checks another key and keeps it in place of the old one.
#[server(prefix = "/api/connections", endpoint = "replace-key")]
pub async fn replace_key(id: ConnectionId, key: String) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        services()?.connections.replace_key(&actor()?, id, key.trim()).await?;
        visit()?.leave_note(Note::KeyReplaced).await?;
        see_other(&routes::connection(id));
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::connection(id))
}

/// Removes a connection, with what becomes of each export that uses it.
#[server(prefix = "/api/connections", endpoint = "remove")]
pub async fn remove_connection(id: ConnectionId, #[server(default)] exports: Vec<Dependent>) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes;
    use crate::services::Note;

    let tried = async {
        let exports = exports.into_iter().map(|one| (one.id, one.then)).collect();
        services()?.connections.remove(&actor()?, id, exports).await?;
        visit()?.leave_note(Note::Removed).await?;
        see_other(routes::CONNECTIONS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::remove_connection(id))
}
