//! A Ferry for one test, people in it, and a small HTTP client that does what a browser does with cookies and headers.

use std::path::Path;
use std::time::Duration;

use app::services::{Accounts as _, ConnectDraft, SourceDraft};
use app::services::{Connections as _, Exports as _, Segments as _, Sources as _};
use domain::access::{Actor, Audience, Role};
use domain::attribute::Attribute;
use domain::destination::DestinationKind;
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId, RunId, SegmentId, SourceId};
use domain::mapping::{Field, Mapping, Match};
use domain::marking::Marking;
use domain::safety::Safety;
use domain::schedule::Schedule;
use domain::source::Location;
use omnisend_simulator::{Options, PRACTICE_KEY, Simulator};
use reqwest::{Client, Method, Response};
use server::Running;
use server::config::Config;
use server::db::DatabaseLocation;
use server::services::AllServices;

pub const PASSWORD: &str = "blue harbour tide";

/// A running Ferry. Dropping it drops its data directory; the server ends with the test's runtime.
pub struct Stage {
    pub ferry: Running,
    pub base: String,
    pub config: Config,
    http: Client,
    _dir: tempfile::TempDir,
}

/// The settings of a Ferry in this data directory.
pub fn config(data_dir: &Path) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: data_dir.to_owned(),
        database: DatabaseLocation::Sqlite(data_dir.join("ferry.db")),
        secret_key: None,
        public_url: None,
        trusted_proxies: Vec::new(),
        pace: server::config::Pace::default(),
        omnisend_url: None,
        source_directories: Vec::new(),
        upload_limit: 1 << 20,
    }
}

impl Stage {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with other settings than the usual ones.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = config(&dir.path().join("data"));
        change(&mut config);
        let ferry = server::start(config.clone()).await.expect("started");
        let base = format!("http://{}", ferry.address);
        #[expect(clippy::disallowed_methods, reason = "the browser of the tests, not a client of the server")]
        let http = Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.timeout(Duration::from_secs(60)).build().expect("a client");
        Self { ferry, base, config, http, _dir: dir }
    }

    pub fn services(&self) -> &AllServices {
        self.ferry.services()
    }

    /// Adds a person with [`PASSWORD`].
    pub async fn person(&self, email: &str, role: Role) -> Actor {
        let accounts = &self.services().accounts;
        accounts.add_from_command_line(email, role, Some(PASSWORD)).await.expect("added");
        let id = accounts.sign_in(email, PASSWORD).await.expect("known");
        accounts.actor(id).await.expect("read").expect("enabled")
    }

    /// Signs in as a browser does; gives the cookie.
    pub async fn sign_in(&self, email: &str) -> String {
        let form = [("email", email), ("password", PASSWORD)];
        let response = self.ask(Method::POST, "/api/session/sign-in").form(&form).send().await;
        assert_eq!(response.status(), 302, "{email} signs in");
        session_cookie(&response).expect("a session")
    }

    /// A request as a page of Ferry's own sends it.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        let request = self.http.request(method, format!("{}{path}", self.base));
        Ask { request: request.header("accept", "text/html"), site: Some("same-origin".to_owned()) }
    }

    pub async fn get(&self, path: &str, cookie: Option<&str>) -> Response {
        self.ask(Method::GET, path).cookie(cookie).send().await
    }
}

/// A request that is being put together.
pub struct Ask {
    request: reqwest::RequestBuilder,
    site: Option<String>,
}

impl Ask {
    pub fn cookie(self, cookie: Option<&str>) -> Self {
        match cookie {
            Some(cookie) => self.header("cookie", cookie),
            None => self,
        }
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// `Sec-Fetch-Site`; none leaves it out, as old browsers and programs do.
    pub fn site(self, site: Option<&str>) -> Self {
        Self { site: site.map(str::to_owned), ..self }
    }

    /// Asks for data in place of a page.
    pub fn for_data(self) -> Self {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("accept", "application/json".parse().expect("a header"));
        Self { request: self.request.headers(headers), ..self }
    }

    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    pub fn body(self, kind: &str, body: impl Into<reqwest::Body>) -> Self {
        Self { request: self.request.header("content-type", kind).body(body), ..self }
    }

    pub async fn send(self) -> Response {
        self.try_send().await.expect("an answer")
    }

    pub async fn try_send(self) -> reqwest::Result<Response> {
        match self.site {
            Some(site) => self.request.header("sec-fetch-site", site),
            None => self.request,
        }
        .send()
        .await
    }
}

/// The session cookie that an answer sets, as a browser would send it back.
pub fn session_cookie(response: &Response) -> Option<String> {
    let cookies = response.headers().get_all("set-cookie").iter();
    let mut pairs = cookies.filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned));
    pairs.rfind(|pair| pair.starts_with("ferry=") || pair.starts_with("__Host-ferry="))
}

/// Where an answer leads.
pub fn location(response: &Response) -> String {
    response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// Something of everything: a source with profiles, a segment, a connection that is shared with contributors and one
/// that is not, an export over each, and of each export a run that has ended.
pub struct World {
    pub admin: Actor,
    pub source: SourceId,
    pub segment: SegmentId,
    pub shared_connection: ConnectionId,
    pub closed_connection: ConnectionId,
    pub shared_export: ExportId,
    pub closed_export: ExportId,
    pub shared_run: RunId,
    pub closed_run: RunId,
}

const CSV: &str = "id,email,name\n1,ana@example.com,Ana\n2,bo@example.com,Bo\n3,no address,=HYPERLINK(1)\n";

/// A stage whose destination is a simulator, with a world in it.
pub async fn stage_with_world() -> (Stage, World) {
    stage_with_world_in(|_| {}).await
}

/// The same, with other settings than the usual ones.
pub async fn stage_with_world_in(change: impl FnOnce(&mut Config)) -> (Stage, World) {
    let simulator = Simulator::start(Options::default()).await.expect("a simulator");
    let url = simulator.url().parse().expect("an address");
    let start = |config: &mut Config| {
        config.omnisend_url = Some(url);
        change(config);
    };
    let stage = Stage::start_with(start).await;
    let world = World::make(&stage).await;
    (stage, world)
}

impl World {
    async fn make(stage: &Stage) -> Self {
        let admin = stage.person("root@example.com", Role::Administrator).await;
        let source = add_source(stage, &admin).await;
        let segments = &stage.services().segments;
        let rule = serde_json::json!({"join": "all", "items": [{"attribute": "id", "operator": "is_not_empty"}]});
        let rule = serde_json::from_value(rule).expect("a rule");
        let segment = segments.save(&admin, None, "Everybody", rule).await.expect("a segment");
        let shared_connection = connect(stage, &admin, "Shared", Audience::AdministratorsAndContributors).await;
        let closed_connection = connect(stage, &admin, "Closed", Audience::Administrators).await;
        let shared_export = add_export(stage, &admin, "Shared export", shared_connection, segment).await;
        let closed_export = add_export(stage, &admin, "Closed export", closed_connection, segment).await;
        let shared_run = run(stage, &admin, shared_export).await;
        let closed_run = run(stage, &admin, closed_export).await;
        Self {
            admin,
            source,
            segment,
            shared_connection,
            closed_connection,
            shared_export,
            closed_export,
            shared_run,
            closed_run,
        }
    }
}

async fn add_source(stage: &Stage, admin: &Actor) -> SourceId {
    let sources = &stage.services().sources;
    let upload = "01890000-0000-7000-8000-000000000001".to_owned();
    std::fs::write(stage.config.data_dir.join("uploads").join(&upload), CSV).expect("written");
    let location = Location::Upload { upload, file_name: "people.csv".to_owned() };
    let preview = sources.preview(admin, &location, None).await.expect("a preview");
    let attributes: Vec<Attribute> = preview.attributes;
    let draft = SourceDraft {
        name: "People".to_owned(),
        location,
        reading: preview.reading,
        attributes,
        primary_key: Some("id".to_owned()),
    };
    let id = sources.save(admin, None, draft).await.expect("a source");
    sources.refresh(admin, id).await.expect("a refresh");
    for _ in 0..600 {
        if sources.profiles(admin, "", domain::paging::PageRequest::of_50(1)).await.expect("profiles").total == 3 {
            return id;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the refresh did not end: {:?}", sources.find(admin, id).await);
}

async fn connect(stage: &Stage, admin: &Actor, name: &str, audience: Audience) -> ConnectionId {
    let connections = &stage.services().connections;
    let draft = ConnectDraft {
        kind: DestinationKind("omnisend".to_owned()),
        name: name.to_owned(),
        audience,
        key: PRACTICE_KEY.to_owned(),
        agreed: true,
        language: "en".to_owned(),
        wording: "I agree.".to_owned(),
    };
    let id = connections.connect(admin, None, draft).await.expect("connected");
    connections.add_export_user(admin, id, PASSWORD).await.expect("an export user");
    connections.save(admin, id).await.expect("saved");
    id
}

async fn add_export(
    stage: &Stage,
    admin: &Actor,
    name: &str,
    connection: ConnectionId,
    segment: SegmentId,
) -> ExportId {
    let email = Match { field: Field::Target("email".to_owned()), attribute: "email".to_owned() };
    let settings = ExportSettings {
        name: name.to_owned(),
        connection: Some(connection),
        mapping: Mapping { matches: vec![email] },
        segments: vec![segment],
        schedule: Schedule::Off,
        safety: Safety::default(),
        marking: Marking::Tags,
    };
    stage.services().exports.add(admin, settings).await.expect("an export")
}

async fn run(stage: &Stage, admin: &Actor, export: ExportId) -> RunId {
    let exports = &stage.services().exports;
    let id = exports.start_run(admin, export).await.expect("a run");
    for _ in 0..1200 {
        let view = exports.run(admin, id).await.expect("the run");
        if view.run.finished_at.is_some() {
            return id;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the run did not end: {:?}", exports.run(admin, id).await);
}
