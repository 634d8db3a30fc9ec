//! Requests that are lost, doubled or cut short by what the other side does, and answers that come early.

use crate::paths::{for_each_first_try, for_each_path};
use crate::support::Stage;
use pool::sim::{Peer, Reply};
use session::{Body, Error, ErrorKind, Method, Streaming};
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead as _, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;
use testbed::encode::gzip;

type After = fn(Peer) -> Peer;

/// What a server does when it has answered in the middle of an upload.
const AFTERWARDS: [(&str, After); 6] = [
    ("shuts down, and drains", |peer| peer.half_close()),
    ("shuts down, and reads no more", |peer| peer.half_close().stop_reading(0)),
    ("closes with a reset after 200 ms", |peer| peer.delay(Duration::from_millis(200)).reset()),
    ("closes with a reset at once", |peer| peer.reset()),
    ("closes at once", |peer| peer.close()),
    ("stays", |peer| peer),
];

#[test]
fn di_2_the_answer_to_an_upload_that_is_not_wanted_is_the_answer_and_no_broken_pipe() {
    const SIZE: u64 = 50 << 20;
    for (name, after) in AFTERWARDS {
        for (status, chunked) in [(413, false), (413, true), (401, false), (200, true)] {
            for_each_first_try(|trip| {
                let context = format!("{:?}, {status}, chunked {chunked}: {name}", trip.path);
                // Bytes that have come before a reset can be read on most systems.
                trip.stage.world.reset_keeps_data(true);
                let host = trip.stage.world.host("a.test", ["10.5.0.1"]);
                let reply = format!("HTTP/1.1 {status} Enough\r\nContent-Length: 5\r\n\r\nlarge");
                let peer = host.accept().expect_head("POST /").skip(64 * 1024).reply(reply);
                after(peer.clone());
                host.accept().expect("GET /next").reply(pool::sim::ok("next"));
                let session = trip.session();
                let source = io::repeat(b'u').take(SIZE);
                let body = if chunked { Body::once(source) } else { Body::sized(source, SIZE) };
                let answer = trip.send(session.post(trip.url("a.test/")).body(body));
                let answer = answer.unwrap_or_else(|error| panic!("{context}: {error}"));
                assert_eq!(
                    (answer.status().as_u16(), answer.text().as_ref()),
                    (status, "large"),
                    "{context}"
                );
                assert_eq!(answer.attempts().len(), 1, "{context}");
                assert_eq!(
                    trip.stage.world.elapsed(),
                    Duration::ZERO,
                    "{context}: nothing else is waited for"
                );
                let (sent, received) = (answer.attempts().last().bytes_sent, peer.received().len());
                assert!(
                    sent < 4 << 20 && received < 4 << 20,
                    "{context}: {sent} bytes were sent, {received} came"
                );
                // What was not sent to its end is the end of its connection.
                let next = trip.send(session.get(trip.url("a.test/next"))).unwrap();
                assert_eq!((next.text().as_ref(), host.connections()), ("next", 2), "{context}");
                assert!(peer.received().len() < 4 << 20, "{context}: the upload went on");
            });
        }
    }
}

#[test]
fn di_3_a_post_is_never_sent_twice_and_a_get_at_most_twice_on_every_way() {
    for_each_first_try(|trip| {
        // The first request of a connection is answered, the second read and left without an answer.
        let mut connections = HashSet::new();
        trip.stage.host("a.test", move |r| {
            if connections.insert(r.connection()) { Reply::ok("ok") } else { Reply::raw([]).close() }
        });
        let session = trip.session();
        for id in 0..40 {
            let method = if id % 2 == 0 { Method::POST } else { Method::GET };
            let request = session.request(method.clone(), trip.url(&format!("a.test/{id}")));
            let result = trip.send(if method == Method::POST { request.body("once") } else { request });
            match (method, result) {
                (_, Ok(response)) => assert_eq!(response.text(), "ok", "{:?} {id}", trip.path),
                (Method::POST, Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Closed, "{:?} {id}: {error}", trip.path);
                    assert!(error.may_have_been_processed(), "{:?} {id}", trip.path);
                }
                (_, Err(error)) => panic!("{:?} {id}: {error}", trip.path),
            }
        }
        let mut times = HashMap::new();
        for line in trip.stage.lines() {
            *times.entry(line).or_insert(0) += 1;
        }
        assert_eq!(times.len(), 40, "{:?}", trip.path);
        let most = |method: &str| times.iter().filter(|(l, _)| l.contains(method)).map(|(_, n)| *n).max();
        assert_eq!((most(" POST "), most(" GET ")), (Some(1), Some(2)), "{:?}", trip.path);
    });
}

#[test]
fn di_3_of_ten_thousand_lost_posts_each_is_seen_once_and_of_as_many_gets_each_twice() {
    const ROUNDS: usize = 20_000;
    let stage = Stage::new();
    stage.host("a.example", |r| if r.target() == "/kept" { Reply::ok("") } else { Reply::raw("").close() });
    let session = stage.session();
    for n in 0..ROUNDS {
        let method = if n % 2 == 0 { "POST" } else { "GET" };
        session.get("http://a.example/kept").send().unwrap();
        let error = session.request(method, format!("http://a.example/{n}")).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    let mut seen = vec![0; ROUNDS];
    for request in stage.seen() {
        if let Ok(n) = request.target().trim_start_matches('/').parse::<usize>() {
            seen[n] += 1;
        }
    }
    assert!(seen.iter().step_by(2).all(|times| *times == 1), "a POST came twice, or not at all");
    assert!(seen.iter().skip(1).step_by(2).all(|times| *times == 2), "a GET is sent once more, and no more");
}

/// A source that gives so many bytes and then does this, for ever.
struct Source(usize, fn() -> io::Result<usize>);

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.min(buf.len());
        buf[..n].fill(b'x');
        self.0 -= n;
        if n == 0 { self.1() } else { Ok(n) }
    }
}

/// One that has a byte more than it announces.
struct OneMore(Source);

impl session::Source for OneMore {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.0.0 as u64 - 1)
    }
}

fn fails() -> io::Result<usize> {
    Err(io::Error::other("the disk is gone"))
}

fn panics() -> io::Result<usize> {
    // Without a word on standard error.
    resume_unwind(Box::new("the caller's own panic"))
}

/// A body that cannot be sent, each time anew.
type Make<'a> = &'a dyn Fn() -> Body;

#[test]
fn di_4_a_source_that_fails_or_panics_leaves_a_request_that_no_server_takes_for_whole() {
    for good in [0, 1, 1000, 65_536, 100_000, 199_999] {
        let pieces = move |end: fn() -> io::Result<usize>| {
            let end = std::iter::once_with(move || end().map(|_| Vec::new()));
            std::iter::once(Ok(vec![b'x'; good])).chain(end)
        };
        let bodies: [(&str, Make<'_>, Option<ErrorKind>); 9] = [
            ("chunked, fails", &|| Body::once(Source(good, fails)), Some(ErrorKind::Io)),
            ("sized, fails", &|| Body::sized(Source(good, fails), 200_000), Some(ErrorKind::Io)),
            ("pieces, fail", &|| Body::try_chunks(pieces(fails)), Some(ErrorKind::Io)),
            ("chunked, panics", &|| Body::once(Source(good, panics)), None),
            ("sized, panics", &|| Body::sized(Source(good, panics), 200_000), None),
            ("pieces, panic", &|| Body::try_chunks(pieces(panics)), None),
            ("ends early", &|| Body::sized(Source(good, || Ok(0)), 200_000), Some(ErrorKind::Body)),
            ("ends late", &|| Body::reader(OneMore(Source(good + 1, || Ok(0)))), Some(ErrorKind::Body)),
            ("a watch panics", &|| Body::bytes(vec![b'x'; 200_000]).watched(|_, _| drop(panics())), None),
        ];
        for (name, body, kind) in bodies {
            for_each_first_try(|trip| {
                let context = format!("{:?}, {good} bytes, {name}", trip.path);
                trip.stage.host("a.test", |_| Reply::ok("ok"));
                let session = trip.session();
                // On a new connection, and on one that has served.
                for _ in 0..2 {
                    let request = session.put(trip.url("a.test/")).body(body());
                    let sent = catch_unwind(AssertUnwindSafe(|| trip.send(request)));
                    let error = sent.map(Result::unwrap_err).ok();
                    assert_eq!(error.as_ref().map(Error::kind), kind, "{context}: {error:?}");
                    let said = error.is_none_or(|error| error.to_string().contains("the disk is gone"));
                    assert!(said || kind == Some(ErrorKind::Body), "{context}");
                    assert!(
                        trip.stage.lines().iter().all(|line| line == "a.test GET /"),
                        "{context}: it looked whole"
                    );
                    trip.stage.world.advance(Duration::ZERO);
                    assert_eq!((session.pool().counts().open, trip.stage.world.open()), (0, 0), "{context}");
                    assert_eq!(
                        trip.send(session.get(trip.url("a.test/"))).unwrap().text(),
                        "ok",
                        "{context}"
                    );
                }
            });
        }
    }
}

/// Reads a stream to its end: what went wrong, if anything did.
type Style = fn(Streaming) -> Result<(), Error>;

/// The error inside of one of reading.
fn inner(error: io::Error) -> Error {
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
    error.downcast().unwrap()
}

const STYLES: [(&str, Style); 12] = [
    ("into_response", |stream| stream.into_response().map(drop)),
    ("copy_to", |mut stream| stream.copy_to(&mut io::sink()).map(drop)),
    ("io::copy", |mut stream| io::copy(&mut stream, &mut io::sink()).map(drop).map_err(inner)),
    ("read_to_end", |mut stream| stream.read_to_end(&mut Vec::new()).map(drop).map_err(inner)),
    ("read_to_string", |mut stream| stream.read_to_string(&mut String::new()).map(drop).map_err(inner)),
    ("read_exact", |mut stream| stream.read_exact(&mut [0; 20]).map_err(inner)),
    ("read", |mut stream| {
        loop {
            match stream.read(&mut [0; 3]) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    assert!((0..3).all(|_| stream.read(&mut [0; 3]).is_err()), "it never becomes an end");
                    assert!(stream.into_response().is_err(), "nor an answer");
                    return Err(inner(error));
                }
            }
        }
    }),
    ("fill_buf", |stream| {
        let mut stream = BufReader::new(stream);
        loop {
            match stream.fill_buf().map(<[u8]>::len) {
                Ok(0) => return Ok(()),
                Ok(n) => stream.consume(n),
                Err(error) => return Err(inner(error)),
            }
        }
    }),
    ("lines", |stream| stream.lines().try_for_each(|line| line.map(drop))),
    ("split", |stream| stream.split("4").try_for_each(|piece| piece.map(drop))),
    ("chunks", |mut stream| stream.chunks().try_for_each(|piece| piece.map(drop))),
    ("chunks_of", |mut stream| stream.chunks_of(5).try_for_each(|piece| piece.map(drop))),
];

#[test]
fn di_1_a_body_cut_short_is_an_error_in_every_style_on_every_way() {
    for_each_path(|trip| {
        // What has come is JSON, and text.
        trip.stage
            .host("a.test", |_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n12345").close());
        let check = |style: &str, error: Error| {
            let context = format!("{:?}, {style}: {error}", trip.path);
            assert_eq!(error.kind(), ErrorKind::Body, "{context}");
            assert!(error.may_have_been_processed(), "{context}");
            assert!(context.contains(" 5 ") && context.contains("20"), "{context}");
        };
        let url = trip.url("a.test/");
        for (style, read) in STYLES {
            let stream = trip.session().get(&url).stream().unwrap();
            check(
                style,
                read(stream).map(|()| panic!("{:?}: {style} is content with it", trip.path)).unwrap_err(),
            );
        }
        if trip.retried() {
            // A body that is read whole and cut short is a reason to try again, too, and there is no end of it here.
            return;
        }
        let get = || trip.session().get(&url);
        check("bytes", get().send().map(|r| r.into_bytes()).unwrap_err());
        check("text", get().send().map(|r| r.text().into_owned()).unwrap_err());
        check("json", get().send().and_then(|r| r.json::<u32>()).unwrap_err());
        let session = trip.session();
        check("send_all", session.send_all([session.get(&url)]).into_iter().next().unwrap().unwrap_err());
        check("as_completed", session.as_completed([session.get(&url)]).next().unwrap().1.unwrap_err());
    });
}

#[test]
fn di_1_wherever_it_is_cut_and_however_it_ends_and_whatever_is_around_it() {
    let sized = |head: &str, body: &[u8]| {
        [format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    };
    let zipped = gzip(b"12345678901234567890");
    for (name, whole) in [
        ("plain", sized("200 OK", b"12345678901234567890")),
        ("an error", sized("404 Not Found", b"12345678901234567890")),
        ("a part", sized("206 Partial\r\nContent-Range: bytes 0-19/99", b"12345678901234567890")),
        ("to be closed", sized("200 OK\r\nConnection: close", b"12345678901234567890")),
        ("coded", sized("200 OK\r\nContent-Encoding: gzip", &zipped)),
        (
            "in chunks",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n".to_vec(),
        ),
    ] {
        let body = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        for cut in body..whole.len() {
            for reset in [false, true] {
                let context =
                    format!("{name}, cut at {} of {}, reset {reset}", cut - body, whole.len() - body);
                let stage = Stage::new();
                let part = whole[..cut].to_vec();
                stage.host("a.example", move |_| {
                    let reply = Reply::raw(part.clone());
                    if reset { reply.reset() } else { reply.close() }
                });
                stage.world.reset_keeps_data(true);
                let session = stage.session();
                let error = session.get("http://a.example/").send().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Body, "{context}: {error}");
                let mut stream = session.get("http://a.example/").stream().unwrap();
                let error = inner(io::copy(&mut stream, &mut io::sink()).unwrap_err());
                assert_eq!(error.kind(), ErrorKind::Body, "{context}: {error}");
                assert_eq!(session.pool().counts().open, 0, "{context}");
            }
        }
    }
}
