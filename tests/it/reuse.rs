//! Which connections serve again, counted by the server.

use crate::support::{HANG, builder, loopback, ok, reused, session, text, trusting};
use std::time::Duration;
use testbed::Testbed;
use testbed::raw::{RawServer, Script};

#[test]
fn requests_one_after_the_other_share_one_connection() {
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    for n in 0..20 {
        for base in [testbed.http(), testbed.https()] {
            let response = session.get(format!("{base}/anything/{n}")).send().unwrap();
            assert_eq!(reused(&response), n > 0);
        }
    }
    let stats = testbed.stats();
    assert_eq!((stats.plain_connections, stats.tls_connections, stats.requests), (1, 1, 40));
}

#[test]
fn answers_of_every_kind_leave_the_connection_fit_for_the_next_request() {
    let testbed = Testbed::start().unwrap();
    let (session, base) = (session(), testbed.http());
    let requests = [
        session.head(format!("{base}/bench/100")),
        session.get(format!("{base}/status/204")),
        session.get(format!("{base}/status/304")),
        session.get(format!("{base}/status/500")),
        session.get(format!("{base}/chunked/100000/999")),
        session.get(format!("{base}/bench/1000000")),
        session.get(format!("{base}/gzip")),
        session.post(format!("{base}/post")).body("x"),
        session.options(format!("{base}/get")),
        session.get(format!("{base}/redirect/3")),
    ];
    for request in requests {
        request.send().unwrap();
    }
    assert_eq!(testbed.stats().plain_connections, 1);
    assert_eq!((session.pool().counts().open, session.pool().counts().idle), (1, 1));
}

#[test]
fn an_answer_that_says_close_is_the_last_of_its_connection() {
    let testbed = Testbed::start().unwrap();
    let session = session();
    for _ in 0..3 {
        assert!(!reused(&session.get(format!("{}/close", testbed.http())).send().unwrap()));
    }
    assert_eq!(testbed.stats().plain_connections, 3);
    assert_eq!(session.pool().counts().open, 0);
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
}

#[test]
fn a_server_without_keep_alive_gets_a_connection_for_each_request() {
    let testbed = Testbed::builder().keep_alive(false).start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    for base in [testbed.http(), testbed.https()] {
        let results = session.send_all((0..5).map(|n| session.get(format!("{base}/bench/{}", n + 1))));
        assert!(results.into_iter().all(|result| !reused(&result.unwrap())));
    }
    let stats = testbed.wait_for(HANG, |stats| stats.open == 0).unwrap();
    assert_eq!((stats.plain_connections, stats.tls_connections), (5, 5));
    assert_eq!(session.pool().counts().open, 0);
}

#[test]
fn an_http_1_0_answer_is_understood_and_its_connection_not_used_again() {
    let answer = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nold";
    let script = || Script::new().answer(answer).wait_for_close();
    let server = RawServer::start([script(), script()]).unwrap();
    let session = session();
    for _ in 0..2 {
        assert_eq!(text(session.get(server.url()).send()), "old");
    }
    assert!(server.wait_until_ended(2, HANG));
    assert_eq!((server.connections(), server.faults()), (2, vec![]));
}

#[test]
fn a_connection_is_not_kept_for_longer_than_the_server_says() {
    let answer = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nhi";
    let script = || Script::new().answer(answer).wait_for_close();
    let server = RawServer::start([script(), script()]).unwrap();
    let session = session();
    for _ in 0..2 {
        assert_eq!(text(session.get(server.url()).send()), "hi");
    }
    assert!(server.wait_until_ended(2, HANG));
    assert_eq!(server.connections(), 2);
}

#[test]
fn an_idle_timeout_of_zero_keeps_nothing() {
    let testbed = Testbed::start().unwrap();
    let session = builder().idle_timeout(Duration::ZERO).build().unwrap();
    for _ in 0..3 {
        session.get(format!("{}/bench/9", testbed.http())).send().unwrap();
    }
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
    assert_eq!(testbed.stats().plain_connections, 3);
}

#[test]
fn surplus_bytes_behind_an_answer_are_never_the_next_answer() {
    let evil = ok("EVIL");
    for first in [
        format!("{}{evil}", ok("good")),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n{evil}"),
        format!("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n{evil}"),
        format!("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n{evil}"),
    ] {
        let server = RawServer::start([
            Script::new().answer(first).wait_for_close(),
            Script::new().answer(ok("next")).wait_for_close(),
        ])
        .unwrap();
        let session = session();
        assert_ne!(text(session.get(server.url()).send()), "EVIL");
        assert_eq!(text(session.get(server.url()).send()), "next");
        assert_eq!((server.connections(), server.faults()), (2, vec![]));
    }
}

#[test]
fn a_body_that_a_server_sends_to_head_is_never_the_next_answer() {
    let server = RawServer::start([
        Script::new().answer(ok("EVIL!")).wait_for_close(),
        Script::new().answer(ok("next")).wait_for_close(),
    ])
    .unwrap();
    let session = session();
    let head = session.head(server.url()).send().unwrap();
    assert_eq!((head.header("content-length"), head.bytes()), (Some("5"), &b""[..]));
    assert_eq!(text(session.get(server.url()).send()), "next");
}

#[test]
fn connections_belong_to_the_name_they_were_opened_for() {
    let testbed = Testbed::start().unwrap();
    let session = builder().resolver(loopback).build().unwrap();
    let port = testbed.addr().port();
    for host in ["127.0.0.1", "a.test", "b.test", "A.TEST"] {
        session.get(format!("http://{host}:{port}/get")).send().unwrap();
    }
    assert_eq!(testbed.stats().plain_connections, 3, "a.test and A.TEST are one name");
}

#[test]
fn clones_share_connections_and_other_sessions_do_not() {
    let testbed = Testbed::start().unwrap();
    let url = format!("{}/get", testbed.http());
    let one = session();
    let clone = one.clone();
    one.get(&url).send().unwrap();
    assert!(reused(&clone.get(&url).send().unwrap()));
    assert!(!reused(&session().get(&url).send().unwrap()));
    assert!(!reused(&session::get(&url).send().unwrap()), "a one-shot function is a session of its own");
}

#[test]
fn idle_connections_close_when_asked_to_and_with_the_last_clone() {
    let testbed = Testbed::start().unwrap();
    let url = format!("{}/get", testbed.http());
    let session = session();
    let clone = session.clone();
    session.get(&url).send().unwrap();
    session.close_idle();
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
    session.get(&url).send().unwrap();
    drop(session);
    assert_eq!(testbed.stats().open, 1, "a clone is left");
    drop(clone);
    assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
}

#[test]
fn as_many_connections_as_are_needed_at_once_are_opened_and_all_are_kept() {
    let testbed = Testbed::start().unwrap();
    let session = builder().max_per_origin(8).build().unwrap();
    for _ in 0..3 {
        let open: Vec<_> = (0..5)
            .map(|_| session.get(format!("{}/bench/1000000", testbed.http())).stream().unwrap())
            .collect();
        assert_eq!(session.pool().counts().open, 5);
        for stream in open {
            assert_eq!(stream.into_response().unwrap().bytes().len(), 1_000_000);
        }
        assert_eq!(session.pool().counts().idle, 5);
    }
    assert_eq!(testbed.stats().plain_connections, 5);
}
