//! What is written reads back as what was meant.

use http_wire::{
    BodyKind, Connection, Event, Headers, Inbox, Limits, Method, Preset, RequestBuilder, RequestHead,
};
use proptest::prelude::*;

use crate::support::{Lcg, request, started};

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}",
        Just("TE".to_owned()),
        Just("Connection".to_owned()),
        Just("content-length".to_owned())
    ]
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        Just(b"keep-alive".to_vec()),
        Just(b"close".to_vec()),
        Just(b"5".to_vec()),
        "[ -~]{0,20}".prop_map(String::into_bytes)
    ]
}

fn kinds() -> impl Strategy<Value = BodyKind> {
    prop_oneof![Just(BodyKind::None), (0u64..10).prop_map(BodyKind::Length), Just(BodyKind::Chunked)]
}

/// One call of the builder.
#[derive(Clone, Debug)]
enum Call {
    Header(String, Vec<u8>),
    Headers(String, Vec<u8>),
    Preset(String, Vec<u8>),
    Body(BodyKind),
    Close,
    Expect,
    Upgrade,
}

fn calls() -> impl Strategy<Value = Call> {
    let claims = prop_oneof![
        Just(("Content-Length", "5")),
        Just(("content-length", "05")),
        Just(("Transfer-Encoding", "chunked")),
        Just(("transfer-encoding", "Chunked")),
        Just(("Connection", "Keep-Alive")),
        Just(("connection", "close")),
        Just(("TE", "trailers")),
        Just(("Host", "b.test")),
    ];
    let claims = claims.prop_map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let fields = prop_oneof![2 => claims, 1 => (names(), values())].boxed();
    let bodies = prop_oneof![
        Just(BodyKind::None),
        Just(BodyKind::Length(0)),
        Just(BodyKind::Length(5)),
        Just(BodyKind::Chunked),
        kinds(),
    ];
    prop_oneof![
        3 => fields.clone().prop_map(|(name, value)| Call::Header(name, value)),
        1 => fields.clone().prop_map(|(name, value)| Call::Headers(name, value)),
        1 => fields.prop_map(|(name, value)| Call::Preset(name, value)),
        4 => bodies.prop_map(Call::Body),
        1 => Just(Call::Close),
        1 => Just(Call::Expect),
        1 => Just(Call::Upgrade),
    ]
}

fn apply(builder: RequestBuilder, call: &Call) -> RequestBuilder {
    let one = |name: &str, value: &[u8]| {
        let mut headers = Headers::new();
        headers.append(name, value).ok().map(|()| headers)
    };
    match call {
        Call::Header(name, value) => builder.header(name, value),
        Call::Headers(name, value) => match one(name, value) {
            Some(headers) => builder.headers(&headers),
            None => builder,
        },
        Call::Preset(name, value) => match one(name, value).map(|headers| Preset::new(&headers)) {
            Some(Ok(preset)) => builder.preset(&preset),
            _ => builder,
        },
        Call::Body(kind) => builder.body(*kind),
        Call::Close => builder.close(),
        Call::Expect => builder.expect_continue(),
        Call::Upgrade => builder.upgrade("h2c"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn i9_every_head_that_builds_parses_to_itself_whatever_the_order_of_calls(
        method in prop_oneof!["[A-Z]{1,8}", Just("POST".to_owned()), Just("TRACE".to_owned())],
        target in prop_oneof![3 => "/[!-~]{0,20}", 1 => "[!-~]{0,20}", 1 => Just("http://a/?b".to_owned())],
        calls in proptest::collection::vec(calls(), 0..9),
        host in 0usize..9,
    ) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut builder = RequestHead::builder(method, &target);
        for (i, call) in calls.iter().enumerate() {
            if i == host { builder = builder.header("Host", "a.test"); }
            builder = apply(builder, call);
        }
        if host >= calls.len() { builder = builder.header("Host", "a.test"); }
        if let Ok(head) = builder.build() {
            let bytes = [head.as_bytes(), b"rest"].concat();
            let parsed = RequestHead::parse(&bytes, &Limits::default()).unwrap();
            prop_assert_eq!(parsed, Some((head.as_bytes().len(), head.clone())));
            prop_assert_eq!(head.headers().len(), head.as_bytes().split(|&b| b == b'\n').count() - 3);
        }
    }
}

#[test]
fn i9_no_order_of_few_calls_contradicts_itself() {
    let claim = |name: &str, value: &str| Call::Header(name.to_owned(), value.as_bytes().to_vec());
    let all = [
        Call::Body(BodyKind::None),
        Call::Body(BodyKind::Length(5)),
        Call::Body(BodyKind::Chunked),
        claim("content-length", "5"),
        claim("transfer-encoding", "chunked"),
        claim("connection", "keep-alive"),
        claim("TE", "trailers"),
        Call::Upgrade,
        Call::Close,
    ];
    let mut built = 0;
    for order in 0..all.len().pow(5) {
        let start = RequestHead::builder(Method::POST, "/").header("Host", "a.test");
        let calls = (0..5).map(|i| &all[order / all.len().pow(i) % all.len()]);
        let Ok(head) = calls.fold(start, apply).build() else { continue };
        let parsed = RequestHead::parse(head.as_bytes(), &Limits::default());
        assert_eq!(parsed, Ok(Some((head.as_bytes().len(), head.clone()))), "{order}");
        built += 1;
    }
    assert!(built > 10_000, "{built}");
}

/// Sends `body` in random pieces and reads it back as if a server had sent it.
fn there_and_back(kind: BodyKind, body: &[u8], random: &mut Lcg) {
    let head = RequestHead::builder(Method::POST, "/").header("Host", "a.test").body(kind).build().unwrap();
    let (mut wire, mut out, mut rest) = (started(&head, Limits::default()), Vec::new(), body);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.below(rest.len().min(40) + 1));
        wire.send(piece, &mut out).unwrap();
        rest = after;
    }
    wire.finish(&mut out).unwrap();
    let fields = match kind {
        BodyKind::Chunked => "Transfer-Encoding: chunked".to_owned(),
        _ => format!("Content-Length: {}", body.len()),
    };
    let stream = [format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").as_bytes(), &out].concat();
    let seen = crate::support::get(stream);
    assert_eq!((seen.body(), seen.left.as_slice()), (body, &b""[..]));
    assert!(seen.end().is_some());
}

#[test]
fn i9_every_body_that_is_sent_decodes_to_itself() {
    let mut random = Lcg(9);
    for len in [0, 1, 2, 15, 16, 17, 255, 1000] {
        let body: Vec<u8> = (0..len).map(|_| b"\r\n0;ab"[random.below(6)]).collect();
        there_and_back(BodyKind::Chunked, &body, &mut random);
        there_and_back(BodyKind::Length(len as u64), &body, &mut random);
    }
}

#[test]
fn inj_6_written_heads_are_lines_of_name_colon_value() {
    let mut random = Lcg(6);
    for _ in 0..2000 {
        let mut builder = RequestHead::builder(Method::GET, "/").header("Host", "a");
        // What has to stand there, made of what was accepted and nothing else.
        let mut expected = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
        for _ in 0..random.below(6) {
            let mut octets = |of: &[u8]| -> Vec<u8> {
                let len = random.below(5);
                (0..len)
                    .map(|_| if of.is_empty() { random.below(256) as u8 } else { of[random.below(of.len())] })
                    .collect()
            };
            let (any, value, name) = (octets(b""), octets(b"aZ09-: \t\x80\xff"), octets(b"aZ09-_.:"));
            let value = if random.below(4) == 0 { any } else { value };
            let name = String::from_utf8(name).unwrap();
            let with = builder.clone().header(&name, &value);
            if with.clone().build().is_ok() {
                builder = with;
                expected.extend_from_slice(&[name.as_bytes(), b": ", &value, b"\r\n"].concat());
                assert!(!name.is_empty() && !name.contains(':'), "{name:?}");
                assert!(!value.iter().any(|octet| b"\r\n\0".contains(octet)), "{value:?}");
            }
        }
        expected.extend_from_slice(b"\r\n");
        let head = builder.build().unwrap();
        assert_eq!(head.as_bytes(), expected, "{}", String::from_utf8_lossy(&expected));
    }
    let empty = RequestHead::builder(Method::GET, "/").header("Host", "a").header("X", "").close();
    let empty = empty.build().unwrap();
    assert_eq!(empty.as_bytes(), b"GET / HTTP/1.1\r\nHost: a\r\nX: \r\nConnection: close\r\n\r\n");
}

#[test]
fn a_connection_can_talk_to_a_parsed_head() {
    let limits = Limits::default();
    let (mut wire, mut inbox, mut out) = (Connection::new(limits), Inbox::new(&limits), Vec::new());
    wire.start(&request(Method::HEAD), &inbox, &mut out).unwrap();
    let (len, head) = RequestHead::parse(&out, &limits).unwrap().unwrap();
    assert_eq!((len, head.method()), (out.len(), &Method::HEAD));
    inbox.push(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::Response(_)))));
    assert!(matches!(wire.next_event(&mut inbox), Ok(Some(Event::End(_)))));
    wire.start(&head, &inbox, &mut Vec::new()).unwrap();
}
