//! The rules of consent: which status stands, when a welcome message goes out, what is written into
//! the consent log. The newest status date wins, whoever sends it.

use serde::Serialize;

use crate::contacts::record::{Channel, ChannelWrite, Contact, ContactWrite, Status, StatusAt};
use crate::options::Switches;

/// Statuses and consents that one contact remembers.
const HISTORY_MAX: usize = 50;

/// One status that a request sent, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentEvent {
    pub at: i64,
    pub slot: u32,
    pub channel: Channel,
    /// `None` for a contact that this request created.
    pub from: Option<Status>,
    pub to: Status,
    pub status_date: i64,
    /// False when an older date or a switch made it count for nothing.
    pub taken: bool,
    pub welcome: bool,
}

/// What must never grow by itself in a well-behaved client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentCounters {
    /// Messages that the welcome workflow would have sent.
    pub welcome_messages: u64,
    /// `unsubscribed` turned into `subscribed`.
    pub resubscribed: u64,
    /// Statuses with a date that was not newer.
    pub older_statuses_ignored: u64,
    /// `consent: {}`, which counts as consent given now.
    pub empty_consents: u64,
}

/// Lays the statuses and consents of a write over a contact.
pub fn apply(
    contact: &mut Contact,
    slot: u32,
    write: &ContactWrite,
    created: bool,
    now: i64,
    switches: &Switches,
    counters: &mut ConsentCounters,
) -> Vec<ConsentEvent> {
    let mut events = Vec::new();
    for sent in &write.statuses {
        events.push(apply_status(contact, slot, sent, created, now, switches, counters));
    }
    for consent in &write.consents {
        counters.empty_consents += u64::from(consent.empty);
        let more = contact.more_mut();
        let mut kept = consent.clone();
        kept.created = Some(consent.created.unwrap_or(now));
        if more.consents.len() < HISTORY_MAX {
            more.consents.push(kept);
        }
    }
    events
}

fn apply_status(
    contact: &mut Contact,
    slot: u32,
    sent: &ChannelWrite,
    created: bool,
    now: i64,
    switches: &Switches,
    counters: &mut ConsentCounters,
) -> ConsentEvent {
    let current = contact.channel(sent.channel);
    let date = sent.at.unwrap_or(now);
    let newer = current.at.is_none_or(|at| date > at);
    let kept_by_switch = sent.status == Status::NonSubscribed
        && current.status == Status::Subscribed
        && current.at.is_some()
        && !switches.non_subscribed_overwrites;
    let taken = newer && !kept_by_switch;
    let mut welcome = false;
    if taken {
        set(contact, sent.channel, StatusAt { status: sent.status, at: Some(date) });
        let joins = sent.status == Status::Subscribed && (created || current.status != Status::Subscribed);
        welcome = joins && sent.welcome;
        counters.welcome_messages += u64::from(welcome);
        counters.resubscribed += u64::from(joins && current.status == Status::Unsubscribed);
    } else if !newer {
        counters.older_statuses_ignored += 1;
    }
    let from = (!created).then_some(current.status);
    ConsentEvent { at: now, slot, channel: sent.channel, from, to: sent.status, status_date: date, taken, welcome }
}

fn set(contact: &mut Contact, channel: Channel, value: StatusAt) {
    if channel == Channel::Email {
        contact.email_status = value;
    }
    let more = contact.more_mut();
    if channel == Channel::Sms {
        more.sms = Some(value);
    }
    if more.statuses.len() >= HISTORY_MAX {
        more.statuses.remove(0);
    }
    more.statuses.push((channel, value.status, value.at.unwrap_or_default()));
}

impl ConsentCounters {
    /// Adds another brand's counts.
    pub fn add(&mut self, other: Self) {
        self.welcome_messages += other.welcome_messages;
        self.resubscribed += other.resubscribed;
        self.older_statuses_ignored += other.older_statuses_ignored;
        self.empty_consents += other.empty_consents;
    }
}
