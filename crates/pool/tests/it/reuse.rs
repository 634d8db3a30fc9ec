//! When a connection serves another request, and when it must not.

use crate::support::{fetch, get, millis, pattern, read_exactly, request, secs, world};
use pool::sim::{Fragments, Reply, World, chunked, ok};
use pool::{Body, Config, Method, Pool, Route, Tls};
use std::time::Duration;

/// Sends `method`, answered with `raw`; then a GET. Whether they shared a connection, and what the first one gave.
fn two_requests(method: Method, raw: &str, cut: Fragments) -> (bool, u16, Vec<u8>, bool) {
    let (world, host) = world();
    world.fragment(cut);
    // The first script serves both requests if it can; otherwise the closure serves the second.
    host.accept().expect(&format!("{method} /1")).reply(raw).expect("GET /2").reply(ok("the second"));
    host.accept_all(|received| Reply::ok(if received.target() == "/2" { "the second" } else { "?" }));
    let pool = world.pool(Config::default());
    let first = fetch(&pool, request(method, "/1", Body::Empty)).unwrap();
    // What the peer sent behind its answer is here before the next request; afterwards nobody could tell.
    world.advance(millis(1));
    let second = fetch(&pool, get("/2")).unwrap();
    assert_eq!((second.text(), second.attempts.len()), ("the second", 1), "after {raw:?}");
    assert_eq!(second.reused(), world.connections() == 1, "after {raw:?}");
    assert_eq!(world.open(), 1, "after {raw:?}");
    (second.reused(), first.status(), first.body.clone(), first.kept)
}

#[test]
fn a_connection_is_reused_after_every_kind_of_complete_body() {
    let table = [
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", 200, "one"),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\non\r\n1\r\ne\r\n0\r\n\r\n",
            200,
            "one",
        ),
        (Method::GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nDigest: x\r\n\r\n", 200, ""),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, ""),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, ""),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (Method::GET, "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 204, ""),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, ""),
        (
            Method::GET,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
            200,
            "one",
        ),
        (Method::GET, "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\none", 500, "one"),
    ];
    for (method, raw, status, body) in table {
        for cut in [Fragments::Whole, Fragments::Bytes] {
            let seen = two_requests(method.clone(), raw, cut);
            assert_eq!(seen, (true, status, body.as_bytes().to_vec(), true), "{raw:?}, {cut:?}");
        }
    }
}

#[test]
fn a_connection_is_not_reused_after_an_answer_that_ends_it() {
    let table = [
        (Method::GET, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\none", "one"),
        (Method::GET, "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\none", "one"),
        (Method::GET, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\none", "one"),
        (Method::GET, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\none", "one"),
        (
            Method::GET,
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
            "one",
        ),
        (Method::GET, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", ""),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", ""),
    ];
    for (method, raw, body) in table {
        for cut in [Fragments::Whole, Fragments::Bytes] {
            let (reused, _, got, kept) = two_requests(method.clone(), raw, cut);
            assert_eq!((reused, got, kept), (false, body.as_bytes().to_vec(), false), "{raw:?}, {cut:?}");
        }
    }
}

#[test]
fn a_body_that_ends_with_the_connection_leaves_nothing_to_reuse() {
    let (world, host) = world();
    host.accept().expect("GET /1").reply("HTTP/1.1 200 OK\r\n\r\none").delay(secs(1)).reply(", two").close();
    host.accept().expect("GET /2").reply(ok("three"));
    let pool = world.pool(Config::default());
    let first = fetch(&pool, get("/1")).unwrap();
    assert_eq!((first.text(), first.kept, world.open()), ("one, two", false, 0));
    assert_eq!(fetch(&pool, get("/2")).unwrap().text(), "three");
    pool.close_idle();
    world.assert_quiet();
}

#[test]
fn f15_surplus_bytes_are_never_the_next_answer() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    let table = [
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", "one"),
        (Method::GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        (Method::GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n", "one"),
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n", ""),
        (Method::GET, "HTTP/1.1 204 No Content\r\nContent-Length: 43\r\n\r\n", ""),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", ""),
    ];
    for (method, raw, body) in table {
        for cut in [Fragments::Whole, Fragments::Bytes, Fragments::Random] {
            for surplus in [evil, "0\r\n\r\n", "\r\n", "x"] {
                let (reused, _, got, _) = two_requests(method.clone(), &format!("{raw}{surplus}"), cut);
                assert_eq!((reused, got), (false, body.as_bytes().to_vec()), "{raw:?}, {surplus:?}, {cut:?}");
            }
        }
    }
}

/// Sends a body of `len` bytes, of which `read` are read before it is dropped. Whether the connection was kept.
fn drop_after(world: &World, pool: &Pool, body: &[u8], read: usize) -> bool {
    let before = world.connections();
    let (_, mut reader) = pool.send(get("/1")).unwrap().into_parts();
    assert_eq!(read_exactly(&mut reader, read), body[..read]);
    drop(reader);
    let answer = fetch(pool, get("/2")).unwrap();
    assert_eq!(answer.text(), "the second");
    world.connections() == before + 1
}

/// A host that answers `/1` with `body` and everything else with a text.
fn serving(body: &[u8]) -> (World, Pool) {
    let (world, host) = world();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = [head.as_bytes(), body].concat();
    host.accept_all(move |received| match received.target() {
        "/1" => Reply::raw(answer.clone()),
        _ => Reply::ok("the second"),
    });
    let pool = world.pool(Config::default());
    (world, pool)
}

#[test]
fn fr_6_what_is_left_of_a_dropped_body_is_never_the_next_answer() {
    let evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
    let body = evil.repeat((1 << 20) / evil.len());
    for read in [0, 1, 10, evil.len(), 4096, 65_536, body.len() / 2, body.len() - 1, body.len()] {
        for cut in [Fragments::Whole, Fragments::Random] {
            let (world, pool) = serving(&body);
            world.fragment(cut);
            let kept = drop_after(&world, &pool, &body, read);
            assert!(kept || read < body.len(), "a body that was read to its end costs no connection");
            assert!(!kept || body.len() - read <= 65_536, "{read}");
            drop(pool);
            world.assert_quiet();
        }
    }
}

#[test]
fn a_dropped_body_is_consumed_if_no_more_than_64_kib_are_left_and_all_is_here() {
    for (len, read, kept) in [
        (65_536, 0, true),
        (65_537, 0, false),
        (65_537, 1, true),
        (300_000, 234_463, false),
        (300_000, 234_464, true),
    ] {
        let body = pattern(len);
        let (world, pool) = serving(&body);
        world.receive_buffer(1 << 20);
        assert_eq!(drop_after(&world, &pool, &body, read), kept, "{read} of {len}");
    }
}

#[test]
fn dropping_a_body_never_waits_for_it() {
    let (world, host) = world();
    host.accept().expect("GET /1").reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\non").expect_close();
    let pool = world.pool(Config::default());
    drop(pool.send(get("/1")).unwrap());
    assert_eq!((world.elapsed(), world.open()), (Duration::ZERO, 0));
    world.assert_quiet();
}

#[test]
fn draining_waits_for_the_rest_within_its_bounds() {
    // When the rest comes, how many bytes and how much time are granted; whether it is kept, and when it is over.
    let table = [
        (30, 3, 50, true, 30),
        (30, 2, 50, false, 30),
        (60, 3, 50, false, 50),
        (30, 3, 0, false, 0),
        (0, 3, 0, true, 0),
    ];
    for (comes, bytes, until, kept, over) in table {
        let (world, host) = world();
        host.accept()
            .expect("GET /1")
            .reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
            .delay(millis(comes))
            .reply("one");
        let pool = world.pool(Config::default());
        let (_, reader) = pool.send(get("/1")).unwrap().into_parts();
        let drained = reader.drain(bytes, world.now() + millis(until)).unwrap();
        assert_eq!((drained, world.elapsed()), (kept, millis(over)), "{comes} {bytes} {until}");
        assert_eq!(world.open(), usize::from(kept));
    }
}

#[test]
fn a_6_an_idle_connection_is_used_until_its_age_and_no_longer() {
    for (header, config, age) in [
        ("", Config::default(), 60_000),
        ("", Config::default().idle_timeout(secs(7)), 7_000),
        ("Keep-Alive: timeout=5\r\n", Config::default(), 4_000),
        ("Keep-Alive: max=100, timeout=\"5\"\r\n", Config::default(), 4_000),
        ("Keep-Alive: max=100\r\nKeep-Alive: Timeout=5\r\n", Config::default(), 4_000),
        ("Keep-Alive: timeout=600\r\n", Config::default(), 60_000),
        ("Keep-Alive: timeout=18446744073709551615\r\n", Config::default(), 60_000),
        ("Keep-Alive: timeout=x\r\n", Config::default(), 60_000),
        ("Keep-Alive: timeout=-1\r\n", Config::default(), 60_000),
    ] {
        for (waited, reused) in [(age - 1, true), (age, false)] {
            let (world, host) = world();
            host.accept_all(move |_| {
                Reply::raw(format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 0\r\n\r\n"))
            });
            let pool = world.pool(config.clone());
            fetch(&pool, get("/1")).unwrap();
            world.advance(millis(waited));
            assert_eq!(fetch(&pool, get("/2")).unwrap().reused(), reused, "{header:?}, after {waited} ms");
            assert_eq!(world.open(), 1);
        }
    }
}

#[test]
fn a_connection_that_the_server_is_about_to_close_is_not_kept() {
    for seconds in ["0", "1"] {
        let (world, host) = world();
        host.accept_all(move |_| {
            Reply::raw(format!(
                "HTTP/1.1 200 OK\r\nKeep-Alive: timeout={seconds}\r\nContent-Length: 0\r\n\r\n"
            ))
        });
        let pool = world.pool(Config::default());
        let answer = fetch(&pool, get("/1")).unwrap();
        assert_eq!((answer.kept, world.open()), (false, 0), "{seconds} s");
    }
}

#[test]
fn an_idle_timeout_without_end_keeps_the_connection() {
    let (world, host) = world();
    host.accept_all(|_| Reply::ok("x"));
    let pool = world.pool(Config::default().idle_timeout(Duration::MAX));
    assert!(fetch(&pool, get("/1")).unwrap().kept);
    assert_eq!(world.open(), 1);
    world.advance(secs(1 << 30));
    assert!(fetch(&pool, get("/2")).unwrap().reused());
}

#[test]
fn an_idle_timeout_of_zero_keeps_nothing() {
    let (world, host) = world();
    host.accept_all(|_| Reply::ok("x"));
    let pool = world.pool(Config::default().idle_timeout(Duration::ZERO));
    assert!(!fetch(&pool, get("/1")).unwrap().kept);
    assert_eq!(world.open(), 0);
}

#[test]
fn a_6_the_connection_used_last_is_used_first() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(&received.connection().to_string()));
    let pool = world.pool(Config::default());
    let (one, two) = (pool.send(get("/1")).unwrap(), pool.send(get("/2")).unwrap());
    drop(two);
    drop(one);
    for _ in 0..3 {
        assert_eq!(fetch(&pool, get("/3")).unwrap().text(), "0");
    }
}

#[test]
fn ru_routes_that_differ_in_anything_never_share_a_connection() {
    let (world, host) = world();
    world.host("b.example", ["10.0.0.1"]);
    world.host("a.example.", ["10.0.0.1"]);
    host.accept_all(|received| Reply::ok(&received.connection().to_string()));
    let pool = world.pool(Config::default());
    let urls = [
        "http://a.example/",
        "https://a.example/",
        "http://a.example:443/",
        "https://a.example:80/",
        "http://b.example/",
        "http://a.example./",
        "http://10.0.0.1/",
    ];
    for round in 0..2 {
        for (n, url) in urls.iter().enumerate() {
            assert_eq!(fetch(&pool, get(url)).unwrap().text(), n.to_string(), "{url}, round {round}");
        }
    }
    let untrusting = Route::with_tls(pool::Origin::https("a.example"), Tls::without_public_roots());
    let other = fetch(&pool, pool::Request::get(untrusting, "/").unwrap()).unwrap();
    assert_eq!((other.text(), other.reused()), ("7", false), "another idea of whom to trust");
    assert_eq!(
        fetch(&pool, get("https://A.Example:443/")).unwrap().text(),
        "1",
        "the same origin in other letters"
    );
}

#[test]
fn fr_8_a_bodyless_answer_is_complete_with_its_head() {
    for (method, raw) in [
        (Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (Method::GET, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ] {
        let (world, host) = world();
        host.accept().expect(method.as_str()).reply(raw).hold();
        let pool = world.pool(Config::default());
        let answer = fetch(&pool, request(method, "/", Body::Empty)).unwrap();
        assert_eq!((answer.body.len(), world.elapsed()), (0, Duration::ZERO), "{raw:?}");
    }
}

#[test]
fn close_idle_closes_what_nobody_uses_and_nothing_else() {
    let (world, host) = world();
    host.accept_all(|_| Reply::raw(chunked(&["one", "two"])));
    let pool = world.pool(Config::default());
    let mut busy = pool.send(get("/busy")).unwrap();
    fetch(&pool, get("/idle")).unwrap();
    assert_eq!((world.open(), pool.counts().idle), (2, 1));
    pool.close_idle();
    assert_eq!((world.open(), pool.counts().idle), (1, 0));
    assert_eq!(read_exactly(busy.body_mut(), 6), b"onetwo");
    drop(busy);
    assert!(fetch(&pool, get("/idle")).unwrap().reused(), "and what was busy is kept");
}
