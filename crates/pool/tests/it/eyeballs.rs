//! Many addresses, one connection: which are tried, in which order, when, and what is left of the losers.

use crate::support::{counts, facts, fetch, get, millis, secs};
use pool::sim::{Host, Reply, World};
use pool::{Config, ErrorKind, Event, Limit, Phase, Timeouts};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

const REFUSED: io::ErrorKind = io::ErrorKind::ConnectionRefused;
const TIMED_OUT: io::ErrorKind = io::ErrorKind::TimedOut;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A world in which `a.example` has so many addresses, 10.0.0.1 the first, each of which says which it is.
fn addresses(count: u8) -> (World, Host) {
    let ips: Vec<String> = (1..=count).map(|n| format!("10.0.0.{n}")).collect();
    of(&ips.iter().map(String::as_str).collect::<Vec<_>>())
}

fn of(ips: &[&str]) -> (World, Host) {
    let world = World::new(7);
    let host = world.host("a.example", ips.iter().copied());
    host.accept_all(|received| Reply::ok(&received.addr().to_string()));
    (world, host)
}

/// What an address does with an attempt to connect.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Accepts, after so many milliseconds.
    Accept(u64),
    /// Refuses, after so many milliseconds.
    Refuse(u64),
    Nothing,
}

#[test]
fn the_first_connection_that_stands_wins() {
    use Does::{Accept, Nothing, Refuse};
    // What the addresses do; which one wins, when.
    let table: &[(&[Does], u8, u64)] = &[
        (&[Accept(0), Accept(0)], 1, 0),
        // The second has its turn after a quarter of a second, and not before.
        (&[Accept(249), Accept(0)], 1, 249),
        (&[Accept(251), Accept(0)], 2, 250),
        (&[Nothing, Accept(0)], 2, 250),
        (&[Nothing, Nothing, Nothing, Accept(0)], 4, 750),
        // The first goes on beside the second.
        (&[Accept(300), Accept(100)], 1, 300),
        (&[Accept(300), Nothing, Accept(200)], 1, 300),
        (&[Nothing, Accept(400), Accept(100)], 3, 600),
        // What fails makes room at once, and the stagger counts from there.
        (&[Refuse(0), Accept(0)], 2, 0),
        (&[Refuse(100), Accept(0)], 2, 100),
        (&[Refuse(100), Nothing, Accept(0)], 3, 350),
        (&[Nothing, Refuse(100), Accept(0)], 3, 350),
        // One that fails while another is on its way as well.
        (&[Refuse(300), Nothing, Accept(0)], 3, 300),
        (&[Refuse(10), Refuse(10), Refuse(10), Accept(5)], 4, 35),
        // The last one alone on its way has all the time there is.
        (&[Refuse(0), Accept(29_999)], 2, 29_999),
    ];
    for (does, winner, after) in table {
        let (world, host) = addresses(u8::try_from(does.len()).unwrap());
        for (at, does) in does.iter().enumerate() {
            let host = host.at(&format!("10.0.0.{}", at + 1));
            match does {
                Accept(delay) => host.latency(millis(*delay)),
                Refuse(delay) => {
                    host.latency(millis(*delay));
                    host.refuse();
                }
                Nothing => host.blackhole(),
            }
        }
        let pool = world.pool(Config::default());
        let answer = fetch(&pool, get("/")).unwrap_or_else(|error| panic!("{does:?}: {error}"));
        let attempt = answer.attempts.last();
        assert_eq!(attempt.connected, Some(millis(*after)), "{does:?}");
        assert_eq!((answer.text(), answer.attempts.len()), (&*format!("10.0.0.{winner}:80"), 1), "{does:?}");
        assert_eq!(attempt.peer, Some(addr(answer.text())), "{does:?}");
        assert!(attempt.failed.iter().all(|(_, why)| *why == REFUSED), "{does:?}: {:?}", attempt.failed);
        assert_eq!((world.open(), counts(&pool).0), (1, 1), "the losers are closed: {does:?}");
        pool.close_idle();
        world.assert_quiet();
    }
}

#[test]
fn a_11_the_families_take_turns_beginning_with_the_first_and_in_the_order_of_the_resolver() {
    let table: &[(&[&str], &[&str])] = &[
        (&["fd00::1", "fd00::2", "10.0.0.1", "10.0.0.2"], &["fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2"]),
        (&["10.0.0.1", "10.0.0.2", "fd00::1"], &["10.0.0.1", "fd00::1", "10.0.0.2"]),
        (&["fd00::1", "fd00::2", "fd00::3", "10.0.0.1"], &["fd00::1", "10.0.0.1", "fd00::2", "fd00::3"]),
        (&["10.0.0.2", "10.0.0.1"], &["10.0.0.2", "10.0.0.1"]),
        // Once each, and one that was there before is nobody's turn.
        (&["10.0.0.1", "fd00::1", "10.0.0.1", "fd00::1", "10.0.0.2"], &["10.0.0.1", "fd00::1", "10.0.0.2"]),
        (
            &["fd00::1", "fd00::1", "fd00::2", "10.0.0.1", "10.0.0.2"],
            &["fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2"],
        ),
    ];
    for (resolved, tried) in table {
        let all = |ips: &[&str]| -> Vec<SocketAddr> {
            ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 80)).collect()
        };
        let mut ips = resolved.to_vec();
        ips.sort_unstable();
        ips.dedup();
        let (world, host) = of(&ips);
        host.refuse();
        host.lookup_answers(all(resolved));
        let pool = world.pool(Config::default());
        let error = fetch(&pool, get("/")).unwrap_err();
        let failed: Vec<_> = error.attempts().last().failed.iter().map(|(addr, _)| *addr).collect();
        assert_eq!(failed, all(tried), "{resolved:?}");
    }
}

#[test]
fn f27_a_network_of_which_one_family_is_dead_costs_a_stagger() {
    let table = [(["fd00::1", "10.0.0.1"], "10.0.0.1:80"), (["10.0.0.1", "fd00::1"], "[fd00::1]:80")];
    for (ips, winner) in table {
        // Many of the dead family stand before the first of the other.
        let [dead, good] = ips;
        let (world, host) = of(&ips);
        host.at(dead).blackhole();
        let mut answers = vec![SocketAddr::new(dead.parse().unwrap(), 80); 1];
        answers.extend((0..40).map(|n| match dead.contains(':') {
            true => addr(&format!("[fd00::1:{n}]:80")),
            false => addr(&format!("10.1.1.{n}:80")),
        }));
        answers.push(SocketAddr::new(good.parse().unwrap(), 80));
        host.lookup_answers(answers);
        let pool = world.pool(Config::default());
        assert_eq!(fetch(&pool, get("/")).unwrap().text(), winner);
        assert_eq!((world.elapsed(), world.open()), (millis(250), 1));
    }
}

#[test]
fn f27_of_many_dead_addresses_six_are_under_way_and_the_oldest_gives_way_to_the_others() {
    // Ten: each has a tenth of the connect limit, 3 s, before it gives way.
    let (world, host) = addresses(10);
    host.blackhole();
    host.at("10.0.0.9").listen();
    let pool = world.pool(Config::default());
    let answer = fetch(&pool, get("/")).unwrap();
    assert_eq!(answer.text(), "10.0.0.9:80");
    // Six at 0, 250 … 1250 ms. The first gives way at 3 s, the second, whose share of what was left then is a little
    // larger, after that, and so on; a serial client would have needed all of eight shares.
    assert_eq!(
        answer.attempts.last().failed,
        [1, 2, 3].map(|n| (addr(&format!("10.0.0.{n}:80")), TIMED_OUT))
    );
    assert!(world.elapsed() >= secs(3) && world.elapsed() < secs(6), "{:?}", world.elapsed());
    assert_eq!((world.open(), counts(&pool)), (1, (1, 1, 0)));
    pool.close_idle();
    world.assert_quiet();
}

#[test]
fn f27_without_a_limit_the_oldest_gives_way_after_ten_seconds() {
    let (world, host) = addresses(8);
    host.blackhole();
    host.at("10.0.0.8").listen();
    let pool = world.pool(Config::default());
    let patient = Timeouts::default().connect(None);
    let answer = fetch(&pool, get("/").with_timeouts(patient)).unwrap();
    assert_eq!((answer.text(), world.elapsed()), ("10.0.0.8:80", secs(10) + millis(250)));
    let failed = &answer.attempts.last().failed;
    assert_eq!(*failed, [1, 2].map(|n| (addr(&format!("10.0.0.{n}:80")), TIMED_OUT)));
}

#[test]
fn f27_never_more_than_six_are_under_way() {
    let (world, host) = addresses(20);
    host.blackhole();
    let pool = world.pool(Config::default());
    let mut driver = pool.driver().unwrap();
    driver.start(get("/"));
    let mut most = 0;
    while driver.next_event().is_none() {
        driver.turn(None).unwrap();
        most = most.max(world.open());
    }
    assert_eq!((most, world.open(), counts(&pool)), (6, 0, (0, 0, 0)));
    assert_eq!(world.elapsed(), secs(30), "the connect limit, not the addresses, ends it");
    drop(driver);
    world.assert_quiet();
}

#[test]
fn f03_if_no_address_answers_the_error_tells_all_that_were_tried() {
    let (world, host) = addresses(3);
    host.blackhole();
    host.at("10.0.0.2").refuse();
    let pool = world.pool(Config::default());
    for timeouts in [Timeouts::default().connect(secs(4)), Timeouts::default().total(secs(4))] {
        let before = world.elapsed();
        let error = fetch(&pool, get("/").with_timeouts(timeouts)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout(Limit::Connect | Limit::Total)), "{error}");
        assert_eq!(facts(&error).1, Some(Phase::Connect));
        assert!(error.nothing_sent());
        assert_eq!(
            error.attempts().last().failed,
            [("10.0.0.2:80", REFUSED), ("10.0.0.1:80", TIMED_OUT), ("10.0.0.3:80", TIMED_OUT)]
                .map(|(ip, why)| (addr(ip), why))
        );
        assert_eq!((world.elapsed() - before, world.open(), counts(&pool)), (secs(4), 0, (0, 0, 0)));
    }
    world.assert_quiet();
}

#[test]
fn a_race_that_is_canceled_leaves_nothing() {
    for after in [Duration::ZERO, millis(250), millis(600)] {
        let (world, host) = addresses(4);
        host.blackhole();
        let pool = world.pool(Config::default());
        let mut driver = pool.driver().unwrap();
        let id = driver.start(get("/"));
        let until = world.now() + after;
        while world.now() < until || world.open() == 0 {
            driver.turn(Some(until)).unwrap();
        }
        assert_eq!(world.open(), 1 + usize::try_from(after.as_millis() / 250).unwrap());
        let error = driver.abort(id).unwrap();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Canceled, Some(Phase::Connect)));
        assert_eq!((world.open(), counts(&pool)), (0, (0, 0, 0)));
        // The late answers of its sockets are nobody's.
        host.listen();
        driver.start(get("/"));
        while !matches!(driver.next_event(), Some((_, Event::Head(_)))) {
            driver.turn(None).unwrap();
        }
        assert_eq!((world.open(), world.elapsed()), (1, after));
    }
}

#[test]
fn losers_that_answer_late_are_not_used() {
    let (world, host) = addresses(3);
    host.at("10.0.0.1").latency(millis(700));
    host.at("10.0.0.2").latency(millis(600));
    let pool = world.pool(Config::default());
    for _ in 0..3 {
        assert_eq!(fetch(&pool, get("/")).unwrap().text(), "10.0.0.3:80");
        world.advance(secs(1));
    }
    assert_eq!((world.open(), world.elapsed()), (1, secs(3) + millis(500)));
    pool.close_idle();
    world.assert_quiet();
}
