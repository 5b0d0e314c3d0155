//! Random histories: people come, change, leave and come back, segments are switched off and taken away, rows and tag
//! changes fail; after each run, plan, ledger and counts are what the plain model says.

use std::collections::{BTreeMap, BTreeSet};

use domain::run::RowReason;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::model::{self, Changes, Ledger};
use super::{
    Person, all_well, close, contacts, failed, ledger_lines, plan, refused, run, segment, tag_lines, write_people,
};
use crate::DataEngine;
use crate::plan::{FailedTags, TagOp};
use crate::testing::engine;

/// What happens in one run.
#[derive(Debug, Clone)]
struct Round {
    people: Vec<Person>,
    /// For each segment: not in the export, inactive, or active.
    segments: Vec<u8>,
    /// What becomes of the rows, in turn: 0 to 3 is well, 4 refused, 5 unconfirmed, 6 held.
    rows: Vec<u8>,
    /// What becomes of the tag changes, in turn: 0 to 5 is well, 6 failed, 7 in doubt.
    tags: Vec<u8>,
}

fn any_person() -> impl Strategy<Value = Person> {
    let email = prop_oneof![
        8 => (select(vec!["a", "b", "c", "d", "e", "é"]), any::<bool>()).prop_map(|(letter, shout)| {
            let email = format!("{letter}@x.com");
            Some(if shout { format!(" {}", email.to_uppercase()) } else { email })
        }),
        1 => Just(Some("nobody".to_owned())),
        1 => Just(None),
    ];
    let name = select(vec!["Ana", "Bo"]).prop_map(str::to_owned);
    (email, name, proptest::collection::vec(any::<bool>(), 3)).prop_map(|(email, name, segments)| Person {
        email,
        name,
        segments,
    })
}

fn any_round() -> impl Strategy<Value = Round> {
    (
        proptest::collection::vec(any_person(), 0..8),
        proptest::collection::vec(select(vec![0_u8, 1, 2, 2, 2]), 3),
        proptest::collection::vec(0..7_u8, 8),
        proptest::collection::vec(0..8_u8, 24),
    )
        .prop_map(|(people, segments, rows, tags)| Round { people, segments, rows, tags })
}

#[test]
fn random_histories_end_as_a_plain_model_says() {
    let (_root, engine) = engine();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let number = std::cell::Cell::new(0);
    let config = Config { cases: 40, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&proptest::collection::vec(any_round(), 4), |rounds| {
        let (mut known, mut newest) = (Ledger::new(), None);
        for round in &rounds {
            number.set(number.get() + 1);
            known = runtime.block_on(play(&engine, round, number.get(), newest, &known))?;
            newest = Some(number.get());
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Plays one run in the engine and in the model; gives the new ledger.
async fn play(
    engine: &DataEngine,
    round: &Round,
    number: u128,
    newest: Option<u128>,
    known: &Ledger,
) -> Result<Ledger, TestCaseError> {
    write_people(engine, i64::try_from(number).expect("a number"), &round.people);
    let states: Vec<(usize, bool)> =
        round.segments.iter().enumerate().filter(|(_, s)| **s > 0).map(|(at, s)| (at, *s == 2)).collect();
    let segments = states.iter().map(|(at, is_active)| segment(*at, *is_active)).collect();
    let expected = model::plan(&round.people, &states, known);
    let summary = plan(engine, number, newest, segments).await;
    prop_assert_eq!(
        [summary.members, summary.to_send, summary.unchanged, summary.rejected, summary.held],
        [expected.members, expected.send.len() as u64, expected.unchanged, expected.rejected, expected.held]
    );
    let sent: BTreeMap<String, String> = contacts(engine, number)
        .await
        .into_iter()
        .map(|contact| {
            let name = if contact.payload.contains("Ana") { "Ana" } else { "Bo" };
            (contact.email, name.to_owned())
        })
        .collect();
    prop_assert_eq!(&sent, &expected.send);

    let mut outcome = all_well(number, newest);
    outcome.held_reason = RowReason::RunFailed;
    let (mut accepted, mut refused_rows) = (BTreeSet::new(), Vec::new());
    for (row, email) in sent.keys().enumerate() {
        let number = row as u64;
        match round.rows[row] {
            4 => refused_rows.push(number),
            5 => outcome.unconfirmed.push(number..number + 1),
            6 => outcome.held.push(number..number + 1),
            _ => _ = accepted.insert(email.clone()),
        }
    }
    outcome.refused = refused(&refused_rows);
    let mut fates = round.tags.iter();
    let mut failing = |op, all: &Changes| {
        let mut numbers = BTreeMap::<String, u64>::new();
        let (mut failing, mut in_doubt) = (Changes::new(), Changes::new());
        for change in all {
            let number = numbers.entry(change.0.clone()).or_default();
            let fate = *fates.next().unwrap_or(&0);
            if fate >= 6 {
                let one = failed(op, &change.0, *number..*number + 1);
                outcome.failed_tags.push(FailedTags { is_in_doubt: fate == 7, ..one });
                if fate == 7 { &mut in_doubt } else { &mut failing }.insert(change.clone());
            }
            *number += 1;
        }
        (failing, in_doubt)
    };
    let (failed_add, add_in_doubt) = failing(TagOp::Add, &expected.add);
    let (failed_remove, remove_in_doubt) = failing(TagOp::Remove, &expected.remove);
    let lines: BTreeSet<String> = tag_lines(engine, number)
        .await
        .into_iter()
        .map(|line| line.split_once(" after").map_or(line.clone(), |(change, _)| change.to_owned()))
        .collect();
    let signed = |sign: char, all: &BTreeSet<(String, String)>| -> Vec<String> {
        all.iter().map(|(tag, email)| format!("{sign}{tag} {email}")).collect()
    };
    let all: BTreeSet<String> = signed('+', &expected.add).into_iter().chain(signed('-', &expected.remove)).collect();
    prop_assert_eq!(lines, all);

    let next =
        model::close(&expected, known, &accepted, [&failed_add, &failed_remove], [&add_in_doubt, &remove_in_doubt]);
    let closed = close(engine, outcome).await;
    prop_assert_eq!(closed.counts.accepted, accepted.len() as u64);
    prop_assert_eq!(closed.counts.rejected, expected.rejected + refused_rows.len() as u64);
    let list = |tags: &BTreeSet<String>| tags.iter().cloned().collect::<Vec<_>>().join(",");
    let stands = next.iter().map(|(email, known)| match list(&known.in_doubt) {
        in_doubt if in_doubt.is_empty() => format!("{email} {}", list(&known.tags)),
        in_doubt => format!("{email} {} ({in_doubt}?)", list(&known.tags)),
    });
    let stands: Vec<String> = stands.collect();
    prop_assert_eq!(ledger_lines(engine, number), stands);
    let told: u64 = engine.troubled_counts(run(number)).await.expect("counts").iter().map(|(_, rows)| rows).sum();
    prop_assert_eq!(told, closed.counts.rejected + closed.counts.held + closed.counts.unconfirmed);
    Ok(next)
}
