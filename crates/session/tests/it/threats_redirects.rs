//! The known attacks by redirects, on every way a request can take, at the first try and after a retry.

use crate::paths::{Path, Trip, for_each_path};
use crate::support::{First, redirect, value};
use pool::sim::Reply;
use session::{Body, ErrorKind, Redirect};
use std::io::Cursor;

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
    for location in [
        "file:///etc/passwd",
        "local_file:///x",
        "data:,x",
        "gopher://a/",
        "javascript:1",
        "unix:/x",
        "HTTP+UNIX://x",
    ] {
        for_each_path(|trip| {
            trip.stage.host("a.test", move |_| redirect(302, location));
            let error = trip.send(trip.session().get(trip.url("a.test/"))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect, "{:?} {location}: {error}", trip.path);
            assert_eq!(error.response().unwrap().status(), 302);
            // One to the origin, and one to the proxy in between.
            let tries = if trip.keeps_connections() { 1 } else { 2 };
            let connections = tries * if trip.path == Path::Direct { 1 } else { 2 };
            assert_eq!(trip.stage.world.connections(), connections, "{:?} {location}", trip.path);
            assert_eq!(trip.stage.seen().len(), 1);
        });
    }
}

#[test]
fn rd_2_a_body_goes_with_what_described_it_or_is_the_same_on_every_way() {
    let fields = ["content-length", "content-type", "transfer-encoding", "content-encoding", "expect"];
    for_each_path(|trip| {
        leading(trip);
        for status in STATUSES {
            let session = trip.session();
            let post = session.post(trip.url(&format!("a.test/{status}")));
            let post = post.header("Content-Type", "text/plain").header("Content-Encoding", "x-own");
            trip.send(post.body("0123456789")).unwrap();
            let seen = trip.stage.seen();
            let (first, last) = (&seen[seen.len() - 2], &seen[seen.len() - 1]);
            assert_eq!(first.body(), b"0123456789");
            let kept = status > 303;
            assert_eq!(last.method().as_str(), if kept { "POST" } else { "GET" }, "{:?}", trip.path);
            assert_eq!(last.body(), if kept { first.body() } else { b"" }, "{:?} {status}", trip.path);
            for field in fields {
                let expected = if kept { value(first, field) } else { "-".to_owned() };
                assert_eq!(value(last, field), expected, "{:?} {status} {field}", trip.path);
            }
            let head = session.head(trip.url(&format!("a.test/{status}"))).redirect(Redirect::default());
            trip.send(head).unwrap();
            assert_eq!(trip.stage.last().method().as_str(), "HEAD", "{:?} {status}", trip.path);
        }
    });
}

#[test]
fn rd_3_each_request_has_the_body_it_was_given_on_every_way() {
    for_each_path(|trip| {
        leading(trip);
        let session = trip.session();
        let put = session.put(trip.url("a.test/"));
        trip.send(put.body(Body::seekable(Cursor::new(b"from a reader".to_vec())).unwrap())).unwrap();
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
    });
}

#[test]
fn rd_5_a_limit_of_n_follows_exactly_n_on_every_way() {
    for limit in [0, 1, 2, 10] {
        for loops in [false, true] {
            for_each_path(|trip| {
                trip.stage.host("a.test", move |r| {
                    redirect(302, &if loops { "/".to_owned() } else { format!("{}x", r.target()) })
                });
                // A session pays for ten retries in a row, of ten requests.
                let limit = if trip.retried() { limit.min(9) } else { limit };
                let request = trip.session().get(trip.url("a.test/")).redirect(Redirect::limited(limit));
                let error = trip.send(request).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Redirect, "{:?}: {error}", trip.path);
                assert_eq!(trip.stage.seen().len(), limit as usize + 1, "{:?} {limit}", trip.path);
                assert_eq!(error.response().unwrap().status(), 302);
            });
        }
    }
}
