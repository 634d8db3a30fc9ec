//! What is written reads back as what was meant.

use http_wire::{BodyKind, Connection, Event, Inbox, Limits, Method, RequestHead};
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

proptest! {
    #[test]
    fn i9_every_head_that_builds_parses_to_itself(
        method in "[A-Z]{1,8}",
        target in prop_oneof!["/[!-~]{0,20}", "[!-~]{0,20}", Just("*".to_owned()), Just("a:1".to_owned())],
        fields in proptest::collection::vec((names(), values()), 0..8),
        (kind, at, close, expect, upgrade) in (kinds(), 0usize..8, any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut builder = RequestHead::builder(method, &target).header("Host", "a.test");
        for (i, (name, value)) in fields.iter().enumerate() {
            if i == at { builder = builder.body(kind); }
            builder = builder.header(name, value);
        }
        if at >= fields.len() { builder = builder.body(kind); }
        if close { builder = builder.close(); }
        if expect { builder = builder.expect_continue(); }
        if upgrade { builder = builder.upgrade("h2c"); }
        if let Ok(head) = builder.build() {
            let bytes = [head.as_bytes(), b"rest"].concat();
            let parsed = RequestHead::parse(&bytes, &Limits::default()).unwrap();
            prop_assert_eq!(parsed, Some((head.as_bytes().len(), head.clone())));
            prop_assert_eq!(head.headers().len(), head.as_bytes().split(|&b| b == b'\n').count() - 3);
        }
    }
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
    let head = RequestHead::builder(Method::GET, "/")
        .header("Host", "a")
        .header("X", b"\x80\xff")
        .close()
        .build()
        .unwrap();
    let text: Vec<u8> = head.as_bytes().to_vec();
    let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').collect();
    for line in &lines[1..lines.len() - 2] {
        assert!(line.ends_with(b"\r") && line.windows(2).any(|pair| pair == b": "));
    }
    assert!(text.ends_with(b"\r\n\r\n"));
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
