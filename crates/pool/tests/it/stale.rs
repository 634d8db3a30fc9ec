//! Kept connections that turn out to be dead: before they are used, and while a request is on its way (RFC 9112
//! §9.3.1). A request is repeated once at most, and only where that can do no harm.

use crate::support::{Answer, counts, facts, fetch, get, millis, post, request, secs, wire_len, world};
use pool::sim::{Host, Peer, World, ok};
use pool::{Body, Config, Error, ErrorKind, Method, Phase, Pool, Request, Source};
use std::io;
use std::sync::{Arc, Mutex};

const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
    Method::PUT,
    Method::DELETE,
    Method::POST,
    Method::PATCH,
];

/// A pool with one kept connection, whose peer goes on with what is added to its script.
fn kept(config: Config) -> (World, Host, Pool, Peer) {
    let (world, host) = world();
    let peer = host.accept().expect("GET /0").reply(ok("zero"));
    let pool = world.pool(config);
    assert!(fetch(&pool, get("/0")).unwrap().kept);
    (world, host, pool, peer)
}

/// Checks that nothing is left, and that nothing was sent that nobody expected.
fn quiet(world: &World, pool: &Pool) {
    pool.close_idle();
    assert_eq!(counts(pool), (0, 0, 0));
    world.assert_quiet();
}

#[test]
fn f19_a_close_that_is_visible_before_use_costs_no_method_anything() {
    let goodbye = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let ends: [(&str, fn(&Peer)); 6] = [
        ("FIN", |peer| drop(peer.close())),
        ("half-close", |peer| drop(peer.half_close())),
        ("RST", |peer| drop(peer.reset())),
        ("bytes and FIN", |peer| drop(peer.reply("x").close())),
        ("bytes", |peer| drop(peer.reply("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"))),
        ("f20 408 and FIN", |_| ()),
    ];
    for (name, end) in ends {
        for method in METHODS {
            let (world, host, pool, peer) = kept(Config::default());
            end(&peer);
            if name.starts_with("f20") {
                peer.reply(goodbye).close();
            }
            world.advance(millis(1));
            host.accept().expect(&format!("{method} /1")).reply("HTTP/1.1 204 No Content\r\n\r\n").expect_close();
            let answer = fetch(&pool, request(method.clone(), "/1", "body")).unwrap();
            assert_eq!((answer.status(), answer.attempts.len(), answer.reused()), (204, 1, false), "{method}, {name}");
            assert!(peer.received().ends_with(b"GET /0 HTTP/1.1\r\nHost: a.example\r\n\r\n"), "{method}, {name}");
            quiet(&world, &pool);
        }
    }
}

#[test]
fn a_reused_connection_that_dies_is_retried_once() {
    let ends: [fn(&Peer); 2] = [|peer| drop(peer.on_next_byte().close()), |peer| drop(peer.on_next_byte().reset())];
    for end in ends {
        for method in METHODS.into_iter().filter(Method::is_idempotent) {
            let (world, host, pool, peer) = kept(Config::default());
            end(&peer);
            host.accept().expect(&format!("{method} /1")).reply("HTTP/1.1 204 No Content\r\n\r\n").expect_close();
            let request = request(method.clone(), "/1", "body");
            let answer = fetch(&pool, request.clone()).unwrap();
            assert_eq!(answer.status(), 204, "{method}");
            let attempts: Vec<_> = answer.attempts.iter().map(|a| (a.reused, a.error, a.bytes_sent)).collect();
            let sent = wire_len(&request);
            assert_eq!(attempts, [(true, Some(ErrorKind::Closed), sent), (false, None, sent)], "{method}");
            quiet(&world, &pool);
        }
    }
}

#[test]
fn f19_post_on_a_stale_connection_is_an_error_and_never_sent_twice() {
    let ends: [fn(&Peer); 2] = [|peer| drop(peer.on_next_byte().close()), |peer| drop(peer.on_next_byte().reset())];
    for end in ends {
        for method in [Method::POST, Method::PATCH] {
            let (world, _host, pool, peer) = kept(Config::default());
            end(&peer);
            let request = request(method.clone(), "/1", "body");
            let sent = wire_len(&request);
            let error = fetch(&pool, request).unwrap_err();
            assert_eq!(facts(&error), (ErrorKind::Closed, Some(Phase::Head), 1), "{method}");
            assert_eq!((error.attempts().last().reused, error.attempts().last().bytes_sent), (true, sent));
            assert!(error.may_have_been_processed() && !error.nothing_sent());
            assert_eq!(world.connections(), 1);
            assert!(error.into_request().is_none());
            quiet(&world, &pool);
        }
    }
}

/// A pool with one kept connection whose peer has stopped reading, so that not one more byte is accepted for it.
fn kept_and_full() -> (World, Host, Pool, Peer) {
    let (world, host) = world();
    let first = wire_len(&get("/0")) as usize;
    world.send_buffer(4);
    let peer = host.accept().stop_reading(first - 4).skip(first - 4).reply(ok("zero"));
    let pool = world.pool(Config::default());
    assert!(fetch(&pool, get("/0")).unwrap().kept);
    (world, host, pool, peer)
}

#[test]
fn a_post_of_which_nothing_was_sent_is_retried() {
    let ends: [fn(&Peer); 2] = [|peer| drop(peer.delay(secs(1)).reset()), |peer| drop(peer.delay(secs(1)).close())];
    for end in ends {
        let (world, host, pool, peer) = kept_and_full();
        end(&peer);
        host.accept().expect("POST /1").reply(ok("done")).expect_close();
        let answer = fetch(&pool, post("/1", "body")).unwrap();
        assert_eq!((answer.text(), world.elapsed()), ("done", secs(1)));
        let attempts: Vec<_> = answer.attempts.iter().map(|a| (a.reused, a.error, a.bytes_sent)).collect();
        assert_eq!(attempts, [(true, Some(ErrorKind::Closed), 0), (false, None, wire_len(&post("/1", "body")))]);
        quiet(&world, &pool);
    }
}

#[test]
fn a_request_that_was_not_sent_is_given_back() {
    let (world, _host, pool, peer) = kept_and_full();
    peer.delay(secs(1)).reset();
    let once = post("/1", Body::once(&b"body"[..]));
    let error = fetch(&pool, once).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Closed, Some(Phase::Write), 1), "not replayable, so not retried");
    assert!(error.nothing_sent() && !error.may_have_been_processed());
    assert_eq!(error.into_request().unwrap().method(), Method::POST);
    quiet(&world, &pool);
}

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
fn a_request_is_repeated_once_only() {
    let (world, host, pool, peer) = kept(Config::default());
    peer.on_next_byte().close();
    host.accept().expect("GET /1").close();
    let error = fetch(&pool, get("/1")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Closed, Some(Phase::Head), 2));
    assert!(error.attempts().iter().all(|attempt| attempt.error == Some(ErrorKind::Closed)));
    assert_eq!(world.connections(), 2);
    quiet(&world, &pool);
}

#[test]
fn a_second_idle_connection_is_not_tried_in_place_of_the_dead_one() {
    let (world, host) = world();
    let dead = host.accept().expect("GET /a").reply(ok("a"));
    host.accept().expect("GET /b").reply(ok("b")).on_next_byte().close();
    host.accept().expect("GET /1").reply(ok("one")).expect_close();
    let pool = world.pool(Config::default());
    let (a, b) = (pool.send(get("/a")).unwrap(), pool.send(get("/b")).unwrap());
    drop((a, b));
    dead.on_next_byte().close();
    assert_eq!(pool.counts().idle, 2);
    let answer = fetch(&pool, get("/1")).unwrap();
    assert_eq!((answer.text(), answer.attempts.len(), answer.reused()), ("one", 2, false));
    quiet(&world, &pool);
}

#[test]
fn a_first_connection_that_dies_is_not_retried() {
    let ends: [fn(&Peer); 2] = [|peer| drop(peer.close()), |peer| drop(peer.reset())];
    for end in ends {
        let (world, host) = world();
        end(&host.accept().expect("GET /1"));
        let pool = world.pool(Config::default());
        let error = fetch(&pool, get("/1")).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Closed, Some(Phase::Head), 1));
        assert!(error.may_have_been_processed());
        assert_eq!(world.connections(), 1);
        quiet(&world, &pool);
    }
}

#[test]
fn without_retry_stale_nothing_is_repeated() {
    let (world, _host, pool, peer) = kept(Config::default().retry_stale(false));
    peer.on_next_byte().close();
    let error = fetch(&pool, get("/1")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Closed, Some(Phase::Head), 1));
    assert_eq!(world.connections(), 1);
    quiet(&world, &pool);
}

const GONE: &str = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlate";

#[test]
fn a_408_with_close_on_a_reused_connection_counts_as_no_answer() {
    let (world, host, pool, peer) = kept(Config::default());
    peer.on_next_byte().reply(GONE).close();
    host.accept().expect("GET /1").reply(ok("one")).expect_close();
    let answer = fetch(&pool, get("/1")).unwrap();
    assert_eq!((answer.status(), answer.text(), answer.attempts.len()), (200, "one", 2));
    quiet(&world, &pool);
}

#[test]
fn a_408_is_the_answer_where_the_request_may_not_be_repeated() {
    // A POST; a first use; a 408 that keeps the connection; a pool that does not retry.
    let open = GONE.replace("Connection: close\r\n", "");
    let table: [(bool, Request, &str, Config); 4] = [
        (true, post("/1", "body"), GONE, Config::default()),
        (false, get("/1"), GONE, Config::default()),
        (true, get("/1"), &open, Config::default()),
        (true, get("/1"), GONE, Config::default().retry_stale(false)),
    ];
    for (reuse, request, raw, config) in table {
        let (world, host) = world();
        let peer = host.accept();
        let pool = world.pool(config);
        if reuse {
            peer.expect("GET /0").reply(ok("zero"));
            fetch(&pool, get("/0")).unwrap();
        }
        peer.expect("").reply(raw);
        let answer = fetch(&pool, request).unwrap();
        assert_eq!((answer.status(), answer.text(), answer.attempts.len()), (408, "late", 1));
        assert_eq!((answer.kept, world.connections()), (raw == open, 1));
        quiet(&world, &pool);
    }
}

#[test]
fn one_byte_of_an_answer_ends_the_right_to_retry() {
    let ends: [fn(&Peer); 2] = [|peer| drop(peer.close()), |peer| drop(peer.delay(secs(1)).reset())];
    for end in ends {
        let (world, _host, pool, peer) = kept(Config::default());
        end(&peer.on_next_byte().reply("H"));
        let error = fetch(&pool, get("/1")).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Protocol, Some(Phase::Head), 1), "{error}");
        assert_eq!(error.attempts().last().bytes_received, 1);
        assert_eq!(world.connections(), 1);
        quiet(&world, &pool);
    }
}

#[test]
fn f23_a_path_that_is_lost_while_idle_ends_at_the_idle_limit_and_is_not_retried() {
    let (world, host, pool, _peer) = kept(Config::default());
    host.vanish(true);
    let error = fetch(&pool, get("/1")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Timeout(pool::Limit::Idle), Some(Phase::Head), 1));
    assert_eq!((world.elapsed(), world.open()), (secs(60), 0));
}

#[test]
fn a_retry_gets_no_more_time_than_the_request_had() {
    let (world, host, pool, peer) = kept(Config::default());
    peer.on_next_byte().delay(secs(3)).close();
    host.accept().expect("GET /1").hold();
    let request = get("/1").with_timeouts(pool::Timeouts::default().total(secs(5)));
    let error = fetch(&pool, request).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Timeout(pool::Limit::Total), Some(Phase::Head), 2));
    assert_eq!(world.elapsed(), secs(5));
    assert_eq!(counts(&pool), (0, 0, 0));
}
