//! The real program in trouble: `ferry` is started, killed at random moments and started again, over SQLite and with two
//! replicas over Postgres; its database goes away, its disk is full, its clock is set, it is looked at by a crowd. The
//! oracle looks after each round. `FERRY_KILLS` and `FERRY_KILL_SEED` say how many, and which.

use ferry_faults::settings;

mod disk;
mod gauge;
mod life;
mod links;
mod locked;
mod own_postgres;
mod replicas;
mod small_disk;
mod soak;
mod start;
mod visitor;
mod watchers;
mod wrong_clock;
mod yard;

/// So many faults of a kind where 200 kills are asked for, and more or fewer in proportion.
fn share(of_two_hundred: u64) -> u64 {
    (settings::number("FERRY_KILLS", 200) * of_two_hundred).div_ceil(200)
}
