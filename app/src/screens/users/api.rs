//! The changes of Admin > Users. A new link travels in the session's note, never in an address.

use domain::access::Role;
use domain::id::UserId;
use leptos::prelude::*;

use crate::error::AppError;

/// Adds a person and shows the one-time link with which they choose a password.
#[server(prefix = "/api/users", endpoint = "add")]
pub async fn add_user(email: String, role: Role) -> Result<(), AppError> {
    use super::UsersQuery;
    use crate::request::{actor, answer, see_other, services, visit, with_query};
    use crate::routes::USERS;
    use crate::services::Note;

    let tried = async {
        let token = services()?.accounts.add_user(&actor()?, &email, role).await?;
        visit()?.leave_note(Note::Invited(token)).await?;
        see_other(USERS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || with_query(USERS, &UsersQuery { email, role: Some(role) }))
}

/// Makes a new one-time link for a person; an older one stops working.
#[server(prefix = "/api/users", endpoint = "invite-again")]
pub async fn invite_again(user: UserId) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes::USERS;
    use crate::services::Note;

    let tried = async {
        let token = services()?.accounts.invite_again(&actor()?, user).await?;
        visit()?.leave_note(Note::Invited(token)).await?;
        see_other(USERS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || USERS.to_owned())
}

/// Changes a role; it acts on the person's next request.
#[server(prefix = "/api/users", endpoint = "set-role")]
pub async fn set_role(user: UserId, role: Role) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes::USERS;
    use crate::services::Note;

    let tried = async {
        services()?.accounts.set_role(&actor()?, user, role).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(USERS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || USERS.to_owned())
}

/// Disables or enables a person; it acts on their next request.
#[server(prefix = "/api/users", endpoint = "set-enabled")]
pub async fn set_enabled(user: UserId, enabled: bool) -> Result<(), AppError> {
    use crate::request::{actor, answer, see_other, services, visit};
    use crate::routes::USERS;
    use crate::services::Note;

    let tried = async {
        services()?.accounts.set_enabled(&actor()?, user, enabled).await?;
        visit()?.leave_note(Note::Saved).await?;
        see_other(USERS);
        Ok(())
    };
    let result = tried.await;
    answer(result, || USERS.to_owned())
}
