use http_wire::{
    Connection, Event, Headers, Inbox, Limits, Method, RecvError, RequestHead, ResponseHead, Reuse,
};

/// Same bytes, any cuts, same transcript, and it is a legal transcript: `Informational* (Response Data* End |
/// Switched)`, or an error at any point.
///
/// The stream is run whole, byte by byte, and cut and read as the data says.
pub fn split_invariance(data: &[u8]) {
    let case = decode(data);
    let whole = transcript(&case, &[case.stream], &[]);
    assert_legal(&whole);
    let bytes: Vec<&[u8]> = case.stream.chunks(1).collect();
    assert_eq!(transcript(&case, &bytes, &[]), whole, "byte by byte");
    assert_eq!(transcript(&case, &pieces(case.stream, case.cuts), case.cuts), whole, "cut");
}

struct Case<'a> {
    request: RequestHead,
    limits: Limits,
    /// Sizes of pieces and of reads, used over and over.
    cuts: &'a [u8],
    stream: &'a [u8],
}

/// The first byte chooses the request (bits 0 and 1: GET, HEAD, CONNECT, GET with an upgrade), small limits (bit 2)
/// and strict framing (bit 3); the second says how many bytes of cuts follow; the rest is the stream.
fn decode(data: &[u8]) -> Case<'_> {
    let (flags, rest) = data.split_first().map_or((0, data), |(flags, rest)| (*flags, rest));
    let (count, rest) = rest.split_first().map_or((0, rest), |(count, rest)| (usize::from(*count), rest));
    let (cuts, stream) = rest.split_at(count.min(rest.len()));
    let request = match flags & 3 {
        1 => RequestHead::builder(Method::HEAD, "/"),
        2 => RequestHead::builder(Method::CONNECT, "a:1"),
        3 => RequestHead::builder(Method::GET, "/").upgrade("x"),
        _ => RequestHead::builder(Method::GET, "/"),
    };
    let request = request.header("Host", "a").build().unwrap_or_else(|error| unreachable!("{error}"));
    let mut limits = Limits::default();
    if flags & 4 != 0 {
        (limits.max_head, limits.max_headers, limits.max_informational) = (64, 3, 1);
        (limits.max_chunk_ext, limits.max_trailers, limits.max_trailer_fields) = (4, 12, 1);
    }
    limits.strict_framing = flags & 8 != 0;
    Case { request, limits, cuts, stream }
}

fn pieces<'a>(mut stream: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let (mut sizes, mut pieces) = (cuts.iter().cycle(), Vec::new());
    while !stream.is_empty() {
        let size = sizes.next().map_or(stream.len(), |cut| usize::from(*cut) + 1);
        let (piece, rest) = stream.split_at(size.min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

#[derive(Debug, PartialEq)]
enum Seen {
    Informational(ResponseHead),
    Response(ResponseHead),
    Body(Vec<u8>),
    End(Option<Headers>, Reuse, Vec<u8>),
    Switched(ResponseHead, Vec<u8>),
    Failed(RecvError),
}

/// All events up to the last one, with adjacent body bytes joined and with what was left of the stream.
fn transcript(case: &Case<'_>, pieces: &[&[u8]], reads: &[u8]) -> Vec<Seen> {
    let (mut wire, mut inbox) = (Connection::new(case.limits), Inbox::new(&case.limits));
    assert_eq!(wire.start(&case.request, &inbox, &mut Vec::new()), Ok(()));
    let (mut pieces, mut reads, mut seen) = (pieces.iter(), reads.iter().cycle(), Vec::new());
    loop {
        let event = match wire.next_event(&mut inbox) {
            Ok(Some(event)) => event,
            Ok(None) => {
                assert!(!inbox.is_eof(), "the end of the stream says something");
                match pieces.next() {
                    Some(piece) => inbox.push(piece),
                    None => inbox.close(),
                }
                continue;
            }
            Err(error) => {
                assert_eq!(wire.next_event(&mut inbox), Err(error), "a fault is sticky");
                seen.push(Seen::Failed(error));
                return seen;
            }
        };
        let left = |inbox: &Inbox| {
            [inbox.bytes()].into_iter().chain(pieces.clone().copied()).flatten().copied().collect()
        };
        match event {
            Event::Informational(head) => seen.push(Seen::Informational(head)),
            Event::Response(head) => seen.push(Seen::Response(head)),
            Event::Data(n) => {
                let body = read(&mut wire, &mut inbox, n, reads.next());
                match seen.last_mut() {
                    Some(Seen::Body(before)) => before.extend(body),
                    _ => seen.push(Seen::Body(body)),
                }
            }
            Event::End(end) => {
                assert_eq!(end.reuse, wire.reuse());
                seen.push(Seen::End(end.trailers, end.reuse, left(&inbox)));
                return seen;
            }
            Event::Switched(head) => {
                seen.push(Seen::Switched(head, left(&inbox)));
                return seen;
            }
            other => unreachable!("{other:?} during an exchange"),
        }
    }
}

/// Fetches some of `n` announced bytes: all of them, or so many as `size` says, one way or the other.
fn read(wire: &mut Connection, inbox: &mut Inbox, n: usize, size: Option<&u8>) -> Vec<u8> {
    assert_eq!(wire.next_event(inbox), Ok(Some(Event::Data(n))), "unchanged until taken");
    let body = match size.map(|size| usize::from(*size)) {
        Some(size) if size % 2 == 0 => {
            let mut body = vec![0; size / 2 + 1];
            let read = wire.read_body(inbox, &mut body);
            assert!(read.is_ok(), "announced bytes come before any error");
            body.truncate(read.unwrap_or_default());
            body
        }
        Some(size) => wire.take(inbox, size / 2 + 1).to_vec(),
        None => wire.take(inbox, n).to_vec(),
    };
    assert!(!body.is_empty(), "announced bytes are here");
    body
}

fn assert_legal(seen: &[Seen]) {
    let mut rest = seen.iter().skip_while(|seen| matches!(seen, Seen::Informational(_)));
    let legal = match rest.next() {
        Some(Seen::Response(_)) => match rest.next() {
            Some(Seen::Body(_)) => matches!(rest.next(), Some(Seen::End(..) | Seen::Failed(_))),
            next => matches!(next, Some(Seen::End(..) | Seen::Failed(_))),
        },
        first => matches!(first, Some(Seen::Switched(..) | Seen::Failed(_))),
    };
    assert!(legal && rest.next().is_none(), "{seen:?}");
}
