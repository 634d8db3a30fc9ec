//! Starting, counting, keeping connections, stopping.

use std::io::ErrorKind;
use std::net::TcpStream;

use testbed::Testbed;

use crate::client::{Client, STUCK, socket};

/// A testbed on ports below those that systems give out by themselves (from 32768 or 49152 on), so that a port that has
/// become free is not taken at once by another test.
fn on_quiet_ports() -> Testbed {
    let first = 20_000 + (std::process::id() % 5_000) as u16 * 2;
    for port in (first..30_000).chain(20_000..first).step_by(2) {
        match Testbed::builder().port(port).tls_port(port + 1).start() {
            Ok(testbed) => return testbed,
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}"),
        }
    }
    panic!("no two ports are free")
}

#[test]
fn a_dropped_testbed_closes_its_connections_and_frees_its_ports() {
    let testbed = on_quiet_ports();
    let (addr, tls_addr) = (testbed.addr(), testbed.tls_addr());
    let mut client = Client::connect(addr);
    assert_eq!(client.get("/get").status, 200);
    drop(testbed);
    assert_eq!(client.read_to_end().0, b"");
    for addr in [addr, tls_addr] {
        assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    let again = Testbed::builder().port(addr.port()).tls_port(tls_addr.port()).start().unwrap();
    assert_eq!((again.addr(), again.tls_addr()), (addr, tls_addr));
}

#[test]
fn a_request_in_progress_does_not_hold_up_the_drop() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    client.write(b"GET /delay/10 HTTP/1.1\r\nHost: h\r\n\r\n");
    testbed.wait_for(STUCK, |stats| stats.requests == 1).unwrap();
    drop(testbed);
    assert_eq!(client.read_to_end().0, b"");
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let testbed = Testbed::start().unwrap();
    let error = Testbed::builder().port(testbed.addr().port()).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&testbed.addr().to_string()), "{error}");
}

#[test]
fn connections_are_kept_and_counted() {
    let testbed = Testbed::start().unwrap();
    let mut first = Client::connect(testbed.addr());
    for _ in 0..3 {
        assert_eq!(first.get("/get").field("Connection"), "");
    }
    let mut second = Client::connect(testbed.addr());
    second.get("/get");
    let stats = testbed.stats();
    assert_eq!((stats.plain_connections, stats.tls_connections, stats.requests, stats.open), (2, 0, 4, 2));
    drop((first, second));
    let stats = testbed.wait_for(STUCK, |stats| stats.open == 0).unwrap();
    assert_eq!((stats.plain_connections, stats.requests), (2, 4));
}

#[test]
fn close_is_the_last_answer_of_its_connection() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    assert_eq!(client.get("/close").field("Connection"), "close");
    assert_eq!(client.read_to_end().0, b"");
}

#[test]
fn without_keep_alive_every_answer_closes() {
    let testbed = Testbed::builder().keep_alive(false).start().unwrap();
    let mut client = Client::connect(testbed.addr());
    assert_eq!(client.get("/bench/10").field("Connection"), "close");
    assert_eq!(client.read_to_end().0, b"");
}

#[test]
fn a_body_that_no_endpoint_wants_does_not_cost_the_connection() {
    let testbed = Testbed::start().unwrap();
    let mut client = Client::connect(testbed.addr());
    assert_eq!(client.send("POST", "/status/404", "", &vec![0; 1_000_000]).status, 404);
    assert_eq!(client.get("/get").status, 200);
    assert_eq!(testbed.stats().plain_connections, 1);
}

#[test]
fn many_connections_at_once_are_all_answered() {
    let testbed = Testbed::start().unwrap();
    let mut clients: Vec<_> = (0..200).map(|_| Client::over(socket(testbed.addr()))).collect();
    for client in &mut clients {
        client.write(b"GET /bench/50 HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for client in &mut clients {
        assert_eq!(client.read_answer("GET").body.len(), 50);
    }
    assert_eq!(testbed.stats().open, 200);
}
