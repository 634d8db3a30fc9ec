//! What an error says: kind, phase, origin, cause, whether the server may have acted; and what it never says.

use crate::support::{counts, facts, fetch, get, world};
use pool::sim::{Fragments, ok};
use pool::{Body, Config, Driver, Error, ErrorKind, Headers, Method, Origin, Phase, Pool, Request};
use std::error::Error as _;

#[test]
fn f07_what_is_no_http_is_a_protocol_error_and_the_end_of_the_connection() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(129));
    for raw in [
        "garbage\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nfour",
        "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nfour",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nfour",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        &long,
        &many,
    ] {
        for cut in [Fragments::Whole, Fragments::Bytes] {
            let (world, host) = world();
            world.fragment(cut);
            host.accept().expect("GET /").reply(raw).expect_close();
            host.accept().expect("GET /").reply(ok("fine"));
            let pool = world.pool(Config::default());
            let error = fetch(&pool, get("/")).unwrap_err();
            let shown = raw.get(..60).unwrap_or(raw);
            assert_eq!(facts(&error), (ErrorKind::Protocol, Some(Phase::Head), 1), "{shown:?}");
            assert!(error.may_have_been_processed() && !error.nothing_sent(), "{shown:?}");
            assert!(error.source().unwrap().downcast_ref::<http_wire::RecvError>().is_some(), "{shown:?}");
            assert!(
                error.to_string().starts_with("http://a.example: the server broke HTTP/1.1: "),
                "{error}"
            );
            assert!(error.to_string().len() <= 512);
            assert_eq!(counts(&pool), (0, 0, 0));
            assert_eq!(fetch(&pool, get("/")).unwrap().text(), "fine", "r8: the pool is as good as before");
            pool.close_idle();
            world.assert_quiet();
        }
    }
}

#[test]
fn f08_a_head_of_exactly_the_limit_is_good() {
    let fixed = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n".len();
    for (len, good) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let (world, host) = world();
        let filler = "x".repeat(len - fixed);
        host.accept()
            .expect("GET /")
            .reply(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: {filler}\r\n\r\n"));
        let pool = world.pool(Config::default());
        let result = fetch(&pool, get("/"));
        assert_eq!(
            result.as_ref().map(|answer| answer.status()).map_err(Error::kind),
            if good { Ok(200) } else { Err(ErrorKind::Protocol) }
        );
    }
}

#[test]
fn framing_that_can_be_read_in_two_ways_is_an_error_where_that_is_asked_for() {
    let raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for strict in [false, true] {
        let (world, host) = world();
        host.accept().expect("GET /").reply(raw);
        let mut limits = http_wire::Limits::default();
        limits.strict_framing = strict;
        let pool = world.pool(Config::default().wire_limits(limits));
        assert_eq!(fetch(&pool, get("/")).is_err(), strict);
        assert_eq!(counts(&pool), (0, 0, 0), "the connection is not kept in either case");
    }
}

#[test]
fn an_error_tells_nothing_of_the_request_but_its_origin() {
    let secret = "c2VjcmV0";
    let (world, host) = world();
    host.accept().expect("POST /").reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none").close();
    host.accept().expect("POST /").close();
    host.accept().expect("POST /").reply("nonsense\r\n\r\n");
    let pool = world.pool(Config::default());
    let request = Request::build(Method::POST, Origin::http("a.example"), &format!("/{secret}?{secret}"))
        .header("Authorization", format!("Basic {secret}"))
        .header("Cookie", secret)
        .body(secret)
        .finish()
        .unwrap();
    let kinds = [ErrorKind::Body, ErrorKind::Closed, ErrorKind::Protocol];
    for kind in kinds {
        let error = fetch(&pool, request.clone()).unwrap_err();
        assert_eq!((error.kind(), error.origin()), (kind, Some(&Origin::http("a.example"))));
        for text in
            [error.to_string(), format!("{error:?}"), error.detail().to_owned(), format!("{request:?}")]
        {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(!format!("{pool:?}").contains(secret));
}

#[test]
fn an_impossible_request_is_an_error_before_anything_happens() {
    let build = |method, target: &str| Request::build(method, Origin::http("a.example"), target);
    let requests = [
        ("a target with a space", build(Method::GET, "/a b").finish()),
        ("a target with a line end", build(Method::GET, "/a\r\nX: y").finish()),
        ("a relative target", build(Method::GET, "a").finish()),
        ("a field name that is none", build(Method::GET, "/").header("X:", "y").finish()),
        ("a field value with a line end", build(Method::GET, "/").header("X", "y\r\nZ: z").finish()),
        ("a second Host", build(Method::GET, "/").header("Host", "b.example").finish()),
        ("another length", build(Method::POST, "/").header("Content-Length", "9").body("four").finish()),
        (
            "a framing of its own",
            build(Method::POST, "/").header("Transfer-Encoding", "chunked").body("four").finish(),
        ),
    ];
    for (what, request) in requests {
        let error = request.unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Config, None), "{what}");
        assert!(error.source().unwrap().downcast_ref::<pool::HeadError>().is_some(), "{what}");
        assert!(error.nothing_sent() && !error.may_have_been_processed(), "{what}");
    }
    assert!(
        build(Method::POST, "/").header("Content-Length", "4").body("four").finish().is_ok(),
        "the real length is fine"
    );
}

#[test]
fn the_host_field_comes_first_and_names_the_port_where_it_is_not_the_schemes_own() {
    for (url, field) in [
        ("http://a.example/", "a.example"),
        ("http://a.example:8080/", "a.example:8080"),
        ("https://a.example:443/", "a.example"),
        ("http://a.example:443/", "a.example:443"),
    ] {
        let (world, host) = world();
        let peer = host.accept().expect("GET /").reply(ok(""));
        let pool = world.pool(Config::default());
        fetch(&pool, get(url)).unwrap();
        assert_eq!(peer.received(), format!("GET / HTTP/1.1\r\nHost: {field}\r\n\r\n").as_bytes(), "{url}");
    }
}

#[test]
fn what_threads_share_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Pool>();
    shared::<Error>();
    shared::<Request>();
    shared::<Body>();
    shared::<Headers>();
    sent::<Driver>();
    sent::<pool::Response>();
    assert_eq!(size_of::<Error>(), size_of::<usize>(), "one word");
}
