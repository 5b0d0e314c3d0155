//! Slows down guessing: from the fifth failed sign-in of an address on, the next one is only looked at after a delay
//! that doubles each time. Kept in the database, so it holds across replicas and restarts. Nobody is locked out for good.

use std::time::Duration;

use app::error::AppError;
use app::services::Answer;
use sha2::{Digest as _, Sha256};

use super::micros;
use crate::clock::Clock;
use crate::db::accounts::{self as rows, email_key};
use crate::db::{Database, Topic, Tx};
use crate::services::internal;

/// Failures that cost nothing.
const FREE: i64 = 4;
/// The longest delay.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After so long without a failure, they are forgotten.
const FORGET: Duration = Duration::from_secs(3600);

/// An address, as it is counted: hashed, because it may be somebody's who has no account here.
pub(super) struct Address(Vec<u8>);

impl Address {
    pub(super) fn of(email: &str) -> Self {
        Self(Sha256::new().chain_update(b"sign-in ").chain_update(email_key(email)).finalize().to_vec())
    }
}

/// Counts an attempt as failed until [`forget`] says otherwise.
///
/// # Errors
/// [`AppError::TooMany`] while the delay lasts; then the attempt is not counted.
pub(super) async fn count_attempt(db: &Database, clock: &dyn Clock, address: &Address) -> Answer<()> {
    let now = clock.now_micros();
    let mut tx = db.begin().await.map_err(internal)?;
    tx.lock(Topic::SignIns).await.map_err(internal)?;
    let before = rows::failures(&mut tx, &address.0).await.map_err(internal)?;
    let failures = match before {
        Some((_, _, blocked_until)) if blocked_until > now => return Err(AppError::TooMany),
        Some((failures, last_at, _)) if now - last_at < micros(FORGET) => failures,
        Some(_) | None => 0,
    } + 1;
    let until = now + micros(delay_after(failures));
    rows::set_failures(&mut tx, &address.0, failures, now, until).await.map_err(internal)?;
    tx.commit().await.map_err(internal)
}

/// The attempt was right after all.
pub(super) async fn forget(tx: &mut Tx, address: &Address) -> Answer<()> {
    rows::clear_failures(tx, &address.0).await.map_err(internal)
}

fn delay_after(failures: i64) -> Duration {
    match u32::try_from(failures - FREE) {
        Ok(0) | Err(_) => Duration::ZERO,
        Ok(over) => Duration::from_secs(1_u64.checked_shl(over - 1).unwrap_or(u64::MAX)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_from_the_fifth_failure_and_has_an_end() {
        let seconds: Vec<u64> = [1, 4, 5, 6, 7, 14, 15, 70, 1000].map(|n| delay_after(n).as_secs()).into();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 512, 900, 900, 900]);
    }
}
