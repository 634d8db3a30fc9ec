//! Faults on request.

use super::*;
use crate::sim::Fragments;

const TEXT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

#[test]
fn bytes_arrive_whole_one_by_one_or_cut_by_the_seed() {
    let pieces = |seed, fragments| {
        let world = World::new(seed);
        let host = world.host("a.example", ["10.0.0.1"]);
        world.fragment(fragments);
        host.accept().reply(TEXT).reply(TEXT).close();
        let mut client = Client::connect(&world, "10.0.0.1:80");
        let pieces = client.pieces(2 * TEXT.len());
        assert_eq!(pieces.concat(), [TEXT, TEXT].concat().as_bytes());
        assert_eq!(client.receive_all().unwrap(), "");
        assert!(world.elapsed() < MS);
        pieces
    };
    assert_eq!(pieces(1, Fragments::Whole).len(), 1);
    assert_eq!(pieces(1, Fragments::Bytes).len(), 2 * TEXT.len());
    let cut = pieces(1, Fragments::Random);
    assert!((2..2 * TEXT.len()).contains(&cut.len()));
    assert_eq!(cut, pieces(1, Fragments::Random));
    assert_ne!(cut, pieces(2, Fragments::Random));
}

#[test]
fn a_short_write_is_followed_by_would_block_and_an_edge() {
    let (world, host, addr) = world();
    world.short_writes(Fragments::Bytes);
    let peer = host.accept();
    let mut client = Client::connect(&world, addr);
    assert_eq!((client.write(b"abc"), client.write(b"bc")), (Ok(1), Err(ErrorKind::WouldBlock)));
    assert_eq!(client.poll(), [(false, true)]);
    client.send(b"bc");
    world.advance(Duration::ZERO);
    assert_eq!(peer.received(), b"abc");
}

#[test]
fn nothing_is_lost_or_doubled_under_all_faults_at_once() {
    for seed in 0..50 {
        let world = World::new(seed);
        let host = world.host("a.example", ["10.0.0.1"]);
        world.fragment(Fragments::Random);
        world.short_writes(Fragments::Random);
        world.spurious(300);
        world.interrupts(300);
        world.jitter(MS);
        world.send_buffer(1 + usize::try_from(seed).unwrap());
        world.receive_buffer(50 - usize::try_from(seed).unwrap());
        let peer = host.accept().skip(36).reply(TEXT).expect_close();
        let mut client = Client::connect(&world, "10.0.0.1:80");
        client.send(TEXT.as_bytes());
        assert_eq!(client.receive(36), TEXT);
        assert_eq!(peer.received(), TEXT.as_bytes());
        drop(client);
        world.assert_quiet();
    }
}

#[test]
fn spurious_readiness_is_reported_and_would_block_says_so() {
    let (world, host, addr) = world();
    host.accept();
    let mut client = Client::connect(&world, addr);
    world.spurious(900);
    let mut seen = false;
    for _ in 0..100 {
        seen |= client.poll().contains(&(true, true));
        assert_eq!(client.read(), Err(ErrorKind::WouldBlock));
    }
    assert!(seen);
}

#[test]
fn a_late_edge_may_reach_the_net_that_was_left() {
    let (world, host, addr) = world();
    let peer = host.accept();
    let mut client = Client::connect(&world, addr);
    peer.reply("one");
    let mut other = world.net();
    other.attach(client.token, &mut *client.socket).unwrap();
    // Rare enough for this seed to make no other false report in two waits.
    world.spurious(1);
    assert_eq!(poll(&mut *client.net), [(client.token, true, true)]);
    assert_eq!(poll(&mut *other), []);
}

#[test]
fn a_connect_can_fail_at_once() {
    let (world, _, addr) = world();
    world.connect_errors([io::Error::from(ErrorKind::AddrInUse)]);
    let error = world.net().connect(Token::fresh(), addr.parse().unwrap()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    Client::connect(&world, addr);
}

#[test]
fn a_lost_path_tells_nobody_until_it_is_found() {
    let (world, host, addr) = world();
    world.send_buffer(10);
    let peer = host.accept().skip(10).reply("answer");
    let mut client = Client::connect(&world, addr);
    host.vanish(true);
    assert_eq!((client.write(b"0123456789"), client.write(b"x")), (Ok(10), Err(ErrorKind::WouldBlock)));
    world.advance(1000 * MS);
    assert_eq!((client.poll(), peer.received().len()), (vec![], 0));
    assert!(!Client::start(&world, addr).socket.connected().unwrap());
    host.vanish(false);
    assert_eq!(client.receive(6), "answer");
}

#[test]
fn latency_is_one_round_trip_and_jitter_keeps_the_order() {
    let (world, host, addr) = world();
    host.latency(20 * MS);
    host.accept().skip(1).reply("a");
    let mut client = Client::connect(&world, addr);
    assert_eq!(world.elapsed(), 20 * MS);
    client.send(b"x");
    assert_eq!((client.receive(1), world.elapsed()), ("a".to_owned(), 40 * MS));
    world.jitter(20 * MS);
    let peer = host.accept();
    let mut client = Client::connect(&world, addr);
    for byte in TEXT.as_bytes() {
        peer.reply([*byte]);
    }
    assert_eq!(client.receive(TEXT.len()), TEXT);
    assert!(world.elapsed() <= 120 * MS);
}
