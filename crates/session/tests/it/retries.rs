//! What is sent again.

use crate::support::{Stage, answer, redirect, turns};
use pool::sim::{Reply, ok};
use session::{Body, Error, ErrorKind, Hook, Method, Request, Retry, StatusCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn unavailable() -> Reply {
    answer("503 Busy", &[], "later")
}

#[test]
fn by_default_nothing_is_sent_again() {
    let stage = turns(vec![unavailable(), Reply::ok("")]);
    assert_eq!(stage.session().get("http://a.example/").send().unwrap().status().as_u16(), 503);
    let response = stage.session().get("http://a.example/").retry(Retry::none()).send().unwrap();
    assert_eq!(response.bytes(), b"");
    assert_eq!(stage.seen().len(), 2);
}

#[test]
fn a_busy_server_is_asked_again_and_every_attempt_is_listed() {
    let stage = turns(vec![unavailable(), unavailable(), Reply::ok("fine")]);
    let response = stage.session().get("http://a.example/").retry(Retry::idempotent(5)).send().unwrap();
    assert_eq!((response.bytes(), response.attempts().len()), (&b"fine"[..], 3));
    let mut connected = 0;
    for attempt in response.attempts() {
        connected += usize::from(attempt.connected.is_some());
    }
    assert_eq!(connected, 1, "on one connection");
    assert!(response.history().is_empty());
    assert!(stage.world.elapsed() <= Duration::from_millis(600));
}

#[test]
fn after_the_last_attempt_the_answer_is_what_it_is() {
    let stage = turns(vec![unavailable()]);
    let response = stage.session().get("http://a.example/").retry(Retry::idempotent(2)).send().unwrap();
    assert_eq!((response.status().as_u16(), response.bytes()), (503, &b"later"[..]));
    assert_eq!((stage.seen().len(), response.attempts().len()), (3, 3));
}

#[test]
fn only_idempotent_methods_with_bodies_that_can_be_replayed_are_sent_again() {
    for (method, body, sent) in [
        ("GET", Body::Empty, 2),
        ("PUT", Body::from("x"), 2),
        ("DELETE", Body::Empty, 2),
        ("POST", Body::from("x"), 1),
        ("PATCH", Body::from("x"), 1),
        ("PUT", Body::once(&b"x"[..]), 1),
    ] {
        let stage = turns(vec![unavailable(), Reply::ok("")]);
        let request = stage.session().request(method, "http://a.example/").body(body);
        request.retry(Retry::idempotent(3)).send().unwrap();
        assert_eq!(stage.seen().len(), sent, "{method}");
    }
}

#[test]
fn other_statuses_can_be_chosen() {
    let stage = turns(vec![answer("418 Tea", &[], ""), Reply::ok("")]);
    let policy = Retry::idempotent(1).statuses([StatusCode::IM_A_TEAPOT]);
    assert!(stage.session().get("http://a.example/").retry(policy).send().unwrap().is_success());
}

#[test]
fn y_7_retry_after_is_waited_for_in_seconds_or_until_a_date() {
    for value in ["120", "Thu, 01 Jan 2026 00:02:00 GMT"] {
        let header = format!("Retry-After: {value}");
        let stage = turns(vec![answer("503 Busy", &[&header], ""), Reply::ok("")]);
        stage.session().get("http://a.example/").retry(Retry::idempotent(1)).send().unwrap();
        assert_eq!(stage.world.elapsed(), Duration::from_secs(120), "{value}");
    }
    for value in ["soon", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let header = format!("Retry-After: {value}");
        let stage = turns(vec![answer("503 Busy", &[&header], ""), Reply::ok("")]);
        stage.session().get("http://a.example/").retry(Retry::idempotent(1)).send().unwrap();
        assert!(stage.world.elapsed() <= Duration::from_millis(200), "{value}");
    }
}

#[test]
fn a_wait_beyond_the_time_limit_of_the_call_is_not_begun() {
    let stage = turns(vec![answer("503 Busy", &["Retry-After: 60"], "")]);
    let request = stage.session().get("http://a.example/").retry(Retry::idempotent(1));
    let response = request.timeout(Duration::from_secs(10)).send().unwrap();
    assert_eq!((response.status().as_u16(), stage.world.elapsed()), (503, Duration::ZERO));
}

#[test]
fn a_connection_that_does_not_come_about_is_tried_again_for_any_method() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("")).refuse();
    let request = stage.session().post("http://a.example/").body("x").retry(Retry::idempotent(2));
    let error = request.send().unwrap_err();
    assert_eq!((error.kind(), error.attempts().count()), (ErrorKind::Connect, 3));
    assert!(!error.may_have_been_processed());
}

#[test]
fn a_lost_answer_is_asked_for_again_only_where_that_is_harmless() {
    for (method, sent) in [("GET", 2), ("POST", 1)] {
        let stage = Stage::new();
        let host = stage.world.host("a.example", ["10.0.0.1"]);
        let first = host.accept().expect(method).close();
        let second = host.accept().expect(method).reply(ok("fine"));
        let result = stage.session().request(method, "http://a.example/").retry(Retry::idempotent(1)).send();
        assert!(first.is_connected());
        assert_eq!(second.is_connected(), sent == 2, "{method}");
        match result {
            Ok(response) => assert_eq!(response.attempts().len(), 2),
            Err(error) => assert!(sent == 1 && error.may_have_been_processed()),
        }
    }
}

#[test]
fn timeouts_are_a_reason_only_on_request() {
    for (on, sent) in [(false, 1), (true, 2)] {
        let stage = turns(vec![Reply::silence(), Reply::ok("")]);
        let policy = Retry::idempotent(1).on_timeout(on);
        let result = stage.session().get("http://a.example/").retry(policy).send();
        assert_eq!((result.is_ok(), stage.seen().len()), (on, sent));
    }
}

#[test]
fn one_waiting_retry_does_not_hold_up_a_batch() {
    let stage = Stage::new();
    let first = AtomicUsize::new(0);
    stage.host("a.example", move |r| match r.target() {
        "/slow" if first.fetch_add(1, Ordering::Relaxed) == 0 => answer("503 Busy", &["Retry-After: 60"], ""),
        _ => Reply::ok(""),
    });
    let session = stage.builder().retry(Retry::idempotent(1)).build().unwrap();
    let urls = ["slow", "a", "b"].map(|path| format!("http://a.example/{path}"));
    let mut times = Vec::new();
    for (index, result) in session.as_completed(urls.iter().map(|url| session.get(url))) {
        result.unwrap();
        times.push((index, stage.world.elapsed().as_secs()));
    }
    assert_eq!(times, [(1, 0), (2, 0), (0, 60)]);
}

#[test]
fn what_would_fail_again_is_not_sent_again() {
    for (fields, body, limit) in
        [(&[][..], "0123456789", 5), (&["Content-Encoding: gzip"][..], "no gzip", 100)]
    {
        let stage = Stage::new();
        stage.host("a.example", move |_| answer("200 OK", fields, body));
        let session = stage.session();
        let request = session.get("http://a.example/").max_body(limit).retry(Retry::idempotent(3));
        request.send().unwrap_err();
        assert_eq!(stage.seen().len(), 1, "{body}");
    }
}

#[test]
fn an_error_for_a_status_lists_every_attempt_too() {
    let stage = turns(vec![unavailable(), unavailable()]);
    let session = stage.builder().retry(Retry::idempotent(1)).error_for_status(true).build().unwrap();
    let error = session.get("http://a.example/").stream().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Status(_)));
    assert_eq!(error.attempts().count(), 2);
    let error = session.get("http://a.example/").send().unwrap_err();
    assert_eq!(error.attempts().count(), 2);
}

#[test]
fn the_attempts_before_a_redirect_are_listed_with_it() {
    let busy = unavailable;
    let stage = turns(vec![busy(), redirect(302, "/end"), busy(), busy(), Reply::ok("end")]);
    let response = stage.session().get("http://a.example/").retry(Retry::idempotent(5)).send().unwrap();
    assert_eq!((response.text().as_ref(), response.attempts().len()), ("end", 3));
    assert_eq!(response.history()[0].attempts().len(), 2);
}

#[test]
fn what_is_sent_again_is_judged_by_what_was_sent() {
    struct Posts;
    impl Hook for Posts {
        fn before(&self, request: &mut Request) -> Result<(), Error> {
            request.set_method(Method::POST);
            Ok(())
        }
    }
    for reply in [unavailable(), Reply::raw("").close()] {
        let stage = turns(vec![reply, Reply::ok("end")]);
        let request = stage.session().get("http://a.example/").hook(Posts).retry(Retry::idempotent(5));
        let _ = request.send();
        assert_eq!(stage.lines(), ["a.example POST /"]);
    }
}
