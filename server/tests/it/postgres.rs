//! The way in on Postgres, where `FERRY_TEST_POSTGRES_URL` names one: a schema of its own for each test.

use domain::access::Role;
use reqwest::Method;
use server::db::DatabaseLocation;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::stage::{PASSWORD, Stage, location, session_cookie};

/// A Postgres address whose tables are in a new schema; none where there is no Postgres to test on.
pub async fn new_schema() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own setting; without it SQLite alone is tested")]
    let url = std::env::var("FERRY_TEST_POSTGRES_URL");
    let url = url.ok()?;
    let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&url).await.expect("the Postgres of the tests");
    // The name is made above, of hexadecimal digits.
    connection.execute(AssertSqlSafe(format!("create schema {schema}"))).await.expect("a new schema");
    Some(format!("{url}?options=-c%20search_path%3D{schema}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_administrator_is_set_up_signs_in_and_out() {
    let Some(url) = new_schema().await else { return };
    let stage = Stage::start_with(|config| config.database = DatabaseLocation::Postgres(url.into())).await;
    let link = stage.ferry.set_up_link.clone().expect("nobody is there");
    let token = link.rsplit('/').next().expect("a token");
    assert_eq!(stage.get(&format!("/set-up/{token}"), None).await.status(), 200);
    assert_eq!(stage.get("/readyz", None).await.status(), 200);

    let form = [("token", token), ("email", "ana@example.com"), ("password", PASSWORD)];
    let response = stage.ask(Method::POST, "/api/session/set-up").form(&form).send().await;
    assert_eq!(location(&response), "/data/sources");
    let cookie = session_cookie(&response).expect("signed in");
    assert_eq!(stage.get("/admin/users", Some(&cookie)).await.status(), 200);

    stage.person("bo@example.com", Role::Viewer).await;
    let other = stage.sign_in("bo@example.com").await;
    assert_eq!(stage.get("/data/exports", Some(&other)).await.status(), 200);
    assert_eq!(stage.get("/admin/users", Some(&other)).await.status(), 403);
    stage.ask(Method::POST, "/api/session/sign-out").cookie(Some(&other)).form(&[]).send().await;
    assert!(location(&stage.get("/data/exports", Some(&other)).await).starts_with("/sign-in"));
    stage.ferry.stop().await;
}
