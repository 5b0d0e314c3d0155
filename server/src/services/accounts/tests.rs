//! Tests of the rules about people, on every database.

use std::sync::Arc;

use super::*;
use crate::clock::TestClock;
use crate::db::testing::{TestDatabase, databases};

const PASSWORD: &str = "blue harbour tide";

struct Stage {
    accounts: AccountsService,
    clock: Arc<TestClock>,
    db: TestDatabase,
}

async fn stages() -> Vec<Stage> {
    let stage = |db: TestDatabase| {
        let clock = TestClock::shared();
        Stage { accounts: AccountsService::new(db.db.clone(), clock.clone(), Passwords::fast()), clock, db }
    };
    databases().await.into_iter().map(stage).collect()
}

impl Stage {
    async fn person(&self, email: &str, role: Role) -> Actor {
        self.accounts.add_from_command_line(email, role, Some(PASSWORD)).await.expect("added");
        let mut tx = self.db.read().await.expect("begun");
        let user = rows::find_by_email(&mut tx, email).await.expect("read").expect("there");
        Actor { id: user.id, email: user.email, role: user.role }
    }
}

#[tokio::test]
async fn the_first_administrator_is_set_up_once() {
    for stage in stages().await {
        let accounts = &stage.accounts;
        let old = accounts.make_set_up_link().await.expect("made").expect("nobody is there");
        let token = accounts.make_set_up_link().await.expect("made").expect("nobody is there");
        assert_eq!(accounts.link(&old).await, Err(AppError::LinkInvalid), "a newer link ends the older one");
        assert_eq!(accounts.link(&token).await, Ok(LinkPurpose::SetUp));

        let id = accounts.set_up(&token, " Ana@Example.com ", PASSWORD).await.expect("set up");

        assert_eq!(accounts.sign_in("ana@example.com", PASSWORD).await, Ok(id));
        let actor = accounts.actor(id).await.expect("read").expect("enabled");
        assert_eq!((actor.email.as_str(), actor.role), ("Ana@Example.com", Role::Administrator));
        assert_eq!(accounts.set_up(&token, "eve@example.com", PASSWORD).await, Err(AppError::LinkInvalid));
        assert_eq!(accounts.link(&token).await, Err(AppError::LinkInvalid));
        assert_eq!(accounts.make_set_up_link().await, Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_parallel_set_ups_one_makes_an_administrator() {
    for stage in stages().await {
        let token = stage.accounts.make_set_up_link().await.expect("made").expect("nobody is there");
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                let (accounts, token) = (stage.accounts.clone(), token.clone());
                tokio::spawn(async move { accounts.set_up(&token, &format!("{n}@example.com"), PASSWORD).await })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            match task.await.expect("no panic") {
                Ok(_) => made += 1,
                Err(error) => assert_eq!(error, AppError::LinkInvalid),
            }
        }
        assert_eq!(made, 1);
        let mut tx = stage.db.read().await.expect("begun");
        assert_eq!(rows::count(&mut tx).await.expect("counted"), 1);
    }
}

#[tokio::test]
async fn links_expire() {
    for stage in stages().await {
        let set_up = stage.accounts.make_set_up_link().await.expect("made").expect("nobody is there");
        stage.clock.advance(SET_UP_TIME);
        assert_eq!(stage.accounts.link(&set_up).await, Err(AppError::LinkInvalid));
        assert_eq!(stage.accounts.set_up(&set_up, "a@example.com", PASSWORD).await, Err(AppError::LinkInvalid));

        let admin = stage.person("ana@example.com", Role::Administrator).await;
        let invitation = stage.accounts.add_user(&admin, "ion@example.com", Role::Viewer).await.expect("added");
        stage.clock.advance(INVITATION_TIME);
        assert_eq!(stage.accounts.accept_invitation(&invitation, PASSWORD).await, Err(AppError::LinkInvalid));
    }
}

#[tokio::test]
async fn an_invited_person_chooses_a_password_once_and_a_new_link_ends_the_old_one() {
    for stage in stages().await {
        let accounts = &stage.accounts;
        let admin = stage.person("ana@example.com", Role::Administrator).await;
        let first = accounts.add_user(&admin, "ion@example.com", Role::Contributor).await.expect("added");
        assert_eq!(accounts.link(&first).await, Ok(LinkPurpose::Invitation { email: "ion@example.com".to_owned() }));
        let users = accounts.users(&admin).await.expect("listed");
        assert_eq!((users[1].email.as_str(), users[1].has_password), ("ion@example.com", false));

        let second = accounts.invite_again(&admin, users[1].id).await.expect("invited");
        assert_eq!(accounts.accept_invitation(&first, PASSWORD).await, Err(AppError::LinkInvalid));
        let short = accounts.accept_invitation(&second, "short").await;
        assert_eq!(short, Err(field("password", FieldFaultKind::TooShort)));
        let id = accounts.accept_invitation(&second, PASSWORD).await.expect("accepted");
        assert_eq!(accounts.accept_invitation(&second, PASSWORD).await, Err(AppError::LinkInvalid));

        assert_eq!(accounts.sign_in("ION@example.com", PASSWORD).await, Ok(id));
    }
}

#[tokio::test]
async fn all_ways_to_be_wrong_get_one_answer() {
    for stage in stages().await {
        let admin = stage.person("ana@example.com", Role::Administrator).await;
        let gone = stage.person("gone@example.com", Role::Viewer).await;
        stage.accounts.set_enabled(&admin, gone.id, false).await.expect("disabled");
        stage.accounts.add_user(&admin, "new@example.com", Role::Viewer).await.expect("added");

        for (email, password) in [
            ("ana@example.com", "another password"),
            ("nobody@example.com", PASSWORD),
            ("gone@example.com", PASSWORD),
            ("new@example.com", PASSWORD),
            ("new@example.com", ""),
        ] {
            assert_eq!(stage.accounts.sign_in(email, password).await, Err(AppError::WrongCredentials), "{email}");
        }
        assert_eq!(stage.accounts.actor(gone.id).await, Ok(None));
    }
}

#[tokio::test]
async fn repeated_failures_are_slowed_down_and_success_forgets_them() {
    for stage in stages().await {
        stage.person("ana@example.com", Role::Administrator).await;
        let sign_in = async |password: &str| stage.accounts.sign_in("Ana@example.com ", password).await;
        for _ in 0..5 {
            assert_eq!(sign_in("wrong password").await, Err(AppError::WrongCredentials));
        }
        assert_eq!(sign_in(PASSWORD).await, Err(AppError::TooMany));
        stage.clock.advance(Duration::from_secs(1));
        assert_eq!(sign_in("wrong password").await, Err(AppError::WrongCredentials));
        stage.clock.advance(Duration::from_secs(1));
        assert_eq!(sign_in(PASSWORD).await, Err(AppError::TooMany), "the delay has doubled");
        stage.clock.advance(Duration::from_secs(1));
        assert!(sign_in(PASSWORD).await.is_ok());
        assert_eq!(sign_in("wrong password").await, Err(AppError::WrongCredentials), "it counts from one again");
        assert!(sign_in(PASSWORD).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_guesses_at_once_do_not_get_round_the_delay() {
    for stage in stages().await {
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let accounts = stage.accounts.clone();
                tokio::spawn(async move { accounts.sign_in("ana@example.com", "a wrong password").await })
            })
            .collect();
        let mut looked_at = 0;
        for task in tasks {
            match task.await.expect("no panic") {
                Err(AppError::WrongCredentials) => looked_at += 1,
                other => assert_eq!(other, Err(AppError::TooMany)),
            }
        }
        assert_eq!(looked_at, 5);
    }
}

#[tokio::test]
async fn only_administrators_change_people_and_their_right_is_read_anew() {
    for stage in stages().await {
        let accounts = &stage.accounts;
        let admin = stage.person("ana@example.com", Role::Administrator).await;
        let other = stage.person("bo@example.com", Role::Administrator).await;
        for role in [Role::Viewer, Role::Contributor] {
            let actor = stage.person(&format!("{}@example.com", role.as_str()), role).await;
            assert_eq!(accounts.users(&actor).await, Err(AppError::Forbidden));
            assert_eq!(accounts.add_user(&actor, "x@example.com", role).await, Err(AppError::Forbidden));
            assert_eq!(accounts.invite_again(&actor, admin.id).await, Err(AppError::Forbidden));
            assert_eq!(accounts.set_role(&actor, actor.id, Role::Administrator).await, Err(AppError::Forbidden));
            assert_eq!(accounts.set_enabled(&actor, admin.id, false).await, Err(AppError::Forbidden));
        }
        accounts.set_role(&admin, other.id, Role::Viewer).await.expect("changed");
        // `other` still carries the role of an earlier request.
        assert_eq!(accounts.set_role(&other, admin.id, Role::Viewer).await, Err(AppError::Forbidden));
        let nobody = UserId(uuid::Uuid::now_v7());
        assert_eq!(accounts.set_role(&admin, nobody, Role::Viewer).await, Err(AppError::NotFound));
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    for stage in stages().await {
        let accounts = &stage.accounts;
        let admin = stage.person("ana@example.com", Role::Administrator).await;
        // Invited, but without a password: nobody could sign in with it.
        accounts.add_user(&admin, "bo@example.com", Role::Administrator).await.expect("added");

        assert_eq!(accounts.set_role(&admin, admin.id, Role::Viewer).await, Err(AppError::LastAdministrator));
        assert_eq!(accounts.set_enabled(&admin, admin.id, false).await, Err(AppError::LastAdministrator));
        let now = accounts.actor(admin.id).await.expect("read").expect("enabled");
        assert_eq!(now.role, Role::Administrator);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_who_remove_each_other_at_once_leave_one() {
    for stage in stages().await {
        let first = stage.person("ana@example.com", Role::Administrator).await;
        let second = stage.person("bo@example.com", Role::Administrator).await;
        for round in 0..100 {
            let remove = |by: Actor, whom: UserId| {
                let accounts = stage.accounts.clone();
                tokio::spawn(async move {
                    if round % 2 == 0 {
                        accounts.set_role(&by, whom, Role::Viewer).await
                    } else {
                        accounts.set_enabled(&by, whom, false).await
                    }
                })
            };
            let both = [remove(first.clone(), second.id), remove(second.clone(), first.id)];
            let mut done = 0;
            for task in both {
                done += u32::from(task.await.expect("no panic").is_ok());
            }
            assert_eq!(done, 1, "round {round}");

            let mut tx = stage.db.begin().await.expect("begun");
            assert_eq!(rows::count_working_administrators(&mut tx).await.expect("counted"), 1);
            for id in [first.id, second.id] {
                rows::set_role(&mut tx, id, Role::Administrator).await.expect("changed");
                rows::set_enabled(&mut tx, id, true).await.expect("changed");
            }
            tx.commit().await.expect("committed");
        }
    }
}

#[tokio::test]
async fn a_weak_hash_is_replaced_at_the_next_sign_in() {
    for stage in stages().await {
        let actor = stage.person("ana@example.com", Role::Administrator).await;
        let strong = AccountsService::new(stage.db.db.clone(), stage.clock.clone(), Passwords::new());
        let hash = async || {
            let mut tx = stage.db.read().await.expect("begun");
            let user = rows::find(&mut tx, actor.id).await.expect("read").expect("there");
            user.password_hash.expect("set")
        };
        assert!(!hash().await.contains("m=19456"));

        strong.sign_in("ana@example.com", PASSWORD).await.expect("signed in");

        assert!(hash().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
}

#[test]
fn addresses_are_checked_for_form_only() {
    for good in ["a@b", " maria.ionescu+x@example.ro ", "åsa@exempel.se"] {
        assert!(check_email(good).is_ok(), "{good}");
    }
    let long = format!("{}@example.com", "a".repeat(250));
    for wrong in ["", "a", "@b", "a@", "a b@c", "a@b@c", "a@b\n", "Ana <a@b>", long.as_str()] {
        assert!(check_email(wrong).is_err() || wrong == "a@b\n", "{wrong}");
    }
}
