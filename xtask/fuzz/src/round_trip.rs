use http_wire::{
    BodyKind, Connection, Event, Headers, Inbox, Limits, Method, Preset, RequestBuilder, RequestHead,
};

/// Every request head that can be built, by whatever calls in whatever order, parses to itself; and every body that
/// is sent decodes to itself.
pub fn round_trip(data: &[u8]) {
    let case = decode(data);
    let Ok(head) = case.builder.build() else { return };
    let limits = roomy();
    let bytes = [head.as_bytes(), b"surplus"].concat();
    assert_eq!(RequestHead::parse(&bytes, &limits), Ok(Some((head.as_bytes().len(), head.clone()))));

    let (mut wire, mut out) = (Connection::new(limits), Vec::new());
    assert_eq!(wire.start(&head, &Inbox::new(&limits), &mut out), Ok(()));
    assert_eq!(out, head.as_bytes());
    out.clear();
    if case.body.len() as u64 > length(head.body()) {
        return assert!(wire.send(case.body, &mut out).is_err() && out.is_empty(), "nothing is half done");
    }
    for piece in case.body.chunk_by(|a, b| a <= b) {
        assert_eq!(wire.send(piece, &mut out), Ok(()));
    }
    if wire.finish(&mut out).is_ok() {
        assert_eq!(received(head.body(), &out), case.body);
    } else {
        assert!((case.body.len() as u64) < length(head.body()) && head.body() != BodyKind::Chunked);
    }
}

struct Case<'a> {
    builder: RequestBuilder,
    body: &'a [u8],
}

/// One call of the builder. `Length` and `OwnLength` are of the body, the former longer by so many bytes.
enum Call<'a> {
    Header(&'a [u8], &'a [u8]),
    Headers(&'a [u8], &'a [u8]),
    Preset(&'a [u8], &'a [u8]),
    NoBody,
    Length(u64),
    Chunked,
    OwnLength,
    OwnCoding,
    Close,
    Expect,
    Upgrade,
}

/// The first byte chooses the method, a piece is the target. Then come calls of the builder, in any order and any
/// number, until a byte of 0: each is a byte, and a name and a value for those that take a field. The rest is the
/// body. A piece is a byte with its length and so many bytes.
fn decode(mut data: &[u8]) -> Case<'_> {
    const METHODS: [&[u8]; 9] =
        [b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"CONNECT", b"x-$method", b"a\"b", b"TRACE"];
    let method = data.split_off_first().map_or(0, |byte| usize::from(*byte));
    let method = METHODS
        .get(method % METHODS.len())
        .and_then(|name| Method::from_bytes(name).ok())
        .unwrap_or(Method::GET);
    let target = String::from_utf8_lossy(piece(&mut data));
    let mut calls = Vec::new();
    while let Some(byte) = data.split_off_first().filter(|byte| **byte != 0) {
        let mut field = || (piece(&mut data), piece(&mut data));
        calls.push(match byte % 12 {
            1 => Call::NoBody,
            2 => Call::Length(0),
            3 => Call::Length(1),
            4 => Call::Chunked,
            5 => Call::OwnLength,
            6 => Call::OwnCoding,
            7 => Call::Close,
            8 => Call::Expect,
            9 => Call::Upgrade,
            kind => {
                let (name, value) = field();
                match kind {
                    10 => Call::Headers(name, value),
                    11 => Call::Preset(name, value),
                    _ => Call::Header(name, value),
                }
            }
        });
    }
    let builder = RequestHead::builder(method, &target);
    let len = data.len() as u64;
    Case { builder: calls.iter().fold(builder, |builder, call| apply(builder, call, len)), body: data }
}

fn apply(builder: RequestBuilder, call: &Call<'_>, len: u64) -> RequestBuilder {
    match *call {
        Call::Header(name, value) => builder.header(String::from_utf8_lossy(name), value),
        Call::Headers(name, value) => builder.headers(&one(name, value)),
        Call::Preset(name, value) => match Preset::new(&one(name, value)) {
            Ok(preset) => builder.preset(&preset),
            Err(_) => builder,
        },
        Call::NoBody => builder.body(BodyKind::None),
        Call::Length(more) => builder.body(BodyKind::Length(len + more)),
        Call::Chunked => builder.body(BodyKind::Chunked),
        Call::OwnLength => builder.header("content-LENGTH", len.to_string()),
        Call::OwnCoding => builder.header("transfer-ENCODING", "Chunked"),
        Call::Close => builder.close(),
        Call::Expect => builder.expect_continue(),
        Call::Upgrade => builder.upgrade("proto/1"),
    }
}

/// This field, or none if it is none.
fn one(name: &[u8], value: &[u8]) -> Headers {
    let mut headers = Headers::new();
    let appended = headers.append(String::from_utf8_lossy(name), value);
    assert_eq!(appended.is_err(), headers.is_empty(), "what is refused changes nothing");
    headers
}

fn piece<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let len = data.split_off_first().map_or(0, |len| usize::from(*len)).min(data.len());
    data.split_off(..len).unwrap_or_default()
}

/// How many bytes a body of this kind may have.
fn length(kind: BodyKind) -> u64 {
    match kind {
        BodyKind::None => 0,
        BodyKind::Length(n) => n,
        BodyKind::Chunked => u64::MAX,
    }
}

/// The body that a client reads if a server sends `bytes` with that framing.
fn received(kind: BodyKind, bytes: &[u8]) -> Vec<u8> {
    let limits = roomy();
    let (mut wire, mut inbox) = (Connection::new(limits), Inbox::new(&limits));
    let request = RequestHead::builder(Method::GET, "/").header("Host", "a").build();
    assert!(request.is_ok_and(|request| wire.start(&request, &inbox, &mut Vec::new()).is_ok()));
    let framing = match kind {
        BodyKind::Chunked => "Transfer-Encoding: chunked".to_owned(),
        _ => format!("Content-Length: {}", bytes.len()),
    };
    inbox.push(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes());
    inbox.push(bytes);
    let mut body = Vec::new();
    loop {
        match wire.next_event(&mut inbox) {
            Ok(Some(Event::Data(n))) => body.extend_from_slice(wire.take(&mut inbox, n)),
            Ok(Some(Event::End(_))) => {
                assert!(inbox.is_empty(), "the end is the end");
                return body;
            }
            Ok(Some(_)) => {}
            other => unreachable!("{other:?}"),
        }
    }
}

/// Limits that no fuzzed head reaches.
fn roomy() -> Limits {
    let mut limits = Limits::default();
    (limits.max_head, limits.max_headers) = (1 << 24, 1 << 16);
    limits
}
