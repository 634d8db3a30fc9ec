use http_wire::{
    Connection, Event, Headers, Inbox, Limits, Method, RecvError, RequestHead, ResponseHead, Reuse,
};

/// Same bytes, any cuts and any way to fetch them, same transcript, and it is a legal transcript: `Informational*
/// (Response Data* End | Switched)`, or an error at any point, and all of that again while the connection is kept.
///
/// The stream is run whole, byte by byte, and cut and read as the data says.
pub fn split_invariance(data: &[u8]) {
    let case = decode(data);
    let run = |cuts, how| transcript(&case, &Fetch { cuts, how, reads: &[] });
    let whole = run(Cuts::Whole, How::Pushed);
    assert_legal(&whole);
    assert_eq!(run(Cuts::Bytes, How::Pushed), whole, "byte by byte");
    let as_told = Fetch { cuts: Cuts::Told(case.cuts), how: case.how, reads: case.cuts };
    assert_eq!(transcript(&case, &as_told), whole, "cut");
}

struct Case<'a> {
    request: RequestHead,
    limits: Limits,
    how: How,
    /// Sizes of pieces and of reads, used over and over.
    cuts: &'a [u8],
    stream: &'a [u8],
}

/// How pieces of the stream get to the connection.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Pushed,
    /// Read by the inbox.
    Filled,
    /// Read past the inbox where that is allowed, pushed otherwise.
    Direct,
    /// Read past the inbox where that is allowed, by the inbox otherwise.
    DirectOrFilled,
}

/// Where the stream is cut.
#[derive(Clone, Copy)]
enum Cuts<'a> {
    Whole,
    Bytes,
    Told(&'a [u8]),
}

struct Fetch<'a> {
    cuts: Cuts<'a>,
    how: How,
    /// Sizes of reads; without them, everything announced is taken.
    reads: &'a [u8],
}

/// The first byte chooses the request (bits 0 and 1: GET, HEAD, CONNECT, GET with an upgrade), small limits (bit 2),
/// strict framing (bit 3) and how pieces are fetched (bits 4 and 5: pushed, filled, direct, both); the second says
/// how many bytes of cuts follow; the rest is the stream.
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
    let how = match flags >> 4 & 3 {
        0 => How::Pushed,
        1 => How::Filled,
        2 => How::Direct,
        _ => How::DirectOrFilled,
    };
    Case { request, limits, how, cuts, stream }
}

fn pieces<'a>(stream: &'a [u8], cuts: Cuts<'_>) -> Vec<&'a [u8]> {
    let cuts = match cuts {
        Cuts::Whole => &[],
        Cuts::Bytes => &[0][..],
        Cuts::Told(cuts) => cuts,
    };
    let (mut rest, mut sizes, mut pieces) = (stream, cuts.iter().cycle(), Vec::new());
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |cut| usize::from(*cut) + 1);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = after;
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

/// All exchanges on one connection, one after the other: what the connection has left of the stream is the answer to
/// the next request, as if the server had waited for it.
fn transcript(case: &Case<'_>, fetch: &Fetch<'_>) -> Vec<Vec<Seen>> {
    let (mut wire, mut stream, mut exchanges) =
        (Connection::new(case.limits), case.stream.to_vec(), Vec::new());
    loop {
        let mut inbox = Inbox::new(&case.limits);
        assert_eq!(wire.start(&case.request, &inbox, &mut Vec::new()), Ok(()));
        let seen = exchange(&mut wire, &mut inbox, &stream, fetch);
        let next = match seen.last() {
            Some(Seen::End(_, Reuse::Keep, left)) if !left.is_empty() => Some(left.clone()),
            _ => None,
        };
        assert_eq!(wire.is_idle(), matches!(seen.last(), Some(Seen::End(_, Reuse::Keep, _))));
        exchanges.push(seen);
        match next {
            Some(left) => stream = left,
            None => return exchanges,
        }
    }
}

/// All events up to the last one, with adjacent body bytes joined and with what was left of the stream.
fn exchange(wire: &mut Connection, inbox: &mut Inbox, stream: &[u8], fetch: &Fetch<'_>) -> Vec<Seen> {
    let pieces = pieces(stream, fetch.cuts);
    let (mut rest, mut reads, mut seen) =
        (Rest { pieces: pieces.iter(), piece: &[] }, fetch.reads.iter().cycle(), Vec::new());
    loop {
        let event = match wire.next_event(inbox) {
            Ok(None) => {
                assert!(!inbox.is_eof(), "the end of the stream says something");
                more(wire, inbox, &mut rest, fetch.how, &mut seen)
            }
            said => said,
        };
        match event {
            Ok(None) => {}
            Ok(Some(Event::Informational(head))) => seen.push(Seen::Informational(head)),
            Ok(Some(Event::Response(head))) => seen.push(Seen::Response(head)),
            Ok(Some(Event::Data(n))) => {
                let body = read(wire, inbox, n, reads.next());
                append(&mut seen, &body);
            }
            Ok(Some(Event::End(end))) => {
                assert_eq!(end.reuse, wire.reuse());
                seen.push(Seen::End(end.trailers, end.reuse, rest.after(inbox)));
                return seen;
            }
            Ok(Some(Event::Switched(head))) => {
                seen.push(Seen::Switched(head, rest.after(inbox)));
                return seen;
            }
            Ok(Some(other)) => unreachable!("{other:?} during an exchange"),
            Err(error) => {
                assert_eq!(wire.next_event(inbox), Err(error), "a fault is sticky");
                seen.push(Seen::Failed(error));
                return seen;
            }
        }
    }
}

/// What has not arrived of a stream.
struct Rest<'a, 'p> {
    pieces: std::slice::Iter<'p, &'a [u8]>,
    /// The piece that is arriving.
    piece: &'a [u8],
}

impl Rest<'_, '_> {
    /// What is left of the stream, in the inbox and outside.
    fn after(&self, inbox: &Inbox) -> Vec<u8> {
        let outside = self.pieces.clone().copied().flatten();
        inbox.bytes().iter().chain(self.piece).chain(outside).copied().collect()
    }
}

/// Lets one piece, or what fits of it, or the end of the stream arrive.
fn more(
    wire: &mut Connection,
    inbox: &mut Inbox,
    rest: &mut Rest<'_, '_>,
    how: How,
    seen: &mut Vec<Seen>,
) -> Result<Option<Event>, RecvError> {
    if rest.piece.is_empty() {
        rest.piece = rest.pieces.next().copied().unwrap_or_default();
    }
    if matches!(how, How::Direct | How::DirectOrFilled)
        && let Some(most) = wire.direct(inbox)
    {
        let n = usize::try_from(most).map_or(rest.piece.len(), |most| most.min(rest.piece.len()));
        append(seen, rest.piece.split_off(..n).unwrap_or_default());
        return wire.note_direct(inbox, n);
    }
    if matches!(how, How::Filled | How::DirectOrFilled) {
        let there_was = !rest.piece.is_empty();
        let n = inbox.fill_from(&mut rest.piece);
        assert!(n.is_ok_and(|n| (n > 0) == there_was), "there is room when there is nothing to say");
    } else if rest.piece.is_empty() {
        inbox.close();
    } else {
        inbox.push(std::mem::take(&mut rest.piece));
    }
    Ok(None)
}

fn append(seen: &mut Vec<Seen>, body: &[u8]) {
    match seen.last_mut() {
        Some(Seen::Body(before)) => before.extend_from_slice(body),
        _ if body.is_empty() => {}
        _ => seen.push(Seen::Body(body.to_vec())),
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

fn assert_legal(exchanges: &[Vec<Seen>]) {
    for seen in exchanges {
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
}
