//! Scripted peers, hosts with closures, and what is said of a test that ends badly.

use super::*;
use crate::sim::{Reply, chunked, ok};

#[test]
fn a_script_runs_its_steps_in_order() {
    let (world, host, addr) = world();
    let peer = host.accept();
    peer.expect("GET /1").reply("one").expect("POST /2").delay(3 * MS).reply("two").expect_close();
    let mut client = Client::connect(&world, addr);
    client.request("GET /1");
    assert_eq!(client.receive(3), "one");
    client.send(b"POST /2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nab");
    assert_eq!(client.poll(), []);
    client.send(b"c");
    assert_eq!(client.receive(3), "two");
    assert_eq!(world.elapsed(), 3 * MS);
    assert!(peer.received().ends_with(b"\r\n\r\nabc"));
    drop(client);
    world.assert_quiet();
}

#[test]
fn a_chunked_request_is_complete_with_its_trailers() {
    let (world, host, addr) = world();
    host.accept().expect("POST /").reply("done");
    let mut client = Client::connect(&world, addr);
    let request = "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n";
    for byte in request.as_bytes() {
        assert_eq!(client.poll(), []);
        client.send(&[*byte]);
    }
    assert_eq!(client.receive(4), "done");
}

#[test]
fn an_answer_may_come_before_the_body() {
    let (world, host, addr) = world();
    host.accept()
        .expect_head("PUT /")
        .reply("early")
        .expect_body()
        .reply("late")
        .expect("GET /")
        .skip(3)
        .close();
    let mut client = Client::connect(&world, addr);
    client.send(b"PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(client.receive(5), "early");
    client.send(b"abc");
    assert_eq!(client.receive(4), "late");
    client.request("GET /");
    client.send(b"raw");
    assert_eq!(client.receive_all().unwrap(), "");
}

#[test]
fn a_peer_may_die_of_the_next_byte() {
    let (world, host, addr) = world();
    host.accept().expect("GET /1").reply("one").on_next_byte().close();
    let mut client = Client::connect(&world, addr);
    client.request("GET /1");
    assert_eq!(client.receive(3), "one");
    assert_eq!((client.read(), client.poll()), (Err(ErrorKind::WouldBlock), vec![]));
    client.send(b"G");
    assert_eq!(client.receive_all().unwrap(), "");
}

#[test]
fn a_dripping_peer_takes_its_time() {
    let (world, host, addr) = world();
    host.accept().drip("abcd", 10 * MS).close();
    let mut client = Client::connect(&world, addr);
    assert_eq!(client.pieces(4), [b"a", b"b", b"c", b"d"]);
    assert_eq!(world.elapsed(), 30 * MS);
    assert_eq!(client.receive_all().unwrap(), "");
}

#[test]
fn raw_bytes_are_expected_and_answered() {
    let (world, host, addr) = world();
    host.accept().expect_bytes([5, 1, 0]).reply([5, 0]);
    host.accept().expect_bytes([5, 1, 0]);
    let mut client = Client::connect(&world, addr);
    client.send(&[5, 1]);
    client.send(&[0]);
    assert_eq!(client.receive(2), "\u{5}\0");
    drop(client);
    Client::connect(&world, addr).send(&[5, 2]);
    assert!(
        panic_of(|| world.assert_quiet())
            .contains("expected the bytes \"\\x05\\x01\\x00\", got \"\\x05\\x02\"")
    );
}

#[test]
fn another_request_than_expected_is_named_with_the_expected_one() {
    let (world, host, addr) = world();
    host.accept().expect("GET /1").reply(ok("one"));
    let mut client = Client::connect(&world, addr);
    client.request("GET /2");
    let named = "connection #0: expected a request \"GET /1\", got \"GET /2 HTTP/1.1\"";
    let stall = panic_of(|| drop(client.wait()));
    assert!(stall.contains(named), "{stall}");
    drop(client);
    let unquiet = panic_of(|| world.assert_quiet());
    assert!(unquiet.contains(named), "{unquiet}");
}

#[test]
fn a_world_is_not_quiet_while_something_is_left() {
    let (world, host, addr) = world();
    world.assert_quiet();
    let client = Client::connect(&world, addr);
    assert!(panic_of(|| world.assert_quiet()).contains("1 open sockets"));
    drop(client);
    world.assert_quiet();
    // Accepted by no script: harmless until something is asked.
    Client::connect(&world, addr).send(b"G");
    assert!(
        panic_of(|| world.assert_quiet())
            .contains("connection #1: bytes from the client, but no script is left")
    );
    host.accept().expect("GET /1");
    assert!(
        panic_of(|| world.assert_quiet())
            .contains("script 0 of a.example, never connected: a request \"GET /1\"")
    );
    drop(Client::connect(&world, addr));
    assert!(panic_of(|| world.assert_quiet()).contains("script 0 of a.example, on #2: a request \"GET /1\""));
}

#[test]
fn a_closure_that_waits_for_itself_is_a_stall() {
    let (world, host, addr) = world();
    let inside = world.clone();
    host.accept_all(move |_| {
        let mut nested = Client::connect(&inside, "10.0.0.1:80");
        nested.request("GET /nested");
        Reply::raw(nested.receive(1))
    });
    let mut client = Client::connect(&world, addr);
    client.request("GET /");
    assert!(panic_of(|| drop(client.wait())).contains("unread by the peer: \"GET /nested"));
}

#[test]
fn scripts_are_taken_in_order_before_the_closure() {
    let (world, host, addr) = world();
    host.accept_all(|_| Reply::raw("closure"));
    host.accept().reply("first");
    host.accept().reply("second");
    assert_eq!(Client::connect(&world, addr).receive(5), "first");
    assert_eq!(Client::connect(&world, addr).receive(6), "second");
    let mut client = Client::connect(&world, addr);
    client.request("GET /");
    assert_eq!(client.receive(7), "closure");
}

#[test]
fn a_closure_answers_every_request_and_keeps_the_connection() {
    let (world, host, addr) = world();
    let inside = world.clone();
    host.accept_all(move |request| match request.target() {
        "/slow" => Reply::raw("slow").delay(5 * MS),
        "/close" => Reply::raw("closing").close(),
        "/reset" => Reply::raw("lost").reset(),
        "/silence" => Reply::silence(),
        // Nothing is locked here: the world may be asked.
        _ => Reply::raw(format!("{} {:?} {:?}", request.method(), request.body(), inside.elapsed())),
    });
    let mut client = Client::connect(&world, addr);
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
    assert_eq!(client.poll(), []);
    client.send(b"a");
    assert_eq!(client.receive(13), "POST [97] 0ns");
    // The second waits for the answer to the first.
    client.request("GET /slow");
    client.request("GET /close");
    assert_eq!(client.receive_all().unwrap(), "slowclosing");
    assert_eq!(world.elapsed(), 5 * MS);
    let mut client = Client::connect(&world, addr);
    client.request("GET /reset");
    assert_eq!(client.receive_all(), Err(ErrorKind::ConnectionReset));
    let mut client = Client::connect(&world, addr);
    client.request("GET /silence");
    client.request("GET /");
    assert!(panic_of(|| drop(client.wait())).contains("its request is not answered yet"));
    assert_eq!(world.connections(), 3);
}

#[test]
fn steps_added_to_a_running_script_happen_at_once() {
    let (world, host, addr) = world();
    let peer = host.accept().reply("one");
    let mut client = Client::connect(&world, addr);
    assert_eq!((client.read(), client.read()), (Ok(3), Err(ErrorKind::WouldBlock)));
    peer.close();
    // Seen by a look at the socket alone, as a pool looks at an idle connection.
    assert_eq!(client.read(), Ok(0));
}

#[test]
fn replies_are_well_formed() {
    assert_eq!(ok("hi"), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let expected: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    assert_eq!(chunked(&["ab", "", "c"]), expected);
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| {
        let world = World::new(seed);
        let host = world.host("a.example", ["10.0.0.1"]);
        world.jitter(50 * MS);
        host.accept_all(|_| Reply::ok("hello"));
        for _ in 0..5 {
            let mut client = Client::connect(&world, "10.0.0.1:80");
            client.request("GET /");
            client.receive(ok("hello").len());
        }
        world.assert_quiet();
        world.log()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
