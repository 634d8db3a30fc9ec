//! Bodies of all kinds: compressed, random, streamed, slow, and fixed ones.

use std::time::Duration;

use http::header::CONTENT_ENCODING;
use http::{HeaderValue, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::counted;
use super::echo::facts;
use crate::body::Body;
use crate::call::Call;
use crate::encode;
use crate::reply;

/// httpbin's limits: random bytes, messages of a stream, bytes of a drip, seconds of a delay.
const MAX_RANDOM: u64 = 100 << 10;
const MAX_MESSAGES: u64 = 100;
const MAX_DRIP: u64 = 10 << 20;
const MAX_DELAY: f64 = 10.0;

/// A duration in seconds, fractions included, cut to ten seconds; `None` if it is no such thing.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok().filter(|seconds: &f64| !seconds.is_nan())?;
    Duration::try_from_secs_f64(seconds.min(MAX_DELAY)).ok()
}

/// The waiting is done before this is called.
pub(super) fn delay(call: &Call, text: &str) -> Response<Body> {
    if seconds(text).is_none() {
        return reply::bad_request("/delay/{seconds}: a number that is not negative");
    }
    reply::json(&facts(call, &["args", "data", "files", "form", "headers", "origin", "url"]))
}

pub(super) fn gzip(call: &Call) -> Response<Body> {
    compressed(call, "gzipped", "gzip", encode::gzip)
}

pub(super) fn deflate(call: &Call) -> Response<Body> {
    compressed(call, "deflated", "deflate", encode::deflate)
}

/// Compressed whether the client accepts it or not, as httpbin does.
fn compressed(call: &Call, mark: &str, coding: &'static str, encode: fn(&[u8]) -> Vec<u8>) -> Response<Body> {
    let mut object = facts(call, &["headers", "method", "origin"]);
    object.insert(mark.to_owned(), Value::Bool(true));
    let response = reply::reply(StatusCode::OK, reply::JSON, encode(&reply::json_text(&object)));
    reply::with(response, CONTENT_ENCODING, HeaderValue::from_static(coding))
}

/// `/bytes/{n}?seed=`: the same bytes for the same seed. Without one the seed is 0, so that tests repeat themselves.
pub(super) fn bytes(call: &Call, n: &str) -> Response<Body> {
    counted(n, |n| match call.parsed_arg("seed", 0) {
        Ok(seed) => reply::reply(StatusCode::OK, reply::BYTES, random_bytes(n, seed)),
        Err(seed) => reply::bad_request(&format!("seed={seed} is not a number")),
    })
}

/// `/stream-bytes/{n}?seed=&chunk_size=`: the bytes of `/bytes/{n}`, chunked.
pub(super) fn stream_bytes(call: &Call, n: &str) -> Response<Body> {
    counted(n, |n| {
        let (seed, size) = match (call.parsed_arg("seed", 0), call.parsed_arg("chunk_size", 10 << 10)) {
            (Ok(seed), Ok(size)) => (seed, std::cmp::max(size, 1_usize)),
            (Err(text), _) | (_, Err(text)) => {
                return reply::bad_request(&format!("{text:?} is not a number"));
            }
        };
        let mut rest = Bytes::from(random_bytes(n, seed));
        let chunks = std::iter::from_fn(move || {
            let chunk = rest.split_to(size.min(rest.len()));
            (!chunk.is_empty()).then_some(chunk)
        });
        reply::reply(StatusCode::OK, reply::BYTES, Body::chunks(chunks))
    })
}

/// `/stream/{n}`: what `/get` says, `n` times, a line and a chunk each, numbered from 0.
pub(super) fn stream(call: &Call, n: &str) -> Response<Body> {
    counted(n, |n| {
        let mut object = facts(call, &["args", "headers", "origin", "url"]);
        let lines = (0..n.min(MAX_MESSAGES)).map(move |id| {
            object.insert("id".to_owned(), json!(id));
            let mut line = serde_json::to_vec(&object).unwrap_or_default();
            line.push(b'\n');
            Bytes::from(line)
        });
        reply::reply(StatusCode::OK, reply::JSON, Body::chunks(lines))
    })
}

/// `/drip?duration=&numbytes=&code=`: so many bytes over so many seconds. The waiting of `delay=` is done before.
pub(super) fn drip(call: &Call) -> Response<Body> {
    let duration = call.arg("duration").map_or(Some(Duration::from_secs(2)), |text| seconds(&text));
    let delay = call.arg("delay").map_or(Some(Duration::ZERO), |text| seconds(&text));
    let code = call.parsed_arg("code", 200).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let bytes = call.parsed_arg("numbytes", 10_u64).ok().filter(|&bytes| bytes > 0);
    let (Some(duration), Some(_), Some(bytes), Some(code)) = (duration, delay, bytes, code) else {
        return reply::bad_request(
            "/drip: duration and delay are seconds, numbytes a count above 0, code a status",
        );
    };
    if code.is_informational() {
        return reply::bad_request("/drip: a status from 200 on");
    }
    let bytes = bytes.min(MAX_DRIP);
    let pause = duration.div_f64(bytes as f64);
    let drops = (0..bytes).map(|_| Bytes::from_static(b"*"));
    reply::reply(code, reply::BYTES, Body::slow(bytes, pause, drops))
}

pub(super) fn html() -> Response<Body> {
    reply::reply(StatusCode::OK, reply::HTML, include_str!("../../data/page.html"))
}

pub(super) fn json() -> Response<Body> {
    reply::reply(StatusCode::OK, reply::JSON, include_str!("../../data/slideshow.json"))
}

pub(super) fn utf8() -> Response<Body> {
    reply::reply(StatusCode::OK, reply::HTML, include_str!("../../data/utf8.html"))
}

/// At most 100 KiB that do not compress: SplitMix64 (Steele, Lea, Flood 2014) from the seed on.
fn random_bytes(n: u64, seed: u64) -> Vec<u8> {
    let length = usize::try_from(n.min(MAX_RANDOM)).unwrap_or(0);
    let mut state = seed;
    let words = std::iter::from_fn(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some((z ^ (z >> 31)).to_le_bytes())
    });
    words.flatten().take(length).collect()
}
