//! What every page's header can do: choose language and colours, sign out. No page of its own.

use leptos::prelude::*;

use crate::error::AppError;

/// Remembers the language.
#[server(prefix = "/api/session", endpoint = "set-language")]
pub async fn set_language(language: String, #[server(default)] back: String) -> Result<(), AppError> {
    use crate::request::{LANGUAGE_COOKIE, see_other, set_cookie};
    use crate::{routes, texts};

    if let Some(language) = texts::parse(&language) {
        set_cookie(LANGUAGE_COOKIE, texts::code(language));
    }
    see_other(routes::own_page(&back));
    Ok(())
}

/// Remembers the colours; `system` forgets the choice.
#[server(prefix = "/api/session", endpoint = "set-theme")]
pub async fn set_theme(theme: String, #[server(default)] back: String) -> Result<(), AppError> {
    use crate::request::{THEME_COOKIE, see_other, set_cookie};
    use crate::routes;

    if let Some(known) = ["light", "dark", "system"].into_iter().find(|known| *known == theme) {
        set_cookie(THEME_COOKIE, known);
    }
    see_other(routes::own_page(&back));
    Ok(())
}

/// Ends the session on the server.
#[server(prefix = "/api/session", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), AppError> {
    use crate::request::{see_other, visit};
    use crate::routes;

    visit()?.leave().await?;
    see_other(routes::SIGN_IN);
    Ok(())
}
