//! Callers that give up: dropped streams, batches and drivers, and panics in what they brought along.

use crate::proxy_server::ProxyServer;
use crate::support::{HANG, builder, count, ok, session, text};
use pool::{Config, Event, Origin, Pool, Request};
use session::{Body, Canceller, ErrorKind, Phase, Proxies};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use testbed::Testbed;
use testbed::raw::{RawServer, Script};

fn origin(server: &RawServer) -> Origin {
    Origin::http("127.0.0.1").with_port(server.addr().port())
}

#[test]
fn a_dropped_stream_gives_its_place_to_the_next() {
    let testbed = Testbed::start().unwrap();
    let session = builder().max_per_origin(1).build().unwrap();
    for _ in 0..20 {
        let mut stream = session.get(format!("{}/bench/10000000", testbed.http())).stream().unwrap();
        stream.read_exact(&mut [0; 100]).unwrap();
    }
    assert!(session.get(format!("{}/get", testbed.http())).send().unwrap().ok());
    assert_eq!(session.pool().counts().open, 1);
    assert!(testbed.wait_for(HANG, |stats| stats.open == 1).is_some());
}

#[test]
fn a_dropped_batch_gives_up_what_is_under_way() {
    let answering = Script::new().answer(ok("one")).wait_for_close();
    let silent = (0..20).map(|_| Script::new().expect_head().wait_for_close());
    let server = RawServer::start([answering].into_iter().chain(silent)).unwrap();
    let session = builder().max_per_origin(4).build().unwrap();
    let endless = std::iter::repeat_with(|| session.get(server.url()));
    let mut batch = session.as_completed(endless);
    assert_eq!(text(batch.next().unwrap().1), "one");
    drop(batch);
    let counts = session.pool().counts();
    assert_eq!((counts.open, counts.idle, counts.waiting), (1, 1, 0), "the one that was done with");
    assert!(server.wait_until_ended(2, HANG), "the server learns of the others");
}

#[test]
fn a_canceled_exchange_is_silent_and_others_go_on() {
    let server = RawServer::start([
        Script::new().expect_head().wait_for_close(),
        Script::new().expect_head().pause().send(ok("other")).wait_for_close(),
    ])
    .unwrap();
    let pool = Pool::new(Config::default());
    let mut driver = pool.driver().unwrap();
    let canceled = driver.start(Request::get(origin(&server), "/canceled").unwrap());
    while server.connections() == 0 || server.requests()[0].is_empty() {
        driver.turn(Some(driver.now())).unwrap();
    }
    let other = driver.start(Request::get(origin(&server), "/other").unwrap());
    driver.cancel(canceled);
    assert!(server.wait_until_ended(1, HANG), "its connection is closed at once");
    server.proceed();
    let mut body = [0; 9];
    let mut read = 0;
    while !driver.is_idle() {
        driver.turn(None).unwrap();
        while let Some((id, event)) = driver.next_event() {
            assert_eq!(id, other);
            match event {
                Event::Failed(error) => panic!("{error}"),
                Event::Readable => read += driver.read(id, &mut body).unwrap(),
                _ => {}
            }
        }
    }
    assert_eq!(&body[..read], b"other");
    assert_eq!(driver.read(canceled, &mut body).unwrap(), 0, "a canceled exchange has nothing more to say");
    assert_eq!((pool.counts().open, pool.counts().idle), (1, 1));
}

#[test]
fn a_dropped_driver_closes_what_it_had_under_way_and_keeps_what_was_done() {
    let testbed = Testbed::start().unwrap();
    let pool = Pool::new(Config::default());
    let origin = || Origin::http("127.0.0.1").with_port(testbed.addr().port());
    pool.send(Request::get(origin(), "/get").unwrap())
        .unwrap()
        .body_mut()
        .read_to_end(&mut Vec::new())
        .unwrap();
    let mut driver = pool.driver().unwrap();
    for _ in 0..5 {
        driver.start(Request::get(origin(), "/delay/9").unwrap());
    }
    // Until all five wait for their answers; the first took the idle connection.
    while testbed.stats().requests < 6 {
        driver.turn(Some(driver.now())).unwrap();
    }
    drop(driver);
    assert_eq!(pool.counts().open, 0);
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
    assert!(pool.send(Request::get(origin(), "/get").unwrap()).unwrap().head().status().is_success());
}

/// A body that panics when it has been read for a while.
struct Panics(u32);

impl Read for Panics {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(1).expect("the caller's own panic");
        buf[..5].copy_from_slice(b"hello");
        Ok(5)
    }
}

#[test]
fn a_panic_in_a_body_source_is_the_callers_and_hurts_nobody_else() {
    for reads in [0, 3] {
        let server = RawServer::start([
            Script::new().wait_for_close(),
            Script::new().answer(ok("next")).wait_for_close(),
        ])
        .unwrap();
        let session = session();
        let request = session.post(server.url()).body(Body::once(Panics(reads)));
        let panicked = catch_unwind(AssertUnwindSafe(|| request.send()));
        assert!(panicked.is_err(), "it is not swallowed");
        assert!(server.wait_until_ended(1, HANG), "the connection is closed");
        assert_eq!(count(&server.requests()[0], "\r\n0\r\n\r\n"), 0, "what was sent looks unfinished");
        assert_eq!(session.pool().counts().open, 0);
        assert_eq!(text(session.get(server.url()).send()), "next");
    }
}

#[test]
fn a_panic_in_a_resolver_is_an_error_of_its_request() {
    let testbed = Testbed::start().unwrap();
    let resolver = |host: &str| {
        if host == "bad.test" { panic!("the resolver's own") } else { crate::support::loopback(host) }
    };
    let session = builder().resolver(resolver).build().unwrap();
    let error = session.get("http://bad.test/").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resolve, "{error}");
    let url = format!("http://good.test:{}/get", testbed.addr().port());
    assert!(session.get(url).send().unwrap().ok());
}

#[test]
fn pn_3_a_resolver_that_knows_nothing_is_an_error_that_says_so() {
    let proxy = ProxyServer::start(None);
    let here = proxy.port();
    for url in ["http://nowhere.test/", "https://nowhere.test/", "http://nowhere.test:8080/"] {
        for by in
            [None, Some("http://proxy.test:3128".to_owned()), Some(format!("socks5://127.0.0.1:{here}"))]
        {
            let session = builder().resolver(|_: &str| Ok(Vec::new()));
            let session =
                session.proxies(by.as_ref().map_or(Proxies::none(), |by| Proxies::all(by).unwrap()));
            let session = session.build().unwrap();
            // Twice: what was found is not remembered as something else.
            for result in [session.get(url).send().map(drop), session.get(url).stream().map(drop)] {
                let error = result.unwrap_err();
                let (host, kind) = match &by {
                    Some(by) if by.contains("proxy.test") => ("proxy.test", ErrorKind::Proxy),
                    _ => ("nowhere.test", ErrorKind::Resolve),
                };
                assert_eq!((error.kind(), error.phase()), (kind, Some(Phase::Resolve)), "{by:?}: {error}");
                assert!(error.to_string().contains(host) && !error.may_have_been_processed(), "{error}");
            }
            assert_eq!(session.pool().counts().open, 0);
        }
    }
    assert!(proxy.seen().is_empty());
}

#[test]
fn addresses_that_refuse_are_passed_over_and_each_is_named_when_all_do() {
    let testbed = Testbed::start().unwrap();
    let port = testbed.addr().port();
    // Nobody listens there: the testbed is on 127.0.0.1 alone.
    let resolver = |host: &str| {
        let mut found: Vec<std::net::IpAddr> = vec![[127, 0, 0, 2].into(), [127, 0, 0, 3].into()];
        if host == "good.test" {
            found.push([127, 0, 0, 1].into());
        }
        Ok(found)
    };
    let session = builder().resolver(resolver).build().unwrap();
    let response = session.get(format!("http://good.test:{port}/get")).send().unwrap();
    let attempt = response.attempts().last();
    assert_eq!((attempt.failed.len(), attempt.peer), (2, Some(testbed.addr())));
    assert!(attempt.failed.iter().all(|(_, why)| *why == io::ErrorKind::ConnectionRefused));
    let error = session.get(format!("http://bad.test:{port}/get")).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    let text = error.to_string();
    assert!(text.contains("127.0.0.2") && text.contains("127.0.0.3") && text.contains("refused"), "{text}");
}

/// Waits until the server has read the head of a request.
fn asked(server: &RawServer) {
    while !server.requests().iter().any(|bytes| bytes.ends_with(b"\r\n\r\n")) {
        std::thread::yield_now();
    }
}

#[test]
fn another_thread_cancels_a_blocked_request_a_blocked_read_and_one_in_the_queue() {
    let silent = || Script::new().expect_head().wait_for_close();
    let part =
        Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").wait_for_close();
    for (script, streamed) in [(silent(), false), (part, true)] {
        let server = RawServer::start([script, silent(), silent()]).unwrap();
        let session = builder().max_per_origin(1).build().unwrap();
        let canceller = Canceller::new();
        let first = {
            let request = session.get(server.url()).cancel_on(&canceller);
            std::thread::spawn(move || match streamed {
                true => {
                    let mut stream = request.stream().unwrap();
                    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
                    error.into_inner().unwrap().downcast::<session::Error>().unwrap().kind()
                }
                false => request.send().unwrap_err().kind(),
            })
        };
        asked(&server);
        let queued = {
            let request = session.get(server.url()).cancel_on(&canceller);
            std::thread::spawn(move || request.send().unwrap_err().kind())
        };
        while session.pool().counts().waiting == 0 {
            std::thread::yield_now();
        }
        canceller.cancel();
        assert_eq!(first.join().unwrap(), ErrorKind::Canceled);
        assert_eq!(queued.join().unwrap(), ErrorKind::Canceled);
        assert_eq!(session.pool().counts().open, 0);
        assert!(server.wait_until_ended(1, HANG), "the server learns of it");
    }
}

#[test]
fn another_thread_cancels_a_whole_batch() {
    let server = RawServer::start((0..8).map(|_| Script::new().expect_head().wait_for_close())).unwrap();
    let session = builder().max_per_origin(5).build().unwrap();
    let canceller = Canceller::new();
    let batch = {
        let (session, canceller, url) = (session.clone(), canceller.clone(), server.url());
        std::thread::spawn(move || {
            session.send_all((0..100).map(|_| session.get(&*url).cancel_on(&canceller)))
        })
    };
    asked(&server);
    canceller.cancel();
    let results = batch.join().unwrap();
    assert_eq!(results.len(), 100);
    assert!(results.into_iter().all(|result| result.unwrap_err().kind() == ErrorKind::Canceled));
    assert_eq!(session.pool().counts().open, 0);
}
