//! Kept connections that the server closed: before the next request, or just as it came.

use crate::support::{HANG, builder, ok, session, text};
use session::pool::Config;
use session::{Body, ErrorKind, Method};
use std::io::Cursor;
use testbed::raw::{RawServer, Script};

/// How a server ends a connection.
#[derive(Clone, Copy, Debug)]
enum End {
    Fin,
    Rst,
}

const ENDS: [End; 2] = [End::Fin, End::Rst];

fn end(script: Script, end: End) -> Script {
    match end {
        End::Fin => script.close(),
        End::Rst => script.reset(),
    }
}

fn second() -> Script {
    Script::new().answer(ok("second")).wait_for_close()
}

#[test]
fn a_connection_that_was_closed_while_idle_costs_no_request_of_any_method() {
    for how in ENDS {
        for method in [Method::GET, Method::POST] {
            let first = end(Script::new().answer(ok("first")), how);
            let server = RawServer::start([first, second()]).unwrap();
            let session = session();
            assert_eq!(text(session.get(server.url()).send()), "first");
            assert!(server.wait_until_ended(1, HANG));
            let response = session.request(&method, server.url()).send().unwrap();
            assert_eq!(
                (response.text(), response.attempts().len()),
                ("second".into(), 1),
                "{how:?} {method}"
            );
        }
    }
}

#[test]
fn half_a_close_is_a_close() {
    // Its end of the other direction comes with the answer, so it is there before the next request is.
    let first = Script::new().answer(ok("first")).close_write().wait_for_close();
    let server = RawServer::start([first, second()]).unwrap();
    let session = session();
    assert_eq!(text(session.get(server.url()).send()), "first");
    assert_eq!(text(session.get(server.url()).send()), "second");
    assert!(server.wait_until_ended(1, HANG), "our end follows");
}

#[test]
fn what_a_server_says_to_an_idle_connection_is_no_answer() {
    for status in [400, 408, 503] {
        let farewell = format!("HTTP/1.1 {status} Bye\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let first = Script::new().answer(ok("first")).send(farewell).close();
        let server = RawServer::start([first, second()]).unwrap();
        let session = session();
        assert_eq!(text(session.get(server.url()).send()), "first");
        assert!(server.wait_until_ended(1, HANG));
        assert_eq!(text(session.post(server.url()).body("x").send()), "second", "{status}");
    }
}

#[test]
fn an_idempotent_request_that_meets_the_close_is_sent_once_more() {
    for how in ENDS {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            let first = end(Script::new().answer(ok("first")).expect_head(), how);
            let server = RawServer::start([first, second()]).unwrap();
            let session = session();
            assert_eq!(text(session.get(server.url()).send()), "first");
            let response = session.request(&method, server.url()).send().unwrap();
            let attempts: Vec<_> =
                response.attempts().iter().map(|attempt| (attempt.reused, attempt.error)).collect();
            let lost = Some(pool::ErrorKind::Closed);
            assert_eq!(attempts, [(true, lost), (false, None)], "{how:?} {method}");
            assert_eq!((server.connections(), server.faults()), (2, vec![]));
        }
    }
}

#[test]
fn a_post_that_meets_the_close_is_an_error_and_never_sent_twice() {
    for how in ENDS {
        for method in [Method::POST, Method::PATCH] {
            let first = end(Script::new().answer(ok("first")).expect_head().expect_body(4), how);
            let server = RawServer::start([first, second()]).unwrap();
            let session = session();
            assert_eq!(text(session.get(server.url()).send()), "first");
            let error = session.request(&method, server.url()).body("once").send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{how:?} {method}: {error}");
            assert!(error.may_have_been_processed());
            assert_eq!((error.attempts().count(), server.connections()), (1, 1));
        }
    }
}

#[test]
fn a_body_that_cannot_be_read_again_is_not_sent_again() {
    let first = Script::new().answer(ok("first")).expect_until("0\r\n\r\n").close();
    let server = RawServer::start([first, second()]).unwrap();
    let session = session();
    assert_eq!(text(session.get(server.url()).send()), "first");
    let error = session.put(server.url()).body(Body::once(Cursor::new("once"))).send().unwrap_err();
    assert_eq!((error.kind(), server.connections()), (ErrorKind::Closed, 1), "{error}");
}

#[test]
fn a_first_connection_that_is_closed_without_an_answer_is_an_error() {
    for how in ENDS {
        let server = RawServer::start([end(Script::new().expect_head(), how), second()]).unwrap();
        let error = session().get(server.url()).send().unwrap_err();
        assert_eq!((error.kind(), server.connections()), (ErrorKind::Closed, 1), "{how:?}: {error}");
    }
}

#[test]
fn one_byte_of_an_answer_ends_the_right_to_a_second_try() {
    let first = Script::new().answer(ok("first")).expect_head().send("H").close();
    let server = RawServer::start([first, second()]).unwrap();
    let session = session();
    assert_eq!(text(session.get(server.url()).send()), "first");
    let error = session.get(server.url()).send().unwrap_err();
    assert_eq!((error.kind(), server.connections()), (ErrorKind::Protocol, 1), "{error}");
}

#[test]
fn a_second_close_in_a_row_is_an_error() {
    let first = Script::new().answer(ok("first")).expect_head().close();
    let server = RawServer::start([first, Script::new().expect_head().close(), second()]).unwrap();
    let session = session();
    assert_eq!(text(session.get(server.url()).send()), "first");
    let error = session.get(server.url()).send().unwrap_err();
    assert_eq!((error.kind(), error.attempts().count()), (ErrorKind::Closed, 2), "{error}");
    assert_eq!(server.connections(), 2);
}

#[test]
fn nothing_is_repeated_where_that_is_turned_off() {
    let first = Script::new().answer(ok("first")).expect_head().close();
    let server = RawServer::start([first, second()]).unwrap();
    let session = builder().pool_config(Config::default().retry_stale(false)).build().unwrap();
    assert_eq!(text(session.get(server.url()).send()), "first");
    let error = session.get(server.url()).send().unwrap_err();
    assert_eq!((error.kind(), server.connections()), (ErrorKind::Closed, 1), "{error}");
}

#[test]
fn a_408_at_the_moment_of_reuse_counts_as_a_close() {
    let farewell = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let first = || Script::new().answer(ok("first")).answer(farewell).close();
    let server = RawServer::start([first(), second()]).unwrap();
    let session = session();
    assert_eq!(text(session.get(server.url()).send()), "first");
    assert_eq!(text(session.get(server.url()).send()), "second");
    // POST is not repeated: its 408 is the answer.
    let server = RawServer::start([first(), second()]).unwrap();
    assert_eq!(text(session.get(server.url()).send()), "first");
    assert_eq!(session.post(server.url()).send().unwrap().status(), 408);
    assert_eq!(server.connections(), 1);
}

#[test]
fn di_3_a_server_that_closes_at_any_moment_costs_no_get_and_gets_no_post_twice() {
    const ROUNDS: usize = 200;
    for how in ENDS {
        // Closes right behind each answer: the next request finds that out before, while or after it is written.
        let scripts = (0..3 * ROUNDS).map(|_| end(Script::new().answer(ok("mine")), how));
        let server = RawServer::start(scripts).unwrap();
        let session = session();
        for n in 0..ROUNDS {
            assert_eq!(text(session.get(format!("{}/get/{n}", server.url())).send()), "mine");
            match session.post(format!("{}/post/{n}/", server.url())).send() {
                Ok(response) => assert_eq!(response.text(), "mine"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Closed, "{error}"),
            }
        }
        assert!(server.wait_until_ended(server.connections(), HANG));
        let heads = server.requests().concat();
        for n in 0..ROUNDS {
            let posts = crate::support::count(&heads, &format!("POST /post/{n}/ "));
            assert!(posts <= 1, "{how:?}: POST {n} came {posts} times");
        }
    }
}
