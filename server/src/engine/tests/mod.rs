//! The engine against the real simulator over HTTP, with real databases, plans and ledgers.

mod brake;
mod broken;
mod changes;
mod claiming;
mod consent;
mod delivery;
mod dry_run;
mod faults;
mod life;
mod marking;
mod outside;
mod recheck;
mod resend;
mod slots;
mod stage;
mod traps;
