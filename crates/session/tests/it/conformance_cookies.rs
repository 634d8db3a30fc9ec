//! Runs the cookie and date cases of the folder that `CONFORMANCE_DIR` names.
//!
//! Without the variable there is nothing to run and the tests pass, saying so; with it, a missing file fails.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use session::CookieJar;
use url::Url;

/// The time of cases that name none: between the dates they mean as past and those they mean as future.
const NOW: i64 = 1_790_000_000;

/// Cases whose outcome differs on purpose: the id and the reason.
const MISSES: &[(&str, &str)] = &[];

#[test]
fn the_jar_sends_what_the_conformance_cases_expect() {
    if !cfg!(feature = "psl") {
        say("cookies: skipped, the cases expect the public suffixes of the feature psl");
        return;
    }
    let Some(cases) = cases("cookies.jsonl") else { return };
    report("cookies", &cases, |case| {
        let jar = CookieJar::new();
        let now = at(case["now"].as_i64().unwrap_or(NOW));
        for exchange in case["before"].as_array().into_iter().flatten() {
            store(&jar, exchange, now);
        }
        store(&jar, case, now);
        let then = case["next_now"].as_i64().map_or(now, at);
        let sent = jar.header_for(&url(&case["next_url"]), then).unwrap_or_default();
        let outcomes = octets(case, "expect_cookie_header").chain(octets(case, "alt_expect"));
        if outcomes.into_iter().any(|outcome| outcome == sent) {
            Ok(())
        } else {
            Err(format!("sent {:?}, not {}", String::from_utf8_lossy(&sent), case["expect_cookie_header"]))
        }
    });
}

#[test]
fn expires_is_read_as_the_conformance_dates_expect() {
    let Some(cases) = cases("dates.jsonl") else { return };
    report("dates", &cases, |case| {
        let jar = CookieJar::new();
        let url = Url::parse("http://date.example.org/").unwrap();
        let expected = case["expect_unix"].as_i64();
        let field = format!("a=b; Expires={}", case["input"].as_str().unwrap());
        // So near to the date that no cap applies; for what is no date, so early that any date would be kept.
        let now = at(expected.map_or(0, |date| date - 100 * 86_400));
        jar.store_response(&url, [field.as_bytes()], now);
        match jar.iter().next() {
            None => Err("deleted the cookie".to_owned()),
            Some(cookie) => {
                let expires = cookie.expires_datetime().map(|date| date.unix_timestamp());
                if expires == expected {
                    Ok(())
                } else {
                    Err(format!("expires at {expires:?}, not {expected:?}"))
                }
            }
        }
    });
}

/// Runs all cases, prints the score and fails on everything that [`MISSES`] does not say.
fn report(what: &str, cases: &[Value], run: impl Fn(&Value) -> Result<(), String>) {
    let mut wrong = Vec::new();
    let mut passed = 0;
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let listed = MISSES.iter().any(|(miss, _)| *miss == id);
        match run(case) {
            Ok(()) => {
                passed += 1;
                if listed {
                    wrong.push(format!("{id}: listed as a miss, but passes"));
                }
            }
            Err(_) if listed => {}
            Err(got) => wrong.push(format!("{id}: {got}")),
        }
    }
    say(&format!("{what}: {passed} of {}", cases.len()));
    assert!(!cases.is_empty(), "no cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn cases(file: &str) -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("CONFORMANCE_DIR") else {
        say(&format!("{file}: skipped, CONFORMANCE_DIR is not set"));
        return None;
    };
    let path = PathBuf::from(folder).join("cookies").join(file);
    let lines = std::fs::read_to_string(&path).unwrap();
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn store(jar: &CookieJar, exchange: &Value, now: SystemTime) {
    let fields: Vec<_> = octets(exchange, "set_cookie").collect();
    jar.store_response(&url(&exchange["request_url"]), fields.iter().map(Vec::as_slice), now);
}

/// The text, or list of texts, under `name`, and what is in base64 under the same name with a suffix.
fn octets(case: &Value, name: &str) -> impl Iterator<Item = Vec<u8>> {
    let list = |value: &Value| match value {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        value => vec![value.clone()],
    };
    let encoded = list(&case[format!("{name}_base64")]);
    let plain = if encoded.is_empty() { list(&case[name]) } else { Vec::new() };
    let plain = plain.into_iter().map(|text| text.as_str().unwrap().as_bytes().to_vec());
    plain.chain(encoded.into_iter().map(|text| BASE64_STANDARD.decode(text.as_str().unwrap()).unwrap()))
}

fn url(value: &Value) -> Url {
    Url::parse(value.as_str().unwrap()).unwrap()
}

fn at(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
}

/// Prints past the test runner, which would keep the words of a test that passes to itself.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
