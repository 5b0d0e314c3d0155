//! Counts what is open, so that a test sees that no transaction stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The count. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct InUse(Arc<AtomicUsize>);

/// One that is open, until it is dropped.
#[derive(Debug)]
pub(super) struct One(InUse);

impl InUse {
    pub(super) fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::SeqCst);
        One(self.clone())
    }

    pub(super) fn is_any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
