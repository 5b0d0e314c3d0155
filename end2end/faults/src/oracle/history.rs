//! I4 and I6: what the database noted of every change. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

/// Which states a state may become, as `docs/reliability.md` says.
const MOVES: [(&str, &[&str]); 6] = [
    ("queued", &["preparing", "skipped", "failed", "canceled"]),
    ("preparing", &["sending", "waiting", "skipped", "failed", "canceled"]),
    ("sending", &["settling", "waiting", "failed", "canceled"]),
    ("settling", &["tagging", "waiting", "failed", "canceled"]),
    ("tagging", &["waiting", "successful", "completed_with_errors", "failed", "canceled"]),
    ("waiting", &["preparing", "sending", "settling", "tagging", "failed", "canceled", "skipped"]),
];
/// Batches that are over.
const OVER: [&str; 4] = ["settled", "refused", "split", "unconfirmed"];

fn text<'a>(change: &'a Value, side: &str, name: &str) -> &'a str {
    change[side][name].as_str().unwrap_or_default()
}

fn number(change: &Value, side: &str, name: &str) -> i64 {
    change[side][name].as_i64().unwrap_or_default()
}

pub(super) fn ownership(runs: &[Value], batches: &[Value]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut owners: BTreeSet<(&str, i64, &str)> = BTreeSet::new();
    for change in runs {
        let (before, after) = (text(change, "before", "state"), text(change, "after", "state"));
        let has_ended = !change["before"]["finished_at"].is_null();
        if before != after {
            let may = MOVES.iter().find(|(from, _)| *from == before).is_some_and(|(_, to)| to.contains(&after));
            if has_ended || !may {
                broken.push(format!("I4: a run went from {before} to {after}: {change}"));
            }
        }
        if has_ended && change["before"]["finished_at"] != change["after"]["finished_at"] {
            broken.push(format!("I4: a run ended twice: {change}"));
        }
        let (old, new) = (number(change, "before", "fence"), number(change, "after", "fence"));
        if new != old && new != old + 1 {
            broken.push(format!("I4: a fence went from {old} to {new}: {change}"));
        }
        if let Some(owner) = change["after"]["lease_owner"].as_str() {
            owners.insert((change["id"].as_str().unwrap_or_default(), new, owner));
        }
    }
    let owners: Vec<_> = owners.into_iter().collect();
    for pair in owners.windows(2) {
        if let [(run, fence, _), (other, same, _)] = pair
            && run == other
            && fence == same
        {
            broken.push(format!("I4: two owners had run {run} with fence {fence}"));
        }
    }
    for change in batches {
        let (before, after) = (text(change, "before", "state"), text(change, "after", "state"));
        if before != after && OVER.contains(&before) {
            broken.push(format!("I4: a batch went from {before} to {after}: {change}"));
        }
    }
    broken
}

pub(super) fn monotone(changes: &[Value], runs: &[Value]) -> Vec<String> {
    let mut broken = Vec::new();
    for change in changes {
        for name in ["fence", "next_row", "sent", "requests", "retries", "accepted", "tags_changed"] {
            if number(change, "after", name) < number(change, "before", name) {
                broken.push(format!("I6: {name} went back: {change}"));
            }
        }
    }
    for run in runs {
        let at = |name: &str| run[name].as_i64();
        let is_early = at("finished_at").is_some_and(|end| at("queued_at").is_some_and(|begin| end < begin));
        if is_early {
            broken.push(format!("I6: a run ended before it was queued: {run}"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{monotone, ownership};

    fn change(before: (&str, i64, i64), after: (&str, i64, i64), owner: Value, end: Value) -> Value {
        let side = |(state, fence, row): (&str, i64, i64), owner: &Value, end: &Value| json!({"state": state, "fence": fence, "next_row": row, "lease_owner": owner, "finished_at": end});
        json!({"id": "r", "before": side(before, &Value::Null, &end), "after": side(after, &owner, &end)})
    }

    #[test]
    fn a_good_run_breaks_nothing() {
        let owner = json!("one");
        let good = [
            change(("queued", 0, 0), ("preparing", 1, 0), owner.clone(), Value::Null),
            change(("preparing", 1, 0), ("sending", 1, 0), owner.clone(), Value::Null),
            change(("sending", 1, 0), ("sending", 2, 100), json!("two"), Value::Null),
        ];
        assert_eq!(ownership(&good, &[]), Vec::<String>::new());
        assert_eq!(monotone(&good, &[]), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_wrong_change_is_found() {
        let end = json!(7);
        let table = [
            change(("sending", 1, 0), ("tagging", 1, 0), Value::Null, Value::Null),
            change(("successful", 1, 0), ("failed", 1, 0), Value::Null, end),
            change(("sending", 3, 0), ("sending", 2, 0), Value::Null, Value::Null),
        ];
        for wrong in table {
            assert_eq!(ownership(std::slice::from_ref(&wrong), &[]).len(), 1, "{wrong}");
        }
        let two = ["one", "two"].map(|owner| change(("sending", 4, 0), ("sending", 4, 0), json!(owner), Value::Null));
        assert_eq!(ownership(&two, &[]).len(), 1);
        let back = change(("sending", 1, 200), ("sending", 1, 100), Value::Null, Value::Null);
        assert_eq!(monotone(&[back], &[]).len(), 1);
        let early = json!({"queued_at": 5, "finished_at": 4});
        assert_eq!(monotone(&[], &[early]).len(), 1);
        let batch = json!({"id": "r 1", "before": {"state": "settled"}, "after": {"state": "sending"}});
        assert_eq!(ownership(&[], &[batch]).len(), 1);
    }
}
