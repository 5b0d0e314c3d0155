//! The document around every page: language, colours, head, and the one script. Written by the server, so the first
//! paint is already right.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::App;
use crate::request::{lang, theme};
use crate::routes::ASSETS;
use crate::texts::tag;

/// The whole document.
pub fn shell(_options: LeptosOptions) -> impl IntoView {
    let language = lang();
    provide_context(language);
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
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
