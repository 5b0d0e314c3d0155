//! The document around every page: language, colours, head, and the one script. Written by the server, so the first
//! paint is already right.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::App;
use crate::error::AppError;
use crate::request::{lang, theme};
use crate::routes::ASSETS;
use crate::texts::{Locale, tag};
use crate::ui::{ErrorPanel, sentences};

/// The whole document.
pub fn shell(_options: LeptosOptions) -> impl IntoView {
    let language = lang();
    provide_context(language);
    document(language, view! { <MetaTags /> }.into_any(), view! { <App /> }.into_any())
}

/// The document that says an error which no page could say, because the request did not come so far. `provide` gives
/// what pages find in their context.
pub fn error_page(error: &AppError, provide: impl FnOnce()) -> String {
    Owner::new().with(|| {
        provide();
        let language = lang();
        let title = sentences::error(language, error).what;
        let body = view! {
            <main class="narrow" id="content">
                <p class="brand">"Ferry"</p>
                <h1>{title.clone()}</h1>
                <ErrorPanel error=error.clone() />
            </main>
        };
        document(language, view! { <title>{title}</title> }.into_any(), body.into_any()).to_html()
    })
}

fn document(language: Locale, more: AnyView, body: AnyView) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang=tag(language) dir="ltr" data-theme=theme()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=format!("{ASSETS}/ferry.css") />
                // Wakes the islands, where the page has some. Everything works before it arrives, and without it.
                <script type="module" src="/start.js" nonce=use_nonce()></script>
                {more}
            </head>
            <body>
                {body}
            </body>
        </html>
    }
}
