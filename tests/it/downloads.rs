//! Bodies that are cut short, or given up: nothing is lost in silence, and nothing left over.

use crate::support::{HANG, ok, session, text};
use pool::{Config, Origin, Pool, Request};
use session::ErrorKind;
use std::io::{self, Read};
use std::time::{Duration, Instant};
use testbed::Testbed;
use testbed::raw::{RawServer, Script};

const SIZED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6;x\r\n456789\r\n0\r\n\r\n";

#[test]
fn a_body_cut_at_any_byte_is_an_error_in_every_reading_style() {
    for answer in [SIZED, CHUNKED] {
        let head = answer.find("\r\n\r\n").unwrap() + 4;
        let cuts = head..answer.len();
        // Twice: once for the whole body, once for the stream; and then one that is not cut.
        let scripts = cuts.clone().flat_map(|cut| [cut, cut]).chain([answer.len()]);
        let server =
            RawServer::start(scripts.map(|cut| Script::new().answer(&answer[..cut]).close())).unwrap();
        for cut in cuts {
            let error = session().get(server.url()).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Body, "cut at {cut}: {error}");
            assert!(error.may_have_been_processed());
            let mut stream = session().get(server.url()).stream().unwrap();
            let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {cut}: {error}");
            assert!(stream.read(&mut [0; 9]).is_err(), "an error stays an error");
        }
        assert_eq!(text(session().get(server.url()).send()), "0123456789");
    }
}

#[test]
fn a_reset_in_a_body_is_an_error_that_counts() {
    let server = RawServer::start([Script::new().answer(&SIZED[..SIZED.len() - 3]).pause().reset()]).unwrap();
    let mut stream = session().get(server.url()).stream().unwrap();
    let mut buf = [0; 7];
    stream.read_exact(&mut buf).unwrap();
    server.proceed();
    let error = stream.read(&mut buf).unwrap_err();
    assert!(error.to_string().contains("7 of 10 bytes"), "{error}");
    let error = *error.into_inner().unwrap().downcast::<session::Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Body);
}

#[test]
fn a_head_cut_short_is_an_error() {
    for cut in [1, 10, 17, 30] {
        let server = RawServer::start([Script::new().answer(&SIZED[..cut]).close()]).unwrap();
        let error = session().get(server.url()).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "cut at {cut}: {error}");
    }
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let answer = "HTTP/1.1 200 OK\r\n\r\nall there is";
    let script = || Script::new().answer(answer).close();
    let server = RawServer::start([script(), script()]).unwrap();
    let session = session();
    assert_eq!(text(session.get(server.url()).send()), "all there is");
    let mut body = String::new();
    session.get(server.url()).stream().unwrap().read_to_string(&mut body).unwrap();
    assert_eq!(body, "all there is");
    assert_eq!(session.pool().counts().open, 0);
}

#[test]
fn a_body_that_was_given_up_is_never_the_next_answer() {
    // A body full of answers.
    let evil = ok("EVIL");
    let body: String = evil.repeat((1 << 20) / evil.len() + 1);
    let sized = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for answer in [sized, chunked] {
        for read in [0, 1, 10, 4096, body.len() - 1, body.len()] {
            let next = || Script::new().answer(ok("next")).wait_for_close();
            let first = Script::new().answer(&*answer).answer(ok("next")).wait_for_close();
            let server = RawServer::start([first, next()]).unwrap();
            let session = session();
            let mut stream = session.get(server.url()).stream().unwrap();
            stream.read_exact(&mut vec![0; read]).unwrap();
            drop(stream);
            assert_eq!(text(session.get(server.url()).send()), "next", "after {read} bytes");
        }
    }
}

#[test]
fn a_rest_that_is_here_already_is_thrown_away_and_the_connection_kept() {
    // Head and body in one write are here together.
    let small = format!("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{}", "x".repeat(5000));
    let server = RawServer::start([Script::new().answer(small).answer(ok("next")).wait_for_close()]).unwrap();
    let session = session();
    let mut stream = session.get(server.url()).stream().unwrap();
    stream.read_exact(&mut [0; 10]).unwrap();
    drop(stream);
    assert_eq!((session.pool().counts().idle, text(session.get(server.url()).send())), (1, "next".into()));
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_rest_that_is_not_here_is_not_waited_for() {
    let server =
        RawServer::start([Script::new().answer(&SIZED[..SIZED.len() - 3]).wait_for_close()]).unwrap();
    let session = session();
    let mut stream = session.get(server.url()).stream().unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
    drop(stream);
    assert_eq!(session.pool().counts().open, 0);
    assert!(server.wait_until_ended(1, HANG), "the server learns of it");
}

#[test]
fn a_body_of_megabytes_is_not_read_to_keep_a_connection() {
    let testbed = Testbed::start().unwrap();
    let session = session();
    for path in ["bench/50000000", "chunked/50000000/1000"] {
        drop(session.get(format!("{}/{path}", testbed.http())).stream().unwrap());
        assert_eq!(session.pool().counts().open, 0);
        assert!(testbed.wait_for(HANG, |stats| stats.open == 0).is_some());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the caller says until when to read on")]
fn who_wants_to_pay_for_a_connection_can_drain_the_body() {
    let testbed = Testbed::start().unwrap();
    let pool = Pool::new(Config::default());
    let origin = || Origin::http("127.0.0.1").with_port(testbed.addr().port());
    let soon = || Instant::now() + HANG;
    let get = |path: &str| pool.send(Request::get(origin(), path).unwrap()).unwrap().into_parts().1;
    assert!(get("/bench/1000000").drain(1 << 20, soon()).unwrap(), "kept");
    assert_eq!((pool.counts().open, testbed.stats().plain_connections), (1, 1));
    assert!(!get("/bench/1000000").drain(1 << 16, soon()).unwrap(), "longer than that");
    assert_eq!(pool.counts().open, 0);
    let slow = get("/drip?duration=9&numbytes=900");
    assert!(
        !slow.drain(1 << 16, Instant::now() + Duration::from_millis(50)).unwrap(),
        "takes longer than that"
    );
    assert_eq!(pool.counts().open, 0);
}
