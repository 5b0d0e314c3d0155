//! Counting the members of a rule, as a person sees it while editing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use ferry_data::segments::MembersOf;
use ferry_data::{DataEngine, DataOptions};

use crate::bare::decode_parquet;
use crate::process::run;
use crate::report::Step;
use crate::setting::Setting;

/// The five conditions whose members are counted.
fn rule() -> Rule {
    let one = |attribute: &str, operator, values: &[&str]| {
        Item::Condition(Condition {
            attribute: attribute.to_owned(),
            operator,
            values: values.iter().map(|v| (*v).to_owned()).collect(),
            ignore_case: false,
        })
    };
    let items = vec![
        one("country", Operator::IsIn, &["Spain", "Romania", "Sweden"]),
        one("loyalty_tier", Operator::NotEquals, &["none"]),
        one("orders", Operator::GreaterOrEqual, &["5"]),
        one("email", Operator::Contains, &["1"]),
        one("last_name", Operator::StartsWith, &["P"]),
    ];
    Rule { time_zone: "UTC".to_owned(), root: Group { join: Join::All, items } }
}

/// Counts the rule fifty times in this process and prints the 95th percentile in seconds, and the members.
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for the terminal that measures now")]
pub fn count_in_this_process(data: &Path) -> Result<()> {
    let engine = DataEngine::new(DataOptions::new(data))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut times = Vec::new();
    let mut members = 0;
    let (rule, snapshot, now) = (rule(), newest_snapshot(data)?.1, jiff::Timestamp::now());
    for _ in 0..50 {
        let started = Instant::now();
        members = runtime.block_on(engine.count_members(snapshot, MembersOf::Rule { rule: &rule, now }))?;
        times.push(started.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!("{} {members}", times[times.len() * 95 / 100]);
    Ok(())
}

/// The newest profile snapshot, and its number.
pub fn newest_snapshot(data: &Path) -> Result<(PathBuf, i64)> {
    let folder = data.join("snapshots");
    let numbers =
        folder.read_dir()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".parquet")?.parse().ok());
    let number: i64 = numbers.max().context("no snapshot")?;
    Ok((folder.join(format!("{number}.parquet")), number))
}

/// The step.
pub fn count(setting: &Setting) -> Result<Step> {
    let this = std::env::current_exe()?;
    let counted = run(Command::new(this).arg("count").arg(setting.data()), &[0])?;
    let (p95, members) = counted.output.trim().split_once(' ').context("no count")?;
    let beside = decode_parquet(&newest_snapshot(&setting.data())?.0, None)?;
    Ok(Step {
        note: format!("95th percentile of 50; {members} members"),
        beside: Some(("decoding the whole snapshot", beside)),
        ..Step::new("count of a five-condition rule", 0, p95.parse()?, &counted, "≤ 0.150 s")
    })
}
