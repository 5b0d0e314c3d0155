//! The connections of a file: keys, consent and export users.

use domain::access::{self, Actor};
use domain::destination::{Brand, DestinationKind};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Change, Planner};
use crate::cli::apply::file::{ConnectionEntry, KeyPlace};
use crate::cli::apply::reader::At;
use crate::db;
use crate::db::connections::StoredConnection;
use crate::services::connections::{OperatorConnection, OperatorConsent};

/// What to do with one connection.
#[derive(Debug)]
pub struct ConnectionStep {
    /// How it relates to what is there.
    pub change: Change,
    /// How it is to be; key, consent and export user only where they are new.
    pub wanted: OperatorConnection,
}

impl Planner<'_> {
    pub(super) async fn connections(&self) -> anyhow::Result<Vec<ConnectionStep>> {
        let mut steps = Vec::new();
        for entry in &self.file.connections {
            if !access::may_manage_connections(self.actor.role) {
                self.faults.add(entry.line, format!("{} may not add or change connections", self.actor.email));
            }
            if let Some(step) = self.connection(entry).await? {
                steps.push(step);
            }
        }
        Ok(steps)
    }

    async fn connection(
        &self,
        At { value: entry, .. }: &At<ConnectionEntry>,
    ) -> anyhow::Result<Option<ConnectionStep>> {
        let existing = self.state.connection(&entry.name.value);
        let kind = DestinationKind(entry.kind.value.clone());
        let is_known = self.desk.destinations.find(&kind).is_some();
        if !is_known {
            let known: Vec<_> = self.desk.destinations.cards().into_iter().map(|card| card.kind.0).collect();
            self.faults.add(entry.kind.line, format!("`{kind}` is no destination; known are: {}", known.join(", ")));
        } else if existing.is_some_and(|found| found.kind != kind) {
            self.faults.add(entry.kind.line, "the destination of a connection cannot be changed");
        }
        let by = self.person(&entry.agreed_by, access::may_manage_connections).await?;
        let may_use = |role| access::may_use_connection(role, entry.audience);
        let user = self.person(&entry.export_user, may_use).await?;
        let key = self.key(&entry.key).await;
        let (Some(by), Some(user), Some(key), true) = (by, user, key, is_known) else { return Ok(None) };
        let is_new_key = match existing {
            Some(found) => !self.desk.connections.has_key(found, &key)?,
            None => true,
        };
        let key = match is_new_key {
            true => self.checked(&entry.key, &kind, key).await,
            false => None,
        };
        let consent = OperatorConsent { by, language: entry.language.clone(), wording: entry.wording.clone() };
        let reserve = self.other_reserve(existing, entry.reserve_percent).await?;
        Ok(Some(step(entry, existing, kind, key, consent, user, reserve)))
    }

    /// The reserve of the file, where it differs.
    async fn other_reserve(
        &self,
        existing: Option<&StoredConnection>,
        wanted: Option<u8>,
    ) -> anyhow::Result<Option<u8>> {
        let (Some(found), Some(percent)) = (existing, wanted) else { return Ok(wanted) };
        let mut tx = self.desk.db.read().await?;
        let now = db::pace::reserve_of(&mut tx, found.id).await?;
        Ok((now != i64::from(percent)).then_some(percent))
    }

    /// An enabled person who may do this.
    async fn person(
        &self,
        email: &At<String>,
        may: impl Fn(domain::access::Role) -> bool + Send,
    ) -> anyhow::Result<Option<Actor>> {
        match self.desk.person(&email.value).await? {
            Some(actor) if may(actor.role) => Ok(Some(actor)),
            Some(_) => {
                self.faults.add(email.line, format!("`{}` has no right to do this", email.value));
                Ok(None)
            }
            None => {
                self.faults.add(email.line, format!("nobody enabled signs in with `{}`", email.value));
                Ok(None)
            }
        }
    }

    async fn key(&self, place: &At<KeyPlace>) -> Option<SecretString> {
        let (found, what) = match &place.value {
            KeyPlace::Variable(name) => (variable(name), format!("the environment variable `{name}`")),
            KeyPlace::File(path) => {
                let path = self.desk.beside.join(path);
                let text = tokio::fs::read_to_string(&path).await.ok().map(SecretString::from);
                (text, format!("the file `{}`", path.display()))
            }
        };
        let key = found.map(|text| SecretString::from(text.expose_secret().trim()));
        let key = key.filter(|key| !key.expose_secret().is_empty());
        if key.is_none() {
            self.faults.add(place.line, format!("{what} holds no key"));
        }
        key
    }

    /// The key with the account that it opens, if the destination takes it.
    async fn checked(
        &self,
        place: &At<KeyPlace>,
        kind: &DestinationKind,
        key: SecretString,
    ) -> Option<(SecretString, Brand)> {
        match self.desk.connections.check_key(kind, &key).await {
            Ok(brand) => Some((key, brand)),
            Err(error) => {
                self.faults.add(place.line, format!("the key does not work: {}", crate::cli::words::of(&error)));
                None
            }
        }
    }
}

fn step(
    entry: &ConnectionEntry,
    existing: Option<&StoredConnection>,
    kind: DestinationKind,
    key: Option<(SecretString, Brand)>,
    consent: OperatorConsent,
    user: Actor,
    reserve_percent: Option<u8>,
) -> ConnectionStep {
    let name = entry.name.value.trim().to_owned();
    let recorded = existing.map(|found| &found.consent);
    let is_recorded = recorded.is_some_and(|one| {
        one.by == consent.by.id && one.language == consent.language && one.wording == consent.wording
    });
    let has_user = existing.and_then(|found| found.export_user.as_ref()).is_some_and(|one| one.id == user.id);
    let consent = (!is_recorded).then_some(consent);
    let export_user = (!has_user).then_some(user);
    let change = match existing {
        None => Change::Add,
        Some(found) => {
            let is_same = found.name == name && found.audience == entry.audience;
            if is_same && key.is_none() && consent.is_none() && export_user.is_none() && reserve_percent.is_none() {
                Change::Keep
            } else {
                Change::Alter
            }
        }
    };
    let id = existing.map(|found| found.id);
    let audience = entry.audience;
    let wanted = OperatorConnection { id, name, kind, audience, key, consent, export_user, reserve_percent };
    ConnectionStep { change, wanted }
}

fn variable(name: &str) -> Option<SecretString> {
    #[expect(clippy::disallowed_methods, reason = "the operator's file names the variable; it is no setting of Ferry")]
    let value = std::env::var(name);
    value.ok().map(SecretString::from)
}
