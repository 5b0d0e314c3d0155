//! What tests of the services stand on: every database that is there, a data directory, a clock that stands still, and a
//! destination that knows a few keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use app::error::AppError;
use app::services::{
    Answer, ConnectDraft, Connections as _, Exports as _, RefreshState, Segments as _, SourceDraft, Sources as _,
};
use domain::access::{Actor, Audience, Role};
use domain::destination::{Brand, DestinationCard, DestinationKind, Target, TargetKind};
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId, SegmentId, SourceId, UserId};
use domain::mapping::{Field, Mapping, Match};
use domain::marking::Marking;
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::safety::Safety;
use domain::schedule::Schedule;
use domain::source::Location;
use ferry_data::{DataEngine, DataOptions};
use secrecy::{ExposeSecret as _, SecretString};

use super::connections::{ConnectionsService, PasswordProof};
use super::exports::ExportsService;
use super::segments::SegmentsService;
use super::sources::SourcesService;
use super::sources::files::Places;
use crate::clock::TestClock;
use crate::db::testing::{TestDatabase, databases};
use crate::destinations::{
    AddressPage, BatchPage, ContactPage, DeliveryError, Destination, ItemFault, ItemReport, Limits, Meaning,
    Recipients, Registry, TagChange,
};
use crate::engine::Options;
use crate::secrets::Keyring;

/// The kind of the tests' destination.
pub const KIND: &str = "scripted";
/// A key that it takes, and another one, which opens another account.
pub const KEY: &str = "key-of-the-shop";
pub const OTHER_KEY: &str = "key-of-the-other-shop";
/// The password of everybody.
pub const PASSWORD: &str = "right horse battery";
/// Three customers.
pub const CUSTOMERS: &str =
    "id,email,city,points\n1,ana@example.com,Vic,10\n2,ion@example.com,Cluj,20\n3,eva@example.com,Vic,30\n";

/// All services over one database.
pub struct Stage {
    pub db: TestDatabase,
    pub dir: tempfile::TempDir,
    pub clock: Arc<TestClock>,
    pub data: DataEngine,
    pub destinations: Registry,
    pub keyring: Arc<Keyring>,
    pub places: Places,
    pub sources: SourcesService,
    pub segments: SegmentsService,
    pub connections: ConnectionsService,
    pub exports: ExportsService,
    /// How often the engine was woken.
    pub woken: Arc<AtomicUsize>,
    pub administrator: Actor,
    pub contributor: Actor,
    pub viewer: Actor,
}

/// One stage for each database that is there.
pub async fn stages() -> Vec<Stage> {
    databases().await.into_iter().map(Stage::over).collect()
}

pub fn actor(role: Role) -> Actor {
    Actor { id: UserId(uuid::Uuid::now_v7()), email: format!("{}@example.com", role.as_str()), role }
}

impl Stage {
    fn over(db: TestDatabase) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for folder in ["uploads", "allowed"] {
            std::fs::create_dir(dir.path().join(folder)).expect("made");
        }
        let data = DataEngine::new(DataOptions::new(dir.path())).expect("a data engine");
        let clock = TestClock::shared();
        let registry = Registry::of([Arc::new(Scripted) as Arc<dyn Destination>]);
        let keyring = Arc::new(Keyring::parse(&Keyring::generate()).expect("a new key"));
        let segments = SegmentsService::new(db.db.clone(), data.clone(), clock.clone());
        let places = Places::new(dir.path(), &[dir.path().join("allowed")]);
        let sources = SourcesService::new(db.db.clone(), data.clone(), clock.clone(), places.clone(), segments.clone());
        let passwords = Arc::new(OnePassword);
        let pace = Options::new(dir.path()).pace_rules();
        let connections =
            ConnectionsService::new(db.db.clone(), clock.clone(), keyring.clone(), registry.clone(), passwords, pace);
        let woken = Arc::new(AtomicUsize::new(0));
        let wake = {
            let woken = woken.clone();
            Arc::new(move || {
                woken.fetch_add(1, Ordering::SeqCst);
            })
        };
        let exports = ExportsService::new(db.db.clone(), data.clone(), clock.clone(), registry.clone(), wake, pace);
        Self {
            db,
            dir,
            clock,
            data,
            destinations: registry,
            keyring,
            places,
            sources,
            segments,
            connections,
            exports,
            woken,
            administrator: actor(Role::Administrator),
            contributor: actor(Role::Contributor),
            viewer: actor(Role::Viewer),
        }
    }

    /// Each role's actor.
    pub fn everybody(&self) -> [&Actor; 3] {
        [&self.viewer, &self.contributor, &self.administrator]
    }

    /// An uploaded file with this content.
    pub fn upload(&self, content: &str) -> Location {
        let upload = uuid::Uuid::now_v7().to_string();
        std::fs::write(self.dir.path().join("uploads").join(&upload), content).expect("written");
        Location::Upload { upload, file_name: "customers.csv".to_owned() }
    }

    /// What a person would save after the preview of a location.
    pub async fn draft(&self, name: &str, location: Location) -> SourceDraft {
        let preview = self.sources.preview(&self.administrator, &location, None).await.expect("a preview");
        SourceDraft {
            name: name.to_owned(),
            location,
            reading: preview.reading,
            attributes: preview.attributes,
            primary_key: preview.primary_key,
        }
    }

    /// A data source with this content, refreshed.
    pub async fn import(&self, name: &str, content: &str) -> SourceId {
        let draft = self.draft(name, self.upload(content)).await;
        let id = self.sources.save(&self.administrator, None, draft).await.expect("saved");
        self.refresh(id).await;
        id
    }

    pub async fn refresh(&self, id: SourceId) {
        let number = self.sources.start_refresh(&self.administrator, id).await.expect("started");
        let refresh = self.sources.wait_for_refresh(number, |_| {}).await.expect("ended");
        assert_eq!(refresh.state, RefreshState::Successful, "{refresh:?}");
        self.sources.finish_refreshes().await;
    }

    pub async fn segment(&self, name: &str) -> SegmentId {
        self.segments.save(&self.administrator, None, name, in_city("Vic")).await.expect("saved")
    }

    /// A connection with this audience.
    pub async fn connection(&self, name: &str, audience: Audience) -> ConnectionId {
        let draft = ConnectDraft { audience, ..connect_draft(name) };
        let id = self.connections.connect(&self.administrator, None, draft).await.expect("connected");
        self.connections.add_export_user(&self.administrator, id, PASSWORD).await.expect("added");
        self.connections.save(&self.administrator, id).await.expect("saved");
        id
    }

    pub async fn export(&self, name: &str, connection: Option<ConnectionId>, segment: SegmentId) -> ExportId {
        let settings = settings(name, connection, segment);
        self.exports.add(&self.administrator, settings).await.expect("added")
    }
}

/// Everybody of a city.
pub fn in_city(city: &str) -> Rule {
    let condition = Condition {
        attribute: "city".to_owned(),
        operator: Operator::Equals,
        values: vec![city.to_owned()],
        ignore_case: false,
    };
    let root = Group { join: Join::All, items: vec![Item::Condition(condition)] };
    Rule { time_zone: "UTC".to_owned(), root }
}

pub fn connect_draft(name: &str) -> ConnectDraft {
    ConnectDraft {
        kind: DestinationKind(KIND.to_owned()),
        name: name.to_owned(),
        audience: Audience::Administrators,
        key: KEY.to_owned(),
        agreed: true,
        language: "ro".to_owned(),
        wording: "Sunt de acord.".to_owned(),
    }
}

pub fn settings(name: &str, connection: Option<ConnectionId>, segment: SegmentId) -> ExportSettings {
    let email = Match { field: Field::Target("email".to_owned()), attribute: "email".to_owned() };
    let mapping = Mapping { matches: vec![email] };
    let (segments, schedule, safety, marking) = (vec![segment], Schedule::Off, Safety::default(), Marking::Tags);
    ExportSettings { name: name.to_owned(), connection, mapping, segments, schedule, safety, marking }
}

struct OnePassword;

#[async_trait::async_trait]
impl PasswordProof for OnePassword {
    async fn prove_password(&self, _actor: &Actor, password: &str) -> Answer<()> {
        if password == PASSWORD { Ok(()) } else { Err(AppError::WrongCredentials) }
    }
}

/// Knows two keys, and delivers nothing: that is the engine's business.
struct Scripted;

fn refusal<T>(meaning: Meaning) -> Result<T, DeliveryError> {
    Err(DeliveryError::without_answer(meaning, "scripted"))
}

#[async_trait::async_trait]
impl Destination for Scripted {
    fn card(&self) -> DestinationCard {
        let target = |name: &str, required, kind| Target {
            name: name.to_owned(),
            required,
            kind,
            suggestions: vec![name.to_owned()],
        };
        DestinationCard {
            kind: DestinationKind(KIND.to_owned()),
            name: "Scripted".to_owned(),
            targets: vec![target("email", true, TargetKind::Email), target("city", false, TargetKind::Text)],
            takes_custom_properties: true,
            key_help_url: String::new(),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            rows_per_batch: 1,
            bytes_per_batch: 1,
            emails_per_tag_request: 1,
            ids_per_tag_request: 0,
            requests_per_minute: 400,
            tag_requests_per_minute: 60,
        }
    }

    async fn check(&self, key: &SecretString) -> Result<Brand, DeliveryError> {
        let brand = |id: &str| Brand { id: id.to_owned(), name: format!("Brand {id}"), website: String::new() };
        match key.expose_secret() {
            KEY => Ok(brand("shop")),
            OTHER_KEY => Ok(brand("other")),
            "unreachable" => refusal(Meaning::Unreachable),
            "read-only" => refusal(Meaning::PermissionMissing),
            "used-up" => refusal(Meaning::PlanExceeded),
            "silent" => refusal(Meaning::Unknown),
            "nonsense" => Err(DeliveryError {
                status: Some(200),
                ..DeliveryError::without_answer(Meaning::Unknown, "the answer cannot be read")
            }),
            _ => refusal(Meaning::KeyRefused),
        }
    }

    fn item(&self, _email: &str, _payload: &str) -> Result<String, ItemFault> {
        Err(ItemFault("scripted".to_owned()))
    }

    async fn send_batch(&self, _key: &SecretString, _items: &[String]) -> Result<String, DeliveryError> {
        refusal(Meaning::Refused)
    }

    async fn list_batches(
        &self,
        _key: &SecretString,
        _since: jiff::civil::Date,
        _from: u64,
    ) -> Result<BatchPage, DeliveryError> {
        refusal(Meaning::Refused)
    }

    async fn batch_items(&self, _key: &SecretString, _batch: &str) -> Result<Vec<ItemReport>, DeliveryError> {
        refusal(Meaning::Refused)
    }

    async fn list_unsubscribed(&self, _key: &SecretString, _after: Option<&str>) -> Result<AddressPage, DeliveryError> {
        refusal(Meaning::Refused)
    }

    async fn list_contacts(&self, _key: &SecretString, _after: Option<&str>) -> Result<ContactPage, DeliveryError> {
        refusal(Meaning::Refused)
    }

    async fn clear_property(&self, _key: &SecretString, _name: &str, _email: &str) -> Result<(), DeliveryError> {
        refusal(Meaning::Refused)
    }

    async fn change_tag(
        &self,
        _key: &SecretString,
        _change: TagChange,
        _tag: &str,
        _recipients: &Recipients,
    ) -> Result<(), DeliveryError> {
        refusal(Meaning::Refused)
    }
}
