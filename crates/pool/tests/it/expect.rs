//! `Expect: 100-continue` and other interim answers (RFC 9110 §10.1.1, §15.2).

use crate::support::{counts, expecting, facts, fetch, get, pattern, post, secs, world};
use pool::sim::{Fragments, ok};
use pool::{Body, Config, ErrorKind, Phase, Timeouts};
use std::time::Duration;

const GO: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// Bodies that are sent beside the head, from where they lie, and from a reader.
fn bodies() -> [Body; 4] {
    let long = pattern(200_000);
    [
        Body::from("short"),
        Body::bytes(long.clone()),
        Body::once(&b"read"[..]),
        Body::sized(std::io::Cursor::new(long), 200_000),
    ]
}

#[test]
fn the_body_is_sent_when_the_server_says_continue() {
    for body in bodies() {
        let (world, host) = world();
        let kind = format!("{body:?}");
        let peer = host.accept().expect_head("POST /").delay(Duration::from_millis(999));
        peer.reply(GO).expect_body().reply(ok("thanks"));
        let pool = world.pool(Config::default());
        let answer = fetch(&pool, expecting("/", body)).unwrap();
        assert_eq!((answer.text(), answer.kept), ("thanks", true), "{kind}");
        assert_eq!(answer.attempts.last().sent, Some(Duration::from_millis(999)), "{kind}");
    }
}

#[test]
fn nothing_of_the_body_is_sent_before() {
    let (world, host) = world();
    let peer = host.accept().expect_head("POST /").hold();
    let pool = world.pool(Config::default());
    let request = expecting("/", "body").with_timeouts(Timeouts::default().total(secs(1)).expect(secs(2)));
    let error = fetch(&pool, request.clone()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout(pool::Limit::Total), Some(Phase::Write)));
    assert_eq!(peer.received(), request.head().as_bytes());
    assert_eq!(error.attempts().last().bytes_sent, request.head().as_bytes().len() as u64);
}

#[test]
fn a_silent_server_gets_the_body_after_the_expect_limit() {
    for (timeouts, at) in [
        (Timeouts::default(), secs(1)),
        (Timeouts::default().expect(secs(5)), secs(5)),
        (Timeouts::default().expect(Duration::ZERO), Duration::ZERO),
    ] {
        for body in bodies() {
            let (world, host) = world();
            host.accept().expect("POST /").reply(ok("thanks"));
            let pool = world.pool(Config::default());
            let answer = fetch(&pool, expecting("/", body).with_timeouts(timeouts)).unwrap();
            assert_eq!((answer.text(), world.elapsed(), answer.kept), ("thanks", at, true));
            assert_eq!(answer.attempts.last().sent, Some(at));
        }
    }
}

#[test]
fn fr_5_a_final_answer_in_place_of_continue_means_no_body_and_no_reuse() {
    for (status, raw) in [
        (417, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"),
        (200, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
        (401, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"),
    ] {
        for body in bodies() {
            let (world, host) = world();
            let peer = host.accept().expect_head("POST /").reply(raw).expect_close();
            host.accept().expect("GET /next").reply(ok("next"));
            let pool = world.pool(Config::default());
            let request = expecting("/", body);
            let answer = fetch(&pool, request.clone()).unwrap();
            assert_eq!((answer.status(), answer.text(), answer.kept), (status, "no", false));
            assert_eq!((world.elapsed(), answer.attempts.last().sent), (Duration::ZERO, None));
            assert_eq!(peer.received(), request.head().as_bytes(), "no byte of the body");
            assert_eq!(fetch(&pool, get("/next")).unwrap().text(), "next");
            pool.close_idle();
            world.assert_quiet();
        }
    }
}

#[test]
fn f18_a_continue_at_any_time_sends_the_body_once() {
    for cut in [Fragments::Whole, Fragments::Bytes] {
        // Unasked for; late, after the limit; twice.
        let (world, host) = world();
        world.fragment(cut);
        host.accept()
            .expect_head("POST /unasked")
            .reply(GO)
            .expect_body()
            .reply(ok("1"))
            .expect("POST /late")
            .reply(GO)
            .reply(GO)
            .reply(ok("2"))
            .expect_head("POST /twice")
            .reply(GO)
            .reply(GO)
            .expect_body()
            .reply(ok("3"))
            .expect("GET /last")
            .reply(ok("4"));
        let pool = world.pool(Config::default());
        let requests = [
            post("/unasked", pattern(100_000)),
            expecting("/late", "b"),
            expecting("/twice", "b"),
            get("/last"),
        ];
        let texts = requests.map(|request| fetch(&pool, request).unwrap().text().to_owned());
        assert_eq!((texts, world.connections()), (["1", "2", "3", "4"].map(str::to_owned), 1));
        pool.close_idle();
        world.assert_quiet();
    }
}

#[test]
fn f18_sixteen_interim_answers_are_skipped_and_a_seventeenth_is_an_error() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    for (count, good) in [(16, true), (17, false)] {
        let (world, host) = world();
        host.accept().expect("GET /").reply(hints.repeat(count)).reply(ok("final"));
        let pool = world.pool(Config::default());
        match fetch(&pool, get("/")) {
            Ok(answer) => {
                assert_eq!((good, answer.status(), answer.text(), answer.kept), (true, 200, "final", true))
            }
            Err(error) => {
                assert_eq!((good, facts(&error)), (false, (ErrorKind::Protocol, Some(Phase::Head), 1)));
                assert_eq!(counts(&pool), (0, 0, 0));
            }
        }
    }
}

#[test]
fn fr_7_a_switch_of_protocols_that_nobody_asked_for_is_an_error() {
    let (world, host) = world();
    host.accept()
        .expect("GET /")
        .reply("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes");
    let pool = world.pool(Config::default());
    let error = fetch(&pool, get("/")).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Protocol, Some(Phase::Head), 1));
    assert_eq!((counts(&pool), world.open()), ((0, 0, 0), 0));
}
