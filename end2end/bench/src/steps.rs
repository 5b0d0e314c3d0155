//! The measured steps: import from Parquet and from CSV, counting a rule, a first delivery, and a second run of unchanged
//! data. Each runs the real program; what it is compared with runs beside it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use domain::destination::{DestinationCard, DestinationKind, Target, TargetKind};
use domain::id::{ExportId, RunId, SegmentId};
use domain::mapping::{Field, Mapping, Match};
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::segment::Definition;
use ferry_data::plan::{PlanRequest, PlannedSegment};
use ferry_data::segments::MembersOf;
use ferry_data::{DataEngine, DataOptions};

use crate::people;
use crate::process::{Used, run};
use crate::report::Step;

/// What is measured, and where.
#[derive(Debug)]
pub struct Setting {
    /// The `ferry` program.
    pub ferry: PathBuf,
    /// The simulator program.
    pub simulator: PathBuf,
    /// Holds the made-up people from run to run, and the data directory of this run.
    pub work: PathBuf,
    /// How many people.
    pub profiles: u64,
}

const KEY: &str = "5f0000000000000000000001-practice";
const EMAIL: &str = "bench@example.com";

/// Ends the simulator when the measuring ends, however it ends.
struct Simulator {
    child: Child,
    url: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Setting {
    fn data(&self) -> PathBuf {
        self.work.join("data")
    }

    fn command(&self, simulator: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.ferry);
        command
            .args(arguments)
            .env("FERRY_DATA_DIR", self.data())
            .env("FERRY_OMNISEND_URL", format!("{simulator}/api"))
            .env("FERRY_OMNISEND_UNLIMITED", "true")
            .env("FERRY_LOG", "warn")
            .env("BENCH_KEY", KEY);
        command
    }

    fn start_simulator(&self) -> Result<Simulator> {
        let mut command = Command::new(&self.simulator);
        command.args(["--listen", "127.0.0.1:0", "--no-limits", "--batch-delay-ms", "0", "--key", KEY]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("no simulator")?;
        let stdout = child.stdout.take().context("no output of the simulator")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(start) = line.find("http://") {
                let url = line[start..].split_whitespace().next().unwrap_or_default();
                let url = url.trim_end_matches('/').trim_end_matches("/api").to_owned();
                return Ok(Simulator { child, url });
            }
        }
        bail!("the simulator told no address");
    }
}

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
    let (rule, snapshot, now) = (rule(), newest_snapshot(data)?, jiff::Timestamp::now());
    for _ in 0..50 {
        let started = Instant::now();
        members = runtime.block_on(engine.count_members(snapshot, MembersOf::Rule { rule: &rule, now }))?;
        times.push(started.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!("{} {members}", times[times.len() * 95 / 100]);
    Ok(())
}

fn newest_snapshot(data: &Path) -> Result<i64> {
    let names = std::fs::read_dir(data.join("snapshots"))?;
    let numbers = names.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".parquet")?.parse().ok());
    numbers.max().context("no snapshot")
}

/// Reads the CSV file with nothing but the parser: the least that any import has to do.
fn bare_csv(path: &Path) -> Result<f64> {
    let started = Instant::now();
    let mut reader = csv::ReaderBuilder::new().from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let mut bytes = 0;
    while reader.read_byte_record(&mut record)? {
        bytes += record.as_slice().len();
    }
    ensure!(bytes > 0, "the CSV file is empty");
    Ok(started.elapsed().as_secs_f64())
}

/// Copies the Parquet file, row group by row group, decoding and encoding every value.
fn bare_parquet(path: &Path, copy: &Path) -> Result<f64> {
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let started = Instant::now();
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path)?)?;
    let schema = reader.schema().clone();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(copy)?, schema, None)?;
    for batch in reader.build()? {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(started.elapsed().as_secs_f64())
}

fn step(what: &str, rows: u64, used: &Used, goal: &'static str) -> Step {
    Step {
        what: what.to_owned(),
        rows,
        seconds: used.time.as_secs_f64(),
        peak_mib: Some(used.peak_mib),
        goal,
        beside: None,
        note: String::new(),
    }
}

/// All steps, in order.
pub fn run_all(setting: &Setting) -> Result<Vec<Step>> {
    let n = setting.profiles;
    std::fs::create_dir_all(&setting.work)?;
    let csv = setting.work.join(format!("people-{n}.csv"));
    let parquet = setting.work.join(format!("people-{n}.parquet"));
    if !csv.exists() {
        people::write_csv(&csv, n, 0)?;
    }
    if !parquet.exists() {
        people::write_parquet(&parquet, n, 0)?;
    }
    if setting.data().exists() {
        std::fs::remove_dir_all(setting.data())?;
    }
    let simulator = setting.start_simulator()?;
    let url = simulator.url.clone();
    let mut password = setting.command(&url, &["user", "add", EMAIL, "--role", "administrator"]);
    run(&mut password, &[0])?;

    let mut results = Vec::new();
    for (file, what, goal) in
        [(&csv, "import from CSV", "≥ 60,000 rows/s"), (&parquet, "import from Parquet", "≥ 200,000 rows/s")]
    {
        let path = file.to_str().context("a path that is no text")?;
        let arguments = ["import", path, "--name", "People", "--primary-key", "customer_id"];
        let used = run(&mut setting.command(&url, &arguments), &[0])?;
        let beside = if file == &csv {
            ("reading it with the parser alone", bare_csv(file)?)
        } else {
            ("decoding and encoding it once", bare_parquet(file, &setting.work.join("copy.parquet"))?)
        };
        results.push(Step { beside: Some(beside), ..step(what, n, &used, goal) });
    }

    let this = std::env::current_exe()?;
    let counted = run(Command::new(this).arg("count").arg(setting.data()), &[0])?;
    let (p95, members) = counted.output.trim().split_once(' ').context("no count")?;
    results.push(Step {
        seconds: p95.parse()?,
        note: format!("p95 of 50; {members} members"),
        ..step("count of a five-condition rule", 0, &counted, "≤ 0.150 s")
    });

    let file = setting.work.join("bench.toml");
    std::fs::write(&file, CONFIGURATION)?;
    let path = file.to_str().context("a path that is no text")?;
    run(&mut setting.command(&url, &["apply", path]), &[0])?;
    results.extend(deliver(setting, &url)?);
    Ok(results)
}

/// Plans a first run for everybody in this process and prints the seconds.
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for the terminal that measures now")]
pub fn plan_in_this_process(data: &Path) -> Result<()> {
    let engine = DataEngine::new(DataOptions::new(data))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let id = || uuid::Uuid::from_u128(0x0bec_0000_0000_4000_8000_0000_0000_0000);
    let everybody = Condition {
        attribute: "customer_id".to_owned(),
        operator: Operator::IsNotEmpty,
        values: Vec::new(),
        ignore_case: false,
    };
    let group = Group { join: Join::All, items: vec![Item::Condition(everybody)] };
    let request = PlanRequest {
        run: RunId(id()),
        export: ExportId(id()),
        snapshot: newest_snapshot(data)?,
        mapping: Mapping { matches: FIELDS.map(matched).to_vec() },
        card: card(),
        segments: vec![PlannedSegment {
            id: SegmentId(id()),
            tag: "ferry:everybody".to_owned(),
            definition: Definition::Dynamic { rule: Rule { time_zone: "UTC".to_owned(), root: group } },
            is_active: true,
        }],
        ledger: None,
        now: jiff::Timestamp::now(),
    };
    let started = Instant::now();
    let summary = runtime.block_on(engine.make_plan(request))?;
    let seconds = started.elapsed().as_secs_f64();
    runtime.block_on(engine.remove_run_files(RunId(id())))?;
    ensure!(summary.to_send > 0, "the plan sends nothing");
    println!("{seconds}");
    Ok(())
}

/// The fields that the export of the benchmark fills, each from the attribute of the same name.
const FIELDS: [(&str, TargetKind); 9] = [
    ("email", TargetKind::Email),
    ("first_name", TargetKind::Text),
    ("last_name", TargetKind::Text),
    ("address", TargetKind::Text),
    ("city", TargetKind::Text),
    ("state", TargetKind::Text),
    ("post_code", TargetKind::Text),
    ("country", TargetKind::Country),
    ("birthdate", TargetKind::Date),
];

fn matched((name, _): (&str, TargetKind)) -> Match {
    Match { field: Field::Target(name.to_owned()), attribute: name.to_owned() }
}

fn card() -> DestinationCard {
    let target = |(name, kind): (&str, TargetKind)| Target {
        name: name.to_owned(),
        required: kind == TargetKind::Email,
        kind,
        suggestions: Vec::new(),
    };
    DestinationCard {
        kind: DestinationKind("bench".to_owned()),
        name: "Bench".to_owned(),
        targets: FIELDS.map(target).to_vec(),
        takes_custom_properties: true,
        key_help_url: String::new(),
    }
}

/// The first run, and the second of unchanged data.
fn deliver(setting: &Setting, url: &str) -> Result<Vec<Step>> {
    let first = run(&mut setting.command(url, &["run", "Everybody", "--json"]), &[0, 3])?;
    let receipt: serde_json::Value = serde_json::from_str(first.output.trim())?;
    let count = |receipt: &serde_json::Value, name: &str| receipt[name].as_u64().unwrap_or(0);
    let accepted = count(&receipt, "accepted");
    let second = run(&mut setting.command(url, &["run", "Everybody", "--json"]), &[0, 3])?;
    let again: serde_json::Value = serde_json::from_str(second.output.trim())?;
    let note = format!(
        "accepted {accepted} of {}, {} tags, {} requests; with planning and closing",
        count(&receipt, "members"),
        count(&receipt, "tags_added"),
        count(&receipt, "requests"),
    );
    let unchanged = format!("unchanged {}, {} requests", count(&again, "unchanged"), count(&again, "requests"));
    let this = std::env::current_exe()?;
    let planned = run(Command::new(this).arg("plan").arg(setting.data()), &[0])?;
    let seconds: f64 = planned.output.trim().parse()?;
    let plan = Step { seconds, ..step("plan of a first run", count(&receipt, "members"), &planned, "≤ 6 s") };
    let mut steps =
        vec![Step { note, ..step("first run, whole", accepted, &first, "≥ 40,000 contacts/s, ≤ 300 MiB") }];
    steps.push(plan);
    steps.push(Step {
        note: unchanged,
        ..step("second run, nothing changed", count(&again, "members"), &second, "≤ 5 s, 0 write requests")
    });
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
matching = { email = "email", first_name = "first_name", last_name = "last_name", address = "address", city = "city", state = "state", post_code = "post_code", country = "country", birthdate = "birthdate" }
properties = { loyalty_points = "loyalty_points", spend = "spend" }
"#;
