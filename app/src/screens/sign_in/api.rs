//! The server functions of sign-in and of one-time links. The password never travels in an address.

use leptos::prelude::*;

use crate::error::AppError;

/// Signs in: the session gets a new id.
#[server(prefix = "/api/session", endpoint = "sign-in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<(), AppError> {
    use super::SignInQuery;
    use crate::request::{answer, see_other, services, visit, with_query};
    use crate::routes::{SIGN_IN, own_page};

    let tried = async {
        let user = services()?.accounts.sign_in(&email, &password).await?;
        visit()?.enter(user).await?;
        see_other(own_page(&next));
        Ok(())
    };
    let result = tried.await;
    answer(result, || with_query(SIGN_IN, &SignInQuery { next, email }))
}

/// Makes the first administrator and signs them in.
#[server(prefix = "/api/session", endpoint = "set-up")]
pub async fn set_up_ferry(token: String, email: String, password: String) -> Result<(), AppError> {
    use super::SignInQuery;
    use crate::request::{answer, see_other, services, visit, with_query};
    use crate::routes;

    let tried = async {
        let user = services()?.accounts.set_up(&token, &email, &password).await?;
        visit()?.enter(user).await?;
        see_other(routes::SOURCES);
        Ok(())
    };
    let result = tried.await;
    answer(result, || with_query(&routes::set_up(&token), &SignInQuery { email, ..SignInQuery::default() }))
}

/// Sets the invited person's password and signs them in.
#[server(prefix = "/api/session", endpoint = "accept-invitation")]
pub async fn accept_invitation(token: String, password: String) -> Result<(), AppError> {
    use crate::request::{answer, see_other, services, visit};
    use crate::routes;

    let tried = async {
        let user = services()?.accounts.accept_invitation(&token, &password).await?;
        visit()?.enter(user).await?;
        see_other(routes::HOME);
        Ok(())
    };
    let result = tried.await;
    answer(result, || routes::invitation(&token))
}
