//! What a simulated world is made of: its time, and the way between Ferry's own client and the receiver. Unlike the rest of
//! this crate it knows Ferry, because it takes the place of what Ferry stands on.

mod clock;
mod set_up;
mod wire;

pub use clock::SimClock;
pub use set_up::{
    CONNECTION, EXPORT, SMALL_EXPORT, add_small, put_snapshot, queue_run, segment, send_statuses, set_up, source,
};
pub use wire::{Way, Wire};
