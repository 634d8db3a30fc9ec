//! The known attacks on memory and time: messages without an end, texts that are hard to read, deadlines that begin
//! anew. What they cost in memory is measured in the workspace's own tests, in a process of its own.

use crate::paths::{Path, Trip, for_each_first_try};
use crate::support::{Stage, answer, redirect, turns, value};
use http_wire::Limits;
use pool::sim::Reply;
use pool::{Config, Limit};
use session::{Digest, Error, ErrorKind, Redirect, Response, Retry, Session};
use std::time::Duration;

const HEAD: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A read from a socket takes no more than that at a time.
const READ: u64 = 256 * 1024;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// On every way, such an answer is an error of the protocol when at most so much of it was read.
fn stops(reply: &[u8], limit: u64) {
    for_each_first_try(|trip| {
        let bytes = reply.to_vec();
        trip.stage.host("a.test", move |_| Reply::raw(bytes.clone()));
        let session = trip.session();
        let error = trip.send(session.get(trip.url("a.test/"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{:?}: {error}", trip.path);
        let received: u64 = error.attempts().map(|attempt| attempt.bytes_received).sum();
        assert!((1..=limit + READ).contains(&received), "{:?}: {received} bytes were read", trip.path);
        assert_eq!(session.pool().counts().open, 0, "{:?}", trip.path);
    });
}

#[test]
fn mb_1_a_head_without_an_end_is_left_at_its_limit_on_any_way() {
    for line in ["X: y\r\n", "x", " folded\r\n", "X: y\n"] {
        stops([HEAD, "A: b\r\n", &line.repeat((1 << 20) / line.len())].concat().as_bytes(), 64 * 1024);
    }
    stops(["HTTP/1.1 200 ", &"O".repeat(1 << 20)].concat().as_bytes(), 64 * 1024);
}

#[test]
fn mb_2_small_fields_and_trailers_without_an_end_are_left_at_their_limit_on_any_way() {
    stops([HEAD, &"a:\r\n".repeat(100_000)].concat().as_bytes(), 64 * 1024);
    stops([HEAD, &"n".repeat(64 * 1024), ": 1\r\n\r\n"].concat().as_bytes(), 64 * 1024);
    for line in ["a:\r\n", "X: y\r\n", "x"] {
        let flood = line.repeat((1 << 20) / line.len());
        stops([CHUNKED, "0\r\n", &flood].concat().as_bytes(), 16 * 1024);
    }
    let stage = turns(vec![answer("200 OK", &[&format!("{}: 1", "n".repeat(60 * 1024))], "small")]);
    assert_eq!(stage.session().get("http://a.example/").send().unwrap().text(), "small");
}

#[test]
fn mb_3_chunk_extensions_are_left_at_their_limit_on_any_way() {
    stops([CHUNKED, "1;", &"e".repeat(1 << 20)].concat().as_bytes(), 16 * 1024);
    stops([CHUNKED, "1", &" ".repeat(1 << 20)].concat().as_bytes(), 16 * 1024);
    let extended = format!("1;{}\r\nx\r\n", "e".repeat(100));
    stops([CHUNKED, &extended.repeat(10_000)].concat().as_bytes(), 18 * 1024);
}

#[test]
fn mb_4_a_length_that_is_only_announced_is_an_error_on_any_way() {
    for (length, kind) in [
        ("1000000000000000", ErrorKind::Body),
        ("9223372036854775807", ErrorKind::Body),
        ("9223372036854775808", ErrorKind::Protocol),
        ("18446744073709551615", ErrorKind::Protocol),
        ("18446744073709551616", ErrorKind::Protocol),
    ] {
        for limit in [1000, usize::MAX] {
            for_each_first_try(|trip| {
                let reply = format!("{HEAD}Content-Length: {length}\r\n\r\n0123456789");
                trip.stage.host("a.test", move |_| Reply::raw(reply.clone()).close());
                let error = trip.send(trip.session().get(trip.url("a.test/")).max_body(limit)).unwrap_err();
                assert_eq!(error.kind(), kind, "{:?} {length}: {error}", trip.path);
            });
        }
    }
}

#[test]
fn mb_5_interim_answers_without_an_end_are_left_at_the_seventeenth_on_any_way() {
    let hints = format!("HTTP/1.1 103 Early Hints\r\nX: {}\r\n\r\n", "h".repeat(1024));
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n", &hints] {
        stops(interim.repeat(1000).as_bytes(), 17 * interim.len() as u64);
        let sixteen = [&interim.repeat(16), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"].concat();
        let stage = turns(vec![Reply::raw(sixteen)]);
        assert_eq!(stage.session().get("http://a.example/").send().unwrap().text(), "end");
    }
}

#[test]
fn mb_5_the_deadline_holds_over_interim_answers() {
    let hints = format!("HTTP/1.1 103 Early Hints\r\nX: {}\r\n\r\n", "h".repeat(1024));
    for (interim, every) in [("HTTP/1.1 100 Continue\r\n\r\n", millis(10)), (&hints, millis(1))] {
        let stage = Stage::new();
        stage
            .world
            .host("a.example", ["10.0.0.1"])
            .accept()
            .expect("GET /")
            .drip(interim.repeat(16), every)
            .hold();
        let error =
            stage.session().get("http://a.example/").timeout(Duration::from_secs(3)).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Total), "{error}");
        assert_eq!(stage.world.elapsed(), Duration::from_secs(3));
    }
}

/// The error for a URL that is refused before anything is sent.
fn refused(session: &Session, url: &str) {
    let error = session.get(url).send().map(|response| response.url().to_string()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request, "{error}");
    assert!(error.to_string().len() <= 512, "{error}");
}

fn origin() -> (Stage, Session) {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("ok"));
    let session = stage.session();
    (stage, session)
}

/// What parsers of URLs were slow at.
const HARD: [&str; 10] = ["@", "%41", ":", "ü", "[", "\\", "../", "%", "?", "#"];

#[test]
fn cpu_1_a_url_longer_than_64_kib_is_refused_before_it_is_looked_at() {
    let (stage, session) = origin();
    for unit in HARD {
        let long = unit.repeat((1 << 20) / unit.len());
        refused(&session, &format!("http://{long}/"));
        refused(&session, &format!("http://{long}@a.example/"));
        refused(&session, &format!("http://a.example/{long}"));
        refused(&session, &format!("http://a.example/?{long}"));
        let mut request = session.get("http://a.example/").build().unwrap();
        assert_eq!(request.set_url(&long).unwrap_err().kind(), ErrorKind::Request);
        assert_eq!(
            session.get("http://a.example/").proxy(&long).send().unwrap_err().kind(),
            ErrorKind::Config
        );
        assert!(stage.builder().base(&long).is_err());
    }
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn cpu_1_the_limit_holds_for_what_is_sent_whatever_made_it_long() {
    const MOST: usize = 64 * 1024 - 2;
    let (stage, session) = origin();
    let url = |length: usize| format!("http://a.example/{}", "a".repeat(length - "http://a.example/".len()));
    // As long as a head may be there, its first line as well.
    assert_eq!(session.get(url(MOST)).build().unwrap().url().as_str().len(), MOST);
    refused(&session, &url(MOST + 1));
    // Every one of them is six bytes when it is escaped.
    refused(&session, &format!("http://a.example/{}", "ü".repeat(MOST / 5)));
    let with_query = |request: session::RequestBuilder, length: usize| {
        request.query([("q", "x".repeat(length - "http://a.example/?q=".len()))]).build()
    };
    assert!(with_query(session.get("http://a.example/"), MOST).is_ok());
    assert_eq!(
        with_query(session.get("http://a.example/"), MOST + 1).unwrap_err().kind(),
        ErrorKind::Request
    );
    let mut request = session.get("http://a.example/").build().unwrap();
    assert_eq!(request.append_query([("q", "x".repeat(MOST))]).unwrap_err().kind(), ErrorKind::Request);
    assert_eq!(request.url().as_str(), "http://a.example/");
    let based = stage.builder().base("http://a.example/api/").unwrap().build().unwrap();
    refused(&based, &"x".repeat(MOST));
    assert_eq!(stage.world.connections(), 0);
}

/// What a redirect to this place leads to, where heads may be so long.
fn led_to(place: &str, max_head: usize) -> Result<Response, Error> {
    let (stage, place) = (Stage::new(), place.to_owned());
    let mut limits = Limits::default();
    limits.max_head = max_head;
    stage.host("a.example", move |received| match received.target() {
        "/" => redirect(302, &place),
        _ => Reply::ok("end"),
    });
    let session = stage.with(Config::default().wire_limits(limits)).build().unwrap();
    let result = session.get("http://a.example/").send();
    let connected = if result.is_ok() { 1..=2 } else { 1..=1 };
    assert!(connected.contains(&stage.world.connections()));
    result
}

#[test]
fn cpu_1_a_location_is_read_by_the_same_rules() {
    for unit in HARD {
        let long = unit.repeat((1 << 20) / unit.len());
        for place in [format!("http://{long}/"), format!("http://a.example/{long}"), long.clone()] {
            assert_eq!(led_to(&place, 1 << 16).unwrap_err().kind(), ErrorKind::Protocol, "{unit}");
            let error = led_to(&place, 4 << 20).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{unit}: {error}");
            assert!(error.to_string().len() <= 512, "{error}");
        }
        // What fits is followed, or refused, and its work is in proportion.
        let long = unit.repeat(60_000 / unit.len());
        for place in [format!("http://{long}/"), format!("http://{long}@a.example/x"), format!("/{long}")] {
            match led_to(&place, 1 << 20) {
                Ok(response) => assert_eq!(response.history().len(), usize::from(response.text() == "end")),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Redirect, "{unit}: {error}"),
            }
        }
    }
    assert!(led_to(&format!("/{}", "a".repeat(60_000)), 1 << 16).unwrap().url().as_str().len() > 60_000);
    assert_eq!(led_to(&format!("/{}", "ü".repeat(20_000)), 1 << 16).unwrap_err().kind(), ErrorKind::Redirect);
}

#[test]
fn cpu_2_challenges_that_are_hard_to_read_are_the_callers_to_see() {
    let many = |unit: &[u8], size: usize| unit.iter().copied().cycle().take(size).collect::<Vec<u8>>();
    for unit in [&b"Basic ,,,,"[..], b"\xa0", b"a=\"", b"Digest realm=\"x\", ", b"Digest a=\\\",", b"\"\\"] {
        for lines in [1, 100] {
            let line = [b"WWW-Authenticate: ", &many(unit, 64_000 / lines)[..], b"\r\n"].concat();
            let head =
                [b"HTTP/1.1 401 No\r\n", &line.repeat(lines)[..], b"Content-Length: 2\r\n\r\nno"].concat();
            let mut limits = Limits::default();
            limits.max_head = 1 << 17;
            let stage = turns(vec![Reply::raw(head)]);
            let session = stage.with(Config::default().wire_limits(limits)).build().unwrap();
            let response = session.get("http://a.example/").auth(Digest::new("u", "p")).send().unwrap();
            assert_eq!((response.status().as_u16(), response.text()), (401, "no".into()));
            assert_eq!(stage.values("authorization"), ["-"]);
        }
    }
}

#[test]
fn cpu_3_a_hostile_date_is_as_good_as_none_and_needs_no_stack() {
    let dates = || {
        let start = ["1-Jan-", "(", "Sat, 15-Apr-", "Sun, 06 Nov 1994 08:49:37 GMT", ""];
        start.into_iter().flat_map(|start| {
            [" ", "9", "(", "1-Jan-", "-", ":"]
                .map(|unit| format!("{start}{}", unit.repeat(30_000 / unit.len())))
        })
    };
    let visit = move || {
        for date in dates() {
            let fields = [format!("Retry-After: {date}"), format!("Set-Cookie: a=1; Expires={date}")];
            let refusal =
                answer("503 Later", &[&fields[0], &fields[1], &format!("Date: {}", &date[..90])], "");
            let stage = turns(vec![refusal, Reply::ok("end")]);
            let session = stage.session();
            let retry = Retry::idempotent(1).backoff(Duration::ZERO);
            assert_eq!(session.get("http://a.example/").retry(retry).send().unwrap().text(), "end");
            assert!(stage.world.elapsed() <= Duration::from_secs(6 * 3600), "{:?}", stage.world.elapsed());
            assert_eq!(session.cookies().iter().filter(|cookie| cookie.expires().is_some()).count(), 0);
        }
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(visit).unwrap().join().unwrap();
}

#[test]
fn cpu_4_a_long_name_outside_ascii_is_an_error_before_it_is_converted() {
    let (stage, session) = origin();
    // With labels of a length that a name can have, and with one that is too long for itself.
    let names = [
        "ü".repeat(512 * 1024),
        "ü".repeat(50 * 1024),
        "ü".repeat(20_000),
        "ü.".repeat(10_000),
        "ü".repeat(64),
    ];
    for name in names {
        for url in
            [format!("http://{name}/"), format!("http://{name}.example/"), format!("http://xn--{name}/")]
        {
            refused(&session, &url);
            assert_eq!(led_to(&url, 4 << 20).unwrap_err().kind(), ErrorKind::Redirect);
        }
        let set = format!("Set-Cookie: a=1; Domain={name}.example");
        let mut limits = Limits::default();
        limits.max_head = 4 << 20;
        let teller = turns(vec![answer("200 OK", &[&set], "")]);
        let session = teller.with(Config::default().wire_limits(limits)).build().unwrap();
        session.get("http://a.example/").send().unwrap();
        session.get("http://b.example/").send().unwrap_err();
        assert!(
            session.cookies().iter().all(|cookie| cookie.domain().is_none_or(|domain| domain == "a.example"))
        );
    }
    refused(&session, &format!("http://{}.example/", "a".repeat(64)));
    assert_eq!(stage.world.connections(), 0);
}

/// Sends with a time limit that runs out, on the nanosecond.
fn runs_out(trip: &Trip, request: session::RequestBuilder, total: Duration) {
    let before = trip.stage.world.elapsed();
    let error = trip.send(request.timeout(total)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Total), "{:?}: {error}", trip.path);
    assert_eq!(trip.stage.world.elapsed() - before, total, "{:?}", trip.path);
    assert!(error.may_have_been_processed(), "{:?}", trip.path);
}

#[test]
fn cpu_7_one_deadline_holds_over_all_redirects_on_any_way() {
    for_each_first_try(|trip| {
        trip.stage.host("a.test", |_| redirect(302, "/again").delay(millis(800)));
        for (total, sent) in [(1, 2), (2, 3), (21, 27)] {
            let before = trip.stage.seen().len();
            runs_out(trip, trip.session().get(trip.url("a.test/")), Duration::from_secs(total));
            assert_eq!(trip.stage.seen().len() - before, sent, "{:?}", trip.path);
        }
    });
}

#[test]
fn cpu_7_one_deadline_holds_over_connections_made_anew_for_every_redirect() {
    for_each_first_try(|trip| {
        let path = trip.path;
        for (host, next) in [("a.test", "b.test/"), ("b.test", "a.test/")] {
            let location = format!("Location: {}", path.url(next));
            let host = trip
                .stage
                .host(host, move |_| answer("302 Go", &[&location, "Connection: close"], "").close());
            if path == Path::Direct {
                host.latency(millis(300));
            }
        }
        trip.proxy.host().latency(millis(300));
        runs_out(trip, trip.session().get(trip.url("a.test/")), millis(2900));
    });
}

#[test]
fn cpu_7_one_deadline_holds_over_challenges_and_retries_and_all_together_on_any_way() {
    for_each_first_try(|trip| {
        let turn = std::sync::atomic::AtomicUsize::new(0);
        trip.stage.host("a.test", move |received| {
            let n = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let nonce = format!("WWW-Authenticate: Digest realm=r, nonce=n{n}, stale=true");
            let refusal = || answer("401 No", &[&nonce], "");
            let busy = || answer("503 Busy", &[], "");
            let reply = match (received.target(), n % 3) {
                ("/c", 0 | 1) | ("/x", 0) => refusal(),
                ("/r", _) | ("/x", 1) => busy(),
                _ => redirect(307, received.target()),
            };
            reply.delay(millis(800))
        });
        for path in ["/c", "/r", "/x"] {
            let request =
                trip.session().get(trip.url(&format!("a.test{path}"))).redirect(Redirect::limited(100));
            let at_once = Retry::idempotent(100).backoff(Duration::ZERO);
            let request = request.auth(Digest::new("u", "p")).retry(at_once);
            let before = trip.stage.seen().len();
            runs_out(trip, request, Duration::from_secs(6));
            let sent = trip.stage.seen().len() - before;
            assert_eq!(sent, 8, "{:?} {path}", trip.path);
            let proofs =
                trip.stage.seen()[before..].iter().filter(|r| value(r, "authorization") != "-").count();
            assert_eq!(proofs > 0, path != "/r", "{:?} {path}", trip.path);
        }
    });
}

#[test]
fn cpu_7_a_tunnel_that_is_refused_late_counts_as_well() {
    for status in ["407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x", "503 Busy"] {
        let stage = Stage::new();
        let host = stage.world.host("proxy.example", ["10.2.0.1"]);
        let reply = Reply::raw(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")).delay(millis(800));
        host.accept_all(move |_| reply.clone());
        let session = stage.builder().proxy("http://u:p@proxy.example:3128").build().unwrap();
        let retry = Retry::idempotent(100).backoff(Duration::ZERO);
        let error = session.get("https://a.test/").retry(retry).timeout(millis(3000)).send().unwrap_err();
        // The credentials were refused, which another attempt does not change; the rest is tried for as long as it may.
        let (kind, elapsed, tries) = if status.starts_with("407") {
            (ErrorKind::Proxy, millis(800), 1)
        } else {
            (ErrorKind::Timeout(Limit::Total), millis(3000), 4)
        };
        assert_eq!((error.kind(), stage.world.elapsed()), (kind, elapsed), "{error}");
        assert_eq!(stage.world.connections(), tries, "{error}");
    }
}
