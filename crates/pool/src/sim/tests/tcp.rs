//! Connections as TCP shows them to a client: edges, buffers, ends.

use super::*;
use crate::sim::ok;

#[test]
fn an_edge_comes_only_after_would_block() {
    let (world, host, addr) = world();
    let peer = host.accept();
    let mut client = Client::connect(&world, addr);
    peer.reply("one");
    assert_eq!(client.poll(), [(true, false)]);
    // Not read to WouldBlock: more bytes make no further edge.
    peer.reply("two");
    assert_eq!(client.poll(), []);
    assert_eq!((client.read(), client.read()), (Ok(6), Err(ErrorKind::WouldBlock)));
    peer.reply("three");
    assert_eq!(client.poll(), [(true, false)]);
    assert_eq!(client.poll(), []);
}

#[test]
fn bytes_come_before_the_end_of_stream() {
    let (world, host, addr) = world();
    host.accept().expect("GET /").reply(ok("x")).close();
    let mut client = Client::connect(&world, addr);
    client.request("GET /");
    assert_eq!(client.receive_all().unwrap().into_bytes(), ok("x"));
    assert_eq!(client.read(), Ok(0));
}

#[test]
fn a_refused_attempt_says_so_and_a_swallowed_one_says_nothing() {
    let (world, host, addr) = world();
    host.refuse();
    let mut client = Client::start(&world, addr);
    assert_eq!(client.poll(), [(true, true)]);
    assert_eq!(client.socket.connected().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    host.blackhole();
    let mut client = Client::start(&world, addr);
    world.advance(1000 * MS);
    assert_eq!((client.poll(), client.socket.connected().unwrap()), (vec![], false));
    host.listen();
    Client::connect(&world, addr);
    assert_eq!(world.connections(), 1);
    let nowhere = world.net().connect(Token::fresh(), "10.9.9.9:80".parse().unwrap());
    assert_eq!(nowhere.err().unwrap().kind(), ErrorKind::NetworkUnreachable);
}

#[test]
fn addresses_and_ports_of_a_host_can_differ() {
    let world = World::new(1);
    let host = world.host("a.example", ["10.0.0.1", "10.0.0.2"]);
    host.at("10.0.0.1").refuse();
    host.port(8080).latency(7 * MS);
    let peer = host.at("10.0.0.2").port(443).accept();
    assert!(Client::start(&world, "10.0.0.1:443").poll().contains(&(true, true)));
    Client::connect(&world, "10.0.0.2:80");
    assert!(!peer.is_connected());
    Client::connect(&world, "10.0.0.2:443");
    assert!(peer.is_connected());
    assert_eq!(world.elapsed(), Duration::ZERO);
    Client::connect(&world, "10.0.0.2:8080");
    assert_eq!(world.elapsed(), 7 * MS);
}

#[test]
fn a_reset_discards_what_was_not_read_unless_told_otherwise() {
    for (keeps, read) in [(false, Err(ErrorKind::ConnectionReset)), (true, Ok(5))] {
        let (world, host, addr) = world();
        world.reset_keeps_data(keeps);
        let peer = host.accept();
        let mut client = Client::connect(&world, addr);
        peer.reply("bytes").reset();
        assert_eq!(client.poll(), [(true, true)]);
        assert_eq!((client.read(), client.read()), (read, Err(ErrorKind::ConnectionReset)));
        assert_eq!(client.write(b"x"), Err(ErrorKind::ConnectionReset));
    }
}

#[test]
fn a_reply_arrives_before_a_delayed_reset() {
    let (world, host, addr) = world();
    host.accept().reply("bytes").delay(MS).reset();
    let mut client = Client::connect(&world, addr);
    assert_eq!(client.receive(5), "bytes");
    assert_eq!(client.receive_all(), Err(ErrorKind::ConnectionReset));
    assert_eq!(world.elapsed(), MS);
}

#[test]
fn a_write_after_the_peers_close_is_accepted_once() {
    let (world, host, addr) = world();
    host.accept().close();
    let mut client = Client::connect(&world, addr);
    assert_eq!(client.read(), Ok(0));
    assert_eq!(client.write(b"late"), Ok(4));
    assert_eq!(client.poll(), [(true, true)]);
    assert_eq!(client.write(b"later"), Err(ErrorKind::BrokenPipe));
    assert_eq!(client.read(), Err(ErrorKind::ConnectionReset));
}

#[test]
fn a_half_closed_peer_still_reads() {
    let (world, host, addr) = world();
    let peer = host.accept().half_close().expect("GET /late").expect_close();
    let mut client = Client::connect(&world, addr);
    assert_eq!(client.read(), Ok(0));
    client.request("GET /late");
    drop(client);
    world.assert_quiet();
    assert!(peer.is_done());
}

#[test]
fn a_peer_that_does_not_read_fills_the_send_buffer() {
    let (world, host, addr) = world();
    world.send_buffer(100);
    let peer = host.accept().stop_reading(30);
    let mut client = Client::connect(&world, addr);
    assert_eq!(client.write(&[b'x'; 200]), Ok(100));
    assert_eq!(client.write(b"x"), Err(ErrorKind::WouldBlock));
    assert_eq!(client.poll(), [(false, true)]);
    assert_eq!((client.write(&[b'x'; 200]), client.write(b"x")), (Ok(30), Err(ErrorKind::WouldBlock)));
    assert_eq!((client.poll(), peer.received().len()), (vec![], 30));
    peer.resume_reading();
    assert_eq!((client.poll(), peer.received().len()), (vec![(false, true)], 130));
}

#[test]
fn a_client_that_does_not_read_holds_the_peer_back() {
    let (world, host, addr) = world();
    world.receive_buffer(10);
    host.accept().reply([b'x'; 25]).close();
    let mut client = Client::connect(&world, addr);
    assert_eq!((client.read(), client.read()), (Ok(10), Err(ErrorKind::WouldBlock)));
    assert_eq!(client.receive_all().unwrap().len(), 15);
}

#[test]
fn a_socket_that_moves_is_reported_to_its_new_net_only() {
    let (world, host, addr) = world();
    let peer = host.accept();
    let mut client = Client::connect(&world, addr);
    let mut other = world.net();
    peer.reply("one");
    other.attach(client.token, &mut *client.socket).unwrap();
    assert_eq!(client.poll(), []);
    // The edge was lost in the move, as it may be: the new owner looks for itself.
    assert_eq!(poll(&mut *other), []);
    assert_eq!((client.read(), client.read()), (Ok(3), Err(ErrorKind::WouldBlock)));
    peer.reply("two");
    assert_eq!(client.poll(), []);
    assert_eq!(poll(&mut *other), [(client.token, true, false)]);
    client.socket.detach();
    assert_eq!((client.read(), client.read()), (Ok(3), Err(ErrorKind::WouldBlock)));
    peer.reply("three");
    assert_eq!(poll(&mut *other), []);
    let foreign = World::new(0).net().attach(client.token, &mut *client.socket);
    assert_eq!(foreign.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_net_may_go_before_its_sockets() {
    let (world, host, addr) = world();
    let peer = host.accept();
    let mut client = Client::connect(&world, addr);
    client.net = world.net();
    peer.reply("one");
    assert_eq!(client.poll(), []);
    client.net.attach(client.token, &mut *client.socket).unwrap();
    assert_eq!(client.receive(3), "one");
}

#[test]
fn a_dropped_socket_is_closed() {
    let (world, host, addr) = world();
    let peer = host.accept().expect_close();
    let client = Client::connect(&world, addr);
    assert_eq!((world.open(), peer.is_done()), (1, false));
    drop(client);
    world.assert_quiet();
    assert!(peer.is_done());
    // An attempt given up before it was answered is nobody's connection.
    drop(Client::start(&world, addr));
    world.assert_quiet();
    assert_eq!((world.open(), world.connections()), (0, 1));
}
