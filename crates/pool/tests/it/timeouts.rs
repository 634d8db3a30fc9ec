//! Every limit in every phase, on the virtual clock: to the nanosecond, and never too early.

use crate::support::{Run, millis, world};
use crate::support::{
    counts, expecting, facts, fetch, fetch_partly, get, only_total, post, read_exactly, read_on, secs,
    wire_len,
};
use pool::sim::{Host, Peer, World, ok};
use pool::{Body, Config, Error, ErrorKind, Limit, Phase, Pool, Request, Timeouts};
use std::time::Duration;

/// What an exchange waits for, by the way the world is.
type Stall = (&'static str, Phase, fn(&World, &Host), fn() -> Request);

fn upload() -> Request {
    post("/", vec![b'u'; 1 << 20])
}

fn peer(host: &Host) -> Peer {
    host.accept().expect_head("")
}

/// Exchanges that wait for ever, and for what.
const STALLS: [Stall; 14] = [
    ("lookup", Phase::Resolve, |_, host| host.lookup_hangs(), || get("/")),
    ("connect", Phase::Connect, |_, host| host.blackhole(), || get("/")),
    ("upload", Phase::Write, |_, host| drop(host.accept().stop_reading(0)), upload),
    (
        "upload, go-ahead",
        Phase::Write,
        |_, host| drop(peer(host).stop_reading(0).reply("HTTP/1.1 100 Continue\r\n\r\n")),
        || expecting("/", vec![b'u'; 1 << 20]),
    ),
    ("head", Phase::Head, |_, host| drop(host.accept().expect("").hold()), || post("/", "body")),
    ("in the status line", Phase::Head, |_, host| drop(peer(host).reply("HTTP/1.1 2")), || get("/")),
    (
        "in a field",
        Phase::Head,
        |_, host| drop(peer(host).reply("HTTP/1.1 200 OK\r\nContent-Le")),
        || get("/"),
    ),
    (
        "after an interim head",
        Phase::Head,
        |_, host| drop(peer(host).reply("HTTP/1.1 103 Hints\r\n\r\n")),
        || get("/"),
    ),
    (
        "sized body",
        Phase::Body,
        |_, host| drop(peer(host).reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none")),
        || get("/"),
    ),
    (
        "chunk size",
        Phase::Body,
        |_, host| drop(peer(host).reply(format!("{CHUNKED}3\r\none\r\n1"))),
        || get("/"),
    ),
    ("chunk", Phase::Body, |_, host| drop(peer(host).reply(format!("{CHUNKED}9\r\none"))), || get("/")),
    ("chunk end", Phase::Body, |_, host| drop(peer(host).reply(format!("{CHUNKED}3\r\none"))), || get("/")),
    (
        "trailer",
        Phase::Body,
        |_, host| drop(peer(host).reply(format!("{CHUNKED}3\r\none\r\n0\r\nX: y\r\n"))),
        || get("/"),
    ),
    (
        "until the end",
        Phase::Body,
        |_, host| drop(peer(host).reply("HTTP/1.1 200 OK\r\n\r\none")),
        || get("/"),
    ),
];

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Lets one stall end at its limit.
fn stall((name, phase, prepare, request): &Stall, timeouts: Timeouts) -> (World, Pool, Vec<u8>, Error) {
    let (world, host) = world();
    prepare(&world, &host);
    let pool = world.pool(Config::default());
    let (body, result) = fetch_partly(&pool, request().with_timeouts(timeouts));
    let error = result.unwrap_err();
    assert_eq!(error.phase(), Some(*phase), "{name}");
    assert_eq!((counts(&pool), world.open()), ((0, 0, 0), 0), "{name}: its slot and its socket are gone");
    assert!(error.is_timeout(), "{name}");
    assert_eq!(error.attempts().last().error, Some(error.kind()), "{name}");
    (world, pool, body, error)
}

#[test]
fn r1_the_total_limit_ends_every_phase_at_its_time() {
    for case in &STALLS {
        for total in [Duration::from_nanos(1), millis(50), secs(86_400)] {
            let (world, _, _, error) = stall(case, only_total(total));
            assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Total), Some(case.1), 1), "{}", case.0);
            assert_eq!(world.elapsed(), total, "{}", case.0);
        }
    }
}

#[test]
fn r1_connect_and_idle_limits_end_their_phases_at_their_times() {
    for case in &STALLS {
        let (world, _, body, error) = stall(case, Timeouts::default().connect(secs(3)).idle(secs(5)));
        let (limit, at) = match case.1 {
            Phase::Resolve | Phase::Connect => (Limit::Connect, secs(3)),
            _ => (Limit::Idle, secs(5)),
        };
        assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Timeout(limit), at), "{}", case.0);
        assert_eq!(error.may_have_been_processed(), limit == Limit::Idle, "{}", case.0);
        assert_eq!(error.nothing_sent(), limit == Limit::Connect, "{}", case.0);
        assert_eq!(
            body.len(),
            if case.1 == Phase::Body { 3 } else { 0 },
            "{}: what came before is given out",
            case.0
        );
    }
}

#[test]
fn an_exchange_without_limits_and_without_end_is_the_callers_business() {
    let (world, host) = world();
    host.accept().expect("GET /").delay(secs(1_000_000)).reply(ok("at last"));
    let pool = world.pool(Config::default());
    let never = Timeouts::default().wait(None).connect(None).idle(None).total(None);
    assert_eq!(fetch(&pool, get("/").with_timeouts(never)).unwrap().text(), "at last");
}

#[test]
fn the_default_limits_are_finite() {
    for case in &STALLS {
        let (world, _, _, error) = stall(case, Timeouts::default());
        let at = if error.kind() == ErrorKind::Timeout(Limit::Connect) { secs(30) } else { secs(60) };
        assert_eq!(world.elapsed(), at, "{}", case.0);
    }
}

#[test]
fn a_timeout_says_which_limit_it_was_how_long_and_what_was_awaited() {
    let words =
        |n: usize| stall(&STALLS[n], Timeouts::default().connect(secs(3)).idle(millis(1500))).3.to_string();
    assert_eq!(words(0), "http://a.example: timed out after 3s while looking up the host (connect limit)");
    assert_eq!(words(1), "http://a.example: timed out after 3s while connecting (connect limit)");
    assert_eq!(words(2), "http://a.example: timed out after 1.5s while sending the request (idle limit)");
    assert_eq!(
        words(4),
        "http://a.example: timed out after 1.5s while waiting for the response head (idle limit)"
    );
    assert_eq!(
        words(8),
        "http://a.example: timed out after 1.5s while reading the response body (idle limit)"
    );
}

#[test]
fn f06_an_upload_nobody_reads_takes_what_the_kernel_takes_and_times_out() {
    let (_, _, _, error) = stall(&STALLS[2], Timeouts::default());
    assert_eq!(error.attempts().last().bytes_sent, 65_536);
    assert_eq!(error.attempts().last().sent, None);
}

#[test]
fn f05_a_drip_is_progress_and_ends_at_the_total_limit_only() {
    for raw in [
        "HTTP/1.1 200 OK\r\nX: ".to_owned() + &"x".repeat(500),
        CHUNKED.to_owned() + &"1\r\nx\r\n".repeat(500),
        CHUNKED.to_owned() + "1;" + &"x".repeat(500),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned() + &"x".repeat(500),
        "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_owned() + &"x".repeat(500),
    ] {
        let (world, host) = world();
        host.accept().expect("GET /").drip(&raw, secs(54));
        let pool = world.pool(Config::default());
        let error = fetch(&pool, get("/").with_timeouts(Timeouts::default().total(secs(6000)))).unwrap_err();
        assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Timeout(Limit::Total), secs(6000)), "{raw}");
        assert_eq!(error.attempts().last().bytes_received, 112, "{raw}");
        assert_eq!((world.open(), counts(&pool)), (0, (0, 0, 0)));
    }
}

#[test]
fn idle_counts_from_the_last_byte_in_either_direction() {
    let (world, host) = world();
    let half = (1 << 20) / 2;
    // Half of the upload is taken after 50 s, a piece of the head comes at 100 s, then nothing.
    host.accept().stop_reading(0).delay(secs(50)).stop_reading(half).delay(secs(50)).reply("HTTP/1.1");
    let pool = world.pool(Config::default());
    let error = fetch(&pool, upload()).unwrap_err();
    assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Timeout(Limit::Idle), secs(160)));
}

#[test]
fn an_answer_just_within_the_limit_is_an_answer() {
    for (delay, good) in
        [(secs(60) - Duration::from_nanos(1), true), (secs(60) + Duration::from_nanos(1), false)]
    {
        let (world, host) = world();
        host.accept().expect("GET /").delay(delay).reply(ok("just"));
        let pool = world.pool(Config::default());
        assert_eq!(fetch(&pool, get("/")).is_ok(), good);
    }
}

#[test]
fn the_idle_limit_does_not_run_while_the_caller_does_not_ask() {
    let (world, host) = world();
    let peer = host
        .accept()
        .expect("GET /")
        .reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none")
        .delay(secs(7000));
    peer.reply("two").hold();
    let pool = world.pool(Config::default());
    let (_, mut reader) = pool.send(get("/")).unwrap().into_parts();
    world.advance(secs(3600));
    assert_eq!(read_exactly(&mut reader, 3), b"one", "what was here is still here after an hour");
    world.advance(secs(3350));
    assert_eq!(read_exactly(&mut reader, 3), b"two", "the peer had 50 s left when it was asked again");
    assert_eq!(world.elapsed(), secs(7000));
    world.advance(secs(1000));
    let error = read_on(&mut reader, &mut Vec::new()).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Idle), Some(Phase::Body), 1));
    assert_eq!(world.elapsed(), secs(8060), "the limit runs from the question");
}

#[test]
fn the_total_limit_holds_while_data_is_at_hand_and_while_the_caller_rests() {
    let (world, host) = world();
    host.accept().expect("GET /").reply(ok(&"x".repeat(1000)));
    let pool = world.pool(Config::default());
    let (_, mut reader) = pool.send(get("/").with_timeouts(only_total(secs(10)))).unwrap().into_parts();
    world.advance(secs(10) - Duration::from_nanos(1));
    assert_eq!(read_exactly(&mut reader, 10).len(), 10);
    world.advance(Duration::from_nanos(1));
    let error = reader.read_some(&mut [0; 10]).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Total), Some(Phase::Body), 1));
    assert_eq!((world.open(), counts(&pool)), (0, (0, 0, 0)));
}

#[test]
fn of_a_deadline_and_a_total_limit_the_earlier_counts() {
    for (deadline, total, over) in
        [(secs(5), Some(secs(9)), 5), (secs(9), Some(secs(5)), 5), (secs(5), None, 5)]
    {
        let (world, host) = world();
        host.accept().expect("GET /").hold();
        let pool = world.pool(Config::default());
        let request =
            get("/").with_timeouts(Timeouts::default().total(total)).with_deadline(world.now() + deadline);
        let error = fetch(&pool, request).unwrap_err();
        assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Timeout(Limit::Total), secs(over)));
    }
}

#[test]
fn a_deadline_that_has_passed_sends_nothing() {
    let (world, _host) = world();
    let pool = world.pool(Config::default());
    let past = world.now();
    world.advance(secs(1));
    for request in [get("/").with_deadline(past), get("/").with_timeouts(only_total(Duration::ZERO))] {
        let error = fetch(&pool, request).unwrap_err();
        assert_eq!((error.kind(), error.nothing_sent()), (ErrorKind::Timeout(Limit::Total), true));
        assert!(error.into_request().is_some());
    }
    assert_eq!((world.elapsed(), world.connections(), counts(&pool)), (secs(1), 0, (0, 0, 0)));
}

#[test]
fn f12_the_total_limit_ends_a_wait_for_a_slot() {
    let (world, host) = world();
    host.accept().expect("GET /1").reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    let pool = world.pool(Config::default().max_per_origin(1));
    let held = pool.send(get("/1")).unwrap();
    let error = fetch(&pool, get("/2").with_timeouts(only_total(millis(50)))).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Total), Some(Phase::Queue), 1));
    assert_eq!((world.elapsed(), counts(&pool)), (millis(50), (1, 0, 0)));
    drop(held);
    host.accept().expect("GET /3").reply(ok("three"));
    assert_eq!(fetch(&pool, get("/3")).unwrap().text(), "three", "and no wake-up was lost");
}

#[test]
fn limits_of_zero_and_without_end_are_limits() {
    let (world, host) = world();
    host.accept_all(|_| pool::sim::Reply::ok("x"));
    let pool = world.pool(Config::default());
    let max = Duration::MAX;
    let endless = Timeouts::default().wait(max).connect(max).idle(max).total(max).expect(max);
    assert_eq!(fetch(&pool, get("/").with_timeouts(endless)).unwrap().text(), "x");
    let zero = Timeouts::default().connect(Duration::ZERO);
    assert!(fetch(&pool, get("/").with_timeouts(zero)).unwrap().reused(), "nothing to connect");
    pool.close_idle();
    let error = fetch(&pool, get("/").with_timeouts(zero)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Limit::Connect));
    let error = fetch(&pool, get("/").with_timeouts(Timeouts::default().idle(Duration::ZERO))).unwrap_err();
    assert_eq!(facts(&error), (ErrorKind::Timeout(Limit::Idle), Some(Phase::Head), 1));
    assert_eq!((world.elapsed(), counts(&pool)), (Duration::ZERO, (0, 0, 0)));
}

#[test]
fn r8_the_timeout_of_one_exchange_leaves_the_others_alone() {
    let (world, host) = world();
    host.accept().expect("GET /silent").hold();
    host.accept().expect("GET /slow").delay(secs(50)).reply(ok("slow"));
    let pool = world.pool(Config::default());
    let mut run = Run::new(&pool);
    let silent = run.start(get("/silent").with_timeouts(Timeouts::default().idle(secs(5))));
    let slow = run.start(get("/slow"));
    assert_eq!(run.end(silent).unwrap_err().kind(), ErrorKind::Timeout(Limit::Idle));
    assert_eq!((world.elapsed(), counts(&pool)), (secs(5), (1, 0, 0)));
    assert_eq!((run.end(slow).unwrap().text(), world.elapsed()), ("slow", secs(50)));
}

#[test]
fn the_times_of_an_attempt_tell_where_the_time_went() {
    let (world, host) = world();
    host.lookup_takes(secs(1));
    host.latency(secs(2));
    host.accept()
        .expect("POST /")
        .delay(secs(4))
        .reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        .delay(secs(8))
        .reply("one");
    let pool = world.pool(Config::default());
    let request = post("/", Body::from("body"));
    let sent = wire_len(&request);
    let answer = fetch(&pool, request).unwrap();
    let facts = answer.attempts.last();
    let times = [
        facts.queued,
        facts.resolved,
        facts.connected,
        facts.secured,
        facts.sent,
        facts.first_byte,
        facts.head,
        facts.last_byte,
    ];
    let seconds = [None, Some(1), Some(3), None, Some(3), Some(9), Some(9), Some(17)];
    assert_eq!(times, seconds.map(|s| s.map(secs)));
    assert_eq!((facts.bytes_sent, facts.bytes_received), (sent, 41));
    assert_eq!(facts.peer, Some("10.0.0.1:80".parse().unwrap()));
    assert!(facts.local.is_some() && facts.error.is_none() && facts.failed.is_empty());
}
