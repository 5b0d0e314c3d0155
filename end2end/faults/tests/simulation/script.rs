//! What goes wrong in the world of a seed: at the receiver, on the way, and to Ferry's processes.

use std::time::Duration;

use ferry_faults::chance::Chance;
use omnisend_simulator::{Action, HoldStatus, ItemErrors, RetryAfter, RetryIn, Rule, Script};

/// What happens to Ferry from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The process is broken off, and starts again after a while.
    Crash { replica: usize, starts_after: Duration },
    /// The process stands still.
    Freeze { replica: usize, time: Duration },
    /// The key stops working.
    RevokeKey,
    /// It works again, and somebody says so.
    RestoreKey,
    /// Somebody cancels the run.
    Cancel,
    /// A run of a small export of the same account is queued.
    SmallRun,
    /// Somebody lets the run go on, if it is held.
    Approve,
    /// Somebody sets the clock of Ferry's machines: it is wrong by so many microseconds from here on.
    SetClock { wrong_by: i64 },
}

/// All that goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) replicas: usize,
    pub(crate) keeps_limits: bool,
    /// Do others use up requests?
    pub(crate) has_others: bool,
    pub(crate) faults: Script,
    /// The share of requests that find nobody.
    pub(crate) outage: f64,
    /// After what time since the run was queued what happens, in order.
    pub(crate) events: Vec<(Duration, Event)>,
    /// After this time nothing goes wrong any more.
    pub(crate) lasts: Duration,
}

impl Trouble {
    /// A world in which all goes well.
    pub(crate) fn none() -> Self {
        Self {
            replicas: 1,
            keeps_limits: false,
            has_others: false,
            faults: Script::default(),
            outage: 0.0,
            events: Vec::new(),
            lasts: Duration::ZERO,
        }
    }

    pub(crate) fn of(chance: &mut Chance) -> Self {
        let lasts = Duration::from_millis(chance.within(500..9_000));
        let replicas = if chance.happens(0.2) { 2 } else { 1 };
        let mut rules = Vec::new();
        for _ in 0..chance.within(0..5) {
            rules.push(rule(chance, lasts));
        }
        let mut events = Vec::new();
        for _ in 0..chance.within(0..5) {
            // Most of what can be hit happens soon.
            let at = lasts.mul_f64(chance.share().powi(3));
            let replica = chance.within(0..replicas as u64) as usize;
            let starts_after = Duration::from_millis(if chance.happens(0.5) { 0 } else { chance.within(0..5_000) });
            match chance.within(0..16) {
                0 => {
                    events.push((at, Event::RevokeKey));
                    events.push((at + Duration::from_secs(chance.within(1..15)), Event::RestoreKey));
                }
                1 => events.push((at, Event::Freeze { replica, time: Duration::from_secs(chance.within(5..45)) })),
                _ => events.push((at, Event::Crash { replica, starts_after })),
            }
        }
        events.sort_by_key(|(at, _)| *at);
        let has_others = rules.iter().any(|rule| matches!(rule.action, Action::OtherTraffic { .. }));
        let outage = if chance.happens(0.15) { chance.share() } else { 0.0 };
        let keeps_limits = chance.happens(0.4);
        Self { replicas, keeps_limits, has_others, faults: Script { rules }, outage, events, lasts }
    }

    /// After this time no copy of a request arrives any more.
    pub(crate) fn copies_come_within(&self) -> Duration {
        let has_copies = self.faults.rules.iter().any(|rule| matches!(rule.action, Action::BatchTwice { .. }));
        if has_copies { Duration::from_secs(5) } else { Duration::ZERO }
    }

    /// Somebody cancels the run, sooner or later.
    pub(crate) fn cancel(&mut self, chance: &mut Chance) {
        self.events.push((self.lasts.mul_f64(chance.share().powi(2)), Event::Cancel));
        self.events.sort_by_key(|(at, _)| *at);
    }

    /// Runs of a small export come, sooner or later.
    pub(crate) fn small_runs(&mut self, chance: &mut Chance) {
        for _ in 0..chance.within(1..4) {
            self.events.push((self.lasts.mul_f64(chance.share().powi(2)), Event::SmallRun));
        }
        self.events.sort_by_key(|(at, _)| *at);
    }

    /// Do runs of a small export come?
    pub(crate) fn has_small_runs(&self) -> bool {
        self.events.iter().any(|(_, event)| *event == Event::SmallRun)
    }

    /// Somebody sets the clock, once or several times, ahead or back.
    pub(crate) fn set_clock(&mut self, chance: &mut Chance) {
        for _ in 0..chance.within(1..4) {
            let wrong_by = chance.wrong_by();
            self.events.push((self.lasts.mul_f64(chance.share().powi(2)), Event::SetClock { wrong_by }));
        }
        self.events.sort_by_key(|(at, _)| *at);
    }

    /// Somebody looks whether the run is held, and people unsubscribe.
    pub(crate) fn approve_and_leave(&mut self, chance: &mut Chance, is_troubled: bool) {
        for ms in [400, 1_500, 5_000] {
            self.events.push((Duration::from_millis(ms), Event::Approve));
        }
        self.events.sort_by_key(|(at, _)| *at);
        if is_troubled && chance.happens(0.6) {
            let count = chance.within(1..4) as usize;
            let mut rule = Rule::always(Action::Unsubscribe { email: "*".to_owned(), count });
            rule.nth = (0..chance.within(1..6)).map(|_| chance.within(1..40)).collect();
            self.faults.rules.push(rule);
        }
    }
}

fn rule(chance: &mut Chance, lasts: Duration) -> Rule {
    let ms = |chance: &mut Chance, range: std::ops::Range<u64>| chance.within(range);
    let on_batches = |action| Rule::on("POST", "/batches", action);
    // What takes half a minute of the world's time is rarer than the rest.
    let kind = chance.within(0..18);
    let kind = if matches!(kind, 9 | 10) && chance.happens(0.7) { 6 } else { kind };
    let mut rule = match kind {
        0 | 1 => Rule::always(too_fast(chance)),
        2 => Rule::always(status(500)),
        3 => Rule::always(status(503)),
        4 => Rule::always(Action::Status { status: 524, retry_after: None, retry_in: RetryIn::Body, html: true }),
        5 => Rule::always(Action::ResetBefore),
        6 | 7 => Rule::always(Action::ResetAfter { at_byte: ms(chance, 0..200) as usize }),
        8 => Rule::always(Action::CutBody { share: chance.share() }),
        9 => Rule::always(Action::Hang),
        10 => Rule::always(Action::Delay { ms: 35_000, after: chance.happens(0.5) }),
        11 => on_batches(Action::BatchHeld { status: HoldStatus::InProgress, for_ms: Some(ms(chance, 100..12_000)) }),
        12 => on_batches(Action::BatchStopped { after: chance.share() }),
        13 => on_batches(Action::BatchTwice { after_ms: ms(chance, 0..4_000) }),
        14 => on_batches(Action::ItemErrors(item_errors(chance))),
        15 => Rule::always(Action::Body {
            status: 200,
            content_type: "text/html".to_owned(),
            body: "<html>".to_owned(),
            repeat: 1,
        }),
        16 => Rule::always(Action::OtherTraffic { per_minute: ms(chance, 50..390) as u32 }),
        _ => Rule::always(Action::Unsubscribe { email: "*".to_owned(), count: 1 }),
    };
    if chance.happens(0.5) {
        rule.probability = Some(0.02 + 0.4 * chance.share());
    } else {
        rule.nth = (0..chance.within(1..6)).map(|_| chance.within(1..40)).collect();
    }
    if matches!(rule.action, Action::Hang | Action::Delay { .. }) {
        rule.times = Some(chance.within(1..3));
    }
    rule.until_ms = u64::try_from(lasts.as_millis()).ok();
    rule
}

fn status(status: u16) -> Action {
    Action::Status { status, retry_after: None, retry_in: RetryIn::Body, html: false }
}

fn too_fast(chance: &mut Chance) -> Action {
    let retry_after = match chance.within(0..5) {
        0 => None,
        1 => Some(RetryAfter::Seconds(-1)),
        2 => Some(RetryAfter::Text("soon".to_owned())),
        _ => Some(RetryAfter::Seconds(chance.within(0..8) as i64)),
    };
    let retry_in = [RetryIn::Body, RetryIn::Header, RetryIn::Both][chance.within(0..3) as usize];
    Action::Status { status: 429, retry_after, retry_in, html: false }
}

fn item_errors(chance: &mut Chance) -> ItemErrors {
    let mut errors = ItemErrors::default();
    match chance.within(0..3) {
        // Certain people are refused, alone or with their whole batch.
        0 => {
            errors.email = format!("*{}@profile.example", chance.within(0..10));
            errors.whole_batch = chance.happens(0.5);
        }
        1 => (errors.status, errors.probability) = (503, 0.2),
        _ => (errors.status, errors.items) = (429, vec![chance.within(0..7) as usize]),
    }
    errors
}
