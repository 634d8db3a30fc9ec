//! Proxies that are slow, silent, broken or gone: every end is a typed error in time, and nothing goes around them.

use crate::support::{counts, facts, fetch, get as direct, millis, secs};
use pool::sim::{Fragments, Host, Peer, Reply, World, ok};
use pool::{
    Config, Error, ErrorKind, Limit, Method, Phase, Pool, Proxy, ProxyKind, Request, Route, Timeouts,
};
use std::io;
use std::time::Duration;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 p\r\n\r\n";
const GREETED: &[u8] = &[5, 2];
const LET_IN: &[u8] = &[1, 0];
const CONNECTED: &[u8] = &[5, 0, 0, 3, 3, b'a', b'.', b'b', 0x1f, 0x90];

/// A world with a host `p.example` to be scripted, and the origin `a.example`, which must never be reached.
fn world() -> (World, Host, Pool) {
    let world = World::new(7);
    let host = world.host("p.example", ["10.0.0.1"]);
    world.host("a.example", ["10.1.0.1"]);
    let pool = world.pool(Config::default());
    (world, host, pool)
}

fn proxy(kind: ProxyKind) -> Proxy {
    Proxy::new(kind, "p.example", 3128).with_credentials("u", "s3cret").unwrap()
}

fn get(kind: ProxyKind) -> Request {
    let route = Route::direct("https://a.example".parse().unwrap()).via(proxy(kind));
    Request::get(route, "/").unwrap()
}

fn forwarded() -> Request {
    Request::get(Route::direct("http://a.example".parse().unwrap()).via(proxy(ProxyKind::Http)), "/").unwrap()
}

/// The script of a SOCKS proxy up to what it says to the request.
fn socks(host: &Host) -> Peer {
    let peer = host.accept().expect_bytes([5, 2, 0, 2]).reply(GREETED);
    peer.skip(10).reply(LET_IN).expect_bytes([&[5, 1, 0, 3, 9][..], b"a.example", &[1, 0xbb]].concat())
}

fn connect(host: &Host) -> Peer {
    host.accept().expect("CONNECT a.example:443")
}

/// A Proxy error, with nothing sent, nothing left and no secret told.
fn assert_proxy_error(error: Error, pool: &Pool, phase: Phase) {
    assert_eq!(facts(&error), (ErrorKind::Proxy, Some(phase), 1), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("p.example:3128") && !shown.contains("s3cret") && !shown.contains("dTpz"),
        "{shown}"
    );
    assert!(error.nothing_sent() && !error.may_have_been_processed() && !error.is_timeout());
    assert_eq!(counts(pool), (0, 0, 0));
}

#[test]
fn f23_a_proxy_that_cannot_be_reached_is_a_proxy_error_and_nobody_goes_around_it() {
    for kind in [ProxyKind::Http, ProxyKind::Https, ProxyKind::Socks5, ProxyKind::Socks5h] {
        for request in [
            get(kind),
            Request::get(Route::direct("http://a.example".parse().unwrap()).via(proxy(kind)), "/").unwrap(),
        ] {
            let (world, host, pool) = world();
            host.refuse();
            assert_proxy_error(fetch(&pool, request.clone()).unwrap_err(), &pool, Phase::Connect);
            host.lookup_fails(io::ErrorKind::NotFound);
            assert_proxy_error(fetch(&pool, request).unwrap_err(), &pool, Phase::Resolve);
            assert_eq!(world.connections(), 0);
        }
    }
    let (world, _, pool) = world();
    world.host("a.example", []).lookup_fails(io::ErrorKind::NotFound);
    let error = fetch(&pool, get(ProxyKind::Socks5)).unwrap_err();
    assert_eq!((facts(&error), world.connections()), ((ErrorKind::Resolve, Some(Phase::Resolve), 1), 0));
}

#[test]
fn f03_silence_in_any_phase_ends_at_the_connect_limit_with_that_phase() {
    type Silence = fn(&World, &Host);
    let table: [(ProxyKind, Phase, Silence); 9] = [
        (ProxyKind::Http, Phase::Resolve, |_, host| host.lookup_hangs()),
        (ProxyKind::Http, Phase::Connect, |_, host| host.blackhole()),
        (ProxyKind::Http, Phase::Proxy, |_, host| drop(host.accept().hold())),
        (ProxyKind::Http, Phase::Proxy, |_, host| {
            drop(connect(host).reply(&ESTABLISHED[..ESTABLISHED.len() - 1]).hold())
        }),
        (ProxyKind::Socks5, Phase::Resolve, |world, _| world.host("a.example", []).lookup_hangs()),
        (ProxyKind::Socks5h, Phase::Proxy, |_, host| drop(host.accept().hold())),
        (ProxyKind::Socks5h, Phase::Proxy, |_, host| {
            drop(host.accept().expect_bytes([5, 2, 0, 2]).reply(GREETED).hold())
        }),
        (ProxyKind::Socks5h, Phase::Proxy, |_, host| drop(socks(host).hold())),
        (ProxyKind::Socks5h, Phase::Proxy, |_, host| drop(socks(host).reply(&CONNECTED[..9]).hold())),
    ];
    for (kind, phase, silence) in table {
        let (world, host, pool) = world();
        silence(&world, &host);
        let began = world.elapsed();
        let error = fetch(&pool, get(kind).with_timeouts(Timeouts::default().connect(secs(3)))).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Connect), Some(phase), 1), "{error}");
        assert_eq!((world.elapsed() - began, counts(&pool)), (secs(3), (0, 0, 0)));
        let error = fetch(&pool, get(kind).with_timeouts(Timeouts::default().total(secs(2)))).unwrap_err();
        if phase != Phase::Proxy {
            assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Total), Some(phase), 1), "{error}");
        }
    }
}

#[test]
fn f05_a_dripping_proxy_is_bounded_by_the_connect_limit_and_heard_out_within_it() {
    for (every, limit) in [(millis(10), secs(2)), (secs(1), secs(10))] {
        for kind in [ProxyKind::Http, ProxyKind::Socks5h] {
            let (world, host, pool) = world();
            if kind == ProxyKind::Http {
                connect(&host).drip(ESTABLISHED, every).expect("GET /").reply(ok("one"));
            } else {
                socks(&host).drip(CONNECTED, every).expect("GET /").reply(ok("one"));
            }
            let result = fetch(&pool, get(kind).with_timeouts(Timeouts::default().connect(limit)));
            let bytes = if kind == ProxyKind::Http { ESTABLISHED.len() } else { CONNECTED.len() };
            if every * u32::try_from(bytes).unwrap() <= limit {
                assert_eq!(result.unwrap().text(), "one");
            } else {
                assert_eq!(
                    facts(&result.unwrap_err()),
                    (ErrorKind::Timeout(Limit::Connect), Some(Phase::Proxy), 1)
                );
                assert_eq!(world.elapsed(), limit);
            }
        }
    }
}

#[test]
fn an_end_or_a_reset_at_every_byte_of_the_proxys_answers_is_a_proxy_error() {
    for reset in [false, true] {
        let end = |peer: Peer| if reset { peer.delay(millis(1)).reset() } else { peer.close() };
        for cut in 0..ESTABLISHED.len() {
            let (_world, host, pool) = world();
            end(connect(&host).reply(&ESTABLISHED[..cut]));
            assert_proxy_error(fetch(&pool, get(ProxyKind::Http)).unwrap_err(), &pool, Phase::Proxy);
        }
        for step in 0..3 {
            let answer = [GREETED, LET_IN, CONNECTED][step];
            for cut in 0..answer.len() {
                let (_world, host, pool) = world();
                let peer = host.accept().expect_bytes([5, 2, 0, 2]);
                end(match step {
                    0 => peer.reply(&GREETED[..cut]),
                    1 => peer.reply(GREETED).skip(10).reply(&LET_IN[..cut]),
                    _ => peer.reply(GREETED).skip(10).reply(LET_IN).skip(16).reply(&CONNECTED[..cut]),
                });
                assert_proxy_error(fetch(&pool, get(ProxyKind::Socks5h)).unwrap_err(), &pool, Phase::Proxy);
            }
        }
    }
}

#[test]
fn a_tunnel_that_ends_before_the_request_is_answered_is_the_connections_end_and_not_repeated() {
    let (world, host, pool) = world();
    connect(&host).reply(ESTABLISHED).close();
    let error = fetch(&pool, get(ProxyKind::Http)).unwrap_err();
    assert_eq!((error.kind(), error.attempts().len(), world.connections()), (ErrorKind::Closed, 1, 1));
}

#[test]
fn answers_are_the_same_however_they_are_cut() {
    for fragments in [Fragments::Bytes, Fragments::Random] {
        for kind in [ProxyKind::Http, ProxyKind::Socks5h] {
            let (world, host, pool) = world();
            world.fragment(fragments);
            world.short_writes(fragments);
            world.interrupts(300);
            world.spurious(300);
            match kind {
                ProxyKind::Http => {
                    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n";
                    connect(&host).reply(early).reply(ESTABLISHED).expect("GET /").reply(ok("one"))
                }
                _ => socks(&host).reply(CONNECTED).expect("GET /").reply(ok("one")),
            };
            assert_eq!(fetch(&pool, get(kind)).unwrap().text(), "one");
            drop(pool);
            world.assert_quiet();
        }
    }
}

#[test]
fn f26_framing_fields_of_a_200_to_connect_mean_nothing() {
    for fields in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: x\r\n"] {
        let (_world, host, pool) = world();
        let reply = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        connect(&host).reply(reply).expect("GET /").reply(ok("one"));
        assert_eq!(fetch(&pool, get(ProxyKind::Http)).unwrap().text(), "one");
    }
}

#[test]
fn a_head_beyond_the_limits_is_a_proxy_error() {
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(17);
    for reply in [huge, many] {
        let (_world, host, pool) = world();
        connect(&host).reply(reply).expect_close();
        assert_proxy_error(fetch(&pool, get(ProxyKind::Http)).unwrap_err(), &pool, Phase::Proxy);
    }
}

#[test]
fn the_reasons_of_a_refusal_are_awaited_for_one_second_and_never_beyond_the_limit() {
    for (limit, waited) in [(secs(30), secs(1)), (millis(400), millis(400))] {
        let (world, host, pool) = world();
        connect(&host).reply("HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nbecause").hold();
        let began = world.elapsed();
        let error =
            fetch(&pool, get(ProxyKind::Http).with_timeouts(Timeouts::default().connect(limit))).unwrap_err();
        assert_eq!(error.proxy_status().map(|status| status.as_u16()), Some(403), "{error}");
        assert_eq!((error.proxy_body(), world.elapsed() - began), (&b"because"[..], waited));
    }
    let (world, host, pool) = world();
    let endless = "x".repeat(100_000);
    connect(&host).reply("HTTP/1.1 403 No\r\n\r\n").reply(endless).hold();
    let error = fetch(&pool, get(ProxyKind::Http)).unwrap_err();
    assert_eq!((error.proxy_body().len(), world.elapsed()), (8192, Duration::ZERO));
}

#[test]
fn f10_descriptors_that_have_run_out_are_taken_from_idle_connections_for_a_proxy_too() {
    for request in [get(ProxyKind::Http), get(ProxyKind::Socks5h), forwarded()] {
        let world = World::new(7);
        let proxy = world.proxy("p.example", ["10.0.0.1"]);
        world.host("a.example", ["10.1.0.1"]).accept_all(|_| Reply::ok("a"));
        let pool = world.pool(Config::default());
        fetch(&pool, direct("http://a.example/")).unwrap();
        world.connect_errors([io::Error::from_raw_os_error(24)]);
        assert_eq!(fetch(&pool, request.clone()).unwrap().text(), "a");
        assert_eq!((counts(&pool), proxy.host().connections()), ((1, 1, 0), 1));
        pool.close_idle();
        world.connect_errors([io::Error::from_raw_os_error(24), io::Error::from_raw_os_error(24)]);
        let error = fetch(&pool, request).unwrap_err();
        assert_eq!((error.kind(), counts(&pool)), (ErrorKind::Proxy, (0, 0, 0)));
    }
}

#[test]
fn all_addresses_of_the_proxy_are_tried() {
    let world = World::new(7);
    let proxy = world.proxy("p.example", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    world.host("a.example", ["10.1.0.1"]).accept_all(|_| Reply::ok("a"));
    proxy.host().at("10.0.0.1").refuse();
    proxy.host().at("10.0.0.2").blackhole();
    let pool = world.pool(Config::default());
    let answer = fetch(&pool, get(ProxyKind::Http)).unwrap();
    assert_eq!(answer.attempts.last().peer.unwrap().to_string(), "10.0.0.3:3128");
    // The second was still on its way.
    assert_eq!(answer.attempts.last().failed.len(), 1);
    assert_eq!(world.elapsed(), millis(250));
}

#[test]
fn a_kept_connection_through_a_proxy_that_died_is_replaced_once() {
    for request in [get(ProxyKind::Http), get(ProxyKind::Socks5h), forwarded()] {
        let world = World::new(7);
        let proxy = world.proxy("p.example", ["10.0.0.1"]);
        let host = world.host("a.example", ["10.1.0.1"]);
        host.accept().expect("GET /").reply(ok("one")).on_next_byte().close();
        host.accept().expect("GET /").reply(ok("two")).delay(secs(1)).close();
        host.accept().expect("GET /").reply(ok("three"));
        let pool = world.pool(Config::default());
        let mut texts = Vec::new();
        for attempts in [1, 2, 1] {
            let answer = fetch(&pool, request.clone()).unwrap();
            assert_eq!(answer.attempts.len(), attempts);
            texts.push(answer.text().to_owned());
            if attempts == 2 {
                world.advance(secs(2));
            }
        }
        assert_eq!((texts.join(" ").as_str(), proxy.host().connections()), ("one two three", 3));
    }
    let world = World::new(7);
    world.proxy("p.example", ["10.0.0.1"]);
    let host = world.host("a.example", ["10.1.0.1"]);
    host.accept().expect("GET /").reply(ok("one")).on_next_byte().close();
    let pool = world.pool(Config::default());
    fetch(&pool, forwarded()).unwrap();
    let route = forwarded().route().clone();
    let post = Request::build(Method::POST, route, "/").body("pay").finish().unwrap();
    let error = fetch(&pool, post).unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Closed, 1));
}

#[test]
fn f06_a_proxy_that_reads_nothing_is_a_timeout_in_its_phase() {
    for kind in [ProxyKind::Http, ProxyKind::Socks5h] {
        let (world, host, pool) = world();
        world.send_buffer(2);
        host.accept().stop_reading(0).hold();
        let error = fetch(&pool, get(kind)).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Connect), Some(Phase::Proxy), 1));
        assert_eq!(world.elapsed(), secs(30));
    }
}

#[test]
fn canceling_while_the_proxy_is_talked_to_leaves_nothing() {
    let (world, host, pool) = world();
    connect(&host).reply("HTTP/1.1 2").expect_close();
    let mut run = crate::support::Run::new(&pool);
    let id = run.start(get(ProxyKind::Http));
    run.poke(&world);
    assert_eq!(world.open(), 1);
    run.cancel(id);
    drop(run);
    assert_eq!((world.open(), counts(&pool)), (0, (0, 0, 0)));
    world.assert_quiet();
}

#[test]
fn bytes_behind_the_proxys_answer_belong_to_what_is_inside_the_tunnel() {
    for kind in [ProxyKind::Http, ProxyKind::Socks5h] {
        let (_world, host, pool) = world();
        let hasty = |answer: &[u8]| [answer, &ok("hasty")[..]].concat();
        match kind {
            ProxyKind::Http => connect(&host).reply(hasty(ESTABLISHED)),
            _ => socks(&host).reply(hasty(CONNECTED)),
        };
        // In the clear, a server that answers before it is asked is believed, as it is without a proxy; over TLS these
        // bytes are not TLS.
        assert_eq!(fetch(&pool, get(kind)).unwrap().text(), "hasty");
    }
}
