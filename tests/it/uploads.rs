//! Request bodies: all of it, once, or an error.

use crate::support::{HANG, builder, count, fields, json, ok, only, session, text, to, trusting};
use serde_json::json;
use session::pool::{Config, Origin, Pool, Request};
use session::{Body, ErrorKind, Method, Redirect, Source};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testbed::raw::{RawServer, Script};
use testbed::{Ca, Testbed};

/// So many bytes, counted as they are taken.
struct Counted {
    left: u64,
    given: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buf[..n].fill(b'u');
        self.left -= n as u64;
        self.given.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

fn counted(bytes: u64) -> (Counted, Arc<AtomicU64>) {
    let given = Arc::new(AtomicU64::new(0));
    (Counted { left: bytes, given: given.clone() }, given)
}

/// A file that nobody finds, with this in it, standing at its start.
fn file(name: &str, content: &[u8]) -> File {
    let path = std::env::temp_dir().join(format!("tests-upload-{}-{name}", std::process::id()));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(content).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

#[test]
fn bodies_of_every_kind_arrive_whole() {
    const SIZE: u64 = 3_000_000;
    let testbed = Testbed::start().unwrap();
    let session = trusting(&testbed).build().unwrap();
    for base in [testbed.http(), testbed.https()] {
        let bytes = vec![b'u'; usize::try_from(SIZE).unwrap()];
        let bodies = [
            Body::bytes(bytes.clone()),
            Body::from(file(&base.replace('/', "-"), &bytes)),
            Body::once(counted(SIZE).0),
            Body::sized(counted(SIZE).0, SIZE),
        ];
        for body in bodies {
            let shown = format!("{body:?}");
            let response = session.post(format!("{base}/sink")).body(body).send().unwrap();
            assert_eq!(json(&response), json!({"bytes": SIZE}), "{shown}");
        }
    }
    let stats = testbed.stats();
    assert_eq!(
        (stats.plain_connections, stats.tls_connections),
        (1, 1),
        "a whole body leaves the connection fit"
    );
}

#[test]
fn the_framing_says_what_is_known_of_the_length() {
    let testbed = Testbed::start().unwrap();
    let session = session();
    let send = |body: Body| {
        let echo = json(&session.post(format!("{}/anything", testbed.http())).body(body).send().unwrap());
        assert_eq!(echo["data"], "hello");
        (echo["headers"]["Content-Length"].clone(), echo["headers"]["Transfer-Encoding"].clone())
    };
    assert_eq!(send(Body::from("hello")), (json!("5"), json!(null)));
    assert_eq!(send(Body::from(file("five", b"hello"))), (json!("5"), json!(null)));
    assert_eq!(send(Body::sized(Cursor::new("hello"), 5)), (json!("5"), json!(null)));
    assert_eq!(send(Body::once(Cursor::new("hello"))), (json!(null), json!("chunked")));
    let mut standing = file("rest", b"all but hello");
    standing.seek(SeekFrom::Start(8)).unwrap();
    assert_eq!(send(Body::from(standing)), (json!("5"), json!(null)), "from where it stands");
}

#[test]
fn a_307_sends_bytes_and_files_again_and_from_where_they_began() {
    let testbed = Testbed::start().unwrap();
    let mut standing = file("again", b"all but hello");
    standing.seek(SeekFrom::Start(8)).unwrap();
    for status in [307, 308] {
        let url = format!("{}/redirect-to?url=/anything&status_code={status}", testbed.http());
        for body in [Body::from("hello"), Body::from(standing.try_clone().unwrap())] {
            let response = session().put(&url).body(body).send().unwrap();
            let echo = json(&response);
            assert_eq!((&echo["method"], &echo["data"]), (&json!("PUT"), &json!("hello")));
            assert_eq!(response.history().len(), 1);
            standing.seek(SeekFrom::Start(8)).unwrap();
        }
    }
}

#[test]
fn a_307_for_a_body_that_is_gone_is_an_error_with_the_answer_in_it() {
    let there = RawServer::start([Script::new().answer(ok("there")).wait_for_close()]).unwrap();
    let here = Script::new().expect_until("0\r\n\r\n").send(to(307, &there.url())).wait_for_close();
    let here = RawServer::start([here]).unwrap();
    let error = session().post(here.url()).body(Body::once(Cursor::new("once"))).send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
    assert_eq!((error.response().unwrap().status().as_u16(), there.connections()), (307, 0));
}

#[test]
fn di_2_an_answer_that_comes_before_the_end_of_the_upload_ends_the_upload() {
    const SIZE: u64 = 50 << 20;
    let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo long";
    for script in [
        Script::new().answer(refusal).wait_for_close(),
        Script::new().expect_head().expect_body(64 << 10).send(refusal).wait_for_close(),
        Script::new().answer(refusal).close_write().wait_for_close(),
    ] {
        let server = RawServer::start([script, Script::new().answer(ok("next")).wait_for_close()]).unwrap();
        let (reader, given) = counted(SIZE);
        let session = session();
        let response = session.post(server.url()).body(Body::sized(reader, SIZE)).send().unwrap();
        assert_eq!((response.status().as_u16(), response.text()), (413, "too long".into()));
        assert!(given.load(Ordering::Relaxed) < SIZE, "the rest is not sent");
        assert_eq!(session.pool().counts().open, 0, "a connection in the middle of a request is closed");
        assert!(server.wait_until_ended(1, HANG));
        assert_eq!(text(session.get(server.url()).send()), "next");
    }
}

#[test]
fn di_2_of_a_hundred_uploads_that_are_refused_in_their_middle_each_has_the_refusal() {
    const SIZE: u64 = 50 << 20;
    let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo long";
    let refusing = || Script::new().expect_head().expect_body(64 << 10).send(refusal);
    let drains = refusing().close_write().wait_for_close();
    // Not every system keeps what it has received when a reset follows.
    let ends = if cfg!(target_os = "linux") { vec![drains, refusing().reset()] } else { vec![drains] };
    let ca = Ca::new().unwrap();
    let identity = ca.issue(&["localhost"]).unwrap();
    for (script, tls) in ends.into_iter().flat_map(|script| [(script.clone(), false), (script, true)]) {
        let scripts = vec![script; 100];
        let server = if tls { RawServer::start_tls(scripts, &identity) } else { RawServer::start(scripts) };
        let server = server.unwrap();
        let session = builder().tls(only(ca.pem())).build().unwrap();
        for n in 0..100 {
            let (reader, given) = counted(SIZE);
            let body = if n % 2 == 0 { Body::sized(reader, SIZE) } else { Body::once(reader) };
            let response = session.post(server.url()).body(body).send();
            let response = response.unwrap_or_else(|error| panic!("{n}, TLS {tls}: {error}"));
            assert_eq!(
                (response.status().as_u16(), response.text()),
                (413, "too long".into()),
                "{n}, TLS {tls}"
            );
            assert!(given.load(Ordering::Relaxed) < SIZE, "{n}, TLS {tls}: the rest is not sent");
        }
        assert!(server.wait_until_ended(100, HANG));
        assert!(server.requests().iter().all(|request| (request.len() as u64) < SIZE));
        assert_eq!((server.connections(), session.pool().counts().open), (100, 0));
    }
}

#[test]
fn an_early_303_is_followed_on_a_new_connection() {
    let there = RawServer::start([Script::new().answer(ok("there")).wait_for_close()]).unwrap();
    let here = RawServer::start([Script::new().answer(to(303, &there.url())).wait_for_close()]).unwrap();
    let (reader, given) = counted(50 << 20);
    let response = session().post(here.url()).body(Body::once(reader)).send();
    assert_eq!(text(response), "there");
    assert!(given.load(Ordering::Relaxed) < 50 << 20);
    assert!(there.requests()[0].starts_with(b"GET / "));
}

#[test]
fn a_server_that_hangs_up_in_the_middle_of_an_upload_is_an_error() {
    for script in [
        Script::new().expect_head().expect_body(1000).close(),
        Script::new().expect_head().expect_body(1000).reset(),
    ] {
        let server = RawServer::start([script]).unwrap();
        let error = session().post(server.url()).body(Body::once(counted(50 << 20).0)).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert!(error.may_have_been_processed());
        assert_eq!(server.connections(), 1);
    }
}

/// Gives some bytes, then fails.
struct Failing(usize);

impl Source for Failing {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                buf[..5].copy_from_slice(b"hello");
                Ok(5)
            }
            None => Err(io::Error::other("the disk is gone")),
        }
    }
}

#[test]
fn an_upload_that_did_not_finish_never_looks_finished() {
    let bodies: [(Body, ErrorKind); 4] = [
        (Body::reader(Failing(0)), ErrorKind::Io),
        (Body::reader(Failing(3)), ErrorKind::Io),
        (Body::sized(Cursor::new("short"), 6), ErrorKind::Body),
        (Body::sized(Cursor::new("too long"), 6), ErrorKind::Body),
    ];
    for (body, kind) in bodies {
        let server = RawServer::start([Script::new().wait_for_close()]).unwrap();
        let session = session();
        let error = session.post(server.url()).body(body).send().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(server.wait_until_ended(1, HANG));
        let seen = server.requests().concat();
        let body = &seen[seen.windows(4).position(|w| w == b"\r\n\r\n").map_or(seen.len(), |at| at + 4)..];
        match fields(&seen, "Content-Length").first() {
            Some(length) => assert!(body.len() < length.parse().unwrap(), "{} of {length} bytes", body.len()),
            None => assert_eq!(count(body, "0\r\n\r\n"), 0),
        }
        assert_eq!(session.pool().counts().open, 0);
    }
}

#[test]
fn a_body_waits_for_the_go_ahead_and_is_not_sent_after_a_refusal() {
    let go =
        Script::new().expect_head().send("HTTP/1.1 100 Continue\r\n\r\n").expect_body(5).send(ok("thanks"));
    let refuse = Script::new().answer("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n").wait_for_close();
    let next = Script::new().answer(ok("next")).wait_for_close();
    let server = RawServer::start([go.wait_for_close(), refuse, next]).unwrap();
    let origin = || Origin::http("127.0.0.1").with_port(server.addr().port());
    let post =
        || Request::build(Method::POST, origin(), "/").body("hello").expect_continue().finish().unwrap();
    let status = |pool: &Pool, request| pool.send(request).unwrap().head().status().as_u16();
    // Two pools, so that each talks on a connection of its own.
    assert_eq!(status(&Pool::new(Config::default()), post()), 200);
    let pool = Pool::new(Config::default());
    assert_eq!(status(&pool, post()), 417);
    assert_eq!(status(&pool, Request::get(origin(), "/").unwrap()), 200);
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "what was announced and not sent would be in the way");
    assert!(requests[0].ends_with(b"\r\n\r\nhello") && requests[1].ends_with(b"\r\n\r\n"));
}

#[test]
fn a_large_upload_is_answered_after_it_and_the_answer_is_as_large() {
    let testbed = Testbed::start().unwrap();
    let session = builder().redirect(Redirect::none()).build().unwrap();
    let body: String = "0123456789".repeat(400_000);
    let response = session.post(format!("{}/anything", testbed.http())).body(&*body).send().unwrap();
    assert_eq!(json(&response)["data"], body);
}
