//! Request bodies on their way out: all of it once, or visibly not all of it.

use crate::support::{counts, facts, fetch, get, millis, pattern, post, secs, wire_len, world};
use pool::sim::{Fragments, Reply, ok};
use pool::{Body, Config, ErrorKind, Phase, Request, Source};
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TOO_LARGE: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nstop";

/// The three kinds of body with the same content.
fn bodies(content: &[u8]) -> [Body; 3] {
    let (one, two) = (io::Cursor::new(content.to_vec()), io::Cursor::new(content.to_vec()));
    [Body::bytes(content), Body::sized(one, content.len() as u64), Body::once(two)]
}

#[test]
fn a_body_arrives_exactly_whatever_its_kind_and_size() {
    for len in [0, 1, 5, 16 * 1024, 16 * 1024 + 1, 65_536, 1 << 20] {
        let content = pattern(len);
        for body in bodies(&content) {
            let (world, host) = world();
            let got = Arc::new(Mutex::new(Vec::new()));
            let seen = got.clone();
            host.accept_all(move |received| {
                seen.lock().unwrap().push(received.body().to_vec());
                Reply::ok("thanks")
            });
            let pool = world.pool(Config::default());
            let kind = format!("{body:?}");
            let answer = fetch(&pool, post("/", body)).unwrap();
            assert_eq!((answer.text(), answer.kept), ("thanks", true), "{kind}");
            assert!(*got.lock().unwrap() == [content.clone()], "{kind}");
            assert!(fetch(&pool, get("/")).unwrap().reused(), "{kind}");
        }
    }
}

#[test]
fn what_is_in_memory_can_be_looked_at() {
    let [bytes, sized, once] = bodies(b"text");
    assert_eq!(bytes.as_bytes(), Some(&b"text"[..]));
    assert_eq!(Body::Empty.as_bytes(), Some(&b""[..]));
    assert_eq!((sized.as_bytes(), once.as_bytes()), (None, None));
}

#[test]
fn the_framing_follows_from_the_body() {
    let head = "POST / HTTP/1.1\r\nHost: a.example\r\n";
    let sized = |text: &str| format!("{head}Content-Length: {}\r\n\r\n{text}", text.len());
    for (body, wire) in [
        (Body::Empty, format!("{head}\r\n")),
        (Body::bytes(*b""), sized("")),
        (Body::from("hello"), sized("hello")),
        (Body::sized(&b"hello"[..], 5), sized("hello")),
        (
            Body::once(&b"hello"[..]),
            format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        ),
        (Body::once(&b""[..]), format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
    ] {
        let (world, host) = world();
        let peer = host.accept().expect("POST /").reply(ok(""));
        let pool = world.pool(Config::default());
        let answer = fetch(&pool, post("/", body)).unwrap();
        assert_eq!(String::from_utf8(peer.received()).unwrap(), wire);
        assert_eq!(answer.attempts.last().bytes_sent, wire.len() as u64);
    }
}

/// A source that announces that it is empty, and counts how often it is asked.
struct Empty(Arc<AtomicUsize>);

impl Source for Empty {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(0)
    }

    fn remaining(&self) -> Option<u64> {
        Some(0)
    }
}

#[test]
fn a_source_that_announces_nothing_is_asked_once_and_a_reader_for_nothing_never() {
    for (sized, times) in [(false, 1), (true, 0)] {
        let (world, host) = world();
        let peer = host.accept().expect("POST /").reply(ok(""));
        let asked = Arc::new(AtomicUsize::new(0));
        let (source, seen) = (Empty(asked.clone()), asked.clone());
        // A reader may wait for ever where there is nothing, as that of a connection does between two messages.
        let waits = Faulty(0, Box::new(move |_| Ok(seen.fetch_add(1, Ordering::Relaxed))), Arc::default());
        let body = if sized { Body::sized(waits, 0) } else { Body::reader(source) };
        let answer = fetch(&world.pool(Config::default()), post("/", body)).unwrap();
        assert!(answer.kept && peer.received().ends_with(b"Content-Length: 0\r\n\r\n"));
        assert_eq!(asked.load(Ordering::Relaxed), times);
    }
}

#[test]
fn f11_short_writes_interrupts_and_false_alarms_change_nothing() {
    let content = pattern(1 << 18);
    for body in bodies(&content) {
        let (world, host) = world();
        world.short_writes(Fragments::Random);
        world.spurious(200);
        world.interrupts(200);
        let expected = content.clone();
        host.accept_all(move |received| {
            Reply::ok(if received.body() == expected { "same" } else { "other" })
        });
        let pool = world.pool(Config::default());
        assert_eq!(fetch(&pool, post("/", body)).unwrap().text(), "same");
    }
}

/// What a source says when its good bytes are used up.
type Afterwards = Box<dyn FnMut(&mut [u8]) -> io::Result<usize> + Send>;

/// So many good bytes, what comes then, and how often it was dropped.
struct Faulty(u64, Afterwards, Arc<AtomicUsize>);

impl Read for Faulty {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(usize::try_from(self.0).unwrap());
        if n == 0 {
            return (self.1)(buf);
        }
        buf[..n].fill(b's');
        self.0 -= n as u64;
        Ok(n)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.2.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn r6_a_source_that_fails_never_looks_like_one_that_ended() {
    type Ill = fn(&mut [u8]) -> io::Result<usize>;
    let table: [(&str, Ill, ErrorKind, &str); 4] = [
        (
            "short",
            |_| Ok(0),
            ErrorKind::Body,
            "the source of the request body ended before the announced length",
        ),
        (
            "long",
            |buf| Ok(buf.len()),
            ErrorKind::Body,
            "the source of the request body gave more than the announced length",
        ),
        (
            "failing",
            |_| Err(io::Error::other("the disk is on fire")),
            ErrorKind::Io,
            "the source of the request body failed: the disk is on fire",
        ),
        (
            "lying",
            |buf| Ok(buf.len() + 1),
            ErrorKind::Io,
            "the source of the request body failed: the source says it read more than it was given room for",
        ),
    ];
    for (name, ill, kind, words) in table {
        for good in [0, 3, 100_000] {
            for announced in [Some(good + 1), None] {
                // Only an announced length can be missed.
                if announced.is_none() && kind == ErrorKind::Body {
                    continue;
                }
                let (world, host) = world();
                let peer = host.accept().expect_head("POST /").expect_close();
                let drops = Arc::new(AtomicUsize::new(0));
                let source = Faulty(good, Box::new(ill), drops.clone());
                let body = match announced {
                    Some(len) => Body::sized(source, len),
                    None => Body::once(source),
                };
                let pool = world.pool(Config::default());
                let error = fetch(&pool, post("/", body)).unwrap_err();
                assert_eq!(facts(&error), (kind, Some(Phase::Write), 1), "{name}, {good}");
                assert_eq!(error.detail(), words, "{name}, {good}");
                assert!(error.may_have_been_processed() && error.into_request().is_none());
                world.advance(Duration::ZERO);
                let received = peer.received();
                let body = received.len() - received.windows(4).position(|w| w == b"\r\n\r\n").unwrap() - 4;
                assert!(
                    announced.is_none_or(|len| (body as u64) < len),
                    "{name}: {body} bytes of {announced:?}"
                );
                assert!(!received.ends_with(b"0\r\n\r\n"), "{name}: no last chunk");
                assert_eq!(drops.load(Ordering::Relaxed), 1, "{name}: the source is dropped, once");
                assert_eq!(counts(&pool), (0, 0, 0));
                world.assert_quiet();
            }
        }
    }
}

#[test]
fn f14_a_source_that_panics_takes_its_caller_with_it_and_nobody_else() {
    let (world, host) = world();
    let peer = host.accept().expect_head("POST /").expect_close();
    host.accept().expect("GET /").reply(ok("fine"));
    let pool = world.pool(Config::default().max_per_origin(1));
    let source = Faulty(3, Box::new(|_| panic!("on purpose")), Arc::default());
    let result = catch_unwind(AssertUnwindSafe(|| pool.send(post("/", Body::once(source)))));
    assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
    assert_eq!((counts(&pool), world.open()), ((0, 0, 0), 0));
    assert_eq!(fetch(&pool, get("/")).unwrap().text(), "fine");
    assert!(!peer.received().ends_with(b"0\r\n\r\n"), "no last chunk");
    pool.close_idle();
    world.assert_quiet();
}

#[test]
fn a_source_that_is_interrupted_is_asked_again() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(std::str::from_utf8(received.body()).unwrap()));
    let pool = world.pool(Config::default());
    let mut calls = 0;
    let source = Faulty(
        2,
        Box::new(move |_| {
            calls += 1;
            if calls < 3 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(0) }
        }),
        Arc::default(),
    );
    assert_eq!(fetch(&pool, post("/", Body::once(source))).unwrap().text(), "ss");
}

/// An endless source that counts.
struct Endless(Arc<AtomicUsize>);

impl Source for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.fetch_add(buf.len(), Ordering::Relaxed);
        buf.fill(b'e');
        Ok(buf.len())
    }
}

#[test]
fn f17_an_early_answer_stops_the_upload_and_is_returned_at_once() {
    type After = fn(pool::sim::Peer) -> pool::sim::Peer;
    let afterwards: [(&str, After); 5] = [
        ("goes on reading", |peer| peer),
        ("stops reading", |peer| peer.stop_reading(0)),
        ("f16 half-closes", |peer| peer.half_close()),
        ("closes", |peer| peer.close()),
        ("resets", |peer| peer.delay(millis(1)).reset()),
    ];
    for (name, after) in afterwards {
        for (raw, status) in [(TOO_LARGE, 413), ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nstop", 200)] {
            let (world, host) = world();
            let read = Arc::new(AtomicUsize::new(0));
            let first = host.accept().expect_head("POST /").stop_reading(100_000).reply(raw);
            after(first).expect_close();
            host.accept().expect("GET /next").reply(ok("next"));
            let pool = world.pool(Config::default());
            let answer = fetch(&pool, post("/", Body::reader(Endless(read.clone())))).unwrap();
            assert_eq!((answer.status(), answer.text(), answer.kept), (status, "stop", false), "{name}");
            assert_eq!((world.elapsed(), answer.attempts.len()), (Duration::ZERO, 1), "{name}");
            assert!(answer.attempts.last().sent.is_none(), "{name}: it was not all sent");
            assert!(read.load(Ordering::Relaxed) < 1 << 20, "{name}: {read:?} bytes were read");
            assert_eq!(fetch(&pool, get("/next")).unwrap().text(), "next", "{name}: on a new connection");
            pool.close_idle();
            world.advance(secs(1));
            world.assert_quiet();
        }
    }
}

#[test]
fn f01_an_answer_that_came_before_the_reset_is_the_answer() {
    let (world, host) = world();
    world.reset_keeps_data(true);
    host.accept().expect_head("POST /").reply(TOO_LARGE).reset();
    let pool = world.pool(Config::default());
    let answer = fetch(&pool, post("/", pattern(1 << 20))).unwrap();
    assert_eq!((answer.status(), answer.text(), answer.kept), (413, "stop", false));
    assert_eq!((counts(&pool), world.open()), ((0, 0, 0), 0));
}

#[test]
fn f02_an_upload_that_is_cut_off_without_an_answer_is_closed() {
    type End = fn(pool::sim::Peer) -> pool::sim::Peer;
    let ends: [(&str, End); 3] = [
        ("FIN", |peer| peer.close()),
        ("RST", |peer| peer.reset()),
        ("half-close", |peer| peer.half_close()),
    ];
    for (name, end) in ends {
        let (world, host) = world();
        end(host.accept().expect_head("POST /").stop_reading(100_000));
        let pool = world.pool(Config::default());
        let request = post("/", pattern(1 << 20));
        let len = wire_len(&request);
        let error = fetch(&pool, request).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Closed, Some(Phase::Write), 1), "{name}");
        assert!((1..len).contains(&error.attempts().last().bytes_sent), "{name}");
        assert!(error.may_have_been_processed(), "{name}: it has the head");
        assert_eq!((world.elapsed(), world.connections()), (Duration::ZERO, 1), "{name}");
        assert_eq!((counts(&pool), world.open()), ((0, 0, 0), 0));
    }
}

#[test]
fn f06_an_answer_is_heard_while_the_upload_is_stuck() {
    let (world, host) = world();
    host.accept().expect_head("POST /").stop_reading(0).delay(secs(9)).reply(TOO_LARGE);
    let pool = world.pool(Config::default());
    let answer = fetch(&pool, post("/", pattern(1 << 20))).unwrap();
    assert_eq!((answer.status(), world.elapsed(), world.open()), (413, secs(9), 0));
}

#[test]
fn an_answer_to_a_complete_upload_may_come_while_the_kernel_still_sends() {
    // The client has handed over all of it; the peer answers before it has read all.
    let (world, host) = world();
    host.accept().expect_head("POST /").stop_reading(0).reply(ok("early")).resume_reading();
    let pool = world.pool(Config::default());
    let answer = fetch(&pool, post("/", pattern(1000))).unwrap();
    assert_eq!((answer.text(), answer.kept), ("early", true));
}

#[test]
fn a_request_is_refused_when_its_head_announces_another_body() {
    let head = get("/").head().clone();
    let route = get("/").route().clone();
    let error = Request::new(route, head, Body::from("body")).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Config, None));
}

/// A file that everybody may write to.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>, usize);

impl Read for Shared {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.lock().unwrap().get(self.1..).unwrap_or_default().read(buf)?;
        self.1 += n;
        Ok(n)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.1 = match to {
            SeekFrom::Start(at) => at as usize,
            SeekFrom::End(_) => self.0.lock().unwrap().len(),
            SeekFrom::Current(_) => self.1,
        };
        Ok(self.1 as u64)
    }
}

#[test]
fn what_is_appended_to_a_reader_that_seeks_is_not_sent_and_what_is_cut_off_it_is_an_error() {
    for len in [0, 1, 5, 16 * 1024, 100_000] {
        let (world, host) = world();
        let got = Arc::new(Mutex::new(Vec::new()));
        let seen = got.clone();
        host.accept_all(move |received| {
            seen.lock().unwrap().push(received.body().to_vec());
            Reply::ok("")
        });
        let pool = world.pool(Config::default());
        let (content, file) = (pattern(len), Shared::default());
        *file.0.lock().unwrap() = content.clone();
        let body = Body::seekable(file.clone()).unwrap();
        file.0.lock().unwrap().extend_from_slice(b"more");
        for _ in 0..2 {
            // The second time from its start again.
            fetch(&pool, post("/", body.clone())).unwrap();
        }
        assert!(*got.lock().unwrap() == [content.clone(), content], "{len}");
        if len > 0 {
            file.0.lock().unwrap().truncate(len - 1);
            let error = fetch(&pool, post("/", body)).unwrap_err();
            assert_eq!((error.kind(), got.lock().unwrap().len()), (ErrorKind::Body, 2), "{len}: {error}");
        }
    }
}
