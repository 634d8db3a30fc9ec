//! Endpoints for measurements and for bodies of any size: nothing here depends on what a client sends along.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, SERVER, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use serde_json::json;

use crate::body::Body;
use crate::call::Call;
use crate::reply::{self, bad_request, closing, on, reply};

/// Bodies up to this length are made once and kept; longer ones are sent in blocks of this size.
const BLOCK: usize = 64 << 10;

/// How many lengths are kept: 256 of the longest are 16 MiB, and no benchmark uses more.
const MAX_KEPT: usize = 256;

/// The largest chunk of `/chunked`: 1 MiB, so that a request cannot make the server hold much.
const MAX_CHUNK: usize = 1 << 20;

static PADDING: [u8; BLOCK] = [b'x'; BLOCK];

/// The bodies of `/bench/{n}`.
#[derive(Default)]
pub(crate) struct Bodies {
    kept: Mutex<HashMap<u64, Bytes>>,
}

impl Bodies {
    /// The answer to `GET /bench/{n}`; `None` for every other request. Asked first of all, before anything is decoded.
    pub(crate) fn answer(&self, head: &Parts) -> Option<Response<Body>> {
        let length = head.uri.path().strip_prefix("/bench/")?;
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return None;
        }
        Some(match length.parse() {
            Ok(0) | Err(_) => bad_request("/bench/{n}: n is a number of bytes, at least 1"),
            Ok(length) => {
                let mut response = Response::new(self.body(length));
                *response.headers_mut() = headers();
                response
            }
        })
    }

    fn body(&self, length: u64) -> Body {
        if length > BLOCK as u64 {
            return Body::sized(length, blocks(length));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = kept.get(&length) {
            return Body::Whole(body.clone());
        }
        let body: Bytes = blocks(length).flatten().collect();
        if kept.len() < MAX_KEPT {
            kept.insert(length, body.clone());
        }
        Body::Whole(body)
    }
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies").finish_non_exhaustive()
    }
}

/// The answer, if the path is `/close` or `/chunked/…`; and OPTIONS and wrong methods for the rest of this file.
pub(crate) fn answer(call: &Call) -> Option<Response<Body>> {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    Some(match *parts {
        ["close"] => on(call, &[Method::GET], |_| closing(reply::json(&json!({"closed": true})))),
        ["chunked", total, size] => on(call, &[Method::GET], |_| chunked(total, size)),
        ["bench", _] => on(call, &[Method::GET], reply::not_found),
        ["echo" | "sink"] => on(call, &[Method::POST], reply::not_found),
        _ => return None,
    })
}

/// Sends the body back while it arrives, under its own type.
pub(crate) fn echo(head: &Parts, body: Incoming) -> Response<Body> {
    let content_type = head.headers.get(CONTENT_TYPE).cloned().unwrap_or(reply::BYTES);
    let mut response = Response::new(Body::Echo(body));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Counts the body and forgets it.
pub(crate) async fn sink(mut body: Incoming) -> Result<Response<Body>, hyper::Error> {
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(reply::json(&json!({"bytes": bytes})))
}

fn chunked(total: &str, size: &str) -> Response<Body> {
    let (Ok(total), Ok(size @ 1..=MAX_CHUNK)) = (total.parse::<u64>(), size.parse::<usize>()) else {
        return bad_request("/chunked/{total}/{size}: two numbers of bytes, the second from 1 to 1048576");
    };
    let chunk = Bytes::from(vec![b'x'; size]);
    let mut left = total;
    let chunks = std::iter::from_fn(move || {
        let now = usize::try_from(left).map_or(size, |left| left.min(size));
        left -= now as u64;
        (now > 0).then(|| chunk.slice(..now))
    });
    reply(StatusCode::OK, reply::BYTES, Body::chunks(chunks))
}

/// With Content-Length and Date, which hyper adds, these are ten.
fn headers() -> HeaderMap {
    const FIELDS: [(http::HeaderName, &str); 8] = [
        (CONTENT_TYPE, "application/json"),
        (SERVER, "testbed"),
        (CACHE_CONTROL, "max-age=0, private, must-revalidate"),
        (ETAG, "\"6d82cbb050ddc7fa9cbb659014546e59\""),
        (VARY, "Accept-Encoding"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "SAMEORIGIN"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    let mut headers = HeaderMap::with_capacity(FIELDS.len());
    for (name, value) in FIELDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// A JSON text of exactly `length` bytes: an object with one long string, or a number where that does not fit.
fn blocks(length: u64) -> impl Iterator<Item = Bytes> + Send {
    const START: &[u8] = br#"{"pad":""#;
    const END: &[u8] = br#""}"#;
    let around = (START.len() + END.len()) as u64;
    let (start, mut padding, end) = match length.checked_sub(around) {
        Some(padding) => (START, padding, END),
        None => (PADDING_DIGITS.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default(), 0, &b""[..]),
    };
    let middle = std::iter::from_fn(move || {
        let now = usize::try_from(padding).map_or(BLOCK, |padding| padding.min(BLOCK));
        padding -= now as u64;
        PADDING.get(..now).filter(|block| !block.is_empty()).map(Bytes::from_static)
    });
    let edge = |bytes: &'static [u8]| std::iter::once(Bytes::from_static(bytes)).filter(|b| !b.is_empty());
    edge(start).chain(middle).chain(edge(end))
}

const PADDING_DIGITS: &[u8] = b"111111111";
