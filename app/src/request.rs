//! What a page or a server function needs from the request it answers: who asks, in which language, the form in the
//! address, and the ways to answer. No rules.

use std::sync::Arc;

use domain::access::Actor;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use leptos_i18n::context::I18nContextOptions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::AppError;
use crate::services::{Answer, Services, Visit};
use crate::texts::{self, Locale};

/// The cookie with the language that the person chose.
pub const LANGUAGE_COOKIE: &str = "ferry_language";
/// The cookie with the colours that the person chose: `light` or `dark`.
pub const THEME_COOKIE: &str = "ferry_theme";
/// The cookie with the browser's time zone, written by `public/start.js`.
pub const TIME_ZONE_COOKIE: &str = "ferry_time_zone";

/// The services; an internal error when the server did not provide them.
pub fn services() -> Answer<Services> {
    use_context::<Services>().ok_or_else(|| AppError::Internal("services".to_owned()))
}

/// The visit of this browser.
pub fn visit() -> Answer<Arc<dyn Visit>> {
    use_context::<Arc<dyn Visit>>().ok_or_else(|| AppError::Internal("visit".to_owned()))
}

/// Who asks; [`AppError::SignedOut`] when nobody is signed in.
pub fn actor() -> Answer<Actor> {
    visit()?.actor().ok_or(AppError::SignedOut)
}

fn parts() -> Option<Parts> {
    use_context::<Parts>()
}

/// Before the name of a cookie, it binds it to this host and to HTTPS.
const BOUND: &str = "__Host-";

/// Do people come over HTTPS?
fn is_https() -> bool {
    use_context::<PublicOrigin>().is_some_and(|PublicOrigin(public)| public.starts_with("https://"))
}

/// The value of a cookie: of the one that is bound to this host, and of another only where people do not come over HTTPS.
fn cookie(name: &str) -> Option<String> {
    let parts = parts()?;
    let bound = value_of(&parts, &format!("{BOUND}{name}"));
    if is_https() { bound } else { bound.or_else(|| value_of(&parts, name)) }
}

fn value_of(parts: &Parts, name: &str) -> Option<String> {
    let values = parts.headers.get_all(header::COOKIE);
    let mut pairs = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

/// Remembers a choice in the browser for a year. Over HTTPS the server makes every cookie `Secure`.
pub fn set_cookie(name: &str, value: &str) {
    let bound = if is_https() { BOUND } else { "" };
    let line = format!("{bound}{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    if let (Some(response), Ok(line)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&line)) {
        response.append_header(header::SET_COOKIE, line);
    }
}

/// The language of the answer: what the person chose, else the best of `Accept-Language`, else English.
pub fn lang() -> Locale {
    if let Some(known) = use_context::<Locale>() {
        return known;
    }
    cookie(LANGUAGE_COOKIE).and_then(|name| texts::parse(&name)).unwrap_or_else(|| {
        leptos_i18n::locale::resolve_locale_with_options(I18nContextOptions::default().enable_cookie(false))
    })
}

/// The colours that the person chose; none follows the system.
pub fn theme() -> Option<&'static str> {
    match cookie(THEME_COOKIE)?.as_str() {
        "light" => Some("light"),
        "dark" => Some("dark"),
        _ => None,
    }
}

/// The time zone in which times are shown: the browser's, else UTC.
pub fn time_zone() -> jiff::tz::TimeZone {
    cookie(TIME_ZONE_COOKIE)
        .and_then(|name| jiff::tz::TimeZone::get(&name.replace("%2F", "/")).ok())
        .unwrap_or(jiff::tz::TimeZone::UTC)
}

/// The address under which people reach Ferry, as the operator set it: scheme and host, without a slash at the end.
#[derive(Debug, Clone)]
pub struct PublicOrigin(pub String);

/// Scheme and host for links that people pass on: what the operator set, else those of this very request.
pub fn origin() -> String {
    if let Some(PublicOrigin(known)) = use_context::<PublicOrigin>() {
        return known;
    }
    let Some(parts) = parts() else { return String::new() };
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let scheme = header("x-forwarded-proto").filter(|scheme| scheme == "https").unwrap_or_else(|| "http".to_owned());
    header("host").map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}

/// The largest file that the server takes from a browser, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct UploadLimit(pub u64);

/// The same; an internal error when the server did not say.
pub fn upload_limit() -> Answer<u64> {
    let limit = use_context::<UploadLimit>().ok_or_else(|| AppError::Internal("upload limit".to_owned()))?;
    Ok(limit.0)
}

/// The path of the page that is asked for.
pub fn path() -> String {
    parts().map(|parts| parts.uri.path().to_owned()).unwrap_or_default()
}

/// The path with the query, as it was asked for.
pub fn path_and_query() -> String {
    parts().and_then(|parts| parts.uri.path_and_query().map(ToString::to_string)).unwrap_or_default()
}

/// The query of the address as a value; the default where it does not fit. Encoded brackets count as brackets, as
/// browsers write them.
pub fn query<T: DeserializeOwned + Default>() -> T {
    let parts = parts();
    let text = parts.as_ref().and_then(|parts| parts.uri.query()).unwrap_or_default();
    serde_qs::Config::new(6, false).deserialize_str(text).unwrap_or_default()
}

/// A path with a value as its query.
pub fn with_query(path: &str, value: &impl Serialize) -> String {
    match serde_qs::to_string(value) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

/// Sends the browser to another page of ours. Takes only what [`crate::routes`] built.
pub fn see_other(path: &str) {
    // A header value that cannot be is never made of our own paths; the guard keeps a slip from ending the request.
    if HeaderValue::from_str(path).is_ok() {
        leptos_axum::redirect(path);
    }
}

/// Sets the status of a page. Not for forms: their answer is a redirect, and a status would hide it.
pub fn status(code: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(code);
    }
}

/// Keeps browsers and proxies from storing the answer.
pub fn no_store() {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Was this sent by a plain form? Then the answer is a page; otherwise it is data.
fn is_form() -> bool {
    parts().is_some_and(|parts| {
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        accept.is_some_and(|value| value.contains("text/html"))
    })
}

/// Ends a server function. A plain form that failed goes back to its page, with what was typed and the error in the
/// address; any other caller gets the error itself. `back` is a path with its query.
pub fn answer<T: Default>(result: Answer<T>, back: impl FnOnce() -> String) -> Answer<T> {
    match result {
        Err(error) if is_form() => {
            let back = if error == AppError::SignedOut {
                crate::routes::sign_in_then(&back())
            } else {
                with_fault(&back(), &error)
            };
            see_other(&back);
            Ok(T::default())
        }
        other => other,
    }
}

/// Adds an error to a path; [`fault`] reads it.
pub fn with_fault(path: &str, error: &AppError) -> String {
    #[derive(Serialize)]
    struct Query {
        fault: String,
    }
    let text = serde_json::to_string(error).unwrap_or_default();
    let query = serde_qs::to_string(&Query { fault: text }).unwrap_or_default();
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}{query}")
}

/// The error that a form left in the address of this page.
pub fn fault() -> Option<AppError> {
    fault_in(parts()?.uri.query()?)
}

fn fault_in(query: &str) -> Option<AppError> {
    #[derive(serde::Deserialize, Default)]
    struct Query {
        fault: Option<String>,
    }
    // Only this one key: the rest of the query may be nested and belongs to the page.
    let pair = query.split('&').find(|pair| pair.starts_with("fault="))?;
    let query: Query = serde_qs::from_str(pair).ok()?;
    serde_json::from_str(&query.fault?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FieldFaultKind;

    #[test]
    fn an_error_comes_back_from_the_address_beside_what_was_typed() {
        let error = AppError::InUse(vec!["Spring & summer".to_owned(), "100 %".to_owned()]);
        for path in ["/admin/users", "/admin/users?email=a%40b.example&form%5Brows%5D%5B0%5D%5Bx%5D=1"] {
            let address = with_fault(path, &error);
            assert!(address.starts_with(path));
            let (_, query) = address.split_once('?').expect("a query");
            assert_eq!(fault_in(query), Some(error.clone()));
        }
    }

    #[test]
    fn an_address_that_somebody_made_up_is_no_error() {
        assert_eq!(fault_in("fault=%7B%22code%22%3A%22nonsense%22%7D"), None);
        assert_eq!(fault_in("default=1"), None);
        let field = AppError::field("email", FieldFaultKind::Taken);
        assert_eq!(fault_in(with_fault("/x", &field).trim_start_matches("/x?")), Some(field));
    }
}
