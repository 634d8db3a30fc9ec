//! Giving up, in every phase: the slot is free, the socket closed, and nothing more is heard.

use crate::support::{Run, counts, expecting, fetch, get, post, secs, world};
use pool::sim::{Host, Reply, World, ok};
use pool::{Config, ErrorKind, Event, ExchangeId, Request};
use std::time::Duration;

/// Something under way that will not end by itself.
type Case = (&'static str, fn(&Host), fn() -> Request);

const CASES: [Case; 7] = [
    ("lookup", |host| host.lookup_hangs(), || get("/")),
    ("connect", |host| host.blackhole(), || get("/")),
    ("write", |host| drop(host.accept().stop_reading(0)), || post("/", vec![b'u'; 1 << 20])),
    ("go-ahead", |host| drop(host.accept().expect_head("POST /")), || expecting("/", "body")),
    ("head", |host| drop(host.accept().expect("GET /")), || get("/")),
    ("half a head", |host| drop(host.accept().expect("GET /").reply("HTTP/1.1 200")), || get("/")),
    (
        "body",
        |host| drop(host.accept().expect("GET /").reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none")),
        || get("/"),
    ),
];

/// Everything is as at the beginning, and the only slot can be had.
fn as_new(name: &str, world: &World, host: &Host, pool: &pool::Pool) {
    assert_eq!((counts(pool), world.open()), ((0, 0, 0), 0), "{name}");
    let other = world.host("other.example", ["10.0.0.9"]);
    other.accept().expect("GET /other").reply(ok("fine"));
    host.lookup_answers(vec!["10.0.0.1:80".parse().unwrap()]);
    host.listen();
    host.accept().expect("GET /again").reply(ok("again"));
    assert_eq!(fetch(pool, get("http://other.example/other")).unwrap().text(), "fine", "{name}");
    assert_eq!(fetch(pool, get("/again")).unwrap().text(), "again", "{name}");
    pool.close_idle();
    world.assert_quiet();
}

/// A world in which the only slot is taken by what is under way.
fn under_way(prepare: fn(&Host), request: fn() -> Request) -> (World, Host, pool::Pool, Run, ExchangeId) {
    let (world, host) = world();
    prepare(&host);
    let pool = world.pool(tight());
    let mut run = Run::new(&pool);
    let id = run.start(request());
    run.poke(&world);
    (world, host, pool, run, id)
}

fn tight() -> Config {
    Config::default().max_per_origin(1).max_total(1)
}

#[test]
fn cancel_in_every_phase_frees_the_slot_and_closes_the_socket_at_once() {
    for (name, prepare, request) in CASES {
        let (world, host, pool, mut run, id) = under_way(prepare, request);
        assert_eq!(counts(&pool), (1, 0, 0), "{name}");
        run.cancel(id);
        assert!(run.driver.is_idle(), "{name}: no event follows");
        assert_eq!((counts(&pool), world.open(), world.elapsed()), ((0, 0, 0), 0, Duration::ZERO), "{name}");
        run.poke(&world);
        as_new(name, &world, &host, &pool);
    }
}

#[test]
fn dropping_a_driver_with_an_exchange_in_any_phase_leaks_nothing() {
    for (name, prepare, request) in CASES {
        let (world, host, pool, run, _) = under_way(prepare, request);
        drop(run);
        as_new(name, &world, &host, &pool);
    }
}

#[test]
fn dropping_a_driver_with_everything_in_flight_leaks_nothing() {
    let (world, host) = world();
    let pool = world.pool(Config::default().max_per_origin(5).max_total(8));
    let mut run = Run::new(&pool);
    for (_, prepare, request) in &CASES[2..] {
        prepare(&host);
        run.start(request());
        run.poke(&world);
    }
    world.host("hangs.example", [] as [&str; 0]).lookup_hangs();
    world.host("dead.example", ["10.0.0.8"]).blackhole();
    run.start(get("http://hangs.example/"));
    run.start(get("http://dead.example/"));
    for n in 0..20 {
        run.start(get(&format!("/queued{n}")));
    }
    run.poke(&world);
    assert_eq!(counts(&pool), (7, 0, 20));
    drop(run);
    as_new("all", &world, &host, &pool);
}

#[test]
fn dropping_the_last_handle_of_a_pool_closes_its_idle_connections() {
    let (world, host) = world();
    host.accept_all(|_| Reply::ok("x"));
    let pool = world.pool(Config::default());
    fetch(&pool, get("/")).unwrap();
    let clone = pool.clone();
    drop(pool);
    assert!(fetch(&clone, get("/")).unwrap().reused());
    drop(clone);
    world.assert_quiet();
}

#[test]
fn a_driver_outlives_the_handles_of_its_pool() {
    let (world, host) = world();
    host.accept_all(|_| Reply::ok("x"));
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    drop(pool);
    let id = run.start(get("/"));
    assert_eq!(run.end(id).unwrap().text(), "x");
    drop(run);
    world.assert_quiet();
}

#[test]
fn cancel_of_a_waiter_takes_it_out_of_the_queue() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(received.target()).delay(secs(1)));
    let pool = world.pool(tight());
    let mut run = Run::new(&pool);
    let ids: Vec<_> = (0..4).map(|n| run.start(get(&format!("/{n}")))).collect();
    run.poke(&world);
    assert_eq!(counts(&pool), (1, 0, 3));
    run.cancel(ids[1]);
    assert_eq!(counts(&pool), (1, 0, 2));
    run.finish();
    assert_eq!(run.order, [ids[0], ids[2], ids[3]]);
    assert_eq!(world.elapsed(), secs(3));
}

#[test]
fn cancel_of_a_waiter_that_has_just_been_granted_a_connection_passes_it_on() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(received.target()));
    let pool = world.pool(tight());
    let held = pool.send(get("/held")).unwrap();
    let mut run = Run::new(&pool);
    let (gone, next) = (run.start(get("/gone")), run.start(get("/next")));
    run.poke(&world);
    assert_eq!(counts(&pool), (1, 0, 2));
    drop(held);
    assert_eq!(counts(&pool), (1, 0, 1), "it has been granted, and does not know it yet");
    run.cancel(gone);
    run.finish();
    assert!(run.end(next).unwrap().reused());
    assert_eq!((counts(&pool), world.connections()), ((1, 1, 0), 1));
}

#[test]
fn cancel_withdraws_the_events_that_wait() {
    let (world, host) = world();
    host.accept_all(|_| Reply::ok("x"));
    let pool = world.pool(Config::default());
    let mut driver = pool.driver().unwrap();
    let (gone, other) = (driver.start(get("/gone")), driver.start(get("/other")));
    for _ in 0..8 {
        driver.turn(Some(world.now())).unwrap();
    }
    driver.cancel(gone);
    let (id, event) = driver.next_event().unwrap();
    assert_eq!((id, matches!(event, Event::Head(_))), (other, true));
    driver.cancel(other);
    assert!(driver.next_event().is_none());
    assert!(driver.is_idle());
    assert_eq!((counts(&pool), world.open()), ((0, 0, 0), 0));
}

#[test]
fn an_old_name_does_nothing_to_the_exchange_that_came_after() {
    let (world, host) = world();
    host.accept_all(|_| Reply::ok("a body"));
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    let old = run.start(get("/old"));
    run.end(old).unwrap();
    let new = run.start(get("/new"));
    assert_ne!(old, new);
    run.turn(None);
    run.driver.cancel(old);
    run.driver.discard(old, usize::MAX, None);
    assert_eq!(run.driver.read(old, &mut [0; 9]).unwrap(), 0);
    assert_eq!(run.end(new).unwrap().text(), "a body");
    assert_eq!(world.connections(), 1);
}

#[test]
fn discard_before_the_head_gives_the_exchange_up() {
    for (name, prepare, request) in &CASES[..6] {
        let (world, host) = world();
        prepare(&host);
        let pool = world.pool(tight());
        let mut driver = pool.driver().unwrap();
        let id = driver.start(request());
        for _ in 0..8 {
            driver.turn(Some(world.now())).unwrap();
        }
        driver.discard(id, usize::MAX, Some(world.now() + secs(9)));
        match driver.next_event() {
            Some((ended, Event::Done(summary))) => assert_eq!((ended, summary.kept), (id, false), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        assert!(driver.is_idle());
        drop(driver);
        as_new(name, &world, &host, &pool);
    }
}

#[test]
fn abort_says_how_far_an_exchange_had_come_and_leaves_nothing() {
    for (name, prepare, request) in CASES {
        let (world, host, pool, mut run, id) = under_way(prepare, request);
        let error = run.driver.abort(id).unwrap();
        assert_eq!(error.kind(), ErrorKind::Canceled, "{name}: {error}");
        assert!(error.to_string().starts_with("http://a.example: canceled while "), "{name}: {error}");
        let sent = matches!(name, "go-ahead" | "head" | "half a head" | "body" | "write");
        assert_eq!((error.nothing_sent(), error.may_have_been_processed()), (!sent, sent), "{name}: {error}");
        assert_eq!(error.attempts().len(), 1, "{name}");
        assert!(run.driver.is_idle() && run.driver.abort(id).is_none(), "{name}: only once");
        assert_eq!((counts(&pool), world.open(), world.elapsed()), ((0, 0, 0), 0, Duration::ZERO), "{name}");
        as_new(name, &world, &host, &pool);
    }
}

#[test]
fn abort_does_nothing_to_what_is_over_and_its_last_event_is_still_told() {
    let (world, host) = world();
    host.accept().expect("GET /").reply(ok(""));
    let pool = world.pool(Config::default());
    let mut driver = pool.driver().unwrap();
    let id = driver.start(get("/"));
    let head = loop {
        driver.turn(None).unwrap();
        if let Some((_, event)) = driver.next_event() {
            break event;
        }
    };
    // The body is empty: it ends by itself.
    (0..10).for_each(|_| driver.turn(Some(driver.now())).unwrap());
    assert!(driver.abort(id).is_none());
    let done = driver.next_event().unwrap().1;
    assert!(matches!((&head, &done), (Event::Head(_), Event::Done(_))), "{head:?} {done:?}");
    assert_eq!(pool.counts().idle, 1);
}

#[test]
fn a_waker_ends_one_wait_from_another_thread() {
    let (world, host) = world();
    drop(host.accept().expect("GET /"));
    let pool = world.pool(Config::default());
    let mut driver = pool.driver().unwrap();
    let id = driver.start(get("/"));
    (0..10).for_each(|_| driver.turn(Some(driver.now())).unwrap());
    let waker = driver.waker();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    driver.turn(None).unwrap();
    assert_eq!((world.elapsed(), driver.next_event().is_none()), (Duration::ZERO, true));
    assert!(driver.abort(id).is_some());
    let waker = driver.waker();
    drop(driver);
    waker.wake();
}
