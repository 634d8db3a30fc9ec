//! The known attacks by redirects, on every way a request can take, at the first try and after a retry.

use crate::paths::{Path, Trip, for_each_path};
use crate::support::{First, redirect};
use pool::sim::{Received, Reply};
use session::{Body, ErrorKind, Redirect, RequestBuilder, Source};
use std::io::{self, Cursor, Read as _};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// `a.test/{status}` leads to `/end` of `b.test`; everything else is the end.
fn leading(trip: &Trip) {
    let path = trip.path;
    for host in ["a.test", "b.test"] {
        trip.stage.host(host, move |r| match r.target().trim_start_matches('/').parse() {
            Ok(status) => redirect(status, &path.url("b.test/end")),
            Err(_) => Reply::ok("end"),
        });
    }
}

#[test]
fn rd_1_no_scheme_but_http_is_followed_on_any_way() {
    let locations = [
        "file:///etc/passwd",
        "local_file:///x",
        "data:,x",
        "gopher://a/",
        "javascript:1",
        "unix:/x",
        "HTTP+UNIX://x",
        " FILE:/etc/passwd",
        "file:x",
        "Local_File://a.test/x",
        "scp://a.test/x",
        "dict://a.test:80/x",
        "ldap://a.test/",
        "view-source:http://a.test/",
        "blob:http://a.test/x",
        "about:blank",
        "ws://a.test/",
        "httpx://a.test/",
    ];
    for (location, status) in locations.into_iter().zip(STATUSES.into_iter().cycle()) {
        for_each_path(|trip| {
            let host = trip.stage.host("a.test", move |_| redirect(status, location));
            let session = trip.session();
            let error = trip.send(session.get(trip.url("a.test/"))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{:?} {location}: {error}", trip.path);
            assert_eq!(error.response().unwrap().status(), status);
            let policy = Redirect::custom(|attempt| attempt.follow());
            let error = trip.send(session.get(trip.url("a.test/")).redirect(policy)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{:?} {location}: {error}", trip.path);
            let first = trip.send(session.get(trip.url("a.test/")).redirect(Redirect::none())).unwrap();
            assert_eq!(first.next().unwrap_err().kind(), ErrorKind::Redirect, "{:?} {location}", trip.path);
            assert_eq!(trip.stage.seen().len(), 3);
            trip.went_only_to(&host, "a.test", if trip.path == Path::Connect { 443 } else { 80 });
        });
    }
}

/// What a request is sent with, and what that is on the wire.
type Sent = (fn(RequestBuilder) -> RequestBuilder, &'static [u8]);

/// Ten bytes in all ways a body can be given.
const BODIES: [Sent; 4] = [
    (
        |post| {
            post.header("Content-Type", "text/plain").header("Content-Encoding", "x-own").body("0123456789")
        },
        b"0123456789",
    ),
    (|post| post.header("Content-Length", "10").expect_continue(true).body("0123456789"), b"0123456789"),
    (
        |post| {
            let fields = [
                "Transfer-Encoding",
                "Content-Language",
                "content-range",
                "Content-MD5",
                "Digest",
                "Trailer",
            ];
            let post = fields.iter().fold(post, |post, name| post.header(name, "chunked"));
            post.body(Body::reader(Unsized(Cursor::new(b"0123456789"))))
        },
        b"0123456789",
    ),
    (|post| post.json(&12_345_678), b"12345678"),
];

/// A source that can go back to its start and does not know its length.
struct Unsized(Cursor<&'static [u8; 10]>);

impl Source for Unsized {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(self.0.position())
    }

    fn rewind(&mut self, mark: u64) -> io::Result<()> {
        self.0.set_position(mark);
        Ok(())
    }
}

/// A source that thinks it can go back, and cannot.
struct Stuck(&'static [u8]);

impl Source for Stuck {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(0)
    }
}

/// The head without what the way and the place make of it: the first line and the host.
fn rest_of(received: &Received) -> Vec<String> {
    let head = String::from_utf8_lossy(received.head().as_bytes()).into_owned();
    head.lines().skip(1).filter(|line| !line.starts_with("Host: ")).map(str::to_owned).collect()
}

#[test]
fn rd_2_a_body_goes_with_what_described_it_or_is_the_same_on_every_way() {
    let about = ["content-", "transfer-encoding", "expect", "digest", "trailer", "0123456789", "12345678"];
    for status in STATUSES {
        for_each_path(|trip| {
            leading(trip);
            let session = trip.session();
            let place = trip.url(&format!("a.test/{status}"));
            for (give, bytes) in BODIES {
                trip.send(give(session.post(&place))).unwrap();
                let seen = trip.stage.seen();
                let (first, last) = (&seen[seen.len() - 2], &seen[seen.len() - 1]);
                assert_eq!((first.method().as_str(), first.body()), ("POST", bytes), "{:?}", trip.path);
                if status > 303 {
                    assert_eq!((last.method().as_str(), last.body()), ("POST", bytes), "{:?}", trip.path);
                    assert_eq!(rest_of(last), rest_of(first), "{:?} {status}", trip.path);
                } else {
                    assert_eq!((last.method().as_str(), last.body()), ("GET", &b""[..]), "{:?}", trip.path);
                    trip.send(session.get(trip.url("b.test/end"))).unwrap();
                    assert_eq!(rest_of(last), rest_of(&trip.stage.last()), "{:?} {status}", trip.path);
                }
            }
            if status <= 303 {
                trip.keeps_from("b.test", &about);
            }
            let session = trip.session();
            for body in ["", "0123456789"] {
                let head = session.head(&place).redirect(Redirect::default());
                trip.send(if body.is_empty() { head } else { head.body(body) }).unwrap();
                assert_eq!(trip.stage.last().method().as_str(), "HEAD", "{:?} {status}", trip.path);
            }
        });
    }
}

#[test]
fn rd_3_each_request_has_the_body_it_was_given_on_every_way() {
    for_each_path(|trip| {
        leading(trip);
        let session = trip.session();
        let put = session.put(trip.url("a.test/"));
        let reader = Cursor::new(b"from a reader".to_vec());
        // What can be read once is sent once: where it is wanted again, there has to be a way back.
        let body = if trip.retried() { Body::seekable(reader).unwrap() } else { Body::sized(reader, 13) };
        trip.send(put.body(body)).unwrap();
        trip.send(session.post(trip.url("a.test/")).body("bytes")).unwrap();
        trip.send(session.get(trip.url("a.test/"))).unwrap();
        let seen = trip.stage.seen();
        let bodies: Vec<&[u8]> = seen.iter().map(|received| received.body()).collect();
        assert_eq!(bodies, [&b"from a reader"[..], b"bytes", b""], "{:?}", trip.path);
        assert_eq!(trip.stage.values("content-length"), ["13", "5", "-"]);
        assert_eq!(trip.stage.values("transfer-encoding"), ["-", "-", "-"]);
        let same = seen.iter().all(|received| received.connection() == seen[0].connection());
        assert_eq!(same, trip.keeps_connections(), "{:?}", trip.path);
    });
}

#[test]
fn rd_4_a_body_that_can_be_read_once_is_sent_once_on_every_way() {
    for_each_path(|trip| {
        leading(trip);
        let b = trip.stage.world.host("b.test", []);
        for status in [307, 308] {
            let request = trip.session().post(trip.url(&format!("a.test/{status}")));
            let result = trip.send(request.body(Body::once(Cursor::new(b"once"))));
            // Two of three come to nothing already before the redirect.
            match trip.first {
                Some(First::Refuse) => assert_eq!(result.unwrap().status(), 503, "{:?}", trip.path),
                Some(First::Close) => {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Closed, "{:?}", trip.path);
                    assert!(error.may_have_been_processed());
                }
                None => {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Redirect, "{:?}", trip.path);
                    assert_eq!(error.response().unwrap().status(), status, "{:?}", trip.path);
                }
            }
        }
        let expected: &[&str] = if trip.retried() { &[] } else { &["a.test POST /307", "a.test POST /308"] };
        assert_eq!(trip.stage.lines(), expected, "{:?}", trip.path);
        assert_eq!(trip.stage.refused().len(), if trip.retried() { 2 } else { 0 });
        assert_eq!(b.connections(), 0, "{:?}", trip.path);
        if !trip.retried() {
            for body in [
                || Body::sized(&b"once"[..], 4),
                || Body::chunks(["on", "ce"]),
                || Body::reader(Stuck(&b"once"[..])),
            ] {
                for status in [307, 308] {
                    let request = trip.session().put(trip.url(&format!("a.test/{status}")));
                    let error = trip.send(request.body(body())).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Redirect, "{:?}: {error}", trip.path);
                    assert_eq!(error.response().unwrap().status(), status, "{:?}", trip.path);
                    assert_eq!(trip.stage.last().body(), b"once");
                }
                let request = trip.session().put(trip.url("a.test/307")).redirect(Redirect::none());
                let first = trip.send(request.body(body())).unwrap();
                assert_eq!(first.next().unwrap_err().kind(), ErrorKind::Redirect, "{:?}", trip.path);
            }
            assert_eq!(b.connections(), 0, "{:?}", trip.path);
            // Where the body is not wanted again nothing is in the way.
            for status in [301, 302, 303] {
                let request = trip.session().post(trip.url(&format!("a.test/{status}")));
                trip.send(request.body(Body::once(Cursor::new(b"once")))).unwrap();
                let last = trip.stage.last();
                assert_eq!((last.method().as_str(), last.body()), ("GET", &b""[..]), "{:?}", trip.path);
            }
        }
    });
}

#[test]
fn rd_5_a_limit_of_n_follows_exactly_n_on_every_way() {
    for limit in [0, 1, 2, 10] {
        for circle in ["none", "one", "two"] {
            for_each_path(|trip| {
                let path = trip.path;
                for (host, other) in [("a.test", "b.test"), ("b.test", "a.test")] {
                    trip.stage.host(host, move |r| {
                        let next = match circle {
                            "none" => format!("{}x", r.target()),
                            "one" => "/".to_owned(),
                            _ => path.url(&format!("{other}/")),
                        };
                        redirect(302, &next)
                    });
                }
                // A session pays for ten retries in a row: the eleventh request is answered at once.
                trip.stage.refuses_at_most(10);
                let request = trip.session().get(trip.url("a.test/")).redirect(Redirect::limited(limit));
                let error = trip.send(request).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Redirect, "{:?}: {error}", trip.path);
                assert_eq!(trip.stage.seen().len(), limit as usize + 1, "{:?} {limit}", trip.path);
                let last = error.response().unwrap();
                assert_eq!((last.status().as_u16(), last.text().as_ref()), (302, "elsewhere"));
                assert_eq!(last.history().len(), limit as usize, "{:?} {limit}", trip.path);
                assert!(last.header("location").is_some());
            });
        }
    }
}
