//! The form of configuration files, and what applying one does, on every database that is there.

use domain::access::{Actor, Role};
use domain::brake::Brake;
use domain::mapping::Field;
use domain::marking::Marking;
use domain::safety::{Safety, StatusRule};
use domain::schedule::Schedule;
use domain::system::WhenActive;

use super::carry_out::{Done, carry_out};
use super::plan;
use super::{file, reader::Fault};
use crate::cli::desk::Desk;
use crate::db;
use crate::services::testing::{CUSTOMERS, KEY, OTHER_KEY, Stage, stages};

mod schedules;
mod whole;

const WHOLE: &str = r#"
[data_source]
name = "Customers"
file = "customers.csv"
primary_key = "id"
types = { points = "decimal" }

[[segment]]
name = "Vic"
items = [{ attribute = "city", operator = "equals", values = ["Vic"] }]

[[segment]]
name = "Many points"
type = "static"
join = "any"
items = [
  { attribute = "points", operator = "greater_than", values = [15] },
  { join = "all", items = [] },
]

[[connection]]
name = "Shop"
kind = "scripted"
key_file = "key"
export_user = "ana@example.com"
consent = { agreed_by = "ana@example.com", language = "en", wording = "I agree." }

[[export]]
name = "News"
connection = "Shop"
segments = ["Vic", "Many points"]
matching = { email = "email", city = "city" }
properties = { points = "points" }
schedule = { daily_at = "06:30", time_zone = "Europe/Madrid" }
"#;

fn faults(text: &str) -> Vec<String> {
    file::read(text).expect_err("faults").iter().map(Fault::to_string).collect()
}

#[test]
fn a_whole_file_is_read() {
    let read = file::read(WHOLE).expect("no faults");
    assert_eq!((read.segments.len(), read.connections.len(), read.exports.len()), (2, 1, 1));
    assert_eq!(read.segments[1].value.lines["1"], 18);
    let export = &read.exports[0].value;
    assert_eq!(export.mapping.matches[2].field, Field::Property("points".to_owned()));
    assert!(export.schedule.time_zone() == Some("Europe/Madrid"));
}

/// [`WHOLE`] with more in its connection and its export, and the system refresh.
fn with(connection: &str, export: &str, system: &str) -> String {
    let text = WHOLE.replace("key_file =", &format!("{connection}\nkey_file ="));
    format!("{text}{export}\n[system]\n{system}\n")
}

#[test]
fn faults_of_safety_reserve_and_system_refresh_are_told_with_their_line() {
    let read = |connection: &str, export: &str, system: &str| faults(&with(connection, export, system));
    let line = |text: &str, what: &str| text.lines().position(|one| one.contains(what)).expect("there") + 1;
    for wrong in ["reserve_percent = 91", "reserve_percent = -1", "reserve_percent = \"10\""] {
        let found = read(wrong, "", "");
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].starts_with(&format!("line {}: ", line(&with(wrong, "", ""), wrong))), "{wrong}: {found:?}");
    }
    for wrong in [
        "brake = \"sometimes\"",
        "brake = { leave_percent = 0 }",
        "brake = { join_percent = 1001 }",
        "brake = { often = true }",
        "brake = 7",
        "status = \"subscribed\"",
        "status = {}",
        "status = { opt_in = \"\" }",
    ] {
        let found = read("", wrong, "");
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].starts_with(&format!("line {}: ", line(&with("", wrong, ""), wrong))), "{wrong}: {found:?}");
    }
    for wrong in [
        "schedule = \"system\"",
        "schedule = { cron = \"0 6 * * *\", time_zone = \"UTC\" }",
        "schedule = { weekdays = \"monday\", at = \"07:00\", weeks = 2, time_zone = \"UTC\" }",
        "schedule = { daily_at = [\"01:00\", \"02:00\", \"03:00\", \"04:00\", \"05:00\"], time_zone = \"UTC\" }",
        "catch_up_hours = 0",
        "catch_up_hours = 169",
        "when_active = \"wait\"",
        "sometimes = true",
    ] {
        let found = read("", "", wrong);
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].starts_with(&format!("line {}: ", line(&with("", "", wrong), wrong))), "{wrong}: {found:?}");
    }
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let page = include_str!("../../../../docs/configuration-file.md");
    let example = page.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    assert_eq!(file::read(example).map(|read| read.segments.len()), Ok(2));
}

#[test]
fn all_faults_of_the_form_are_told_at_once_with_their_lines() {
    let text = r#"[data_source]
name = "Customers"
delimiter = "ab"
colour = "red"

[[segment]]
name = "A"
time_zone = "Mars"
items = [
  { attribute = "city", operator = "resembles" },
]

[[segment]]
name = "a"
items = 7

[[connection]]
name = "Shop"

[[export]]
name = "News"
schedule = { daily_at = "25:00", time_zone = "UTC" }
"#;
    let lines: Vec<usize> = file::read(text).expect_err("faults").iter().map(|fault| fault.line).collect();
    for line in [1, 3, 4, 8, 10, 14, 15, 17, 20, 22] {
        assert!(lines.contains(&line), "no fault in line {line}: {:?}", faults(text));
    }
    assert!(lines.is_sorted());
}

#[test]
fn faults_of_the_notation_are_told_with_their_lines() {
    let found = faults("[data_source]\nname = \"x\nfile = 1\n\n[[segment]]\nname = \n");
    assert!(found.len() >= 2, "{found:?}");
    assert!(found[0].starts_with("line 2: "), "{found:?}");
    assert!(found.last().is_some_and(|fault| fault.starts_with("line 6: ")), "{found:?}");
}

/// A desk over the stage, with an administrator and the files of [`WHOLE`].
async fn desk(stage: &Stage) -> (Desk, Actor) {
    let beside = stage.dir.path().join("files");
    std::fs::create_dir(&beside).expect("made");
    std::fs::write(beside.join("customers.csv"), CUSTOMERS).expect("written");
    std::fs::write(beside.join("key"), format!("{KEY}\n")).expect("written");
    let id = stage.administrator.id;
    let email = "ana@example.com".to_owned();
    let user = db::accounts::User {
        id,
        email: email.clone(),
        password_hash: None,
        role: Role::Administrator,
        is_enabled: true,
        last_sign_in: None,
    };
    let mut tx = stage.db.begin().await.expect("begun");
    db::accounts::insert(&mut tx, &user, 1).await.expect("added");
    tx.commit().await.expect("committed");
    (Desk::over(stage, beside), Actor { id, email, role: Role::Administrator })
}

/// Applies a text; gives the lines of the account, or of the faults.
async fn apply(desk: &Desk, actor: &Actor, text: &str) -> Result<Vec<Done>, Vec<Fault>> {
    let read = file::read(text)?;
    let plan = plan::make(desk, actor, &read, text).await.expect("read")?;
    let mut done = Vec::new();
    carry_out(desk, actor, plan, |one| done.push(one)).await.expect("carried out");
    Ok(done)
}

#[tokio::test]
async fn applying_a_file_twice_changes_nothing_the_second_time() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        let first = apply(&desk, &actor, WHOLE).await.expect("no faults");
        assert!(first.iter().all(|one| one.is_changed), "{first:?}");
        assert_eq!(first[0].done, "added, refreshed: 3 profiles, 0 rows rejected");
        assert_eq!(first[1].done, "added, 2 members");

        let second = apply(&desk, &actor, WHOLE).await.expect("no faults");
        assert_eq!(second.len(), 5);
        assert!(second.iter().all(|one| !one.is_changed), "{second:?}");
        let mut tx = stage.db.read().await.expect("begun");
        let export = db::exports::list(&mut tx).await.expect("read").remove(0).export;
        assert_eq!((export.version, export.settings.segments.len()), (1, 2));
    }
}

#[tokio::test]
async fn safety_reserve_and_system_refresh_are_applied_and_stay_where_a_file_does_not_speak_of_them() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        let says = with(
            "reserve_percent = 25",
            "brake = { leave_percent = 45 }\nstatus = { opt_in = \"city\" }",
            "schedule = { daily_at = \"05:00\", time_zone = \"Europe/Madrid\" }\nwhen_active = \"queue\"",
        );
        let state = async || {
            let mut tx = stage.db.read().await.expect("begun");
            let connection = db::connections::list(&mut tx).await.expect("read").remove(0).id;
            let reserve = db::pace::reserve_of(&mut tx, connection).await.expect("read");
            let export = db::exports::list(&mut tx).await.expect("read").remove(0).export;
            let system = db::system::settings(&mut tx).await.expect("read").settings;
            (reserve, export.settings.safety, system)
        };
        let done = apply(&desk, &actor, &says).await.expect("no faults");
        assert!(done.iter().all(|one| one.is_changed), "{done:?}");
        let (reserve, safety, system) = state().await;
        assert_eq!(reserve, 25);
        let brake = Brake { leave_percent: 45, ..Brake::default() };
        assert_eq!(safety, Safety { brake, status: Some(StatusRule { opt_in: "city".to_owned() }) });
        assert_eq!((system.catch_up_hours, system.when_active, system.version), (24, WhenActive::Queue, 2));
        assert!(system.schedule.time_zone() == Some("Europe/Madrid"));

        // Again, and a file that does not speak of them.
        for text in [says.as_str(), WHOLE] {
            let done = apply(&desk, &actor, text).await.expect("no faults");
            assert!(done.iter().all(|one| !one.is_changed), "{done:?}");
            assert_eq!(state().await, (reserve, safety.clone(), system.clone()));
        }

        let off = with("reserve_percent = 0", "brake = \"off\"\nstatus = \"none\"", "schedule = \"off\"");
        let done = apply(&desk, &actor, &off).await.expect("no faults");
        let changed: Vec<_> = done.iter().filter(|one| one.is_changed).map(|one| one.name.as_str()).collect();
        assert_eq!(changed, ["Shop", "News", "refresh"]);
        let (reserve, safety, system) = state().await;
        assert_eq!((reserve, safety.status, system.schedule), (0, None, Schedule::Off));
        assert_eq!(safety.brake, Brake { is_on: false, ..brake }, "the percentages stay");

        // An opt-in that holds no time.
        let wrong = with("", "status = { opt_in = \"points\" }", "");
        let found = apply(&desk, &actor, &wrong).await.expect_err("faults");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(Some(found[0].line), wrong.lines().position(|line| line.contains("opt_in")).map(|at| at + 1));
    }
}

#[tokio::test]
async fn what_differs_is_changed_and_the_rest_stays() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        apply(&desk, &actor, WHOLE).await.expect("no faults");
        std::fs::write(desk.beside.join("key"), OTHER_KEY).expect("written");
        std::fs::write(desk.beside.join("customers.csv"), format!("{CUSTOMERS}4,oto@example.com,Vic,40\n"))
            .expect("written");
        let text = WHOLE.replace("values = [15]", "values = [35]").replace("06:30", "07:00");

        let done = apply(&desk, &actor, &text).await.expect("no faults");
        let changed: Vec<_> = done.iter().map(|one| (one.name.as_str(), one.is_changed)).collect();
        let expected = [("Customers", true), ("Vic", false), ("Many points", true), ("Shop", true), ("News", true)];
        assert_eq!(changed, expected);
        assert_eq!(done[1].done, "unchanged, 3 members");
        let mut tx = stage.db.read().await.expect("begun");
        let connection = db::connections::list(&mut tx).await.expect("read").remove(0);
        assert_eq!(connection.brand.id, "other");
        let segments = db::segments::list(&mut tx).await.expect("read");
        assert!(segments[0].segment.definition.is_static());
    }
}

#[tokio::test]
async fn how_members_are_marked_is_set_by_the_file_and_stays_where_it_says_nothing() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        let marking = async || {
            let mut tx = stage.db.read().await.expect("begun");
            db::exports::list(&mut tx).await.expect("read").remove(0).export.settings.marking
        };
        apply(&desk, &actor, WHOLE).await.expect("no faults");
        assert_eq!(marking().await, Marking::Tags);
        let marked = format!("{WHOLE}marking = \"properties\"\n");
        assert!(apply(&desk, &actor, &marked).await.expect("no faults").iter().any(|one| one.is_changed));
        assert_eq!(marking().await, Marking::Properties);
        let done = apply(&desk, &actor, WHOLE).await.expect("no faults");
        assert!(done.iter().all(|one| !one.is_changed), "{done:?}");
        assert_eq!(marking().await, Marking::Properties);
        assert_eq!(faults(&format!("{WHOLE}marking = \"ink\"\n")).len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_changed_by_a_file_with_a_fault_anywhere() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        let text = WHOLE
            .replace("attribute = \"city\", operator", "attribute = \"town\", operator")
            .replace("points = \"decimal\"", "score = \"decimal\"")
            .replace("kind = \"scripted\"", "kind = \"pigeons\"")
            .replace("export_user = \"ana@", "export_user = \"nobody@")
            .replace("[\"Vic\", \"Many points\"]", "[\"Vic\", \"Few points\"]");
        let found = apply(&desk, &actor, &text).await.expect_err("faults");
        let lines: Vec<usize> = found.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [6, 23, 25, 31], "{found:?}");

        // Once the data can be read, the rules are judged as well.
        let text = WHOLE.replace("attribute = \"city\", operator", "attribute = \"town\", operator");
        let text = text.replace("email = \"email\"", "email = \"mail\"");
        let found = apply(&desk, &actor, &text).await.expect_err("faults");
        assert_eq!(found.iter().map(|fault| fault.line).collect::<Vec<_>>(), [10, 32], "{found:?}");

        std::fs::write(desk.beside.join("key"), "wrong").expect("written");
        let found = apply(&desk, &actor, WHOLE).await.expect_err("faults");
        assert_eq!(found.iter().map(|fault| fault.line).collect::<Vec<_>>(), [24], "{found:?}");

        let mut tx = stage.db.read().await.expect("begun");
        assert!(db::sources::list(&mut tx).await.expect("read").is_empty());
        assert!(db::segments::list(&mut tx).await.expect("read").is_empty());
        assert!(db::connections::list(&mut tx).await.expect("read").is_empty());
        assert_eq!(std::fs::read_dir(stage.dir.path().join("uploads")).expect("there").count(), 0);
    }
}

#[tokio::test]
async fn only_who_may_use_a_connection_becomes_its_export_user() {
    for stage in stages().await {
        let (desk, actor) = desk(&stage).await;
        let contributor = db::accounts::User {
            id: stage.contributor.id,
            email: "eva@example.com".to_owned(),
            password_hash: None,
            role: Role::Contributor,
            is_enabled: true,
            last_sign_in: None,
        };
        let mut tx = stage.db.begin().await.expect("begun");
        db::accounts::insert(&mut tx, &contributor, 2).await.expect("added");
        tx.commit().await.expect("committed");

        let text = WHOLE.replace("export_user = \"ana@", "export_user = \"eva@");
        let found = apply(&desk, &actor, &text).await.expect_err("not shared with contributors");
        assert_eq!(found.iter().map(|fault| fault.line).collect::<Vec<_>>(), [25], "{found:?}");
        let shared = text.replace("key_file", "audience = \"administrators_and_contributors\"\nkey_file");
        let done = apply(&desk, &actor, &shared).await.expect("no faults");
        assert!(done.iter().all(|one| one.is_changed));
        let plan = plan::make(&desk, &actor, &file::read(&text).expect("read"), &text).await.expect("read");
        assert!(plan.is_err());
    }
}
