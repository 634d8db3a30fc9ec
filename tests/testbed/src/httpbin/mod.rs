//! httpbin's endpoints: its paths, field names, status codes and header names, for the part of it that tests use.

mod auth;
mod bodies;
mod cookies;
mod echo;
mod redirect;
mod status;

use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN,
};
use http::{HeaderValue, Method, Response};

use crate::body::Body;
use crate::call::Call;
use crate::reply::{self, on};

const GET: &[Method] = &[Method::GET];
const VERBS: &[Method] =
    &[Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE];

/// How long httpbin thinks before it answers: `/delay/{seconds}` and `/drip?delay=`, at most ten seconds.
pub(crate) fn delay_before(call: &Call) -> Duration {
    let segments = call.segments();
    match segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["delay", seconds] => bodies::seconds(seconds).unwrap_or_default(),
        ["drip"] => call.arg("delay").and_then(|delay| bodies::seconds(&delay)).unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// The answer, if the path is one of httpbin's.
pub(crate) fn answer(call: &Call) -> Option<Response<Body>> {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let response = match *parts {
        ["get"] => on(call, GET, echo::get),
        ["post"] => on(call, &[Method::POST], echo::with_body),
        ["put"] => on(call, &[Method::PUT], echo::with_body),
        ["patch"] => on(call, &[Method::PATCH], echo::with_body),
        ["delete"] => on(call, &[Method::DELETE], echo::with_body),
        ["headers"] => on(call, GET, echo::headers),
        ["ip"] => on(call, GET, echo::ip),
        ["user-agent"] => on(call, GET, echo::user_agent),
        // httpbin allows its six verbs; here any method may be tried.
        ["anything", ..] if *call.method() == Method::OPTIONS => on(call, VERBS, echo::anything),
        ["anything", ..] => echo::anything(call),

        ["cookies"] => on(call, GET, cookies::list),
        ["cookies", "set"] => on(call, GET, |call| cookies::set(call, &call.query())),
        ["cookies", "set", name, value] => {
            on(call, GET, |call| cookies::set(call, &[(name.to_owned(), value.to_owned())]))
        }
        ["cookies", "delete"] => on(call, GET, cookies::delete),

        ["basic-auth", user, password] => on(call, GET, |call| auth::basic(call, user, password)),
        ["hidden-basic-auth", user, password] => {
            on(call, GET, |call| auth::hidden_basic(call, user, password))
        }
        ["bearer"] => on(call, GET, auth::bearer),

        ["redirect", n] => on(call, GET, |call| redirect::times(call, n)),
        ["relative-redirect", n] => on(call, GET, |_| redirect::relative(n)),
        ["absolute-redirect", n] => on(call, GET, |call| redirect::absolute(call, n)),
        ["redirect-to"] => on(call, VERBS, redirect::to),

        ["status", code] => on(call, VERBS, |_| status::status(code)),
        ["response-headers"] => on(call, &[Method::GET, Method::POST], status::response_headers),

        ["gzip"] => on(call, GET, bodies::gzip),
        ["deflate"] => on(call, GET, bodies::deflate),
        ["bytes", n] => on(call, GET, |call| bodies::bytes(call, n)),
        ["stream-bytes", n] => on(call, GET, |call| bodies::stream_bytes(call, n)),
        ["stream", n] => on(call, GET, |call| bodies::stream(call, n)),
        ["delay", seconds] => on(call, VERBS, |call| bodies::delay(call, seconds)),
        ["drip"] => on(call, GET, bodies::drip),
        ["html"] => on(call, GET, |_| bodies::html()),
        ["json"] => on(call, GET, |_| bodies::json()),
        ["encoding", "utf8"] => on(call, GET, |_| bodies::utf8()),
        _ => return None,
    };
    Some(share(call, response))
}

/// Lets pages of any origin read the answer, as httpbin does on everything it sends.
fn share(call: &Call, mut response: Response<Body>) -> Response<Body> {
    let origin = call.headers().get(ORIGIN).cloned();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.unwrap_or(HeaderValue::from_static("*")));
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if *call.method() == Method::OPTIONS {
        let methods = HeaderValue::from_static("GET, POST, PUT, DELETE, PATCH, OPTIONS");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
        if let Some(names) = call.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    response
}

/// A count in a path; what is none gets the 404 of a path that does not exist.
fn counted(text: &str, answer: impl FnOnce(u64) -> Response<Body>) -> Response<Body> {
    match text.parse() {
        Ok(n) => answer(n),
        Err(_) => reply::text(http::StatusCode::NOT_FOUND, format!("{text:?} is not a count\n")),
    }
}
