//! Connections and their time limits, as a session's user meets them.

use crate::support::{Stage, answer};
use pool::sim::{Reply, ok};
use session::{ErrorKind, Limit, Phase, Retry, Timeouts};
use std::io;
use std::time::Duration;

#[test]
fn a_7_a_kept_connection_that_dies_is_replaced_once_for_what_can_be_repeated() {
    for (method, works) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("TRACE", true),
        ("DELETE", true),
        ("PUT", true),
        ("POST", false),
        ("PATCH", false),
        ("MKCOL", false),
    ] {
        let stage = Stage::new();
        let host = stage.world.host("a.example", ["10.0.0.1"]);
        host.accept().expect("GET /1").reply(ok("one")).on_next_byte().close();
        if works {
            host.accept().expect(&format!("{method} /2")).expect_body().reply(ok("two"));
        }
        let session = stage.session();
        session.get("http://a.example/1").send().unwrap();
        let second = session.request(method, "http://a.example/2").send();
        match second {
            Ok(response) => assert!(works && response.attempts().len() == 2, "{method}"),
            Err(error) => {
                assert!(!works && error.kind() == ErrorKind::Closed, "{method}: {error}");
                assert!(error.may_have_been_processed());
            }
        }
    }
}

#[test]
fn a_8_a_number_of_retries_is_that_many_further_attempts() {
    for retries in [0, 1, 3] {
        let stage = Stage::new();
        stage.host("a.example", |_| answer("503 Busy", &[], ""));
        stage.session().get("http://a.example/").retry(Retry::idempotent(retries)).send().unwrap();
        assert_eq!(stage.seen().len(), retries as usize + 1);
    }
}

#[test]
fn a_9_the_pool_leaves_redirects_cookies_and_codings_to_the_session() {
    let stage = Stage::new();
    stage.host("a.example", |_| {
        answer("302 Go", &["Location: /2", "Set-Cookie: c=1", "Content-Encoding: gzip"], "raw")
    });
    let session = stage.session();
    let request = pool::Request::get(pool::Origin::http("a.example"), "/1").unwrap();
    let response = session.pool().send(request).unwrap();
    assert_eq!(response.head().status().as_u16(), 302);
    let mut body = String::new();
    io::Read::read_to_string(&mut response.into_parts().1, &mut body).unwrap();
    assert_eq!((body.as_str(), stage.seen().len()), ("raw", 1));
    assert!(session.cookies().is_empty());
}

#[test]
fn a_10_there_are_limits_for_connecting_for_silence_and_for_all_of_it_and_the_first_two_are_finite() {
    let default = Timeouts::default();
    assert_eq!(default.connect, Some(Duration::from_secs(30)));
    assert_eq!(default.wait, Some(Duration::from_secs(30)));
    assert_eq!(default.idle, Some(Duration::from_secs(60)));
    assert_eq!(default.total, None);
    let stage = Stage::new();
    stage.host("silent.example", |_| Reply::silence());
    stage.host("void.example", |_| Reply::ok("")).blackhole();
    for (url, kind, after) in [
        ("http://silent.example/", ErrorKind::Timeout(Limit::Idle), 60),
        ("http://void.example/", ErrorKind::Timeout(Limit::Connect), 30),
    ] {
        let before = stage.world.elapsed();
        assert_eq!(stage.session().get(url).send().unwrap_err().kind(), kind);
        assert_eq!((stage.world.elapsed() - before).as_secs(), after);
    }
}

#[test]
fn a_11_the_connect_limit_covers_the_lookup_and_every_address() {
    let stage = Stage::new();
    stage.world.host("lost.example", ["10.0.0.9"]).lookup_hangs();
    let two = stage.world.host("two.example", ["10.0.0.1", "10.0.0.2"]);
    two.blackhole();
    let limits = Timeouts::default().connect(Duration::from_secs(4));
    for (url, phase) in [("http://lost.example/", Phase::Resolve), ("http://two.example/", Phase::Connect)] {
        let before = stage.world.elapsed();
        let error = stage.session().get(url).timeouts(limits).send().unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout(Limit::Connect), Some(phase)));
        assert_eq!(stage.world.elapsed() - before, Duration::from_secs(4), "{url}");
    }
}

#[test]
fn a_11_a_dead_address_costs_a_quarter_of_a_second() {
    let stage = Stage::new();
    let host = stage.world.host("two.example", ["fd00::1", "10.0.0.1", "10.0.0.2"]);
    host.accept_all(|received| Reply::ok(&received.addr().to_string()));
    for dead in ["fd00::1", "10.0.0.1"] {
        host.at(dead).blackhole();
    }
    let answer = stage.session().get("http://two.example/").send().unwrap();
    assert_eq!(answer.text(), "10.0.0.2:80");
    assert_eq!(stage.world.elapsed(), Duration::from_millis(500));
}

#[test]
fn a_12_the_total_limit_counts_from_the_start_to_the_last_byte() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    host.accept()
        .expect("GET /")
        .delay(Duration::from_secs(2))
        .reply(head)
        .drip("x".repeat(100), Duration::from_secs(1));
    let error = stage.session().get("http://a.example/").timeout(Duration::from_secs(5)).send().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout(Limit::Total), Some(Phase::Body)));
    assert_eq!(stage.world.elapsed(), Duration::from_secs(5));
}

#[test]
fn a_12_a_request_can_take_the_total_limit_of_its_session_away() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("late").delay(Duration::from_secs(20)));
    let session = stage.builder().timeout(Duration::from_secs(5)).build().unwrap();
    let get = || session.get("http://a.example/");
    assert_eq!(get().send().unwrap_err().kind(), ErrorKind::Timeout(Limit::Total));
    assert_eq!(get().timeout(Duration::MAX).send().unwrap().text(), "late");
    assert_eq!(get().timeout(Duration::from_secs(30)).send().unwrap().text(), "late");
}

#[test]
fn a_12_of_the_total_limit_what_is_left_after_connecting_and_of_the_idle_limit_all_of_it_ends_a_wait() {
    for (idle, total, limit, after) in
        [(3, 9, Limit::Idle, 5), (3, 4, Limit::Total, 4), (8, 9, Limit::Total, 9)]
    {
        let stage = Stage::new();
        stage.world.host("a.example", ["10.0.0.1"]).lookup_takes(Duration::from_secs(2));
        stage.host("a.example", |_| Reply::silence());
        let limits = Timeouts::default().idle(Duration::from_secs(idle)).total(Duration::from_secs(total));
        let error = stage.session().get("http://a.example/").timeouts(limits).send().unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout(limit), Some(Phase::Head)));
        assert_eq!(stage.world.elapsed(), Duration::from_secs(after), "{idle} {total}");
    }
}

#[test]
fn a_15_a_body_that_was_read_gives_its_connection_back_and_one_given_up_early_closes_it() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("200 OK", &[], "x".repeat(300_000)));
    let session = stage.session();
    session.get("http://a.example/").send().unwrap();
    let mut stream = session.get("http://a.example/").stream().unwrap();
    io::copy(&mut stream, &mut io::sink()).unwrap();
    drop(stream);
    assert_eq!((stage.world.connections(), stage.world.open()), (1, 1), "read to its end");
    drop(session.get("http://a.example/").stream().unwrap());
    assert_eq!((stage.world.connections(), stage.world.open()), (1, 0), "given up");
    session.get("http://a.example/").send().unwrap();
    assert_eq!(stage.world.connections(), 2);
}

#[test]
fn a_16_an_http_1_0_answer_and_one_that_says_close_are_the_last_of_their_connection() {
    for head in [
        "HTTP/1.0 200 OK\r\nConnection: keep-alive",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200 OK\r\nConnection: close",
    ] {
        let stage = Stage::new();
        stage.host("a.example", move |_| Reply::raw(format!("{head}\r\nContent-Length: 2\r\n\r\nok")));
        let session = stage.session();
        for _ in 0..2 {
            assert_eq!(session.get("http://a.example/").send().unwrap().bytes(), b"ok");
        }
        assert_eq!(stage.world.connections(), 2, "{head}");
    }
}

#[test]
fn e_1_and_e_2_every_failure_has_a_kind_of_its_own() {
    let stage = Stage::new();
    stage.world.host("unknown.example", ["10.0.1.1"]).lookup_fails(io::ErrorKind::NotFound);
    stage.host("refused.example", |_| Reply::ok("")).refuse();
    stage.host("void.example", |_| Reply::ok("")).blackhole();
    stage.host("silent.example", |_| Reply::silence());
    stage.host("closed.example", |_| Reply::raw("").close());
    stage.host("garbage.example", |_| Reply::raw("SSH-2.0-x\r\n"));
    stage.host("cut.example", |_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").close());
    stage.host("chunk.example", |_| {
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").close()
    });
    stage.host("coding.example", |_| answer("200 OK", &["Content-Encoding: gzip"], "no gzip"));
    stage.host("loop.example", |_| answer("302 Go", &["Location: /"], ""));
    stage.host("error.example", |_| answer("500 No", &[], ""));
    let session = stage.builder().error_for_status(true).build().unwrap();
    for (host, kind) in [
        ("unknown", ErrorKind::Resolve),
        ("refused", ErrorKind::Connect),
        ("void", ErrorKind::Timeout(Limit::Connect)),
        ("silent", ErrorKind::Timeout(Limit::Idle)),
        ("closed", ErrorKind::Closed),
        ("garbage", ErrorKind::Protocol),
        ("cut", ErrorKind::Body),
        ("chunk", ErrorKind::Protocol),
        ("coding", ErrorKind::Decode),
        ("loop", ErrorKind::Redirect),
        ("error", ErrorKind::Status(session::StatusCode::INTERNAL_SERVER_ERROR)),
    ] {
        let error = session.get(format!("http://{host}.example/")).send().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.request().is_some_and(|request| request.url().host_str().unwrap().starts_with(host)));
    }
    // Never sent: what is wrong stands in the request, or between here and the server.
    let get = |url: &str| session.get(url);
    for (builder, kind) in [
        (get("http://refused.example/").header("a b", "c"), ErrorKind::Request),
        (get("http://refused.example/").header("a", "b\nc"), ErrorKind::Request),
        (get("http://"), ErrorKind::Request),
        (get("http://a.example:99999/"), ErrorKind::Request),
        (get("http://loop.example/").proxy("http://refused.example"), ErrorKind::Proxy),
        (get("http://loop.example/").proxy("http://unknown.example"), ErrorKind::Proxy),
        (get("http://loop.example/").proxy("ftp://refused.example"), ErrorKind::Config),
    ] {
        let error = builder.send().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn e_4_an_error_has_its_request_and_the_answer_where_there_is_one() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("404 Not Found", &["X-Why: gone"], "no such page"));
    stage.host("refused.example", |_| Reply::ok("")).refuse();
    let session = stage.session();
    let error = session.get("http://a.example/x").send().unwrap().error_for_status().unwrap_err();
    assert_eq!(error.request().unwrap().url().as_str(), "http://a.example/x");
    let response = error.response().unwrap();
    assert_eq!((response.header("x-why"), &*response.text()), (Some("gone"), "no such page"));
    let error = session.put("http://refused.example/y").send().unwrap_err();
    assert_eq!(error.request().unwrap().method().as_str(), "PUT");
    assert!(error.response().is_none());
}
