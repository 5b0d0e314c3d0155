//! A budget for each address on the ways in that can be guessed: sign-in and one-time links. Beside the delay for each
//! account (`services::accounts`), it slows down whoever tries one password with many accounts. Counted by each replica
//! for itself, in memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::error::AppError;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::client::Client;
use super::{WebState, errors};

/// Attempts that one address has in a [`WINDOW`]: enough for an office behind one address.
const ATTEMPTS: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);
/// More addresses than this are not kept apart; then the oldest counts are dropped.
const ADDRESSES: usize = 100_000;
/// The server functions that are counted.
const COUNTED: [&str; 3] = ["/api/session/sign-in", "/api/session/set-up", "/api/session/accept-invitation"];

/// The counts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Crowd(Arc<Mutex<HashMap<IpAddr, (Duration, u32)>>>);

impl Crowd {
    /// Counts an attempt at this time; `false` when there were too many.
    fn admits(&self, address: IpAddr, now: Duration) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= ADDRESSES {
            counts.retain(|_, (began, _)| now.saturating_sub(*began) < WINDOW);
        }
        if counts.len() >= ADDRESSES {
            counts.clear();
        }
        let (began, attempts) = counts.entry(network_of(address)).or_insert((now, 0));
        if now.saturating_sub(*began) >= WINDOW {
            (*began, *attempts) = (now, 0);
        }
        *attempts = attempts.saturating_add(1);
        *attempts <= ATTEMPTS
    }
}

/// Refuses attempts over the budget.
pub async fn layer(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let is_counted = request.method() == Method::POST && COUNTED.contains(&request.uri().path());
    let client = request.extensions().get::<Client>().and_then(|client| client.0);
    if let Some(address) = client.filter(|_| is_counted)
        && !state.crowd.admits(address, state.clock.monotonic())
    {
        return ([(header::RETRY_AFTER, "60")], errors::said(&AppError::TooMany)).into_response();
    }
    next.run(request).await
}

/// Whoever has an IPv6 address has a network of 2^64 of them.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_budget_each_minute_and_others_have_theirs() {
        let crowd = Crowd::default();
        let address = |text: &str| text.parse::<IpAddr>().expect(text);
        let start = Duration::from_secs(5);
        for _ in 0..ATTEMPTS {
            assert!(crowd.admits(address("2001:db8::1"), start));
        }
        assert!(!crowd.admits(address("2001:db8::2"), start), "the same network");
        assert!(crowd.admits(address("2001:db8:0:1::1"), start));
        assert!(crowd.admits(address("203.0.113.9"), start));
        assert!(crowd.admits(address("2001:db8::1"), start + WINDOW));
    }
}
