//! I1, I2, I3, I5, I7 and I9: what the receiver has, against what Ferry says and what the test expects. Pure.

use std::collections::BTreeMap;

use omnisend_simulator::Endpoint;
use serde_json::Value;

use super::{Person, Seen, Told};

fn number(row: &Value, name: &str) -> u64 {
    row[name].as_u64().unwrap_or_default()
}

pub(super) fn completeness(runs: &[Value], seen: &Seen, told: &Told) -> Vec<String> {
    let mut broken = Vec::new();
    for run in runs.iter().filter(|run| !run["finished_at"].is_null()) {
        let parts = ["accepted", "unchanged", "rejected", "held", "unconfirmed"];
        let sum: u64 = parts.iter().map(|part| number(run, part)).sum();
        if sum != number(run, "members") {
            broken.push(format!("I1: the counts of a run do not add up: {run}"));
        }
    }
    for email in seen.people.keys().filter(|email| !told.ever.contains(*email)) {
        broken.push(format!("I1: {email} arrived and was never a member"));
    }
    let mut newest: BTreeMap<&str, &Value> = BTreeMap::new();
    for run in runs.iter().filter(|run| run["state"] != "skipped") {
        newest.insert(run["export_id"].as_str().unwrap_or_default(), run);
    }
    let all_went_well = newest.values().all(|run| run["state"] == "successful");
    let open: u64 =
        newest.values().flat_map(|run| ["rejected", "held", "unconfirmed"].map(|part| number(run, part))).sum();
    let has_ended_itself =
        newest.values().all(|run| run["state"] == "successful" || run["state"] == "completed_with_errors");
    let wrong = differences(seen, told);
    if all_went_well && !wrong.is_empty() && !newest.is_empty() {
        broken.push(format!("I1: all went well, they say, but {} are wrong: {:?}", wrong.len(), wrong.first()));
    } else if has_ended_itself && wrong.len() as u64 > open {
        broken.push(format!("I1: {open} rows are reported, but {} are wrong: {:?}", wrong.len(), wrong.first()));
    }
    broken
}

/// Who is not at the receiver as expected.
fn differences(seen: &Seen, told: &Told) -> Vec<String> {
    let ours = |person: &Person| Person {
        name: person.name.clone(),
        tags: person.tags.iter().filter(|tag| tag.starts_with(&told.tag_prefix)).cloned().collect(),
    };
    let mut wrong = Vec::new();
    for (email, expected) in &told.people {
        match seen.people.get(email).map(ours) {
            Some(found) if found == *expected => {}
            found => wrong.push(format!("{email} should be {expected:?} and is {found:?}")),
        }
        let status = seen.statuses.get(email).map(String::as_str);
        if told.opt_ins.contains_key(email) && status == Some("nonSubscribed") {
            wrong.push(format!("{email} opted in and is {status:?}"));
        }
    }
    for (email, person) in &seen.people {
        let is_tagged = person.tags.iter().any(|tag| tag.starts_with(&told.tag_prefix));
        if is_tagged && !told.people.contains_key(email) {
            wrong.push(format!("{email} left and kept {:?}", person.tags));
        }
    }
    wrong
}

pub(super) fn repetition(batches: &[Value], seen: &Seen, told: &Told) -> Vec<String> {
    let mut broken = Vec::new();
    let kinds: [(&str, &[&str], &[Endpoint]); 2] = [
        ("contacts", &["upsert"], &[Endpoint::BatchCreate]),
        ("tags", &["add_tag", "remove_tag"], &[Endpoint::TagsAdd, Endpoint::TagsRemove, Endpoint::ContactPatchByEmail]),
    ];
    for (name, kinds, endpoints) in kinds {
        let ours = || batches.iter().filter(|batch| batch["kind"].as_str().is_some_and(|kind| kinds.contains(&kind)));
        let is = |batch: &&Value, states: &[&str]| batch["state"].as_str().is_some_and(|state| states.contains(&state));
        let intents: u64 = ours().map(|batch| number(batch, "attempts")).sum();
        let tried = || ours().filter(|batch| number(batch, "attempts") > 0);
        let once = tried().filter(|batch| !is(batch, &["split", "refused"])).count() as u64;
        let claimed = tried().filter(|batch| is(batch, &["sent", "settled"])).count() as u64;
        let (taken, lost) = seen.taken(endpoints);
        if taken > intents {
            broken.push(format!("I2: {taken} requests with {name} were taken, and {intents} were written down before"));
        }
        let allowed = once + lost + told.lost + told.broken_off;
        if taken > allowed {
            broken.push(format!(
                "I2: {taken} requests with {name} were taken; {once} batches, {lost} lost answers, {} on their way at \
                 crashes allow {allowed}",
                told.broken_off,
            ));
        }
        if taken < claimed {
            broken.push(format!("I2: Ferry says that {claimed} requests with {name} were taken, and {taken} were"));
        }
    }
    broken
}

const MINUTE: i64 = 60_000_000;

pub(super) fn rate(seen: &Seen, told: &Told) -> Vec<String> {
    let Some((all, tags)) = told.limits else { return Vec::new() };
    let mut broken = Vec::new();
    let kinds: [(&str, usize, &[Endpoint]); 3] = [
        ("", all, &[]),
        (" that add tags", tags, &[Endpoint::TagsAdd]),
        (" that remove tags", tags, &[Endpoint::TagsRemove]),
    ];
    let mut by_brand: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for one in &seen.requests {
        by_brand.entry(one.brand_id.as_deref().unwrap_or_default()).or_default().push(one);
    }
    for requests in by_brand.values() {
        for (name, limit, endpoints) in kinds {
            let fit = requests.iter().filter(|one| endpoints.is_empty() || endpoints.contains(&one.endpoint));
            let mut at: Vec<i64> = fit.map(|one| one.at_micros).collect();
            at.sort_unstable();
            let most = most_in_a_minute(&at);
            if most > limit {
                broken.push(format!("I3: {most} requests{name} in 60 seconds, {limit} are allowed"));
            }
        }
    }
    broken
}

/// The most of these instants, in order, that any 60 seconds hold.
fn most_in_a_minute(at: &[i64]) -> usize {
    let mut from = 0;
    let mut most = 0;
    for (to, end) in at.iter().enumerate() {
        while end - at[from] >= MINUTE {
            from += 1;
        }
        most = most.max(to - from + 1);
    }
    most
}

pub(super) fn slots(repeated: &[Value]) -> Vec<String> {
    repeated.iter().map(|slot| format!("I5: a slot is recorded twice: {slot}")).collect()
}

pub(super) fn consent(seen: &Seen, told: &Told) -> Vec<String> {
    let mut broken = Vec::new();
    if seen.resubscribed > 0 {
        broken.push(format!("I7: {} people were subscribed again", seen.resubscribed));
    }
    if seen.welcomed > 0 {
        broken.push(format!("I7: {} welcome messages", seen.welcomed));
    }
    let is_true = |event: &Value| {
        let opted_in = event["email"].as_str().and_then(|email| told.opt_ins.get(email));
        opted_in.is_some_and(|at| event["statusChangedAt"] == at.as_str())
    };
    let subscribed = seen.consents.iter().filter(|event| event["to"] == "subscribed");
    broken.extend(subscribed.filter(|event| !is_true(event)).map(|event| format!("I7: a status was sent: {event}")));
    broken
}

pub(super) fn liveness(runs: &[Value], told: &Told) -> Vec<String> {
    let active = runs.iter().filter(|run| told.is_over && run["finished_at"].is_null());
    active.map(|run| format!("I9: the faults are over and a run has not ended: {run}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use omnisend_simulator::{Endpoint, RecordView};
    use serde_json::{Value, json};

    use super::super::{Person, Seen, Told};
    use super::{completeness, consent, liveness, most_in_a_minute, rate, repetition};

    #[test]
    fn a_minute_is_counted_wherever_it_begins() {
        let second = 1_000_000;
        assert_eq!(most_in_a_minute(&[]), 0);
        assert_eq!(most_in_a_minute(&[0, 59 * second, 60 * second, 61 * second]), 3);
        let even: Vec<i64> = (0..720).map(|n| n * second / 6).collect();
        assert_eq!(most_in_a_minute(&even), 360);
    }

    fn request(endpoint: Endpoint, at: i64, answered: bool) -> RecordView {
        RecordView {
            number: 1,
            at: String::new(),
            at_micros: at,
            brand_id: None,
            endpoint,
            status: 201,
            items: 1,
            fault: None,
            served: true,
            answered,
            body_hash: String::new(),
            query: String::new(),
            body: None,
        }
    }

    fn seen(requests: Vec<RecordView>, people: &[(&str, &[&str])]) -> Seen {
        let person = |(email, tags): &(&str, &[&str])| {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            ((*email).to_owned(), Person { name: "Ana".to_owned(), tags })
        };
        Seen {
            people: people.iter().map(person).collect(),
            statuses: BTreeMap::new(),
            requests,
            consents: Vec::new(),
            resubscribed: 0,
            welcomed: 0,
        }
    }

    fn told(people: &[(&str, &[&str])]) -> Told {
        let people: BTreeMap<_, _> = seen(Vec::new(), people).people;
        let ever = people.keys().cloned().collect();
        Told { people, ever, tag_prefix: "ferry:".to_owned(), ..Told::default() }
    }

    fn run(state: &str, rejected: u64) -> Value {
        json!({"export_id": "e", "state": state, "finished_at": 5, "members": 2, "accepted": 2 - rejected,
            "rejected": rejected})
    }

    #[test]
    fn what_is_missing_too_much_or_different_is_found() {
        let both: &[(&str, &[&str])] = &[("a@x", &["ferry:a", "theirs"]), ("b@x", &[])];
        let expected = told(&[("a@x", &["ferry:a"]), ("b@x", &[])]);
        let broken =
            |found: &[(&str, &[&str])], run: Value| completeness(&[run], &seen(Vec::new(), found), &expected).len();
        assert_eq!(broken(both, run("successful", 0)), 0);
        assert_eq!(broken(&both[..1], run("successful", 0)), 1, "somebody is missing");
        assert_eq!(broken(&[("a@x", &[]), ("b@x", &[])], run("successful", 0)), 1, "a tag is missing");
        assert_eq!(broken(&[both[0], ("b@x", &["ferry:a"])], run("successful", 0)), 1, "a tag too many");
        assert_eq!(broken(&[both[0], both[1], ("c@x", &[])], run("successful", 0)), 1, "nobody knows them");
        assert_eq!(broken(&both[..1], run("completed_with_errors", 1)), 0, "it is reported");
        assert_eq!(broken(&[], run("completed_with_errors", 1)), 1, "one of two is reported");
        let mut wrong = run("failed", 1);
        wrong["members"] = json!(9);
        assert_eq!(broken(both, wrong), 1, "the counts");
    }

    #[test]
    fn what_was_taken_too_often_or_not_at_all_is_found() {
        let batch = |state: &str, attempts: u64| json!({"kind": "upsert", "state": state, "attempts": attempts});
        let post = |answered| request(Endpoint::BatchCreate, 0, answered);
        let broken = |batches: &[Value], requests: Vec<RecordView>, told: &Told| {
            repetition(batches, &seen(requests, &[]), told).len()
        };
        let none = Told::default();
        assert_eq!(broken(&[batch("settled", 1)], vec![post(true)], &none), 0);
        assert_eq!(broken(&[batch("settled", 2)], vec![post(false), post(true)], &none), 0, "a lost answer");
        assert_eq!(broken(&[batch("settled", 2)], vec![post(true), post(true)], &none), 1, "twice for no reason");
        let crashed = Told { broken_off: 1, ..Told::default() };
        assert_eq!(broken(&[batch("settled", 2)], vec![post(true), post(true)], &crashed), 0);
        assert_eq!(
            broken(&[batch("settled", 1)], vec![post(true), post(true)], &crashed),
            1,
            "not written down before"
        );
        assert_eq!(broken(&[batch("settled", 1)], Vec::new(), &none), 1, "never taken");
    }

    #[test]
    fn the_others_see_what_is_theirs() {
        let fast = (0..5).map(|n| request(Endpoint::BatchCreate, n, true)).collect();
        let limited = |all| Told { limits: Some((all, 1)), ..Told::default() };
        let fast = seen(fast, &[]);
        assert_eq!((rate(&fast, &limited(5)).len(), rate(&fast, &limited(4)).len()), (0, 1));
        let mut bad = seen(Vec::new(), &[]);
        assert!(consent(&bad, &Told::default()).is_empty());
        (bad.welcomed, bad.resubscribed) = (1, 2);
        bad.consents = vec![json!({"to": "subscribed", "email": "a@x", "statusChangedAt": "2025"})];
        let opted_in = |at: &str| Told { opt_ins: [("a@x".to_owned(), at.to_owned())].into(), ..Told::default() };
        let broken = [Told::default(), opted_in("2026"), opted_in("2025")].map(|told| consent(&bad, &told).len());
        assert_eq!(broken, [3, 3, 2], "only the true date may be sent");
        let active = [json!({"state": "waiting", "finished_at": null})];
        assert!(liveness(&active, &Told::default()).is_empty());
        assert_eq!(liveness(&active, &Told { is_over: true, ..Told::default() }).len(), 1);
    }
}
