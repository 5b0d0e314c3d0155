//! What ended runs have left with an account: batches that the destination may still be working through, and copies of those
//! whose answer was lost. Worked off after the batches of a later run, they would bring older values back. So a run sends
//! nothing before they are finished, or before nobody would wait for them any longer.

use std::collections::HashSet;
use std::time::Duration;

use domain::run::RunReason;

use super::EngineError;
use super::asking::Asking;
use super::choose::listed_since;
use super::retry::{SETTLE_WITHIN, micros};
use super::run::{Ending, Held};
use crate::db::waits::{self, Left};
use crate::destinations::Stage;

/// How long the run is let go of before it looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A batch may appear late in the destination's list, and one whose answer was lost may only be arriving.
const LISTED_WITHIN: Duration = Duration::from_secs(60);
/// So long a batch that is not ours may be one whose answer was lost. Others make batches too, all the time.
const IN_DOUBT_FOR: Duration = Duration::from_secs(5 * 60);
/// By so much the clock may have been set ahead without anybody's notice.
const SET_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// How the work on the run ends for now, if it has to wait.
pub(super) async fn wait_for(held: &Held) -> Result<Option<Ending>, EngineError> {
    let now = held.deps.clock.now_micros();
    let trust = held.hands.trust(&held.deps);
    let ended_within = |time: Duration| now - micros(if trust.right_for < time { time + SET_AHEAD } else { time });
    let mut tx = held.deps.db.read().await?;
    let mut left = waits::left_open(&mut tx, &held.brand, ended_within(2 * SETTLE_WITHIN)).await?;
    let doubt = waits::last_doubt(&mut tx, &held.brand, ended_within(IN_DOUBT_FOR)).await?;
    drop(tx);
    let Some(listed_from) = left.iter().map(|left| left.at).chain(doubt).min() else { return Ok(None) };
    // By a clock that was set ahead it looks older than it is. Where that is only possible, whoever can say by its id whether
    // it is being worked on is asked, and nothing else is waited for.
    let at_least = now - micros(trust.right_for);
    let may_be_younger = |left: &&mut Left| !left.is_given_up && (trust.were_set || left.id.is_some());
    left.iter_mut().filter(may_be_younger).for_each(|left| left.at = left.at.max(at_least));
    let doubt = doubt.map(|at| if trust.were_set { at.max(at_least) } else { at });
    let doubt = doubt.filter(|at| *at > now - micros(IN_DOUBT_FOR));
    let is_within = |left: &Left, time: Duration| left.at > now - micros(time);
    // What nobody waits for any longer may be worked on for ever; then it is no sign of a batch in doubt either.
    let (fresh, late): (Vec<_>, Vec<_>) = left.into_iter().partition(|left| is_within(left, SETTLE_WITHIN));
    let late: HashSet<String> = late.into_iter().filter_map(|left| left.id).collect();
    let has_doubt = doubt.is_some() || fresh.iter().any(|left| left.id.is_none() && is_within(left, IN_DOUBT_FOR));
    let ids: HashSet<&String> = fresh.iter().filter_map(|left| left.id.as_ref()).collect();
    let in_question = fresh.iter().filter(|left| left.id.is_some() || is_within(left, IN_DOUBT_FOR));
    if in_question.count() == 0 && doubt.is_none() {
        return Ok(None);
    }
    let mut asking = Asking::of(held).await?;
    let mut seen = HashSet::new();
    let mut from = 0;
    let ending = loop {
        let page = asking.ask(|key| {
            let destination = held.destination.clone();
            async move { destination.list_batches(&key.secret, listed_since(listed_from), from).await }
        });
        let page = match page.await? {
            Ok(page) => page,
            Err(ending) => break Some(ending),
        };
        let is_ours = |id: &String| ids.contains(id) || has_doubt && !late.contains(id);
        if page.batches.iter().any(|batch| batch.stage == Stage::Working && is_ours(&batch.id)) {
            break Some(look_again_at(now + micros(LOOK_AGAIN)));
        }
        seen.extend(page.batches.into_iter().map(|batch| batch.id).filter(|id| ids.contains(id)));
        match page.next {
            Some(next) => from = next,
            None => {
                let is_unseen = |left: &&Left| left.id.as_ref().is_none_or(|id| !seen.contains(id));
                let unseen = fresh.iter().filter(is_unseen).map(|left| left.at + micros(LISTED_WITHIN)).max();
                break unseen.filter(|until| *until > now).map(look_again_at);
            }
        }
    };
    asking.over().await?;
    Ok(ending)
}

fn look_again_at(until: i64) -> Ending {
    let (reason, detail) = (RunReason::DestinationWorking, String::new());
    Ending::Wait { reason, detail, until, failures: 0, refused_key: None }
}
