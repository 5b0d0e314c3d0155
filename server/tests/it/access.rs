//! Who may call what: every address of Ferry with every kind of person. An address that is not in the table fails
//! the test, and a refusal must not have changed anything.

use std::collections::BTreeSet;
use std::path::Path;

use app::services::Accounts as _;
use domain::access::Role;
use omnisend_simulator::PRACTICE_KEY;
use reqwest::{Method, Response};
use server::db::DatabaseLocation;
use server::web::plain::plain_routes;

use crate::postgres::new_schema;
use crate::stage::{Stage, World, location, stage_with_world, stage_with_world_in};

mod fields;
mod ids;
mod picture;
mod table;

use picture::Look;
use table::Least::{self, Administrator, Anyone, Contributor, Viewer};
use table::{CHANGES, READS};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anonymous,
    Disabled,
    /// An administrator whose session is too old.
    Expired,
    Is(Role),
}

const EVERYBODY: [Who; 6] = [
    Who::Anonymous,
    Who::Disabled,
    Who::Expired,
    Who::Is(Role::Viewer),
    Who::Is(Role::Contributor),
    Who::Is(Role::Administrator),
];

impl Who {
    fn may(self, least: Least) -> bool {
        let has = match self {
            Self::Anonymous | Self::Disabled | Self::Expired => Anyone,
            Self::Is(Role::Viewer) => Viewer,
            Self::Is(Role::Contributor) => Contributor,
            Self::Is(Role::Administrator) => Administrator,
        };
        has >= least
    }
}

/// How an address answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// Sent to sign in, or told to.
    SignedOut,
    /// Not for this person.
    Refused,
    /// Not there, or for all that this person may know.
    NotThere,
    /// Whatever came of it, the person was let in.
    LetIn,
    /// Neither: the test itself, or Ferry, is wrong.
    Broken(String),
}

async fn judge(response: Response) -> Answer {
    let status = response.status().as_u16();
    let to = location(&response);
    let headers = format!("{:?}", response.headers());
    let text = response.text().await.unwrap_or_default();
    if headers.contains(PRACTICE_KEY) || text.contains(PRACTICE_KEY) {
        return Answer::Broken(format!("{status} shows an API key"));
    }
    let code =
        serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|v| v["code"].as_str().map(str::to_owned));
    match (status, code.as_deref()) {
        (302 | 303, _) if to.starts_with("/sign-in") => Answer::SignedOut,
        (401, _) | (_, Some("signed_out")) => Answer::SignedOut,
        (403, _) | (_, Some("forbidden")) => Answer::Refused,
        (404, _) | (_, Some("not_found")) => Answer::NotThere,
        // A connection that is not shared is as invalid as one that does not exist.
        (_, Some("fields")) if text.contains("\"connection\"") => Answer::NotThere,
        (_, Some("internal")) => Answer::Broken(format!("{status} {text}")),
        (200..400 | 422, _) | (_, Some(_)) => Answer::LetIn,
        (400, _) => Answer::Broken(format!("{status} {text}")),
        _ => Answer::Broken(format!("{status} {text}")),
    }
}

struct People {
    cookies: [Option<String>; 6],
}

impl People {
    async fn sign_in(stage: &Stage, world: &World) -> Self {
        let mut cookies: [Option<String>; 6] = Default::default();
        for (cookie, who) in cookies.iter_mut().zip(EVERYBODY) {
            let (email, role) = match who {
                Who::Anonymous => continue,
                Who::Disabled => ("gone@example.com".to_owned(), Role::Administrator),
                Who::Expired => ("late@example.com".to_owned(), Role::Administrator),
                Who::Is(role) => (format!("{}@example.com", role.as_str()), role),
            };
            let person = stage.person(&email, role).await;
            *cookie = Some(stage.sign_in(&email).await);
            // Behind the back of the session: it is there, and its person is disabled, or its time is over.
            let change = match who {
                Who::Disabled => "update users set is_enabled = false where id = $1",
                Who::Expired => "update sessions set expires_at = created_at where user_id = $1",
                Who::Anonymous | Who::Is(_) => continue,
            };
            Look::into(stage).await.change(change, person.id.to_string()).await;
        }
        assert!(stage.services().accounts.users(&world.admin).await.is_ok());
        Self { cookies }
    }

    fn cookie(&self, who: Who) -> Option<&str> {
        let at = EVERYBODY.iter().position(|one| *one == who).expect("one of them");
        self.cookies[at].as_deref()
    }
}

fn check(who: Who, least: Least, what: &str, answer: &Answer) -> Result<(), String> {
    // Where the id is nobody's, "not there" says that the right was not asked for first.
    let hides = *answer == Answer::NotThere && !what.contains("{unknown}");
    let is_right = match (who.may(least), who) {
        (true, _) if least == Anyone => *answer != Answer::Refused && !matches!(answer, Answer::Broken(_)),
        (true, _) => matches!(answer, Answer::LetIn | Answer::NotThere),
        (false, Who::Anonymous | Who::Disabled | Who::Expired) => *answer == Answer::SignedOut,
        (false, Who::Is(_)) => *answer == Answer::Refused || hides,
    };
    if is_right { Ok(()) } else { Err(format!("{what} as {who:?} (needs {least:?}): {answer:?}")) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_lets_in_whom_it_should_and_nobody_else() {
    let (stage, world) = stage_with_world().await;
    walk_the_table(&stage, &world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_lets_in_whom_it_should_and_nobody_else_on_postgres() {
    let Some(url) = new_schema().await else { return };
    let (stage, world) = stage_with_world_in(|config| config.database = DatabaseLocation::Postgres(url.into())).await;
    walk_the_table(&stage, &world).await;
    stage.ferry.stop().await;
}

async fn walk_the_table(stage: &Stage, world: &World) {
    let people = People::sign_in(stage, world).await;
    let look = Look::into(stage).await;

    let mut wrong = walk_the_reads(stage, world, &people, &look).await;
    wrong.extend(walk_the_changes(stage, world, &people, &look).await);

    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

async fn walk_the_reads(stage: &Stage, world: &World, people: &People, look: &Look) -> Vec<String> {
    let mut wrong = Vec::new();
    for (_, path, least) in READS {
        for who in EVERYBODY {
            let before = look.picture().await;
            let mut ask = stage.ask(Method::GET, &world.fill(path, 0)).cookie(people.cookie(who));
            if path.starts_with("/api/") {
                ask = ask.for_data();
            }
            let answer = judge(ask.send().await).await;
            wrong.extend(check(who, *least, path, &answer).err());
            if look.picture().await != before {
                wrong.push(format!("GET {path} as {who:?} changed something"));
            }
        }
    }
    wrong
}

async fn walk_the_changes(stage: &Stage, world: &World, people: &People, look: &Look) -> Vec<String> {
    let mut wrong = Vec::new();
    for (n, (path, body, least)) in CHANGES.iter().enumerate() {
        for (m, who) in EVERYBODY.into_iter().enumerate() {
            let before = if who.may(*least) { String::new() } else { look.calm().await };
            let ask = stage.ask(Method::POST, path).cookie(people.cookie(who)).for_data();
            let ask = match *path {
                "/uploads" => ask.body("multipart/form-data; boundary=x", UPLOAD),
                _ => ask.body("application/x-www-form-urlencoded", world.fill(body, n * 10 + m)),
            };
            let answer = judge(ask.send().await).await;
            wrong.extend(check(who, *least, &format!("{path} {body}"), &answer).err());
            if !who.may(*least) && look.picture().await != before {
                wrong.push(format!("POST {path} {body} as {who:?} was refused and changed something"));
            }
        }
    }
    wrong
}

/// What an address does not take is refused whoever asks, and changes nothing: a GET where a form belongs least of all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_takes_another_method_than_its_own() {
    let (stage, world) = stage_with_world().await;
    let people = People::sign_in(&stage, &world).await;
    let look = Look::into(&stage).await;
    let reads = READS.iter().map(|(_, path, _)| (Method::GET, (*path).to_owned()));
    let changes = CHANGES.iter().map(|(path, body, _)| (Method::POST, format!("{path}?{body}")));
    let mut wrong = Vec::new();

    for (own, path) in reads.chain(changes) {
        let path = world.fill(&path, 0).replace(' ', "%20");
        let before = look.calm().await;
        for method in
            [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE]
        {
            let is_read = own == Method::GET && [Method::GET, Method::HEAD].contains(&method);
            if method == own || is_read {
                continue;
            }
            for who in [Who::Anonymous, Who::Is(Role::Administrator)] {
                let status = stage.ask(method.clone(), &path).cookie(people.cookie(who)).send().await.status().as_u16();
                if ![404, 405].contains(&status) {
                    wrong.push(format!("{method} {path} as {who:?}: {status}"));
                }
            }
        }
        if look.picture().await != before {
            wrong.push(format!("{path} changed something"));
        }
    }

    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let root = people.cookie(Who::Is(Role::Administrator));
    assert_eq!(stage.get("/admin/users", root).await.status(), 200, "still signed in");
}

const UPLOAD: &str =
    "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nid\n1\n\r\n--x--\r\n";

#[tokio::test]
async fn every_address_is_in_the_table() {
    // Registered by the linker: nothing has to be started for it.
    let functions = leptos::server_fn::axum::server_fn_paths().map(|(path, method)| format!("{method} {path}"));
    let pages = leptos_axum::generate_route_list(app::App);
    let pages = pages.iter().map(|page| format!("GET {}", page.path().to_owned()));
    let plain = plain_routes().map(|one| format!("{} {}", one.method, one.path));
    let real: BTreeSet<String> = functions.chain(pages).chain(plain).collect();

    let reads = READS.iter().map(|(path, _, _)| format!("GET {path}"));
    let known: BTreeSet<String> = reads.chain(CHANGES.iter().map(|(path, _, _)| format!("POST {path}"))).collect();

    assert!(real.len() > 50, "{real:?}");
    let missing: Vec<_> = real.difference(&known).collect();
    let gone: Vec<_> = known.difference(&real).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the table: {missing:?}; only in the table: {gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_of_the_site_holds_a_key() {
    let stage = Stage::start().await;
    for path in files_of_the_site(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site"))) {
        let response = stage.get(&path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        let bytes = response.bytes().await.expect("a file");
        let key = PRACTICE_KEY.as_bytes();
        assert!(!bytes.windows(key.len()).any(|window| window == key), "{path} shows the key");
    }
}

/// The addresses of the files that are served as they are.
fn files_of_the_site(site: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![site.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let address = path.strip_prefix(site).expect("below it").display().to_string();
            if path.is_dir() { folders.push(path) } else { found.push(format!("/{address}")) }
        }
    }
    assert!(found.iter().any(|address| address.starts_with("/pkg/")), "{found:?}");
    found
}

/// A form that failed goes back to its page with what was typed, all but the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_comes_back_does_not_bring_the_key() {
    let (stage, world) = stage_with_world().await;
    stage.person("ana@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("ana@example.com").await;
    let id = world.shared_connection.to_string();
    let connect = [("kind", "omnisend"), ("name", "Shared"), ("audience", "administrators"), ("key", PRACTICE_KEY)];
    let replace = [("id", id.as_str()), ("key", "a key that nobody has")];

    for (path, form) in [("connect", [&connect[..], &[("language", "en")]].concat()), ("replace-key", replace.to_vec())]
    {
        let ask = stage.ask(Method::POST, &format!("/api/connections/{path}")).cookie(Some(&cookie));
        let response = ask.form(&form).send().await;

        let back = location(&response);
        assert!(back.contains("fault="), "{path}: {} {back}", response.status());
        let page = stage.get(&back, Some(&cookie)).await.text().await.expect("a text");
        for text in [format!("{:?}", response.headers()), page] {
            assert!(!text.contains(PRACTICE_KEY) && !text.contains("that%20nobody") && !text.contains("that+nobody"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_role_ends_the_sessions_and_a_disabled_person_is_out_on_the_next_request() {
    let stage = Stage::start().await;
    let root = stage.person("root@example.com", Role::Administrator).await;
    let own = stage.sign_in("root@example.com").await;
    let other = stage.person("bo@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("bo@example.com").await;
    assert_eq!(stage.get("/admin/users", Some(&cookie)).await.status(), 200);

    let change = [("user", other.id.to_string()), ("role", "viewer".to_owned())];
    let change: Vec<(&str, &str)> = change.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let response = stage.ask(Method::POST, "/api/users/set-role").cookie(Some(&own)).form(&change).send().await;
    assert_eq!(location(&response), "/admin/users");
    assert_eq!(stage.get("/admin/users", Some(&own)).await.status(), 200, "who changed it stays signed in");
    let is_out = async |cookie: &str| {
        let response = stage.get("/data/exports", Some(cookie)).await;
        assert!(location(&response).starts_with("/sign-in"), "{}", response.status());
    };
    is_out(&cookie).await;

    let cookie = stage.sign_in("bo@example.com").await;
    assert_eq!(stage.get("/admin/users", Some(&cookie)).await.status(), 403);
    let accounts = &stage.services().accounts;
    accounts.set_role(&root, other.id, Role::Viewer).await.expect("as it was");
    assert_eq!(stage.get("/data/exports", Some(&cookie)).await.status(), 200, "nothing changed");

    accounts.set_enabled(&root, other.id, false).await.expect("disabled");
    is_out(&cookie).await;
    accounts.set_enabled(&root, other.id, true).await.expect("enabled");
    is_out(&cookie).await;
}
