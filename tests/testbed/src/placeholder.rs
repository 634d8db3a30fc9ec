//! The part of jsonplaceholder that scenarios use: two posts, one user, and posts that are accepted but not kept.

use std::fmt;

use http::header::LOCATION;
use http::{HeaderValue, Method, Response, StatusCode};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::body::Body;
use crate::call::Call;
use crate::reply::{bad_request, on, reply, with};

const POSTS: [&str; 2] = [include_str!("../data/post_1.json"), include_str!("../data/post_2.json")];
const USERS: [&str; 1] = [include_str!("../data/user_1.json")];

/// The public service says it has a hundred posts, so every new one is the next.
const NEW_ID: u64 = 101;

/// The answer, if the path is one of this service.
pub(crate) fn answer(call: &Call) -> Option<Response<Body>> {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    Some(match *parts {
        ["posts"] => on(call, &[Method::GET, Method::POST], posts),
        ["posts", id] => on(call, &[Method::GET], |_| one_of(&POSTS, id)),
        ["users", id] => on(call, &[Method::GET], |_| one_of(&USERS, id)),
        _ => return None,
    })
}

fn posts(call: &Call) -> Response<Body> {
    if *call.method() == Method::POST {
        return create(call);
    }
    let indented = POSTS.map(|post| format!("  {}", post.trim_end().replace('\n', "\n  ")));
    json_reply(StatusCode::OK, format!("[\n{}\n]", indented.join(",\n")))
}

fn one_of(records: &[&'static str], id: &str) -> Response<Body> {
    let index = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
    match index.and_then(|index| records.get(index)) {
        Some(record) => json_reply(StatusCode::OK, record.trim_end()),
        None => json_reply(StatusCode::NOT_FOUND, "{}"),
    }
}

/// Echoes the fields of a JSON object or form, in their order, and says that they are now post 101.
fn create(call: &Call) -> Response<Body> {
    let mut fields = Fields::default();
    for (name, value) in call.form() {
        fields.set(name, Value::String(value));
    }
    if call.media_type() == "application/json" && !call.body().is_empty() {
        fields = match serde_json::from_slice(call.body()) {
            Ok(fields) => fields,
            Err(error) => return bad_request(&format!("the body is not a JSON object: {error}")),
        };
    }
    fields.set("id".to_owned(), json!(NEW_ID));
    let body = serde_json::to_vec_pretty(&fields).unwrap_or_default();
    let response = json_reply(StatusCode::CREATED, body);
    match HeaderValue::try_from(format!("{}/posts/{NEW_ID}", call.origin_url())) {
        Ok(location) => with(response, LOCATION, location),
        Err(_) => response,
    }
}

fn json_reply(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    reply(status, HeaderValue::from_static("application/json; charset=utf-8"), body)
}

/// A JSON object that keeps the order of its fields, as JavaScript does.
#[derive(Debug, Default)]
struct Fields(Vec<(String, Value)>);

impl Fields {
    /// A repeated field keeps its place and takes the last value.
    fn set(&mut self, name: String, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(field) => field.1 = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some((name, value)) = map.next_entry()? {
            fields.set(name, value);
        }
        Ok(fields)
    }
}
