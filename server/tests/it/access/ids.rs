//! Whoever may not reach a thing cannot tell its id from one that nobody has (ASVS 8.2.2): same status, same place to go
//! to, same body. Every cell of the table that refuses somebody is asked twice.

use app::services::{ConnectDraft, Connections as _, System as _};
use domain::access::{Actor, Audience, Role};
use domain::destination::DestinationKind;
use domain::id::ConnectionId;
use omnisend_simulator::PRACTICE_KEY;
use reqwest::Method;

use super::picture::Look;
use super::table::Least::{self, Administrator, Contributor};
use super::table::{CHANGES, READS};
use super::{EVERYBODY, People, Who};
use crate::stage::{Stage, World, location, stage_with_world};

/// Ids that nobody has, of two kinds that a program would make up.
const NOBODYS: [&str; 2] = ["01890000-0000-7000-8000-0000000000aa", "7c9e6679-7425-40de-944b-e07fc1f90ae7"];

/// The names in the table that stand for an id.
const NAMES: [&str; 9] = [
    "{source}",
    "{segment}",
    "{shared_connection}",
    "{closed_connection}",
    "{shared_export}",
    "{closed_export}",
    "{shared_run}",
    "{closed_run}",
    "{unknown}",
];

/// Things that the table has no name for, because an administrator's turn would change them.
struct More {
    /// A connection that another administrator is setting up.
    draft: ConnectionId,
    job: String,
}

impl More {
    async fn make(stage: &Stage, admin: &Actor) -> Self {
        let draft = ConnectDraft {
            kind: DestinationKind("omnisend".to_owned()),
            name: "Half".to_owned(),
            audience: Audience::AdministratorsAndContributors,
            key: PRACTICE_KEY.to_owned(),
            agreed: true,
            language: "en".to_owned(),
            wording: "I agree.".to_owned(),
        };
        let services = stage.services();
        let draft = services.connections.connect(admin, None, draft).await.expect("a draft");
        let job = services.system.refresh_all(admin).await.expect("a job").to_string();
        Self { draft, job }
    }

    /// What is there for an address whose row in the table names an id that nobody has.
    fn real(&self, path: &str, world: &World) -> String {
        let kinds = [
            ("/api/segments/", world.segment.to_string()),
            ("/api/sources/", world.source.to_string()),
            ("/api/users/", world.admin.id.to_string()),
            ("/api/connections/", world.closed_connection.to_string()),
            ("/api/system/", self.job.clone()),
        ];
        let found = kinds.into_iter().find(|(start, _)| path.starts_with(start));
        found.unwrap_or_else(|| panic!("say here what {path} takes the id of")).1
    }
}

/// A request about one thing.
struct Cell {
    method: Method,
    /// Path and body, with `{id}` in the place of the id of the thing.
    path: String,
    body: String,
    /// The id of the thing.
    id: String,
    least: Least,
}

/// The rows of the table that are about a thing; those about something shared once more about what is not.
fn cells(world: &World, more: &More) -> Vec<Cell> {
    let reads = READS.iter().map(|(_, path, least)| (Method::GET, *path, "", *least));
    let changes = CHANGES.iter().map(|(path, body, least)| (Method::POST, *path, *body, *least));
    let mut cells = Vec::new();
    for (method, path, body, least) in reads.chain(changes) {
        let text = format!("{path} {body}");
        // What it is about stands first.
        let named = NAMES.iter().filter_map(|name| Some((text.find(name)?, *name))).min();
        let Some((_, name)) = named else { continue };
        let cell = |id: String, least| {
            let (path, body) = (path.replace(name, "{id}"), body.replace(name, "{id}"));
            Cell { method: method.clone(), path, body, id, least }
        };
        let id = if name == "{unknown}" { more.real(path, world) } else { world.fill(name, 0) };
        cells.push(cell(id, least));
        let closed = name.replace("{shared_", "{closed_");
        if closed != name && least == Contributor {
            cells.push(cell(world.fill(&closed, 0), Administrator));
        }
    }
    cells
}

/// What somebody can tell from an answer.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    location: String,
    kind: String,
    body: String,
}

async fn ask(stage: &Stage, world: &World, cell: &Cell, id: &str, is_page: bool, cookie: Option<&str>) -> Seen {
    let fill = |text: &str| world.fill(&text.replace("{id}", id), 0);
    let mut ask = stage.ask(cell.method.clone(), &fill(&cell.path)).cookie(cookie);
    if !is_page {
        ask = ask.for_data();
    }
    if cell.method == Method::POST {
        ask = ask.body("application/x-www-form-urlencoded", fill(&cell.body));
    }
    let response = ask.send().await;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let policy = header("content-security-policy").to_owned();
    let nonce = policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\'')).map_or("", |(nonce, _)| nonce);
    let plain = |text: &str| text.replace(id, "{id}").replace(nonce, "{nonce}");
    assert!(!nonce.is_empty(), "{}", cell.path);
    Seen {
        status: response.status().as_u16(),
        location: plain(&location(&response)),
        kind: header("content-type").to_owned(),
        body: plain(&response.text().await.expect("a body")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_one_may_not_reach_answers_as_one_that_nobody_has() {
    let (stage, world) = stage_with_world().await;
    let people = People::sign_in(&stage, &world).await;
    let more = More::make(&stage, &world.admin).await;
    let look = Look::into(&stage).await;
    look.calm().await;
    let (mut wrong, mut compared) = (Vec::new(), 0);

    for cell in cells(&world, &more) {
        for who in EVERYBODY.into_iter().filter(|who| !who.may(cell.least)) {
            for is_page in [true, false] {
                let cookie = people.cookie(who);
                let real = ask(&stage, &world, &cell, &cell.id, is_page, cookie).await;
                for nobodys in NOBODYS {
                    let unknown = ask(&stage, &world, &cell, nobodys, is_page, cookie).await;
                    compared += 1;
                    if real != unknown {
                        let Cell { path, body, .. } = &cell;
                        wrong.push(format!("{path} {body} as {who:?}:\n  {real:.300?}\n  {unknown:.300?}"));
                    }
                }
            }
        }
    }

    assert!(compared > 500, "{compared}");
    assert!(wrong.is_empty(), "{} of {compared} tell that something is there:\n{}", wrong.len(), wrong.join("\n"));
}

/// What an administrator is setting up is nobody else's, not even another administrator's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_up_of_another_administrator_answers_as_one_that_nobody_began() {
    let (stage, world) = stage_with_world().await;
    let people = People::sign_in(&stage, &world).await;
    let more = More::make(&stage, &world.admin).await;
    let look = Look::into(&stage).await;
    let before = look.calm().await;
    let cookie = people.cookie(Who::Is(Role::Administrator));
    let draft = more.draft.to_string();
    let mut asked = 0;

    for cell in cells(&world, &more) {
        if !cell.path.contains("/connections/") {
            continue;
        }
        for is_page in [true, false] {
            let real = ask(&stage, &world, &cell, &draft, is_page, cookie).await;
            let unknown = ask(&stage, &world, &cell, NOBODYS[0], is_page, cookie).await;
            assert_eq!(real, unknown, "{} {}", cell.path, cell.body);
            asked += 1;
        }
    }

    assert!(asked > 15, "{asked}");
    assert_eq!(look.picture().await, before);
}
