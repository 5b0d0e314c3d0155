//! Batches: accepting them. Working them off is in [`store`], showing them in [`view`].

pub mod store;
pub mod view;

use bytes::Bytes;

use crate::call::Call;
use crate::chance;
use crate::clock;
use crate::contacts::validate::{self, Rules};
use crate::json::Json;
use crate::problem::{Answer, FieldFault};
use crate::query::Query;
use crate::world::Job;
use store::{Batch, Carries, ItemWork};

/// A batch request that was read and checked.
#[derive(Debug)]
pub struct BatchAsk {
    carries: Carries,
    method: String,
    origin: String,
    items: Vec<ItemWork>,
    /// The e-mail of each item, for fault scripts.
    emails: Vec<String>,
    source: Bytes,
}

/// A batch, or all faults of its envelope.
pub type CheckedBatch = Result<BatchAsk, Vec<FieldFault>>;

/// Reads and checks a batch and each of its items. A bad item does not refuse the batch here.
pub fn check(body: &Bytes, rules: Rules<'_>) -> CheckedBatch {
    let json = Json::read(body).map_err(|message| vec![FieldFault::new("", "invalid_json", message)])?;
    let mut faults = Vec::new();
    let mut word = |name: &str, known: &[&str]| match json.get(name).map(Json::as_text) {
        Some(Some(text)) if known.contains(&text) => text.to_owned(),
        None => {
            faults.push(FieldFault::required(name));
            String::new()
        }
        Some(_) => {
            faults.push(FieldFault::format(name, format!("Must be one of {}.", known.join(", "))));
            String::new()
        }
    };
    let endpoint = word("endpoint", &["products", "contacts", "events", "categories"]);
    let method = word("method", &["POST", "PUT"]);
    let carries = Carries::from_text(&endpoint);
    let most = rules.switches.batch_items_max;
    let items = match json.get("items") {
        None | Some(Json::Null) => {
            faults.push(FieldFault::required("items"));
            &[][..]
        }
        Some(Json::List(items)) if (1..=most).contains(&items.len()) => items.as_slice(),
        Some(Json::List(_)) => {
            faults.push(FieldFault::new("items", "out_of_range", format!("Must have between 1 and {most} items.")));
            &[][..]
        }
        Some(_) => {
            faults.push(FieldFault::format("items", "Must be a list."));
            &[][..]
        }
    };
    let work: Vec<ItemWork> = items.iter().map(|item| item_work(item, carries, rules)).collect();
    if rules.switches.strict_batches {
        faults.extend(work.iter().enumerate().flat_map(|(place, item)| item.faults_at(place)));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let emails = items.iter().map(|item| email_of(item).to_owned()).collect();
    let origin = json.get("origin").and_then(Json::as_text).unwrap_or("api").to_owned();
    Ok(BatchAsk { carries, method, origin, items: work, emails, source: body.clone() })
}

fn item_work(item: &Json<'_>, carries: Carries, rules: Rules<'_>) -> ItemWork {
    if carries != Carries::Contacts {
        return ItemWork::Other;
    }
    match validate::contact(item, rules) {
        Ok(write) => ItemWork::Write(Box::new(write)),
        Err(faults) => ItemWork::Bad(faults),
    }
}

fn email_of<'v>(item: &'v Json<'_>) -> &'v str {
    let identifiers = item.get("identifiers").and_then(Json::as_list).unwrap_or_default();
    let email = identifiers.iter().find(|identifier| identifier.get("type").and_then(Json::as_text) == Some("email"));
    email.and_then(|identifier| identifier.get("id")).and_then(Json::as_text).unwrap_or_default()
}

/// `POST /batches`.
pub fn create(call: &mut Call<'_>, checked: CheckedBatch) -> Answer {
    if let Err(faults) = Query::parse(call.query, &[]) {
        return Answer::invalid(&faults, call.request);
    }
    let mut ask = match checked {
        Ok(ask) => ask,
        Err(faults) => return Answer::invalid(&faults, call.request),
    };
    let total = ask.items.len();
    if let Err(refused) = call.key.require(ask.carries.write_scope(), call.request) {
        return refused.with_items(total);
    }
    let effects = std::mem::take(&mut call.batch_effects);
    if let Err((status, faults)) = effects.spoil(&mut ask.items, &ask.emails) {
        let answer = match status {
            500.. => Answer::plain_problem(status, call.request),
            _ => Answer::invalid(&faults, call.request),
        };
        return answer.with_items(total);
    }
    let number = call.brand.batches.next_number();
    let (started, ended) = times(call, number, total, effects.slower);
    let mut batch = Batch::new(call.now, started, ended, ask.carries, ask.method, ask.origin, ask.items, ask.source);
    batch.stop_after = effects.stop_after;
    batch.hold = effects.hold;
    if let Some(later) = effects.again {
        let again = batch.items_again();
        call.brand.jobs.push(ended + later, Job::BatchAgain { items: again });
    }
    let due = match &batch.hold {
        None => Some(ended),
        Some(hold) => hold.until,
    };
    if let Some(due) = due {
        call.brand.jobs.push(due.max(ended), Job::Batch { number });
    }
    let answer = serde_json::json!({"batchID": batch.id(call.brand.index, number), "totalCount": total});
    call.brand.batches.add(batch);
    Answer::json(201, &answer).with_items(total)
}

/// When the service begins and ends a batch.
fn times(call: &mut Call<'_>, number: u32, items: usize, slower: i64) -> (i64, i64) {
    let switches = &call.switches;
    let mut delay = clock::millis(switches.batch_delay_ms) + slower;
    if switches.batches_out_of_order {
        let stretch = 1.0 + 2.0 * chance::draw(call.seed, [u64::from(call.brand.index), u64::from(number), 0]);
        delay = (delay as f64 * stretch) as i64;
    }
    let mut ended = call.now + delay;
    if let Some(work) = (items as u64 * 1_000_000).checked_div(switches.batch_contacts_per_second) {
        let begin = call.brand.batches.free_at.max(call.now);
        call.brand.batches.free_at = begin + i64::try_from(work).unwrap_or(i64::MAX / 4);
        ended = ended.max(call.brand.batches.free_at);
    }
    (call.now + (ended - call.now) / 3, ended)
}
