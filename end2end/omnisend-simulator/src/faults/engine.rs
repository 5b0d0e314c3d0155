//! Which rules of a script hit a request, and what they add up to. Counts are kept for each rule.

use std::time::Duration;

use serde_json::{Value, json};

use super::Hold;
use super::items::{BatchEffects, Spoiler};
use super::script::{Action, RetryAfter, RetryIn, Rule, Script, fits};
use crate::chance;
use crate::clock;
use crate::problem::Answer;
use crate::wire::WireFault;

/// A script at work.
#[derive(Debug, Default)]
pub struct Engine {
    script: Script,
    counts: Vec<Count>,
    since: i64,
    seed: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    fitted: u64,
    hit: u64,
}

/// What rules are asked about.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub method: &'a str,
    /// Path after `/api`.
    pub path: &'a str,
    pub key: &'a str,
    pub contacts: usize,
    pub now: i64,
    pub request: u64,
}

/// Something that happens at the vendor because of a request, whoever asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    RevokeKey(u16),
    Unsubscribe { email: String, count: usize },
}

/// All that hits one request.
#[derive(Debug, Default)]
pub struct Effects {
    /// Name or number of the first rule that hit.
    pub rule: Option<String>,
    pub delay_before: Duration,
    pub delay_after: Duration,
    pub hang: bool,
    /// The connection ends before anything is done.
    pub reset_before: bool,
    /// Sent instead of doing what was asked.
    pub answer: Option<Answer>,
    /// Done to the answer on its way out.
    pub wire: Option<WireFault>,
    /// Share of the body after which it is cut.
    pub cut_share: Option<f64>,
    /// Requests a minute that others use up.
    pub others: u32,
    pub events: Vec<Event>,
    pub batch: BatchEffects,
}

impl Engine {
    pub fn new(script: Script, seed: u64, now: i64) -> Self {
        let counts = vec![Count::default(); script.rules.len()];
        Self { script, counts, since: now, seed }
    }

    /// How often each rule has hit so far.
    pub fn report(&self) -> Value {
        let rules = self.script.rules.iter().zip(&self.counts);
        rules.map(|(rule, count)| json!({"name": rule.name, "fitted": count.fitted, "hit": count.hit})).collect()
    }

    /// Counts the request and gathers what hits it.
    pub fn hit(&mut self, target: Target<'_>) -> Effects {
        let mut effects = Effects::default();
        let passed = target.now - self.since;
        for (place, (rule, count)) in self.script.rules.iter().zip(&mut self.counts).enumerate() {
            if !rule_fits(rule, target, passed) {
                continue;
            }
            count.fitted += 1;
            if !is_chosen(rule, *count, self.seed, place as u64) {
                continue;
            }
            count.hit += 1;
            let name = if rule.name.is_empty() { format!("rule {}", place + 1) } else { rule.name.clone() };
            effects.rule.get_or_insert(name);
            let spoiler = |errors| Spoiler { errors, seed: self.seed, rule: place as u64, nth: count.fitted };
            add(&mut effects, &rule.action, target, spoiler);
        }
        effects
    }
}

fn rule_fits(rule: &Rule, target: Target<'_>, passed: i64) -> bool {
    rule.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(target.method))
        && rule.path.as_deref().is_none_or(|path| fits(path, target.path))
        && rule.key.as_deref().is_none_or(|key| fits(key, target.key))
        && rule.contacts_at_least.is_none_or(|least| target.contacts >= least)
        && rule.after_ms.is_none_or(|ms| passed >= clock::millis(ms))
        && rule.until_ms.is_none_or(|ms| passed < clock::millis(ms))
}

fn is_chosen(rule: &Rule, count: Count, seed: u64, place: u64) -> bool {
    let nth = count.fitted;
    (rule.nth.is_empty() || rule.nth.contains(&nth))
        && rule.from.is_none_or(|from| nth >= from)
        && rule.to.is_none_or(|to| nth <= to)
        && rule.every.is_none_or(|every| every > 0 && nth.is_multiple_of(every))
        && rule.times.is_none_or(|times| count.hit < times)
        && rule.probability.is_none_or(|share| chance::draw(seed, [place, nth, u64::MAX]) < share)
}

fn add(
    effects: &mut Effects,
    action: &Action,
    target: Target<'_>,
    spoiler: impl Fn(super::script::ItemErrors) -> Spoiler,
) {
    match action {
        Action::Status { status, retry_after, retry_in, html } => {
            effects
                .answer
                .get_or_insert_with(|| status_answer(*status, retry_after.as_ref(), *retry_in, *html, target.request));
        }
        Action::Body { status, content_type, body, repeat } => {
            effects.answer.get_or_insert_with(|| body_answer(*status, content_type, body, *repeat));
        }
        Action::ResetBefore => effects.reset_before = true,
        Action::ResetAfter { at_byte } => {
            effects.wire = Some(WireFault::Cut { body_only: false, left: *at_byte, reset: true })
        }
        Action::CutBody { share } => effects.cut_share = Some(*share),
        Action::SlowBody { bytes, every_ms, head } => {
            let every = Duration::from_millis(*every_ms);
            effects.wire =
                Some(WireFault::Trickle { bytes: (*bytes).max(1), every, body_only: !head, left: 0, begun: false });
        }
        Action::Delay { ms, after: false } => effects.delay_before += Duration::from_millis(*ms),
        Action::Delay { ms, after: true } => effects.delay_after += Duration::from_millis(*ms),
        Action::Hang => effects.hang = true,
        Action::BatchHeld { status, for_ms } => {
            effects.batch.hold = Some(Hold { status: *status, until: for_ms.map(|ms| target.now + clock::millis(ms)) });
        }
        Action::BatchStopped { after } => effects.batch.stop_after = Some(*after),
        Action::BatchSlow { ms } => effects.batch.slower += clock::millis(*ms),
        Action::BatchTwice { after_ms } => effects.batch.again = Some(clock::millis(*after_ms)),
        Action::ItemErrors(errors) => effects.batch.items.push(spoiler(errors.clone())),
        Action::RevokeKey { status } => effects.events.push(Event::RevokeKey(*status)),
        Action::OtherTraffic { per_minute } => effects.others += per_minute,
        Action::Unsubscribe { email, count } => {
            effects.events.push(Event::Unsubscribe { email: email.clone(), count: *count });
        }
    }
}

fn status_answer(status: u16, retry_after: Option<&RetryAfter>, retry_in: RetryIn, html: bool, request: u64) -> Answer {
    let mut answer = if html { Answer::html(status) } else { Answer::plain_problem(status, request) };
    if status == 429 && !html {
        answer = Answer::problem(
            429,
            "rate-limit-exceeded",
            "Rate limit exceeded",
            "The brand has used up its requests.",
            request,
        );
    }
    let Some(retry_after) = retry_after else { return answer };
    let (value, text) = match retry_after {
        RetryAfter::Seconds(seconds) => (Value::from(*seconds), seconds.to_string()),
        RetryAfter::Text(text) => (Value::from(text.as_str()), text.clone()),
    };
    if retry_in != RetryIn::Header && !html {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Value::Object(fields) = &mut body {
            fields.insert("retryAfter".to_owned(), value);
        }
        answer.body = serde_json::to_vec(&body).unwrap_or_default().into();
    }
    if retry_in != RetryIn::Body {
        answer.headers.push(("retry-after", text));
    }
    answer
}

fn body_answer(status: u16, content_type: &str, body: &str, repeat: usize) -> Answer {
    let mut answer = Answer::raw(status, "", body.repeat(repeat.max(1)).into_bytes());
    answer.headers.push(("content-type", content_type.to_owned()));
    answer
}
