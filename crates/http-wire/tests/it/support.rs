//! Runs a response stream through a connection in every way that must not make a difference, and writes down
//! what was seen.

use http_wire::{
    Connection, Event, Headers, Inbox, Limits, Method, RecvError, RequestHead, ResponseHead, Reuse,
};

/// One step of an exchange; adjacent body bytes are one step, however they came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Informational(ResponseHead),
    Response(ResponseHead),
    Body(Vec<u8>),
    End(Option<Headers>, Reuse),
    Switched(ResponseHead),
    Failed(RecvError),
}

/// All of an exchange, to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transcript {
    pub(crate) seen: Vec<Seen>,
    /// The bytes of the stream that were not consumed; those after an error mean nothing and are left out.
    pub(crate) left: Vec<u8>,
    /// What the connection says about itself afterwards.
    pub(crate) reuse: Reuse,
    pub(crate) idle: bool,
}

impl Transcript {
    pub(crate) fn response(&self) -> &ResponseHead {
        let head = self.seen.iter().find_map(|seen| match seen {
            Seen::Response(head) | Seen::Switched(head) => Some(head),
            _ => None,
        });
        head.unwrap_or_else(|| panic!("no response in {self:?}"))
    }

    pub(crate) fn body(&self) -> &[u8] {
        let body = self
            .seen
            .iter()
            .find_map(|seen| if let Seen::Body(body) = seen { Some(body.as_slice()) } else { None });
        body.unwrap_or_default()
    }

    pub(crate) fn interim(&self) -> Vec<u16> {
        let interim = self.seen.iter().filter_map(|seen| match seen {
            Seen::Informational(head) => Some(head.status().as_u16()),
            _ => None,
        });
        interim.collect()
    }

    pub(crate) fn error(&self) -> Option<RecvError> {
        if let Some(Seen::Failed(error)) = self.seen.last() { Some(*error) } else { None }
    }

    pub(crate) fn end(&self) -> Option<(Option<&Headers>, Reuse)> {
        if let Some(Seen::End(trailers, reuse)) = self.seen.last() {
            Some((trailers.as_ref(), *reuse))
        } else {
            None
        }
    }

    /// `Informational* (Response Data* End | Switched)`, or an error at any point, and nothing else.
    fn assert_grammar(&self) {
        let mut seen = self.seen.iter().skip_while(|seen| matches!(seen, Seen::Informational(_)));
        let mut next = seen.next();
        if let Some(Seen::Response(_)) = next {
            next = seen.next();
            if let Some(Seen::Body(body)) = next {
                assert!(!body.is_empty());
                next = seen.next();
            }
            assert!(matches!(next, Some(Seen::End(..) | Seen::Failed(_))), "{self:?}");
        } else {
            assert!(matches!(next, Some(Seen::Switched(_) | Seen::Failed(_))), "{self:?}");
        }
        assert_eq!(seen.next(), None);
    }
}

/// How body bytes are fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fetch {
    /// `take` all that is announced.
    All,
    /// `take` in pieces of random size.
    Some,
    /// `read_body` into buffers of random size.
    Read,
}

/// A small generator of random numbers: the tests are the same on every run.
#[derive(Clone, Debug)]
pub(crate) struct Lcg(pub(crate) u64);

impl Lcg {
    /// 0 to `below` - 1.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

pub(crate) fn request(method: Method) -> RequestHead {
    let target = if method == Method::CONNECT { "a.test:443" } else { "/" };
    RequestHead::builder(method, target).header("Host", "a.test").build().unwrap()
}

/// A connection that has sent this request.
pub(crate) fn started(request: &RequestHead, limits: Limits) -> Connection {
    let mut wire = Connection::new(limits);
    wire.start(request, &Inbox::new(&limits), &mut Vec::new()).unwrap();
    wire
}

/// What a GET sees of `stream`, after which the server closes; the same whole, byte by byte and randomly cut.
pub(crate) fn get(stream: impl AsRef<[u8]>) -> Transcript {
    run(&request(Method::GET), Limits::default(), stream.as_ref())
}

/// The same for any request.
pub(crate) fn run(request: &RequestHead, limits: Limits, stream: &[u8]) -> Transcript {
    let whole = transcript(request, limits, &[stream], Fetch::All, 0);
    whole.assert_grammar();
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    for fetch in [Fetch::All, Fetch::Read] {
        assert_eq!(
            transcript(request, limits, &bytes, fetch, 1),
            whole,
            "byte by byte, {fetch:?}: {}",
            show(stream)
        );
    }
    for seed in 1..9 {
        let fetch = [Fetch::Some, Fetch::Read][seed as usize % 2];
        let pieces = cut(stream, &mut Lcg(seed));
        assert_eq!(
            transcript(request, limits, &pieces, fetch, seed),
            whole,
            "cut by {seed}: {}",
            show(stream)
        );
    }
    whole
}

/// One pass over the pieces of a stream, then the end of the stream.
pub(crate) fn transcript(
    request: &RequestHead,
    limits: Limits,
    pieces: &[&[u8]],
    fetch: Fetch,
    seed: u64,
) -> Transcript {
    let (mut wire, mut inbox, mut random) = (started(request, limits), Inbox::new(&limits), Lcg(seed));
    let mut seen: Vec<Seen> = Vec::new();
    let mut pieces = pieces.iter();
    loop {
        let step = match wire.next_event(&mut inbox) {
            Ok(None) if inbox.is_eof() => panic!("nothing to say at the end of the stream: {seen:?}"),
            Ok(None) => {
                match pieces.next() {
                    Some(piece) => inbox.push(piece),
                    None => inbox.close(),
                }
                continue;
            }
            Ok(Some(Event::Data(n))) => {
                assert_eq!(wire.next_event(&mut inbox), Ok(Some(Event::Data(n))), "unchanged until taken");
                let body = match fetch {
                    Fetch::All => wire.take(&mut inbox, n).to_vec(),
                    Fetch::Some => wire.take(&mut inbox, 1 + random.below(n)).to_vec(),
                    Fetch::Read => {
                        let mut body = vec![0; 1 + random.below(100)];
                        let n = wire.read_body(&mut inbox, &mut body).unwrap();
                        body.truncate(n);
                        body
                    }
                };
                assert!(!body.is_empty(), "announced bytes are there");
                match seen.last_mut() {
                    Some(Seen::Body(before)) => before.extend(body),
                    _ => seen.push(Seen::Body(body)),
                }
                continue;
            }
            Ok(Some(Event::Informational(head))) => {
                seen.push(Seen::Informational(head));
                continue;
            }
            Ok(Some(Event::Response(head))) => {
                seen.push(Seen::Response(head));
                continue;
            }
            Ok(Some(Event::Switched(head))) => Seen::Switched(head),
            Ok(Some(Event::End(end))) => Seen::End(end.trailers, end.reuse),
            Ok(Some(event)) => panic!("{event:?} after {seen:?}"),
            Err(error) => Seen::Failed(error),
        };
        seen.push(step);
        break;
    }
    if let Some(Seen::Failed(error)) = seen.last() {
        assert_eq!(wire.next_event(&mut inbox), Err(*error), "a fault is sticky");
        inbox.clear();
        pieces = [].iter();
    }
    let left = [inbox.bytes()].into_iter().chain(pieces.copied()).flatten().copied().collect();
    Transcript { seen, left, reuse: wire.reuse(), idle: wire.is_idle() }
}

/// Pieces of random size, mostly small.
pub(crate) fn cut<'a>(mut stream: &'a [u8], random: &mut Lcg) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while !stream.is_empty() {
        let most = [2, 8, 64, 4096][random.below(4)];
        let (piece, rest) = stream.split_at((1 + random.below(most)).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

pub(crate) fn show(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(200)].escape_ascii().to_string()
}
