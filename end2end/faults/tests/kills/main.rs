//! Kills of the real program: `ferry` is started, killed at random moments and started again, over SQLite and with two
//! replicas over Postgres, and the oracle looks after each round. `FERRY_KILLS` and `FERRY_KILL_SEED` say how many, and which.

mod life;
mod replicas;
mod start;
mod yard;
