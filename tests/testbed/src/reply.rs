//! Answers in their usual forms.

use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderValue, Method, Response, StatusCode};
use serde::Serialize;

use crate::body::Body;
use crate::call::Call;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
pub(crate) const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// An answer with a body of the given type.
pub(crate) fn reply(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// 200 with JSON, laid out with two spaces and a line feed at the end.
pub(crate) fn json(value: &impl Serialize) -> Response<Body> {
    reply(StatusCode::OK, JSON, json_text(value))
}

/// The bytes of [`json`].
pub(crate) fn json_text(value: &impl Serialize) -> Vec<u8> {
    // Only maps whose keys are no strings fail here, and there are none.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// An answer without a body; of type HTML, as httpbin's are.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    reply(status, HTML, Body::empty())
}

pub(crate) fn text(status: StatusCode, text: String) -> Response<Body> {
    reply(status, HeaderValue::from_static("text/plain; charset=utf-8"), text)
}

pub(crate) fn bad_request(why: &str) -> Response<Body> {
    text(StatusCode::BAD_REQUEST, format!("{why}\n"))
}

pub(crate) fn not_found(call: &Call) -> Response<Body> {
    text(StatusCode::NOT_FOUND, format!("Nothing at {}\n", call.url()))
}

/// An answer without a body that sends the client elsewhere.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let Ok(value) = HeaderValue::from_bytes(location.as_bytes()) else {
        return bad_request("the target of a redirect cannot contain control characters");
    };
    with(empty(status), LOCATION, value)
}

/// 302 with a page for whoever does not follow it: a body that a client has to get past.
pub(crate) fn found(location: &str) -> Response<Body> {
    const PAGE: &str =
        "<!DOCTYPE html>\n<title>Found</title>\n<p>What you asked for is where Location says.</p>\n";
    let mut response = redirect(StatusCode::FOUND, location);
    if response.status() == StatusCode::FOUND {
        *response.body_mut() = PAGE.into();
    }
    response
}

/// 405, and which methods there are.
pub(crate) fn method_not_allowed(methods: &[Method]) -> Response<Body> {
    let response =
        text(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for this URL.\n".to_owned());
    allow(response, methods)
}

/// Says which methods there are: HEAD goes with GET, OPTIONS with everything.
pub(crate) fn allow(response: Response<Body>, methods: &[Method]) -> Response<Body> {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    match HeaderValue::from_str(&names.join(", ")) {
        Ok(value) => with(response, ALLOW, value),
        Err(_) => response,
    }
}

/// The same answer as the last on its connection.
pub(crate) fn closing(response: Response<Body>) -> Response<Body> {
    with(response, CONNECTION, HeaderValue::from_static("close"))
}

/// The same answer with one field set.
pub(crate) fn with(mut response: Response<Body>, name: HeaderName, value: HeaderValue) -> Response<Body> {
    response.headers_mut().insert(name, value);
    response
}

/// Answers if the method is one of `methods`, and OPTIONS and other methods as they deserve.
pub(crate) fn on(
    call: &Call,
    methods: &[Method],
    answer: impl FnOnce(&Call) -> Response<Body>,
) -> Response<Body> {
    let asked = if *call.method() == Method::HEAD { &Method::GET } else { call.method() };
    if methods.contains(asked) {
        answer(call)
    } else if *asked == Method::OPTIONS {
        allow(empty(StatusCode::OK), methods)
    } else {
        method_not_allowed(methods)
    }
}
