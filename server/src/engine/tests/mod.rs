//! The engine against the real simulator over HTTP, with real databases, plans and ledgers.

mod claiming;
mod delivery;
mod faults;
mod life;
mod slots;
mod stage;
