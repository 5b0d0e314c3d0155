//! The engine against the real simulator over HTTP, with real databases, plans and ledgers.

mod address;
mod brake;
mod broken;
mod changes;
mod claiming;
mod clock;
mod consent;
mod delivery;
mod dry_run;
mod faults;
mod labelled;
mod left_out;
mod leftovers;
mod life;
mod marking;
mod moments;
mod outside;
mod quick_clock;
mod recheck;
mod resend;
mod restore;
mod rights;
mod slots;
mod stage;
mod stuck;
mod traps;
