//! The pool's own loop, over real sockets.

use crate::support::only;
use pool::{Class, Config, Driver, Event, ExchangeId, Origin, Pool, Request, Route, Summary};
use std::collections::HashMap;
use testbed::Testbed;

fn http(testbed: &Testbed) -> Origin {
    Origin::http("127.0.0.1").with_port(testbed.addr().port())
}

/// Runs everything to its end; body and summary of each exchange.
fn finish(driver: &mut Driver) -> HashMap<ExchangeId, (Vec<u8>, Summary)> {
    let (mut bodies, mut done) = (HashMap::<ExchangeId, Vec<u8>>::new(), HashMap::new());
    let mut buf = vec![0; 8 * 1024];
    while !driver.is_idle() {
        driver.turn(None).unwrap();
        while let Some((id, event)) = driver.next_event() {
            match event {
                Event::Head(head) => {
                    assert!(head.status().is_success());
                    assert!(bodies.insert(id, Vec::new()).is_none(), "one head each");
                }
                Event::Readable => {
                    let body = bodies.get_mut(&id).expect("a head comes first");
                    while let n @ 1.. = driver.read(id, &mut buf).unwrap() {
                        body.extend_from_slice(&buf[..n]);
                    }
                }
                Event::Done(summary) => {
                    let body = bodies.remove(&id).expect("a head comes first");
                    assert!(done.insert(id, (body, summary)).is_none(), "one end each");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    done
}

#[test]
fn many_exchanges_on_one_thread_each_get_their_own_answer() {
    let testbed = Testbed::start().unwrap();
    let pool = Pool::new(Config::default().max_per_origin(8));
    let mut driver = pool.driver().unwrap();
    let ids: Vec<(ExchangeId, usize)> = (1..300)
        .map(|n| (driver.start(Request::get(http(&testbed), &format!("/bench/{}", 1 + n * 100)).unwrap()), n))
        .collect();
    let done = finish(&mut driver);
    assert_eq!(done.len(), ids.len());
    for (id, n) in ids {
        assert_eq!(done[&id].0.len(), 1 + n * 100);
        assert!(done[&id].1.kept);
    }
    assert_eq!(testbed.stats().plain_connections, 8, "never more than the limit, and all of it");
    assert_eq!(pool.counts().idle, 8);
}

#[test]
fn batches_leave_the_last_connection_of_an_origin_free() {
    let testbed = Testbed::start().unwrap();
    let pool = Pool::new(Config::default().max_per_origin(4));
    let mut driver = pool.driver().unwrap();
    for _ in 0..20 {
        driver.start(Request::get(http(&testbed), "/bench/100000").unwrap().with_class(Class::Batch));
    }
    assert_eq!(finish(&mut driver).len(), 20);
    assert_eq!(testbed.stats().plain_connections, 3);
}

#[test]
fn one_driver_serves_several_pools() {
    let testbed = Testbed::start().unwrap();
    let pools = [Pool::new(Config::default()), Pool::new(Config::default())];
    let mut driver = pools[0].driver().unwrap();
    for pool in &pools {
        driver.start_on(pool, Request::get(http(&testbed), "/get").unwrap());
    }
    assert_eq!(finish(&mut driver).len(), 2);
    assert_eq!(pools.map(|pool| pool.counts().idle), [1, 1]);
}

#[test]
fn a_pool_lives_on_when_its_drivers_and_other_handles_are_gone() {
    let testbed = Testbed::start().unwrap();
    let pool = Pool::new(Config::default());
    let other = pool.clone();
    let mut driver = other.driver().unwrap();
    drop(other);
    driver.start(Request::get(http(&testbed), "/get").unwrap());
    finish(&mut driver);
    drop(driver);
    let mut next = pool.driver().unwrap();
    next.start(Request::get(http(&testbed), "/get").unwrap());
    assert!(finish(&mut next).values().all(|(_, summary)| summary.attempts.last().reused));
}

#[test]
fn plain_and_tls_mix_in_one_driver() {
    let testbed = Testbed::start().unwrap();
    let pool = Pool::new(Config::default());
    let https = Origin::https("127.0.0.1").with_port(testbed.tls_addr().port());
    let routes = [Route::direct(http(&testbed)), Route::with_tls(https, only(testbed.ca_pem()))];
    let mut driver = pool.driver().unwrap();
    for n in 0..40 {
        driver.start(Request::get(routes[n % 2].clone(), "/bench/50000").unwrap());
    }
    let done = finish(&mut driver);
    assert!(done.len() == 40 && done.values().all(|(body, _)| body.len() == 50_000));
    assert_eq!(done.values().filter(|(_, summary)| summary.attempts.last().tls.is_some()).count(), 20);
}

#[test]
fn a_driver_with_nothing_to_do_says_so() {
    let testbed = Testbed::start().unwrap();
    let pool = Pool::new(Config::default());
    let mut driver = pool.driver().unwrap();
    assert!(driver.is_idle() && driver.next_deadline().is_none());
    driver.start(Request::get(http(&testbed), "/get").unwrap());
    assert!(!driver.is_idle() && driver.next_deadline() == Some(driver.now()), "there is work");
    driver.turn(None).unwrap();
    assert!(driver.next_deadline().is_some(), "then its deadlines count");
    finish(&mut driver);
    assert!(driver.is_idle() && driver.next_deadline().is_none());
    #[cfg(unix)]
    assert!(std::os::fd::AsRawFd::as_raw_fd(&driver) >= 0, "it can be nested in another loop");
}
