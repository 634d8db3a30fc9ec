//! The URL cases of the folder that `CONFORMANCE_DIR` names.

use serde_json::Value;
use session::Session;
use std::io::Write as _;
use std::path::Path;

/// What a case asks for: the request target and the `Host` field, or an error.
#[derive(Debug, PartialEq)]
enum Outcome {
    Sent { host: String, target: String },
    Refused,
}

impl Outcome {
    fn of(case: &Value) -> Self {
        match case["expect_error"].as_str() {
            Some(_) => Self::Refused,
            None => Self::Sent {
                host: case["host_header"].as_str().unwrap().to_owned(),
                target: case["request_target"].as_str().unwrap().to_owned(),
            },
        }
    }
}

/// Cases that are known to fail, and why. None.
const MISSES: [(&str, &str); 0] = [];

#[test]
fn urls_are_read_as_the_conformance_cases_say() {
    let Some(dir) = std::env::var_os("CONFORMANCE_DIR") else {
        say("urls: skipped, CONFORMANCE_DIR is not set");
        return;
    };
    let file = Path::new(&dir).join("urls/urls.jsonl");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let session = Session::new();
    let (mut passed, mut total, mut wrong) = (0, 0, Vec::new());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let id = case["id"].as_str().unwrap();
        let got = match session.get(case["input"].as_str().unwrap()).build() {
            Ok(request) => {
                Outcome::Sent { host: request.host_field().to_owned(), target: request.target().to_owned() }
            }
            Err(_) => Outcome::Refused,
        };
        let others = case["alternatives"].as_array().into_iter().flatten().map(Outcome::of);
        let good = std::iter::once(Outcome::of(&case)).chain(others).any(|outcome| outcome == got);
        let listed = MISSES.iter().any(|(miss, _)| *miss == id);
        total += 1;
        passed += usize::from(good);
        if good == listed {
            wrong.push(format!("{id}: {got:?}, passes: {good}, listed as a miss: {listed}"));
        }
    }
    say(&format!("urls: {passed} of {total}"));
    assert!(total >= 60, "{} holds only {total} cases", file.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Prints past the test runner, which would keep the words of a test that passes to itself.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
