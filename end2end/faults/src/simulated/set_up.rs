//! What somebody has set up in an empty Ferry before a world begins: a person, a source, segments, a connection to the
//! simulator, and one export.

use domain::access::{Audience, Role};
use domain::attribute::{Attribute, AttributeType};
use domain::brake::Brake;
use domain::connection::{Consent, ExportUser};
use domain::destination::{Brand, DestinationKind};
use domain::export::ExportSettings;
use domain::id::{ConnectionId, ExportId, RunId, SegmentId, SourceId, UserId};
use domain::mapping::{Field, Mapping, Match};
use domain::marking::Marking;
use domain::rule::{Condition, Group, Item, Join, Operator, Rule};
use domain::run::Trigger;
use domain::safety::{Safety, StatusRule};
use domain::schedule::Schedule;
use domain::segment::{Definition, Segment};
use domain::source::{ImportReport, Location, Reading, Source};
use omnisend_simulator::{PRACTICE_BRAND, PRACTICE_KEY};
use secrecy::SecretString;
use server::db::connections::StoredConnection;
use server::db::runs::NewRun;
use server::db::{Database, accounts, connections, exports, refreshes, runs, segments, sources};
use server::secrets::Keyring;
use uuid::Uuid;

/// The connection that is set up.
pub const CONNECTION: ConnectionId = ConnectionId(Uuid::from_u128(2));
/// The export that is set up.
pub const EXPORT: ExportId = ExportId(Uuid::from_u128(3));
/// A second export over the same connection, where there is one.
pub const SMALL_EXPORT: ExportId = ExportId(Uuid::from_u128(5));
const PERSON: &str = "ana@example.com";

/// The customer table with these columns of text.
pub fn source(columns: &[&str]) -> Source {
    let attribute = |name: &&str| Attribute { name: (*name).to_owned(), kind: AttributeType::Text };
    Source {
        id: SourceId(Uuid::from_u128(1)),
        name: "Customers".to_owned(),
        location: Location::Path { path: String::new() },
        reading: Reading::default(),
        attributes: columns.iter().map(attribute).collect(),
        primary_key: None,
        is_customer_table: true,
    }
}

/// Those whose `letters` hold this one; their tag is `ferry:` and the letter.
pub fn segment(letter: char) -> Segment {
    let condition = Condition {
        attribute: "letters".to_owned(),
        operator: Operator::Contains,
        values: vec![letter.to_string()],
        ignore_case: false,
    };
    let root = Group { join: Join::All, items: vec![Item::Condition(condition)] };
    Segment {
        id: SegmentId(Uuid::from_u128(u128::from(letter))),
        name: letter.to_string(),
        definition: Definition::Dynamic { rule: Rule { time_zone: "UTC".to_owned(), root } },
        is_active: true,
        tag: format!("ferry:{letter}"),
    }
}

/// Sets up everything: the export sends `email` and `first_name` of the members of the segments. No brake: the profiles of
/// a run have little to do with those of the run before.
///
/// # Panics
/// The database is not empty.
pub async fn set_up(db: &Database, keyring: &Keyring, source: &Source, chosen: &[Segment], marking: Marking) {
    let mut tx = db.begin().await.expect("begun");
    let user = accounts::User {
        id: UserId(Uuid::from_u128(4)),
        email: PERSON.to_owned(),
        password_hash: None,
        role: Role::Administrator,
        is_enabled: true,
        last_sign_in: None,
    };
    accounts::insert(&mut tx, &user, 1).await.expect("a person");
    sources::insert(&mut tx, source, 1).await.expect("a source");
    for one in chosen {
        assert!(segments::insert(&mut tx, one, 1).await.expect("a segment"));
    }
    let stored = connection(keyring, user.id);
    let export_user = ExportUser { id: user.id, email: user.email, at: 1 };
    assert!(connections::put_draft(&mut tx, &stored).await.expect("kept"));
    assert!(connections::set_export_user(&mut tx, stored.id, &export_user).await.expect("set"));
    assert!(connections::make_ready(&mut tx, stored.id).await.expect("saved"));
    exports::insert(&mut tx, EXPORT, &settings("Newsletter", chosen, marking), 1).await.expect("an export");
    tx.commit().await.expect("committed");
}

/// Adds an export of the members of one segment, who were few when they were counted.
///
/// # Panics
/// It is there already.
pub async fn add_small(db: &Database, chosen: &Segment, marking: Marking) {
    let mut tx = db.begin().await.expect("begun");
    assert!(segments::insert(&mut tx, chosen, 1).await.expect("a segment"));
    assert!(segments::keep_count(&mut tx, chosen.id, 1, (1, 1), 1).await.expect("counted"));
    let settings = settings("Small", std::slice::from_ref(chosen), marking);
    exports::insert(&mut tx, SMALL_EXPORT, &settings, 1).await.expect("an export");
    tx.commit().await.expect("committed");
}

fn settings(name: &str, chosen: &[Segment], marking: Marking) -> ExportSettings {
    let pair = |target: &str| Match { field: Field::Target(target.to_owned()), attribute: target.to_owned() };
    ExportSettings {
        name: name.to_owned(),
        connection: Some(CONNECTION),
        mapping: Mapping { matches: vec![pair("email"), pair("first_name")] },
        segments: chosen.iter().map(|segment| segment.id).collect(),
        schedule: Schedule::Off,
        safety: Safety { brake: Brake { is_on: false, ..Brake::default() }, ..Safety::default() },
        marking,
    }
}

/// From here on people leave as subscribed, if this attribute holds the time of their opt-in.
///
/// # Panics
/// The export is not there.
pub async fn send_statuses(db: &Database, opt_in: &str) {
    let mut tx = db.begin().await.expect("begun");
    let stored = exports::find(&mut tx, EXPORT).await.expect("read").expect("the export");
    let (version, mut settings) = (stored.export.version, stored.export.settings);
    settings.safety.status = Some(StatusRule { opt_in: opt_in.to_owned() });
    assert!(exports::update(&mut tx, EXPORT, version, &settings, 1).await.expect("saved"));
    tx.commit().await.expect("committed");
}

fn connection(keyring: &Keyring, user: UserId) -> StoredConnection {
    let row = CONNECTION.to_string();
    let place = connections::key_place(&row);
    let consent = Consent {
        by: user,
        by_email: PERSON.to_owned(),
        at: 1,
        language: "en".to_owned(),
        wording: "I agree".to_owned(),
    };
    StoredConnection {
        id: CONNECTION,
        is_ready: false,
        name: "Shop".to_owned(),
        kind: DestinationKind("omnisend".to_owned()),
        audience: Audience::Administrators,
        sealed_key: keyring.seal(place, &SecretString::from(PRACTICE_KEY.to_owned())).expect("sealed"),
        brand: Brand { id: PRACTICE_BRAND.to_owned(), name: String::new(), website: String::new() },
        consent,
        export_user: None,
        needs_attention: None,
        created_at: 1,
    }
}

/// Makes a snapshot that is on disk the newest.
///
/// # Panics
/// The number is not above those before.
pub async fn put_snapshot(db: &Database, source: &Source, number: i64, report: &ImportReport, now: i64) {
    let mut tx = db.begin().await.expect("begun");
    refreshes::begin(&mut tx, number, source.id, now, i64::MAX).await.expect("begun");
    let kept = refreshes::succeed(&mut tx, number, report, &source.attributes, now).await;
    assert!(kept.expect("recorded"));
    tx.commit().await.expect("committed");
}

/// Queues a run of an export; gives the active one, if there is one.
///
/// # Panics
/// The export is not there.
pub async fn queue_run(db: &Database, export: ExportId, id: RunId, now: i64) -> RunId {
    let new = NewRun {
        id,
        export,
        export_name: "Newsletter".to_owned(),
        settings_version: 1,
        connection: Some((CONNECTION, PRACTICE_BRAND.to_owned())),
        trigger: Trigger::Manual,
        started_by: Some(PERSON.to_owned()),
        slot_at: None,
        resend_of: None,
        recheck_of: None,
        continues: None,
    };
    let mut tx = db.begin().await.expect("begun");
    let queued = runs::queue(&mut tx, &new, now).await.expect("queued");
    tx.commit().await.expect("committed");
    queued.run()
}
