//! Time, waiting, waking, lookups.

use super::*;
use std::time::SystemTime;

#[test]
fn a_wait_jumps_to_the_next_event_or_to_its_limit() {
    let (world, host, addr) = world();
    host.latency(30 * MS);
    let mut client = Client::start(&world, addr);
    let limit = world.now() + 20 * MS;
    let mut ready = Vec::new();
    client.net.wait(Some(limit), &mut ready).unwrap();
    assert!(ready.is_empty());
    assert_eq!(world.now(), limit);
    assert!(matches!(client.wait()[..], [Ready::Socket { readable: false, writable: true, .. }]));
    assert_eq!(world.elapsed(), 30 * MS);
}

#[test]
fn a_poll_neither_blocks_nor_moves_the_clock() {
    let (world, host, addr) = world();
    host.latency(MS);
    let mut client = Client::start(&world, addr);
    assert_eq!(client.poll(), []);
    assert_eq!(world.elapsed(), Duration::ZERO);
    world.advance(MS);
    assert_eq!(client.poll(), [(false, true)]);
}

#[test]
fn a_wait_with_nothing_to_wait_for_panics_with_a_dump() {
    let (world, host, addr) = world();
    host.accept().expect("GET /1").hold();
    let mut client = Client::connect(&world, addr);
    client.send(b"GET /1 HT");
    let dump = panic_of(|| drop(client.wait()));
    for part in
        ["stalled at 0.000000000 s", "#0 10.0.0.1:80 (a.example, script 0)", "GET /1 HT", "then silence"]
    {
        assert!(dump.contains(part), "{part} is missing in:\n{dump}");
    }
    // The lock is free and the world goes on.
    world.advance(MS);
    assert_eq!(world.elapsed(), MS);
}

#[test]
fn a_wake_ends_the_current_or_the_next_wait() {
    let (world, ..) = world();
    let mut net = world.net();
    let mut other = world.net();
    net.waker().wake();
    net.waker().wake();
    let mut ready = Vec::new();
    net.wait(None, &mut ready).unwrap();
    assert!(matches!(ready[..], [Ready::Woken]));
    assert!(panic_of(|| net.wait(None, &mut Vec::new()).unwrap()).contains("stalled"));
    assert!(panic_of(|| other.wait(None, &mut Vec::new()).unwrap()).contains("stalled"));
}

#[test]
fn the_wall_clock_starts_on_a_fixed_day_and_can_be_set_alone() {
    let (world, ..) = world();
    let net = world.net();
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    assert_eq!(net.wall(), start);
    world.advance(MS);
    assert_eq!(net.wall(), start + MS);
    world.set_wall(SystemTime::UNIX_EPOCH);
    assert_eq!((net.wall(), world.elapsed()), (SystemTime::UNIX_EPOCH, MS));
}

#[test]
fn the_seed_decides_what_is_random() {
    let bytes = |seed| {
        let mut out = [0; 19];
        World::new(seed).net().random(&mut out).unwrap();
        out
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn lookups_answer_fail_or_hang_as_told() {
    let (world, host, _) = world();
    host.lookup_takes(5 * MS);
    world.host("two.example", ["10.0.0.3", "fd00::3"]);
    world.host("failing.example", []).lookup_fails(ErrorKind::TimedOut);
    world.host("odd.example", []).lookup_answers(vec!["10.0.0.9:1".parse().unwrap()]);
    world.host("hanging.example", []).lookup_hangs();
    let mut net = world.net();
    let mut lookup = |name: &str| {
        let token = Token::fresh();
        net.lookup(token, name, 80, None);
        let mut ready = Vec::new();
        net.wait(Some(net.now() + MS * 10), &mut ready).unwrap();
        match ready.pop()? {
            Ready::Lookup { token: of, result } if of == token => {
                Some(result.map(|addrs| addrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))
            }
            other => panic!("{other:?}"),
        }
    };
    let found = |text: &str| Some(Ok(text.to_owned()));
    let mut kind = |name: &str| lookup(name).map(|result| result.map_err(|error| error.kind()));
    assert_eq!(kind("A.example"), found("10.0.0.1:80"));
    assert_eq!(kind("two.example"), found("10.0.0.3:80 [fd00::3]:80"));
    assert_eq!(kind("odd.example"), found("10.0.0.9:1"));
    assert_eq!(kind("failing.example"), Some(Err(ErrorKind::TimedOut)));
    assert_eq!(kind("nobody.example"), Some(Err(ErrorKind::NotFound)));
    assert_eq!(kind("hanging.example"), None);
    world.host("*", ["10.0.0.7"]);
    assert_eq!(kind("nobody.example"), found("10.0.0.7:80"));
    assert_eq!((host.lookups(), world.elapsed()), (1, 15 * MS));
}
