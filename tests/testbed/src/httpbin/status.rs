//! A status code or header fields as asked for.

use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, PROXY_AUTHENTICATE, TRANSFER_ENCODING,
    WWW_AUTHENTICATE,
};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::echo::title_case;
use crate::body::Body;
use crate::call::{Call, latin1};
use crate::reply;

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"Fake Realm\"");

const TEAPOT: &str = "
    -=[ teapot ]=-

        __()__
   ___ /      \\  __
  /  /|        |/ /
  \\__ |        | /
      \\        /
       '------'
";

/// `/status/{code}`, with the fields that go with the code.
pub(super) fn status(code: &str) -> Response<Body> {
    let status = match code.parse::<u16>().map(StatusCode::from_u16) {
        Ok(Ok(status)) if !status.is_informational() => status,
        _ => return reply::bad_request("Invalid status code: one number from 200 to 999"),
    };
    let response = reply::empty(status);
    match status.as_u16() {
        301 | 302 | 303 | 305 | 307 => {
            reply::with(response, LOCATION, HeaderValue::from_static("/redirect/1"))
        }
        401 => unauthorized(),
        402 => more_info(reply::reply(status, reply::HTML, "Nothing is free here.")),
        406 => not_acceptable(),
        407 => reply::with(response, PROXY_AUTHENTICATE, CHALLENGE),
        418 => more_info(reply::reply(status, reply::HTML, TEAPOT)),
        _ => response,
    }
}

/// 401 with a challenge for a user and a password.
pub(super) fn unauthorized() -> Response<Body> {
    reply::with(reply::empty(StatusCode::UNAUTHORIZED), WWW_AUTHENTICATE, CHALLENGE)
}

/// `/response-headers?name=value`: the fields of the query, and a body that lists every field of the answer.
pub(super) fn response_headers(call: &Call) -> Response<Body> {
    let mut fields = HeaderMap::new();
    for (name, value) in call.query() {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(&value)) else {
            return reply::bad_request(&format!("{name:?} with {value:?} is not a header field"));
        };
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            return reply::bad_request("the framing of an answer is not for the asking");
        }
        fields.append(name, value);
    }
    // The body tells its own length, so it is made until the length it tells is the one it has.
    let mut body = listed(&fields, 0);
    loop {
        let next = listed(&fields, body.len());
        if next.len() == body.len() {
            let mut response = reply::reply(StatusCode::OK, reply::JSON, next);
            for (name, value) in &fields {
                response.headers_mut().append(name, value.clone());
            }
            return response;
        }
        body = next;
    }
}

fn listed(fields: &HeaderMap, length: usize) -> Vec<u8> {
    let mut object = Map::new();
    object.insert("Content-Length".to_owned(), json!(length.to_string()));
    object.insert("Content-Type".to_owned(), json!("application/json"));
    for name in fields.keys() {
        let own = (name == CONTENT_TYPE).then(|| "application/json".to_owned());
        let values: Vec<String> = own.into_iter().chain(fields.get_all(name).iter().map(latin1)).collect();
        let value = match &values[..] {
            [one] => json!(one),
            more => json!(more),
        };
        object.insert(title_case(name), value);
    }
    reply::json_text(&Value::Object(object))
}

fn not_acceptable() -> Response<Body> {
    let accept = ["image/webp", "image/svg+xml", "image/jpeg", "image/png", "image/*"];
    let message = json!({"accept": accept, "message": "None of the media types in Accept is one we have."});
    reply::reply(StatusCode::NOT_ACCEPTABLE, reply::JSON, reply::json_text(&message))
}

fn more_info(response: Response<Body>) -> Response<Body> {
    let place = HeaderValue::from_static("https://www.rfc-editor.org/rfc/rfc2324");
    reply::with(response, HeaderName::from_static("x-more-info"), place)
}
