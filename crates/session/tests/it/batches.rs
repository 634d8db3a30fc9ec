//! Many requests at once on one thread.

use crate::support::{Stage, answer, redirect};
use pool::Config;
use pool::sim::Reply;
use session::{Error, ErrorKind, Head, Hook, Request, Response};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn send_all_answers_in_the_order_of_the_requests() {
    let stage = Stage::new();
    stage.host("a.example", |r| {
        let n: u64 = r.target()[1..].parse().unwrap();
        Reply::ok(&n.to_string()).delay(Duration::from_millis(100 - n))
    });
    let session = stage.session();
    let answers = session.send_all((0..50).map(|n| session.get(format!("http://a.example/{n}"))));
    let bodies: Vec<String> = answers.into_iter().map(|r| r.unwrap().text().into_owned()).collect();
    assert_eq!(bodies, (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(stage.world.connections(), 15, "one of sixteen is kept for others");
}

#[test]
fn as_completed_answers_as_they_arrive() {
    let stage = Stage::new();
    stage.host("a.example", |r| {
        let n: u64 = r.target()[1..].parse().unwrap();
        Reply::ok("").delay(Duration::from_millis(100 - n))
    });
    let session = stage.session();
    let order: Vec<usize> = session
        .as_completed((0..10).map(|n| session.get(format!("http://a.example/{n}"))))
        .map(|(i, _)| i)
        .collect();
    assert_eq!(order, (0..10).rev().collect::<Vec<_>>());
}

#[test]
fn an_empty_batch_is_over_at_once() {
    let stage = Stage::new();
    let session = stage.session();
    assert!(session.send_all(Vec::<Request>::new()).is_empty());
    assert!(session.as_completed(Vec::<Request>::new()).next().is_none());
}

#[test]
fn an_endless_batch_is_taken_as_there_is_room() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("").delay(Duration::from_millis(1)));
    let session = stage.with(Config::default().max_total(8)).build().unwrap();
    let taken = Cell::new(0);
    let endless = (0..).map(|n: u64| {
        taken.set(taken.get() + 1);
        session.get(format!("http://a.example/{n}"))
    });
    let mut completed = session.as_completed(endless);
    assert_eq!(taken.get(), 0, "nothing is taken before it is asked for");
    for _ in 0..100 {
        completed.next().unwrap().1.unwrap();
        assert!(taken.get() <= stage.seen().len() + 8);
    }
    drop(completed);
    assert_eq!(session.pool().counts().waiting, 0);
}

#[test]
fn a_batch_cannot_exhaust_itself_however_slow_it_is() {
    for per_origin in [1, 2, 3] {
        let stage = Stage::new();
        stage.host("a.example", |_| Reply::ok("").delay(Duration::from_secs(20)));
        let session = stage.with(Config::default().max_per_origin(per_origin)).build().unwrap();
        let answers = session.send_all((0..6).map(|_| session.get("http://a.example/")));
        assert!(answers.iter().all(Result::is_ok), "with {per_origin} connections: {answers:?}");
    }
}

#[test]
fn a_batch_with_a_total_limit_of_one_or_two_over_many_origins_gets_through() {
    for total in [1, 2, 3] {
        let stage = Stage::new();
        for host in ["a.example", "b.example", "c.example"] {
            stage.host(host, |r| match r.target() {
                "/" => redirect(302, "http://c.example/end"),
                _ => Reply::ok("").delay(Duration::from_secs(25)),
            });
        }
        let session = stage.with(Config::default().max_total(total)).build().unwrap();
        let urls = ["a", "b", "c", "a", "b", "c"].map(|host| format!("http://{host}.example/"));
        let answers = session.send_all(urls.iter().map(|url| session.get(url)));
        assert!(answers.iter().all(Result::is_ok), "with {total} connections: {answers:?}");
    }
}

#[test]
fn a_send_inside_a_loop_over_a_batch_finds_a_connection() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("x").delay(Duration::from_millis(10)));
    let session = stage.with(Config::default().max_per_origin(2)).build().unwrap();
    let mut answered = 0;
    for (_, result) in session.as_completed((0..5).map(|n| session.get(format!("http://a.example/{n}")))) {
        result.unwrap();
        session.get("http://a.example/inside").send().unwrap();
        answered += 1;
    }
    assert_eq!((answered, stage.world.elapsed() < Duration::from_secs(1)), (5, true));
}

#[test]
fn one_failure_is_the_failure_of_one() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("fine"));
    stage.host("b.example", |_| Reply::ok("")).refuse();
    let session = stage.session();
    let urls =
        ["http://a.example/", "http://b.example/", "no url", "http://a.example/2", "http://c.example/"];
    let kinds: Vec<Option<ErrorKind>> = session
        .send_all(urls.iter().map(|url| session.get(url)))
        .into_iter()
        .map(|result| result.err().map(|error| error.kind()))
        .collect();
    assert_eq!(
        kinds,
        [None, Some(ErrorKind::Connect), Some(ErrorKind::Request), None, Some(ErrorKind::Resolve)]
    );
}

#[test]
fn results_of_building_can_be_sent_too() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok(""));
    let session = stage.session();
    let requests: Vec<Result<Request, Error>> =
        vec![session.get("http://a.example/").build(), session.get("nowhere").build()];
    let answers = session.send_all(requests);
    assert!(answers[0].is_ok() && answers[1].is_err());
}

#[test]
fn the_time_limit_of_a_request_in_a_batch_begins_when_it_begins() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("").delay(Duration::from_secs(2)));
    let session =
        stage.with(Config::default().max_per_origin(2)).timeout(Duration::from_secs(3)).build().unwrap();
    let answers = session.send_all((0..5).map(|_| session.get("http://a.example/")));
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(stage.world.elapsed(), Duration::from_secs(10), "one after the other");
}

#[test]
fn the_time_limit_of_a_hop_that_waits_for_room_holds() {
    let stage = Stage::new();
    stage.host("a.example", |_| redirect(302, "http://b.example/"));
    stage.host("b.example", |_| Reply::silence());
    let session =
        stage.with(Config::default().max_per_origin(2)).timeout(Duration::from_secs(3)).build().unwrap();
    let answers = session.send_all((0..3).map(|_| session.get("http://a.example/")));
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(error.is_timeout() && error.may_have_been_processed(), "{error}");
    }
    assert!(stage.world.elapsed() < Duration::from_secs(10), "{:?}", stage.world.elapsed());
}

#[test]
fn dropping_a_batch_gives_up_what_is_under_way() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/0" => Reply::ok(""),
        _ => Reply::silence(),
    });
    let session = stage.session();
    let mut batch = session.as_completed((0..10).map(|n| session.get(format!("http://a.example/{n}"))));
    batch.next().unwrap().1.unwrap();
    drop(batch);
    let counts = session.pool().counts();
    assert_eq!((counts.open, counts.idle), (1, 1));
}

#[test]
fn requests_of_another_session_keep_their_settings_and_use_these_cookies_and_connections() {
    let stage = Stage::new();
    stage.host("a.example", |_| answer("200 OK", &["Set-Cookie: c=1"], ""));
    let (a, b) = (stage.session(), session::Session::builder().header("X-From", "b").build().unwrap());
    a.send_all([b.get("http://a.example/")]).pop().unwrap().unwrap();
    assert_eq!(stage.values("x-from"), ["b"]);
    assert_eq!((a.cookies().len(), b.cookies().len()), (1, 0));
}

#[test]
fn ten_thousand_requests_are_each_answered_once() {
    let stage = Stage::new();
    let host = stage.world.host("a.example", ["10.0.0.1"]);
    host.accept_all(|r| Reply::ok(r.target()));
    let session = stage.session();
    let answers = session.send_all((0..10_000).map(|n| session.get(format!("http://a.example/{n}"))));
    assert_eq!(answers.len(), 10_000);
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap().text(), format!("/{n}"));
    }
    drop(session);
    stage.world.assert_quiet();
}

/// Lets so many requests through.
struct Expires(AtomicUsize);

impl Hook for Expires {
    fn before(&self, _: &mut Request) -> Result<(), Error> {
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::other("expired")),
        }
    }
}

#[test]
fn a_long_queue_that_fails_at_once_needs_no_stack() {
    const MANY: usize = 50_000;
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("a"));
    let config = Config::default().max_per_origin(3).max_total(MANY);
    let session = stage.with(config).hook(Expires(AtomicUsize::new(2))).build().unwrap();
    let answers = session.send_all((0..MANY).map(|_| session.get("http://a.example/")));
    assert_eq!((answers.len(), answers.iter().filter(|answer| answer.is_ok()).count()), (MANY, 2));
}

/// Panics once.
struct Panics(AtomicUsize);

impl Hook for Panics {
    fn after(&self, _: &Request, _: Result<&Head, &Error>) -> Option<Response> {
        assert_ne!(self.0.fetch_add(1, Ordering::Relaxed), 0, "the hook has panicked");
        None
    }
}

#[test]
fn after_a_panic_of_a_hook_the_rest_of_a_batch_is_canceled_and_not_waited_for() {
    let stage = Stage::new();
    stage.host("a.example", |_| Reply::ok("a"));
    let session =
        stage.with(Config::default().max_per_origin(2)).hook(Panics(AtomicUsize::new(0))).build().unwrap();
    let mut batch = session.as_completed((0..3).map(|_| session.get("http://a.example/")));
    assert!(catch_unwind(AssertUnwindSafe(|| batch.next())).is_err());
    let mut rest: Vec<(usize, ErrorKind)> =
        batch.by_ref().map(|(index, answer)| (index, answer.unwrap_err().kind())).collect();
    rest.sort_by_key(|(index, _)| *index);
    assert_eq!(rest, [0, 1, 2].map(|index| (index, ErrorKind::Canceled)));
    assert!(batch.next().is_none());
    session.get("http://a.example/").send().unwrap();
    assert_eq!(session.pool().counts().waiting, 0);
}

#[test]
fn a_batch_over_redirects_with_a_time_limit_answers_every_request() {
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        "/end" => Reply::ok("x"),
        _ => redirect(302, "/end"),
    });
    let session = stage.builder().timeout(Duration::from_secs(36_000)).build().unwrap();
    let answers = session.send_all((0..5000).map(|n| session.get(format!("http://a.example/{n}"))));
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|r| r.history().len() == 1)));
}

#[test]
fn a_body_that_never_pauses_does_not_hold_up_the_others() {
    let stage = Stage::new();
    // All of it is there before the first byte is read.
    stage.world.receive_buffer(16 * 1024 * 1024);
    stage.host("a.example", |_| answer("200 OK", &[], vec![b'x'; 8 * 1024 * 1024]));
    stage.host("b.example", |_| Reply::ok("small"));
    let session = stage.session();
    let urls = ["http://a.example/", "http://b.example/"];
    let batch = session.as_completed(urls.iter().map(|url| session.get(url)));
    let order: Vec<(usize, usize)> = batch.map(|(i, answer)| (i, answer.unwrap().bytes().len())).collect();
    assert_eq!(order, [(1, 5), (0, 8 * 1024 * 1024)]);
}
