//! From a name to a connection: lookups, and hosts with several addresses of which some are dead.

use crate::support::{counts, facts, fetch, get, secs, world};
use pool::sim::{Reply, World};
use pool::{Config, ErrorKind, Limit, Origin, Phase, Request, Timeouts};
use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A world in which `a.example` has three addresses.
fn three() -> (World, pool::sim::Host) {
    let world = World::new(7);
    let host = world.host("a.example", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    host.accept_all(|received| Reply::ok(&received.addr().to_string()));
    (world, host)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn f27_an_address_that_refuses_makes_room_for_the_next() {
    let (world, host) = three();
    host.at("10.0.0.1").refuse();
    host.at("10.0.0.2").refuse();
    let pool = world.pool(Config::default());
    let answer = fetch(&pool, get("/")).unwrap();
    assert_eq!((answer.text(), answer.attempts.len(), world.elapsed()), ("10.0.0.3:80", 1, Duration::ZERO));
    let refused = io::ErrorKind::ConnectionRefused;
    let attempt = answer.attempts.last();
    assert_eq!(attempt.failed, [(addr("10.0.0.1:80"), refused), (addr("10.0.0.2:80"), refused)]);
    assert_eq!(attempt.peer, Some(addr("10.0.0.3:80")));
    assert_eq!((world.connections(), world.open()), (1, 1), "the losers are closed");
}

#[test]
fn f01_if_all_addresses_refuse_the_error_names_every_cause() {
    let (world, host) = three();
    host.refuse();
    let pool = world.pool(Config::default());
    let error = fetch(&pool, get("/")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Connect, Some(Phase::Connect), 1));
    assert_eq!(error.attempts().last().failed.len(), 3, "one attempt per address");
    for ip in ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"] {
        assert_eq!(error.to_string().matches(ip).count(), 1, "{error}");
    }
    assert!(
        error
            .to_string()
            .starts_with("http://a.example: could not connect: 10.0.0.1:80 refused the connection")
    );
    let cause = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.nothing_sent() && !error.may_have_been_processed());
    assert_eq!((world.elapsed(), world.open(), counts(&pool)), (Duration::ZERO, 0, (0, 0, 0)));
    assert!(error.into_request().is_some());
}

#[test]
fn f08_of_ten_thousand_addresses_only_a_few_are_tried() {
    let (world, host) = world();
    let many = (0..10_000_u32).map(|n| SocketAddr::from(((0x0A01_0000 + n).to_be_bytes(), 80))).collect();
    host.lookup_answers(many);
    let pool = world.pool(Config::default());
    let error = fetch(&pool, get("/")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Connect, Some(Phase::Connect), 1));
    let tried = error.attempts().last().failed.len();
    assert!((6..=64).contains(&tried), "{tried}");
    assert_eq!((world.elapsed(), world.open()), (Duration::ZERO, 0));
}

#[test]
fn f28_a_lookup_that_fails_is_an_error_with_its_cause_and_is_not_remembered() {
    for kind in [io::ErrorKind::NotFound, io::ErrorKind::TimedOut, io::ErrorKind::Other] {
        let (world, host) = three();
        host.lookup_fails(kind);
        let pool = world.pool(Config::default());
        let error = fetch(&pool, get("/")).unwrap_err();
        assert_eq!(facts(&error), (ErrorKind::Resolve, Some(Phase::Resolve), 1));
        assert_eq!(error.source().unwrap().downcast_ref::<io::Error>().unwrap().kind(), kind);
        assert!(error.nothing_sent() && error.to_string().starts_with("http://a.example: "), "{error}");
        assert_eq!(counts(&pool), (0, 0, 0));
        host.lookup_answers(vec![addr("10.0.0.2:80")]);
        assert_eq!(fetch(&pool, get("/")).unwrap().text(), "10.0.0.2:80");
        assert_eq!(host.lookups(), 2);
    }
}

#[test]
fn f28_a_host_without_addresses_cannot_be_looked_up() {
    let (world, host) = world();
    host.lookup_answers(Vec::new());
    let pool = world.pool(Config::default());
    let error = fetch(&pool, get("/")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Resolve, Some(Phase::Resolve), 1), "{error}");
    assert_eq!(counts(&pool), (0, 0, 0));
}

#[test]
fn a_name_nobody_knows_is_a_lookup_error() {
    let (world, _) = world();
    let pool = world.pool(Config::default());
    let error = fetch(&pool, get("http://nobody.example/")).unwrap_err();
    assert_eq!((error.kind(), error.origin().unwrap().host()), (ErrorKind::Resolve, "nobody.example"));
}

#[test]
fn an_address_is_not_looked_up() {
    let world = World::new(7);
    let host = world.host("*", ["10.0.0.1", "fd00::1"]);
    host.accept_all(|received| Reply::ok(&received.addr().to_string()));
    let pool = world.pool(Config::default());
    for (url, peer) in [
        ("http://10.0.0.1/", "10.0.0.1:80"),
        ("http://10.0.0.1:8080/", "10.0.0.1:8080"),
        ("http://[fd00::1]/", "[fd00::1]:80"),
        ("https://[fd00::1]:444/", "[fd00::1]:444"),
    ] {
        let answer = fetch(&pool, get(url)).unwrap();
        assert_eq!((answer.text(), answer.attempts.last().resolved), (peer, None), "{url}");
    }
    assert_eq!(host.lookups(), 0);
}

#[test]
fn an_address_without_a_route_is_a_connect_error_at_once() {
    let (world, _) = world();
    let pool = world.pool(Config::default());
    let error = fetch(&pool, get("http://10.9.9.9/")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Connect, Some(Phase::Connect), 1));
    assert_eq!(error.attempts().last().failed, [(addr("10.9.9.9:80"), io::ErrorKind::NetworkUnreachable)]);
    assert_eq!(world.elapsed(), Duration::ZERO);
}

#[test]
fn the_connect_limit_covers_lookup_and_addresses_together() {
    let (world, host) = three();
    host.lookup_takes(secs(4));
    host.blackhole();
    let pool = world.pool(Config::default());
    let request = get("/").with_timeouts(Timeouts::default().connect(secs(10)));
    let error = fetch(&pool, request).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout(Limit::Connect), Some(Phase::Connect)));
    assert_eq!(world.elapsed(), secs(10));
}

#[test]
fn a_lookup_that_answers_after_its_exchange_is_over_is_dropped() {
    let (world, host) = three();
    host.lookup_takes(secs(10));
    let pool = world.pool(Config::default().max_per_origin(1));
    let hasty = get("/").with_timeouts(Timeouts::default().connect(secs(1)));
    assert_eq!(fetch(&pool, hasty).unwrap_err().phase(), Some(Phase::Resolve));
    let answer = fetch(&pool, get("/")).unwrap();
    assert_eq!((answer.text(), world.elapsed()), ("10.0.0.1:80", secs(11)));
    pool.close_idle();
    world.assert_quiet();
}

#[test]
fn f08_an_impossible_host_is_refused_before_it_is_looked_up() {
    let long = ["a".repeat(63).as_str(); 4].join(".");
    for host in ["", "a..b", &"a".repeat(64), &long, "a b", "a\r\nb", "[::1"] {
        let error = Request::get(Origin::http(host), "/").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{host:?}");
    }
    assert!(Request::get(Origin::http(format!("{}.example", "a".repeat(63))), "/").is_ok());
}
