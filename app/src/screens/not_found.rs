//! The start page, which is the exports list, and the page for addresses that do not exist.

use leptos::prelude::*;

use crate::error::AppError;
use crate::request::{actor, see_other};
use crate::routes::{EXPORTS, MenuItem, SIGN_IN};
use crate::ui::{open_page, signed_in};

/// `/`: on to the exports.
#[component]
pub fn HomePage() -> impl IntoView {
    see_other(if actor().is_ok() { EXPORTS } else { SIGN_IN });
}

/// No such page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    if actor().is_ok() {
        signed_in(MenuItem::Exports, |_| async { Err(AppError::NotFound) })
    } else {
        open_page(async { Err(AppError::NotFound) })
    }
}
