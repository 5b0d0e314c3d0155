//! Runs of an export of everybody: the first, one of unchanged data, and one with one person in a hundred changed.

use anyhow::{Context, Result};

use crate::counting::newest_snapshot;
use crate::process::{Used, computed_by};
use crate::report::Step;
use crate::setting::{Setting, Simulator};
use crate::{bare, imports};

/// The name of the first step: the growth of memory is looked at by it.
const FIRST: &str = "first run, whole";
/// Contacts of one request, as the destination takes them.
const PER_REQUEST: u64 = 100;

/// A run, with what was asked about it.
struct Run {
    used: Used,
    receipt: serde_json::Value,
    /// Requests that wrote something.
    writes: u64,
    /// Seconds that the simulator computed.
    simulator: f64,
}

impl Run {
    fn count(&self, name: &str) -> u64 {
        self.receipt[name].as_u64().unwrap_or(0)
    }

    /// When the plan was made.
    fn planned_at(&self) -> Result<f64> {
        self.used.at("the plan is made").context("the run made no plan")
    }
}

fn run(setting: &Setting, simulator: &Simulator) -> Result<Run> {
    let (writes, begun) = (simulator.writes()?, computed_by(simulator.process()).unwrap_or(0.0));
    let used = setting.ferry(simulator, &["run", "Everybody", "--json"])?;
    let receipt = serde_json::from_str(used.output.trim()).context("the receipt is no JSON")?;
    let simulator_seconds = computed_by(simulator.process()).unwrap_or(0.0) - begun;
    Ok(Run { used, receipt, writes: simulator.writes()? - writes, simulator: simulator_seconds })
}

/// Sets up connection and export.
fn apply(setting: &Setting, simulator: &Simulator) -> Result<()> {
    let file = setting.work.join("bench.toml");
    std::fs::write(&file, CONFIGURATION)?;
    setting.ferry(simulator, &["apply", file.to_str().context("a path that is no text")?])?;
    Ok(())
}

/// The first run alone.
pub fn first(setting: &Setting, simulator: &Simulator) -> Result<Step> {
    apply(setting, simulator)?;
    let run = run(setting, simulator)?;
    Ok(Step::new(FIRST, run.count("accepted"), run.used.seconds, &run.used, "≤ 300 MiB"))
}

/// The three runs.
pub fn all(setting: &Setting, simulator: &Simulator) -> Result<Vec<Step>> {
    apply(setting, simulator)?;
    let mut steps = Vec::new();
    let run_1 = run(setting, simulator)?;
    let (planned, accepted, used) = (run_1.planned_at()?, run_1.count("accepted"), &run_1.used);
    let beside = bare::decode_parquet(&newest_snapshot(&setting.data())?.0, None)?;
    let plan = Step::new("plan of the first run", run_1.count("members"), planned, used, "≤ 6 s");
    steps.push(Step {
        peak_mib: None,
        beside: Some(("decoding the whole snapshot", beside)),
        note: "with the start of the program".to_owned(),
        ..plan
    });
    let tagging = used.log.iter().find(|(_, line)| line == "tagging").map_or(used.seconds, |(at, _)| *at);
    let closing = used.at("a run has ended").unwrap_or(used.seconds);
    let sending = tagging - planned;
    let delivery = Step::new("delivery of contacts", accepted, sending, used, "≥ 40,000 contacts/s, later 60,000");
    steps.push(Step {
        beside: Some(("the simulator's own computing", run_1.simulator)),
        note: "from the plan to the last contact's outcome; the simulator computes on the same cores, tags included"
            .to_owned(),
        ..delivery
    });
    steps.push(Step {
        note: format!(
            "accepted {accepted} of {}, {} tags, {} requests; plan {planned:.1} s, contacts {sending:.1} s, tags and \
             closing {:.1} s; {:.1} s computed",
            run_1.count("members"),
            run_1.count("tags_added"),
            run_1.count("requests"),
            closing - tagging,
            used.computed,
        ),
        ..Step::new(FIRST, accepted, used.seconds, used, "≤ 300 MiB, later 250")
    });

    let run_2 = run(setting, simulator)?;
    let note = format!("{} unchanged, {} write requests", run_2.count("unchanged"), run_2.writes);
    let members = run_2.count("members");
    let step =
        Step::new("second run, nothing changed", members, run_2.used.seconds, &run_2.used, "≤ 5 s, 0 write requests");
    steps.push(Step { note, ..step });

    imports::import(setting, simulator, &imports::csv_file(setting, 1)?, "People")?;
    let run_3 = run(setting, simulator)?;
    let changed = run_3.count("accepted");
    let fewest = changed.div_ceil(PER_REQUEST);
    let note = format!("{changed} changed; {} write requests of {fewest} that are needed at least", run_3.writes);
    let goal = "plan ≤ 4 s, ≤ 105 % of the fewest requests";
    let step = Step::new("plan with 1 % changed", run_3.count("members"), run_3.planned_at()?, &run_3.used, goal);
    steps.push(Step { note, ..step });
    Ok(steps)
}

const CONFIGURATION: &str = r#"
[[segment]]
name = "Everybody"
join = "all"
items = [{ attribute = "customer_id", operator = "is_not_empty" }]

[[connection]]
name = "Bench"
kind = "omnisend"
key_env = "BENCH_KEY"
export_user = "bench@example.com"
consent = { agreed_by = "bench@example.com", language = "en", wording = "Made-up people for measuring." }

[[export]]
name = "Everybody"
connection = "Bench"
segments = ["Everybody"]
matching = { email = "email", first_name = "first_name", last_name = "last_name", address = "address", city = "city", state = "state", post_code = "post_code", country = "country", phone = "phone", birthdate = "birthdate", gender = "gender" }
properties = { loyalty_points = "loyalty_points", spend = "spend" }
"#;
