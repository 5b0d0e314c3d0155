//! What of a connection leaves the server (ASVS 8.2.3): the key for nobody; to whoever does not manage connections, the
//! name and the kind of those shared with them, and the id where they may choose it.

use app::services::Connections as _;
use domain::access::{Actor, Role};
use domain::id::UserId;
use omnisend_simulator::{PRACTICE_BRAND, PRACTICE_KEY};
use reqwest::Method;

use super::picture::Look;
use super::table::{CHANGES, READS};
use super::{EVERYBODY, People, UPLOAD, Who};
use crate::stage::{Stage, World, stage_with_world};

/// The columns of a connection that people without the right to manage connections may learn something of.
const KNOWN: [&str; 4] = ["id", "name", "kind", "audience"];
/// Those that hold nothing to look for: numbers, and codes of our own.
const WITHOUT_TEXT: [&str; 7] =
    ["state", "reserve_percent", "name_key", "consent_at", "export_user_at", "needs_attention", "created_at"];
/// Those that nobody of these may see, with what stands there, or the beginning of it.
const HIDDEN: [(&str, &str); 8] = [
    ("sealed_key", PRACTICE_KEY),
    ("brand_id", PRACTICE_BRAND),
    ("brand_name", "canary-account"),
    ("brand_website", "canary-website"),
    ("consent_by_email", "canary-agreed"),
    ("consent_language", "xx-canary"),
    ("consent_wording", "canary-wording"),
    ("export_user_email", "canary-user"),
];
/// Ids of people, who are known by their addresses elsewhere.
const PEOPLE: [&str; 2] = ["consent_by", "export_user_id"];

/// Writes what is looked for into the connections.
const MARK: &str =
    "update connections set brand_name = 'canary-account', brand_website = 'https://canary-website.example',
    consent_by_email = 'canary-agreed@example.com', consent_language = 'xx-canary',
    consent_wording = 'canary-wording', export_user_email = 'canary-user@example.com' where id = $1";

async fn text_of(stage: &Stage, world: &World, row: (&str, &str), n: usize, cookie: Option<&str>) -> String {
    let (path, body) = row;
    let ask = match (body, path) {
        ("-", _) => stage.ask(Method::GET, &world.fill(path, 0)),
        (_, "/uploads") => stage.ask(Method::POST, path).body("multipart/form-data; boundary=x", UPLOAD),
        _ => stage.ask(Method::POST, path).body("application/x-www-form-urlencoded", world.fill(body, n)),
    };
    let response = ask.cookie(cookie).send().await;
    let headers = format!("{:?}", response.headers());
    headers + &response.text().await.expect("a body")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_connection_only_its_name_and_kind_leave_the_server() {
    let (stage, world) = stage_with_world().await;
    let people = People::sign_in(&stage, &world).await;
    let look = Look::into(&stage).await;
    for id in [world.shared_connection, world.closed_connection] {
        look.change(MARK, id.to_string()).await;
    }
    let mut all: Vec<String> = look.columns("connections").await;
    all.retain(|column| !HIDDEN.iter().any(|(hidden, _)| hidden == column));
    all.retain(|column| !KNOWN.iter().chain(&WITHOUT_TEXT).chain(&PEOPLE).any(|known| known == column));
    assert!(all.is_empty(), "say here who may see {all:?}");

    let reads = READS.iter().map(|(_, path, _)| (*path, "-"));
    let changes = CHANGES.iter().map(|(path, body, _)| (*path, *body));
    let (mut wrong, mut shown_to_administrators) = (Vec::new(), String::new());
    for (n, row) in reads.chain(changes).enumerate() {
        for (m, who) in EVERYBODY.into_iter().enumerate() {
            let text = text_of(&stage, &world, row, n * 10 + m, people.cookie(who)).await;
            let secret = |value: &str| text.contains(value).then(|| format!("{row:?} shows {value} to {who:?}"));
            wrong.extend(secret(PRACTICE_KEY));
            if who == Who::Is(Role::Administrator) {
                shown_to_administrators += &text;
                continue;
            }
            wrong.extend(HIDDEN.iter().filter_map(|(_, value)| secret(value)));
            wrong.extend(secret(&world.admin.id.to_string()));
            // The name of the connection that is not shared; "Closed export" goes over it.
            wrong.extend(secret("Closed<"));
            // Whoever asks for an id may read their own question in the answer.
            let asked = |name: &str| row.0.contains(name) || row.1.contains(name);
            wrong.extend(secret(&world.closed_connection.to_string()).filter(|_| !asked("{closed_connection}")));
            let may_choose = who == Who::Is(Role::Contributor) || asked("{shared_connection}");
            wrong.extend(secret(&world.shared_connection.to_string()).filter(|_| !may_choose));
        }
    }

    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(shown_to_administrators.contains("Closed<"));
    for (column, value) in HIDDEN.iter().filter(|(column, _)| !["sealed_key", "brand_id"].contains(column)) {
        assert!(shown_to_administrators.contains(value), "{column} was not there to be found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_may_choose_from_is_id_kind_and_name() {
    let (stage, world) = stage_with_world().await;
    for role in Role::ALL {
        let actor = Actor { id: UserId(uuid::Uuid::now_v7()), email: "a@example.com".to_owned(), role };
        let usable = stage.services().connections.usable(&actor).await.expect("looked");
        let ids: Vec<_> = usable.iter().map(|one| one.id).collect();
        match role {
            Role::Viewer => assert!(ids.is_empty(), "{usable:?}"),
            Role::Contributor => assert_eq!(ids, [world.shared_connection]),
            Role::Administrator => assert_eq!(ids, [world.closed_connection, world.shared_connection]),
        }
        for one in usable {
            let json = serde_json::to_value(one).expect("JSON");
            let names: Vec<_> = json.as_object().expect("an object").keys().cloned().collect();
            assert_eq!(names, ["id", "kind", "name"]);
        }
    }
}
