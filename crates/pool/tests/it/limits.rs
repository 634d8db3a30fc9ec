//! Limits on connections, the queue in front of them, and what gives way to whom.

use crate::support::{Run, counts, facts, fetch, get, millis, secs, world};
use pool::sim::{Reply, World, ok};
use pool::{Class, Config, ErrorKind, Phase, Pool, Request, Timeouts};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The second in which a request came, and the request.
type Arrivals = Arc<Mutex<Vec<(u64, String)>>>;

/// A host that takes a second for each answer, and notes when which request came.
fn slow(config: Config) -> (World, Pool, Arrivals) {
    let (world, host) = world();
    for name in ["b.example", "c.example"] {
        world.host(name, ["10.0.0.1"]);
    }
    let log = Arc::new(Mutex::new(Vec::new()));
    let notes = log.clone();
    host.accept_all(move |received| {
        let name = received.head().headers().get("host").unwrap().to_str().unwrap()[..1].to_owned();
        notes.lock().unwrap().push((received.elapsed().as_secs(), name + received.target()));
        Reply::ok(&received.connection().to_string()).delay(secs(1))
    });
    let pool = world.pool(config);
    (world, pool, log)
}

fn batch(url: &str) -> Request {
    get(url).with_class(Class::Batch)
}

/// Runs GETs of these URLs in one driver, all started at once. When which came, in words.
fn arrivals(config: Config, requests: impl IntoIterator<Item = Request>) -> (World, Pool, Run, Vec<String>) {
    let (world, pool, log) = slow(config);
    let mut run = Run::new(&pool);
    for request in requests {
        run.start(request);
    }
    run.finish();
    let log = log.lock().unwrap().iter().map(|(at, what)| format!("{at} {what}")).collect();
    (world, pool, run, log)
}

#[test]
fn an_origin_has_no_more_connections_than_its_limit_and_its_queue_is_fair() {
    let requests = (0..6).map(|n| get(&format!("/{n}")));
    let (world, pool, mut run, log) = arrivals(Config::default().max_per_origin(2), requests);
    assert_eq!(log, ["0 a/0", "0 a/1", "1 a/2", "1 a/3", "2 a/4", "2 a/5"]);
    assert_eq!((world.connections(), world.elapsed(), counts(&pool)), (2, secs(3), (2, 2, 0)));
    let last = *run.order.last().unwrap();
    let answer = run.end(last).unwrap();
    assert_eq!((answer.attempts.last().queued, answer.reused()), (Some(secs(2)), true));
}

#[test]
fn all_origins_together_have_no_more_connections_than_the_total() {
    let urls = ["http://a.example/", "http://b.example/", "http://c.example/"];
    let (world, pool, _, log) = arrivals(Config::default().max_total(2), urls.map(get));
    assert_eq!(log, ["0 a/", "0 b/", "1 c/"]);
    assert_eq!((world.open(), world.connections(), counts(&pool)), (2, 3, (2, 2, 0)));
}

#[test]
fn limits_of_zero_count_as_one() {
    let config = Config::default().max_total(0).max_per_origin(0);
    let (world, _, _, log) = arrivals(config, ["/1", "/2"].map(get));
    assert_eq!((log, world.connections()), (vec!["0 a/1".to_owned(), "1 a/2".to_owned()], 1));
}

#[test]
fn a_full_pool_closes_the_connection_that_was_idle_for_longest() {
    let (world, _) = world();
    let peers = ["b", "c", "d"].map(|name| {
        let host =
            world.host(&format!("{name}.example"), [format!("10.0.1.{}", name.as_bytes()[0]).as_str()]);
        host.accept().expect("GET /").reply(ok(name)).expect_close()
    });
    let pool = world.pool(Config::default().max_total(2));
    fetch(&pool, get("http://b.example/")).unwrap();
    fetch(&pool, get("http://c.example/")).unwrap();
    assert_eq!(peers.each_ref().map(|peer| peer.is_done()), [false; 3]);
    assert_eq!(fetch(&pool, get("http://d.example/")).unwrap().text(), "d");
    assert_eq!(peers.each_ref().map(|peer| peer.is_done()), [true, false, false]);
    assert_eq!((world.open(), counts(&pool)), (2, (2, 2, 0)));
}

#[test]
fn a_waiter_takes_the_place_of_an_idle_connection_of_another_origin() {
    let requests = ["http://a.example/", "http://b.example/", "http://b.example/2"].map(get);
    let (world, pool, _, log) = arrivals(Config::default().max_total(1), requests);
    assert_eq!(log, ["0 a/", "1 b/", "2 b/2"]);
    assert_eq!((world.connections(), counts(&pool)), (2, (1, 1, 0)));
}

#[test]
fn the_last_connection_of_an_origin_is_kept_for_a_single_request() {
    let requests = [batch("/b1"), batch("/b2"), get("/single"), batch("/b3")];
    let (world, _, _, log) = arrivals(Config::default().max_per_origin(2), requests);
    assert_eq!(log, ["0 a/b1", "0 a/single", "1 a/b2", "2 a/b3"]);
    assert_eq!(world.connections(), 2);
}

#[test]
fn batches_have_an_origin_with_one_connection_to_themselves() {
    let (_, _, _, log) = arrivals(Config::default().max_per_origin(1), [batch("/b1"), batch("/b2")]);
    assert_eq!(log, ["0 a/b1", "1 a/b2"]);
}

#[test]
fn a_send_between_open_streams_finds_a_connection() {
    let (world, pool, _) = slow(Config::default().max_per_origin(3));
    let streams = [batch("/1"), batch("/2")].map(|request| pool.send(request).unwrap());
    assert_eq!(fetch(&pool, get("/3")).unwrap().status(), 200);
    let error = pool.send(batch("/4")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Exhausted, Some(Phase::Queue), 1));
    let words = "2 of 3 connections, all but the one kept for single requests, are busy";
    assert!(error.to_string().starts_with(&format!("http://a.example: {words}")), "{error}");
    drop(streams);
    assert_eq!(world.elapsed(), secs(3) + secs(30));
}

#[test]
fn the_wait_limit_ends_in_an_error_that_counts() {
    for (limit, held, words) in [
        (1, 1, "the only connection is busy; the oldest for 35 s (an unfinished streaming response?)"),
        (3, 3, "all 3 connections are busy; the oldest for 35 s (an unfinished streaming response?)"),
    ] {
        let (world, host) = world();
        host.accept_all(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
        let pool = world.pool(Config::default().max_per_origin(limit));
        let streams: Vec<_> = (0..held).map(|_| pool.send(get("/")).unwrap()).collect();
        world.advance(secs(5));
        let error = pool.send(get("/x")).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Exhausted, Some(Phase::Queue), 1));
        assert_eq!(error.to_string(), format!("http://a.example: {words}"));
        assert_eq!(world.elapsed(), secs(35), "not before its time");
        assert!(!error.is_timeout() && error.nothing_sent() && !error.may_have_been_processed());
        assert_eq!(error.into_request().unwrap().head().target(), "/x");
        assert_eq!(counts(&pool), (limit, 0, 0));
        drop(streams);
        assert_eq!(counts(&pool), (0, 0, 0));
        world.assert_quiet();
    }
}

#[test]
fn the_wait_limit_counts_the_connections_of_the_pool_where_those_are_used_up() {
    let (world, host) = world();
    world.host("b.example", ["10.0.0.1"]);
    host.accept_all(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
    let pool = world.pool(Config::default().max_total(2));
    let streams = [(); 2].map(|()| pool.send(get("http://a.example/")).unwrap());
    let error = pool.send(get("http://b.example/")).unwrap_err();
    assert_eq!(error.to_string(), "http://b.example: all 2 connections of the pool are busy");
    drop(streams);
    world.assert_quiet();
}

#[test]
fn waiting_has_a_limit_of_its_own_and_none_counts_for_a_request_that_need_not_wait() {
    let (world, pool, _) = slow(Config::default().max_per_origin(1));
    let at_once = Timeouts::default().wait(Duration::ZERO);
    let held = pool.send(get("/1").with_timeouts(at_once)).unwrap();
    let before = world.elapsed();
    let error = pool.send(get("/2").with_timeouts(at_once)).unwrap_err();
    assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Exhausted, before));
    drop(held);
    assert!(fetch(&pool, get("/3").with_timeouts(at_once)).unwrap().reused());
}

#[test]
fn time_in_the_queue_counts_for_the_wait_limit_and_not_for_the_others() {
    let (world, pool, _) = slow(Config::default().max_per_origin(1));
    let tight = Timeouts::default().wait(millis(1500)).connect(millis(100)).idle(millis(1100));
    let mut run = Run::new(&pool);
    let ids = [0, 1, 2].map(|n| run.start(get(&format!("/{n}")).with_timeouts(tight)));
    run.finish();
    let [first, second, third] = ids.map(|id| run.end(id));
    assert_eq!(
        (first.unwrap().attempts.last().queued, second.unwrap().attempts.last().queued),
        (None, Some(secs(1)))
    );
    assert_eq!(facts(&third.unwrap_err()), (ErrorKind::Exhausted, Some(Phase::Queue), 1));
    assert_eq!(world.elapsed(), secs(2));
    assert_eq!(counts(&pool), (1, 1, 0));
}

#[test]
fn a_waiter_that_gives_up_leaves_its_place_to_the_next() {
    let (_, pool, log) = slow(Config::default().max_per_origin(1));
    let mut run = Run::new(&pool);
    run.start(get("/0"));
    run.start(get("/1").with_timeouts(Timeouts::default().wait(millis(500))));
    let gone = run.start(get("/2"));
    run.start(get("/3"));
    run.turn(None);
    run.cancel(gone);
    run.finish();
    let log: Vec<_> = log.lock().unwrap().clone();
    assert_eq!(log, [(0, "a/0".to_owned()), (1, "a/3".to_owned())]);
    assert_eq!(counts(&pool), (1, 1, 0));
}

#[test]
fn an_error_or_a_close_frees_its_slot_for_the_next_waiter() {
    let (world, host) = world();
    let peers: [fn(pool::sim::Peer) -> pool::sim::Peer; 5] = [
        |peer| peer.close(),
        |peer| peer.reset(),
        |peer| peer.reply("garbage\r\n\r\n"),
        |peer| peer.reply("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        |peer| peer.reply(ok("last")),
    ];
    for (n, peer) in peers.into_iter().enumerate() {
        peer(host.accept().expect(&format!("GET /{n}"))).expect_close();
    }
    let pool = world.pool(Config::default().max_per_origin(1));
    let mut run = Run::new(&pool);
    let ids: Vec<_> = (0..5).map(|n| run.start(get(&format!("/{n}")))).collect();
    run.finish();
    let kinds: Vec<_> =
        ids.into_iter().map(|id| run.end(id).map(|answer| answer.status()).map_err(|e| e.kind())).collect();
    assert_eq!(
        kinds,
        [Err(ErrorKind::Closed), Err(ErrorKind::Closed), Err(ErrorKind::Protocol), Ok(200), Ok(200)]
    );
    assert_eq!((world.elapsed(), world.connections()), (Duration::ZERO, 5));
    pool.close_idle();
    world.assert_quiet();
}

/// `connect` fails with these numbers of the operating system, with one connection idle.
fn short_of(numbers: &[i32]) -> (World, Pool, Result<String, pool::Error>) {
    let (world, host) = world();
    world.host("b.example", ["10.0.0.1"]);
    host.accept_all(|_| Reply::ok("fine"));
    let pool = world.pool(Config::default());
    fetch(&pool, get("http://b.example/")).unwrap();
    world.connect_errors(numbers.iter().map(|number| io::Error::from_raw_os_error(*number)));
    let result = fetch(&pool, get("/")).map(|answer| answer.text().to_owned());
    (world, pool, result)
}

const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

#[test]
#[cfg(unix)]
fn f10_without_a_descriptor_left_idle_connections_are_closed_and_the_socket_is_tried_once_more() {
    for number in [EMFILE, ENFILE] {
        let (world, pool, result) = short_of(&[number]);
        assert_eq!(result.unwrap(), "fine");
        assert_eq!((world.open(), counts(&pool)), (1, (1, 1, 0)), "the idle one made room");
        let (world, pool, result) = short_of(&[number, number]);
        let error = result.unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Connect, Some(Phase::Connect), 1));
        assert_eq!(error.attempts().last().failed.len(), 1);
        assert!(error.nothing_sent() && error.to_string().contains("10.0.0.1:80"), "{error}");
        assert_eq!((world.open(), counts(&pool)), (0, (0, 0, 0)));
        assert_eq!(fetch(&pool, get("/")).unwrap().text(), "fine", "and it is over when it is over");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn f10_without_memory_for_a_socket_idle_connections_are_closed_as_well() {
    const ENOMEM: i32 = 12;
    const ENOBUFS: i32 = 105;
    for number in [ENOMEM, ENOBUFS] {
        let (world, pool, result) = short_of(&[number]);
        assert_eq!(result.unwrap(), "fine", "{number}");
        assert_eq!((world.open(), counts(&pool)), (1, (1, 1, 0)));
    }
}
