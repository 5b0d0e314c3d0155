//! Letting a simulation decide when the database does something. Outside of one, everything here does nothing.
//!
//! SQLite answers on threads of its own, at a moment that nobody can repeat. In steps, whoever asks it waits with their
//! whole thread, so that all that one world does is in one order; and what would take time in reality takes the time that
//! the simulation says.

use std::sync::Arc;

use futures::future::BoxFuture;

/// Waits, in the simulation's own time, before a transaction begins and after it was committed.
pub type Pause = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// How the answers of a database are waited for.
#[derive(Clone, Default)]
pub(super) enum Steps {
    /// As they come.
    #[default]
    Off,
    /// With the whole thread.
    On(Option<Pause>),
}

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_on() { "On" } else { "Off" })
    }
}

impl Steps {
    pub(super) fn is_on(&self) -> bool {
        matches!(self, Self::On(_))
    }

    pub(super) async fn pause(&self) {
        if let Self::On(Some(pause)) = self {
            pause().await;
        }
    }
}

/// Waits for an answer of SQLite; with the whole thread where `in_steps` says so.
pub(super) async fn answer<T>(in_steps: bool, work: impl Future<Output = T>) -> T {
    if in_steps { futures::executor::block_on(work) } else { work.await }
}
