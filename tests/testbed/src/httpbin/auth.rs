//! Endpoints behind a password or a token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::body::Body;
use crate::call::Call;
use crate::reply;

/// 401 with a challenge unless the credentials are these.
pub(super) fn basic(call: &Call, user: &str, password: &str) -> Response<Body> {
    if has_basic(call, user, password) { welcome(user) } else { super::status::unauthorized() }
}

/// 404 unless the credentials are these: nobody is told that a password would help.
pub(super) fn hidden_basic(call: &Call, user: &str, password: &str) -> Response<Body> {
    if has_basic(call, user, password) { welcome(user) } else { reply::empty(StatusCode::NOT_FOUND) }
}

/// Any token will do.
pub(super) fn bearer(call: &Call) -> Response<Body> {
    match call.header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")) {
        Some(token) => reply::json(&json!({"authenticated": true, "token": token})),
        None => {
            let challenge = HeaderValue::from_static("Bearer");
            reply::with(reply::empty(StatusCode::UNAUTHORIZED), WWW_AUTHENTICATE, challenge)
        }
    }
}

fn welcome(user: &str) -> Response<Body> {
    reply::json(&json!({"authenticated": true, "user": user}))
}

fn has_basic(call: &Call, user: &str, password: &str) -> bool {
    // RFC 9110 §11.1: the scheme's name is case-insensitive; RFC 7617 §2: the first colon ends the user.
    let given = call
        .header(AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok());
    given.is_some_and(|given| given == format!("{user}:{password}").as_bytes())
}
