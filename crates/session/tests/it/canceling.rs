//! Requests that are given up by a [`Canceller`]: wherever they are, at once, and no others.

use crate::support::Stage;
use pool::sim::Reply;
use pool::{Config, Phase};
use session::{Canceller, Error, ErrorKind, Head, Hook, Request, Response, Retry};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Cancels when it has seen an answer, or a failure.
struct CancelsAfter(Canceller);

impl Hook for CancelsAfter {
    fn after(&self, _: &Request, _: Result<&Head, &Error>) -> Option<Response> {
        self.0.cancel();
        None
    }
}

/// Cancels what is about to be sent.
struct CancelsBefore(Canceller);

impl Hook for CancelsBefore {
    fn before(&self, _: &mut Request) -> Result<(), Error> {
        self.0.cancel();
        Ok(())
    }
}

/// Counts what is about to be sent.
#[derive(Clone, Default)]
struct Counts(Arc<AtomicUsize>);

impl Hook for Counts {
    fn before(&self, _: &mut Request) -> Result<(), Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// `a.example` says nothing to `/silent`, the first bytes to `/part`, and answers the rest; asked for `/cancel` it
/// does that first.
fn stage(canceller: &Canceller) -> Stage {
    let (stage, canceller) = (Stage::new(), canceller.clone());
    stage.host("a.example", move |r| match r.target() {
        "/silent" => Reply::silence(),
        "/part" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"),
        "/cancel" => {
            canceller.cancel();
            Reply::silence()
        }
        _ => Reply::ok("end"),
    });
    stage
}

fn assert_canceled(error: &Error, words: &str, processed: bool) {
    assert_eq!(error.kind(), ErrorKind::Canceled, "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(error.may_have_been_processed(), processed, "{error}");
    assert!(error.request().is_some());
}

#[test]
fn what_was_canceled_before_fails_at_once_and_nothing_is_sent() {
    let canceller = Canceller::new();
    let stage = stage(&canceller);
    let session = stage.session();
    let get = || session.get("http://a.example/end").cancel_on(&canceller);
    assert!(get().send().unwrap().ok() && !canceller.is_canceled());
    canceller.clone().cancel();
    canceller.cancel();
    assert!(canceller.is_canceled());
    let mut errors = vec![get().send().unwrap_err(), get().stream().unwrap_err()];
    errors.extend(session.send_all([get(), get()]).into_iter().map(Result::unwrap_err));
    for error in &errors {
        assert_canceled(error, "canceled before it was sent", false);
    }
    assert_eq!((errors.len(), stage.lines().len()), (4, 1));
    assert_eq!(format!("{canceller:?}"), "Canceller(canceled: true)");
}

#[test]
fn a_request_ends_in_the_middle_of_an_exchange_and_says_how_far_it_was() {
    let canceller = Canceller::new();
    let stage = stage(&canceller);
    let session = stage.session();
    let error = session.get("http://a.example/cancel").cancel_on(&canceller).send().unwrap_err();
    assert_canceled(&error, "canceled while waiting for the response head", true);
    assert_eq!((error.phase(), error.attempts().count()), (Some(Phase::Head), 1));
    assert_eq!((session.pool().counts().open, stage.world.open()), (0, 0), "its connection is closed");
    assert_eq!(stage.world.elapsed(), Duration::ZERO);
    // A head has come; the rest of the body never does.
    for retry in [Retry::none(), Retry::idempotent(3)] {
        let canceller = Canceller::new();
        let request = session.get("http://a.example/part").hook(CancelsAfter(canceller.clone())).retry(retry);
        let error = request.cancel_on(&canceller).send().unwrap_err();
        assert_canceled(&error, "canceled while", true);
        assert_eq!(error.phase(), Some(Phase::Body));
    }
    assert_eq!((session.pool().counts().open, stage.world.elapsed()), (0, Duration::ZERO));
}

#[test]
fn a_pause_between_two_attempts_ends() {
    let canceller = Canceller::new();
    let stage = stage(&canceller);
    stage.world.host("refused.example", ["10.0.0.2"]).refuse();
    let request = stage.session().get("http://refused.example/").hook(CancelsAfter(canceller.clone()));
    let error = request.retry(Retry::idempotent(3)).cancel_on(&canceller).send().unwrap_err();
    assert_canceled(&error, "in the pause before another attempt", false);
    assert_eq!(error.attempts().count(), 1);
    assert_eq!(stage.world.elapsed(), Duration::ZERO, "and not when it would have been over");
}

#[test]
fn a_batch_loses_those_that_were_canceled_in_every_phase_and_no_others() {
    let canceller = Canceller::new();
    let stage = stage(&canceller);
    stage.world.host("lookup.example", ["10.0.0.2"]).lookup_hangs();
    stage.world.host("connect.example", ["10.0.0.3"]).blackhole();
    let session = stage.with(Config::default().max_per_origin(4).max_total(10)).build().unwrap();
    let get = |url: &str| session.get(url).timeout(Duration::from_secs(3600));
    let doomed = |url: &str| get(url).cancel_on(&canceller);
    let requests = [
        doomed("http://lookup.example/"),
        doomed("http://connect.example/"),
        doomed("http://a.example/silent"),
        doomed("http://a.example/part"),
        // There is no room for these before the others are done.
        get("http://a.example/cancel").timeout(Duration::from_secs(5)),
        doomed("http://a.example/queued"),
        get("http://a.example/other"),
        doomed("http://a.example/queued"),
    ];
    let (mut order, mut pauses) = (requests.into_iter().rev().collect::<Vec<_>>(), 0);
    // The canceling one takes part among those that begin.
    order.rotate_left(3);
    for (index, result) in session.as_completed(order) {
        match result {
            Ok(response) => assert_eq!(response.url().path(), "/other"),
            Err(error) if error.is_timeout() => {
                assert_eq!(error.url().unwrap().path(), "/cancel");
                pauses += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Canceled, "{index}: {error}");
                assert_eq!(stage.world.elapsed(), Duration::ZERO, "{error}");
            }
        }
    }
    assert_eq!(pauses, 1);
    assert_eq!(stage.world.elapsed(), Duration::from_secs(5));
    let queued = stage.lines().iter().filter(|line| line.ends_with("/queued")).count();
    assert!(queued == 0, "what was in the queue is not sent");
    let counts = session.pool().counts();
    assert_eq!((counts.open - counts.idle, counts.waiting), (0, 0));
}

#[test]
fn one_canceller_serves_one_batch_after_another_and_a_stream_beside_it() {
    let canceller = Canceller::new();
    let stage = stage(&canceller);
    let session = stage.session();
    let get = |path: &str| session.get(format!("http://a.example{path}")).cancel_on(&canceller);
    for _ in 0..3 {
        assert!(session.send_all((0..50).map(|_| get("/end"))).into_iter().all(|result| result.is_ok()));
    }
    let mut stream = get("/part").stream().unwrap();
    let results = session.send_all([get("/silent"), get("/silent"), get("/cancel")]);
    assert!(results.into_iter().all(|result| result.unwrap_err().kind() == ErrorKind::Canceled));
    let error = stream.read(&mut [0; 2]).unwrap_err();
    assert!(error.to_string().contains("canceled"), "{error}");
    assert!(stream.read(&mut [0; 2]).is_err(), "and stays so");
    drop(stream);
    let counts = session.pool().counts();
    assert_eq!((stage.world.elapsed(), counts.open), (Duration::ZERO, counts.idle));
}

#[test]
fn a_stream_ends_in_every_style_of_reading_and_what_is_complete_stays_complete() {
    let open = |path: &str| {
        let canceller = Canceller::new();
        let stage = stage(&canceller);
        let url = format!("http://a.example{path}");
        (stage.session().get(url).cancel_on(&canceller).stream().unwrap(), canceller, stage)
    };
    let canceled = |error: std::io::Error| {
        let inner = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
        assert_eq!(inner.kind(), ErrorKind::Canceled);
    };
    let (mut stream, canceller, _stage) = open("/part");
    stream.read_exact(&mut [0; 4]).unwrap();
    canceller.cancel();
    canceled(stream.read_to_end(&mut Vec::new()).unwrap_err());
    let (stream, canceller, _stage) = open("/part");
    canceller.cancel();
    assert_eq!(stream.into_response().unwrap_err().kind(), ErrorKind::Canceled);
    let (stream, canceller, _stage) = open("/part");
    canceller.cancel();
    assert!(stream.lines().next().unwrap().is_err());
    let (mut stream, canceller, _stage) = open("/end");
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    canceller.cancel();
    assert_eq!((text.as_str(), stream.read(&mut [0; 9]).unwrap()), ("end", 0));
    assert!(stream.into_response().unwrap().ok());
}

#[test]
fn a_canceller_of_the_session_is_for_all_its_requests_but_those_with_one_of_their_own() {
    let (canceller, own) = (Canceller::new(), Canceller::new());
    let stage = stage(&canceller);
    let mut session = stage.session();
    session.settings_mut().set_canceller(&canceller);
    let unaffected = stage.session();
    canceller.cancel();
    let url = "http://a.example/end";
    assert_eq!(session.get(url).send().unwrap_err().kind(), ErrorKind::Canceled);
    assert!(session.get(url).cancel_on(&own).send().unwrap().ok());
    assert!(unaffected.get(url).send().unwrap().ok());
}

#[test]
fn what_waits_in_a_batch_when_it_is_canceled_is_not_begun() {
    let canceller = Canceller::new();
    let stage = stage(&canceller);
    let session = stage.with(Config::default().max_per_origin(4).max_total(5)).build().unwrap();
    let begun = Counts::default();
    let get = |path: &str| {
        session.post(format!("http://a.example{path}")).cancel_on(&canceller).hook(begun.clone())
    };
    let requests = std::iter::once(get("/cancel")).chain((0..40).map(|_| get("/silent")));
    let results = session.send_all(requests);
    assert!(results.into_iter().all(|result| result.unwrap_err().kind() == ErrorKind::Canceled));
    assert_eq!(begun.0.load(Ordering::Relaxed), 3);
    assert!(stage.world.connections() <= 3, "{} connections", stage.world.connections());
}

#[test]
fn what_a_hook_cancels_before_it_is_sent_is_not_sent() {
    let stage = stage(&Canceller::new());
    let session = stage.session();
    // A connection is there: sending would take no time.
    session.get("http://a.example/end").send().unwrap();
    let get = || {
        let canceller = Canceller::new();
        session.get("http://a.example/end").cancel_on(&canceller).hook(CancelsBefore(canceller))
    };
    let mut errors = vec![get().send().unwrap_err(), get().stream().unwrap_err()];
    errors.extend(session.send_all([get(), get()]).into_iter().map(Result::unwrap_err));
    for error in errors {
        assert_canceled(&error, "canceled before it was sent", false);
    }
    assert_eq!(stage.lines().len(), 1, "{:?}", stage.lines());
    assert_eq!(session.pool().counts().idle, 1, "the connection was not touched");
}

#[test]
fn who_cancels_when_an_answer_has_come_is_told_that_the_request_was_processed() {
    let canceller = Canceller::new();
    let stage = Stage::new();
    stage.host("a.example", |r| match r.target() {
        // Its body never ends: it is given up after 50 ms, when the other answer comes.
        "/moved" => Reply::raw("HTTP/1.1 302 Go\r\nLocation: /end\r\nContent-Length: 9\r\n\r\npart"),
        _ => Reply::ok("end").delay(Duration::from_millis(50)),
    });
    let session = stage.session();
    let requests =
        [session.get("http://a.example/moved").cancel_on(&canceller), session.get("http://a.example/other")];
    let mut results = session.as_completed(requests);
    assert!(results.next().unwrap().1.unwrap().ok());
    canceller.cancel();
    let error = results.next().unwrap().1.unwrap_err();
    assert_canceled(&error, "canceled when an answer had come", true);
}
