//! Bodies that are sent again: from where they began, or not at all.

use crate::stale::{kept, quiet};
use crate::support::{Answer, Run, counts, facts, fetch, post, request, world};
use pool::sim::{Reply, World, ok};
use pool::{Body, Config, Error, ErrorKind, Method, Phase, Pool, Source};
use std::io;
use std::sync::{Arc, Mutex};

/// A source in memory that can go back to its start, or says that it can.
struct Rewindable {
    bytes: &'static [u8],
    at: usize,
    can: bool,
    log: Arc<Mutex<Vec<String>>>,
}

impl Source for Rewindable {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(2).min(self.bytes.len() - self.at);
        buf[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(self.at as u64)
    }

    fn rewind(&mut self, mark: u64) -> io::Result<()> {
        self.log.lock().unwrap().push(format!("from {} to {mark}", self.at));
        if !self.can {
            return Err(io::Error::other("torn tape"));
        }
        self.at = mark as usize;
        Ok(())
    }
}

/// Sends a PUT with such a body over a connection that dies under it.
fn put_rewindable(can: bool) -> (World, Pool, Result<Answer, Error>, Vec<String>) {
    let (world, host, pool, peer) = kept(Config::default());
    let log = Arc::new(Mutex::new(Vec::new()));
    // It starts in the middle: that is where it has to go back to.
    let source = Rewindable { bytes: b"--a body", at: 2, can, log: log.clone() };
    peer.on_next_byte().close();
    if can {
        let other = host.accept().expect("PUT /1").reply(ok("done")).expect_close();
        let result = fetch(&pool, request(Method::PUT, "/1", Body::reader(source)));
        assert!(other.received().ends_with(b"\r\n\r\n2\r\na \r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"));
        return (world, pool, result, log.lock().unwrap().clone());
    }
    let result = fetch(&pool, request(Method::PUT, "/1", Body::reader(source)));
    let log = log.lock().unwrap().clone();
    (world, pool, result, log)
}

#[test]
fn a_streamed_body_is_rewound_to_where_it_began() {
    let (world, pool, result, log) = put_rewindable(true);
    let answer = result.unwrap();
    assert_eq!((answer.text(), answer.attempts.len()), ("done", 2));
    assert_eq!(log, ["from 8 to 2"]);
    quiet(&world, &pool);
}

#[test]
fn a_body_that_cannot_go_back_after_all_is_an_error_of_its_source() {
    let (world, pool, result, log) = put_rewindable(false);
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Io, Some(Phase::Write)));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "torn tape");
    assert_eq!((log.len(), world.connections()), (1, 1));
    quiet(&world, &pool);
}

#[test]
fn a_body_that_can_be_read_once_is_not_sent_twice() {
    let (world, _host, pool, peer) = kept(Config::default());
    peer.on_next_byte().close();
    let error = fetch(&pool, request(Method::PUT, "/1", Body::once(&b"body"[..]))).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Closed, Some(Phase::Head), 1));
    assert_eq!(world.connections(), 1);
    quiet(&world, &pool);
}

#[test]
fn a_request_sent_twice_has_the_same_body_twice() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(std::str::from_utf8(received.body()).unwrap()));
    let pool = world.pool(Config::default());
    let source = Rewindable { bytes: b"--a body", at: 2, can: true, log: Arc::default() };
    for request in [post("/", "a body"), post("/", Body::reader(source))] {
        for _ in 0..3 {
            assert_eq!(fetch(&pool, request.clone()).unwrap().text(), "a body");
        }
    }
}

#[test]
fn a_body_that_was_read_already_is_an_error_and_not_an_empty_body() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(std::str::from_utf8(received.body()).unwrap()));
    let pool = world.pool(Config::default());
    for body in [Body::once(&b"a body"[..]), Body::sized(&b"a body"[..], 6)] {
        let request = post("/", body);
        assert_eq!(fetch(&pool, request.clone()).unwrap().text(), "a body");
        let error = fetch(&pool, request).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Io, Some(Phase::Write), 1));
        assert_eq!(counts(&pool), (0, 0, 0));
    }
}

#[test]
fn one_source_sent_twice_at_once_is_an_error_and_never_a_mixture() {
    static BYTES: [u8; 40_000] = [b'x'; 40_000];
    let (world, host) = world();
    host.accept_all(|request| {
        assert!(request.body().is_empty() || request.body() == BYTES);
        Reply::ok(&request.body().len().to_string())
    });
    // A client that can send little at a time, so that both are under way together.
    world.send_buffer(1000);
    let pool = world.pool(Config::default());
    let source = Rewindable { bytes: &BYTES, at: 0, can: true, log: Arc::default() };
    let put = request(Method::PUT, "/1", Body::reader(source));
    let mut run = Run::new(&pool);
    let ids = [run.start(put.clone()), run.start(put.clone())];
    run.finish();
    let results: Vec<_> = ids.into_iter().map(|id| run.end(id)).collect();
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(
        std::error::Error::source(error).unwrap().downcast_ref::<io::Error>().unwrap().kind(),
        io::ErrorKind::ResourceBusy
    );
    assert_eq!(results[0].as_ref().unwrap().text(), "40000");
    // One after the other is fine: the second time starts at the beginning.
    assert_eq!(fetch(&pool, put).unwrap().text(), "40000");
    drop(run);
    quiet(&world, &pool);
}

#[test]
fn a_body_that_is_scanned_is_left_as_it_was_and_one_that_is_sent_cannot_be() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let rewindable = |can| Body::reader(Rewindable { bytes: b"--a body", at: 2, can, log: log.clone() });
    let scanned = |body: &Body| {
        let mut seen = Vec::new();
        body.scan(|piece| seen.extend_from_slice(piece)).map(|()| String::from_utf8(seen).unwrap())
    };
    let body = rewindable(true);
    for _ in 0..2 {
        assert_eq!(scanned(&body).unwrap(), "a body");
    }
    assert_eq!(*log.lock().unwrap(), ["from 8 to 2", "from 8 to 2"], "no more often than there is need");
    assert_eq!(scanned(&Body::from("bytes")).unwrap(), "bytes");
    assert_eq!(scanned(&Body::Empty).unwrap(), "");
    assert_eq!(scanned(&rewindable(false)).unwrap_err().to_string(), "torn tape");
    let once = scanned(&Body::once(&b"once"[..])).unwrap_err();
    assert_eq!(once.kind(), io::ErrorKind::Unsupported);

    let (world, host) = world();
    host.accept_all(|_| Reply::ok(""));
    let nosy = Nosy { itself: Arc::default(), found: Arc::default() };
    let (itself, found) = (nosy.itself.clone(), nosy.found.clone());
    let body = Body::reader(nosy);
    *itself.lock().unwrap() = Some(body.clone());
    fetch(&world.pool(Config::default()), request(Method::PUT, "/", body)).unwrap();
    assert_eq!(*found.lock().unwrap(), Some(io::ErrorKind::ResourceBusy));
}

/// A source that scans the body it is while that is sent.
struct Nosy {
    itself: Arc<Mutex<Option<Body>>>,
    found: Arc<Mutex<Option<io::ErrorKind>>>,
}

impl Source for Nosy {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        if let Some(body) = self.itself.lock().unwrap().take() {
            *self.found.lock().unwrap() = body.scan(|_| {}).err().map(|why| why.kind());
        }
        Ok(0)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(0)
    }

    fn rewind(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
