//! Numbers, texts and octets that no peer and no program should say: errors with a kind, exact counts, never a panic.

use crate::paths::{Path, for_each_first_try};
use crate::support::{Stage, answer};
use pool::Config;
use pool::sim::Reply;
use session::{
    Challenge, Digest, Error, ErrorKind, Limit, RequestBuilder, Response, Retry, Streaming, Timeouts,
};
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

/// The fields that something here reads, and a few that are only handed on.
const KNOWN: [&str; 30] = [
    "Connection",
    "Location",
    "Set-Cookie",
    "Content-Type",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Authentication-Info",
    "Retry-After",
    "Content-Encoding",
    "Transfer-Encoding",
    "Content-Length",
    "Keep-Alive",
    "Proxy-Connection",
    "Upgrade",
    "Trailer",
    "Link",
    "Date",
    "Expires",
    "Age",
    "Vary",
    "ETag",
    "Last-Modified",
    "Cache-Control",
    "Content-Disposition",
    "Content-Range",
    "Content-Language",
    "Strict-Transport-Security",
    "Alt-Svc",
    "Refresh",
    "X-Other",
];

/// Asks an answer for everything that there is to ask.
fn ask_everything(response: &Response, name: &str, octets: &[u8]) {
    let fields = [response.headers().get(name), response.trailers().and_then(|trailers| trailers.get(name))];
    let fields: Vec<&[u8]> = fields.iter().flatten().map(|value| value.as_bytes()).collect();
    let texts =
        response.history().iter().map(|hop| hop.headers().get(name).map(|value| value.as_bytes().to_vec()));
    let kept = fields.contains(&octets) || texts.flatten().any(|value| value == octets);
    assert!(kept || response.headers().get(name).is_none(), "{name}: {octets:?} are {fields:?}");
    let text = (response.text().into_owned(), response.encoding(), response.reason().into_owned());
    assert!(!text.0.is_empty());
    let links = response.links();
    let shown = format!(
        "{response:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        response.header(name),
        response.cookies(),
        links.iter().map(|link| (link.target(), link.url(), link.rels().count())).collect::<Vec<_>>(),
        Challenge::all(response.head()),
        response.json::<u8>().map_err(|error| error.to_string()),
        response.next().map_err(|error| error.to_string()),
        response.clone().error_for_status().map_err(|error| error.to_string()),
    );
    assert!(!shown.is_empty());
}

#[test]
fn pn_3_octets_that_are_no_text_in_any_field_are_octets() {
    for (nth, name) in KNOWN.into_iter().enumerate() {
        let all: Vec<u8> = (0x80..=0xff).collect();
        let mut values: Vec<Vec<u8>> = all.iter().map(|octet| vec![*octet]).collect();
        values.push(all);
        for with in [
            "a=\"\u{80}",
            "1\u{80}",
            "gzip, \u{80}",
            "Basic \u{ff}",
            "Digest nonce=\u{ff}, realm=\"\u{80}",
            "<\u{ff}>; rel=\u{ff}",
        ] {
            values.push(with.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect());
        }
        for (count, octets) in values.into_iter().enumerate() {
            let status = ["200 OK", "302 Go", "401 No", "503 Later", "407 Pay"][(nth + count) % 5];
            let line = [name.as_bytes(), b": ", &octets, b"\r\n"].concat();
            let framing = match name {
                "Content-Length" | "Transfer-Encoding" => "",
                _ if count % 2 == 0 => "Content-Length: 4\r\n",
                _ => "Transfer-Encoding: chunked\r\n",
            };
            let (body, last) = match framing {
                "Transfer-Encoding: chunked\r\n" => ("4\r\ntext\r\n0\r\n", [&line, &b"\r\n"[..]].concat()),
                _ => ("text", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\n{framing}");
            let bytes = [head.as_bytes(), &line, b"\r\n", body.as_bytes(), &last].concat();
            let stage = Stage::new();
            stage.host("a.example", move |received| match received.target() {
                "/good" => Reply::ok("good"),
                _ => Reply::raw(bytes.clone()),
            });
            let session =
                stage.builder().retry(Retry::idempotent(1)).auth(Digest::new("u", "p")).build().unwrap();
            for result in
                [session.get(URL).send(), session.get(URL).stream().and_then(Streaming::into_response)]
            {
                match result {
                    Ok(response) => ask_everything(&response, name, &octets),
                    Err(error) => {
                        let expected = match name {
                            "Content-Length" | "Transfer-Encoding" => ErrorKind::Protocol,
                            "Location" => ErrorKind::Redirect,
                            _ => ErrorKind::Decode,
                        };
                        assert_eq!(error.kind(), expected, "{name}: {octets:?}: {error}");
                        assert!(!format!("{error} {error:?}").is_empty());
                    }
                }
            }
            assert_eq!(
                session.get("http://a.example/good").send().unwrap().text(),
                "good",
                "{name}: {octets:?}"
            );
        }
    }
}
