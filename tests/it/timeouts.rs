//! Waits that end: which limit it was, what was awaited, and not before its time.

use crate::support::{HANG, builder, ok, text};
use session::pool::{Limit, Phase, Timeouts};
use session::{Body, Error, ErrorKind, SessionBuilder};
use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};
use testbed::Testbed;
use testbed::raw::{RawServer, Script};

/// Long enough to tell a wait from none, and for what comes before the wait on a busy machine.
const LIMIT: Duration = Duration::from_millis(300);

/// The error that `wait` ends with, once its time is over, and soon enough to say that it did not hang.
#[expect(clippy::disallowed_methods, reason = "what a limit is about is time")]
fn after_limit<T>(wait: impl FnOnce() -> Result<T, Error>) -> Error {
    let began = Instant::now();
    let error = wait().err().expect("ended by its limit");
    let took = began.elapsed();
    assert!(took >= LIMIT, "{took:?}: {error}");
    assert!(took < HANG / 2, "{took:?}: {error}");
    error
}

fn assert_timeout(error: &Error, limit: Limit, phase: Phase) {
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout(limit), Some(phase)), "{error}");
    assert!(error.is_timeout());
}

fn idle(limit: Duration) -> SessionBuilder {
    builder().timeouts(Timeouts::default().idle(limit).total(HANG))
}

#[test]
fn a_slow_head_ends_at_the_total_limit_and_the_session_goes_on() {
    let testbed = Testbed::start().unwrap();
    let session = builder().build().unwrap();
    let error = after_limit(|| session.get(format!("{}/delay/9", testbed.http())).timeout(LIMIT).send());
    assert_timeout(&error, Limit::Total, Phase::Head);
    assert!(error.may_have_been_processed());
    assert!(error.to_string().contains("300 ms"), "{error}");
    assert_eq!(session.pool().counts().open, 0);
    assert!(session.get(format!("{}/get", testbed.http())).send().unwrap().ok());
}

#[test]
fn a_silent_server_ends_at_the_idle_limit() {
    let server = RawServer::start([Script::new().expect_head().wait_for_close()]).unwrap();
    let session = idle(LIMIT).build().unwrap();
    let error = after_limit(|| session.get(server.url()).send());
    assert_timeout(&error, Limit::Idle, Phase::Head);
    assert!(server.wait_until_ended(1, HANG), "the connection is closed");
}

#[test]
fn silence_inside_a_body_ends_at_the_idle_limit_wherever_it_falls() {
    for part in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n01",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n0\r\n",
        "HTTP/1.1 200 OK\r\n\r\nno end",
    ] {
        let script = || Script::new().answer(part).wait_for_close();
        let server = RawServer::start([script(), script()]).unwrap();
        let session = idle(LIMIT).build().unwrap();
        let error = after_limit(|| session.get(server.url()).send());
        assert_timeout(&error, Limit::Idle, Phase::Body);
        let mut stream = session.get(server.url()).stream().unwrap();
        let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{part}: {error}");
        assert!(stream.read(&mut [0; 9]).is_err(), "an error stays an error");
        assert!(server.wait_until_ended(2, HANG));
    }
}

#[test]
fn a_server_that_does_not_read_ends_at_the_idle_limit() {
    let server = RawServer::start([Script::new().expect_head().hold()]).unwrap();
    let session = idle(LIMIT).build().unwrap();
    let error = after_limit(|| session.post(server.url()).body(Body::once(io::repeat(b'u'))).send());
    assert_timeout(&error, Limit::Idle, Phase::Write);
}

#[test]
fn progress_however_slow_is_bounded_by_the_total_limit_alone() {
    let testbed = Testbed::start().unwrap();
    // A byte every 20 ms, for longer than the idle limit.
    let url = |seconds: f64| format!("{}/drip?duration={seconds}&numbytes=60", testbed.http());
    let session = idle(Duration::from_secs(1)).build().unwrap();
    assert_eq!(session.get(url(1.2)).send().unwrap().bytes().len(), 60);
    let error = after_limit(|| session.get(url(9.0)).timeout(LIMIT).send());
    assert_timeout(&error, Limit::Total, Phase::Body);
}

#[test]
fn a_caller_that_takes_its_time_is_not_the_servers_silence() {
    let testbed = Testbed::start().unwrap();
    let session = idle(LIMIT).build().unwrap();
    let mut stream = session.get(format!("{}/bench/1000000", testbed.http())).stream().unwrap();
    // Somebody else's wait, longer than the limit.
    let error = after_limit(|| session.get(format!("{}/delay/9", testbed.http())).send());
    assert_timeout(&error, Limit::Idle, Phase::Head);
    assert_eq!(io::copy(&mut stream, &mut io::sink()).unwrap(), 1_000_000);
}

#[test]
fn a_server_that_hangs_in_the_handshake_ends_at_the_connect_limit() {
    // The kernel accepts, and nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let session = builder().timeouts(Timeouts::default().connect(LIMIT)).build().unwrap();
    let error = after_limit(|| session.get(url).send());
    assert_timeout(&error, Limit::Connect, Phase::Tls);
    assert!(error.is_connect() && !error.may_have_been_processed());
}

#[test]
fn a_resolver_that_hangs_ends_at_the_connect_limit_and_its_thread_is_left_behind() {
    let testbed = Testbed::start().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let resolver = move |host: &str| {
        if host == "slow.test" {
            let _ = released.lock().unwrap().recv();
        }
        crate::support::loopback(host)
    };
    let timeouts = Timeouts::default().connect(LIMIT);
    let session = builder().resolver(resolver).timeouts(timeouts).build().unwrap();
    let error = after_limit(|| session.get("http://slow.test/").send());
    assert_timeout(&error, Limit::Connect, Phase::Resolve);
    // Others are looked up meanwhile.
    let url = format!("http://quick.test:{}/get", testbed.addr().port());
    let quick = session.get(url).timeouts(Timeouts::default()).send();
    assert!(quick.unwrap().ok());
    drop(release);
}

#[test]
fn a_wait_for_a_connection_ends_at_its_limit_with_a_count_of_those_who_hold_them() {
    let testbed = Testbed::start().unwrap();
    let timeouts = Timeouts::default().wait(LIMIT);
    let session = builder().max_per_origin(1).timeouts(timeouts).build().unwrap();
    let url = format!("{}/bench/1000000", testbed.http());
    let stream = session.get(&url).stream().unwrap();
    let error = after_limit(|| session.get(&url).send());
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Exhausted, Some(Phase::Queue)), "{error}");
    assert!(error.to_string().contains("busy"), "{error}");
    assert!(!error.may_have_been_processed());
    drop(stream);
    assert_eq!(session.get(&url).send().unwrap().bytes().len(), 1_000_000);
}

#[test]
fn the_last_connection_of_an_origin_is_kept_for_send() {
    let testbed = Testbed::start().unwrap();
    let timeouts = Timeouts::default().wait(LIMIT);
    let session = builder().max_per_origin(2).timeouts(timeouts).build().unwrap();
    let url = format!("{}/bench/1000000", testbed.http());
    let stream = session.get(&url).stream().unwrap();
    let error = after_limit(|| session.get(&url).stream());
    assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
    assert!(session.get(&url).send().unwrap().ok(), "beside an open stream");
    assert_eq!(stream.into_response().unwrap().bytes().len(), 1_000_000);
}

#[test]
fn a_time_limit_in_a_batch_ends_its_own_request_only() {
    let testbed = Testbed::start().unwrap();
    let session = builder().build().unwrap();
    let requests = (0..10).map(|n| match n % 5 {
        0 => session.get(format!("{}/delay/9", testbed.http())).timeout(LIMIT),
        _ => session.get(format!("{}/anything/{n}", testbed.http())),
    });
    for (n, result) in session.send_all(requests).into_iter().enumerate() {
        match n % 5 {
            0 => assert_timeout(&result.unwrap_err(), Limit::Total, Phase::Head),
            _ => assert!(result.unwrap().text().contains(&format!("/anything/{n}"))),
        }
    }
}

#[test]
fn a_timeout_is_not_a_reason_to_send_again() {
    let server = RawServer::start([
        Script::new().answer(ok("first")).expect_head().wait_for_close(),
        Script::new().answer(ok("second")).wait_for_close(),
    ])
    .unwrap();
    let session = builder().build().unwrap();
    assert_eq!(text(session.get(server.url()).send()), "first");
    let error = after_limit(|| session.get(server.url()).timeouts(Timeouts::default().idle(LIMIT)).send());
    assert_timeout(&error, Limit::Idle, Phase::Head);
    assert_eq!((error.attempts().count(), server.connections()), (1, 1));
    assert_eq!(text(session.get(server.url()).send()), "second", "the slow connection is not used again");
}

#[test]
fn pn_2_times_that_no_clock_reaches_are_no_limit_and_no_panic() {
    let testbed = Testbed::start().unwrap();
    let url = format!("{}/get", testbed.http());
    for time in [
        Duration::MAX,
        Duration::from_secs(u64::MAX / 2),
        Duration::from_secs(1 << 62),
        Duration::from_millis(1 << 32),
        Duration::from_millis(1 << 31),
    ] {
        let all = Timeouts::default().wait(time).connect(time).idle(time).total(time).expect(time);
        let session = builder().timeouts(all).idle_timeout(time).build().unwrap();
        for _ in 0..2 {
            assert!(session.get(&url).send().unwrap().ok(), "{time:?}");
            assert!(
                session.get(&url).timeout(time).stream().unwrap().into_response().unwrap().ok(),
                "{time:?}"
            );
            assert!(
                session.send_all([session.get(&url), session.get(&url)]).iter().all(Result::is_ok),
                "{time:?}"
            );
        }
    }
    let none = builder().timeouts(Timeouts::default().idle(Duration::ZERO)).idle_timeout(Duration::ZERO);
    let none = none.build().unwrap();
    assert_eq!(
        none.get(&url).timeout(Duration::ZERO).send().unwrap_err().kind(),
        ErrorKind::Timeout(Limit::Total)
    );
    // A connection to this machine may be there before anybody has to wait for it.
    match none.get(&url).timeouts(Timeouts::default().connect(Duration::ZERO).wait(Duration::ZERO)).send() {
        Ok(response) => assert!(response.ok()),
        Err(error) => assert!(error.is_timeout(), "{error}"),
    }
}
