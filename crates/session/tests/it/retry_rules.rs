//! Retries, rule by rule.

use crate::support::{Stage, answer, turns};
use pool::sim::Reply;
use session::{Body, ErrorKind, Retry, Source, StatusCode, Timeouts};
use std::io::{self, Cursor, Read as _};
use std::time::Duration;

fn busy() -> Reply {
    answer("503 Busy", &[], "later")
}

#[test]
fn y_1_and_y_5_four_statuses_are_a_reason_by_default_and_others_by_choice() {
    for status in [408, 413, 429, 500, 501, 502, 503, 504, 507] {
        let reply = answer(&format!("{status} No"), &["Retry-After: 0"], "");
        let stage = turns(vec![reply.clone(), Reply::ok("")]);
        stage.session().get("http://a.example/").retry(Retry::idempotent(1)).send().unwrap();
        assert_eq!(stage.seen().len() == 2, [429, 502, 503, 504].contains(&status), "{status}");
        let stage = turns(vec![reply, Reply::ok("")]);
        let chosen = Retry::idempotent(1).statuses([StatusCode::from_u16(status).unwrap()]);
        stage.session().get("http://a.example/").retry(chosen).send().unwrap();
        assert_eq!(stage.seen().len(), 2, "{status}");
    }
}

#[test]
fn y_2_methods_that_are_not_idempotent_are_repeated_only_if_they_are_included() {
    for (method, any, sent) in
        [("GET", false, 2), ("POST", false, 1), ("POST", true, 2), ("PATCH", true, 2), ("MKCOL", true, 2)]
    {
        let stage = turns(vec![busy(), Reply::ok("")]);
        let retry = Retry::idempotent(3).any_method(any);
        stage.session().request(method, "http://a.example/").body("x").retry(retry).send().unwrap();
        assert_eq!(stage.seen().len(), sent, "{method} {any}");
    }
    let stage = turns(vec![busy(), Reply::ok("")]);
    let request = stage.session().post("http://a.example/").body(Body::once(Cursor::new(b"x")));
    let response = request.retry(Retry::idempotent(3).any_method(true)).send().unwrap();
    assert_eq!((response.status().as_u16(), stage.seen().len()), (503, 1), "a body that is gone");
}

#[test]
fn y_3_a_failure_to_connect_concerns_any_method_a_lost_answer_only_idempotent_ones() {
    for (method, sent) in [("GET", 3), ("POST", 1)] {
        let failed = |stage: &Stage| {
            let request = stage.session().request(method, "http://a.example/");
            request.retry(Retry::idempotent(2)).send().unwrap_err()
        };
        let stage = turns(vec![Reply::raw("").close()]);
        let error = failed(&stage);
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!(error.attempts().count(), sent, "{method}");
        let stage = Stage::new();
        stage.host("a.example", |_| Reply::ok("")).refuse();
        let error = failed(&stage);
        assert_eq!((error.kind(), error.attempts().count()), (ErrorKind::Connect, 3), "{method}");
    }
}

#[test]
fn y_4_and_y_8_after_the_last_attempt_the_outcome_is_the_last_one() {
    let stage = turns(vec![busy(), answer("502 Bad", &[], "worse")]);
    let response = stage.session().get("http://a.example/").retry(Retry::idempotent(1)).send().unwrap();
    assert_eq!((response.status().as_u16(), response.bytes()), (502, &b"worse"[..]));
    let last = answer("503 Busy", &["Connection: close"], "later").close();
    let stage = turns(vec![last, Reply::raw("").close()]);
    let error = stage.session().get("http://a.example/").retry(Retry::idempotent(1)).send().unwrap_err();
    assert_eq!((error.kind(), error.attempts().count()), (ErrorKind::Closed, 2));
}

#[test]
fn y_6_the_longest_wait_doubles_from_attempt_to_attempt_up_to_a_cap() {
    // The wait is random below its bound; over all attempts it cannot be above the sum of the bounds.
    for (retries, bound) in [(1, 1), (2, 3), (3, 7), (5, 7 + 4 + 4)] {
        let stage = turns(vec![busy()]);
        let retry =
            Retry::idempotent(retries).backoff(Duration::from_secs(1)).max_wait(Duration::from_secs(4));
        stage.session().get("http://a.example/").retry(retry).send().unwrap();
        assert!(
            stage.world.elapsed() <= Duration::from_secs(bound),
            "{retries}: {:?}",
            stage.world.elapsed()
        );
        assert!(stage.world.elapsed() > Duration::ZERO);
    }
}

#[test]
fn y_7_retry_after_goes_before_the_backoff_is_never_negative_and_has_a_cap() {
    for (text, waited) in [
        ("7", 7),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("999999", 6 * 3600),
        ("99999999999999999999", 6 * 3600),
    ] {
        let stage = turns(vec![answer("503 Busy", &[&format!("Retry-After: {text}")], ""), Reply::ok("")]);
        let retry = Retry::idempotent(1).backoff(Duration::ZERO);
        stage.session().get("http://a.example/").retry(retry).send().unwrap();
        assert_eq!((stage.world.elapsed().as_secs(), stage.seen().len()), (waited, 2), "{text}");
    }
    // Where it names no time to come, the backoff counts.
    for text in ["0", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", "-5", ""] {
        let stage = turns(vec![answer("503 Busy", &[&format!("Retry-After: {text}")], ""), Reply::ok("")]);
        let retry = Retry::idempotent(1).backoff(Duration::from_secs(1));
        stage.session().get("http://a.example/").retry(retry).send().unwrap();
        let waited = stage.world.elapsed();
        assert!(waited > Duration::ZERO && waited <= Duration::from_secs(1), "{text:?}: {waited:?}");
        assert_eq!(stage.seen().len(), 2, "{text:?}");
    }
}

#[test]
fn y_9_the_answer_is_read_the_body_sent_from_its_start_and_a_failed_connection_not_used_again() {
    let stage = turns(vec![busy(), Reply::raw("").close(), Reply::ok("fine")]);
    let body = Body::seekable(Cursor::new(b"body".to_vec())).unwrap();
    let request = stage.session().put("http://a.example/").body(body).retry(Retry::idempotent(2));
    assert_eq!(request.send().unwrap().bytes(), b"fine");
    assert!(stage.seen().iter().all(|r| r.body() == b"body"));
    assert_eq!(stage.seen().len(), 3);
    assert_eq!(stage.world.connections(), 2, "the 503 was read and its connection served again");
    // One that does not go back after all is an error, and never an empty body.
    for reply in [busy(), Reply::raw("").close()] {
        let stage = turns(vec![reply, Reply::ok("fine")]);
        let request = stage.session().put("http://a.example/").body(Body::reader(OneWay(b"body")));
        let error = request.retry(Retry::idempotent(2)).send().unwrap_err();
        assert_eq!((error.kind(), stage.seen().len()), (ErrorKind::Io, 1), "{error}");
        assert!(error.to_string().contains("no way back") && error.may_have_been_processed(), "{error}");
    }
}

/// Says that it can go back, and cannot.
struct OneWay(&'static [u8]);

impl Source for OneWay {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }

    fn mark(&mut self) -> Option<u64> {
        Some(0)
    }

    fn rewind(&mut self, _: u64) -> io::Result<()> {
        Err(io::Error::other("no way back"))
    }
}

#[test]
fn y_10_waits_end_with_the_total_limit_and_a_body_that_breaks_is_a_reason() {
    let stage = turns(vec![answer("503 Busy", &["Retry-After: 60"], "")]);
    let request = stage.session().get("http://a.example/").timeout(Duration::from_secs(5));
    let response = request.retry(Retry::idempotent(3)).send().unwrap();
    assert_eq!((response.status().as_u16(), stage.world.elapsed()), (503, Duration::ZERO), "not begun");
    let cut = Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").close();
    let stage = turns(vec![cut, Reply::ok("whole")]);
    let response = stage.session().get("http://a.example/").retry(Retry::idempotent(1)).send().unwrap();
    assert_eq!(response.bytes(), b"whole");
    let stage = turns(vec![Reply::silence(), Reply::ok("")]);
    let limits = Timeouts::default().idle(Duration::from_secs(1));
    let request = stage.session().get("http://a.example/").timeouts(limits);
    assert!(request.retry(Retry::idempotent(1)).send().unwrap_err().is_timeout(), "unless it is asked for");
}

#[test]
fn y_10_an_outage_is_multiplied_by_a_fifth_beside_a_reserve_of_ten() {
    let stage = turns(vec![busy()]);
    let session = stage.builder().retry(Retry::idempotent(3)).build().unwrap();
    for _ in 0..100 {
        assert_eq!(session.clone().get("http://a.example/").send().unwrap().status(), 503);
    }
    // All but the first earn, and what the reserve has no room for is lost.
    let retries = stage.seen().len() - 100;
    assert!((25..=30).contains(&retries), "{retries}");
    stage.session().get("http://a.example/").retry(Retry::idempotent(3)).send().unwrap();
    assert_eq!(stage.seen().len(), 100 + retries + 4, "another session has a reserve of its own");
}
