//! People, their one-time links, failed sign-ins, and the canary of the secret key. No rules of use: `services` decides.

use domain::access::Role;
use domain::id::UserId;

use super::{DbError, Tx, parse, sql};

/// A person as the server knows them.
#[derive(Clone)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The address as it was typed.
    pub email: String,
    /// The hash of the password with its parameters; none until one is chosen.
    pub password_hash: Option<String>,
    /// Their role.
    pub role: Role,
    /// May they sign in?
    pub is_enabled: bool,
    /// The last sign-in: microseconds since 1970, UTC.
    pub last_sign_in: Option<i64>,
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the first administrator.
    SetUp,
    /// Lets this person choose a password.
    Invitation(UserId),
}

/// A one-time link without its token.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Until when it works: microseconds since 1970, UTC.
    pub expires_at: i64,
    /// Was it used?
    pub is_used: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    email: String,
    password_hash: Option<String>,
    role: String,
    is_enabled: bool,
    last_sign_in: Option<i64>,
}

impl Row {
    fn user(self) -> Result<User, DbError> {
        Ok(User {
            id: parse("users.id", &self.id)?,
            email: self.email,
            password_hash: self.password_hash,
            role: Role::parse(&self.role).ok_or(DbError::Corrupt("users.role"))?,
            is_enabled: self.is_enabled,
            last_sign_in: self.last_sign_in,
        })
    }
}

/// The form in which addresses are compared: without blanks around it, lower case.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// All people, by address.
pub async fn list(tx: &mut Tx) -> Result<Vec<User>, DbError> {
    let rows = sql::fetch_all!(
        tx,
        Row,
        sqlite: "select id, email, password_hash, role, is_enabled, last_sign_in from users order by email_key",
        postgres: "select id, email, password_hash, role, is_enabled, last_sign_in from users
                   order by email_key collate \"C\"",
    )?;
    rows.into_iter().map(Row::user).collect()
}

/// One person.
pub async fn find(tx: &mut Tx, id: UserId) -> Result<Option<User>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select id, email, password_hash, role, is_enabled, last_sign_in from users where id = $1",
        id.to_string(),
    )?;
    row.map(Row::user).transpose()
}

/// The person with this address, in any case.
pub async fn find_by_email(tx: &mut Tx, email: &str) -> Result<Option<User>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select id, email, password_hash, role, is_enabled, last_sign_in from users where email_key = $1",
        email_key(email),
    )?;
    row.map(Row::user).transpose()
}

/// The administrator who was added first, of those who may sign in.
pub async fn first_administrator(tx: &mut Tx) -> Result<Option<User>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        Row,
        "select id, email, password_hash, role, is_enabled, last_sign_in from users
         where role = 'administrator' and is_enabled order by created_at, id limit 1",
    )?;
    row.map(Row::user).transpose()
}

/// How many people there are.
pub async fn count(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(sql::fetch_one!(tx, (i64,), "select count(*) from users")?.0)
}

/// How many administrators can sign in: enabled, and with a password.
pub async fn count_working_administrators(tx: &mut Tx) -> Result<i64, DbError> {
    let count = sql::fetch_one!(
        tx,
        (i64,),
        "select count(*) from users where role = 'administrator' and is_enabled and password_hash is not null",
    )?;
    Ok(count.0)
}

/// Adds a person; [`is_email_taken`] tells whether the address is in use.
pub async fn insert(tx: &mut Tx, user: &User, now: i64) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into users (id, email, email_key, password_hash, role, is_enabled, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        user.id.to_string(),
        user.email.trim(),
        email_key(&user.email),
        user.password_hash.as_deref(),
        user.role.as_str(),
        user.is_enabled,
        now,
    )?;
    Ok(())
}

/// Did [`insert`] fail because somebody has this address?
pub fn is_email_taken(error: &DbError) -> bool {
    error.is_duplicate("users_email_key", "users.email_key")
}

/// Changes a role; gives whether the person exists.
pub async fn set_role(tx: &mut Tx, id: UserId, role: Role) -> Result<bool, DbError> {
    let changed = sql::execute!(tx, "update users set role = $2 where id = $1", id.to_string(), role.as_str())?;
    Ok(changed == 1)
}

/// Enables or disables; gives whether the person exists.
pub async fn set_enabled(tx: &mut Tx, id: UserId, enabled: bool) -> Result<bool, DbError> {
    let changed = sql::execute!(tx, "update users set is_enabled = $2 where id = $1", id.to_string(), enabled)?;
    Ok(changed == 1)
}

/// Sets the hash of the password.
pub async fn set_password_hash(tx: &mut Tx, id: UserId, hash: &str) -> Result<(), DbError> {
    sql::execute!(tx, "update users set password_hash = $2 where id = $1", id.to_string(), hash)?;
    Ok(())
}

/// Records a sign-in.
pub async fn set_last_sign_in(tx: &mut Tx, id: UserId, now: i64) -> Result<(), DbError> {
    sql::execute!(tx, "update users set last_sign_in = $2 where id = $1", id.to_string(), now)?;
    Ok(())
}

/// Adds a one-time link under the hash of its token.
pub async fn insert_link(tx: &mut Tx, hash: &[u8], purpose: Purpose, now: i64, expires_at: i64) -> Result<(), DbError> {
    let (name, user) = match purpose {
        Purpose::SetUp => ("set_up", None),
        Purpose::Invitation(user) => ("invitation", Some(user.to_string())),
    };
    sql::execute!(
        tx,
        "insert into one_time_links (token_hash, purpose, user_id, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        hash,
        name,
        user,
        now,
        expires_at,
    )?;
    Ok(())
}

/// The link with this hash, used or not.
pub async fn find_link(tx: &mut Tx, hash: &[u8]) -> Result<Option<Link>, DbError> {
    let row = sql::fetch_optional!(
        tx,
        (String, Option<String>, i64, Option<i64>),
        "select purpose, user_id, expires_at, used_at from one_time_links where token_hash = $1",
        hash,
    )?;
    let Some((purpose, user, expires_at, used_at)) = row else { return Ok(None) };
    let purpose = match (purpose.as_str(), user) {
        ("set_up", None) => Purpose::SetUp,
        ("invitation", Some(user)) => Purpose::Invitation(parse("one_time_links.user_id", &user)?),
        _ => return Err(DbError::Corrupt("one_time_links.purpose")),
    };
    Ok(Some(Link { purpose, expires_at, is_used: used_at.is_some() }))
}

/// Uses a link up; gives whether it was still good. Of many at once, one gets `true`.
pub async fn use_link(tx: &mut Tx, hash: &[u8], now: i64) -> Result<bool, DbError> {
    let changed = sql::execute!(
        tx,
        "update one_time_links set used_at = $2 where token_hash = $1 and used_at is null and expires_at > $2",
        hash,
        now,
    )?;
    Ok(changed == 1)
}

/// Drops all set-up links.
pub async fn drop_set_up_links(tx: &mut Tx) -> Result<(), DbError> {
    sql::execute!(tx, "delete from one_time_links where purpose = 'set_up'").map(|_| ())
}

/// Drops all links of a person.
pub async fn drop_links_of(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    sql::execute!(tx, "delete from one_time_links where user_id = $1", user.to_string()).map(|_| ())
}

/// Failed sign-ins of an address (by its hash): how many, when the last one was, and until when none is accepted.
pub async fn failures(tx: &mut Tx, email_hash: &[u8]) -> Result<Option<(i64, i64, i64)>, DbError> {
    sql::fetch_optional!(
        tx,
        (i64, i64, i64),
        "select failures, last_at, blocked_until from sign_in_failures where email_hash = $1",
        email_hash,
    )
}

/// Records failed sign-ins of an address.
pub async fn set_failures(tx: &mut Tx, email_hash: &[u8], count: i64, now: i64, until: i64) -> Result<(), DbError> {
    sql::execute!(
        tx,
        "insert into sign_in_failures (email_hash, failures, last_at, blocked_until) values ($1, $2, $3, $4)
         on conflict (email_hash) do update
         set failures = excluded.failures, last_at = excluded.last_at, blocked_until = excluded.blocked_until",
        email_hash,
        count,
        now,
        until,
    )?;
    Ok(())
}

/// Forgets the failed sign-ins of an address.
pub async fn clear_failures(tx: &mut Tx, email_hash: &[u8]) -> Result<(), DbError> {
    sql::execute!(tx, "delete from sign_in_failures where email_hash = $1", email_hash).map(|_| ())
}

/// Drops failures and links that are long past: nothing refers to them.
pub async fn tidy_up(tx: &mut Tx, before: i64) -> Result<(), DbError> {
    sql::execute!(tx, "delete from sign_in_failures where last_at < $1 and blocked_until < $1", before)?;
    sql::execute!(tx, "delete from one_time_links where expires_at < $1", before)?;
    Ok(())
}

/// The sealed canary.
pub async fn canary(tx: &mut Tx) -> Result<Option<Vec<u8>>, DbError> {
    let row = sql::fetch_optional!(tx, (Vec<u8>,), "select sealed from secrets_canary where id = 'canary'")?;
    Ok(row.map(|(sealed,)| sealed))
}

/// Keeps the sealed canary; fails when there is one already.
pub async fn insert_canary(tx: &mut Tx, sealed: &[u8], now: i64) -> Result<(), DbError> {
    sql::execute!(tx, "insert into secrets_canary (id, sealed, created_at) values ('canary', $1, $2)", sealed, now,)?;
    Ok(())
}

/// Puts the canary in another sealing.
pub async fn replace_canary(tx: &mut Tx, sealed: &[u8]) -> Result<(), DbError> {
    sql::execute!(tx, "update secrets_canary set sealed = $1 where id = 'canary'", sealed)?;
    Ok(())
}

/// How many secrets are sealed in the database, beside the canary.
pub async fn count_secrets(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(sql::fetch_one!(tx, (i64,), "select count(*) from connections")?.0)
}
