//! To and from the types of the `http` crate.

use http_wire::http::{self, HeaderMap, header, request, response};
use http_wire::{BodyKind, HeadError, Headers, Method, RequestHead, ResponseHead};

use crate::support::get;

#[test]
fn maps_go_both_ways() {
    let mut headers = Headers::new();
    for (name, value) in [("X-A", "1"), ("Set-Cookie", "a"), ("set-cookie", "b")] {
        headers.append(name, value).unwrap();
    }
    let map = HeaderMap::try_from(&headers).unwrap();
    assert_eq!(map.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(Headers::try_from(map).unwrap(), headers);
}

#[test]
fn a_map_that_cannot_be_is_an_error_and_no_panic() {
    let mut headers = Headers::new();
    for i in 0..40_000 {
        headers.append(format!("x{i}"), "").unwrap();
    }
    assert_eq!(HeaderMap::try_from(headers).unwrap_err(), HeadError::TooLarge);
    let mut map = HeaderMap::new();
    map.insert("x", http::HeaderValue::from_static(" a"));
    assert_eq!(Headers::try_from(map).unwrap_err(), HeadError::BadHeaderValue);
}

fn parts(request: request::Builder) -> request::Parts {
    request.body(()).unwrap().into_parts().0
}

#[test]
fn request_parts_become_a_head() {
    let parts = parts(
        http::Request::post("http://u:p@a.test:81/x?y=z#f")
            .header("content-length", "3")
            .header("expect", "100-continue")
            .header("connection", "close"),
    );
    let head = RequestHead::try_from(&parts).unwrap();
    assert_eq!(
        std::str::from_utf8(head.as_bytes()).unwrap(),
        "POST /x?y=z HTTP/1.1\r\nhost: a.test:81\r\ncontent-length: 3\r\nconnection: close\r\nExpect: 100-continue\r\n\r\n"
    );
    let back = request::Parts::try_from(head.clone()).unwrap();
    assert_eq!((&back.method, back.uri.to_string().as_str()), (&Method::POST, "/x?y=z"));
    assert_eq!(RequestHead::try_from(back).unwrap().headers(), head.headers());
}

#[test]
fn request_parts_keep_their_own_host_and_choose_the_target_by_method() {
    let own = parts(http::Request::get("http://a.test/").header("host", "b.test"));
    assert_eq!(RequestHead::try_from(own).unwrap().headers().get("host").unwrap(), "b.test");
    let connect = parts(http::Request::connect("a.test:443"));
    assert_eq!(RequestHead::try_from(connect).unwrap().target(), "a.test:443");
    let star = parts(http::Request::options("*").header("host", "a"));
    assert_eq!(RequestHead::try_from(star).unwrap().target(), "*");
    let upgrade = parts(
        http::Request::get("http://a/").header("upgrade", "h2c").header("connection", "keep-alive, Upgrade"),
    );
    let upgrade = RequestHead::try_from(upgrade).unwrap().headers();
    assert!(upgrade.get("connection").is_some_and(|value| value == "keep-alive, upgrade"));
    let te =
        parts(http::Request::get("http://a/").header("te", "trailers").header("connection", "close, te"));
    let te = RequestHead::try_from(te).unwrap();
    assert!(te.headers().get("connection").is_some_and(|value| value == "close, TE"));
    let again = RequestHead::try_from(request::Parts::try_from(te.clone()).unwrap()).unwrap();
    assert_eq!(again.headers(), te.headers());
    let query = parts(http::Request::get("http://a.test?x=1"));
    assert_eq!(RequestHead::try_from(query).unwrap().target(), "/?x=1", "an empty path is sent as /");
    let chunked = parts(http::Request::get("http://a/").header("transfer-encoding", "chunked"));
    assert_eq!(RequestHead::try_from(chunked).unwrap().body(), BodyKind::Chunked);
}

#[test]
fn request_parts_that_cannot_be_sent_are_refused() {
    for (request, error) in [
        (http::Request::get("/x"), HeadError::MissingHost),
        (http::Request::get("http://a/").header("content-length", "x"), HeadError::ReservedHeader),
        (
            http::Request::get("http://a/")
                .header("content-length", "3")
                .header("transfer-encoding", "chunked"),
            HeadError::ReservedHeader,
        ),
        (http::Request::get("http://a/").header("connection", "upgrade"), HeadError::ReservedHeader),
        (http::Request::get("http://a/").header("connection", "x-hop"), HeadError::ReservedHeader),
        (http::Request::get("http://a/").header("connection", "te"), HeadError::ReservedHeader),
        (http::Request::get("http://a/").header("te", "gzip"), HeadError::ReservedHeader),
        (http::Request::connect("/x").header("host", "a"), HeadError::BadTarget),
    ] {
        assert_eq!(RequestHead::try_from(parts(request)).unwrap_err(), error);
    }
}

#[test]
fn responses_go_both_ways() {
    let head = get("HTTP/1.0 404 Not Here\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n").response().clone();
    let parts = response::Parts::try_from(&head).unwrap();
    assert_eq!((parts.status.as_u16(), parts.version), (404, http::Version::HTTP_10));
    let back = ResponseHead::try_from(parts).unwrap();
    assert_eq!((back.status(), back.headers(), back.reason()), (head.status(), head.headers(), &b""[..]));
}
