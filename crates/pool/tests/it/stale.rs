//! Kept connections that turn out to be dead: before they are used, and while a request is on its way (RFC 9112
//! §9.3.1). A request is repeated once at most, and only where that can do no harm.

use crate::support::{counts, facts, fetch, get, millis, post, request, secs, wire_len, world};
use pool::sim::{Host, Peer, World, ok};
use pool::{Body, Config, ErrorKind, Method, Phase, Pool, Request};
use std::time::{Duration, SystemTime};

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

/// A request with a body, where the method may have one (RFC 9110 §9.3.8).
fn with_body(method: Method) -> Request {
    let body = if method == Method::TRACE { Body::Empty } else { Body::from("body") };
    request(method, "/1", body)
}

/// How a peer ends a connection.
type End = fn(&Peer);

/// A pool with one kept connection, whose peer goes on with what is added to its script.
pub(crate) fn kept(config: Config) -> (World, Host, Pool, Peer) {
    let (world, host) = world();
    let peer = host.accept().expect("GET /0").reply(ok("zero"));
    let pool = world.pool(config);
    assert!(fetch(&pool, get("/0")).unwrap().kept);
    (world, host, pool, peer)
}

/// Checks that nothing is left, and that nothing was sent that nobody expected.
pub(crate) fn quiet(world: &World, pool: &Pool) {
    pool.close_idle();
    assert_eq!(counts(pool), (0, 0, 0));
    world.assert_quiet();
}

#[test]
fn f19_a_close_that_is_visible_before_use_costs_no_method_anything() {
    let goodbye = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let ends: [(&str, End); 6] = [
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
            host.accept()
                .expect(&format!("{method} /1"))
                .reply("HTTP/1.1 204 No Content\r\n\r\n")
                .expect_close();
            let answer = fetch(&pool, with_body(method.clone())).unwrap();
            assert_eq!(
                (answer.status(), answer.attempts.len(), answer.reused()),
                (204, 1, false),
                "{method}, {name}"
            );
            assert!(
                peer.received().ends_with(b"GET /0 HTTP/1.1\r\nHost: a.example\r\n\r\n"),
                "{method}, {name}"
            );
            quiet(&world, &pool);
        }
    }
}

#[test]
fn a_reused_connection_that_dies_is_retried_once() {
    let ends: [End; 2] = [|peer| drop(peer.on_next_byte().close()), |peer| drop(peer.on_next_byte().reset())];
    for end in ends {
        for method in METHODS.into_iter().filter(Method::is_idempotent) {
            let (world, host, pool, peer) = kept(Config::default());
            end(&peer);
            host.accept()
                .expect(&format!("{method} /1"))
                .reply("HTTP/1.1 204 No Content\r\n\r\n")
                .expect_close();
            let request = with_body(method.clone());
            let answer = fetch(&pool, request.clone()).unwrap();
            assert_eq!(answer.status(), 204, "{method}");
            let attempts: Vec<_> =
                answer.attempts.iter().map(|a| (a.reused, a.error, a.bytes_sent)).collect();
            let sent = wire_len(&request);
            assert_eq!(attempts, [(true, Some(ErrorKind::Closed), sent), (false, None, sent)], "{method}");
            quiet(&world, &pool);
        }
    }
}

#[test]
fn f19_post_on_a_stale_connection_is_an_error_and_never_sent_twice() {
    let ends: [End; 2] = [|peer| drop(peer.on_next_byte().close()), |peer| drop(peer.on_next_byte().reset())];
    for end in ends {
        for method in [Method::POST, Method::PATCH] {
            let (world, _host, pool, peer) = kept(Config::default());
            end(&peer);
            let request = with_body(method.clone());
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
    let ends: [End; 2] = [|peer| drop(peer.delay(secs(1)).reset()), |peer| drop(peer.delay(secs(1)).close())];
    for end in ends {
        let (world, host, pool, peer) = kept_and_full();
        end(&peer);
        host.accept().expect("POST /1").reply(ok("done")).expect_close();
        let answer = fetch(&pool, post("/1", "body")).unwrap();
        assert_eq!((answer.text(), world.elapsed()), ("done", secs(1)));
        let attempts: Vec<_> = answer.attempts.iter().map(|a| (a.reused, a.error, a.bytes_sent)).collect();
        assert_eq!(
            attempts,
            [(true, Some(ErrorKind::Closed), 0), (false, None, wire_len(&post("/1", "body")))]
        );
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
    let ends: [End; 2] = [|peer| drop(peer.close()), |peer| drop(peer.reset())];
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
    let ends: [End; 2] = [|peer| drop(peer.close()), |peer| drop(peer.delay(secs(1)).reset())];
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

#[test]
fn f19_around_the_moment_at_which_the_server_closes_nothing_is_lost_or_doubled() {
    for method in [Method::GET, Method::POST] {
        let mut ends = Vec::new();
        for quarter in 0..=24 {
            let (world, host, pool, peer) = kept(Config::default());
            host.latency(millis(2));
            host.accept_all(|_| pool::sim::Reply::ok("fresh"));
            // The FIN leaves after 100 ms and is here 2 ms later; the request leaves from 98 to 104 ms.
            peer.delay(millis(100)).close();
            world.advance(millis(98) + Duration::from_micros(250) * quarter);
            let result = fetch(&pool, request(method.clone(), "/1", "body"));
            if let Err(error) = &result {
                assert_eq!(facts(error), (ErrorKind::Closed, Some(Phase::Head), 1));
                assert!(error.may_have_been_processed() && world.connections() == 1);
            }
            ends.push(result.map(|answer| (answer.text().to_owned(), answer.attempts.len())).ok());
        }
        let late = if method == Method::GET { Some(("fresh".to_owned(), 2)) } else { None };
        let seen = Some(("fresh".to_owned(), 1));
        assert_eq!(ends[..16], vec![late; 16], "{method}: the FIN was not here yet");
        assert_eq!(ends[16..], vec![seen; 9], "{method}: it was seen before the request was sent");
    }
}

#[test]
fn f22_a_jump_of_the_wall_clock_is_nothing_to_a_kept_connection() {
    let day = secs(86_400);
    for jump in [|now, day| now + day, |now: SystemTime, day| now - day] {
        let (world, _host, pool, peer) = kept(Config::default());
        peer.expect("GET /1").reply(ok("one"));
        world.advance(secs(59));
        world.set_wall(jump(world.wall(), day));
        assert!(fetch(&pool, get("/1").with_deadline(world.now() + secs(1))).unwrap().reused());
        assert_eq!(pool.driver().unwrap().wall(), world.wall());
        quiet(&world, &pool);
    }
}
