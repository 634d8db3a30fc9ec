//! Numbers, times and hosts that no peer and no program should say: errors with a kind, exact counts, never a panic.

use crate::paths::{Path, for_each_first_try};
use crate::support::{Stage, answer};
use pool::Config;
use pool::sim::Reply;
use session::{Digest, Error, ErrorKind, Limit, RequestBuilder, Response, Retry, Streaming, Timeouts};
use std::io::Read as _;
use std::time::Duration;

const URL: &str = "http://a.example/";

/// A host that answers everything with these bytes, and then closes.
fn closing(bytes: impl Into<Vec<u8>>) -> Stage {
    let (stage, bytes) = (Stage::new(), bytes.into());
    stage.host("a.example", move |_| Reply::raw(bytes.clone()).close());
    stage
}

/// Every way to read: what there was of the body, and how it ended.
fn every_reading(stage: &Stage, mut see: impl FnMut(&[u8], Result<(), Error>)) {
    let session = stage.session();
    let whole = |response: Response| response.into_bytes();
    for result in [
        session.get(URL).send(),
        session.get(URL).max_body(usize::MAX).send(),
        session.get(URL).stream().and_then(Streaming::into_response),
    ] {
        match result.map(whole) {
            Ok(body) => see(&body, Ok(())),
            Err(error) => see(b"", Err(error)),
        }
    }
    let mut body = Vec::new();
    match session.get(URL).stream() {
        Ok(mut stream) => {
            let result = stream.copy_to(&mut body).map(drop);
            see(&body, result);
        }
        Err(error) => see(b"", Err(error)),
    }
}

#[test]
fn pn_1_sizes_of_chunks_do_not_wrap() {
    let zeros = |count: usize| "0".repeat(count) + "5";
    let (hundred, many, none) = (zeros(100), zeros(100_000), "0".repeat(100_000));
    for (size, expected) in [
        ("ffffffffffffffff", ErrorKind::Body),
        ("fffffffffffffffe", ErrorKind::Body),
        ("FFFFFFFFFFFFFFFF", ErrorKind::Body),
        ("8000000000000000", ErrorKind::Body),
        ("7fffffffffffffff", ErrorKind::Body),
        ("10000000000000000", ErrorKind::Protocol),
        ("10000000000000005", ErrorKind::Protocol),
        ("00000000000000005", ErrorKind::Protocol),
        (&hundred, ErrorKind::Protocol),
        (&many, ErrorKind::Protocol),
        (&none, ErrorKind::Protocol),
        ("-5", ErrorKind::Protocol),
        ("+5", ErrorKind::Protocol),
        ("0x5", ErrorKind::Protocol),
    ] {
        let stage = closing(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n{size}\r\nhello\r\n0\r\n\r\n"
        ));
        let size = &size[..size.len().min(20)];
        every_reading(&stage, |body, end| {
            let error = end.expect_err(size);
            assert_eq!(error.kind(), expected, "{size}: {error}");
            assert!(b"abhello\r\n0\r\n\r\n".starts_with(body), "{size}: {body:?}");
        });
    }
    for size in ["5", "0000000000000005"] {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let stage = closing(format!("{head}{size}\r\nhello\r\n0000000000000000\r\n\r\n"));
        every_reading(&stage, |body, end| assert_eq!((body, end.unwrap()), (&b"hello"[..], ())));
    }
}

#[test]
fn pn_4_lengths_at_the_end_of_the_numbers_are_exact_or_an_error() {
    for (length, expected) in [
        ("9223372036854775807", ErrorKind::Body),
        ("9223372036854775808", ErrorKind::Protocol),
        ("18446744073709551615", ErrorKind::Protocol),
        ("18446744073709551616", ErrorKind::Protocol),
        ("99999999999999999999999999999999", ErrorKind::Protocol),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let stage = closing(format!("{head}12345"));
        every_reading(&stage, |body, end| {
            let error = end.expect_err(length);
            assert_eq!(error.kind(), expected, "{length}: {error}");
            assert!(b"12345".starts_with(body));
        });
        let Ok(mut stream) = stage.session().get(URL).stream() else {
            assert_eq!(expected, ErrorKind::Protocol);
            continue;
        };
        let total = length.parse().ok();
        assert_eq!(stream.bytes_left(), total);
        let (mut told, mut taken) = (Vec::new(), Vec::new());
        let error = stream.copy_to_with(&mut taken, |done, of| told.push((done, of))).unwrap_err();
        assert_eq!((error.kind(), &*taken, &*told), (expected, &b"12345"[..], &[(5, total)][..]));
        let attempt = error.attempts().last().unwrap();
        assert_eq!(attempt.bytes_received, head.len() as u64 + 5);
        let mut stream = stage.session().get(URL).stream().unwrap();
        stream.read_exact(&mut [0; 3]).unwrap();
        assert_eq!(stream.bytes_left(), total.map(|n: u64| n - 3));
    }
}

#[test]
fn pn_2_a_100_that_nobody_asked_for_comes_before_the_answer() {
    for_each_first_try(|trip| {
        trip.stage.host("a.example", |_| {
            let interim = "HTTP/1.1 100 Continue\r\n\r\n";
            Reply::raw(format!("{interim}{interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
        });
        let session = trip.session();
        let url = trip.url("a.example/");
        for request in [session.get(&url), session.post(&url), session.put(&url).body("content")] {
            let response = trip.send(request).unwrap();
            assert_eq!((response.status().as_u16(), &*response.text()), (200, "ok"));
        }
        assert_eq!(trip.stage.values("expect"), ["-"; 3]);
        assert!(trip.stage.world.connections() <= 2, "and the connection is in use again");
    });
}

#[test]
fn pn_2_times_of_zero_and_without_end_are_no_panic() {
    // What is set, and which limit can pass for want of time, and for want of an answer.
    type Set = fn(Timeouts, Duration) -> Timeouts;
    let limits: [(Set, Option<Limit>, Option<Limit>); 5] = [
        (|limits, time| limits.wait(time), None, None),
        (|limits, time| limits.connect(time), Some(Limit::Connect), None),
        (|limits, time| limits.idle(time), Some(Limit::Idle), None),
        (|limits, time| limits.total(time), Some(Limit::Total), None),
        // Nobody says here that the content may come.
        (|limits, time| limits.expect(time), None, Some(Limit::Idle)),
    ];
    for_each_first_try(|trip| {
        trip.stage.host("a.example", |r| match r.target() {
            "/later" => answer("503 Later", &["Retry-After: 99999999999999999999"], ""),
            _ => Reply::ok("ok"),
        });
        let url = trip.url("a.example/");
        let send =
            |dress: &dyn Fn(RequestBuilder) -> RequestBuilder| trip.send(dress(trip.session().get(&url)));
        send(&|r| r.timeout(Duration::MAX)).unwrap();
        let error = send(&|r| r.timeout(Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Total), "{error}");
        for (set, no_time, no_end) in limits {
            for time in
                [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_nanos(1), Duration::ZERO]
            {
                let timeouts = set(Timeouts::default(), time);
                let config = Config::default().timeouts(timeouts).idle_timeout(time);
                let pooled = trip.stage.with(config).proxies(trip.proxies()).build().unwrap();
                let session = trip.builder().timeouts(timeouts).idle_timeout(time).build().unwrap();
                for request in [
                    trip.session().get(&url).timeouts(timeouts).expect_continue(true).body("x"),
                    session.get(&url).expect_continue(true).body("x"),
                    pooled.get(&url).expect_continue(true).body("x"),
                ] {
                    let limit = if time > Duration::from_secs(1) { no_end } else { no_time };
                    match (trip.send(request), limit) {
                        (Ok(response), _) => {
                            assert!(
                                response.is_success() && (limit.is_none() || !time.is_zero()),
                                "{limit:?}"
                            );
                        }
                        (Err(error), Some(limit)) => {
                            assert_eq!(error.kind(), ErrorKind::Timeout(limit), "{time:?}: {error}");
                        }
                        (Err(error), None) => panic!("{time:?}: {error}"),
                    }
                }
            }
        }
        for time in [Duration::MAX, Duration::ZERO] {
            for path in ["a.example/later", "a.example/"] {
                let retry = Retry::idempotent(u32::MAX).backoff(time).max_wait(time);
                let request = trip.session().get(trip.url(path)).retry(retry);
                assert!(
                    trip.send(request.timeout(Duration::from_secs(5))).is_ok(),
                    "the 503, or what came at once"
                );
            }
        }
    });
}

#[test]
fn pn_2_strange_hosts_are_errors_and_never_a_panic() {
    let (long, longest) = ("a".repeat(64), "a.".repeat(127));
    for_each_first_try(|trip| {
        trip.stage.host("a.example", |_| Reply::ok("ok"));
        let session = trip.session();
        for (host, is_one) in [
            ("a..b", false),
            ("a..", false),
            (".", false),
            ("..", false),
            (".a", false),
            ("", false),
            ("0x", true),
            ("1.2.3.4.5", false),
            ("*.a", true),
            ("-", true),
            ("-.-", true),
            ("a.", true),
            ("_", true),
            ("a_b", true),
            ("xn--", false),
            (&long, false),
            (&format!("{long}.example"), false),
            (&format!("{longest}a"), false),
            (&format!("{}..", &longest[..200]), false),
        ] {
            let before = trip.stage.world.connections();
            for url in [trip.url(&format!("{host}/")), trip.url(&format!("{host}:8080/"))] {
                match trip.send(session.get(&url)) {
                    Ok(response) => {
                        assert!(is_one && trip.path == Path::Forward, "{url}: a proxy that does not know it");
                        assert_eq!(response.status(), 502, "{url}");
                    }
                    Err(error) if is_one => {
                        let kind = error.kind();
                        let known = [
                            ErrorKind::Resolve,
                            ErrorKind::Connect,
                            ErrorKind::Proxy,
                            ErrorKind::Timeout(Limit::Connect),
                        ];
                        assert!(known.contains(&kind), "{url}: {error}");
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Request, "{url}: {error}");
                        assert_eq!(trip.stage.world.connections(), before, "{url}");
                    }
                }
            }
        }
        assert!(trip.send(session.get(trip.url("a.example/"))).unwrap().is_success());
    });
}

#[test]
fn pn_2_numbers_and_dates_of_a_server_at_their_ends_are_no_panic() {
    let numbers = [
        "0",
        "-0",
        "-1",
        "1",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "999999999999999999999999999999999999",
        "1e400",
        "0x10",
        "NaN",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sat, 30 Feb 2999999 25:61:61 GMT",
        "Friday, 31-Dec-99 23:59:60 GMT",
    ];
    for number in numbers {
        for field in [
            format!("Keep-Alive: timeout={number}, max={number}"),
            format!("Keep-Alive: timeout=\"{number}\""),
            format!("Retry-After: {number}"),
            format!("Date: {number}"),
            format!("Expires: {number}"),
            format!("Age: {number}"),
            format!("Set-Cookie: a=1; Max-Age={number}"),
            format!("Set-Cookie: a=1; Expires={number}"),
            format!("Set-Cookie: a=1; Max-Age={number}; Expires={number}; Path=/"),
            format!("Content-Range: bytes {number}-{number}/{number}"),
            format!("Strict-Transport-Security: max-age={number}"),
            format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", nc={number}"),
        ] {
            for status in ["200 OK", "401 No", "503 Later"] {
                let (status, line) = (status, field.clone());
                let stage = Stage::new();
                stage.host("a.example", move |_| answer(status, &[&line], "text"));
                let session = stage
                    .builder()
                    .retry(Retry::idempotent(2).backoff(Duration::from_secs(1)))
                    .auth(Digest::new("u", "p"))
                    .timeout(Duration::from_secs(1000))
                    .build()
                    .unwrap();
                for _ in 0..2 {
                    let response = session.get(URL).send().unwrap();
                    assert_eq!(&*response.text(), "text", "{field}");
                    stage.world.advance(Duration::from_secs(7));
                }
                assert!(stage.world.elapsed() < Duration::from_secs(3000), "{field}");
                assert!(format!("{:?}", session.cookies()).len() < 1000);
            }
        }
    }
}
