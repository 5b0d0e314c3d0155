//! What the handlers share.

use std::sync::Arc;

use app::services::Services;
use axum::extract::FromRef;

use crate::clock::SharedClock;
use crate::config::Config;
use crate::db::Database;
use crate::services::accounts::AccountsService;

/// Cheap to clone.
#[derive(Clone)]
pub struct WebState {
    /// All that a screen may ask for.
    pub services: Services,
    /// Who a session belongs to.
    pub accounts: AccountsService,
    /// For sessions and health alone.
    pub db: Database,
    /// The time.
    pub clock: SharedClock,
    /// The settings.
    pub config: Arc<Config>,
    /// Counts attempts by address.
    pub crowd: super::crowd::Crowd,
}

impl FromRef<WebState> for Services {
    fn from_ref(state: &WebState) -> Self {
        state.services.clone()
    }
}
