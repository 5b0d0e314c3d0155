//! The pages, one folder for each entry of the menu. A page exists on the server only: it is HTML, links and forms,
//! and works without script. What must move in the browser is an island in [`crate::live`].
//!
//! # How a screen is made
//!
//! - **The page** is a component without props that calls [`crate::ui::signed_in`] with its menu entry and an
//!   `async fn load(actor: Actor) -> Answer<Screen>`. `load` takes what it needs from the address
//!   (`request::query::<T>()`, or `use_params_map()` read before the first `await`), asks `request::services()?`, and
//!   builds the view. Errors are returned with `?`: the frame shows the right sentence and status. Rights are decided
//!   by the services; a page only hides what would be refused, by asking the functions of `domain::access`.
//! - **Its changes** are server functions in `api.rs`: `#[server(prefix = "/api/<area>", endpoint = "<verb>")]`, at
//!   most a dozen lines: actor, one call of a service, a note, `see_other` to the next page. They end with
//!   [`crate::request::answer`], which sends a plain form that failed back to its page with what was typed and the
//!   error in the address. Secrets are never put there. Forms are `<form method="post" action=SaveThing::PATH>`.
//! - **A form that grows** (rows added and removed) is a struct with `Serialize` and `Deserialize`; its buttons *Add*
//!   and *Remove* are `formmethod="get"` on the page itself, which reads the struct from the address again. See
//!   `exports/form.rs`.
//! - **Texts** stand in `locales/<language>/<screen>.json`, one namespace a screen, all six languages
//!   (`td_string!(lang(), exports.title)`; with arguments or plural forms `text!`). Sentences for codes stand once, in `ui/sentences.rs`.
//! - **Looks**: `style/_<screen>.scss`, only where the parts of `style/_parts.scss` do not do. Logical properties
//!   (`margin-inline-start`), colours only from `_tokens.scss`, no `style` attribute anywhere.
//! - **A list has its faces**: empty (`EmptyState` with one action), found nothing (`EmptyState` without it), error
//!   (the frame's), filled (`Table`). Search, sort and page stand in the address.
//! - **Routes**: the builder in `routes.rs`, the line in `app.rs`.

pub mod connections;
pub mod exports;
pub mod not_found;
pub mod profiles;
pub mod runs;
pub mod segments;
pub mod session;
pub mod sign_in;
pub mod sources;
pub mod system;
pub mod users;
