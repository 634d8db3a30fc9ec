//! Request heads: what can be built, what cannot, and how it looks on the wire.

use http_wire::{
    BodyKind, HeadError, Headers, Limits, Method, Part, Preset, RecvError, RequestBuilder, RequestHead,
};

fn get() -> RequestBuilder {
    RequestHead::builder(Method::GET, "/").header("Host", "a.test")
}

fn text(builder: RequestBuilder) -> String {
    let head = builder.build().unwrap();
    String::from_utf8(head.as_bytes().to_vec()).unwrap()
}

fn lines(builder: RequestBuilder) -> Vec<String> {
    text(builder).lines().skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn fields_stand_where_they_are_put_and_as_they_are_spelled() {
    let head = RequestHead::builder(Method::POST, "/x?y=z")
        .header("User-Agent", "s/1")
        .header("accept", "*/*")
        .body(BodyKind::Length(12))
        .header("HOST", "a.test")
        .header("Empty", "");
    assert_eq!(
        text(head),
        "POST /x?y=z HTTP/1.1\r\nUser-Agent: s/1\r\naccept: */*\r\nContent-Length: 12\r\nHOST: a.test\r\nEmpty: \r\n\r\n"
    );
}

#[test]
fn a_head_tells_what_it_says() {
    let mut headers = Headers::new();
    headers.append("Host", "a.test").unwrap();
    headers.append("X", "a\tb").unwrap();
    let head = RequestHead::builder(Method::PUT, "/p")
        .headers(&headers)
        .body(BodyKind::Chunked)
        .expect_continue()
        .build()
        .unwrap();
    assert_eq!((head.method(), head.target(), head.body()), (&Method::PUT, "/p", BodyKind::Chunked));
    assert!(head.expects_continue());
    let fields: Vec<_> = head.headers().iter().map(|(n, v)| format!("{n}={}", v.to_str().unwrap())).collect();
    assert_eq!(fields, ["Host=a.test", "X=a\tb", "Transfer-Encoding=chunked", "Expect=100-continue"]);
}

#[test]
fn exactly_one_host() {
    let builder = || RequestHead::builder(Method::GET, "/");
    assert_eq!(builder().build().unwrap_err(), HeadError::MissingHost);
    let twice = builder().header("Host", "a").header("host", "a");
    assert_eq!(twice.build().unwrap_err(), HeadError::DuplicateHost);
    assert!(builder().header("X", "y").header("Host", "").build().is_ok(), "anywhere, even empty");
}

#[test]
fn every_body_has_its_field_and_no_body_has_none() {
    assert_eq!(lines(get().body(BodyKind::None)), ["Host: a.test"]);
    assert_eq!(lines(get().body(BodyKind::Length(0))), ["Host: a.test", "Content-Length: 0"]);
    assert_eq!(
        lines(get().body(BodyKind::Length(u64::MAX))),
        ["Host: a.test", "Content-Length: 18446744073709551615"]
    );
    assert_eq!(lines(get().body(BodyKind::Chunked)), ["Host: a.test", "Transfer-Encoding: chunked"]);
    let last = get().body(BodyKind::Length(5)).header("A", "b").body(BodyKind::Chunked).header("C", "d");
    assert_eq!(
        lines(last),
        ["Host: a.test", "A: b", "Transfer-Encoding: chunked", "C: d"],
        "the last one counts"
    );
}

#[test]
fn inj_5_a_framing_field_of_the_caller_must_be_true() {
    let length = || get().header("content-LENGTH", "5").header("X", "y");
    assert_eq!(
        lines(length().body(BodyKind::Length(5))),
        ["Host: a.test", "content-LENGTH: 5", "X: y"],
        "in place"
    );
    assert_eq!(
        lines(get().body(BodyKind::Length(5)).header("Content-Length", "5")),
        ["Host: a.test", "Content-Length: 5"]
    );
    let chunked = get().header("transfer-encoding", "Chunked").body(BodyKind::Chunked);
    assert_eq!(lines(chunked), ["Host: a.test", "transfer-encoding: chunked"]);
    let zero = get().header("Content-Length", "0").build().unwrap();
    assert_eq!(zero.body(), BodyKind::Length(0), "no body is a body of no bytes");
    let refused = [
        length(),
        length().body(BodyKind::Length(6)),
        length().body(BodyKind::Chunked),
        length().header("Content-Length", "5").body(BodyKind::Length(5)),
        get().body(BodyKind::Length(5)).header("Content-Length", "6"),
        get().header("Content-Length", "+5").body(BodyKind::Length(5)),
        get().header("Content-Length", "").body(BodyKind::Length(0)),
        get().header("Transfer-Encoding", "gzip").body(BodyKind::Chunked),
        get().header("Transfer-Encoding", "chunked").body(BodyKind::Length(5)),
        get().header("Transfer-Encoding", "chunked"),
        get().header("Transfer-Encoding", "chunked").header("Content-Length", "5").body(BodyKind::Chunked),
    ];
    for builder in refused {
        assert_eq!(builder.clone().build().unwrap_err(), HeadError::ReservedHeader, "{builder:?}");
    }
}

#[test]
fn fr_2_no_order_of_calls_makes_a_head_with_two_framings() {
    let hidden = b"0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let len = hidden.len() as u64;
    let claimed = get()
        .body(BodyKind::Chunked)
        .header("content-length", len.to_string())
        .header("X", "y")
        .body(BodyKind::Length(len));
    assert_eq!(
        lines(claimed.clone()),
        ["Host: a.test", &format!("content-length: {len}"), "X: y"],
        "the caller's field fixes place and spelling"
    );
    assert_eq!(claimed.build().unwrap().body(), BodyKind::Length(len));
    let mirrored =
        get().body(BodyKind::Length(3)).header("Transfer-encoding", "chunked").body(BodyKind::Chunked);
    assert_eq!(lines(mirrored), ["Host: a.test", "Transfer-encoding: chunked"]);
    let later = get().body(BodyKind::Length(3)).header("X", "y").header("content-length", "3");
    assert_eq!(lines(later), ["Host: a.test", "X: y", "content-length: 3"]);
    for contradiction in [
        get().body(BodyKind::Chunked).header("Content-Length", "3"),
        get().body(BodyKind::Length(3)).header("Transfer-Encoding", "chunked"),
        get().body(BodyKind::Chunked).header("Content-Length", "3").body(BodyKind::Length(4)),
    ] {
        assert_eq!(contradiction.build().unwrap_err(), HeadError::ReservedHeader);
    }
}

#[test]
fn connect_and_trace_have_no_content() {
    let connect = || RequestHead::builder(Method::CONNECT, "a.test:443").header("Host", "a.test:443");
    let trace = || RequestHead::builder(Method::TRACE, "/").header("Host", "a.test");
    for builder in [connect, trace] {
        for kind in [BodyKind::Length(1), BodyKind::Chunked] {
            assert_eq!(builder().body(kind).build().unwrap_err(), HeadError::UnexpectedBody);
        }
        for kind in [BodyKind::None, BodyKind::Length(0)] {
            assert_eq!(builder().body(kind).build().unwrap().body(), kind, "a body of length 0 is none");
        }
    }
    for received in [
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let parsed = RequestHead::parse(received.as_bytes(), &Limits::default());
        assert_eq!(parsed, Err(RecvError::ConflictingFraming), "{received:?}");
    }
}

#[test]
fn te_asks_for_trailers_alone_and_is_named_in_connection() {
    assert_eq!(lines(get().header("te", "trailers")), ["Host: a.test", "te: trailers", "Connection: TE"]);
    assert_eq!(
        lines(get().header("Connection", "keep-alive").header("TE", "Trailers")),
        ["Host: a.test", "Connection: keep-alive, TE", "TE: Trailers"]
    );
    assert_eq!(
        lines(get().header("TE", "trailers").upgrade("h2c").close()),
        ["Host: a.test", "TE: trailers", "Connection: close, upgrade, TE", "Upgrade: h2c"]
    );
    for value in ["gzip", "trailers, deflate;q=0.5", "chunked", ""] {
        assert_eq!(get().header("TE", value).build().unwrap_err(), HeadError::ReservedHeader, "{value:?}");
    }
}

#[test]
fn host_names_one_host_and_nothing_else() {
    let of = |host: &str| RequestHead::builder(Method::GET, "/").header("Host", host).build();
    for host in ["", "a", "a.test:8080", "[::1]:80", "xn--e1aybc.test", "127.0.0.1", "a_b"] {
        assert!(of(host).is_ok(), "{host:?}");
    }
    for host in ["a b", "a\tb", "a/", "a?b", "a#", "u@a", "a,b", "a, b", "a\\b"] {
        assert_eq!(of(host).unwrap_err(), HeadError::BadHeaderValue, "{host:?}");
        let mut headers = Headers::new();
        headers.append("Host", host).unwrap();
        let head = RequestHead::builder(Method::GET, "/").headers(&headers).build();
        assert_eq!(head.unwrap_err(), HeadError::BadHeaderValue, "{host:?}");
        let received = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let parsed = RequestHead::parse(received.as_bytes(), &Limits::default());
        assert_eq!(parsed, Err(RecvError::Malformed(Part::Host)), "{host:?}");
    }
}

#[test]
fn many_headers_are_the_same_as_each_of_them() {
    let fields = [
        ("User-Agent", "u"),
        ("TE", "trailers"),
        ("Connection", "keep-alive"),
        ("content-length", "3"),
        ("X", ""),
        ("Host", "a.test"),
    ];
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value).unwrap();
    }
    let start = || RequestHead::builder(Method::POST, "/").body(BodyKind::Length(3));
    let each = fields.iter().fold(start(), |builder, (name, value)| builder.header(name, value));
    assert_eq!(start().headers(&headers).build(), each.build());
    for (name, value, error) in [
        ("Expect", "100-continue", HeadError::ReservedHeader),
        ("Content-Length", "4", HeadError::ReservedHeader),
        ("Host", "b.test", HeadError::DuplicateHost),
    ] {
        let mut headers = headers.clone();
        headers.append(name, value).unwrap();
        assert_eq!(start().headers(&headers).build().unwrap_err(), error, "{name}");
    }
}

#[test]
fn connection_options_share_one_field() {
    let connection = |builder: RequestBuilder| {
        lines(builder).into_iter().filter(|l| l.starts_with("Conn")).collect::<Vec<_>>()
    };
    assert_eq!(connection(get()), [""; 0]);
    assert_eq!(connection(get().close()), ["Connection: close"]);
    assert_eq!(connection(get().upgrade("h2c")), ["Connection: upgrade"]);
    assert_eq!(connection(get().header("Connection", "Keep-Alive")), ["Connection: Keep-Alive"]);
    assert_eq!(connection(get().header("Connection", "keep-alive").close()), ["Connection: close"]);
    assert_eq!(
        connection(get().header("Connection", "keep-alive").upgrade("h2c")),
        ["Connection: keep-alive, upgrade"]
    );
    assert_eq!(connection(get().close().upgrade("h2c").close()), ["Connection: close, upgrade"]);
    let placed = get()
        .header("Connection", "keep-alive")
        .body(BodyKind::Length(1))
        .header("A", "b")
        .close()
        .body(BodyKind::Chunked);
    assert_eq!(lines(placed), ["Host: a.test", "Connection: close", "A: b", "Transfer-Encoding: chunked"]);
    let moved =
        get().body(BodyKind::Length(1)).header("Connection", "keep-alive").body(BodyKind::None).close();
    assert_eq!(lines(moved), ["Host: a.test", "Connection: close"]);
    for value in ["upgrade", "close, X-Secret", "te", ""] {
        assert_eq!(get().header("Connection", value).build().unwrap_err(), HeadError::ReservedHeader);
    }
}

#[test]
fn expect_and_upgrade_have_their_own_methods() {
    assert_eq!(get().header("Expect", "100-continue").build().unwrap_err(), HeadError::ReservedHeader);
    assert_eq!(get().header("upgrade", "h2c").build().unwrap_err(), HeadError::ReservedHeader);
    assert_eq!(
        lines(get().upgrade("websocket")),
        ["Host: a.test", "Connection: upgrade", "Upgrade: websocket"]
    );
    assert_eq!(get().upgrade("a b").build().unwrap_err(), HeadError::BadHeaderValue);
    assert_eq!(get().upgrade("a\r\nX: y").build().unwrap_err(), HeadError::BadHeaderValue);
    assert_eq!(get().upgrade("a").upgrade("b").build().unwrap_err(), HeadError::ReservedHeader);
    for builder in [get().expect_continue(), get().expect_continue().body(BodyKind::Length(0))] {
        let head = builder.build().unwrap();
        assert!(
            !head.expects_continue() && !head.headers().contains("expect"),
            "without a body a client must not ask"
        );
    }
    assert!(
        get()
            .header("TE", "trailers")
            .header("Trailer", "X")
            .header("Keep-Alive", "timeout=5")
            .build()
            .is_ok()
    );
}

#[test]
fn inj_1_a_method_cannot_be_forged() {
    for method in ["GET / HTTP/1.1\r\nX: y\r\n\r\nPOST", "GE T", ""] {
        assert!(Method::from_bytes(method.as_bytes()).is_err(), "{method:?}");
    }
    assert!(
        text(RequestHead::builder(Method::from_bytes(b"PURGE").unwrap(), "/").header("Host", "a"))
            .starts_with("PURGE / ")
    );
}

#[test]
fn inj_2_a_target_is_one_of_four_forms_in_visible_ascii() {
    let of = |method: Method, target: &str| RequestHead::builder(method, target).header("Host", "a").build();
    for target in [
        "/",
        "/a?b=%20|{}\"",
        "//a",
        "/u@a",
        "http://a/x",
        "https://a.test:8443",
        "x-y+z.1://a",
        "http://a/b@c",
        "http://a?b@c",
    ] {
        assert_eq!(of(Method::GET, target).unwrap().target(), target);
    }
    assert!(of(Method::OPTIONS, "*").is_ok());
    for target in ["a.test:443", "[::1]:443", "127.0.0.1:1"] {
        assert_eq!(of(Method::CONNECT, target).unwrap().target(), target);
    }
    for target in [
        "",
        "/x\r\nY: z",
        "/?q=1 HTTP/1.1\r\n",
        "/\t",
        "/\x7f",
        "/é",
        "/a#b",
        "x",
        "a.test:443",
        "*",
        "http:/a",
        "://a",
        "http://",
        "http:///x",
        "1http://a",
        "http://u@a/",
        "http://u:p@a",
        "http://a\\@b/",
        "http://@a/?x",
    ] {
        assert_eq!(of(Method::GET, target).unwrap_err(), HeadError::BadTarget, "{target:?}");
    }
    for target in [
        "/",
        "*",
        "a.test",
        "a.test:",
        "a.test:99999",
        ":443",
        "u@a.test:443",
        "a/b:443",
        "[::1:443",
        "[]:443",
        "a:b:443",
        "http://a:443",
    ] {
        assert_eq!(of(Method::CONNECT, target).unwrap_err(), HeadError::BadTarget, "{target:?}");
    }
}

#[test]
fn inj_3_no_string_makes_a_second_line() {
    let evil = "a\r\nX-Inj: 1";
    assert_eq!(get().header(evil, "x").build().unwrap_err(), HeadError::BadHeaderName);
    for value in [evil, "a\nb", "a\rb", "a\0", "\x7f", "\x1b", " a", "a ", "\ta"] {
        assert_eq!(get().header("X", value).build().unwrap_err(), HeadError::BadHeaderValue, "{value:?}");
    }
    for name in ["", "a b", "a:", "a\0", "é", "(a)"] {
        assert_eq!(get().header(name, "x").build().unwrap_err(), HeadError::BadHeaderName, "{name:?}");
    }
    assert_eq!(
        RequestHead::builder(Method::GET, evil).header("X", evil).build().unwrap_err(),
        HeadError::BadTarget,
        "the first mistake"
    );
}

#[test]
fn debug_output_holds_no_credentials() {
    let head = get()
        .header("Authorization", "hunter2")
        .header("Cookie", "hunter2")
        .header("Proxy-Authorization", "hunter2");
    let debug = format!("{:?}", head.build().unwrap());
    assert!(debug.contains("\"Authorization\", \"Cookie\"") && !debug.contains("hunter2"), "{debug}");
    let query =
        RequestHead::builder(Method::GET, "http://a.test/path?token=hunter2").header("Host", "a.test");
    let debug = format!("{:?}", query.build().unwrap());
    assert!(debug.contains("\"http://a.test/path?…\"") && !debug.contains("hunter2"), "{debug}");
}

#[test]
fn debug_output_of_what_becomes_a_head_holds_no_credentials() {
    let mut headers = Headers::new();
    headers.append("Authorization", "hunter2").unwrap();
    headers.append("User-Agent", "u/1").unwrap();
    let preset = Preset::new(&headers).unwrap();
    let debug = format!("{preset:?}");
    assert!(debug.contains("<redacted>") && debug.contains("u/1") && !debug.contains("hunter2"), "{debug}");
    let builder = RequestHead::builder(Method::PATCH, "/?token=hunter2").headers(&headers).preset(&preset);
    let debug = format!("{builder:?}");
    assert!(debug.contains("PATCH") && !debug.contains("hunter2"), "{debug}");
    let debug = format!("{:?}", builder.header("Expect", "hunter2"));
    assert!(debug.contains("ReservedHeader") && !debug.contains("hunter2"), "{debug}");
}

#[test]
fn a_received_head_is_read_as_a_strict_server_reads_it() {
    let parse = |bytes: &str| RequestHead::parse(bytes.as_bytes(), &Limits::default());
    let (len, head) = parse("POST / HTTP/1.1\r\nHost:a\r\nConnection: x, close\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc").unwrap().unwrap();
    assert_eq!((len, head.body(), head.expects_continue()), (90, BodyKind::Length(3), true));
    assert_eq!(head.headers().get("host").unwrap().as_bytes(), b"a");
    for partial in ["", "POST", "POST / HTTP/1.1\r\nHost: a\r\n"] {
        assert_eq!(parse(partial), Ok(None));
    }
    let malformed = [
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Part::RequestLine),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Part::RequestLine),
        ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", Part::RequestLine),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", Part::RequestLine),
        ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", Part::Version),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", Part::LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", Part::LineEnd),
        ("GET / HTTP/1.1\r\n\r\n", Part::Host),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", Part::Host),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", Part::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", Part::FieldValue),
    ];
    for (bytes, part) in malformed {
        assert_eq!(parse(bytes), Err(RecvError::Malformed(part)), "{bytes:?}");
    }
    let framed = |fields: &str| {
        parse(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).map(|head| head.unwrap().1.body())
    };
    assert_eq!(framed("Transfer-Encoding: chunked\r\n"), Ok(BodyKind::Chunked));
    assert_eq!(framed("Transfer-Encoding: gzip\r\n"), Err(RecvError::UnsupportedTransferCoding));
    assert_eq!(
        framed("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
        Err(RecvError::ConflictingFraming)
    );
    assert_eq!(framed("Content-Length: 1\r\nContent-Length: 2\r\n"), Err(RecvError::BadContentLength));
    let mut small = Limits::default();
    (small.max_head, small.max_headers) = (40, 1);
    assert_eq!(RequestHead::parse(&[b'G'; 41], &small), Err(RecvError::HeadTooLarge));
    assert_eq!(
        RequestHead::parse(b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n", &small),
        Err(RecvError::TooManyHeaders)
    );
}
