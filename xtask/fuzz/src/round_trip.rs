use http_wire::{BodyKind, Connection, Event, Inbox, Limits, Method, RequestBuilder, RequestHead};

/// Every request head that can be built parses to itself, and every body that is sent decodes to itself.
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

/// The first byte chooses the method (bits 0 to 2), the kind of body (bits 3 and 4: none, as long as the body, one
/// byte longer, chunked), close (bit 5), expect (bit 6) and upgrade (bit 7). Then come pieces, each after a byte
/// with its length: the target, and names and values of fields until a name is empty. The rest is the body.
fn decode(mut data: &[u8]) -> Case<'_> {
    const METHODS: [&[u8]; 8] =
        [b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"CONNECT", b"x-$method", b"a\"b"];
    let flags = data.split_off_first().copied().unwrap_or_default();
    let method = METHODS
        .get(usize::from(flags & 7))
        .and_then(|name| Method::from_bytes(name).ok())
        .unwrap_or(Method::GET);
    let target = String::from_utf8_lossy(piece(&mut data));
    let mut builder = RequestHead::builder(method, &target);
    loop {
        let name = piece(&mut data);
        if name.is_empty() {
            break;
        }
        builder = builder.header(String::from_utf8_lossy(name), piece(&mut data));
    }
    let len = data.len() as u64;
    builder = builder.body(match flags >> 3 & 3 {
        0 => BodyKind::None,
        1 => BodyKind::Length(len),
        2 => BodyKind::Length(len + 1),
        _ => BodyKind::Chunked,
    });
    if flags & 32 != 0 {
        builder = builder.close();
    }
    if flags & 64 != 0 {
        builder = builder.expect_continue();
    }
    if flags & 128 != 0 {
        builder = builder.upgrade("proto/1");
    }
    Case { builder, body: data }
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
