//! Endpoints that say what they were asked.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use http::header::{HeaderName, USER_AGENT};
use serde_json::{Map, Value, json};

use crate::body::Body;
use crate::call::{Call, latin1};
use crate::reply;

/// Every fact httpbin can tell of a request.
const ALL: &[&str] = &["args", "data", "files", "form", "headers", "json", "method", "origin", "url"];

pub(super) fn get(call: &Call) -> Response<Body> {
    reply::json(&facts(call, &["args", "headers", "origin", "url"]))
}

pub(super) fn with_body(call: &Call) -> Response<Body> {
    reply::json(&facts(call, &["args", "data", "files", "form", "headers", "json", "origin", "url"]))
}

pub(super) fn anything(call: &Call) -> Response<Body> {
    reply::json(&facts(call, ALL))
}

pub(super) fn headers(call: &Call) -> Response<Body> {
    reply::json(&facts(call, &["headers"]))
}

pub(super) fn ip(call: &Call) -> Response<Body> {
    reply::json(&facts(call, &["origin"]))
}

pub(super) fn user_agent(call: &Call) -> Response<Body> {
    reply::json(&json!({"user-agent": call.headers().get(USER_AGENT).map(latin1)}))
}

/// The facts of these names, as an object.
pub(super) fn facts(call: &Call, names: &[&str]) -> Map<String, Value> {
    names.iter().map(|&name| (name.to_owned(), fact(call, name))).collect()
}

fn fact(call: &Call, name: &str) -> Value {
    match name {
        "args" => grouped(call.query()),
        "data" => Value::String(data(call)),
        "files" => json!({}),
        "form" => grouped(call.form()),
        "headers" => request_headers(call),
        "json" if has_form(call) => Value::Null,
        "json" => serde_json::from_slice(call.body()).unwrap_or(Value::Null),
        "method" => json!(call.method().as_str()),
        "origin" => json!(call.peer().to_string()),
        "url" => json!(call.url()),
        _ => Value::Null,
    }
}

/// Pairs as an object: a name that comes more than once has a list of its values.
fn grouped(pairs: Vec<(String, String)>) -> Value {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(value);
    }
    let unlisted = |mut values: Vec<String>| match values.len() {
        1 => values.pop().map_or(Value::Null, Value::String),
        _ => json!(values),
    };
    groups.into_iter().map(|(name, values)| (name, unlisted(values))).collect::<Map<_, _>>().into()
}

/// The body as text, or as a `data:` URL if it is none. A form is not repeated here.
fn data(call: &Call) -> String {
    if has_form(call) {
        return String::new();
    }
    match std::str::from_utf8(call.body()) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("data:application/octet-stream;base64,{}", STANDARD.encode(call.body())),
    }
}

fn has_form(call: &Call) -> bool {
    matches!(call.media_type().as_str(), "application/x-www-form-urlencoded" | "multipart/form-data")
}

/// Names in title case and repeated fields joined, as a Python web server hands them to httpbin.
fn request_headers(call: &Call) -> Value {
    let mut fields = Map::new();
    for name in call.headers().keys() {
        let values: Vec<String> = call.headers().get_all(name).iter().map(latin1).collect();
        fields.insert(title_case(name), json!(values.join(",")));
    }
    fields.into()
}

/// `x-request-id` becomes `X-Request-Id`.
pub(super) fn title_case(name: &HeaderName) -> String {
    let mut at_start = true;
    let cased = name.as_str().chars().map(|c| {
        let cased = if at_start { c.to_ascii_uppercase() } else { c };
        at_start = c == '-';
        cased
    });
    cased.collect()
}
