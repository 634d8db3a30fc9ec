//! Nobody starves: neither exchanges of one driver, nor origins of one pool; and waiting is no work.

use crate::support::{Run, counts, get, millis, pattern, post, secs, world};
use pool::sim::{Reply, ok};
use pool::{Body, Config, Event, Source};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A source that counts what was read of it.
struct Counted {
    left: usize,
    read: Arc<AtomicUsize>,
}

impl Source for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.left);
        buf[..n].fill(b'u');
        self.left -= n;
        self.read.fetch_add(n, Ordering::Relaxed);
        Ok(n)
    }

    fn remaining(&self) -> Option<u64> {
        Some(self.left as u64)
    }
}

#[test]
fn an_upload_that_never_blocks_leaves_others_their_turn() {
    let (world, host) = world();
    let size = 16 << 20;
    world.send_buffer(2 * size);
    host.accept_all(|received| Reply::ok(&received.body().len().to_string()));
    let pool = world.pool(Config::default());
    let read = Arc::new(AtomicUsize::new(0));
    let mut run = Run::new(&pool);
    let upload = run.start(post("/up", Body::reader(Counted { left: size, read: read.clone() })));
    let quick = run.start(get("/quick"));
    run.end(quick).unwrap();
    assert!(read.load(Ordering::Relaxed) <= size / 4, "{} bytes went first", read.load(Ordering::Relaxed));
    assert!(!run.has_ended(upload));
    assert_eq!(run.end(upload).unwrap().text(), size.to_string());
}

#[test]
fn a_busy_origin_does_not_starve_one_that_waits_for_room() {
    let (world, host) = world();
    world.host("cold.example", ["10.0.0.1"]);
    let log = Arc::new(Mutex::new(Vec::new()));
    let notes = log.clone();
    host.accept_all(move |received| {
        notes.lock().unwrap().push((received.elapsed().as_secs(), received.target().to_owned()));
        Reply::ok("").delay(secs(1))
    });
    let pool = world.pool(Config::default().max_total(2));
    let mut run = Run::new(&pool);
    for n in 0..20 {
        run.start(get(&format!("/hot{n}")));
    }
    run.start(get("http://cold.example/cold"));
    run.finish();
    let cold = log.lock().unwrap().iter().find(|(_, target)| target == "/cold").unwrap().0;
    assert_eq!(cold, 2, "after as many hand-overs as there may be connections");
    assert_eq!((world.elapsed(), counts(&pool).2), (secs(11), 0));
}

#[test]
fn origins_that_wait_for_room_are_served_in_turn() {
    let (world, host) = world();
    let log = Arc::new(Mutex::new(Vec::new()));
    let notes = log.clone();
    host.accept_all(move |received| {
        notes.lock().unwrap().push(received.target().to_owned());
        Reply::raw("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").delay(secs(1))
    });
    let pool = world.pool(Config::default().max_total(1));
    let mut run = Run::new(&pool);
    run.start(get("/0"));
    for (name, count) in [("b", 3), ("c", 2), ("d", 1)] {
        world.host(&format!("{name}.example"), ["10.0.0.1"]);
        for n in 0..count {
            run.start(get(&format!("http://{name}.example/{name}{n}")));
        }
    }
    run.finish();
    assert_eq!(*log.lock().unwrap(), ["/0", "/b0", "/c0", "/d0", "/b1", "/c1", "/b2"]);
}

#[test]
fn r10_waiting_is_no_work() {
    let (world, host) = world();
    host.latency(secs(1));
    host.accept().expect("POST /").delay(secs(50)).reply(ok("at last"));
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    let id = run.start(post("/", "body"));
    assert_eq!(run.end(id).unwrap().text(), "at last");
    assert_eq!(world.elapsed(), secs(52));
    assert!(run.turns <= 12, "{} turns for a lookup, a connect, a request and an answer", run.turns);
}

#[test]
fn r10_a_drip_costs_a_few_turns_per_byte() {
    let (world, host) = world();
    host.accept().expect("GET /").drip(ok(&"x".repeat(1000)), secs(1));
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    let id = run.start(get("/"));
    assert_eq!(run.end(id).unwrap().body.len(), 1000);
    assert!(run.turns <= 3 * 1040 + 12, "{} turns", run.turns);
}

#[test]
fn r10_a_peer_that_does_not_read_costs_nothing() {
    let (world, host) = world();
    let body = pattern(1 << 20);
    host.accept()
        .expect_head("POST /")
        .stop_reading(0)
        .delay(secs(50))
        .resume_reading()
        .expect_body()
        .reply(ok("ok"));
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    let id = run.start(post("/", body));
    let mut idle = 0;
    while !run.has_ended(id) {
        let before = world.elapsed();
        run.turn(None);
        idle += usize::from(world.elapsed() == before);
    }
    assert_eq!((run.end(id).unwrap().text(), world.elapsed()), ("ok", secs(50)));
    assert!(idle <= 60, "{idle} turns in which nothing happened, for 16 buffers");
}

#[test]
fn a_driver_with_nothing_to_do_has_no_deadline() {
    let (world, host) = world();
    host.accept_all(|_| Reply::ok("x").delay(millis(1)));
    let pool = world.pool(Config::default());
    let mut driver = pool.driver().unwrap();
    assert!(driver.is_idle());
    assert_eq!(driver.next_deadline(), None);
    let id = driver.start(get("/"));
    assert_eq!(driver.next_deadline(), Some(world.now()), "there is work");
    let (mut buf, mut done) = (vec![0; 16], false);
    while !done {
        driver.turn(None).unwrap();
        while let Some((id, event)) = driver.next_event() {
            if matches!(event, Event::Head(_)) {
                assert_eq!(driver.read(id, &mut buf).unwrap(), 1);
                assert_eq!(driver.next_deadline(), Some(world.now()), "an event waits");
            }
            done |= matches!(event, Event::Done(_));
        }
    }
    assert!(driver.is_idle());
    assert_eq!(driver.read(id, &mut buf).unwrap(), 0, "it is over");
    // A limit of what is over may still be looked at once, early; nothing more comes of it.
    driver.turn(Some(world.now() + secs(3600))).unwrap();
    driver.turn(Some(world.now() + secs(3600))).unwrap();
    assert_eq!(driver.next_deadline(), None);
}

#[test]
fn the_deadline_of_a_waiting_driver_is_that_of_its_exchange() {
    let (world, host) = world();
    host.accept().expect("GET /").hold();
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    run.start(get("/"));
    run.poke(&world);
    assert_eq!(
        run.driver.next_deadline(),
        Some(world.now() + secs(30)),
        "the limit on connecting, which may fire early"
    );
    run.turn(None);
    assert_eq!((world.elapsed(), run.driver.next_deadline()), (secs(30), Some(world.now() + secs(30))));
    run.finish();
    assert_eq!(world.elapsed(), secs(60));
}
