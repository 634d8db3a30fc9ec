//! Hosts with several addresses, some of them dead, over real sockets.

use crate::support::builder;
use session::pool::Resolve;
use session::{ErrorKind, Timeouts};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;
use testbed::Testbed;

const SILENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const REFUSING: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const GOOD: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Every name has these addresses, in this order.
struct Has(Vec<IpAddr>);

impl Resolve for Has {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// An address that never answers: its queue of connections is full, and nobody takes one from it.
struct Dead {
    _listener: Socket,
    _queue: Vec<TcpStream>,
}

impl Dead {
    fn at(addr: SocketAddr) -> Self {
        let listener = Socket::new(Domain::for_address(addr), Type::STREAM, None).unwrap();
        listener.bind(&addr.into()).unwrap();
        listener.listen(0).unwrap();
        let next = || TcpStream::connect_timeout(&addr, Duration::from_millis(300)).ok();
        let queue: Vec<_> = (0..8).map_while(|_| next()).collect();
        assert!(queue.len() < 8, "the queue has no end here");
        Self { _listener: listener, _queue: queue }
    }
}

#[test]
fn a_11_the_next_address_is_tried_beside_one_that_does_not_answer() {
    let testbed = Testbed::start().unwrap();
    let port = testbed.addr().port();
    let _dead = Dead::at(SocketAddr::new(SILENT, port));
    let url = format!("http://many.test:{port}/get");
    for (addresses, failed) in [
        (vec![SILENT, GOOD], vec![]),
        (vec![SILENT, REFUSING, GOOD], vec![REFUSING]),
        (vec![REFUSING, SILENT, GOOD], vec![REFUSING]),
        (vec![GOOD, SILENT], vec![]),
        (vec!["::1".parse().unwrap(), GOOD], vec!["::1".parse().unwrap()]),
    ] {
        let session = builder().resolver(Has(addresses.clone())).build().unwrap();
        for reused in [false, true] {
            let answer = session.get(&url).send().unwrap_or_else(|error| panic!("{addresses:?}: {error}"));
            let attempt = answer.attempts().last();
            assert_eq!((attempt.peer, attempt.reused), (Some(testbed.addr()), reused), "{addresses:?}");
            if !reused {
                let tried: Vec<_> = attempt.failed.iter().map(|(addr, _)| addr.ip()).collect();
                assert_eq!(tried, failed, "{addresses:?}");
            }
        }
    }
}

#[test]
fn a_11_where_no_address_answers_the_connect_limit_ends_it_for_all() {
    let port = Testbed::start().unwrap().addr().port();
    let _dead = Dead::at(SocketAddr::new(SILENT, port));
    let session = builder().resolver(Has(vec![REFUSING, SILENT])).build().unwrap();
    let limits = Timeouts::default().connect(Duration::from_millis(400));
    let error = session.get(format!("http://many.test:{port}/")).timeouts(limits).send().unwrap_err();
    assert!(error.is_timeout() && error.is_connect() && !error.may_have_been_processed(), "{error}");
    let failed: Vec<_> =
        error.attempts().last().unwrap().failed.iter().map(|(a, why)| (a.ip(), *why)).collect();
    assert_eq!(failed, [(REFUSING, io::ErrorKind::ConnectionRefused), (SILENT, io::ErrorKind::TimedOut)]);
    assert_ne!(error.kind(), ErrorKind::Connect);
}
