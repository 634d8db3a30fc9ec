//! What is logged, at every level, and what never is.

use crate::support::{Stage, answer, redirect};
use log::{LevelFilter, Log, Metadata, Record};
use pool::sim::Reply;
use session::{Basic, Netrc, Retry};
use std::sync::Mutex;

/// Keeps every message, whichever test it is from: the secrets below are this test's own.
struct Memory(Mutex<Vec<String>>);

static MEMORY: Memory = Memory(Mutex::new(Vec::new()));

impl Log for Memory {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

#[test]
fn lg_1_no_secret_is_logged_at_any_level() {
    log::set_logger(&MEMORY).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target().split('?').next().unwrap() {
        "/go" => redirect(302, "http://lgUser:lgFromLocation@b.example/end?k=lgQueryThere"),
        "/long" => redirect(
            302,
            &format!("http://b.example/lgLong{}?%1b[31m={}", "a".repeat(30_000), "b".repeat(30_000)),
        ),
        "/busy" => answer("503 Busy", &["Set-Cookie: sid=lgCookieSet"], ""),
        "/cut" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").close(),
        "/bad" => Reply::raw("lgGarbage\r\n\r\n"),
        _ => Reply::ok("end"),
    });
    stage.host("b.example", |_| Reply::ok("end"));
    let proxy = stage.world.proxy("p.example", ["10.9.0.1"]);
    let netrc = Netrc::parse("machine a.example login lgLogin password lgNetrcPassword").unwrap();
    let session = stage.builder().retry(Retry::idempotent(1)).build().unwrap();
    for path in ["go", "long", "busy", "cut", "bad", "end"] {
        for scheme in ["http", "https"] {
            let url = || {
                format!("{scheme}://lgUserinfo:lgUrlPassword@a.example/{path}?token=lgQueryValue#lgFragment")
            };
            for proxied in [false, true] {
                let dress = |request: session::RequestBuilder| {
                    let request = request.header("X-Api-Key", "lgHeader").cookie("c", "lgCookieSent");
                    if proxied {
                        request.proxy("http://lgProxyUser:lgProxyPassword@p.example")
                    } else {
                        request
                    }
                };
                let _ = dress(session.get(url())).send();
                let _ = dress(session.get(url())).basic("lgBasicUser", "lgBasicPassword").send();
                let _ = dress(session.get(url())).bearer("lgBearer").stream();
                let _ =
                    dress(session.get(url())).auth(Basic::new("u", "lgOther")).netrc(netrc.clone()).send();
                let plain = format!("{scheme}://a.example/{path}");
                let _ = dress(session.post(&plain)).netrc(netrc.clone()).body("lgBody").send();
            }
        }
    }
    drop((session, proxy));
    let logged = MEMORY.0.lock().unwrap();
    assert!(logged.iter().any(|line| line.contains("a.example")), "what happens is logged");
    for line in logged.iter() {
        assert!(!SECRETS.iter().any(|secret| line.contains(secret)), "{line}");
        // What servers say is escaped and cut.
        let ours = ["a.example", "b.example"].iter().any(|host| line.contains(host));
        assert!(!ours || (line.len() < 1024 && !line.contains(char::is_control)), "{line}");
    }
}

const SECRETS: &[&str] = &[
    "lgFromLocation",
    "lgQueryThere",
    "lgCookieSet",
    "lgCookieSent",
    "lgGarbage",
    "lgNetrcPassword",
    "lgUrlPassword",
    "lgQueryValue",
    "lgHeader",
    "lgProxyPassword",
    "lgBasicPassword",
    "lgBearer",
    "lgOther",
    "lgBody",
    // The same in Base64: users of Basic, with what follows them.
    "bGdVc2VyaW5m",
    "bGdCYXNpY1Vz",
    "bGdQcm94eVVz",
    "bGdMb2dpbjps",
];
