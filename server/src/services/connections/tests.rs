//! Rules of use for connections, on every database that is there.

use std::time::Duration;

use app::error::{AppError, DestinationFault, FieldFaultKind};
use app::services::{ConnectDraft, Connections as _, Exports as _, Leftover};
use domain::access::{Audience, Role};
use domain::destination::DestinationKind;
use domain::id::ConnectionId;
use secrecy::ExposeSecret as _;

use super::{OperatorConnection, OperatorConsent};
use crate::db;
use crate::services::testing::{CUSTOMERS, KEY, KIND, OTHER_KEY, PASSWORD, Stage, actor, connect_draft, stages};

fn unknown() -> ConnectionId {
    ConnectionId(uuid::Uuid::now_v7())
}

#[tokio::test]
async fn only_administrators_see_and_change_connections() {
    for stage in stages().await {
        let id = stage.connection("Shop", Audience::AdministratorsAndContributors).await;
        let service = &stage.connections;
        for actor in [&stage.viewer, &stage.contributor] {
            // An unknown id is refused just the same.
            for id in [id, unknown()] {
                let refused = [
                    service.list(actor).await.err(),
                    service.find(actor, id).await.err(),
                    service.set_up(actor, id).await.err(),
                    service.connect(actor, None, connect_draft("New")).await.err(),
                    service.connect(actor, Some(id), connect_draft("New")).await.err(),
                    service.add_export_user(actor, id, PASSWORD).await.err(),
                    service.save(actor, id).await.err(),
                    service.edit(actor, id, "New", Audience::Administrators).await.err(),
                    service.replace_key(actor, id, OTHER_KEY).await.err(),
                    service.pace(actor, id).await.err(),
                    service.set_reserve(actor, id, 10).await.err(),
                    service.used_by(actor, id).await.err(),
                    service.remove(actor, id, Vec::new()).await.err(),
                ];
                assert!(refused.iter().all(|error| *error == Some(AppError::Forbidden)), "{refused:?}");
            }
        }
        let lines = service.list(&stage.administrator).await.expect("looked");
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].connection.name.as_str(), lines[0].connection.brand.id.as_str()), ("Shop", "shop"));
    }
}

#[tokio::test]
async fn an_unknown_connection_is_not_found() {
    for stage in stages().await {
        let (service, actor, id) = (&stage.connections, &stage.administrator, unknown());
        let errors = [
            service.find(actor, id).await.err(),
            service.set_up(actor, id).await.err(),
            service.connect(actor, Some(id), connect_draft("New")).await.err(),
            service.add_export_user(actor, id, PASSWORD).await.err(),
            service.save(actor, id).await.err(),
            service.edit(actor, id, "New", Audience::Administrators).await.err(),
            service.replace_key(actor, id, OTHER_KEY).await.err(),
            service.pace(actor, id).await.err(),
            service.set_reserve(actor, id, 10).await.err(),
            service.used_by(actor, id).await.err(),
            service.remove(actor, id, Vec::new()).await.err(),
        ];
        assert!(errors.iter().all(|error| *error == Some(AppError::NotFound)), "{errors:?}");
    }
}

#[tokio::test]
async fn a_part_of_the_limit_is_left_to_other_programs() {
    for stage in stages().await {
        let id = stage.connection("Shop", Audience::Administrators).await;
        let (service, actor) = (&stage.connections, &stage.administrator);
        let reserve = || async { service.pace(actor, id).await.expect("looked").reserve_percent };
        assert_eq!(reserve().await, 10);
        service.set_reserve(actor, id, 90).await.expect("changed");
        assert_eq!(reserve().await, 90);
        let too_much = service.set_reserve(actor, id, 91).await;
        assert_eq!(too_much, Err(AppError::field("reserve", FieldFaultKind::Invalid)));
        assert_eq!(reserve().await, 90);
    }
}

#[tokio::test]
async fn each_role_may_use_what_is_shared_with_it() {
    for stage in stages().await {
        stage.connection("Closed", Audience::Administrators).await;
        stage.connection("Shared", Audience::AdministratorsAndContributors).await;
        for actor in stage.everybody() {
            let usable = stage.connections.usable(actor).await.expect("looked");
            let names: Vec<_> = usable.iter().map(|one| one.name.as_str()).collect();
            let expected: &[&str] = match actor.role {
                Role::Viewer => &[],
                Role::Contributor => &["Shared"],
                Role::Administrator => &["Closed", "Shared"],
            };
            assert_eq!(names, expected);
        }
    }
}

#[tokio::test]
async fn a_connection_is_saved_only_with_key_consent_and_export_user() {
    for stage in stages().await {
        let (service, actor) = (&stage.connections, &stage.administrator);
        let without_consent = ConnectDraft { agreed: false, ..connect_draft("Shop") };
        let refused = service.connect(actor, None, without_consent).await;
        assert_eq!(refused, Err(AppError::field("agreed", FieldFaultKind::Required)));
        let without_key = ConnectDraft { key: " ".to_owned(), ..connect_draft("Shop") };
        let refused = service.connect(actor, None, without_key).await;
        assert_eq!(refused, Err(AppError::field("key", FieldFaultKind::Required)));

        let id = service.connect(actor, None, connect_draft("Shop")).await.expect("connected");
        assert_eq!(service.save(actor, id).await, Err(AppError::field("export_user", FieldFaultKind::Required)));
        let wrong = service.add_export_user(actor, id, "wrong").await;
        assert_eq!(wrong, Err(AppError::WrongCredentials));
        assert_eq!(service.set_up(actor, id).await.expect("found").export_user, None);
        service.add_export_user(actor, id, PASSWORD).await.expect("added");
        assert!(service.list(actor).await.expect("looked").is_empty());
        service.save(actor, id).await.expect("saved");
        assert_eq!(service.save(actor, id).await, Ok(()));

        let found = service.find(actor, id).await.expect("found");
        assert_eq!((found.consent.by, found.consent.language.as_str()), (actor.id, "ro"));
        assert_eq!((found.consent.wording.as_str(), found.export_user.id), ("Sunt de acord.", actor.id));
    }
}

#[tokio::test]
async fn the_reason_why_a_key_does_not_work_is_told() {
    for stage in stages().await {
        for (key, fault) in [
            ("wrong", DestinationFault::KeyRefused),
            ("read-only", DestinationFault::PermissionMissing),
            ("used-up", DestinationFault::PlanExceeded),
            ("unreachable", DestinationFault::Unreachable),
            ("silent", DestinationFault::Unreachable),
            ("nonsense", DestinationFault::Unexpected),
        ] {
            let draft = ConnectDraft { key: key.to_owned(), ..connect_draft("Shop") };
            let refused = stage.connections.connect(&stage.administrator, None, draft).await;
            assert_eq!(refused, Err(AppError::Destination(fault)));
        }
        let unknown = ConnectDraft { kind: DestinationKind("pigeons".to_owned()), ..connect_draft("Shop") };
        let refused = stage.connections.connect(&stage.administrator, None, unknown).await;
        assert_eq!(refused, Err(AppError::field("kind", FieldFaultKind::Invalid)));
    }
}

#[tokio::test]
async fn a_set_up_belongs_to_who_began_it_and_is_forgotten_after_a_day() {
    for stage in stages().await {
        let (service, other) = (&stage.connections, actor(Role::Administrator));
        let id = service.connect(&stage.administrator, None, connect_draft("Shop")).await.expect("connected");
        let errors = [
            service.set_up(&other, id).await.err(),
            service.connect(&other, Some(id), connect_draft("Mine")).await.err(),
            service.add_export_user(&other, id, PASSWORD).await.err(),
            service.save(&other, id).await.err(),
        ];
        assert!(errors.iter().all(|error| *error == Some(AppError::NotFound)), "{errors:?}");

        // Again with another name; the key of before is kept.
        let again = ConnectDraft { key: String::new(), ..connect_draft("Renamed") };
        assert_eq!(service.connect(&stage.administrator, Some(id), again).await, Ok(id));
        assert_eq!(service.set_up(&stage.administrator, id).await.expect("found").name, "Renamed");

        stage.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
        service.forget_old_drafts().await.expect("looked");
        assert!(service.set_up(&stage.administrator, id).await.is_ok());
        stage.clock.advance(Duration::from_secs(2));
        service.forget_old_drafts().await.expect("forgotten");
        assert_eq!(service.set_up(&stage.administrator, id).await, Err(AppError::NotFound));
    }
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case() {
    for stage in stages().await {
        let (service, actor) = (&stage.connections, &stage.administrator);
        let first = service.connect(actor, None, connect_draft("Shop")).await.expect("connected");
        let second = service.connect(actor, None, connect_draft("SHOP")).await.expect("drafts hold no name");
        for id in [first, second] {
            service.add_export_user(actor, id, PASSWORD).await.expect("added");
        }
        service.save(actor, first).await.expect("saved");

        let taken = Err(AppError::field("name", FieldFaultKind::Taken));
        assert_eq!(service.save(actor, second).await, taken);
        assert_eq!(service.connect(actor, None, connect_draft("shop")).await.map(|_| ()), taken);
        let other = stage.connection("Other", Audience::Administrators).await;
        assert_eq!(service.edit(actor, other, "sHOP", Audience::Administrators).await, taken);
        assert_eq!(service.edit(actor, first, "sHOP", Audience::Administrators).await, Ok(()));
    }
}

#[tokio::test]
async fn keys_are_kept_sealed_and_can_be_replaced() {
    for stage in stages().await {
        let (service, actor) = (&stage.connections, &stage.administrator);
        let id = stage.connection("Shop", Audience::Administrators).await;
        let stored = async || {
            let mut tx = stage.db.read().await.expect("begun");
            db::connections::find(&mut tx, id).await.expect("read").expect("there")
        };
        let kept = stored().await;
        assert!(!kept.sealed_key.windows(KEY.len()).any(|window| window == KEY.as_bytes()));
        assert_eq!(service.open(&kept).expect("opened").expose_secret(), KEY);

        let refused = service.replace_key(actor, id, "wrong").await;
        assert_eq!(refused, Err(AppError::Destination(DestinationFault::KeyRefused)));
        assert_eq!(stored().await, kept);
        service.replace_key(actor, id, OTHER_KEY).await.expect("replaced");
        let replaced = stored().await;
        assert_eq!(
            (service.open(&replaced).expect("opened").expose_secret(), replaced.brand.id.as_str()),
            (OTHER_KEY, "other")
        );

        // A sealed key that is moved to another row does not open.
        let moved = db::connections::StoredConnection { id: unknown(), ..replaced };
        assert!(matches!(service.open(&moved), Err(AppError::Internal(_))));
    }
}

#[tokio::test]
async fn a_connection_in_use_is_removed_once_every_export_is_dealt_with() {
    for stage in stages().await {
        stage.import("Customers", CUSTOMERS).await;
        let segment = stage.segment("Vic").await;
        let id = stage.connection("Shop", Audience::Administrators).await;
        let (kept, gone) =
            (stage.export("Kept", Some(id), segment).await, stage.export("Gone", Some(id), segment).await);
        let (service, actor) = (&stage.connections, &stage.administrator);
        let names: Vec<_> =
            service.used_by(actor, id).await.expect("looked").into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["Gone", "Kept"]);

        let refused = service.remove(actor, id, vec![(gone, Leftover::Remove)]).await;
        assert_eq!(refused, Err(AppError::InUse(vec!["Kept".to_owned()])));
        assert!(stage.exports.find(actor, gone).await.is_ok());
        let all = vec![(gone, Leftover::Remove), (kept, Leftover::Detach)];
        service.remove(actor, id, all).await.expect("removed");

        assert_eq!(service.find(actor, id).await, Err(AppError::NotFound));
        assert_eq!(stage.exports.find(actor, gone).await, Err(AppError::NotFound));
        let left = stage.exports.find(actor, kept).await.expect("found").export;
        assert_eq!(left.settings.connection, None);
    }
}

#[tokio::test]
async fn the_operator_sets_up_the_same_without_a_password() {
    for stage in stages().await {
        let (service, administrator) = (&stage.connections, &stage.administrator);
        let kind = DestinationKind(KIND.to_owned());
        let key = secrecy::SecretString::from(KEY);
        let brand = service.check_key(&kind, &key).await.expect("checked");
        let consent =
            OperatorConsent { by: administrator.clone(), language: "en".to_owned(), wording: "Yes".to_owned() };
        let wanted = OperatorConnection {
            id: None,
            name: "Shop".to_owned(),
            kind,
            audience: Audience::Administrators,
            key: Some((key.clone(), brand)),
            consent: Some(consent),
            export_user: Some(administrator.clone()),
            reserve_percent: None,
        };
        let incomplete = OperatorConnection { consent: None, ..wanted.clone() };
        let missing = Err(AppError::field("consent", FieldFaultKind::Required));
        assert_eq!(service.put_by_operator(administrator, incomplete).await, missing);
        let refused = service.put_by_operator(&stage.contributor, wanted.clone()).await;
        assert_eq!(refused, Err(AppError::Forbidden));

        let id = service.put_by_operator(administrator, wanted.clone()).await.expect("added");
        let renamed = OperatorConnection {
            id: Some(id),
            name: "Store".to_owned(),
            key: None,
            consent: None,
            export_user: None,
            reserve_percent: None,
            ..wanted
        };
        assert_eq!(service.put_by_operator(administrator, renamed).await, Ok(id));
        let found = service.find(administrator, id).await.expect("found");
        assert_eq!((found.name.as_str(), found.consent.wording.as_str()), ("Store", "Yes"));
        let stored = find_stored(&stage, id).await;
        assert_eq!(service.has_key(&stored, &key), Ok(true));
        assert_eq!(service.has_key(&stored, &OTHER_KEY.into()), Ok(false));
    }
}

async fn find_stored(stage: &Stage, id: ConnectionId) -> db::connections::StoredConnection {
    let mut tx = stage.db.read().await.expect("begun");
    db::connections::find(&mut tx, id).await.expect("read").expect("there")
}
