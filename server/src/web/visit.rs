//! The visit of one browser: its session cookie, and who it is now. Role and state of the person are read anew with each
//! request, so a change acts on the next one. When the database cannot say, nobody is let in.

use std::sync::Arc;
use std::time::Duration;

use app::error::AppError;
use app::services::{Answer, Note, Visit};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use domain::access::Actor;
use domain::id::UserId;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use super::{WebState, errors};
use crate::clock::SharedClock;
use crate::db::sessions::{Sessions, USER};
use crate::services::internal;

/// When the person signed in.
const SINCE: &str = "since";
/// When the session was last written because of a request.
const SEEN: &str = "seen";
/// The message for the next page.
const NOTE: &str = "note";

/// A session ends so long after sign-in, whatever happens.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// It ends so long after the last request.
const IDLE: Duration = Duration::from_secs(3600);
/// How often a request is written down: not with each one.
const TOUCH: Duration = Duration::from_secs(5 * 60);

/// The cookie layer. Over HTTPS the name binds the cookie to this host and to HTTPS. `Lax`: a link in a mail opens Ferry
/// signed in.
pub fn cookies(state: &WebState) -> SessionManagerLayer<Sessions> {
    let is_https = state.config.is_https();
    let store = Sessions::new(state.db.clone(), state.clock.clone());
    let longest = time::Duration::try_from(LONGEST).unwrap_or(time::Duration::HOUR);
    SessionManagerLayer::new(store)
        .with_name(if is_https { "__Host-ferry" } else { "ferry" })
        .with_secure(is_https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(longest))
}

/// The visit of this request, as it travels with it.
#[derive(Clone)]
pub struct Current(Arc<SessionVisit>);

impl Current {
    /// As pages want it.
    pub fn shared(&self) -> Arc<dyn Visit> {
        self.0.clone()
    }
}

struct SessionVisit {
    session: Session,
    actor: Option<Actor>,
    clock: SharedClock,
}

/// Finds out who it is and lets the request go on.
pub async fn layer(State(state): State<WebState>, session: Session, mut request: Request, next: Next) -> Response {
    let Ok(actor) = signed_in(&state, &session).await else { return errors::unavailable() };
    let visit = SessionVisit { session, actor, clock: state.clock.clone() };
    request.extensions_mut().insert(Current(Arc::new(visit)));
    next.run(request).await
}

async fn signed_in(state: &WebState, session: &Session) -> Answer<Option<Actor>> {
    let Some(user) = session.get::<UserId>(USER).await.map_err(internal)? else { return Ok(None) };
    let now = state.clock.now_micros();
    let since = session.get::<i64>(SINCE).await.map_err(internal)?.unwrap_or(0);
    let seen = session.get::<i64>(SEEN).await.map_err(internal)?.unwrap_or(0);
    let over = |start: i64, time: Duration| u128::try_from(now - start).is_ok_and(|passed| passed >= time.as_micros());
    let actor = match over(since, LONGEST) || over(seen, IDLE) {
        true => None,
        false => state.accounts.actor(user).await?,
    };
    if actor.is_none() {
        session.flush().await.map_err(internal)?;
    } else if over(seen, TOUCH) {
        session.insert(SEEN, now).await.map_err(internal)?;
    }
    Ok(actor)
}

#[async_trait::async_trait]
impl Visit for SessionVisit {
    fn actor(&self) -> Option<Actor> {
        self.actor.clone()
    }

    async fn enter(&self, user: UserId) -> Answer<()> {
        // Whatever an attacker planted before is left behind: all data goes, and the id is new.
        self.session.flush().await.map_err(internal)?;
        self.session.cycle_id().await.map_err(internal)?;
        let now = self.clock.now_micros();
        self.session.insert(USER, user).await.map_err(internal)?;
        self.session.insert(SINCE, now).await.map_err(internal)?;
        self.session.insert(SEEN, now).await.map_err(internal)
    }

    async fn leave(&self) -> Answer<()> {
        self.session.flush().await.map_err(internal)
    }

    async fn leave_note(&self, note: Note) -> Answer<()> {
        self.session.insert(NOTE, note).await.map_err(internal)
    }

    async fn take_note(&self) -> Answer<Option<Note>> {
        self.session.remove(NOTE).await.map_err(internal)
    }
}

/// The person as they are by now, for what goes on for longer than a moment.
///
/// # Errors
/// [`AppError::SignedOut`] when they have been disabled.
pub async fn anew(state: &WebState, actor: &Actor) -> Answer<Actor> {
    state.accounts.actor(actor.id).await?.ok_or(AppError::SignedOut)
}

/// The person of a request, for handlers outside the pages; refuses when nobody is signed in.
pub struct SignedIn(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let actor = parts.extensions.get::<Current>().and_then(|current| current.0.actor.clone());
        actor.map(Self).ok_or_else(|| errors::answer(&AppError::SignedOut, &parts.headers))
    }
}
