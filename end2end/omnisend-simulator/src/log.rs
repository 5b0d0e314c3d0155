//! The request log: one short record for each request, the newest kept. Tests hold a client's own
//! books against it. Keys are not in it; bodies only when a switch asks for them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::clock::to_text;
use crate::endpoint::Endpoint;

/// Records whose bodies are kept at most.
const BODIES_MAX: usize = 10_000;

/// One request.
#[derive(Debug, Clone)]
pub struct Record {
    /// Counted from 1; the `urn` in a problem document ends with it.
    pub number: u64,
    /// Microseconds since 1970 UTC, by the simulator's clock, when the limits were looked at.
    pub at: i64,
    /// Place of the brand; `None` when the key was not good.
    pub brand: Option<u32>,
    pub endpoint: Endpoint,
    /// The status that was decided on, even when a fault kept it from arriving; 0 when there was none.
    pub status: u16,
    /// Batch items, tag targets or contacts.
    pub items: u32,
    /// The rule of the fault script that hit.
    pub fault: Option<Box<str>>,
    /// Whether the request had its effect.
    pub served: bool,
    /// False when a fault broke the answer off.
    pub answered: bool,
    /// Equal for equal bodies; 0 for none.
    pub body_hash: u64,
    pub query: Box<str>,
    pub body: Option<Bytes>,
}

/// A record as the control endpoint and tests see it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    pub number: u64,
    /// RFC 3339 with milliseconds.
    pub at: String,
    /// Microseconds since 1970 UTC.
    pub at_micros: i64,
    #[serde(rename = "brandID")]
    pub brand_id: Option<String>,
    pub endpoint: Endpoint,
    pub status: u16,
    pub items: u32,
    pub fault: Option<String>,
    pub served: bool,
    pub answered: bool,
    /// Hexadecimal; equal for equal bodies.
    pub body_hash: String,
    pub query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// The newest requests, and counts over all of them.
#[derive(Debug, Default)]
pub struct RequestLog {
    records: VecDeque<Record>,
    capacity: usize,
    /// Which of all records ever have a body, counted from 0.
    bodies: VecDeque<u64>,
    counts: BTreeMap<(Endpoint, u16), u64>,
    total: u64,
}

impl RequestLog {
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), ..Self::default() }
    }

    pub fn push(&mut self, record: Record) {
        *self.counts.entry((record.endpoint, record.status)).or_default() += 1;
        if record.body.is_some() {
            self.bodies.push_back(self.total);
        }
        if self.bodies.len() > BODIES_MAX {
            let forgotten = self.total - self.records.len() as u64;
            let oldest = self.bodies.pop_front().and_then(|place| place.checked_sub(forgotten));
            if let Some(record) = oldest.and_then(|place| self.records.get_mut(place as usize)) {
                record.body = None;
            }
        }
        self.total += 1;
        if self.records.len() >= self.capacity {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    /// Records with a number above `since`, oldest first.
    pub fn since(&self, since: u64) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.number > since)
    }

    /// How many requests there were for each call and status.
    pub fn counts(&self) -> impl Iterator<Item = (Endpoint, u16, u64)> {
        self.counts.iter().map(|((endpoint, status), count)| (*endpoint, *status, *count))
    }

    /// All requests ever, those included that the log has forgotten.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl Record {
    /// The record for readers; `brand_id` is the id behind its brand.
    pub fn view(&self, brand_id: Option<String>) -> RecordView {
        RecordView {
            number: self.number,
            at: to_text(self.at),
            at_micros: self.at,
            brand_id,
            endpoint: self.endpoint,
            status: self.status,
            items: self.items,
            fault: self.fault.as_deref().map(str::to_owned),
            served: self.served,
            answered: self.answered,
            body_hash: format!("{:016x}", self.body_hash),
            query: self.query.to_string(),
            body: self.body.as_ref().map(|body| serde_json::from_slice(body).unwrap_or(Value::Null)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_records_and_the_newest_bodies_are_kept() {
        let mut log = RequestLog::new(BODIES_MAX + 5);
        let count = BODIES_MAX as u64 + 20;
        for number in 1..=count {
            log.push(Record {
                number,
                at: 0,
                brand: None,
                endpoint: Endpoint::ContactsList,
                status: 200,
                items: 0,
                fault: None,
                served: true,
                answered: true,
                body_hash: 0,
                query: Box::default(),
                body: Some(Bytes::from_static(b"{}")),
            });
        }
        let kept: Vec<&Record> = log.since(0).collect();
        assert_eq!((kept.len(), kept[0].number, log.total()), (BODIES_MAX + 5, 16, count));
        let without: Vec<u64> =
            kept.iter().filter(|record| record.body.is_none()).map(|record| record.number).collect();
        assert_eq!(without, [16, 17, 18, 19, 20]);
    }
}
