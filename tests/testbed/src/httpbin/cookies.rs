//! Cookies: showing, setting and deleting them.

use std::collections::BTreeMap;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderName, HeaderValue, Response};
use serde_json::json;

use crate::body::Body;
use crate::call::{Call, latin1};
use crate::reply;

pub(super) fn list(call: &Call) -> Response<Body> {
    let mut cookies = BTreeMap::new();
    for field in call.headers().get_all(COOKIE) {
        for pair in latin1(field).split(';') {
            if let Some((name, value)) = pair.split_once('=') {
                cookies.entry(name.trim().to_owned()).or_insert_with(|| unquoted(value.trim()));
            }
        }
    }
    reply::json(&json!({"cookies": cookies}))
}

/// Sets the cookies for the whole site and shows the way to the list of them.
pub(super) fn set(call: &Call, cookies: &[(String, String)]) -> Response<Body> {
    let secure = if call.is_tls() { "; Secure" } else { "" };
    to_list(cookies.iter().map(|(name, value)| (name, format!("{}{secure}; Path=/", quoted(value)))))
}

/// Deletes the cookies named in the query; their values there do not matter.
pub(super) fn delete(call: &Call) -> Response<Body> {
    const GONE: &str = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/";
    to_list(call.query().iter().map(|(name, _)| (name, GONE.to_owned())))
}

fn to_list<'a>(cookies: impl Iterator<Item = (&'a String, String)>) -> Response<Body> {
    let mut response = reply::found("/cookies");
    for (name, value) in cookies {
        // RFC 6265 §4.1.1: a cookie's name is a token, as a field's name is.
        let name_is_token = HeaderName::from_bytes(name.as_bytes()).is_ok();
        let Some(field) = HeaderValue::try_from(format!("{name}={value}")).ok().filter(|_| name_is_token)
        else {
            return reply::bad_request("the name of a cookie has characters that no name may have");
        };
        response.headers_mut().append(SET_COOKIE, field);
    }
    response
}

/// A value as it can stand in a field: as it is if it may, else between quotes with `\ooo` for its awkward bytes, which
/// is what httpbin's library does and undoes.
fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
    if value.bytes().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' ' => text.push(' '),
            _ if plain(byte) => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text.push('"');
    text
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    loop {
        match *rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ref after @ ..] => {
                bytes.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                rest = after;
            }
            [b'\\', byte, ref after @ ..] | [byte, ref after @ ..] => {
                bytes.push(byte);
                rest = after;
            }
            [] => return String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}
