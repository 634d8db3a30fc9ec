//! Test data of other projects, if `CONFORMANCE_DIR` says where it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_wire::{Headers, Limits, Method, RequestHead, Reuse};
use serde_json::Value as Json;
use std::io::Write as _;

use crate::support::{Fetch, Seen, Transcript, transcript};

/// Cases that are answered differently on purpose: id, why.
const KNOWN_MISSES: &[(&str, &str)] = &[];

/// So many cases must pass in any event.
const AT_LEAST: usize = 300;

#[test]
fn response_heads() {
    let Some(dir) = std::env::var_os("CONFORMANCE_DIR") else {
        say("response-heads: skipped, CONFORMANCE_DIR is not set");
        return;
    };
    let path = std::path::Path::new(&dir).join("response-heads/responses.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut passed, mut surprises) = (0, Vec::new());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let known = KNOWN_MISSES.iter().find(|(miss, _)| *miss == id);
        match (check(case), known) {
            (Ok(()), None) => passed += 1,
            (Ok(()), Some(_)) => surprises.push(format!("{id}: listed as a miss, but passes")),
            (Err(_), Some((_, reason))) => say(&format!("{id}: {reason}")),
            (Err(why), None) => surprises.push(format!("{id}: {why}")),
        }
    }
    say(&format!("response-heads: {passed} of {} pass", cases.len()));
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    assert!(passed >= AT_LEAST);
}

/// Runs a case whole and byte by byte.
fn check(case: &Json) -> Result<(), String> {
    let stream = stream(case);
    let method = Method::from_bytes(case["request_method"].as_str().unwrap().as_bytes()).unwrap();
    let target = if method == Method::CONNECT { "a.test:443" } else { "/" };
    let mut request = RequestHead::builder(method, target).header("Host", "a.test");
    if case["request_upgrade"] == Json::Bool(true) {
        request = request.upgrade("h2c");
    }
    let request = request.build().unwrap();
    let limits = Limits::default();
    let whole = transcript(&request, limits, &[&stream], Fetch::All, 0);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    if transcript(&request, limits, &bytes, Fetch::All, 0) != whole {
        return Err("byte by byte differs from whole".to_owned());
    }
    let accepted = [case].into_iter().chain(case["alternatives"].as_array().into_iter().flatten());
    let mut reasons =
        accepted.map(|outcome| compare(&whole, outcome, case["collapse_whitespace"] == Json::Bool(true)));
    let first = reasons.next().unwrap();
    if first.is_ok() || reasons.any(|reason| reason.is_ok()) { Ok(()) } else { first }
}

fn stream(case: &Json) -> Vec<u8> {
    if let Some(text) = case["bytes_base64"].as_str() {
        return STANDARD.decode(text).unwrap();
    }
    let parts = case["bytes_parts"].as_array().unwrap().iter();
    let parts = parts.map(|part| base64(&part["base64"]).repeat(part["repeat"].as_u64().unwrap() as usize));
    parts.collect::<Vec<_>>().concat()
}

/// Whether the transcript is the outcome that is asked for.
fn compare(seen: &Transcript, outcome: &Json, collapse: bool) -> Result<(), String> {
    if !outcome["expect_error"].is_null() {
        return seen.error().map(drop).ok_or(format!("accepted instead of {}", outcome["expect_error"]));
    }
    if let Some(error) = seen.error() {
        return Err(format!("refused: {error}"));
    }
    let expect = &outcome["expect"];
    let head = seen.response();
    let same = |what: &str, got: Json, wanted: &Json| match wanted.is_null() || got == *wanted {
        true => Ok(()),
        false => Err(format!("{what}: {got} instead of {wanted}")),
    };
    same("version", format!("{:?}", head.version())["HTTP/".len()..].into(), &expect["version"])?;
    same("status", head.status().as_u16().into(), &expect["status"])?;
    same("header count", head.headers().len().into(), &expect["header_count"])?;
    same("headers", fields(head.headers(), collapse), &lists(&expect["headers"], collapse))?;
    let reason = text(head.reason()).trim().to_owned();
    if expect["reason"].as_str().is_some_and(|wanted| wanted.trim() != reason) {
        return Err(format!("reason: {reason} instead of {}", expect["reason"]));
    }
    same("interim", seen.interim().into(), &if_given(&expect["interim"], Json::Array(Vec::new())))?;
    if !expect["body_base64"].is_null() && seen.body() != base64(&expect["body_base64"]) {
        return Err(format!("body: {} instead of {}", text(seen.body()), expect["body_base64"]));
    }
    if !expect["leftover_base64"].is_null() && seen.left != base64(&expect["leftover_base64"]) {
        return Err(format!("leftover: {}", text(&seen.left)));
    }
    let trailers = seen.end().and_then(|(trailers, _)| trailers.cloned()).unwrap_or_default();
    let wanted = if_given(&expect["trailers"], Json::Array(Vec::new()));
    same("trailers", Json::Array(pairs(&trailers, collapse, true)), &wanted)?;
    same("keep_alive", (seen.reuse == Reuse::Keep).into(), &expect["keep_alive"])?;
    let switched = matches!(seen.seen.last(), Some(Seen::Switched(_)));
    if expect["framing"].as_str().is_some_and(|framing| (framing == "upgrade") != switched) {
        return Err(format!("switched: {switched}"));
    }
    Ok(())
}

fn base64(text: &Json) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

fn if_given(value: &Json, otherwise: Json) -> Json {
    if value.is_null() { otherwise } else { value.clone() }
}

/// Fields as the test data has them: text in ISO-8859-1, without the two that may be normalised.
fn fields(headers: &Headers, collapse: bool) -> Json {
    Json::Array(pairs(headers, collapse, false))
}

fn pairs(headers: &Headers, collapse: bool, all: bool) -> Vec<Json> {
    let fields = headers.iter().filter(|(name, _)| all || !is_framing(name));
    fields
        .map(|(name, value)| Json::from(vec![name.to_owned(), blanks(&text(value.as_bytes()), collapse)]))
        .collect()
}

fn lists(wanted: &Json, collapse: bool) -> Json {
    let Some(list) = wanted.as_array() else { return Json::Null };
    let fields = list.iter().filter(|pair| !is_framing(pair[0].as_str().unwrap()));
    let fields = fields.map(|pair| {
        Json::from(vec![pair[0].as_str().unwrap().to_owned(), blanks(pair[1].as_str().unwrap(), collapse)])
    });
    Json::Array(fields.collect())
}

fn is_framing(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
}

fn blanks(text: &str, collapse: bool) -> String {
    if collapse { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() }
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

/// Prints past the test runner, which would keep the words of a test that passes to itself.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
