//! What the tests share: requests from URLs, a blocking fetch that keeps all there is to know, and a driver whose
//! events are collected.

use pool::sim::{Host, World};
use pool::{
    Attempts, Body, BodyReader, Driver, Error, ErrorKind, Event, ExchangeId, Headers, Method, Origin, Phase,
};
use pool::{Pool, Request, ResponseHead, Summary, Timeouts};
use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, Instant};

/// Larger than what makes a read go past the inbox, so that both ways are taken.
const BUFFER: usize = 64 * 1024;

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A world with the host `a.example`.
pub(crate) fn world() -> (World, Host) {
    let world = World::new(7);
    let host = world.host("a.example", ["10.0.0.1"]);
    (world, host)
}

pub(crate) fn request(method: Method, url: &str, body: impl Into<Body>) -> Request {
    let (origin, target) = split(url);
    Request::build(method, origin, target).body(body).finish().unwrap()
}

pub(crate) fn get(url: &str) -> Request {
    request(Method::GET, url, Body::Empty)
}

pub(crate) fn post(url: &str, body: impl Into<Body>) -> Request {
    request(Method::POST, url, body)
}

/// A POST that waits for `100 Continue`.
pub(crate) fn expecting(url: &str, body: impl Into<Body>) -> Request {
    let (origin, target) = split(url);
    Request::build(Method::POST, origin, target).expect_continue().body(body).finish().unwrap()
}

/// Origin and target of a URL; without a scheme it is `http://a.example`.
fn split(url: &str) -> (Origin, &str) {
    let Some((scheme, rest)) = url.split_once("://") else { return (Origin::http("a.example"), url) };
    let path = scheme.len() + 3 + rest.find('/').unwrap();
    (url[..path].parse().unwrap(), &url[path..])
}

/// How many bytes a request has on the wire, if its body is in memory.
pub(crate) fn wire_len(request: &Request) -> u64 {
    request.head().as_bytes().len() as u64 + request.body().len().unwrap()
}

/// Only a total limit.
pub(crate) fn only_total(total: Duration) -> Timeouts {
    Timeouts::default().wait(None).connect(None).idle(None).total(total)
}

/// `len` bytes in which every window of four tells where it is.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len.div_ceil(4)).flat_map(|i| (i as u32).wrapping_mul(0x9E37_79B1).to_le_bytes()).take(len).collect()
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: ResponseHead,
    pub(crate) body: Vec<u8>,
    pub(crate) attempts: Attempts,
    pub(crate) trailers: Option<Headers>,
    pub(crate) kept: bool,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn reused(&self) -> bool {
        self.attempts.last().reused
    }
}

/// Sends a request and reads all of the answer.
pub(crate) fn fetch(pool: &Pool, request: Request) -> Result<Answer, Error> {
    fetch_partly(pool, request).1
}

/// The same, and the body bytes that came before an error.
pub(crate) fn fetch_partly(pool: &Pool, request: Request) -> (Vec<u8>, Result<Answer, Error>) {
    let (head, mut reader) = match pool.send(request) {
        Ok(response) => response.into_parts(),
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut body = Vec::new();
    if let Err(error) = read_on(&mut reader, &mut body) {
        return (body, Err(error));
    }
    let summary = reader.summary().unwrap();
    let (attempts, trailers, kept) = (summary.attempts.clone(), summary.trailers.clone(), summary.kept);
    (body.clone(), Ok(Answer { head, body, attempts, trailers, kept }))
}

/// Reads to the end.
pub(crate) fn read_on(reader: &mut BodyReader, body: &mut Vec<u8>) -> Result<(), Error> {
    let mut buf = vec![0; BUFFER];
    loop {
        match reader.read_some(&mut buf)? {
            0 => return Ok(()),
            n => body.extend_from_slice(&buf[..n]),
        }
    }
}

/// Reads exactly so much.
pub(crate) fn read_exactly(reader: &mut BodyReader, len: usize) -> Vec<u8> {
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    body
}

/// Kind and phase of an error, and how many attempts there were.
pub(crate) fn facts(error: &Error) -> (ErrorKind, Option<Phase>, usize) {
    (error.kind(), error.phase(), error.attempts().len())
}

/// Open, idle and waiting.
pub(crate) fn counts(pool: &Pool) -> (usize, usize, usize) {
    let counts = pool.counts();
    (counts.open, counts.idle, counts.waiting)
}

/// A driver and all it has told of its exchanges. Bodies are read as they come.
pub(crate) struct Run {
    pub(crate) driver: Driver,
    open: BTreeMap<ExchangeId, (Option<ResponseHead>, Vec<u8>)>,
    ended: BTreeMap<ExchangeId, Result<Answer, Error>>,
    /// In the order in which they ended.
    pub(crate) order: Vec<ExchangeId>,
    /// How often the driver was turned.
    pub(crate) turns: usize,
}

impl Run {
    pub(crate) fn new(pool: &Pool) -> Self {
        let driver = pool.driver().unwrap();
        Self { driver, open: BTreeMap::new(), ended: BTreeMap::new(), order: Vec::new(), turns: 0 }
    }

    pub(crate) fn start(&mut self, request: Request) -> ExchangeId {
        let id = self.driver.start(request);
        self.open.insert(id, (None, Vec::new()));
        id
    }

    pub(crate) fn start_on(&mut self, pool: &Pool, request: Request) -> ExchangeId {
        let id = self.driver.start_on(pool, request);
        self.open.insert(id, (None, Vec::new()));
        id
    }

    pub(crate) fn cancel(&mut self, id: ExchangeId) {
        self.driver.cancel(id);
        self.open.remove(&id);
    }

    /// One turn.
    pub(crate) fn turn(&mut self, until: Option<Instant>) {
        self.driver.turn(until).unwrap();
        self.turns += 1;
        while let Some((id, event)) = self.driver.next_event() {
            self.take(id, event);
        }
    }

    /// Goes as far as it can without time passing.
    pub(crate) fn poke(&mut self, world: &World) {
        for _ in 0..32 {
            self.turn(Some(world.now()));
        }
    }

    /// Runs until everything has ended.
    pub(crate) fn finish(&mut self) {
        while !self.driver.is_idle() {
            self.turn(None);
        }
        assert!(self.open.is_empty(), "idle, but nothing was heard of the end of {:?}", self.open.keys());
    }

    /// Runs until this one has ended.
    pub(crate) fn end(&mut self, id: ExchangeId) -> Result<Answer, Error> {
        while !self.has_ended(id) {
            self.turn(None);
        }
        self.ended.remove(&id).unwrap()
    }

    pub(crate) fn has_ended(&self, id: ExchangeId) -> bool {
        self.ended.contains_key(&id)
    }

    fn take(&mut self, id: ExchangeId, event: Event) {
        let entry = self.open.get_mut(&id).unwrap_or_else(|| panic!("{id:?} is over, but: {event:?}"));
        match event {
            Event::Head(head) => {
                assert!(entry.0.replace(head).is_none(), "two heads for {id:?}");
                self.read(id);
            }
            Event::Readable => self.read(id),
            Event::Done(summary) => {
                let (head, body) = self.open.remove(&id).unwrap();
                let Summary { attempts, trailers, kept, .. } = summary;
                let head = head.unwrap_or_else(|| panic!("{id:?} is done without a head"));
                self.settle(id, Ok(Answer { head, body, attempts, trailers, kept }));
            }
            Event::Failed(error) => self.settle(id, Err(error)),
            other => panic!("unknown event {other:?}"),
        }
    }

    fn read(&mut self, id: ExchangeId) {
        let mut buf = vec![0; BUFFER];
        loop {
            match self.driver.read(id, &mut buf) {
                Ok(0) => return,
                Ok(n) => self.open.get_mut(&id).unwrap().1.extend_from_slice(&buf[..n]),
                Err(error) => return self.settle(id, Err(error)),
            }
        }
    }

    fn settle(&mut self, id: ExchangeId, end: Result<Answer, Error>) {
        self.open.remove(&id);
        self.order.push(id);
        assert!(self.ended.insert(id, end).is_none(), "{id:?} ended twice");
    }
}
