//! Reads who has unsubscribed at the destination, before the plan of an export that sends subscription statuses is made:
//! they never get one from us. It changes nothing there.

use std::time::Duration;

use domain::run::RunReason;
use ferry_data::plan::AddressSet;

use super::EngineError;
use super::guard::Signal;
use super::pace::Pacer;
use super::retry::{Next, micros, next, wait_before_again};
use super::run::{Ending, Held, until_asked_again};
use crate::db::approvals;
use crate::db::pace::Lane;

/// Failures in a row after which the run is let go of for a while.
const PATIENCE: u32 = 6;
/// How long then.
const REST: Duration = Duration::from_secs(5 * 60);

/// All who have unsubscribed, or how the work on the run ends for now.
pub(super) async fn read(held: &Held) -> Result<Result<AddressSet, Ending>, EngineError> {
    let deps = &held.deps;
    let mut pacer = Pacer::new(deps, &held.brand, held.destination.limits());
    let mut found = AddressSet::default();
    let (mut after, mut failures, mut requests) = (None::<String>, 0, 0_u64);
    let ending = loop {
        if held.guard.signal() != Signal::GoOn {
            break Some(held.ending_of_signal());
        }
        let now = deps.clock.now_micros();
        let at = pacer.opens_at(deps, Lane::All).await?;
        if at > now {
            deps.clock.sleep(Duration::from_micros((at - now).max(1).unsigned_abs())).await;
            continue;
        }
        pacer.go(Lane::All);
        requests += 1;
        let key = held.guard.key();
        let answer = held.destination.list_unsubscribed(&key.secret, after.as_deref()).await;
        let error = match answer {
            Ok(page) => {
                pacer.taken(deps, Lane::All).await?;
                failures = 0;
                page.emails.iter().for_each(|email| found.insert(email));
                match page.next {
                    Some(next) => after = Some(next),
                    None => break None,
                }
                continue;
            }
            Err(error) => error,
        };
        match next(error.meaning) {
            Next::Slower { after } => pacer.refused(deps, Lane::All, now, after).await?,
            Next::Stop(reason) => {
                let until = until_asked_again(deps.clock.now_micros());
                let refused_key = Some(key.sealed.clone());
                break Some(Ending::Wait { reason, detail: error.detail, until, failures: 0, refused_key });
            }
            Next::Again { .. } | Next::AgainFewTimes(_) | Next::Divide | Next::Gone => {
                failures += 1;
                if failures >= PATIENCE {
                    let reason = RunReason::DestinationUnavailable;
                    let until = deps.clock.now_micros() + micros(REST);
                    break Some(Ending::Wait { reason, detail: error.detail, until, failures, refused_key: None });
                }
                deps.clock.sleep(wait_before_again(failures, None, deps.chance())).await;
            }
        }
    };
    let mut tx = deps.db.begin().await?;
    approvals::count_requests(&mut tx, held.claim.run, held.claim.fence, requests).await?;
    tx.commit().await?;
    Ok(match ending {
        Some(ending) => Err(ending),
        None => Ok(found),
    })
}
