//! The way in: HTTP. The only place that knows axum. No SQL and no rules: those are in `services`.
//!
//! [`router`] puts the layers together, [`plain`] holds the addresses beside those of `app`, [`visit`] turns a cookie into
//! a person, [`headers`] and [`csrf`] keep other sites out, [`uploads`] and [`downloads`] move files. Pages come from `app`.

use std::net::SocketAddr;
use std::time::Duration;

use app::request::{PublicOrigin, UploadLimit};
use app::services::Services;
use app::{App, shell};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures::future::BoxFuture;
use leptos::config::LeptosOptions;
use leptos::nonce::Nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, generate_route_list, render_app_async_with_context};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;

pub mod client;
pub mod crowd;
pub mod csrf;
pub mod downloads;
pub mod errors;
pub mod headers;
pub mod health;
pub mod plain;
pub mod state;
pub mod trace;
pub mod uploads;
pub mod visit;

pub use state::WebState;

/// The largest body of a form: server functions take nothing larger.
const FORM_LIMIT: usize = 1 << 20;

/// Everything that answers HTTP.
pub fn router(state: WebState) -> Router {
    let options = LeptosOptions::builder().output_name("ferry").site_pkg_dir("pkg").build();
    let pages = Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context(&state), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(not_found(&state, options.clone()))
        // Counts the bytes themselves: what reads them here asks for no limit.
        .layer(RequestBodyLimitLayer::new(FORM_LIMIT))
        .layer(from_fn(errors::server_functions))
        // Only what is text, and larger than a packet.
        .layer(CompressionLayer::new())
        .with_state(options);
    let people = pages
        .merge(plain::files(state.clone()))
        // Who it is, with the role of this moment.
        .layer(from_fn_with_state(state.clone(), visit::layer))
        .layer(visit::cookies(&state))
        // Not for one's own mistakes, but for a crowd of guesses from one address.
        .layer(from_fn_with_state(state.clone(), crowd::layer))
        // What a page of another site sends is refused before anything looks at the session.
        .layer(from_fn_with_state(state.clone(), csrf::layer));
    people
        .merge(plain::health(state.clone()))
        .merge(assets())
        // What went wrong in any of it is said to people in their language.
        .layer(from_fn_with_state(state.clone(), errors::layer))
        // On every answer, also those of the layers above.
        .layer(from_fn_with_state(state.clone(), headers::layer))
        .layer(from_fn_with_state(state, client::layer))
        .layer(from_fn(trace::layer))
}

/// Answers until `end`; then takes no more requests and lets open ones come to their end.
///
/// # Errors
/// The listener broke.
pub async fn serve(listener: TcpListener, state: WebState, end: CancellationToken) -> std::io::Result<()> {
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(async move { end.cancelled().await }).await
}

/// The generated files and those of `public/`, in the binary. Their names do not change with their content, so a
/// browser asks each time whether its copy is still good.
fn assets() -> Router {
    memory_serve::load!()
        .index_file(None)
        .cache_control(memory_serve::CacheControl::NoCache)
        .html_cache_control(memory_serve::CacheControl::NoCache)
        .into_router()
}

/// What pages and server functions find in their context.
fn context(state: &WebState) -> impl Fn() + Clone + Send + Sync + 'static {
    let services = state.services.clone();
    let public = state.config.public_url.as_ref().map(|url| PublicOrigin(url.origin().ascii_serialization()));
    let limit = UploadLimit(state.config.upload_limit);
    move || {
        provide_context::<Services>(services.clone());
        provide_context(limit);
        if let Some(public) = public.clone() {
            provide_context(public);
        }
        let Some(parts) = use_context::<axum::http::request::Parts>() else { return };
        if let Some(visit) = parts.extensions.get::<visit::Current>() {
            provide_context(visit.shared());
        }
        if let Some(nonce) = parts.extensions.get::<headers::PageNonce>() {
            provide_context(Nonce::from_value(nonce.0.clone()));
        }
    }
}

/// Any other address: the page that says so, or, where no person reads it, nothing.
fn not_found(
    state: &WebState,
    options: LeptosOptions,
) -> impl Fn(Request<Body>) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static {
    let render = render_app_async_with_context(context(state), move || shell(options.clone()));
    move |request: Request<Body>| {
        let render = render.clone();
        let answer = async move {
            let path = request.uri().path();
            if request.method() != Method::GET || path.starts_with("/api/") || path.starts_with("/pkg/") {
                return StatusCode::NOT_FOUND.into_response();
            }
            let mut response = render(request).await;
            if response.status() == StatusCode::OK {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            response
        };
        Box::pin(answer)
    }
}

/// How long open requests may go on after the server was asked to end.
pub const DRAIN: Duration = Duration::from_secs(10);
