//! The scripted server.

use std::io::{ErrorKind, Read, Write};

use testbed::Ca;
use testbed::raw::{RawServer, Script};

use crate::client::{Client, STUCK, socket};
use crate::tls::{handshake, trusting};

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\n\r\nbody";

#[test]
fn each_connection_plays_the_next_script_and_is_recorded() {
    let server = RawServer::start([
        Script::new().expect_head().expect_body(4).send("first").close(),
        Script::new().answer("second").wait_for_close(),
    ])
    .unwrap();
    let mut first = Client::connect(server.addr());
    first.write(REQUEST);
    assert_eq!(first.read_to_end().0, b"first");
    let mut second = Client::connect(server.addr());
    second.write(b"GET / HTTP/1.1\r\n\r\n");
    let mut second = second.into_inner();
    let mut answer = [0; 6];
    second.read_exact(&mut answer).unwrap();
    second.write_all(b"more").unwrap();
    drop(second);
    assert!(server.wait_until_ended(2, STUCK));
    assert_eq!(&answer, b"second");
    assert_eq!(server.requests(), [REQUEST, b"GET / HTTP/1.1\r\n\r\nmore"]);
    assert_eq!((server.connections(), server.faults()), (2, vec![]));
    assert_eq!(server.url(), format!("http://{}", server.addr()));
}

#[test]
fn bytes_wait_for_the_steps_that_expect_them_however_they_arrive() {
    let script = Script::new().expect_head().expect_body(4).expect_until("0\r\n\r\n").send("ok");
    for size in [1, 3, 1000] {
        let server = RawServer::start([script.clone()]).unwrap();
        let mut client = Client::connect(server.addr());
        for piece in b"PUT / HTTP/1.1\r\n\r\nbody1\r\nx\r\n0\r\n\r\n".chunks(size) {
            client.write(piece);
        }
        assert_eq!(client.read_to_end().0, b"ok", "in pieces of {size}");
        assert!(server.faults().is_empty());
    }
}

#[test]
fn bytewise_answers_arrive_whole() {
    let server = RawServer::start([Script::new().send_bytewise("HTTP/1.1 200 OK\r\n\r\n").close()]).unwrap();
    assert_eq!(Client::connect(server.addr()).read_to_end().0, b"HTTP/1.1 200 OK\r\n\r\n");
}

#[test]
fn a_client_that_leaves_early_is_a_fault() {
    let server = RawServer::start([Script::new().expect_head().send("never")]).unwrap();
    let mut client = Client::connect(server.addr());
    client.write(b"GET /");
    drop(client);
    assert!(server.wait_until_ended(1, STUCK));
    let expected = "connection 0: step 0 (expect until): the client closed after 5 bytes of it";
    assert_eq!(server.faults(), [expected]);
    assert_eq!(server.requests(), [b"GET /"]);
}

#[test]
fn a_connection_too_many_is_closed_and_is_a_fault() {
    let server = RawServer::start([]).unwrap();
    assert_eq!(Client::connect(server.addr()).read_to_end().0, b"");
    assert!(server.wait_until_ended(1, STUCK));
    assert_eq!(server.faults(), ["connection 0: no script was left for it"]);
}

#[test]
fn a_pause_lasts_until_the_test_goes_on() {
    let server = RawServer::start([Script::new().send("a").pause().send("b").pause().close()]).unwrap();
    let mut socket = socket(server.addr());
    let mut byte = [0];
    socket.read_exact(&mut byte).unwrap();
    socket.set_nonblocking(true).unwrap();
    assert_eq!(socket.read(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);
    socket.set_nonblocking(false).unwrap();
    server.proceed();
    socket.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"b");
    server.proceed();
    assert!(server.wait_until_ended(1, STUCK));
    socket.set_nonblocking(true).unwrap();
    assert_eq!(socket.read(&mut byte).unwrap(), 0, "the close was there before the wait was over");
}

#[test]
fn a_reset_is_seen_as_one() {
    let server = RawServer::start([Script::new().answer("HTTP/1.1").reset()]).unwrap();
    let mut client = Client::connect(server.addr());
    client.write(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.read_to_end().1.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(server.faults().is_empty());
}

#[test]
fn after_close_write_the_script_still_reads() {
    let server = RawServer::start([Script::new().send("x").close_write().wait_for_close()]).unwrap();
    let mut client = Client::connect(server.addr());
    assert_eq!(client.read_to_end().0, b"x");
    client.write(b"late");
    drop(client);
    assert!(server.wait_until_ended(1, STUCK));
    assert_eq!(server.requests(), [b"late"]);
}

#[test]
fn dropping_the_server_ends_held_connections() {
    let server = RawServer::start([Script::new().send("x").hold()]).unwrap();
    let mut socket = socket(server.addr());
    socket.read_exact(&mut [0]).unwrap();
    drop(server);
    assert_eq!(socket.read(&mut [0]).unwrap(), 0);
}

#[test]
fn over_tls_a_close_has_a_close_notify_and_a_truncation_has_none() {
    let ca = Ca::new().unwrap();
    let identity = ca.issue(&["localhost"]).unwrap();
    let answer = Script::new().answer("HTTP/1.1 200 OK\r\n\r\ncut");
    let server = RawServer::start_tls([answer.clone().close(), answer.truncate()], &identity).unwrap();
    let ends = [0; 2].map(|_| {
        let mut client = Client::over(handshake(&trusting(ca.pem()), server.addr(), "localhost").unwrap());
        client.write(b"GET / HTTP/1.1\r\n\r\n");
        let (bytes, end) = client.read_to_end();
        assert_eq!(bytes, b"HTTP/1.1 200 OK\r\n\r\ncut");
        end.map_err(|error| error.kind())
    });
    assert_eq!(ends, [Ok(22), Err(ErrorKind::UnexpectedEof)]);
    assert_eq!(
        (server.faults(), server.url()),
        (vec![], format!("https://localhost:{}", server.addr().port()))
    );
}

#[test]
fn a_client_that_speaks_no_tls_is_a_fault() {
    let ca = Ca::new().unwrap();
    let server =
        RawServer::start_tls([Script::new().expect_head()], &ca.issue(&["localhost"]).unwrap()).unwrap();
    let mut client = Client::connect(server.addr());
    client.write(b"GET / HTTP/1.1\r\n\r\n");
    client.read_to_end().1.ok();
    assert!(server.wait_until_ended(1, STUCK));
    assert!(server.faults()[0].starts_with("connection 0: TLS handshake: "), "{:?}", server.faults());
}
