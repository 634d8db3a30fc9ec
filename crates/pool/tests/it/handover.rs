//! Connections that change hands: between drivers, between pools that share a driver, and between waiters.

use crate::support::{Run, counts, facts, fetch, get, millis, secs, world};
use pool::sim::{Host, Reply, World, ok};
use pool::{Config, ErrorKind, Phase, Timeouts};

/// A host that answers with the number of the connection.
fn numbered() -> (World, Host) {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(&received.connection().to_string()));
    (world, host)
}

#[test]
fn an_idle_connection_serves_whichever_driver_asks() {
    let (world, _host) = numbered();
    let pool = world.pool(Config::default());
    let mut drivers = [Run::new(&pool), Run::new(&pool), Run::new(&pool)];
    for round in 0..4 {
        for (n, run) in drivers.iter_mut().enumerate() {
            let id = run.start(get("/"));
            let answer = run.end(id).unwrap();
            assert_eq!((answer.text(), answer.reused()), ("0", round + n > 0), "round {round}, driver {n}");
        }
    }
    assert_eq!((world.connections(), counts(&pool)), (1, (1, 1, 0)));
}

#[test]
fn a_driver_takes_its_own_idle_connection_before_those_of_others() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(&received.connection().to_string()).delay(secs(1)));
    let pool = world.pool(Config::default());
    let (mut one, mut two) = (Run::new(&pool), Run::new(&pool));
    for round in 0..3 {
        let a = one.start(get("/"));
        one.poke(&world);
        // In the first round both have to dial; later the newest idle connection is always that of the other.
        let b = (round == 0).then(|| two.start(get("/")));
        two.poke(&world);
        assert_eq!(one.end(a).unwrap().text(), "0", "round {round}");
        let b = b.unwrap_or_else(|| two.start(get("/")));
        assert_eq!(two.end(b).unwrap().text(), "1", "round {round}");
    }
    assert_eq!(world.connections(), 2);
}

#[test]
fn a_freed_slot_wakes_the_driver_that_waits_for_it() {
    for kept in [true, false] {
        let (world, host) = world();
        let close = if kept { "" } else { "Connection: close\r\n" };
        let raw = format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 1\r\n\r\n");
        host.accept_all(move |_| Reply::raw(format!("{raw}x")).delay(secs(1)));
        let pool = world.pool(Config::default().max_per_origin(1));
        let (mut one, mut two) = (Run::new(&pool), Run::new(&pool));
        let first = one.start(get("/1"));
        one.poke(&world);
        let second = two.start(get("/2"));
        two.poke(&world);
        assert_eq!(counts(&pool), (1, 0, 1));
        one.end(first).unwrap();
        assert_eq!((world.elapsed(), counts(&pool)), (secs(1), (1, 0, 0)), "granted already");
        let answer = two.end(second).unwrap();
        assert_eq!((answer.reused(), answer.attempts.last().queued), (kept, Some(secs(1))));
        assert_eq!((world.elapsed(), counts(&pool).2), (secs(2), 0));
    }
}

#[test]
fn a_wake_up_ends_a_wait_at_once() {
    let (world, _host) = numbered();
    let pool = world.pool(Config::default().max_per_origin(1));
    let held = pool.send(get("/held")).unwrap();
    let mut run = Run::new(&pool);
    let id = run.start(get("/waits"));
    run.poke(&world);
    drop(held);
    assert!(run.end(id).unwrap().reused());
    assert_eq!(world.elapsed(), secs(0), "without the waker it would have been the wait limit");
}

#[test]
fn waiters_of_several_drivers_are_served_in_the_order_in_which_they_came() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(received.target()).delay(secs(1)));
    let pool = world.pool(Config::default().max_per_origin(1));
    let mut runs = [Run::new(&pool), Run::new(&pool), Run::new(&pool)];
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(runs[n % 3].start(get(&format!("/{n}"))));
        runs[n % 3].poke(&world);
    }
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(runs[n % 3].end(id).unwrap().text(), format!("/{n}"));
        assert_eq!(world.elapsed(), secs(n as u64 + 1));
        runs.iter_mut().for_each(|run| run.poke(&world));
    }
    assert_eq!((world.connections(), counts(&pool)), (1, (1, 1, 0)));
}

#[test]
fn a_late_event_for_a_connection_that_moved_away_is_ignored() {
    // With false alarms the old home of a connection is told of it, too.
    for seed in 0..40 {
        let world = World::new(seed);
        let host = world.host("a.example", ["10.0.0.1"]);
        host.accept_all(|received| Reply::ok(&received.connection().to_string()).delay(millis(1)));
        world.spurious(500);
        let pool = world.pool(Config::default());
        let (mut one, mut two) = (Run::new(&pool), Run::new(&pool));
        for _ in 0..5 {
            let id = one.start(get("/"));
            one.end(id).unwrap();
            let id = two.start(get("/"));
            while !two.has_ended(id) {
                one.turn(Some(world.now()));
                two.turn(Some(world.now() + millis(1)));
            }
            assert_eq!(two.end(id).unwrap().text(), "0", "seed {seed}");
        }
        assert_eq!(world.connections(), 1, "seed {seed}");
    }
}

#[test]
fn a_connection_outlives_the_driver_that_made_it() {
    let (world, _host) = numbered();
    let pool = world.pool(Config::default());
    // The loop belongs to another pool, which takes it along when it goes.
    let other = world.pool(Config::default());
    let mut run = Run::new(&other);
    let id = run.start_on(&pool, get("/"));
    assert_eq!(run.end(id).unwrap().text(), "0");
    drop(run);
    drop(other);
    assert_eq!((world.open(), counts(&pool)), (1, (1, 1, 0)));
    let answer = fetch(&pool, get("/")).unwrap();
    assert_eq!((answer.text(), answer.reused()), ("0", true));
}

#[test]
fn a_connection_that_died_in_the_hands_of_one_driver_is_found_dead_by_another() {
    let (world, host) = world();
    let peer = host.accept().expect("GET /1").reply(ok("one"));
    host.accept().expect("POST /2").reply(ok("two")).expect_close();
    let pool = world.pool(Config::default());
    let (mut one, mut two) = (Run::new(&pool), Run::new(&pool));
    let id = one.start(get("/1"));
    one.end(id).unwrap();
    peer.close();
    world.advance(millis(1));
    let id = two.start(crate::support::post("/2", "body"));
    let answer = two.end(id).unwrap();
    assert_eq!((answer.text(), answer.attempts.len(), answer.reused()), ("two", 1, false));
    one.poke(&world);
    pool.close_idle();
    world.assert_quiet();
}

#[test]
fn one_driver_serves_two_pools_and_each_keeps_its_own() {
    let (world, _host) = numbered();
    let first = world.pool(Config::default().max_per_origin(1));
    let second = world.pool(Config::default().max_per_origin(2));
    let mut run = Run::new(&first);
    let mut ids: Vec<_> = (0..3).map(|_| run.start(get("/"))).collect();
    ids.extend((0..3).map(|_| run.start_on(&second, get("/"))));
    run.poke(&world);
    run.finish();
    assert_eq!((counts(&first), counts(&second), world.connections()), ((1, 1, 0), (2, 2, 0), 3));
    let texts: Vec<_> = ids.into_iter().map(|id| run.end(id).unwrap().text().to_owned()).collect();
    assert_eq!(texts[..3], ["0", "0", "0"]);
    assert!(!texts[3..].contains(&"0".to_owned()), "{texts:?}");
    drop(first);
    run.driver.cancel(run.order[0]);
    assert!(fetch(&second, get("/")).unwrap().reused());
}

#[test]
fn a_driver_that_is_dropped_passes_on_what_it_was_granted() {
    let (world, _host) = numbered();
    let pool = world.pool(Config::default().max_per_origin(1));
    let held = pool.send(get("/held")).unwrap();
    let (mut gone, mut next) = (Run::new(&pool), Run::new(&pool));
    gone.start(get("/gone"));
    gone.poke(&world);
    let id = next.start(get("/next"));
    next.poke(&world);
    assert_eq!(counts(&pool), (1, 0, 2));
    drop(held);
    drop(gone);
    let answer = next.end(id).unwrap();
    assert_eq!((answer.text(), answer.reused(), counts(&pool)), ("0", true, (1, 1, 0)));
}

#[test]
fn a_parked_loop_starts_afresh() {
    let (world, host) = world();
    host.accept().expect("GET /1").hold();
    host.accept().expect("GET /2").reply(ok("two")).expect_close();
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    let old = run.start(get("/1"));
    run.poke(&world);
    drop(run);
    let mut run = Run::new(&pool);
    assert!(run.driver.is_idle(), "nothing of its former life is left");
    let id = run.start(get("/2"));
    assert_ne!(id, old);
    assert_eq!(run.end(id).unwrap().text(), "two");
    pool.close_idle();
    world.assert_quiet();
}

#[test]
fn f29_more_drivers_than_connections_all_get_their_turn() {
    let (world, host) = world();
    host.accept_all(|received| Reply::ok(&received.connection().to_string()).delay(millis(10)));
    let pool = world.pool(Config::default().max_per_origin(4));
    let mut runs: Vec<_> = (0..64).map(|_| Run::new(&pool)).collect();
    let ids: Vec<_> = runs.iter_mut().map(|run| run.start(get("/"))).collect();
    while !runs.iter().zip(&ids).all(|(run, id)| run.has_ended(*id)) {
        for run in &mut runs {
            for _ in 0..4 {
                run.turn(Some(world.now()));
            }
        }
        assert!(counts(&pool).0 <= 4);
        world.advance(millis(1));
    }
    assert!(runs.iter_mut().zip(ids).all(|(run, id)| run.end(id).is_ok()));
    assert_eq!((world.connections(), counts(&pool)), (4, (4, 4, 0)));
    assert!(world.elapsed() < millis(16 * 13), "{:?} for 16 rounds of 10 ms", world.elapsed());
}

#[test]
fn two_drivers_that_wait_for_each_other_end_at_the_wait_limit() {
    let (world, _host) = numbered();
    let pool = world.pool(Config::default().max_per_origin(1));
    let held = pool.send(get("/held")).unwrap();
    let limited = get("/").with_timeouts(Timeouts::default().wait(secs(2)));
    let (mut one, mut two) = (Run::new(&pool), Run::new(&pool));
    let (a, b) = (one.start(limited.clone()), two.start(limited));
    one.poke(&world);
    two.poke(&world);
    for (run, id) in [(&mut one, a), (&mut two, b)] {
        assert_eq!(facts(&run.end(id).unwrap_err()), (ErrorKind::Exhausted, Some(Phase::Queue), 1));
    }
    assert_eq!((world.elapsed(), counts(&pool)), (secs(2), (1, 0, 0)));
    drop(held);
    assert_eq!(counts(&pool), (1, 1, 0));
}

#[test]
fn pools_that_share_a_driver_keep_their_own_limits_on_heads() {
    let (world, host) = world();
    let filler = "x".repeat(2000);
    host.accept_all(move |_| {
        Reply::raw(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: {filler}\r\n\r\n"))
    });
    let mut limits = http_wire::Limits::default();
    limits.max_head = 1000;
    let narrow = world.pool(Config::default().wire_limits(limits));
    let wide = world.pool(Config::default());
    let mut run = Run::new(&wide);
    for round in 0..3 {
        let (good, bad) = (run.start(get("/")), run.start_on(&narrow, get("/")));
        assert!(run.end(good).is_ok(), "round {round}");
        assert_eq!(run.end(bad).unwrap_err().kind(), ErrorKind::Protocol, "round {round}");
        let good = run.start(get("/"));
        assert!(run.end(good).unwrap().reused(), "round {round}");
    }
}
