//! Who may call what: every address of Ferry with every kind of person. An address that is not in the table fails
//! the test, and a refusal must not have changed anything.

use std::collections::BTreeSet;

use app::services::Accounts as _;
use domain::access::Role;
use reqwest::{Method, Response};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Row as _};

use crate::stage::{Stage, World, location, stage_with_world};

/// The least that somebody must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Least {
    Anyone,
    Viewer,
    Contributor,
    Administrator,
}
use Least::{Administrator, Anyone, Contributor, Viewer};

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

/// Pages, and files to download. `{…}` stands for something of the [`World`].
const READS: &[(&str, &str, Least)] = &[
    ("/healthz", "/healthz", Anyone),
    ("/readyz", "/readyz", Anyone),
    ("/sign-in", "/sign-in", Anyone),
    ("/set-up/{token}", "/set-up/unknown", Anyone),
    ("/invitation/{token}", "/invitation/unknown", Anyone),
    ("/", "/", Anyone),
    ("/data/exports", "/data/exports", Viewer),
    ("/data/exports/new", "/data/exports/new", Contributor),
    ("/data/exports/{id}", "/data/exports/{shared_export}", Viewer),
    ("/data/exports/{id}", "/data/exports/{closed_export}", Viewer),
    ("/data/exports/{id}/dry-run", "/data/exports/{shared_export}/dry-run", Contributor),
    ("/data/exports/{id}/dry-run", "/data/exports/{closed_export}/dry-run", Administrator),
    ("/data/exports/{id}/remove", "/data/exports/{shared_export}/remove", Contributor),
    ("/data/exports/{id}/remove", "/data/exports/{closed_export}/remove", Administrator),
    ("/data/exports/{id}/runs", "/data/exports/{shared_export}/runs", Viewer),
    ("/runs/{id}", "/runs/{shared_run}", Viewer),
    ("/runs/{id}/rows.csv", "/runs/{shared_run}/rows.csv", Viewer),
    ("/api/runs/progress", "/api/runs/progress?id={shared_run}", Viewer),
    ("/api/sources/progress", "/api/sources/progress?source={source}", Viewer),
    ("/admin/connections", "/admin/connections", Administrator),
    ("/admin/connections/new", "/admin/connections/new", Administrator),
    ("/admin/connections/set-up/{id}", "/admin/connections/set-up/{shared_connection}", Administrator),
    ("/admin/connections/{id}", "/admin/connections/{shared_connection}", Administrator),
    ("/admin/connections/{id}/remove", "/admin/connections/{shared_connection}/remove", Administrator),
    ("/admin/users", "/admin/users", Administrator),
    ("/admin/system", "/admin/system", Viewer),
    ("/admin/system/schedule", "/admin/system/schedule", Viewer),
    ("/data/sources", "/data/sources", Viewer),
    ("/data/sources/new", "/data/sources/new", Contributor),
    ("/data/sources/preview", "/data/sources/preview?path=/etc/passwd", Administrator),
    ("/data/sources/{id}", "/data/sources/{source}", Viewer),
    ("/data/sources/{id}/rejected.csv", "/data/sources/{source}/rejected.csv", Viewer),
    ("/data/profiles", "/data/profiles", Viewer),
    ("/segments", "/segments", Viewer),
    ("/segments/new", "/segments/new", Contributor),
    ("/segments/{id}", "/segments/{segment}", Viewer),
];

const RULE_FORM: &str = "form[name]=Mine&form[join]=all&form[time_zone]=UTC&form[conditions][0][attribute]=id\
    &form[conditions][0][operator]=is_not_empty";
const EXPORT_FORM: &str = "form[name]=Mine {n}&form[rows][0][target]=email&form[rows][0][attribute]=email\
    &form[segments][0]={segment}&form[schedule][kind]=off&form[version]=0";
const SOURCE_FORM: &str = "form[name]=Mine&form[path]=/etc/passwd&form[format]=csv&form[encoding]=utf8\
    &form[delimiter]=comma&form[header]=yes&form[time_zone]=UTC&form[key]=%23&form[columns][0]=a&form[types][0]=text";

/// Changes, in an order in which a later one still finds what it needs. The ids that nobody has show that the right is
/// asked for before the thing.
const CHANGES: &[(&str, &str, Least)] = &[
    ("/api/session/set-language", "language=sv&back=/", Anyone),
    ("/api/session/set-theme", "theme=dark&back=/", Anyone),
    ("/api/session/sign-in", "email=nobody@example.com&password=wrong", Anyone),
    ("/api/session/set-up", "token=unknown&email=a@example.com&password=blue harbour tide", Anyone),
    ("/api/session/accept-invitation", "token=unknown&password=blue harbour tide", Anyone),
    ("/uploads", "", Contributor),
    ("/api/segments/try", "form={rule}", Contributor),
    ("/api/segments/save", "{rule_form}", Contributor),
    ("/api/segments/refresh", "id={unknown}", Contributor),
    ("/api/segments/set-active", "id={unknown}&active=false", Contributor),
    ("/api/segments/set-static", "id={unknown}&frozen=true", Contributor),
    ("/api/segments/remove", "id={unknown}", Contributor),
    ("/api/sources/save", "{source_form}", Administrator),
    ("/api/sources/refresh", "id={unknown}", Contributor),
    ("/api/sources/remove", "id={unknown}", Contributor),
    ("/api/users/add", "email=new-{n}@example.com&role=viewer", Administrator),
    ("/api/users/invite-again", "user={unknown}", Administrator),
    ("/api/users/set-role", "user={unknown}&role=administrator", Administrator),
    ("/api/users/set-enabled", "user={unknown}&enabled=true", Administrator),
    ("/api/connections/connect", "kind=omnisend&name=X&audience=administrators&key=&language=en", Administrator),
    ("/api/connections/add-export-user", "id={unknown}&password=wrong", Administrator),
    ("/api/connections/save", "id={unknown}", Administrator),
    ("/api/connections/edit", "id={unknown}&name=X&audience=administrators", Administrator),
    ("/api/connections/share", "id={unknown}&audience=administrators", Administrator),
    ("/api/connections/set-reserve", "id={unknown}&reserve=10", Administrator),
    ("/api/connections/replace-key", "id={unknown}&key=x", Administrator),
    ("/api/connections/remove", "id={unknown}", Administrator),
    ("/api/exports/save", "form[connection]={shared_connection}&{export_form}", Contributor),
    ("/api/exports/save", "form[connection]={closed_connection}&{export_form}", Administrator),
    ("/api/exports/save", "id={closed_export}&form[connection]={shared_connection}&{export_form}", Administrator),
    ("/api/runs/cancel", "id={shared_run}", Contributor),
    ("/api/runs/resend", "id={shared_run}", Contributor),
    ("/api/runs/resend", "id={shared_run}&reason=email_invalid", Contributor),
    ("/api/runs/recheck", "id={shared_run}", Contributor),
    ("/api/runs/approve", "id={shared_run}", Contributor),
    ("/api/system/save", "form[schedule][kind]=off&form[catch_up_hours]=24&form[version]=99", Administrator),
    ("/api/system/refresh", "", Administrator),
    ("/api/system/cancel", "id={unknown}", Administrator),
    ("/api/sources/make-customer-table", "id={source}", Administrator),
    ("/api/exports/run-all", "", Contributor),
    ("/api/exports/run", "id={closed_export}", Administrator),
    ("/api/exports/run", "id={shared_export}", Contributor),
    ("/api/exports/detach", "id={closed_export}", Administrator),
    ("/api/exports/remove", "id={closed_export}", Administrator),
    ("/api/exports/remove", "id={shared_export}", Contributor),
    ("/api/session/sign-out", "", Anyone),
];

impl World {
    fn fill(&self, text: &str, n: usize) -> String {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let text = text.replace("{rule}", &encode(RULE_FORM)).replace("{rule_form}", RULE_FORM);
        let text = text.replace("{export_form}", EXPORT_FORM).replace("{source_form}", SOURCE_FORM);
        let ids = [
            ("{n}", n.to_string()),
            ("{source}", self.source.to_string()),
            ("{segment}", self.segment.to_string()),
            ("{shared_connection}", self.shared_connection.to_string()),
            ("{closed_connection}", self.closed_connection.to_string()),
            ("{shared_export}", self.shared_export.to_string()),
            ("{closed_export}", self.closed_export.to_string()),
            ("{shared_run}", self.shared_run.to_string()),
            ("{unknown}", "01890000-0000-7000-8000-00000000ffff".to_owned()),
        ];
        ids.iter().fold(text, |text, (name, id)| text.replace(name, id))
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
    let text = response.text().await.unwrap_or_default();
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
                Who::Disabled => "update users set is_enabled = 0 where id = $1",
                Who::Expired => "update sessions set expires_at = created_at where user_id = $1",
                Who::Anonymous | Who::Is(_) => continue,
            };
            let pool = database(stage).await;
            sqlx::query(change).bind(person.id.to_string()).execute(&pool).await.expect("changed");
        }
        assert!(stage.services().accounts.users(&world.admin).await.is_ok());
        Self { cookies }
    }

    fn cookie(&self, who: Who) -> Option<&str> {
        let at = EVERYBODY.iter().position(|one| *one == who).expect("one of them");
        self.cookies[at].as_deref()
    }
}

async fn database(stage: &Stage) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(stage.config.data_dir.join("ferry.db"));
    SqlitePoolOptions::new().max_connections(1).connect_with(options).await.expect("the database")
}

/// Everything that people can change, as one text. Sessions and counted failures move with every request.
async fn picture(pool: &SqlitePool) -> String {
    let tables = "select name from sqlite_schema where type = 'table' and name not in
        ('sessions', 'sign_in_failures', 'users') and name not like 'sqlite%' order by name";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(pool).await.expect("the tables");
    let mut all = String::new();
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar("select 'quote(' || name || ')' from pragma_table_info($1)")
            .bind(&table)
            .fetch_all(pool)
            .await
            .expect("the columns");
        let query = format!("select {} from {table} order by 1, 2", columns.join("||','||"));
        let query = query.replace("order by 1, 2", "order by 1");
        for row in sqlx::query(AssertSqlSafe(query)).fetch_all(pool).await.expect("the rows") {
            all.push_str(&format!("{table}: {}\n", row.get::<String, _>(0)));
        }
    }
    let users = "select group_concat(id || role || is_enabled || coalesce(password_hash, ''), ' ') from users";
    let users: Option<String> = sqlx::query_scalar(users).fetch_one(pool).await.expect("the people");
    all + &users.unwrap_or_default()
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

/// Waits until the runner has done what an earlier request asked of it.
async fn calm(pool: &SqlitePool) -> String {
    let mut before = picture(pool).await;
    for _ in 0..600 {
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        let active = "select (select count(*) from runs where finished_at is null) + (select count(*) from refresh_jobs where finished_at is null)
            + (select count(*) from refreshes where finished_at is null)";
        let active: i64 = sqlx::query_scalar(active).fetch_one(pool).await.expect("counted");
        let now = picture(pool).await;
        if active == 0 && now == before {
            return now;
        }
        before = now;
    }
    panic!("the runner does not come to rest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_lets_in_whom_it_should_and_nobody_else() {
    let (stage, world) = stage_with_world().await;
    let people = People::sign_in(&stage, &world).await;
    let pool = database(&stage).await;
    let mut wrong = Vec::new();

    for (_, path, least) in READS {
        for who in EVERYBODY {
            let before = picture(&pool).await;
            let mut ask = stage.ask(Method::GET, &world.fill(path, 0)).cookie(people.cookie(who));
            if path.starts_with("/api/") {
                ask = ask.for_data();
            }
            let answer = judge(ask.send().await).await;
            wrong.extend(check(who, *least, path, &answer).err());
            if picture(&pool).await != before {
                wrong.push(format!("GET {path} as {who:?} changed something"));
            }
        }
    }
    for (n, (path, body, least)) in CHANGES.iter().enumerate() {
        for (m, who) in EVERYBODY.into_iter().enumerate() {
            let before = if who.may(*least) { String::new() } else { calm(&pool).await };
            let ask = stage.ask(Method::POST, path).cookie(people.cookie(who)).for_data();
            let ask = match *path {
                "/uploads" => ask.body("multipart/form-data; boundary=x", UPLOAD),
                _ => ask.body("application/x-www-form-urlencoded", world.fill(body, n * 10 + m)),
            };
            let answer = judge(ask.send().await).await;
            wrong.extend(check(who, *least, &format!("{path} {body}"), &answer).err());
            if !who.may(*least) && picture(&pool).await != before {
                wrong.push(format!("POST {path} {body} as {who:?} was refused and changed something"));
            }
        }
    }

    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

const UPLOAD: &str =
    "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nid\n1\n\r\n--x--\r\n";

#[tokio::test]
async fn every_address_is_in_the_table() {
    // Registered by the linker: nothing has to be started for it.
    let functions = leptos::server_fn::axum::server_fn_paths().map(|(path, method)| format!("{method} {path}"));
    let pages = leptos_axum::generate_route_list(app::App);
    let pages = pages.iter().map(|page| format!("GET {}", page.path().to_owned()));
    let plain = server::web::PLAIN_ROUTES.iter().map(|(method, path)| format!("{method} {path}"));
    let real: BTreeSet<String> = functions.chain(pages).chain(plain).collect();

    let reads = READS.iter().map(|(path, _, _)| format!("GET {path}"));
    let known: BTreeSet<String> = reads.chain(CHANGES.iter().map(|(path, _, _)| format!("POST {path}"))).collect();

    assert!(real.len() > 50, "{real:?}");
    let missing: Vec<_> = real.difference(&known).collect();
    let gone: Vec<_> = known.difference(&real).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the table: {missing:?}; only in the table: {gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_leaves_the_server_and_contributors_do_not_see_what_is_not_shared() {
    let (stage, world) = stage_with_world().await;
    let people = People::sign_in(&stage, &world).await;
    for who in EVERYBODY {
        for (_, path, _) in READS {
            let response = stage.get(&world.fill(path, 0), people.cookie(who)).await;
            let text = response.text().await.expect("a text");
            assert!(!text.contains(omnisend_simulator::PRACTICE_KEY), "{path} shows the key to {who:?}");
            let sees_names = matches!(who, Who::Is(Role::Administrator));
            if !sees_names && *path == "/data/exports/new" {
                assert!(!text.contains(&world.closed_connection.to_string()), "{who:?} sees a closed connection");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_role_and_a_disabled_person_act_on_the_next_request() {
    let stage = Stage::start().await;
    let root = stage.person("root@example.com", Role::Administrator).await;
    let other = stage.person("bo@example.com", Role::Administrator).await;
    let cookie = stage.sign_in("bo@example.com").await;
    assert_eq!(stage.get("/admin/users", Some(&cookie)).await.status(), 200);

    let accounts = &stage.services().accounts;
    accounts.set_role(&root, other.id, Role::Viewer).await.expect("changed");
    assert_eq!(stage.get("/admin/users", Some(&cookie)).await.status(), 403);
    assert_eq!(stage.get("/data/exports", Some(&cookie)).await.status(), 200);

    accounts.set_enabled(&root, other.id, false).await.expect("disabled");
    let response = stage.get("/data/exports", Some(&cookie)).await;
    assert!(location(&response).starts_with("/sign-in"), "{}", response.status());
    accounts.set_enabled(&root, other.id, true).await.expect("enabled");
    let response = stage.get("/data/exports", Some(&cookie)).await;
    assert!(location(&response).starts_with("/sign-in"), "the session ended for good");
}
