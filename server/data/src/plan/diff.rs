//! Wanted and ledger side by side, both in the order of the addresses: what is to be done about each address. One pass,
//! one address in memory.
//!
//! | wanted | in the ledger | done |
//! |---|---|---|
//! | yes | no | sent; its tags added, once it is accepted |
//! | yes, another payload | yes | sent; missing tags added, surplus tags removed |
//! | yes, the same payload | yes | not sent; tags as above |
//! | no | yes | never sent; all its tags removed, and it leaves the ledger when that is confirmed |
//!
//! A tag in doubt counts as missing where it is to be added, and as present where it is to be removed.
//!
//! Where members are marked by properties, membership is part of the payload, and what is to be taken from somebody who
//! is sent goes with their payload too.
//!
//! Tags of inactive segments are neither added nor removed, and a tag that this export gives no more stays with those to
//! whom another export of the account gives it. Where several members share an address, the one with the
//! smallest key goes, the others are held back, and the contact carries the tags of them all.

use domain::run::RowReason;

use super::chosen::Chosen;
use super::files::LedgerCursor;
use super::left::Left;
use super::marks::Marks;
use super::others::Others;
use super::payload::{has_status, hash};
use super::writers::{PlanRow, PlanWriter};
use super::{PlanSummary, tags};
use crate::error::Result;

/// What makes a member unfit to be sent, found while its values were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Missing,
    Invalid,
}

/// A member, as it comes in the order of (address, key). Members without an address come first, under an empty one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) email: &'a str,
    pub(super) key: &'a str,
    pub(super) fault: Option<Fault>,
    pub(super) tags: &'a [u8],
    pub(super) hash: &'a [u8],
    /// Phone numbers and days that the payload is without, because they cannot be read.
    pub(super) left_out: u8,
    /// The payload; for an address that is none, what stands in its place.
    pub(super) payload: &'a str,
}

/// The contact that the members at hand share.
#[derive(Debug, Default)]
struct Contact {
    email: String,
    key: String,
    tags: Vec<u8>,
    hash: Vec<u8>,
    payload: String,
    /// Is the plan about it?
    is_chosen: bool,
}

/// The comparison, while it goes.
pub(super) struct Differ {
    ledger: LedgerCursor,
    plan: PlanWriter,
    /// All tags that occur, in the order of their bits.
    tags: Vec<String>,
    /// The tags that stay as they are, for everybody and for the contact at hand.
    frozen: Vec<u8>,
    stays: Vec<u8>,
    others: Others,
    none: Vec<u8>,
    add: Vec<u8>,
    remove: Vec<u8>,
    contact: Contact,
    has_contact: bool,
    chosen: Chosen,
    marks: Marks,
    left: Left,
    summary: PlanSummary,
}

impl Differ {
    #[expect(clippy::too_many_arguments, reason = "the opened parts of one pass, put together once")]
    pub(super) fn new(
        ledger: LedgerCursor,
        plan: PlanWriter,
        tags: Vec<String>,
        frozen: Vec<u8>,
        chosen: Chosen,
        others: Others,
        marks: Marks,
        left: Left,
    ) -> Self {
        let none = vec![0; tags::width(tags.len())];
        Self {
            ledger,
            plan,
            tags,
            stays: frozen.clone(),
            frozen,
            others,
            add: none.clone(),
            remove: none.clone(),
            none,
            contact: Contact::default(),
            has_contact: false,
            chosen,
            marks,
            left,
            summary: PlanSummary::default(),
        }
    }

    /// Takes the next member.
    pub(super) fn push(&mut self, wanted: Wanted<'_>) -> Result<()> {
        let is_chosen = self.chosen.has(wanted.key);
        self.summary.members += u64::from(is_chosen);
        if let Some(fault) = wanted.fault {
            if !is_chosen {
                return Ok(());
            }
            self.summary.rejected += 1;
            let (email, reason) = match fault {
                Fault::Missing => ("", RowReason::EmailMissing),
                Fault::Invalid => (wanted.payload, RowReason::EmailInvalid),
            };
            return self.plan.push(troubled(email, wanted.key, reason, &self.none));
        }
        if self.has_contact && self.contact.email == wanted.email {
            tags::join(&mut self.contact.tags, wanted.tags);
            if !is_chosen {
                return Ok(());
            }
            self.summary.held += 1;
            return self.plan.push(troubled(wanted.email, wanted.key, RowReason::EmailRepeated, &self.none));
        }
        self.settle()?;
        let contact = &mut self.contact;
        for (text, value) in
            [(&mut contact.email, wanted.email), (&mut contact.key, wanted.key), (&mut contact.payload, wanted.payload)]
        {
            text.clear();
            text.push_str(value);
        }
        for (bytes, value) in [(&mut contact.tags, wanted.tags), (&mut contact.hash, wanted.hash)] {
            bytes.clear();
            bytes.extend_from_slice(value);
        }
        contact.is_chosen = is_chosen;
        self.has_contact = true;
        self.summary.left_out_values += if is_chosen { u64::from(wanted.left_out) } else { 0 };
        Ok(())
    }

    /// Ends the plan, with the leavers at the end of the ledger.
    pub(super) fn finish(mut self, names: Vec<String>) -> Result<PlanSummary> {
        self.settle()?;
        while self.ledger.email().is_some() {
            self.leave()?;
        }
        self.summary.tags = names;
        self.plan.finish(self.summary, self.tags)
    }

    /// Decides about the contact at hand, after everybody in the ledger before it.
    fn settle(&mut self) -> Result<()> {
        if !self.has_contact {
            return Ok(());
        }
        self.has_contact = false;
        while self.ledger.email().is_some_and(|email| email < self.contact.email.as_str()) {
            self.leave()?;
        }
        let stands = self.ledger.email() == Some(self.contact.email.as_str());
        if !self.contact.is_chosen {
            return if stands { self.ledger.advance() } else { Ok(()) };
        }
        if self.marks.are_sent() {
            self.marks.write(&mut self.contact.payload, &self.contact.tags);
            self.contact.hash = hash(&self.contact.payload).to_vec();
        }
        let is_sent = !(stands && self.ledger.hash() == self.contact.hash);
        // Whose contact may be missing is waited for like somebody new.
        let in_ledger = stands && !self.ledger.may_be_missing();
        if stands {
            tags::without(&mut self.add, &self.contact.tags, self.ledger.tags());
            self.remove.copy_from_slice(self.ledger.tags());
            tags::join(&mut self.remove, self.ledger.in_doubt());
            tags::subtract(&mut self.remove, &self.contact.tags);
            self.stays.copy_from_slice(&self.frozen);
            tags::join(&mut self.stays, self.others.held_by(&self.contact.email)?);
            tags::subtract(&mut self.remove, &self.stays);
        } else {
            self.add.copy_from_slice(&self.contact.tags);
            self.remove.fill(0);
        }
        if is_sent {
            // No part of the hash: said once, it is not said again.
            self.marks.clear(&mut self.contact.payload, &self.remove);
        }
        if is_sent || !tags::is_empty(&self.add) || !tags::is_empty(&self.remove) {
            let row = self.summary.to_send;
            self.plan.push(PlanRow {
                email: &self.contact.email,
                key: Some(&self.contact.key),
                row: is_sent.then_some(row),
                payload: is_sent.then_some(&self.contact.payload),
                hash: is_sent.then_some(&self.contact.hash),
                in_ledger,
                is_member: true,
                add: &self.add,
                remove: &self.remove,
                reason: None,
            })?;
        }
        self.summary.to_send += u64::from(is_sent);
        self.summary.statuses += u64::from(is_sent && has_status(&self.contact.payload));
        self.summary.new_contacts += u64::from(is_sent && !in_ledger);
        self.summary.returned += u64::from(is_sent && !in_ledger && self.left.has(&self.contact.email));
        self.summary.unchanged += u64::from(!is_sent);
        if stands { self.ledger.advance() } else { Ok(()) }
    }

    /// Decides about the address at the ledger's cursor, which is nobody's any more.
    fn leave(&mut self) -> Result<()> {
        if !self.chosen.is_everybody() {
            return self.ledger.advance();
        }
        self.stays.copy_from_slice(&self.frozen);
        tags::join(&mut self.stays, self.others.held_by(self.ledger.email().unwrap_or_default())?);
        self.remove.copy_from_slice(self.ledger.tags());
        tags::join(&mut self.remove, self.ledger.in_doubt());
        let keeps_a_tag = self.remove.iter().zip(&self.stays).any(|(tags, stays)| tags & stays != 0);
        tags::subtract(&mut self.remove, &self.stays);
        // Someone who carries only tags that are not this export's to take stays as they are.
        if !tags::is_empty(&self.remove) || !keeps_a_tag {
            self.summary.leavers += 1;
            self.plan.push(PlanRow {
                email: self.ledger.email().unwrap_or_default(),
                key: None,
                row: None,
                payload: None,
                hash: None,
                in_ledger: true,
                is_member: false,
                add: &self.none,
                remove: &self.remove,
                reason: None,
            })?;
        }
        self.ledger.advance()
    }
}

/// A member who does not go, and why.
fn troubled<'a>(email: &'a str, key: &'a str, reason: RowReason, none: &'a [u8]) -> PlanRow<'a> {
    PlanRow {
        email,
        key: Some(key),
        row: None,
        payload: None,
        hash: None,
        in_ledger: false,
        is_member: true,
        add: none,
        remove: none,
        reason: Some(reason),
    }
}
