//! People: sign-in, one-time links, roles. What is accepted as a password and how it is hashed is in [`passwords`], how
//! guessing is slowed down in [`throttle`].
//!
//! Sessions are not here: `web` enters and leaves them.

use std::time::Duration;

use app::error::{AppError, FieldFault, FieldFaultKind};
use app::services::{Accounts, Answer, LinkPurpose, UserLine};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{Actor, Role, may_manage_users};
use domain::id::UserId;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use crate::clock::SharedClock;
use crate::db::accounts::{self as rows, Purpose, User};
use crate::db::{Database, Topic, Tx, sessions};
use crate::services::internal;

pub mod passwords;
mod throttle;

use passwords::{Passwords, Verdict};

/// How long the link for the first administrator works.
const SET_UP_TIME: Duration = Duration::from_secs(24 * 3600);
/// How long an invitation works.
const INVITATION_TIME: Duration = Duration::from_secs(3 * 24 * 3600);
/// The longest address that mail systems take.
const LONGEST_EMAIL: usize = 254;

/// People, as [`Accounts`] says.
#[derive(Clone)]
pub struct AccountsService {
    db: Database,
    clock: SharedClock,
    passwords: Passwords,
}

/// Somebody who was added from the command line.
#[derive(Debug)]
pub struct Added {
    /// Were they new?
    pub is_new: bool,
    /// The token of the link with which they choose a password; none when it was given.
    pub invitation: Option<String>,
}

impl AccountsService {
    /// Over this database.
    pub fn new(db: Database, clock: SharedClock, passwords: Passwords) -> Self {
        Self { db, clock, passwords }
    }

    /// Who this person is now; none when they are gone or disabled.
    ///
    /// # Errors
    /// The database is gone: then nobody is signed in.
    pub async fn actor(&self, id: UserId) -> Answer<Option<Actor>> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let user = rows::find(&mut tx, id).await.map_err(internal)?;
        Ok(user.filter(|user| user.is_enabled).map(|user| Actor { id: user.id, email: user.email, role: user.role }))
    }

    /// Checks the password of somebody who is signed in already.
    ///
    /// # Errors
    /// [`AppError::WrongCredentials`], or [`AppError::TooMany`] after repeated failures.
    pub async fn prove(&self, actor: &Actor, password: &str) -> Answer<()> {
        let user = self.check_credentials(&actor.email, password).await?;
        if user.id == actor.id { Ok(()) } else { Err(AppError::WrongCredentials) }
    }

    /// A new link for the first administrator, as long as there is nobody; older ones end.
    ///
    /// # Errors
    /// Only an internal one.
    pub async fn make_set_up_link(&self) -> Answer<Option<String>> {
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Administrators).await.map_err(internal)?;
        if rows::count(&mut tx).await.map_err(internal)? > 0 {
            return Ok(None);
        }
        rows::drop_set_up_links(&mut tx).await.map_err(internal)?;
        let token = self.add_link(&mut tx, Purpose::SetUp, SET_UP_TIME).await?;
        tx.commit().await.map_err(internal)?;
        Ok(Some(token))
    }

    /// Adds somebody from the command line, or gives somebody who is there already a new password or a new link.
    ///
    /// # Errors
    /// Address or password are not acceptable, or the person is there with another role ([`AppError::Stale`]).
    pub async fn add_from_command_line(&self, email: &str, role: Role, password: Option<&str>) -> Answer<Added> {
        let email = check_email(email)?;
        let hash = match password {
            Some(password) => Some(self.hash_new(password, &email).await?),
            None => None,
        };
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Administrators).await.map_err(internal)?;
        let existing = rows::find_by_email(&mut tx, &email).await.map_err(internal)?;
        let is_new = existing.is_none();
        let id = match existing {
            Some(user) if user.role != role => return Err(AppError::Stale),
            Some(user) => user.id,
            None => self.insert(&mut tx, &email, role, None).await?,
        };
        let invitation = match hash {
            Some(hash) => {
                self.replace_password(&mut tx, id, &hash).await?;
                None
            }
            None => Some(self.renew_invitation(&mut tx, id).await?),
        };
        rows::drop_set_up_links(&mut tx).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        Ok(Added { is_new, invitation })
    }

    /// Drops what has expired: sessions, links, failed sign-ins.
    ///
    /// # Errors
    /// Only an internal one.
    pub async fn tidy_up(&self) -> Answer<()> {
        let now = self.clock.now_micros();
        let mut tx = self.db.begin().await.map_err(internal)?;
        sessions::tidy_up(&mut tx, now).await.map_err(internal)?;
        rows::tidy_up(&mut tx, now - micros(Duration::from_secs(24 * 3600))).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }

    async fn hash_new(&self, password: &str, email: &str) -> Answer<String> {
        passwords::check_new(password, email)?;
        self.passwords.hash(&SecretString::from(password)).await
    }

    async fn insert(&self, tx: &mut Tx, email: &str, role: Role, password_hash: Option<String>) -> Answer<UserId> {
        let id = UserId(uuid::Uuid::now_v7());
        let email = email.to_owned();
        let user = User { id, email, password_hash, role, is_enabled: true, last_sign_in: None };
        rows::insert(tx, &user, self.clock.now_micros()).await.map_err(|error| {
            if rows::is_email_taken(&error) { field("email", FieldFaultKind::Taken) } else { internal(error) }
        })?;
        Ok(id)
    }

    /// Sets a password and ends all that the old one opened.
    async fn replace_password(&self, tx: &mut Tx, id: UserId, hash: &str) -> Answer<()> {
        rows::set_password_hash(tx, id, hash).await.map_err(internal)?;
        rows::drop_links_of(tx, id).await.map_err(internal)?;
        sessions::end_all_of(tx, id).await.map_err(internal)
    }

    async fn renew_invitation(&self, tx: &mut Tx, id: UserId) -> Answer<String> {
        rows::drop_links_of(tx, id).await.map_err(internal)?;
        self.add_link(tx, Purpose::Invitation(id), INVITATION_TIME).await
    }

    async fn add_link(&self, tx: &mut Tx, purpose: Purpose, time: Duration) -> Answer<String> {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let now = self.clock.now_micros();
        rows::insert_link(tx, &hash_of(&token), purpose, now, now + micros(time)).await.map_err(internal)?;
        Ok(token)
    }

    /// What a link is for, as long as it works.
    async fn working_link(&self, tx: &mut Tx, token: &str) -> Answer<Purpose> {
        let link = rows::find_link(tx, &hash_of(token)).await.map_err(internal)?;
        let link = link.filter(|link| !link.is_used && link.expires_at > self.clock.now_micros());
        let purpose = link.ok_or(AppError::LinkInvalid)?.purpose;
        if purpose == Purpose::SetUp && rows::count(tx).await.map_err(internal)? > 0 {
            return Err(AppError::LinkInvalid);
        }
        Ok(purpose)
    }

    async fn invited(&self, tx: &mut Tx, token: &str) -> Answer<User> {
        let Purpose::Invitation(id) = self.working_link(tx, token).await? else { return Err(AppError::LinkInvalid) };
        let user = rows::find(tx, id).await.map_err(internal)?;
        user.filter(|user| user.is_enabled).ok_or(AppError::LinkInvalid)
    }

    /// Begins a change of people by an administrator: one at a time, and the right is read anew inside.
    async fn begin_as(&self, actor: &Actor) -> Answer<Tx> {
        if !may_manage_users(actor.role) {
            return Err(AppError::Forbidden);
        }
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Administrators).await.map_err(internal)?;
        let now = rows::find(&mut tx, actor.id).await.map_err(internal)?;
        match now.filter(|user| user.is_enabled && may_manage_users(user.role)) {
            Some(_) => Ok(tx),
            None => Err(AppError::Forbidden),
        }
    }

    /// Ends a change of people, unless nobody would be left who may make one.
    async fn commit_with_administrator(&self, mut tx: Tx) -> Answer<()> {
        if rows::count_working_administrators(&mut tx).await.map_err(internal)? == 0 {
            return Err(AppError::LastAdministrator);
        }
        tx.commit().await.map_err(internal)
    }

    /// Checks address and password. Counts the attempt before it looks: many at once do not get round the delay.
    async fn check_credentials(&self, email: &str, password: &str) -> Answer<User> {
        let address = throttle::Address::of(email);
        throttle::count_attempt(&self.db, &*self.clock, &address).await?;
        let mut tx = self.db.read().await.map_err(internal)?;
        let user = rows::find_by_email(&mut tx, email).await.map_err(internal)?;
        drop(tx);
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let password = SecretString::from(password);
        let verdict = self.passwords.check(hash, &password).await?;
        let Some(user) = user.filter(|user| user.is_enabled && verdict != Verdict::Wrong) else {
            return Err(AppError::WrongCredentials);
        };
        let better = match verdict {
            Verdict::RightButWeak => Some(self.passwords.hash(&password).await?),
            Verdict::Right | Verdict::Wrong => None,
        };
        let mut tx = self.db.begin().await.map_err(internal)?;
        throttle::forget(&mut tx, &address).await?;
        if let Some(hash) = better {
            rows::set_password_hash(&mut tx, user.id, &hash).await.map_err(internal)?;
        }
        tx.commit().await.map_err(internal)?;
        Ok(user)
    }
}

#[async_trait::async_trait]
impl Accounts for AccountsService {
    async fn sign_in(&self, email: &str, password: &str) -> Answer<UserId> {
        let user = self.check_credentials(email, password).await?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        rows::set_last_sign_in(&mut tx, user.id, self.clock.now_micros()).await.map_err(internal)?;
        tx.commit().await.map_err(internal)?;
        Ok(user.id)
    }

    async fn link(&self, token: &str) -> Answer<LinkPurpose> {
        let mut tx = self.db.read().await.map_err(internal)?;
        match self.working_link(&mut tx, token).await? {
            Purpose::SetUp => Ok(LinkPurpose::SetUp),
            Purpose::Invitation(_) => Ok(LinkPurpose::Invitation { email: self.invited(&mut tx, token).await?.email }),
        }
    }

    async fn set_up(&self, token: &str, email: &str, password: &str) -> Answer<UserId> {
        // A wrong token costs no hashing.
        if self.link(token).await? != LinkPurpose::SetUp {
            return Err(AppError::LinkInvalid);
        }
        let email = check_email(email)?;
        let hash = self.hash_new(password, &email).await?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        tx.lock(Topic::Administrators).await.map_err(internal)?;
        let nobody = rows::count(&mut tx).await.map_err(internal)? == 0;
        let used = rows::use_link(&mut tx, &hash_of(token), self.clock.now_micros()).await.map_err(internal)?;
        if !(nobody && used) {
            return Err(AppError::LinkInvalid);
        }
        let id = self.insert(&mut tx, &email, Role::Administrator, Some(hash)).await?;
        tx.commit().await.map_err(internal)?;
        Ok(id)
    }

    async fn accept_invitation(&self, token: &str, password: &str) -> Answer<UserId> {
        let mut tx = self.db.read().await.map_err(internal)?;
        let user = self.invited(&mut tx, token).await?;
        drop(tx);
        let hash = self.hash_new(password, &user.email).await?;
        let mut tx = self.db.begin().await.map_err(internal)?;
        let used = rows::use_link(&mut tx, &hash_of(token), self.clock.now_micros()).await.map_err(internal)?;
        let still = rows::find(&mut tx, user.id).await.map_err(internal)?.is_some_and(|user| user.is_enabled);
        if !(used && still) {
            return Err(AppError::LinkInvalid);
        }
        self.replace_password(&mut tx, user.id, &hash).await?;
        tx.commit().await.map_err(internal)?;
        Ok(user.id)
    }

    async fn users(&self, actor: &Actor) -> Answer<Vec<UserLine>> {
        if !may_manage_users(actor.role) {
            return Err(AppError::Forbidden);
        }
        let mut tx = self.db.read().await.map_err(internal)?;
        let users = rows::list(&mut tx).await.map_err(internal)?;
        Ok(users.into_iter().map(line).collect())
    }

    async fn add_user(&self, actor: &Actor, email: &str, role: Role) -> Answer<String> {
        let email = check_email(email)?;
        let mut tx = self.begin_as(actor).await?;
        let id = self.insert(&mut tx, &email, role, None).await?;
        let token = self.renew_invitation(&mut tx, id).await?;
        tx.commit().await.map_err(internal)?;
        Ok(token)
    }

    async fn invite_again(&self, actor: &Actor, user: UserId) -> Answer<String> {
        let mut tx = self.begin_as(actor).await?;
        let found = rows::find(&mut tx, user).await.map_err(internal)?.ok_or(AppError::NotFound)?;
        if !found.is_enabled {
            return Err(AppError::NotFound);
        }
        let token = self.renew_invitation(&mut tx, user).await?;
        tx.commit().await.map_err(internal)?;
        Ok(token)
    }

    async fn set_role(&self, actor: &Actor, user: UserId, role: Role) -> Answer<()> {
        let mut tx = self.begin_as(actor).await?;
        let before = rows::find(&mut tx, user).await.map_err(internal)?.ok_or(AppError::NotFound)?;
        if before.role == role {
            return Ok(());
        }
        rows::set_role(&mut tx, user, role).await.map_err(internal)?;
        // A session is of no use under other rights than those it was opened with.
        sessions::end_all_of(&mut tx, user).await.map_err(internal)?;
        self.commit_with_administrator(tx).await
    }

    async fn set_enabled(&self, actor: &Actor, user: UserId, enabled: bool) -> Answer<()> {
        let mut tx = self.begin_as(actor).await?;
        if !rows::set_enabled(&mut tx, user, enabled).await.map_err(internal)? {
            return Err(AppError::NotFound);
        }
        if !enabled {
            rows::drop_links_of(&mut tx, user).await.map_err(internal)?;
            sessions::end_all_of(&mut tx, user).await.map_err(internal)?;
        }
        self.commit_with_administrator(tx).await
    }
}

fn line(user: User) -> UserLine {
    UserLine {
        id: user.id,
        email: user.email,
        role: user.role,
        is_enabled: user.is_enabled,
        has_password: user.password_hash.is_some(),
        last_sign_in: user.last_sign_in,
    }
}

fn field(name: &str, fault: FieldFaultKind) -> AppError {
    AppError::Fields(vec![FieldFault { field: name.to_owned(), fault }])
}

/// The address without blanks around it, if it can be one.
fn check_email(email: &str) -> Answer<String> {
    let email = email.trim();
    if email.is_empty() {
        return Err(field("email", FieldFaultKind::Required));
    }
    if email.len() > LONGEST_EMAIL {
        return Err(field("email", FieldFaultKind::TooLong));
    }
    let parts = email.split_once('@').filter(|(local, host)| !local.is_empty() && !host.is_empty());
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "<>(),;:\\\"[]".contains(letter);
    match parts {
        Some((_, host)) if !host.contains('@') && !email.contains(odd) => Ok(email.to_owned()),
        _ => Err(field("email", FieldFaultKind::Invalid)),
    }
}

/// Only the hash of a token is kept. It has 256 random bits, so it needs neither salt nor a slow hash.
fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
